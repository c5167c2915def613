package histories

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// Random makes a small random repository below dir, the same for the same
// seed: files that are edited, split, joined, moved, branched and merged, with
// secrets whole, cut, encoded and beside each other, kept in packs and loose
// objects of many kinds. It returns its path.
func Random(ctx context.Context, dir string, seed uint64) (string, error) {
	repo := filepath.Join(dir, fmt.Sprintf("random-%d", seed))
	r := rand.New(rand.NewPCG(seed, 42))
	args := []string{"init", "--quiet", "--bare", "--initial-branch=main"}
	if r.IntN(5) == 0 {
		args = append(args, "--object-format=sha256")
	}
	if err := git(ctx, dir, nil, append(args, repo)...); err != nil {
		return "", err
	}
	g := &generator{r: r, files: [3]map[string][]byte{{"a/main.go": nil, "b.txt": nil, "c.env": nil}, {}, {}}}
	commits := 4 + r.IntN(12)
	first := g.stream(0, commits)
	if err := git(ctx, repo, bytes.NewReader(first), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	for n := range r.IntN(3) {
		if err := pack(ctx, repo, r); err != nil {
			return "", err
		}
		more := g.stream(commits*(n+1), commits)
		if r.IntN(2) == 0 {
			if err := git(ctx, repo, nil, "config", "fastimport.unpackLimit", "100000"); err != nil {
				return "", err
			}
		}
		if err := git(ctx, repo, bytes.NewReader(more), "fast-import", "--quiet", "--force"); err != nil {
			return "", err
		}
	}
	if r.IntN(3) > 0 {
		if err := pack(ctx, repo, r); err != nil {
			return "", err
		}
	}
	return repo, nil
}

// pack packs a repository in one of the ways that git has.
func pack(ctx context.Context, repo string, r *rand.Rand) error {
	depth := []int{1, 5, 10, 50, 250}[r.IntN(5)]
	window := []int{2, 10, 50, 250}[r.IntN(4)]
	args := []string{"repack", "-q", fmt.Sprintf("--depth=%d", depth), fmt.Sprintf("--window=%d", window)}
	switch r.IntN(6) {
	case 0:
		args = append(args, "-adf")
	case 1:
		args = append(args, "-d")
	case 2:
		args = append(args, "-af") // the old packs stay
	case 3:
		args = append(args, "-adf", "--max-pack-size=1m")
	case 4:
		args = append(args, "-d", "--geometric=2")
	case 5:
		return refDeltas(ctx, repo, depth, window)
	}
	if err := git(ctx, repo, nil, args...); err != nil {
		return err
	}
	if r.IntN(3) == 0 {
		return git(ctx, repo, nil, "multi-pack-index", "write")
	}
	return nil
}

// refDeltas packs with deltas that name their bases.
func refDeltas(ctx context.Context, repo string, depth, window int) error {
	if err := git(ctx, repo, nil, "config", "repack.useDeltaBaseOffset", "false"); err != nil {
		return err
	}
	return git(ctx, repo, nil, "repack", "-qadf", fmt.Sprintf("--depth=%d", depth), fmt.Sprintf("--window=%d", window))
}

// generator makes what git fast-import reads. There are up to three branches,
// each with its files.
type generator struct {
	r     *rand.Rand
	files [3]map[string][]byte
	known [3]bool // a branch has a commit
	begun [3]bool // in this stream
}

// stream makes a run of commits.
func (g *generator) stream(from, commits int) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	g.begun = [3]bool{}
	for n := range commits {
		branch := 0
		if from+n > 3 {
			branch = g.r.IntN(3)
		}
		g.commit(w, branch, from+n)
	}
	w.Flush()
	return b.Bytes()
}

var branchNames = [3]string{"refs/heads/main", "refs/heads/side", "refs/heads/third"}

func (g *generator) commit(w *bufio.Writer, branch, n int) {
	message := fmt.Sprintf("change %d", n)
	if g.r.IntN(12) == 0 {
		message = g.secret()
	}
	fmt.Fprintf(w, "commit %s\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", branchNames[branch], 1_600_000_000+n*1000, len(message), message)
	if !g.known[branch] && branch > 0 {
		fmt.Fprintf(w, "from %s\n", branchNames[0])
		g.files[branch] = cloneFiles(g.files[0])
	} else if g.known[branch] && !g.begun[branch] {
		fmt.Fprintf(w, "from %s^0\n", branchNames[branch])
	}
	if other := g.r.IntN(3); g.r.IntN(4) == 0 && other != branch && g.known[other] && g.known[branch] {
		fmt.Fprintf(w, "merge %s\n", branchNames[other])
		for path, data := range sorted(g.files[other]) {
			if g.r.IntN(2) == 0 {
				g.files[branch][path] = data
			}
		}
	}
	g.known[branch], g.begun[branch] = true, true
	for range 1 + g.r.IntN(4) {
		g.change(g.files[branch])
	}
	fmt.Fprintln(w, "deleteall")
	for path, data := range sorted(g.files[branch]) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n", path, len(data))
		w.Write(data)
		w.WriteByte('\n')
	}
}

