package clone

import (
	"context"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gittest"
)

// serve serves a folder of repositories as git's own HTTP server does.
func serve(t *testing.T, root string) string {
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	return server.URL
}

func TestTemporary(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	g := gittest.New(t)
	g.Write("a.txt", "one\n")
	g.Commit("one")
	g.Git("switch", "-qc", "side")
	g.Write("b.txt", "two\n")
	g.Commit("two")
	g.Git("update-ref", "refs/pull/1/head", "HEAD")
	g.Git("notes", "add", "-m", "a note")
	address := serve(t, filepath.Dir(g.Dir)) + "/" + filepath.Base(g.Dir) + "/.git"
	dir, remove, err := Temporary(context.Background(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := history.Open(dir, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	tips, problems := r.Tips()
	if len(problems) > 0 {
		t.Error(problems)
	}
	for _, tip := range tips {
		names[tip.Name] = true
	}
	for _, want := range []string{"refs/heads/main", "refs/heads/side", "refs/pull/1/head", "refs/notes/commits"} {
		if !names[want] {
			t.Errorf("%s was not cloned", want)
		}
	}
	r.Close()
	if err := remove(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("%d things stay behind", len(left))
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	address := strings.Replace(serve(t, t.TempDir()), "http://", "http://user:hunter22hunter@", 1) + "/none.git"
	_, remove, err := Temporary(context.Background(), address, nil)
	if err == nil {
		t.Fatal("no error for a repository that is not there")
	}
	if strings.Contains(err.Error(), "hunter22") {
		t.Error("the error shows the password")
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}
