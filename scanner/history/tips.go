package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

// TipKind is why git keeps what a tip leads to.
type TipKind uint8

// The kinds of tips.
const (
	TipHead    TipKind = iota // HEAD, also that of a linked work tree
	TipRef                    // a branch, tag, note, remote branch or any other reference
	TipStash                  // refs/stash, and the older entries of its log
	TipReflog                 // what a reference was before
	TipOther                  // ORIG_HEAD, FETCH_HEAD, MERGE_HEAD and the like
	TipReplace                // refs/replace/…: what git shows in the place of another object
)

// Tip is an object that git keeps for its own sake, with all it leads to.
type Tip struct {
	// Name is "HEAD", "refs/heads/main", "refs/stash@{1}", "HEAD@{3}" or
	// "worktrees/name/HEAD"; it need not be UTF-8.
	Name string
	Kind TipKind
	ID   ID
}

// maxRefFile bounds packed-refs and logs, in bytes.
const maxRefFile = 1 << 30

// Tips returns everything that git keeps objects alive by but the index,
// references first, in order of name. What could not be read is told beside
// it. A reference whose object is not known has the zero ID: its name exists.
func (r *Repo) Tips() ([]Tip, []error) {
	t := &tips{repo: r, seen: make(map[Tip]bool)}
	if s := r.settings.refStorage; s != "" && s != "files" {
		t.problem(fmt.Errorf("%s: %w", r.gitDir, ErrReftable))
	}
	t.head("HEAD", r.gitDir)
	t.packed()
	t.folder(r.commonDir, "refs", "")
	t.worktrees()
	t.others(r.gitDir, "")
	sort.SliceStable(t.all, func(i, j int) bool { return t.all[i].Name < t.all[j].Name })
	t.logs(r.commonDir, "")
	if r.gitDir != r.commonDir {
		t.others(r.commonDir, "")
		t.head("main-worktree/HEAD", r.commonDir)
		t.logFile(filepath.Join(r.gitDir, "logs", "HEAD"), "HEAD")
	}
	return t.all, t.problems
}

type tips struct {
	repo     *Repo
	all      []Tip
	seen     map[Tip]bool
	problems []error
}

func (t *tips) problem(err error) { t.problems = append(t.problems, err) }

func (t *tips) add(name string, kind TipKind, id ID) {
	tip := Tip{name, kind, id}
	if !t.seen[tip] {
		t.seen[tip] = true
		t.all = append(t.all, tip)
	}
}

func kindOfRef(name string) TipKind {
	switch {
	case name == "refs/stash":
		return TipStash
	case strings.HasPrefix(name, "refs/replace/"):
		return TipReplace
	}
	return TipRef
}

// head adds the HEAD of a work tree, where it names a commit itself or its
// branch exists.
func (t *tips) head(name, dir string) {
	data, err := mapped.ReadFile(filepath.Join(dir, "HEAD"), refSize)
	if err != nil {
		t.problem(err)
		return
	}
	line := strings.TrimRight(string(data), " \t\r\n")
	if next, ok := strings.CutPrefix(line, "ref:"); ok {
		id, err := t.repo.follow(strings.TrimLeft(next, " \t"))
		if err != nil {
			t.problem(err)
		} else if !id.IsZero() {
			t.add(name, TipHead, id)
		}
		return
	}
	id, err := ParseID(line)
	if err != nil {
		t.problem(fmt.Errorf("%s holds no object id: %w", filepath.Join(dir, "HEAD"), err))
		return
	}
	t.add(name, TipHead, id)
}

// follow returns the object that a reference leads to, or the zero ID.
func (r *Repo) follow(name string) (ID, error) {
	for range refDepth {
		id, next, err := r.ref(name)
		if err != nil || next == "" {
			return id, err
		}
		name = next
	}
	return ID{}, fmt.Errorf("the reference %s leads through more than %d others", name, refDepth)
}

