package source

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// ignore applies the .gitignore files met on the way down a tree. A nil
// ignore ignores nothing.
type ignore struct {
	patterns []gitignore.Pattern
}

func newIgnore(root string) *ignore {
	ig := &ignore{}
	ig.read(filepath.Join(root, ".git", "info", "exclude"), nil)
	return ig
}

// enter reads the .gitignore of a directory.
func (ig *ignore) enter(dir, rel string) {
	if ig == nil {
		return
	}
	var domain []string
	if rel != "" {
		domain = strings.Split(strings.TrimSuffix(rel, "/"), "/")
	}
	ig.read(filepath.Join(dir, ".gitignore"), domain)
}

func (ig *ignore) read(name string, domain []string) {
	data, err := os.ReadFile(name)
	if err != nil {
		return // no ignore file, or one that ignores nothing because it cannot be read
	}
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line != "" && !strings.HasPrefix(line, "#") {
			ig.patterns = append(ig.patterns, gitignore.ParsePattern(line, domain))
		}
	}
}

// matches tells whether the path is ignored; the last pattern that speaks of
// it decides.
func (ig *ignore) matches(path string, dir bool) bool {
	if ig == nil || len(ig.patterns) == 0 {
		return false
	}
	return gitignore.NewMatcher(ig.patterns).Match(strings.Split(path, "/"), dir)
}