func cloneFiles(files map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(files))
	for path, data := range files {
		out[path] = data
	}
	return out
}

// sorted goes over files in order of path.
func sorted(files map[string][]byte) func(func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		var paths []string
		for path := range files {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		for _, path := range paths {
			if !yield(path, files[path]) {
				return
			}
		}
	}
}

// change changes one file.
func (g *generator) change(files map[string][]byte) {
	var paths []string
	for path := range sorted(files) {
		paths = append(paths, path)
	}
	path := paths[g.r.IntN(len(paths))]
	data := files[path]
	switch g.r.IntN(12) {
	case 0:
		files[g.name()] = g.text()
	case 1: // moved, perhaps with an edit
		delete(files, path)
		files[g.name()] = g.edit(data)
	case 2: // split
		cut := 0
		if len(data) > 0 {
			cut = g.r.IntN(len(data))
		}
		files[path], files[g.name()] = slices.Clone(data[:cut]), slices.Clone(data[cut:])
	case 3: // joined
		other := paths[g.r.IntN(len(paths))]
		files[path] = slices.Concat(data, files[other])
	case 4:
		if len(paths) > 2 {
			delete(files, path)
		}
	default:
		files[path] = g.edit(data)
	}
	for p, d := range files {
		if len(d) > 200_000 {
			files[p] = d[:50_000]
		}
	}
}

func (g *generator) name() string {
	folders := []string{"", "a/", "src/deep/er/", "config/"}
	ends := []string{".go", ".py", ".env", ".yaml", ".txt", ".json", ".md", ".sh", ".tf", ""}
	return fmt.Sprintf("%sf%d%s", folders[g.r.IntN(len(folders))], g.r.IntN(30), ends[g.r.IntN(len(ends))])
}

// text is a new file's content.
func (g *generator) text() []byte {
	var b bytes.Buffer
	for range g.r.IntN(60) {
		b.WriteString(g.line())
	}
	switch g.r.IntN(12) {
	case 0:
		return wide(b.String())
	case 1:
		return append(b.Bytes(), 0, 1, 2)
	case 2:
		return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n"))
	case 3:
		return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte(" "))
	}
	return b.Bytes()
}

func wide(text string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// edit changes some places of a content.
func (g *generator) edit(data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + g.r.IntN(4) {
		at := g.r.IntN(len(data) + 1)
		to := min(len(data), at+g.r.IntN(40))
		switch g.r.IntN(9) {
		case 0:
			data = slices.Concat(data[:at], []byte(g.line()), data[at:])
		case 1:
			data = slices.Concat(data[:at], []byte(g.secret()), data[at:])
		case 2:
			data = slices.Concat(data[:at], data[to:])
		case 3:
			if at < len(data) {
				data[at] = byte(' ' + g.r.IntN(95))
			}
		case 4:
			data = slices.Concat(data[:at], []byte("\n"), data[at:])
		case 5: // a block moves
			block := slices.Clone(data[at:to])
			rest := slices.Concat(data[:at], data[to:])
			at = g.r.IntN(len(rest) + 1)
			data = slices.Concat(rest[:at], block, rest[at:])
		case 6: // before a line
			start := bytes.LastIndexByte(data[:at], '\n') + 1
			data = slices.Concat(data[:start], []byte(g.line()), data[start:])
		case 7:
			data = append(data, g.line()...)
		case 8: // a comment at the end of a line
			if end := bytes.IndexByte(data[at:], '\n'); end >= 0 {
				mark := []string{" # remint:allow", " // gitleaks:allow", " # note"}[g.r.IntN(3)]
				data = slices.Concat(data[:at+end], []byte(mark), data[at+end:])
			}
		}
	}
	return data
}

func (g *generator) line() string {
	switch g.r.IntN(6) {
	case 0:
		return g.secret() + "\n"
	case 1:
		return fmt.Sprintf("password_%d = get(%q)\n", g.r.IntN(9), "x")
	case 2:
		return fmt.Sprintf("  // see https://acme.io/%d for the token of the client\n", g.r.IntN(999))
	}
	words := []string{"func", "return", "client", "token", "value", "if", "err", "!=", "nil", "{", "}", "secret", "key", ":=", "New(", ")", "range", "config."}
	var b strings.Builder
	for range 3 + g.r.IntN(9) {
		b.WriteString(words[g.r.IntN(len(words))] + " ")
	}
	return b.String() + "\n"
}

// secret is an example of some rule, as it is, cut, or encoded.
func (g *generator) secret() string {
	text := Examples()[g.r.IntN(len(Examples()))]
	switch g.r.IntN(8) {
	case 0:
		return base64.StdEncoding.EncodeToString([]byte(text))
	case 1:
		return "0x" + hex.EncodeToString([]byte(text))
	case 2:
		return wrap(base64.StdEncoding.EncodeToString([]byte("some words before it, and then " + text)))
	case 3:
		return text[:g.r.IntN(len(text)+1)]
	}
	return text
}

// wrap cuts a text into lines.
func wrap(s string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + "\n")
		s = s[64:]
	}
	return b.String() + s
}
