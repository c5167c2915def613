package staged

import (
	"bytes"
	"fmt"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gitindex"
)

// trees compares two trees of the object database: a sparse index has a
// directory outside of the checkout as one entry. A zero id is an empty tree.
func (d *differ) trees(prefix string, old, now history.ID, depth int) error {
	if old == now {
		return nil
	}
	if depth > gitindex.MaxNesting {
		return fmt.Errorf("directory %q: %w", prefix, errNesting)
	}
	if len(d.out.Changes) > maxChanges {
		return errTooMany
	}
	a, err := d.readTree(old, []byte(prefix))
	if err != nil {
		return err
	}
	b, err := d.readTree(now, []byte(prefix))
	if err != nil {
		return err
	}
	moreA, moreB := a.Next(), b.Next()
	for moreA || moreB {
		switch c := compareEntries(a, b, moreA, moreB); {
		case c < 0:
			d.goneEntry(prefix, a)
			moreA = a.Next()
		case c > 0:
			if err := d.newEntry(prefix, nil, b, depth); err != nil {
				return err
			}
			moreB = b.Next()
		default:
			if err := d.newEntry(prefix, a, b, depth); err != nil {
				return err
			}
			moreA, moreB = a.Next(), b.Next()
		}
	}
	if a.Err() != nil || b.Err() != nil {
		return fmt.Errorf("directory %q, tree %s or %s: its entries are malformed; see `git fsck`", prefix, old, now)
	}
	return nil
}

// compareEntries orders entries as git does: a directory as if its name ended
// in a slash.
func compareEntries(a, b *history.Entries, moreA, moreB bool) int {
	if !moreA || !moreB {
		if moreA {
			return -1
		}
		return 1
	}
	n := min(len(a.Name), len(b.Name))
	if c := bytes.Compare(a.Name[:n], b.Name[:n]); c != 0 {
		return c
	}
	return int(following(a, n)) - int(following(b, n))
}

func following(e *history.Entries, n int) byte {
	if n < len(e.Name) {
		return e.Name[n]
	}
	if e.IsTree() {
		return '/'
	}
	return 0
}

func (d *differ) goneEntry(prefix string, e *history.Entries) {
	path := prefix + string(e.Name)
	if e.IsTree() {
		d.goneDir = append(d.goneDir, deletedDir{path + "/", e.ID()})
		return
	}
	d.deleted(path, Object{e.ID(), e.Mode.Canonical()})
}

// newEntry takes an entry of the new tree, and the old one of the same name.
func (d *differ) newEntry(prefix string, old, now *history.Entries, depth int) error {
	path := prefix + string(now.Name)
	var was Object
	if old != nil {
		was = Object{old.ID(), old.Mode.Canonical()}
	}
	if now.IsTree() {
		return d.trees(path+"/", was.ID, now.ID(), depth+1)
	}
	if is := (Object{now.ID(), now.Mode.Canonical()}); is != was {
		d.change(path, is, was, 0)
	}
	return nil
}

// readGone lists the files of the directories that are gone, as far as
// anybody could want to compare them.
func (d *differ) readGone() error {
	for len(d.goneDir) > 0 && len(d.gone) < maxGone {
		last := len(d.goneDir) - 1
		dir := d.goneDir[last]
		d.goneDir = d.goneDir[:last]
		it, err := d.readTree(dir.tree, []byte(dir.prefix))
		if err != nil {
			return err
		}
		for it.Next() {
			d.goneEntry(dir.prefix, it)
		}
		if it.Err() != nil {
			return fmt.Errorf("directory %q of HEAD, tree %s: its entries are malformed; see `git fsck`", dir.prefix, dir.tree)
		}
	}
	d.goneDir = nil
	return nil
}
