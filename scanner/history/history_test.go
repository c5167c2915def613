package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// grow commits versions of files that git will make deltas of, and every
// other kind of object.
func grow(r *gittest.Repo, commits int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	lines := make([]string, 400)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d has %x to say", i, rnd.Uint64())
	}
	for c := range commits {
		for range 5 {
			lines[rnd.IntN(len(lines))] = fmt.Sprintf("changed %x", rnd.Uint64())
		}
		r.Write("text.txt", strings.Join(lines, "\n"))
		r.Write(fmt.Sprintf("dir/%d/file", c%7), strings.Join(lines[:100], "\n"))
		r.Write("empty", "")
		r.Commit(fmt.Sprintf("commit %d", c))
	}
	r.Git("tag", "--annotate", "--message=a tag", "v1")
}

type object struct {
	id   ID
	typ  string
	data []byte
}

// everyObject asks git for all objects.
func everyObject(t *testing.T, r *gittest.Repo) []object {
	t.Helper()
	out := bufio.NewReader(strings.NewReader(r.Git("cat-file", "--batch-all-objects", "--unordered", "--batch")))
	var all []object
	for {
		line, err := out.ReadString('\n')
		if err == io.EOF {
			break
		}
		var name string
		var o object
		var size int
		if _, err := fmt.Sscanf(line, "%s %s %d", &name, &o.typ, &size); err != nil {
			t.Fatalf("git cat-file said %q: %v", line, err)
		}
		if o.id, err = ParseID(name); err != nil {
			t.Fatal(err)
		}
		o.data = make([]byte, size)
		if _, err := io.ReadFull(out, o.data); err != nil {
			t.Fatal(err)
		}
		if _, err := out.ReadByte(); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func open(t *testing.T, r *gittest.Repo) *Repo {
	t.Helper()
	repo, err := Open(r.GitDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	return repo
}

// compare makes sure that every object is what git says it is.
func compare(t *testing.T, r *gittest.Repo, atLeast int) *Repo {
	t.Helper()
	repo := open(t, r)
	all := everyObject(t, r)
	if len(all) < atLeast {
		t.Fatalf("git has %d objects, want at least %d", len(all), atLeast)
	}
	for _, o := range all {
		typ, data, err := repo.Object(o.id)
		if err != nil {
			t.Fatal(err)
		}
		if typ.String() != o.typ || !bytes.Equal(data, o.data) {
			t.Fatalf("object %s: a %s of %d bytes differs from git's %s of %d", o.id, typ, len(data), o.typ, len(o.data))
		}
		typ, size, err := repo.Header(o.id)
		if err != nil || typ.String() != o.typ || size != int64(len(o.data)) {
			t.Fatalf("header of %s = %s, %d, %v; want %s, %d", o.id, typ, size, err, o.typ, len(o.data))
		}
	}
	return repo
}

// packFiles counts the files in the pack directory with that extension.
func packFiles(t *testing.T, r *gittest.Repo, ext string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.GitDir(), "objects", "pack", "*"+ext))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestObjects(t *testing.T) {
	for _, c := range []struct {
		name   string
		format string
		pack   func(t *testing.T, r *gittest.Repo)
	}{
		{"loose", "sha1", func(*testing.T, *gittest.Repo) {}},
		{"loose sha256", "sha256", func(*testing.T, *gittest.Repo) {}},
		{"packed", "sha1", repack("--depth=50", "--window=10")},
		{"packed sha256", "sha256", repack("--depth=50", "--window=10")},
		{"deep", "sha1", repack("--depth=4000", "--window=250")},
		{"shallow deltas", "sha1", repack("--depth=1", "--window=2")},
		{"no deltas", "sha1", repack("--depth=0", "--window=0")},
		{"ref-delta", "sha1", refDeltas},
		{"index version 1", "sha1", reindex("--index-version=1")},
		{"long offsets", "sha1", reindex("--index-version=2,0x40")},
		{"many packs", "sha1", manyPacks},
		{"multi-pack-index", "sha1", withMulti},
		{"multi-pack-index sha256", "sha256", withMulti},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := gittest.New(t, "--object-format="+c.format)
			grow(r, 25)
			c.pack(t, r)
			compare(t, r, 100)
		})
	}
}

