package history

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

// Shallow returns the commits at which a shallow clone was cut off: their
// parents were not fetched.
func (r *Repo) Shallow() ([]ID, error) { return r.idLines("shallow") }

// Grafts returns the commits to which info/grafts gives other parents than
// they have.
func (r *Repo) Grafts() ([]ID, error) { return r.idLines(filepath.Join("info", "grafts")) }

// idLines returns the ids that the lines of a file start with.
func (r *Repo) idLines(name string) ([]ID, error) {
	data, err := mapped.ReadFile(filepath.Join(r.commonDir, name), maxRefFile)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []ID
	for line := range strings.SplitSeq(string(data), "\n") {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id, err := ParseID(word); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Partial tells whether the repository is a partial clone, whose missing
// objects a remote has promised.
func (r *Repo) Partial() bool {
	if r.settings.partial {
		return true
	}
	names, _ := filepath.Glob(filepath.Join(globQuote(r.objectDir()), "pack", "*.promisor"))
	return len(names) > 0
}

// Module is the repository of a submodule.
type Module struct {
	GitDir string
	// Path is where it stands in the work tree, with slashes, or
	// ".git/modules/NAME" where nobody knows.
	Path string
}

// Modules returns the submodules' repositories that lie in this one, also
// those that stand nowhere any more, and those at the paths of gitlinks in the
// work tree. Nothing leads out of the repository and its work tree.
func (r *Repo) Modules(workTree string, gitlinks []string) []Module {
	var all []Module
	root := filepath.Join(r.commonDir, "modules")
	_ = filepath.WalkDir(root, func(dir string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() || dir == root || !IsGitDir(dir) {
			return nil //nolint:nilerr // what cannot be listed holds no repository
		}
		rel, _ := filepath.Rel(root, dir)
		m := Module{GitDir: dir, Path: ".git/modules/" + filepath.ToSlash(rel)}
		if l, err := readLayout(dir, ""); err == nil && workTree != "" && l.WorkTree() != "" {
			if at, err := filepath.Rel(real(workTree), real(l.WorkTree())); err == nil && filepath.IsLocal(at) && at != "." {
				m.Path = filepath.ToSlash(at)
			}
		}
		all = append(all, m)
		return fs.SkipDir // its own submodules are its own to tell
	})
	for _, path := range gitlinks {
		if workTree == "" || !filepath.IsLocal(filepath.FromSlash(path)) {
			continue
		}
		dir := filepath.Join(workTree, filepath.FromSlash(path), ".git")
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && IsGitDir(dir) && within(dir, workTree) {
			all = append(all, Module{GitDir: dir, Path: path})
		}
	}
	return all
}

// within tells whether a path, links followed, lies below a folder.
func within(path, dir string) bool {
	rel, err := filepath.Rel(real(dir), real(path))
	return err == nil && filepath.IsLocal(rel)
}

// Gitlinks calls fn for the path of every submodule of a tree.
func (r *Repo) Gitlinks(tree ID, fn func(path string)) error {
	return r.gitlinks(tree, "", 0, fn)
}

func (r *Repo) gitlinks(tree ID, prefix string, depth int, fn func(string)) error {
	if depth > maxFolderDepth {
		return nil
	}
	_, data, err := r.Object(tree)
	if err != nil {
		return err
	}
	for e := NewEntries(data, r.format); e.Next(); {
		switch path := prefix + string(e.Name); {
		case e.IsTree():
			if err := r.gitlinks(e.ID(), path+"/", depth+1, fn); err != nil {
				return err
			}
		case e.Mode.Kind() == ModeGitlink:
			fn(path)
		}
	}
	return nil
}

// Indexes returns the index files of the repository and its linked work trees.
func (r *Repo) Indexes() []string {
	files := []string{filepath.Join(r.gitDir, "index")}
	if r.gitDir != r.commonDir {
		files = append(files, filepath.Join(r.commonDir, "index"))
	}
	linked, _ := filepath.Glob(filepath.Join(globQuote(r.commonDir), "worktrees", "*", "index"))
	for _, name := range linked {
		if name != files[0] {
			files = append(files, name)
		}
	}
	return files
}
