// Package gittest makes real repositories for tests, with the git program,
// whatever the configuration and environment of the machine. A test without
// git fails.
package gittest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repo is a repository in a temporary directory.
type Repo struct {
	Dir string // top of the work tree, or the bare repository
	t   testing.TB
}

// New makes a repository with `git init` and these arguments.
func New(t testing.TB, args ...string) *Repo {
	t.Helper()
	r := At(t, t.TempDir())
	r.Git(append([]string{"init", "--quiet", "--initial-branch=main"}, args...)...)
	return r
}

// At speaks of a directory that is or will be a repository.
func At(t testing.TB, dir string) *Repo { return &Repo{Dir: dir, t: t} }

// Environment is what git runs with: nothing of the machine's configuration
// or of a hook that runs the test, and an author.
func Environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			env = append(env, v)
		}
	}
	return append(env,
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com", "GIT_COMMITTER_DATE=1700000000 +0000",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=file", "LC_ALL=C")
}

// Git runs a git command and returns its standard output.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.GitInput("", args...)
}

// GitInput runs a git command with standard input.
func (r *Repo) GitInput(input string, args ...string) string {
	r.t.Helper()
	out, err := r.Try(input, args...)
	if err != nil {
		r.t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// Try runs a git command that may fail; a git that is not there fails the test.
func (r *Repo) Try(input string, args ...string) (string, error) {
	r.t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		r.t.Fatalf("the tests need the git program: %v", err)
	}
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.Dir, Environment()
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		r.t.Logf("git %s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), err
}

// Write writes a file of the work tree, with the directories above it.
func (r *Repo) Write(path, content string) {
	r.t.Helper()
	name := filepath.Join(r.Dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

// Commit adds everything and commits it.
func (r *Repo) Commit(message string) {
	r.t.Helper()
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "--message="+message)
}

// GitDir is the repository's directory as git sees it.
func (r *Repo) GitDir() string {
	r.t.Helper()
	return strings.TrimSuffix(r.Git("rev-parse", "--absolute-git-dir"), "\n")
}