func repack(args ...string) func(*testing.T, *gittest.Repo) {
	return func(t *testing.T, r *gittest.Repo) {
		r.Git(append([]string{"repack", "-a", "-d", "-f", "--quiet"}, args...)...)
		if len(packFiles(t, r, ".pack")) != 1 {
			t.Fatal("there is not one pack")
		}
	}
}

func refDeltas(t *testing.T, r *gittest.Repo) {
	r.Git("-c", "repack.useDeltaBaseOffset=false", "repack", "-a", "-d", "-f", "--quiet", "--depth=20")
	p := &pack{base: strings.TrimSuffix(packFiles(t, r, ".pack")[0], ".pack"), format: SHA1}
	if _, err := p.find(ID{}); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	named := 0
	for _, o := range everyObject(t, r) {
		off, err := p.find(o.id)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := p.entry(off); err != nil {
			t.Fatal(err)
		} else if e.kind == idDelta {
			named++
		}
	}
	if named == 0 {
		t.Fatal("git made no delta whose base is named by its id")
	}
}

func reindex(version string) func(*testing.T, *gittest.Repo) {
	return func(t *testing.T, r *gittest.Repo) {
		repack()(t, r)
		name := packFiles(t, r, ".pack")[0]
		index := strings.TrimSuffix(name, ".pack") + ".idx"
		if err := os.Remove(index); err != nil {
			t.Fatal(err)
		}
		r.Git("index-pack", version, "-o", index, name)
	}
}

func manyPacks(t *testing.T, r *gittest.Repo) {
	r.Git("repack", "-d", "--quiet")
	for i := range 4 {
		r.Write("more", strings.Repeat(fmt.Sprintln("more", i), 1000))
		r.Commit("more")
		r.Git("repack", "-d", "--quiet")
	}
	r.Write("loose", "not packed")
	r.Commit("loose")
	if n := len(packFiles(t, r, ".pack")); n != 5 {
		t.Fatalf("there are %d packs", n)
	}
}

// withMulti writes a multi-pack-index, and a pack that it does not cover.
func withMulti(t *testing.T, r *gittest.Repo) {
	manyPacks(t, r)
	r.Git("multi-pack-index", "write")
	r.Write("later", "a pack that the multi-pack-index does not know")
	r.Commit("later")
	r.Git("repack", "-d", "--quiet")
	if _, err := os.Stat(filepath.Join(r.GitDir(), "objects", "pack", multiIndexName)); err != nil {
		t.Fatal(err)
	}
}

