package gitindex

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// listed asks git what the index holds, as lines of `git ls-files --stage`.
func listed(r *gittest.Repo) []string {
	return strings.FieldsFunc(r.Git("ls-files", "--stage", "-z"), func(c rune) bool { return c == 0 })
}

func TestRead(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		size := 20
		if format == "sha256" {
			size = 32
		}
		for _, mode := range [][]string{{"--index-version=2"}, {"--index-version=4"}, {"--split-index"}, {"--index-version=4", "--split-index"}} {
			r := gittest.New(t, "--object-format="+format)
			r.Git("config", "splitIndex.maxPercentChange", "100")
			for i := range 50 {
				r.Write(fmt.Sprintf("dir%d/file%d", i%3, i), fmt.Sprint(i))
			}
			r.Commit("one")
			r.Git(append([]string{"update-index"}, mode...)...)
			r.Write("dir1/file1", "changed")
			r.Write("new", "new")
			r.Git("add", "--all")
			r.Git("rm", "--quiet", "--cached", "dir2/file2")
			x, err := Read(filepath.Join(r.GitDir(), "index"), r.GitDir(), size)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range x.Entries {
				got = append(got, fmt.Sprintf("%06o %x %d\t%s", e.Mode(), e.RawID(), e.Stage, e.Name))
			}
			if want := listed(r); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s %v: %q, want %q", format, mode, got, want)
			}
			if err := x.Verify(context.Background()); err != nil {
				t.Error(err)
			}
			x.Close()
		}
	}
	if x, err := Read(filepath.Join(t.TempDir(), "index"), "", 20); err != nil || len(x.Entries) > 0 {
		t.Errorf("without an index: %v", err)
	}
}

func TestResolved(t *testing.T) {
	r := gittest.New(t)
	commit := func(branch, content string) {
		r.Git("checkout", "--quiet", "-B", branch)
		r.Write("file", content)
		r.Commit(content)
	}
	commit("main", "base")
	commit("theirs", "theirs")
	r.Git("checkout", "--quiet", "main")
	commit("main", "ours")
	if _, err := r.Try("", "merge", "theirs"); err == nil {
		t.Fatal("there is no conflict")
	}
	want := listed(r)
	if len(want) != 3 {
		t.Fatalf("the conflict has the sides %q", want)
	}
	r.Write("file", "resolved")
	r.Git("add", "file")
	x, err := Read(filepath.Join(r.GitDir(), "index"), r.GitDir(), 20)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var got []string
	for _, e := range x.Resolved {
		got = append(got, fmt.Sprintf("%06o %x %d\t%s", e.Mode, e.RawID, e.Stage, e.Name))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzIndex parses an index, and the shared part of one.
func FuzzIndex(f *testing.F) {
	r := gittest.New(f)
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	name := filepath.Join(r.GitDir(), "index")
	for i := range 5 {
		r.Write(fmt.Sprintf("dir%d/file", i), fmt.Sprint(i))
	}
	r.Commit("one")
	f.Add(read(name), []byte(nil))
	r.Git("update-index", "--index-version=4")
	f.Add(read(name), []byte(nil))
	r.Git("update-index", "--split-index")
	r.Write("dir0/file", "changed")
	r.Git("-c", "splitIndex.maxPercentChange=100", "update-index", "dir0/file")
	shared, err := filepath.Glob(filepath.Join(r.GitDir(), "sharedindex.*"))
	if err != nil || len(shared) == 0 {
		f.Fatal(shared, err)
	}
	f.Add(read(name), read(shared[0]))
	f.Fuzz(func(t *testing.T, data, shared []byte) {
		for _, size := range []int{20, 32} {
			x, err := Parse(data, size)
			if err != nil {
				continue
			}
			if name, err := x.sharedName(size); err == nil && name != "" {
				if s, err := Parse(shared, size); err == nil && x.merge(s, size) != nil {
					continue
				}
			}
			for _, e := range x.Entries {
				if len(e.raw) != statSize+size || e.Stage > 3 || bytes.IndexByte(e.Name, 0) >= 0 {
					t.Errorf("entry %q, stage %d", e.Name, e.Stage)
				}
			}
			for _, e := range x.Resolved {
				if len(e.RawID) != size || e.Stage < 1 || e.Stage > 3 {
					t.Errorf("resolved %q, stage %d", e.Name, e.Stage)
				}
			}
			for i, n := range x.Tree {
				if n.Next <= int32(i) || int(n.Next) > len(x.Tree) || n.ID != nil && len(n.ID) != size {
					t.Errorf("node %d of %d: %+v", i, len(x.Tree), n)
				}
			}
		}
	})
}