// packed adds the references of packed-refs that no file stands before.
func (t *tips) packed() {
	name := filepath.Join(t.repo.commonDir, "packed-refs")
	data, err := mapped.ReadFile(name, maxRefFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.problem(err)
		return
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if line == "" || line[0] == '#' || line[0] == '^' {
			continue
		}
		hex, ref, ok := strings.Cut(strings.TrimRight(line, "\r"), " ")
		id, err := ParseID(hex)
		if !ok || err != nil {
			t.problem(fmt.Errorf("%s has a line that names no reference; see `git fsck`", name))
			continue
		}
		if _, err := os.Lstat(filepath.Join(t.repo.commonDir, filepath.FromSlash(ref))); err == nil && validRef(ref) && !isDir(filepath.Join(t.repo.commonDir, filepath.FromSlash(ref))) {
			continue // a file says what it is now
		}
		t.add(ref, kindOfRef(ref), id)
	}
}

// folder adds the references that have files of their own below dir/name.
func (t *tips) folder(dir, name, prefix string) {
	entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.problem(err)
		}
		return
	}
	for _, e := range entries {
		full := name + "/" + e.Name()
		if e.IsDir() {
			t.folder(dir, full, prefix)
			continue
		}
		if strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		t.refFile(filepath.Join(dir, filepath.FromSlash(full)), prefix+full)
	}
}

func (t *tips) refFile(file, name string) {
	data, err := mapped.ReadFile(file, refSize)
	if err != nil {
		t.problem(fmt.Errorf("reference %s: %w", name, err))
		t.add(name, kindOfRef(name), ID{})
		return
	}
	line := strings.TrimRight(string(data), " \t\r\n")
	var id ID
	if next, ok := strings.CutPrefix(line, "ref:"); ok {
		id, err = t.repo.follow(strings.TrimLeft(next, " \t"))
	} else {
		line, _, _ = strings.Cut(line, " ")
		id, err = ParseID(line)
	}
	if err != nil {
		t.problem(fmt.Errorf("reference %s: %w", name, err))
	}
	t.add(name, kindOfRef(name), id)
}

// worktrees adds what the linked work trees have for themselves.
func (t *tips) worktrees() {
	root := filepath.Join(t.repo.commonDir, "worktrees")
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir, prefix := filepath.Join(root, e.Name()), "worktrees/"+e.Name()+"/"
		if dir == t.repo.gitDir || !e.IsDir() {
			continue
		}
		t.head(prefix+"HEAD", dir)
		t.folder(dir, "refs", prefix)
		t.others(dir, prefix)
		t.logs(dir, prefix)
	}
}

// others adds the files in which git remembers commits for a while: their
// names are in capitals, and each of their lines starts with an id.
func (t *tips) others(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.problem(err)
		return
	}
	for _, e := range entries {
		if name := e.Name(); e.Type().IsRegular() && name != "HEAD" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			t.idFile(filepath.Join(dir, name), prefix+name)
		}
	}
	for _, state := range []string{"rebase-merge/orig-head", "rebase-merge/onto", "rebase-merge/stopped-sha", "rebase-apply/orig-head", "rebase-apply/onto", "rebase-merge/autostash", "rebase-apply/autostash"} {
		t.idFile(filepath.Join(dir, filepath.FromSlash(state)), prefix+state)
	}
}

// idFile adds the ids that the lines of a file start with.
func (t *tips) idFile(file, name string) {
	data, err := mapped.ReadFile(file, maxRefFile)
	if err != nil {
		return // not there, or of no interest
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		hex, _, _ := strings.Cut(line, "\t")
		hex, _, _ = strings.Cut(hex, " ")
		if id, err := ParseID(strings.TrimSpace(hex)); err == nil {
			t.add(name, TipOther, id)
		}
	}
}

// logs adds what references were before.
func (t *tips) logs(dir, prefix string) {
	root := filepath.Join(dir, "logs")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err == nil {
			t.logFile(path, prefix+filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.problem(err)
	}
}

// logFile reads "old new person\tmessage" lines, oldest first.
func (t *tips) logFile(file, name string) {
	data, err := mapped.ReadFile(file, maxRefFile)
	if err != nil {
		t.problem(err)
		return
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	kind := TipReflog
	if name == "refs/stash" {
		kind = TipStash
	}
	digits := 2 * t.repo.format.Size()
	for i, line := range lines {
		if len(line) < 2*digits+1 {
			continue
		}
		number := len(lines) - 1 - i
		for back, hex := range []string{line[digits+1 : 2*digits+1], line[:digits]} {
			if id, err := ParseID(hex); err == nil && strings.Trim(hex, "0") != "" {
				t.add(fmt.Sprintf("%s@{%d}", name, number+back), kind, id)
			}
		}
	}
}