// The multi-pack-index answers for packs without an index of their own, and
// those indexes answer where it is damaged.
func TestMultiIndexAndIndexes(t *testing.T) {
	r := gittest.New(t)
	grow(r, 10)
	manyPacks(t, r)
	r.Git("multi-pack-index", "write")
	all := everyObject(t, r)
	multi := filepath.Join(r.GitDir(), "objects", "pack", multiIndexName)
	whole, err := os.ReadFile(multi)
	if err != nil {
		t.Fatal(err)
	}
	readAll := func() {
		t.Helper()
		repo := open(t, r)
		for _, o := range all {
			if _, data, err := repo.Object(o.id); err != nil || !bytes.Equal(data, o.data) {
				t.Fatalf("object %s: %v", o.id, err)
			}
		}
	}
	if err := os.Remove(multi); err != nil { // it is read-only
		t.Fatal(err)
	}
	if err := os.WriteFile(multi, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	readAll()
	if err := os.WriteFile(multi, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range packFiles(t, r, ".idx") {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	readAll()
}

func TestMissing(t *testing.T) {
	r := gittest.New(t)
	r.Write("a", "a")
	r.Commit("a")
	repo := open(t, r)
	id, err := ParseID(strings.Repeat("ab", 20))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = repo.Object(id)
	var missing *MissingError
	if !errors.Is(err, ErrMissing) || !errors.As(err, &missing) || missing.ID != id {
		t.Errorf("an object that is not there: %v", err)
	}
	if _, _, err := repo.Object(ID{}); !errors.Is(err, ErrMissing) {
		t.Errorf("the zero id: %v", err)
	}
}

// A repack while objects are read moves them.
func TestRepackMeanwhile(t *testing.T) {
	r := gittest.New(t)
	grow(r, 5)
	r.Git("repack", "-d", "--quiet")
	repo := open(t, r)
	head, err := repo.Head()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := repo.Object(head); err != nil {
		t.Fatal(err)
	}
	r.Write("new", "new")
	r.Commit("new")
	r.Git("repack", "-a", "-d", "-f", "--quiet")
	r.Git("prune-packed")
	if head, err = repo.Head(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := repo.Object(head); err != nil {
		t.Errorf("after a repack: %v", err)
	}
}

func TestAlternates(t *testing.T) {
	r := gittest.New(t)
	grow(r, 5)
	r.Git("repack", "-a", "-d", "--quiet")
	dir := t.TempDir()
	last := r
	for i := range 3 {
		next := gittest.At(t, filepath.Join(dir, fmt.Sprint("clone", i)))
		last.Git("clone", "--quiet", "--shared", ".", next.Dir)
		next.Write("own", fmt.Sprint("of ", i))
		next.Commit("own")
		last = next
	}
	compare(t, last, 20)

	own := filepath.Join(last.GitDir(), "objects", "info", "alternates")
	if err := os.WriteFile(own, []byte("# relative\n../objects\n\"../../../clone1/.git/objects\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	compare(t, last, 20)

	if err := os.WriteFile(own, []byte(filepath.Join(dir, "gone")), 0o600); err != nil {
		t.Fatal(err)
	}
	id, _ := ParseID(strings.Repeat("ab", 20))
	if _, _, err := open(t, last).Object(id); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "gone is not there") {
		t.Errorf("an alternate that is not there: %v", err)
	}
}

// Alternates that name one another end.
func TestAlternateLoop(t *testing.T) {
	a, b := gittest.New(t), gittest.New(t)
	for _, pair := range [][2]*gittest.Repo{{a, b}, {b, a}} {
		name := filepath.Join(pair[0].GitDir(), "objects", "info", "alternates")
		if err := os.WriteFile(name, []byte(filepath.Join(pair[1].GitDir(), "objects")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id, _ := ParseID(strings.Repeat("ab", 20))
	if _, _, err := open(t, a).Object(id); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	r := gittest.New(t)
	r.Git("config", "core.bigFileThreshold", "1m")
	want := strings.Repeat("0123456789abcde\n", 1<<17)
	r.Write("large", want)
	r.Write("small", "small")
	r.Commit("both")
	read := func() {
		t.Helper()
		repo := open(t, r)
		repo.limit = 1 << 20
		for path, want := range map[string]string{"large": want, "small": "small"} {
			id, err := ParseID(strings.TrimSpace(r.Git("rev-parse", "HEAD:"+path)))
			if err != nil {
				t.Fatal(err)
			}
			typ, size, content, err := repo.Stream(id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(content)
			if err != nil || typ != Blob || size != int64(len(want)) || string(got) != want {
				t.Errorf("%s: a %s of %d bytes, %d read, %v", path, typ, size, len(got), err)
			}
			if err := content.Close(); err != nil {
				t.Error(err)
			}
			_, _, err = repo.Object(id)
			var large *TooLargeError
			if path == "large" && (!errors.As(err, &large) || large.ID != id || large.Size != int64(len(want))) {
				t.Errorf("an object over the limit: %v", err)
			}
		}
	}
	read()
	r.Git("repack", "-a", "-d", "--quiet")
	read()
}

func TestConcurrent(t *testing.T) {
	r := gittest.New(t)
	grow(r, 10)
	r.Git("repack", "-a", "-d", "-f", "--quiet")
	all := everyObject(t, r)
	repo := open(t, r)
	errs := make(chan error)
	for range 4 {
		go func() {
			for _, o := range all {
				if _, data, err := repo.Object(o.id); err != nil || !bytes.Equal(data, o.data) {
					errs <- fmt.Errorf("object %s differs: %w", o.id, err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenNothing(t *testing.T) {
	if _, _, err := Find(t.TempDir(), nil); !errors.Is(err, ErrNotRepository) {
		t.Errorf("a directory without a repository: %v", err)
	}
	if _, _, err := Find(filepath.Join(t.TempDir(), "gone"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
