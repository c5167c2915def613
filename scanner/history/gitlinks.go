package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history/gitindex"
)

const (
	maxGitlinks    = 1 << 14
	gitmodulesSize = 1 << 20 // bytes of a .gitmodules that are read
)

var errGitlinks = fmt.Errorf("more than %d submodules; the others were not looked at", maxGitlinks)

// gitlink is a path at which a commit of another repository stands.
type gitlink struct {
	path   string
	commit ID
}

// gitlinks returns the submodules of HEAD and of the index, and what the
// .gitmodules of both say: the path of each name.
func (r *Repo) gitlinks(ctx context.Context) ([]gitlink, map[string]string, error) {
	f := linkFinder{ctx: ctx, repo: r, paths: map[string]string{}, none: map[ID]bool{}}
	head, err := r.Head()
	f.failed(err)
	if err == nil && !head.IsZero() {
		tree, err := r.TreeOf(head)
		if err == nil {
			_, err = f.tree("", tree, 0)
		}
		f.failed(err)
	}
	entries, err := r.IndexEntries()
	f.failed(err)
	for _, e := range entries {
		if e.Resolved {
			continue
		}
		switch e.Mode.Kind() {
		case ModeGitlink:
			f.add(e.Path, e.ID)
		case ModeTree:
			_, err := f.tree(e.Path, e.ID, 0)
			f.failed(err)
		case ModeFile:
			if e.Path == ".gitmodules" {
				f.names(e.ID)
			}
		}
	}
	slices.SortFunc(f.links, func(a, b gitlink) int {
		return strings.Compare(a.path+"\x00"+a.commit.String(), b.path+"\x00"+b.commit.String())
	})
	return slices.Compact(f.links), f.paths, errors.Join(f.problems...)
}

type linkFinder struct {
	ctx      context.Context
	repo     *Repo
	links    []gitlink
	paths    map[string]string // of submodules, by name
	none     map[ID]bool       // trees that have none, or are being looked at
	problems []error
}

func (f *linkFinder) failed(err error) {
	if err != nil {
		f.problems = append(f.problems, err)
	}
}

func (f *linkFinder) add(path string, commit ID) {
	if len(f.links) < maxGitlinks {
		f.links = append(f.links, gitlink{path, commit})
	}
}

// tree finds the submodules below a path, which is empty or ends in a slash,
// and tells whether there are any.
func (f *linkFinder) tree(prefix string, id ID, depth int) (found bool, err error) {
	if err := f.ctx.Err(); err != nil || f.none[id] {
		return false, err
	}
	if depth > gitindex.MaxNesting {
		return false, fmt.Errorf("directory %q: directories are nested too deeply", prefix)
	}
	f.none[id] = true
	it, err := f.repo.readTree(id)
	if err != nil {
		return false, fmt.Errorf("directory %q: %w", prefix, err)
	}
	for it.Next() {
		path := prefix + string(it.Name)
		switch it.Mode.Kind() {
		case ModeTree:
			below, err := f.tree(path+"/", it.ID(), depth+1)
			f.failed(err)
			found = found || below
		case ModeGitlink:
			f.add(path, it.ID())
			found = true
		case ModeFile:
			if path == ".gitmodules" {
				f.names(it.ID())
			}
		}
		if len(f.links) >= maxGitlinks {
			return found, errGitlinks
		}
	}
	f.none[id] = !found
	return found, it.Err()
}

// readTree walks the entries of a tree.
func (r *Repo) readTree(id ID) (*Entries, error) {
	typ, data, err := r.Object(id)
	if err == nil && typ != Tree {
		err = fmt.Errorf("object %s is a %s where a tree should be; see `git fsck`", id, typ)
	}
	if err != nil {
		return nil, err
	}
	return NewEntries(data, r.format), nil
}

// names reads a .gitmodules. It only names what is found otherwise, so one
// that cannot be read is passed over.
func (f *linkFinder) names(id ID) {
	if typ, size, err := f.repo.Header(id); err != nil || typ != Blob || size > gitmodulesSize {
		return
	}
	_, data, err := f.repo.Object(id)
	if err != nil {
		return
	}
	parseConfig(string(data), func(section, sub, key, value string) {
		if section == "submodule" && key == "path" && isModuleName(sub) {
			f.paths[sub] = strings.TrimSuffix(value, "/")
		}
	})
}

// isModuleName tells whether a submodule's name stays below modules/.
func isModuleName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "\x00\\") && !slices.Contains(strings.Split(name, "/"), "..")
}
