package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// gaps returns "reason path" of each gap.
func gaps(t *testing.T, r *gittest.Repo) []string {
	t.Helper()
	var list []string
	for _, g := range open(t, r).Gaps(context.Background()) {
		if g.Detail == "" {
			t.Errorf("%s %s has no detail", g.Reason, g.Path)
		}
		list = append(list, g.Reason+" "+g.Path)
	}
	return list
}

func wantGaps(t *testing.T, r *gittest.Repo, want ...string) {
	t.Helper()
	if got := gaps(t, r); !slices.Equal(got, want) {
		t.Errorf("gaps are %q, want %q", got, want)
	}
}

func clone(t *testing.T, r *gittest.Repo, args ...string) *gittest.Repo {
	t.Helper()
	c := gittest.At(t, t.TempDir())
	c.Git(append(append([]string{"-c", "protocol.file.allow=always", "clone", "--quiet"}, args...), "file://"+filepath.ToSlash(r.Dir), ".")...)
	return c
}

func TestGapsOfClones(t *testing.T) {
	r := gittest.New(t)
	r.Git("config", "uploadpack.allowFilter", "true")
	grow(r, 5)
	wantGaps(t, r)
	wantGaps(t, clone(t, r))
	shallow := clone(t, r, "--depth=2")
	wantGaps(t, shallow, "shallow "+revParse(r, "HEAD~1"))
	put(t, shallow, "shallow", revParse(r, "HEAD~1")+"\nwhat\n"+strings.Repeat("12345", 8)+"\n")
	wantGaps(t, shallow, "shallow "+filepath.Join(shallow.GitDir(), "shallow"), "shallow "+revParse(r, "HEAD~1"))
	put(t, shallow, "shallow", revParse(r, "HEAD~1")+"\n")
	shallow.Git("fetch", "--quiet", "--unshallow")
	wantGaps(t, shallow)
	// What is whole in truth is no gap, whatever the file says.
	put(t, shallow, "shallow", revParse(r, "HEAD~1")+"\n"+revParse(r, "HEAD~4")+"\n")
	wantGaps(t, shallow)

	partial := clone(t, r, "--filter=blob:none", "--no-checkout")
	wantGaps(t, partial, "partial-clone origin")
	partial.Git("config", "--remove-section", "remote.origin")
	if got := gaps(t, partial); len(got) != 1 || !strings.HasPrefix(got[0], "partial-clone ") || !strings.HasSuffix(got[0], ".promisor") {
		t.Errorf("without its configuration: %q", got)
	}
}

func TestGapsOfHistory(t *testing.T) {
	r := gittest.New(t)
	grow(r, 3)
	head, parent, root := revParse(r, "HEAD"), revParse(r, "HEAD~1"), revParse(r, "HEAD~2")
	r.Git("replace", head, root)
	r.Git("pack-refs", "--all")
	put(t, r, "info/grafts", "# comment\n"+head+" "+root+"\n"+parent+"\nwhat\n")
	wantGaps(t, r, "replaced "+head, "grafted "+filepath.Join(r.GitDir(), "info", "grafts"), "grafted "+head, "grafted "+parent)
}

func TestGapsOfAlternates(t *testing.T) {
	r := gittest.New(t)
	grow(r, 2)
	c := gittest.At(t, t.TempDir())
	c.Git("clone", "--quiet", "--shared", r.Dir, ".")
	wantGaps(t, c)
	gone := filepath.Join(t.TempDir(), "gone")
	objects := filepath.Join(r.GitDir(), "objects")
	put(t, c, "objects/info/alternates", objects+"\n"+gone+"\n")
	wantGaps(t, c, "missing "+gone)
}

// superproject makes a repository with submodules, one of which has one.
func superproject(t *testing.T) *gittest.Repo {
	t.Helper()
	inner, outer, r := gittest.New(t), gittest.New(t), gittest.New(t)
	inner.Write("inner", "inner")
	inner.Commit("inner")
	outer.Write("outer", "outer")
	outer.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.Dir, "deep/inner")
	outer.Commit("outer")
	r.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "a/name", outer.Dir, "libs/outer")
	r.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.Dir, "libs/in ner")
	r.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
	r.Commit("submodules")
	return r
}

func modules(t *testing.T, r *gittest.Repo) []string {
	t.Helper()
	all, err := open(t, r).Modules(context.Background())
	if err != nil {
		t.Error(err)
	}
	var list []string
	for _, m := range all {
		if repo, err := Open(m.GitDir, Options{}); err != nil {
			t.Error(err)
		} else if head, err := repo.Head(); err != nil || head.IsZero() {
			t.Errorf("%s: HEAD is %s, %v", m.GitDir, head, err)
		}
		list = append(list, m.Name+" at "+m.Path)
	}
	return list
}

