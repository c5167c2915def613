package staged

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gitindex"
)

var (
	errNesting = errors.New("directories are nested too deeply")
	errTooMany = errors.New("too many changes to list")
)

// differ walks HEAD's trees and the index side by side; both are in the order
// of paths. Where the index remembers a directory's tree, and HEAD has the
// same, the directory is passed over unread.
type differ struct {
	ctx     context.Context
	repo    *history.Repo
	entries []gitindex.Entry
	pos     int
	tree    []gitindex.Node
	out     Changes
	gone    []file       // what HEAD has and the index has not
	goneDir []deletedDir // the same, not read yet
}

type file struct {
	path string
	Object
}

type deletedDir struct {
	prefix string // ends in a slash
	tree   history.ID
}

// root compares a whole tree, or nothing when its id is zero.
func (d *differ) root(tree history.ID) error {
	node := int32(-1)
	if len(d.tree) > 0 {
		node = 0
	}
	if d.unchanged(node, tree, nil) {
		return nil
	}
	if !tree.IsZero() {
		if err := d.dir(nil, tree, node, 0); err != nil {
			return err
		}
	}
	for d.pos < len(d.entries) {
		if err := d.added(); err != nil {
			return err
		}
	}
	return nil
}

// readTree reads a tree; prefix is its path, for the error.
func (d *differ) readTree(id history.ID, prefix []byte) (*history.Entries, error) {
	if err := d.ctx.Err(); err != nil {
		return nil, err
	}
	if id.IsZero() {
		return history.NewEntries(nil, d.repo.Format()), nil
	}
	typ, data, err := d.repo.Object(id)
	if err == nil && typ != history.Tree {
		err = fmt.Errorf("object %s is a %s where a tree should be; see `git fsck`", id, typ)
	}
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", prefix, err)
	}
	return history.NewEntries(data, d.repo.Format()), nil
}

// dir compares the entries below a path, which ends in a slash or is empty.
func (d *differ) dir(prefix []byte, tree history.ID, node int32, depth int) error {
	if depth > gitindex.MaxNesting {
		return fmt.Errorf("directory %q: %w", prefix, errNesting)
	}
	it, err := d.readTree(tree, prefix)
	if err != nil {
		return err
	}
	kids := gitindex.Kids(d.tree, node)
	path := append(make([]byte, 0, len(prefix)+64), prefix...)
	for it.Next() {
		path = append(path[:len(prefix)], it.Name...)
		if it.IsTree() {
			path = append(path, '/')
		}
		if err := d.addedBefore(prefix, path); err != nil {
			return err
		}
		if !it.IsTree() {
			d.file(path, Object{it.ID(), it.Mode.Canonical()})
			continue
		}
		kid, ok := kids[string(it.Name)]
		if !ok {
			kid = -1
		}
		if err := d.subdir(path, it.ID(), kid, depth); err != nil {
			return err
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("directory %q of HEAD, tree %s: %w", prefix, tree, err)
	}
	return d.addedBefore(prefix, nil)
}

// below tells whether the next entry is below a path that ends in a slash.
func (d *differ) below(prefix []byte) bool {
	return d.pos < len(d.entries) && bytes.HasPrefix(d.entries[d.pos].Name, prefix)
}

// addedBefore passes the entries below prefix that come before a path of
// HEAD, or all of them when that is nil.
func (d *differ) addedBefore(prefix, path []byte) error {
	for d.below(prefix) && (path == nil || bytes.Compare(d.entries[d.pos].Name, path) < 0) {
		if err := d.added(); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) subdir(path []byte, tree history.ID, node int32, depth int) error {
	if !d.below(path) {
		d.goneDir = append(d.goneDir, deletedDir{string(path), tree})
		return nil
	}
	if d.unchanged(node, tree, path) {
		return nil
	}
	if e := &d.entries[d.pos]; e.IsDir() && len(e.Name) == len(path) {
		d.pos++
		return d.trees(string(path), tree, history.NewID(e.RawID()), depth+1)
	}
	return d.dir(path, tree, node, depth+1)
}

// unchanged passes over a directory's entries when the index remembers that
// they make this tree, and they are where they should be.
func (d *differ) unchanged(node int32, tree history.ID, path []byte) bool {
	if node < 0 || d.tree[node].ID == nil || !bytes.Equal(d.tree[node].ID, tree.Bytes()) {
		return false
	}
	n := int(d.tree[node].Count)
	if n < 1 || n > len(d.entries)-d.pos {
		return false
	}
	end := d.pos + n
	if !bytes.HasPrefix(d.entries[end-1].Name, path) || end < len(d.entries) && bytes.HasPrefix(d.entries[end].Name, path) {
		return false
	}
	d.pos = end
	return true
}

// added takes an entry whose path HEAD does not have.
func (d *differ) added() error {
	if len(d.out.Changes) > maxChanges {
		return errTooMany
	}
	e := &d.entries[d.pos]
	if e.IsDir() {
		d.pos++
		return d.trees(string(e.Name), history.ID{}, history.NewID(e.RawID()), 0)
	}
	d.entry(e, Object{})
	d.pos++
	return nil
}

// file compares a file of HEAD with the entries of the same path: one, or
// the sides of a conflict.
func (d *differ) file(path []byte, old Object) {
	there := false
	for ; d.pos < len(d.entries) && bytes.Equal(d.entries[d.pos].Name, path); d.pos++ {
		e := &d.entries[d.pos]
		there = there || !e.Later
		if e.Stage == 0 && !e.Later && history.Mode(e.Mode()).Canonical() == old.Mode && bytes.Equal(e.RawID(), old.ID.Bytes()) {
			continue
		}
		d.entry(e, old)
	}
	if !there {
		d.deleted(string(path), old)
	}
}

// entry takes an index entry that differs from what HEAD has, if anything.
func (d *differ) entry(e *gitindex.Entry, old Object) {
	now := Object{history.NewID(e.RawID()), history.Mode(e.Mode()).Canonical()}
	if e.Later {
		d.out.IntentToAdd = append(d.out.IntentToAdd, string(e.Name))
		return
	}
	d.change(string(e.Name), now, old, int(e.Stage))
}

func (d *differ) change(path string, now, old Object, stage int) {
	if now.Mode == history.ModeGitlink {
		if old.Mode != history.ModeGitlink {
			d.deleted(path, old)
		}
		d.out.Submodules = append(d.out.Submodules, path)
		return
	}
	c := Change{Path: path, Kind: Modified, New: now, Old: old, OldPath: path, Stage: stage}
	if old.Mode == history.ModeGitlink {
		c.Old = Object{}
	}
	switch {
	case stage != 0:
		c.Kind = Unmerged
	case c.Old.ID.IsZero():
		c.Kind = Added
	case old.Mode.Kind() != now.Mode.Kind():
		c.Kind = TypeChanged
	}
	if c.Old.ID.IsZero() {
		c.OldPath = ""
	}
	if stage == 0 || now.ID != old.ID {
		d.out.Changes = append(d.out.Changes, c)
	}
}

func (d *differ) deleted(path string, old Object) {
	if !old.ID.IsZero() && old.Mode != history.ModeGitlink && len(d.gone) < maxChanges {
		d.gone = append(d.gone, file{path, old})
	}
}
