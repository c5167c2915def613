package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const (
	maxModules  = 1 << 14
	moduleDepth = 64 // directories below one another, of a module's name
)

var errNoHead = errors.New("it has objects and no HEAD; repair it with `git submodule update --init`")

// Module is the repository of a submodule that is kept on this machine.
type Module struct {
	// Name is the repository's directory below modules/, with slashes, or
	// below the repository's directory for one of a linked work tree
	// ("worktrees/x/modules/sub"). It is the path for one that is kept in the
	// work tree itself.
	Name   string
	GitDir string
	// Path is where it is checked out, or was, relative to the top of the
	// work tree, with slashes; "" where nobody knows.
	Path string
}

// Modules returns every repository below modules/, those of submodules'
// submodules included, and those that submodules keep in the work tree. The
// error says what could not be read.
func (r *Repo) Modules(ctx context.Context) ([]Module, error) {
	links, paths, err := r.gitlinks(ctx)
	f := r.findModules(ctx, links, paths)
	return f.modules, errors.Join(append(f.problems, err)...)
}

func (r *Repo) findModules(ctx context.Context, links []gitlink, paths map[string]string) *moduleFinder {
	f := &moduleFinder{ctx: ctx, paths: paths, tops: r.workTrees(), seen: map[string]bool{}}
	spaces, err := r.refSpaces()
	if err != nil {
		f.problems = append(f.problems, err)
	}
	common := real(r.commonDir)
	for _, s := range spaces {
		dir := filepath.Join(s.dir, "modules")
		name := ""
		if real(s.dir) != common {
			name = "worktrees/" + filepath.Base(s.dir) + "/modules/"
		}
		f.below(dir, name, 0)
		for n := range paths { // one that lies in another's directory
			f.add(name+n, filepath.Join(dir, filepath.FromSlash(n)))
		}
	}
	for _, l := range links {
		f.embedded(l.path)
	}
	slices.SortFunc(f.modules, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
	return f
}

type moduleFinder struct {
	ctx      context.Context
	paths    map[string]string // from .gitmodules, by name
	tops     []string          // of work trees
	seen     map[string]bool
	modules  []Module
	problems []error
}

// below finds the repositories in a directory and the directories in it.
func (f *moduleFinder) below(dir, prefix string, depth int) {
	if f.ctx.Err() != nil {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.problems = append(f.problems, err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		name, sub := prefix+e.Name(), filepath.Join(dir, e.Name())
		switch {
		case depth > moduleDepth || len(f.modules) >= maxModules:
			f.problems = append(f.problems, fmt.Errorf("%s: there are too many submodules, or they are nested too deeply; scan this one by itself", sub))
			return
		case f.add(name, sub):
			f.below(filepath.Join(sub, "modules"), name+"/modules/", depth+1)
		case isDir(filepath.Join(sub, "objects")):
			f.problems = append(f.problems, &fs.PathError{Op: "open", Path: sub, Err: errNoHead})
		default:
			f.below(sub, name+"/", depth+1)
		}
	}
}

// add takes a directory if it is a repository.
func (f *moduleFinder) add(name, dir string) bool {
	if !IsGitDir(dir) {
		return false
	}
	dir = real(dir)
	if !f.seen[dir] {
		f.seen[dir] = true
		f.modules = append(f.modules, Module{Name: name, GitDir: dir, Path: f.path(name, dir)})
	}
	return true
}

// path tells where a module is checked out: where its own configuration says,
// or .gitmodules.
func (f *moduleFinder) path(name, dir string) string {
	if l, err := readLayout(dir, ""); err == nil && l.WorkTree() != "" {
		checkout := real(l.WorkTree())
		for _, top := range f.tops {
			if rel, err := filepath.Rel(top, checkout); err == nil && rel != "." && filepath.IsLocal(rel) {
				return filepath.ToSlash(rel)
			}
		}
	}
	if _, after, ok := strings.Cut(name, "/modules/"); ok && strings.HasPrefix(name, "worktrees/") {
		name = after
	}
	return f.paths[name]
}

// embedded takes a submodule whose repository is in the work tree, as those
// of old and those that were added by hand are.
func (f *moduleFinder) embedded(path string) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return
	}
	for _, top := range f.tops {
		dir := filepath.Join(top, filepath.FromSlash(path), ".git")
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || real(dir) != dir || f.seen[dir] || !IsGitDir(dir) {
			continue
		}
		f.seen[dir] = true
		f.modules = append(f.modules, Module{Name: path, GitDir: dir, Path: path})
	}
}

// workTrees returns the tops of all work trees, by their one name each.
func (r *Repo) workTrees() []string {
	var tops []string
	common := real(r.commonDir)
	if l, err := readLayout(common, ""); err == nil && l.WorkTree() != "" {
		tops = append(tops, real(l.WorkTree()))
	} else if filepath.Base(common) == ".git" && !l.Bare() {
		tops = append(tops, filepath.Dir(common))
	}
	spaces, _ := r.refSpaces()
	for _, s := range spaces {
		data, err := mapped.ReadFile(filepath.Join(s.dir, "gitdir"), pathSize)
		if err != nil {
			continue // the main one has no such file
		}
		file := strings.TrimRight(string(data), "\r\n")
		if !filepath.IsAbs(file) {
			file = filepath.Join(s.dir, file)
		}
		tops = append(tops, real(filepath.Dir(file)))
	}
	return tops
}