func TestModules(t *testing.T) {
	r := superproject(t)
	want := []string{"a/name at libs/outer", "a/name/modules/deep/inner at libs/outer/deep/inner", "libs/in ner at libs/in ner"}
	if got := modules(t, r); !slices.Equal(got, want) {
		t.Errorf("modules are %q, want %q", got, want)
	}
	wantGaps(t, r)

	// Where the configuration says nothing, .gitmodules does.
	gittest.At(t, filepath.Join(r.GitDir(), "modules", "a", "name")).Git("config", "--unset", "core.worktree")
	if got := modules(t, r); !slices.Equal(got, want) {
		t.Errorf("without core.worktree, modules are %q, want %q", got, want)
	}

	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	r.Git("worktree", "add", "--quiet", "--detach", linked.Dir)
	linked.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "libs/in ner")
	want = append(want, "worktrees/linked/modules/libs/in ner at libs/in ner")
	for _, repo := range []*gittest.Repo{r, linked} {
		if got := modules(t, repo); !slices.Equal(got, want) {
			t.Errorf("with a linked work tree, modules are %q, want %q", got, want)
		}
	}

	broken := filepath.Join(r.GitDir(), "modules", "libs", "in ner")
	if err := os.Remove(filepath.Join(broken, "HEAD")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, r).Modules(context.Background()); err == nil || !strings.Contains(err.Error(), "in ner: it has objects and no HEAD") {
		t.Errorf("a module without HEAD: %v", err)
	}
	if got := gaps(t, r); !slices.Contains(got, "corrupt "+broken) {
		t.Errorf("a module without HEAD: %q", got)
	}
}

func TestGapsOfSubmodules(t *testing.T) {
	r := superproject(t)
	wantGaps(t, clone(t, r), "submodule libs/in ner", "submodule libs/outer")
	wantGaps(t, clone(t, r, "--bare"), "submodule libs/in ner", "submodule libs/outer")

	// A repository in the work tree, without a .gitmodules; and one in the index only.
	for _, path := range []string{"own", "staged"} {
		sub := gittest.At(t, filepath.Join(r.Dir, path))
		r.Write(path+"/file", path)
		sub.Git("init", "--quiet")
		sub.Commit(path)
	}
	r.Git("-c", "advice.addEmbeddedRepo=false", "add", "own")
	r.Git("commit", "--quiet", "--message=own")
	r.Git("-c", "advice.addEmbeddedRepo=false", "add", "staged")
	wantGaps(t, r)
	if got := modules(t, r); !slices.Contains(got, "own at own") || !slices.Contains(got, "staged at staged") {
		t.Errorf("modules are %q", got)
	}
	for _, path := range []string{"own", "staged"} {
		if err := os.RemoveAll(filepath.Join(r.Dir, path, ".git")); err != nil {
			t.Fatal(err)
		}
	}
	wantGaps(t, r, "submodule own", "submodule staged")

	// A submodule that does not have the commit.
	r.Git("reset", "--quiet", "--hard", "HEAD~")
	r.Git("update-index", "--cacheinfo", "160000,"+strings.Repeat("12345", 8)+",libs/outer")
	wantGaps(t, r, "submodule libs/outer")

	// The tree of HEAD cannot be read.
	tree := revParse(r, "HEAD^{tree}")
	if err := os.Remove(filepath.Join(r.GitDir(), "objects", tree[:2], tree[2:])); err != nil {
		t.Fatal(err)
	}
	wantGaps(t, r, "missing "+tree, "submodule libs/outer")
}

func TestIndexEntries(t *testing.T) {
	r := gittest.New(t)
	r.Write("file", "base")
	r.Commit("base")
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	r.Git("worktree", "add", "--quiet", "-b", "side", linked.Dir)
	linked.Write("file", "side")
	linked.Commit("side")
	linked.Write("staged", "in the linked one")
	linked.Git("add", "staged")
	r.Write("file", "main")
	r.Commit("main")
	if _, err := r.Try("", "merge", "side"); err == nil {
		t.Fatal("there is no conflict")
	}
	r.Write("later", "later")
	r.Git("add", "--intent-to-add", "later")
	if err := os.Symlink("file", filepath.Join(r.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	r.Git("add", "link")
	entries, err := open(t, r).IndexEntries()
	if err != nil {
		t.Error(err)
	}
	var got, want []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %06o %s %d\t%s", e.Index, e.Mode, e.ID, e.Stage, e.Path))
	}
	for index, repo := range map[string]*gittest.Repo{"index": r, "worktrees/linked/index": linked} {
		for line := range strings.Lines(repo.Git("ls-files", "--stage")) {
			if line = strings.TrimSpace(line); !strings.HasSuffix(line, "later") {
				want = append(want, index+" "+line)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) != 6 {
		t.Errorf("entries are %q, want %q", got, want)
	}
	r.Git("add", "file")
	resolved := 0
	if entries, err = open(t, r).IndexEntries(); err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if e.Resolved {
			resolved += e.Stage
		}
	}
	if resolved != 1+2+3 {
		t.Errorf("the sides of the resolved conflict are missing: %+v", entries)
	}
	put(t, r, "index", "what is this")
	entries, err = open(t, r).IndexEntries()
	if err == nil || !strings.Contains(err.Error(), "index is corrupt") || len(entries) != 2 {
		t.Errorf("with one index broken: %d entries, %v", len(entries), err)
	}
}

func FuzzGrafts(f *testing.F) {
	id := strings.Repeat("0123456789", 4)
	f.Add([]byte("# x\n" + id + " " + id + "\n" + id + "\nx " + id + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{SHA1, SHA256} {
			parseGrafts(data, format, func(id ID) {
				if len(id.Bytes()) != format.Size() {
					t.Errorf("commit %s", id)
				}
			})
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add("[submodule \"a \\\" ] b\"]\n\tpath = x # y\n[remote.origin] promisor\n")
	f.Fuzz(func(t *testing.T, text string) {
		total := 0
		parseConfig(text, func(section, sub, key, value string) { total += len(key) + len(value) })
		if total > 4*len(text)+4*strings.Count(text, "\n")+4 {
			t.Errorf("%d bytes of settings in %d", total, len(text))
		}
	})
}
