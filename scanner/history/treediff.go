package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/remint/remint/scanner/history/gitindex"
)

// maxChanges is how many entries of one commit are looked at: a hostile tree
// of trees can spell more paths than anybody could list.
const maxChanges = 1 << 22

var errTooManyChanges = fmt.Errorf("it has more than %d changed paths, of which the others were not looked at", maxChanges)

// Change is a path at which a commit has something that none of its parents
// has there.
type Change struct {
	// Path is slash-separated, in the bytes that git has.
	Path string
	// Mode, as git writes it today, and ID are zero where every parent has a file and the commit none.
	Mode Mode
	ID   ID
	// Old is what each parent has at the path, in the order of the parents:
	// zero where it has nothing, a directory, or cannot be read.
	Old []Old
}

// Old is what a parent has at a path.
type Old struct {
	Mode Mode
	ID   ID
}

// Changes compares a commit with all of its parents at once, and calls fn for
// each file, symbolic link and submodule that differs from what every parent
// has, what is gone included; without a parent, for each there is. Directories
// that one of the parents has as they are, are not read. A directory of the
// commit that cannot be read is an error at the end, after the others; what
// cannot be read of a parent counts as not there. An error of fn ends the walk.
func (r *Repo) Changes(ctx context.Context, commit ID, fn func(Change) error) error {
	tree, err := r.TreeOf(commit)
	if err != nil {
		return err
	}
	ids, err := r.parents(commit)
	if err != nil {
		return err
	}
	parents := make([]ID, len(ids))
	for i, id := range ids {
		parents[i], _ = r.TreeOf(id)
	}
	if slices.Contains(parents, tree) {
		return ctx.Err()
	}
	d := treeDiffer{ctx: ctx, repo: r, fn: fn}
	if err := d.dir("", tree, parents, 0); err != nil {
		return fmt.Errorf("commit %s: %w", commit, err)
	}
	if len(d.problems) > 0 {
		return fmt.Errorf("commit %s: %w", commit, errors.Join(d.problems...))
	}
	return nil
}

type treeDiffer struct {
	ctx      context.Context
	repo     *Repo
	fn       func(Change) error
	seen     int
	problems []error
}

// treeEntry is one entry of a tree.
type treeEntry struct {
	name string
	mode Mode
	id   ID
}

func (e *treeEntry) isTree() bool { return e.mode.Kind() == ModeTree }

// entries reads a tree, in the order of the names; the zero ID is an empty one.
func (d *treeDiffer) entries(id ID) ([]treeEntry, error) {
	if id.IsZero() {
		return nil, nil
	}
	it, err := d.repo.readTree(id)
	if err != nil {
		return nil, err
	}
	var list []treeEntry
	for it.Next() {
		list = append(list, treeEntry{string(it.Name), it.Mode.Canonical(), it.ID()})
	}
	if it.Err() != nil {
		err = &CorruptError{ID: id, File: d.repo.own.dir, Err: it.Err()}
	}
	slices.SortStableFunc(list, func(a, b treeEntry) int { return cmp.Compare(a.name, b.name) })
	return list, err
}

// dir compares a directory, whose path is empty or ends in a slash, with the
// parents', of which the zero ID stands for none. The zero tree is one that is
// gone.
func (d *treeDiffer) dir(prefix string, tree ID, parents []ID, depth int) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if depth > gitindex.MaxNesting {
		return fmt.Errorf("directory %q: directories are nested too deeply", prefix)
	}
	now, err := d.entries(tree)
	if err != nil {
		d.problems = append(d.problems, fmt.Errorf("directory %q: %w", prefix, err))
	}
	was := make([][]treeEntry, len(parents))
	for i, p := range parents {
		was[i], _ = d.entries(p) // what cannot be read has nothing in common
	}
	for i := range now {
		if err := d.entry(prefix, &now[i], was, depth); err != nil {
			return err
		}
	}
	if err != nil {
		return nil // what is gone cannot be told
	}
	return d.gone(prefix, now, was, depth)
}

// find returns what each parent has of a name.
func find(was [][]treeEntry, name string) []treeEntry {
	found := make([]treeEntry, len(was))
	for i, list := range was {
		n, ok := slices.BinarySearchFunc(list, name, func(e treeEntry, name string) int { return cmp.Compare(e.name, name) })
		if ok {
			found[i] = list[n]
		}
	}
	return found
}

func (d *treeDiffer) entry(prefix string, e *treeEntry, was [][]treeEntry, depth int) error {
	if d.seen++; d.seen > maxChanges {
		return errTooManyChanges
	}
	old := find(was, e.name)
	for i := range old {
		if old[i].mode == e.mode && old[i].id == e.id {
			return nil
		}
	}
	path := prefix + e.name
	if e.isTree() {
		if err := d.dir(path+"/", e.id, trees(old), depth+1); err != nil {
			return err
		}
		if len(old) > 0 && !slices.ContainsFunc(old, func(o treeEntry) bool { return o.id.IsZero() || o.isTree() }) {
			return d.fn(Change{Path: path, Old: files(old)})
		}
		return nil
	}
	if err := d.fn(Change{Path: path, Mode: e.mode, ID: e.id, Old: files(old)}); err != nil {
		return err
	}
	if below := trees(old); len(below) > 0 && !slices.Contains(below, ID{}) {
		return d.dir(path+"/", ID{}, below, depth+1)
	}
	return nil
}

// gone finds what every parent has and the commit has not.
func (d *treeDiffer) gone(prefix string, now []treeEntry, was [][]treeEntry, depth int) error {
	if len(was) == 0 {
		return nil
	}
	for i := range was[0] {
		name := was[0][i].name
		old := find(was, name)
		if find([][]treeEntry{now}, name)[0].name != "" || slices.ContainsFunc(old, func(o treeEntry) bool { return o.name == "" }) {
			continue
		}
		if d.seen++; d.seen > maxChanges {
			return errTooManyChanges
		}
		below := trees(old)
		var err error
		switch {
		case !slices.Contains(below, ID{}):
			err = d.dir(prefix+name+"/", ID{}, below, depth+1)
		case !slices.ContainsFunc(below, func(id ID) bool { return !id.IsZero() }):
			err = d.fn(Change{Path: prefix + name, Old: files(old)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// trees returns the ids of the directories among entries, zero for the rest.
func trees(entries []treeEntry) []ID {
	ids := make([]ID, len(entries))
	for i := range entries {
		if entries[i].isTree() {
			ids[i] = entries[i].id
		}
	}
	return ids
}

// files returns what is no directory among entries, zero for the rest.
func files(entries []treeEntry) []Old {
	old := make([]Old, len(entries))
	for i := range entries {
		if !entries[i].isTree() {
			old[i] = Old{entries[i].mode, entries[i].id}
		}
	}
	return old
}
