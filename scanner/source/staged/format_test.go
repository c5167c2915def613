package staged

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gitindex"
	"github.com/remint/remint/scanner/history/gittest"
)

func readIndex(t testing.TB, g *gittest.Repo) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(g.GitDir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// hasExtension makes sure that the index is of the kind that a test is about.
func hasExtension(t *testing.T, g *gittest.Repo, name string) {
	t.Helper()
	if !bytes.Contains(readIndex(t, g), []byte(name)) {
		t.Fatalf("git wrote no %s extension", name)
	}
}

func TestVersions(t *testing.T) {
	g := start(t)
	g.Write("dir/sub/c.txt", lines("c", 21))
	long := strings.Repeat("long/", 900) + "name" // longer than an entry's length field tells
	id := strings.TrimSpace(g.GitInput("long", "hash-object", "-w", "--stdin"))
	g.GitInput("100644 "+id+"\t"+long+"\n", "update-index", "--index-info")
	g.Git("add", "dir")
	for _, v := range []string{"2", "4", "3"} {
		g.Git("update-index", "--index-version="+v)
		check(t, g, "modified dir/sub/c.txt", "added "+long)
	}
	g.Write("later", "x")
	g.Git("add", "--intent-to-add", "later") // which only version 3 and later can say
	for _, v := range []string{"3", "4"} {
		g.Git("update-index", "--index-version="+v)
		if got := readIndex(t, g)[7]; fmt.Sprint(got) != v {
			t.Fatalf("the index has version %d, not %s", got, v)
		}
		check(t, g, "modified dir/sub/c.txt", "added "+long, "intent later")
	}
}

func TestSplitIndex(t *testing.T) {
	for _, version := range []string{"2", "4"} {
		g := start(t)
		for i := range 200 {
			g.Write(fmt.Sprintf("many/%03d", i), fmt.Sprint("many ", i))
		}
		g.Commit("many")
		g.Git("config", "splitIndex.maxPercentChange", "100")
		g.Git("update-index", "--index-version="+version)
		g.Git("update-index", "--split-index")
		hasExtension(t, g, "link")
		check(t, g)
		g.Write("many/007", "changed")
		g.Write("many/100", "changed")
		g.Write("many/new", "new")
		g.Git("add", "--all")
		g.Git("rm", "--quiet", "--cached", "many/150", "z")
		hasExtension(t, g, "link")
		if got := readIndex(t, g)[7]; fmt.Sprint(got) != version {
			t.Fatalf("the index has version %d, not %s", got, version)
		}
		check(t, g, "modified many/007", "modified many/100", "added many/new")

		shared, err := filepath.Glob(filepath.Join(g.GitDir(), "sharedindex.*"))
		if err != nil || len(shared) == 0 {
			t.Fatal(shared, err)
		}
		for _, name := range shared {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := open(t, g.Dir).Changes(context.Background()); err == nil || !strings.Contains(err.Error(), "sharedindex.") {
			t.Errorf("without its shared part: %v", err)
		}
	}
}

func TestSparseIndex(t *testing.T) {
	g := start(t)
	for _, dir := range []string{"in", "out", "out2/deep"} {
		for i := range 5 {
			g.Write(fmt.Sprintf("%s/%d", dir, i), fmt.Sprint(dir, i))
		}
	}
	g.Commit("more")
	g.Git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
	hasExtension(t, g, "sdir")
	check(t, g)
	g.Write("in/1", "changed")
	g.Git("add", "in/1")
	hasExtension(t, g, "sdir")
	check(t, g, "modified in/1")

	// HEAD goes back, the index does not: directories outside of the checkout
	// differ as a whole, one of them from nothing.
	g.Git("commit", "--quiet", "--message=in")
	g.Git("sparse-checkout", "disable")
	g.Write("out/1", "changed")
	g.Write("out/new/file", "new")
	g.Write("out3/file", "new")
	if err := os.Remove(filepath.Join(g.Dir, "out/2")); err != nil {
		t.Fatal(err)
	}
	g.Commit("out")
	g.Git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
	g.Git("reset", "--quiet", "--soft", "HEAD~")
	hasExtension(t, g, "sdir")
	check(t, g, "modified out/1", "added out/new/file", "added out3/file")
}

func TestExtensions(t *testing.T) {
	g := start(t)
	g.Git("config", "core.untrackedCache", "true")
	g.Git("config", "index.recordEndOfIndexEntries", "true")
	g.Git("config", "index.recordOffsetTable", "true")
	g.Git("config", "index.threads", "2")
	g.Git("update-index", "--untracked-cache")
	hook := filepath.Join(g.GitDir(), "monitor")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nprintf 'token\\0/\\0'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	g.Git("config", "core.fsmonitor", hook)
	g.Git("update-index", "--fsmonitor")
	g.Git("update-index", "--refresh")
	g.Git("status")
	g.Write("a.txt", "changed")
	g.Git("update-index", "a.txt")
	for _, name := range []string{"UNTR", "FSMN", "EOIE", "TREE"} {
		hasExtension(t, g, name)
	}
	check(t, g, "modified a.txt")
}

func TestResolveUndo(t *testing.T) {
	g := start(t)
	g.Git("checkout", "--quiet", "-b", "theirs")
	g.Write("a.txt", "theirs")
	g.Commit("theirs")
	g.Git("checkout", "--quiet", "main")
	g.Write("a.txt", "ours")
	g.Commit("ours")
	if _, err := g.Try("", "merge", "theirs"); err == nil {
		t.Fatal("there is no conflict")
	}
	g.Write("a.txt", "resolved")
	g.Git("add", "a.txt")
	hasExtension(t, g, "REUC")
	check(t, g, "modified a.txt")
}

func TestSkipHash(t *testing.T) {
	g := start(t)
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	data := readIndex(t, g)
	clear(data[len(data)-20:]) // what index.skipHash makes newer gits do
	if err := os.WriteFile(filepath.Join(g.GitDir(), "index"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, g, "modified a.txt")
}

func TestCorruptIndex(t *testing.T) {
	g := start(t)
	g.Write("dir/b.txt", "changed")
	g.Git("add", "--all")
	whole := readIndex(t, g)
	name := filepath.Join(g.GitDir(), "index")
	for what, bad := range map[string][]byte{
		"empty":         {},
		"no index":      []byte("what is this"),
		"cut":           whole[:len(whole)/2],
		"a bit flipped": append(append(append([]byte(nil), whole[:80]...), whole[80]^1), whole[81:]...),
		"version 9":     append(append(append([]byte(nil), whole[:7]...), 9), whole[8:]...),
		"many entries":  append(append(append([]byte(nil), whole[:8]...), 0xff), whole[9:]...),
		"noise after":   append(append([]byte(nil), whole...), whole...),
	} {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, g.Dir).Changes(context.Background())
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
		if what != "version 9" && !errors.Is(err, gitindex.ErrCorrupt) {
			t.Errorf("%s: %v is not ErrCorrupt", what, err)
		}
	}
	// What the error advises works.
	g.Git("read-tree", "HEAD")
	check(t, g)
}

func TestMissingObjects(t *testing.T) {
	g := start(t)
	g.Write("a.txt", "changed")
	g.Git("add", "--all")
	c := check(t, g, "modified a.txt")
	id := c.Changes[0].New.ID.String()
	loose := filepath.Join(g.GitDir(), "objects", id[:2], id[2:])
	if err := os.Remove(loose); err != nil {
		t.Fatal(err)
	}
	r := open(t, g.Dir)
	if _, err := r.Content(c.Changes[0].New.ID); !errors.Is(err, history.ErrMissing) || !strings.Contains(err.Error(), id) {
		t.Errorf("a blob that is not there: %v", err)
	}
	tree := strings.TrimSpace(g.Git("rev-parse", "HEAD^{tree}"))
	if err := os.Remove(filepath.Join(g.GitDir(), "objects", tree[:2], tree[2:])); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Changes(context.Background()); !errors.Is(err, history.ErrMissing) || !strings.Contains(err.Error(), tree) {
		t.Errorf("a tree that is not there: %v", err)
	}
	if _, err := r.Content(history.NewID(make([]byte, 20))); !errors.Is(err, history.ErrMissing) {
		t.Errorf("an id of nothing: %v", err)
	}
}

// Whatever is done to an index, what is seen is what git sees.
func TestRandom(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		g := gittest.New(t)
		names := []string{"a", "a.b", "a/b", "a/b/c", "a-b", "b/x", "b/x.y", "b/x/z", "c", "c0/d", "c/d", "d/e/f/g", "d/e/f.g", "d/e"}
		touch := func(n int) {
			for range n {
				name := names[rnd.IntN(len(names))]
				path := filepath.Join(g.Dir, name)
				if rnd.IntN(4) == 0 {
					os.RemoveAll(path)
					continue
				}
				for dir := filepath.Dir(path); dir != g.Dir; dir = filepath.Dir(dir) {
					if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
						os.Remove(dir)
					}
				}
				os.RemoveAll(path)
				g.Write(name, fmt.Sprint("content ", rnd.IntN(5)))
			}
		}
		for round := range 8 {
			touch(6)
			g.Git("add", "--all")
			switch rnd.IntN(6) {
			case 0:
				g.Git("update-index", "--index-version="+fmt.Sprint(2+rnd.IntN(3)))
			case 1:
				g.Git("update-index", "--split-index")
			case 2:
				g.Git("update-index", "--no-split-index")
			case 3:
				g.Git("write-tree")
			case 4:
				g.Git("repack", "-a", "-d", "--quiet")
			}
			r := open(t, g.Dir)
			oracle(t, g, r, changes(t, r))
			if t.Failed() {
				t.Fatalf("seed %d, round %d", seed, round)
			}
			if rnd.IntN(2) == 0 {
				g.Git("commit", "--quiet", "--allow-empty", "--message=x")
			}
		}
	}
}

// FuzzIndex compares an index with a real HEAD.
func FuzzIndex(f *testing.F) {
	g := start(f)
	f.Add(readIndex(f, g))
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	g.Git("update-index", "--index-version=4")
	f.Add(readIndex(f, g))
	repo := open(f, g.Dir)
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := gitindex.Parse(data, history.SHA1.Size())
		if err != nil {
			return
		}
		c, err := repo.compare(context.Background(), x)
		if err == nil && len(c.Changes)+len(c.Submodules)+len(c.IntentToAdd) > len(x.Entries) && !sparse(x) {
			t.Errorf("%d changes of %d entries", len(c.Changes), len(x.Entries))
		}
	})
}

// sparse tells whether one entry can stand for many files.
func sparse(x *gitindex.Index) bool {
	return slices.ContainsFunc(x.Entries, func(e gitindex.Entry) bool { return e.IsDir() })
}
