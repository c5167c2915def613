package staged

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gittest"
)

// hookOut names the file to which the test binary, run as a git hook, writes
// what it sees.
const hookOut = "STAGED_TEST_HOOK_OUT"

func TestMain(m *testing.M) {
	if name := os.Getenv(hookOut); name != "" {
		if err := os.WriteFile(name, []byte(seen()), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "GIT_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// seen is what Open and Changes say in the current directory.
func seen() string {
	r, err := Open(context.Background(), ".")
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	c, err := r.Changes(context.Background())
	if err != nil {
		return err.Error()
	}
	return strings.Join(summary(c), "\n")
}

// summary is one line for each change.
func summary(c *Changes) []string {
	var out []string
	for _, x := range c.Changes {
		line := string(x.Kind) + " " + x.Path
		if x.OldPath != "" && x.OldPath != x.Path {
			line += " from " + x.OldPath
		}
		if x.Stage != 0 {
			line += fmt.Sprint(" stage ", x.Stage)
		}
		out = append(out, line)
	}
	for _, p := range c.Submodules {
		out = append(out, "submodule "+p)
	}
	for _, p := range c.IntentToAdd {
		out = append(out, "intent "+p)
	}
	return out
}

func open(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func changes(t testing.TB, r *Repo) *Changes {
	t.Helper()
	c, err := r.Changes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check compares what is seen with what is wanted, and with what git sees.
func check(t *testing.T, g *gittest.Repo, want ...string) *Changes {
	t.Helper()
	r := open(t, g.Dir)
	c := changes(t, r)
	if got := summary(c); !slices.Equal(got, want) {
		t.Errorf("staged:\n\t%q\nwant:\n\t%q", got, want)
	}
	oracle(t, g, r, c)
	return c
}

// oracle compares with `git diff --cached`, and each content with git's.
func oracle(t *testing.T, g *gittest.Repo, r *Repo, c *Changes) {
	t.Helper()
	raw := strings.Split(g.Git("diff", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--ita-invisible-in-index"), "\x00")
	var want, got []string
	unmerged := map[string]bool{}
	for i := 0; i+1 < len(raw); i += 2 {
		f := strings.Fields(raw[i]) // ":mode mode id id letter"
		switch {
		case f[4] == "U":
			unmerged[raw[i+1]] = true
		case f[4] != "D" && f[1] != "160000":
			want = append(want, f[3]+" "+raw[i+1])
		}
	}
	for _, x := range c.Changes {
		if x.Kind == Unmerged {
			if !unmerged[x.Path] {
				t.Errorf("%q is unmerged, but not to git", x.Path)
			}
		} else {
			got = append(got, x.New.ID.String()+" "+x.Path)
		}
		wantContent(t, g, r, x.New)
		if !x.Old.ID.IsZero() {
			wantContent(t, g, r, x.Old)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("staged:\n\t%q\ngit diff --cached:\n\t%q", got, want)
	}
}

func wantContent(t *testing.T, g *gittest.Repo, r *Repo, o Object) {
	t.Helper()
	data, err := r.Content(o.ID)
	if want := g.Git("cat-file", "blob", o.ID.String()); err != nil || string(data) != want {
		t.Errorf("content of %s differs from git's: %v", o.ID, err)
	}
}

// lines is a text of n lines that no other seed has.
func lines(seed string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d\n", seed, i)
	}
	return b.String()
}

// start makes a repository with a few files and a commit.
func start(t testing.TB, args ...string) *gittest.Repo {
	t.Helper()
	g := gittest.New(t, args...)
	g.Write("a.txt", lines("a", 20))
	g.Write("dir/b.txt", lines("b", 20))
	g.Write("dir/sub/c.txt", lines("c", 20))
	g.Write("dir.d/x", lines("x", 20))
	g.Write("z", lines("z", 20))
	g.Commit("first")
	return g
}

func TestNothingStaged(t *testing.T) {
	g := start(t)
	check(t, g)
	g.Write("a.txt", "changed, not staged")
	g.Write("untracked", "x")
	check(t, g)
}

func TestKinds(t *testing.T) {
	g := start(t)
	g.Write("a.txt", lines("a", 21))
	g.Write("dir/new", "new")
	g.Write("dir/sub/deeper/new", "new")
	g.Git("add", "a.txt", "dir")
	g.Git("rm", "--quiet", "z")
	g.Git("update-index", "--chmod=+x", "dir.d/x")
	c := check(t, g, "modified a.txt", "modified dir.d/x", "added dir/new", "added dir/sub/deeper/new")
	if x := c.Changes[1]; x.New.ID != x.Old.ID || x.New.Mode != history.ModeExec || x.Old.Mode != history.ModeFile {
		t.Errorf("a change of permissions: %+v", x)
	}
	if x := c.Changes[2]; !x.Old.ID.IsZero() || x.OldPath != "" {
		t.Errorf("a new file has an old content: %+v", x)
	}
}

func TestFileBecomesDirectory(t *testing.T) {
	g := start(t)
	g.Git("rm", "--quiet", "-r", "z", "dir")
	g.Write("z/inner", "one\n")
	g.Write("dir", "two\n")
	g.Git("add", "--all")
	check(t, g, "added dir", "added z/inner")
}

// What `git add -p` does: a part of a file's changes is staged.
func TestPartialStaging(t *testing.T) {
	g := start(t)
	old := lines("a", 20)
	g.Write("a.txt", "staged\n"+old+"not staged\n")
	g.GitInput("diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,2 @@\n+staged\n a 0\n",
		"apply", "--cached", "-")
	c := check(t, g, "modified a.txt")
	r := open(t, g.Dir)
	now, err := r.Content(c.Changes[0].New.ID)
	if err != nil || string(now) != "staged\n"+old {
		t.Errorf("staged content %q, %v", now, err)
	}
	was, err := r.Content(c.Changes[0].Old.ID)
	if err != nil || string(was) != old {
		t.Errorf("content of HEAD %q, %v", was, err)
	}
}

func TestRenames(t *testing.T) {
	g := start(t)
	g.Write("twin/a.txt", lines("twin", 10))
	g.Write("twin/b.txt", lines("twin", 10))
	g.Write("other/a.txt", lines("twin", 10))
	g.Commit("twins")
	g.Git("rm", "--quiet", "-r", ".")
	g.Write("new/a.txt", lines("a", 20)+"edited\n")                       // with an edit
	g.Write("new/pure", lines("b", 20))                                   // without
	g.Write("new/half", lines("c", 10)+lines("else", 10))                 // half of it
	g.Write("new/less", lines("x", 9)+lines("more", 11))                  // less than half
	g.Write("moved/b.txt", lines("twin", 10))                             // three have the content, one the name
	g.Write("new/crlf", strings.ReplaceAll(lines("z", 20), "\n", "\r\n")) // the same lines
	g.Git("add", "--all")
	c := check(t, g,
		"renamed moved/b.txt from twin/b.txt",
		"renamed new/a.txt from a.txt",
		"renamed new/crlf from z",
		"renamed new/half from dir/sub/c.txt",
		"added new/less",
		"renamed new/pure from dir/b.txt")
	if x := c.Changes[5]; x.New.ID != x.Old.ID {
		t.Error("the content of a pure rename differs")
	}
}

// One file that is gone serves one new file, the one most like it.
func TestRenameOnce(t *testing.T) {
	g := start(t)
	g.Git("rm", "--quiet", "a.txt")
	g.Write("near", lines("a", 19))
	g.Write("far", lines("a", 12))
	g.Git("add", "--all")
	check(t, g, "added far", "renamed near from a.txt")
}

func TestTypeChange(t *testing.T) {
	g := start(t)
	if err := os.Remove(filepath.Join(g.Dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("over/there", filepath.Join(g.Dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	g.Git("add", "a.txt")
	c := check(t, g, "type-changed a.txt")
	x := c.Changes[0]
	if x.New.Mode != history.ModeSymlink || x.Old.Mode != history.ModeFile {
		t.Errorf("modes %o and %o", x.Old.Mode, x.New.Mode)
	}
	if data, err := open(t, g.Dir).Content(x.New.ID); err != nil || string(data) != "over/there" {
		t.Errorf("the content of a symbolic link is %q, %v", data, err)
	}
	g.Git("commit", "--quiet", "--message=link")
	if err := os.Remove(filepath.Join(g.Dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	g.Write("a.txt", "a file again")
	g.Git("add", "a.txt")
	check(t, g, "type-changed a.txt")
}

func TestIntentToAdd(t *testing.T) {
	g := start(t)
	g.Write("later", "not staged")
	g.Write("dir/later", "not staged")
	g.Git("add", "--intent-to-add", "later", "dir/later")
	check(t, g, "intent dir/later", "intent later")
	g.Git("add", "later")
	check(t, g, "added later", "intent dir/later")
}

func TestFirstCommit(t *testing.T) {
	g := gittest.New(t)
	check(t, g)
	g.Write("a", "a")
	g.Write("dir/b", "b")
	g.Git("add", "--all")
	check(t, g, "added a", "added dir/b")
	g.Git("write-tree") // the index remembers its trees from now on
	check(t, g, "added a", "added dir/b")
	g.Git("commit", "--quiet", "--message=first")
	check(t, g)
}

func TestEmptied(t *testing.T) {
	g := start(t)
	g.Git("rm", "--quiet", "-r", "--cached", ".")
	check(t, g)
	if err := os.Remove(filepath.Join(g.GitDir(), "index")); err != nil {
		t.Fatal(err)
	}
	check(t, g)
}

func TestConflict(t *testing.T) {
	g := start(t)
	g.Git("checkout", "--quiet", "-b", "theirs")
	g.Write("a.txt", "theirs\n"+lines("a", 20))
	g.Write("both", "theirs")
	g.Write("merged", "from their side")
	g.Git("rm", "--quiet", "z")
	g.Commit("theirs")
	g.Git("checkout", "--quiet", "main")
	g.Write("a.txt", "ours\n"+lines("a", 20))
	g.Write("both", "ours")
	g.Write("z", "ours changed, theirs deleted")
	g.Commit("ours")
	if _, err := g.Try("", "merge", "theirs"); err == nil {
		t.Fatal("there is no conflict")
	}
	check(t, g,
		"unmerged a.txt stage 1", "unmerged a.txt stage 3",
		"unmerged both stage 3",
		"added merged",
		"unmerged z stage 1")
}

func TestNames(t *testing.T) {
	g := start(t)
	var want []string
	for _, name := range []string{"new\nline", "quote\"", "tab\t", "latin\xe9", "snow☃", " space ", "-dash", "back\\slash"} {
		g.Write(name, name)
		want = append(want, "added "+name)
	}
	slices.Sort(want)
	g.Git("add", "--all")
	check(t, g, want...)
}

func TestHeads(t *testing.T) {
	g := start(t)
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	g.Git("pack-refs", "--all")
	check(t, g, "modified a.txt")
	g.Git("repack", "-a", "-d", "--quiet")
	check(t, g, "modified a.txt")
	g.Git("checkout", "--quiet", "--detach")
	check(t, g, "modified a.txt")
	g.Git("checkout", "--quiet", "--orphan", "fresh")
	check(t, g, "added a.txt", "added dir.d/x", "added dir/b.txt", "added dir/sub/c.txt", "added z")
}

func TestIgnoreCase(t *testing.T) {
	g := start(t)
	g.Git("config", "core.ignoreCase", "true")
	g.Git("mv", "a.txt", "A.TXT")
	check(t, g, "renamed A.TXT from a.txt")
}

func TestSHA256(t *testing.T) {
	g := start(t, "--object-format=sha256")
	check(t, g)
	g.Write("dir/sub/c.txt", lines("c", 21))
	g.Write("new", "new")
	g.Git("add", "--all")
	check(t, g, "modified dir/sub/c.txt", "added new")
	g.Git("update-index", "--index-version=4")
	check(t, g, "modified dir/sub/c.txt", "added new")
}

func TestErrors(t *testing.T) {
	_, err := Open(context.Background(), t.TempDir())
	if !errors.Is(err, history.ErrNotRepository) {
		t.Errorf("no repository: %v", err)
	}
	bare := gittest.New(t, "--bare")
	_, err = Open(context.Background(), bare.Dir)
	if !errors.Is(err, ErrBare) || !strings.Contains(err.Error(), "--git") {
		t.Errorf("a bare repository: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
	g := start(t)
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	if _, err := open(t, g.Dir).Changes(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
}
