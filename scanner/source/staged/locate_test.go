package staged

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

func TestSubdirectory(t *testing.T) {
	g := start(t)
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	check(t, gittest.At(t, filepath.Join(g.Dir, "dir", "sub")), "modified a.txt")
	check(t, gittest.At(t, filepath.Join(g.Dir, ".git")), "modified a.txt")
	r := open(t, filepath.Join(g.Dir, "dir"))
	if got := resolve(t, r.WorkTree()); got != resolve(t, g.Dir) {
		t.Errorf("the work tree is %s, want %s", got, g.Dir)
	}
}

func resolve(t *testing.T, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLinkedWorkTree(t *testing.T) {
	for _, args := range [][]string{nil, {"--bare"}} {
		main := start(t)
		if args == nil {
			main.Git("config", "extensions.worktreeConfig", "true")
		} else {
			clone := gittest.At(t, t.TempDir())
			main.Git("clone", "--quiet", "--bare", ".", clone.Dir)
			main = clone
		}
		linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
		main.Git("worktree", "add", "--quiet", "-b", "topic", linked.Dir)
		linked.Write("own.txt", "own")
		linked.Commit("of the linked one")
		linked.Write("a.txt", "changed")
		linked.Git("add", "a.txt")
		check(t, linked, "modified a.txt")
		if args == nil {
			check(t, main)
		}
	}
}

// The main repository is bare by its per-worktree configuration only.
func TestWorkTreeConfig(t *testing.T) {
	main := start(t)
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	main.Git("worktree", "add", "--quiet", "-b", "topic", linked.Dir)
	main.Git("config", "extensions.worktreeConfig", "true")
	main.Git("config", "--unset", "core.bare")
	main.Git("config", "--worktree", "core.bare", "true")
	if _, err := Open(context.Background(), main.Dir); !errors.Is(err, ErrBare) {
		t.Errorf("the main one: %v", err)
	}
	linked.Write("a.txt", "changed")
	linked.Git("add", "a.txt")
	check(t, linked, "modified a.txt")
}

func TestSubmodule(t *testing.T) {
	inner, g := start(t), start(t)
	g.Git("submodule", "--quiet", "add", inner.Dir, "module")
	g.Git("commit", "--quiet", "--message=module")
	module := gittest.At(t, filepath.Join(g.Dir, "module"))
	module.Write("dir/b.txt", "changed")
	module.Git("add", "--all")
	check(t, module, "modified dir/b.txt")
	check(t, g)
	module.Git("commit", "--quiet", "--message=inner")
	g.Write("a.txt", "changed")
	g.Git("add", "--all")
	check(t, g, "modified a.txt", "submodule module")
	check(t, module)
	g.Git("commit", "--quiet", "--message=outer")
	g.Git("rm", "--quiet", "--cached", "module")
	if err := os.RemoveAll(module.Dir); err != nil {
		t.Fatal(err)
	}
	g.Write("module", "a file now")
	g.Git("add", "module")
	c := check(t, g, "added module")
	if !c.Changes[0].Old.ID.IsZero() {
		t.Error("a submodule's commit is given as a file's content")
	}
}

func TestSeparateGitDir(t *testing.T) {
	gitDir := filepath.Join(t.TempDir(), "elsewhere")
	g := start(t, "--separate-git-dir", gitDir)
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	check(t, g, "modified a.txt")

	// A work tree that only the configuration or the environment knows.
	if _, err := Open(context.Background(), gitDir); err == nil || !strings.Contains(err.Error(), "work tree") {
		t.Errorf("in a repository whose work tree is not known: %v", err)
	}
	t.Setenv("GIT_DIR", gitDir)
	t.Setenv("GIT_WORK_TREE", g.Dir)
	t.Chdir(t.TempDir())
	if got := seen(); got != "modified a.txt" {
		t.Errorf("by the environment: %s", got)
	}
	t.Setenv("GIT_WORK_TREE", "")
	g.Git("config", "core.worktree", g.Dir)
	if got := seen(); got != "modified a.txt" {
		t.Errorf("by core.worktree: %s", got)
	}
	t.Setenv("GIT_DIR", filepath.Join(gitDir, "refs"))
	if got := seen(); !strings.Contains(got, "not a git repository") {
		t.Errorf("GIT_DIR names no repository: %s", got)
	}
}

// The environment of a hook speaks of the repository that git commits to, and
// of no other.
func TestEnvironmentOfAnother(t *testing.T) {
	g, other := start(t), start(t)
	other.Write("z", "changed")
	other.Git("add", "z")
	g.Write("a.txt", "changed")
	g.Git("add", "a.txt")
	temporary := filepath.Join(t.TempDir(), "index")
	if err := os.Rename(filepath.Join(g.GitDir(), "index"), temporary); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_INDEX_FILE", temporary)
	t.Chdir(g.Dir)
	for _, gitDir := range []string{"", ".git"} {
		t.Setenv("GIT_DIR", gitDir)
		if got := summary(changes(t, open(t, other.Dir))); len(got) != 1 || got[0] != "modified z" {
			t.Errorf("GIT_DIR=%s, another repository: %q", gitDir, got)
		}
		for _, dir := range []string{".", g.Dir, "dir"} {
			r := open(t, dir)
			if got := summary(changes(t, r)); len(got) != 1 || got[0] != "modified a.txt" || r.IndexFile() != temporary {
				t.Errorf("GIT_DIR=%s, %s: %q in %s", gitDir, dir, got, r.IndexFile())
			}
		}
	}
}

// hook makes the test binary the repository's pre-commit hook; the function
// returns what it last saw.
func hook(t *testing.T, g *gittest.Repo) func() string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "seen")
	script := "#!/bin/sh\n" + hookOut + "='" + out + "' exec '" + self + "'\n"
	hooks := filepath.Join(strings.TrimSpace(g.Git("rev-parse", "--path-format=absolute", "--git-common-dir")), "hooks")
	if err := os.MkdirAll(hooks, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hooks, "pre-commit"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	return func() string {
		t.Helper()
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(out); err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// Git commits from an index of its own with -a and with paths.
func TestHook(t *testing.T) {
	g := start(t)
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	g.Git("worktree", "add", "--quiet", "-b", "topic", linked.Dir)
	saw := hook(t, g)
	for _, r := range []*gittest.Repo{g, linked} {
		for i, c := range []struct {
			args []string
			want string
		}{
			{nil, "modified a.txt"},
			{[]string{"-a"}, "modified a.txt\nmodified z"},
			{[]string{"dir/b.txt"}, "modified dir/b.txt"},
			{[]string{"-i", "dir/b.txt"}, "modified a.txt\nmodified dir/b.txt"},
		} {
			r.Write("a.txt", strings.Repeat("staged ", i+1))
			r.Git("add", "a.txt")
			r.Write("dir/b.txt", strings.Repeat("not staged ", i+1))
			if i == 1 {
				r.Git("checkout", "--quiet", "--", "dir/b.txt")
				r.Write("z", "not staged")
			}
			r.Git(append([]string{"commit", "--quiet", "--message=x"}, c.args...)...)
			if got := saw(); got != c.want {
				t.Errorf("in the hook of git commit %v: %q, want %q", c.args, got, c.want)
			}
			r.Git("commit", "--quiet", "-a", "--allow-empty", "--message=rest")
			saw()
		}
		r.Write("dir/b.txt", "from a subdirectory")
		gittest.At(t, filepath.Join(r.Dir, "dir")).Git("commit", "--quiet", "-a", "--message=x")
		if got := saw(); got != "modified dir/b.txt" {
			t.Errorf("in the hook, from a subdirectory: %q", got)
		}
		r.Git("commit", "--quiet", "--amend", "--message=amended")
		if got := saw(); got != "" {
			t.Errorf("in the hook of git commit --amend: %q", got)
		}
	}
}

func TestHookOfSubmodule(t *testing.T) {
	inner, g := start(t), start(t)
	g.Git("submodule", "--quiet", "add", inner.Dir, "module")
	module := gittest.At(t, filepath.Join(g.Dir, "module"))
	saw := hook(t, module)
	module.Write("z", "changed")
	module.Git("commit", "--quiet", "-a", "--message=x")
	if got := saw(); got != "modified z" {
		t.Errorf("in the hook of a submodule: %q", got)
	}
}
