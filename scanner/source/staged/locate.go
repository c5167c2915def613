package staged

import (
	"os"
	"path/filepath"

	"github.com/remint/remint/scanner/history"
)

// environment is where git hands its hooks what they need to know.
type environment struct{ get func(string) string }

func (e environment) list(name string) []string {
	if v := e.get(name); v != "" {
		return filepath.SplitList(v)
	}
	return nil
}

func (e environment) options() history.Options {
	return history.Options{
		CommonDir:  e.get("GIT_COMMON_DIR"),
		ObjectDir:  e.get("GIT_OBJECT_DIRECTORY"),
		Alternates: e.list("GIT_ALTERNATE_OBJECT_DIRECTORIES"),
	}
}

// located is a repository that was found.
type located struct {
	gitDir   string
	workTree string // "" when unknown
	env      bool   // the environment speaks of this repository
}

// locate finds the repository of a directory, or the environment's.
func locate(dir string, env environment) (located, error) {
	here, err := isCurrent(dir)
	if err != nil {
		return located{}, err
	}
	gitDir, workTree, findErr := history.Find(dir, env.list("GIT_CEILING_DIRECTORIES"))
	found := located{gitDir: gitDir, workTree: workTree}
	if name := env.get("GIT_DIR"); name != "" {
		fromEnv, err := filepath.Abs(name)
		if err != nil {
			return located{}, err
		}
		if !here && findErr == nil && !same(fromEnv, gitDir) {
			return found, nil
		}
		if !history.IsGitDir(fromEnv) {
			return located{}, &os.PathError{Op: "GIT_DIR", Path: fromEnv, Err: history.ErrNotRepository}
		}
		cwd, err := os.Getwd()
		return located{gitDir: fromEnv, workTree: cwd, env: true}, err
	}
	if findErr != nil {
		return located{}, findErr
	}
	found.env = here
	if !here {
		ours, _, err := history.Find(".", env.list("GIT_CEILING_DIRECTORIES"))
		found.env = err == nil && same(ours, gitDir)
	}
	return found, nil
}

// isCurrent tells whether a directory is the current one.
func isCurrent(dir string) (bool, error) {
	if dir == "" || dir == "." {
		return true, nil
	}
	cwd, err := os.Getwd()
	return same(dir, cwd), err
}

// same tells whether two paths lead to one directory.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// absolute takes a path as it stands or relative to a directory.
func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
