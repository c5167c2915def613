package history

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		text string
		want settings
	}{
		{"", settings{}},
		{"[core]\n\tbare = true\n", settings{bare: true}},
		{"\ufeff[core]\r\n\tbare = yes\r\n", settings{bare: true}},
		{"[core] bare\n", settings{bare: true}},
		{"[core]\nbare ; = false\n", settings{bare: true}},
		{"[core]\nbare = true\nbare = false\n", settings{}},
		{"[CORE]\n\tWorkTree = /a b ; c\n", settings{workTree: "/a b"}},
		{"[core]\n\tworktree = \" a # b \" # c\n", settings{workTree: " a # b "}},
		{"[core]\n\tworktree = a\\\n  b\\t\\\"\\\\c\n", settings{workTree: "a  b\t\"\\c"}},
		{"[user]\n\tname = caf\xe9\n[core]\n\tworktree = x\n", settings{workTree: "x"}},
		{"[core \"sub\"]\n\tbare = true\n", settings{}},
		{"bare = true\n[broken\n\tbare = true\n", settings{}},
		{"[extensions]\n\tobjectFormat = SHA256\n\trefStorage=reftable\n\tworktreeConfig = on", settings{objectFormat: "sha256", refStorage: "reftable", worktreeConfig: true}},
		{"[core]\n\tworktree = x\\", settings{workTree: "x\\"}},
		{"[remote \"a ] \\\" b\"]\n\turl = x\n\tPromisor = true\n", settings{promisor: "a ] \" b"}},
		{"[remote.Old] promisor\n[remote \"new\"] promisor = false\n", settings{promisor: "old"}},
		{"[extensions]\npartialClone = o\n[lfs] storage = x\n[lfs \"y\"] storage = z\n", settings{promisor: "o", lfsStorage: "x"}},
		{"[core \"sub]\n\tbare = true\n[core \"sub\" ]\n\tbare = true\n", settings{}},
	} {
		var got settings
		parseConfig(c.text, got.set)
		if got != c.want {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestHead(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := gittest.New(t, "--object-format="+format)
		head := func() string {
			t.Helper()
			id, err := open(t, r).Head()
			if err != nil {
				t.Fatal(err)
			}
			return id.String()
		}
		if got := head(); got != "" {
			t.Errorf("before the first commit: %s", got)
		}
		same := func(when string) {
			t.Helper()
			if got, want := head(), strings.TrimSpace(r.Git("rev-parse", "HEAD")); got != want {
				t.Errorf("%s: HEAD is %s, want %s", when, got, want)
			}
		}
		r.Commit("one")
		same("a loose reference")
		r.Git("branch", "main2")
		r.Git("branch", "mai")
		r.Git("checkout", "--quiet", "-b", "topic/a")
		r.Commit("two")
		r.Git("tag", "--annotate", "--message=x", "tag")
		r.Git("pack-refs", "--all")
		same("packed-refs")
		r.Git("checkout", "--quiet", "main")
		same("packed-refs, a name that others begin with")
		r.Git("checkout", "--quiet", "--detach", "topic/a")
		same("detached")
		r.Git("symbolic-ref", "refs/heads/link", "refs/heads/main")
		r.Git("symbolic-ref", "HEAD", "refs/heads/link")
		same("a reference to a reference")
		r.Git("symbolic-ref", "HEAD", "refs/heads/topic")
		if got := head(); got != "" {
			t.Errorf("a branch that would be a directory: %s", got)
		}
	}
}

func TestHeadSymlink(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	want := strings.TrimSpace(r.Git("rev-parse", "HEAD"))
	head := filepath.Join(r.GitDir(), "HEAD")
	if err := os.Remove(head); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("refs/heads/main", head); err != nil {
		t.Fatal(err)
	}
	if id, err := open(t, r).Head(); err != nil || id.String() != want {
		t.Errorf("HEAD as a symbolic link: %s, %v", id, err)
	}
}

func TestHeadBad(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	dir := r.GitDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, content, want string }{
		{"HEAD", "ref: refs/../../x\n", "HEAD names a reference that cannot be one"},
		{"HEAD", "ref: config\n", "HEAD names a reference that cannot be one"},
		{"HEAD", "", "HEAD holds no object id"},
		{"HEAD", strings.Repeat("0", 64), "HEAD holds no object id"},
		{"HEAD", "ref: refs/heads/main\n", ""},
		{"refs/heads/main", "ref: refs/heads/main\n", "more than 5 references"},
		{"refs/heads/main", "", "holds no object id"},
	} {
		write(c.name, c.content)
		repo, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = repo.Head()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %q: %v, want %q", c.name, c.content, err, c.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	dir := t.TempDir()
	config := func(text string) (*Repo, error) {
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Open(dir, Options{})
	}
	repo, err := config("[extensions]\nrefstorage = reftable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Head(); !errors.Is(err, ErrReftable) || !strings.Contains(err.Error(), "git refs migrate") {
		t.Errorf("reftable: %v", err)
	}
	if _, err := config("[extensions]\nobjectformat = md5"); err == nil || !strings.Contains(err.Error(), `"md5"`) {
		t.Errorf("an unknown object format: %v", err)
	}
}

func TestFind(t *testing.T) {
	r := gittest.New(t)
	r.Write("a/b/file", "x")
	r.Commit("one")
	top, err := filepath.EvalSymlinks(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(r.Dir, "a", "b"), link); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(t.TempDir(), "linked")
	r.Git("worktree", "add", "--quiet", linked)
	linked, err = filepath.EvalSymlinks(linked)
	if err != nil {
		t.Fatal(err)
	}
	git := filepath.Join(top, ".git")
	for _, c := range []struct{ dir, gitDir, workTree string }{
		{r.Dir, git, top},
		{filepath.Join(r.Dir, "a", "b"), git, top},
		{link, git, top},
		{filepath.Join(r.Dir, ".git", "refs"), git, ""},
		{linked, filepath.Join(git, "worktrees", "linked"), linked},
	} {
		gitDir, workTree, err := Find(c.dir, nil)
		if err != nil || gitDir != c.gitDir || workTree != c.workTree {
			t.Errorf("Find(%s) = %s, %s, %v; want %s, %s", c.dir, gitDir, workTree, err, c.gitDir, c.workTree)
		}
	}
	if _, _, err := Find(filepath.Join(r.Dir, "a", "b"), []string{filepath.Join(top, "a")}); !errors.Is(err, ErrNotRepository) {
		t.Errorf("below a ceiling: %v", err)
	}
	repo, err := Open(filepath.Join(git, "worktrees", "linked"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	head, err := repo.Head()
	if err != nil || head.IsZero() {
		t.Errorf("HEAD of a linked work tree: %s, %v", head, err)
	}
	if _, err := repo.TreeOf(head); err != nil {
		t.Error(err)
	}
}

func TestFindBadGitFile(t *testing.T) {
	for content, want := range map[string]string{
		"hello":                  "gitdir: PATH",
		"gitdir: ../gone/.git\n": "git worktree repair",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".git"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Find(dir, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf(".git with %q: %v", content, err)
		}
	}
}
