package history

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// forest is a pack's entries as trees of deltas: each entry hangs on what it
// was made from.
type forest struct {
	pack  *pack
	nodes []node // in order of place
	roots []int32
}

// node is one entry. It is kept small, because there are millions.
type node struct {
	off   int64
	index int32 // of the id in the pack's index
	// child is the first entry that is made from this one, next the next that
	// is made from the same; -1 for none.
	child, next int32
	// again tells that an earlier pack has the object too.
	again bool
	// foreign tells that the entry is a delta on an object of another pack.
	foreign bool
}

// entries calls fn for every object of the pack: its number in the index, its
// id and its place.
func (x *packIndex) entries(fn func(i int64, id ID, off int64) error) error {
	for i := range x.count() {
		raw, err := x.file.Slice(x.names+i*x.stride, x.size)
		if err != nil {
			return err
		}
		off, err := x.offset(i)
		if err != nil {
			return err
		}
		if err := fn(i, NewID(raw), off); err != nil {
			return err
		}
	}
	return nil
}

// name returns the id of the i-th object.
func (t *table) name(i int64) (ID, error) {
	raw, err := t.file.Slice(t.names+i*t.stride, t.size)
	if err != nil {
		return ID{}, err
	}
	return NewID(raw), nil
}

// forest reads the headers of all entries. known tells whether an object was
// met before; an entry that cannot be read is told to bad.
func (p *pack) forest(known func(ID) bool, bad func(ID, error)) (*forest, error) {
	if _, err := p.names(); err != nil {
		return nil, err
	}
	if _, err := p.data(); err != nil {
		return nil, err
	}
	if err := p.checkIndexOnce(); err != nil {
		// What can be read of it is better than nothing.
		bad(ID{}, err)
		p.checkErr = nil
	}
	if p.index.count() > p.end()/minEntry {
		return nil, fmt.Errorf("%s: %w", p.base+".idx", errIndex)
	}
	f := &forest{pack: p, nodes: make([]node, 0, p.index.count())}
	err := p.index.entries(func(i int64, id ID, off int64) error {
		f.nodes = append(f.nodes, node{off: off, index: int32(i), child: -1, next: -1, again: known(id)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(f.nodes, func(a, b node) int { return cmp.Compare(a.off, b.off) })
	f.link(bad)
	return f, nil
}

// minEntry is the length of the shortest entry of a pack, in bytes: a header
// and an empty stream.
const minEntry = 9

// link hangs every entry on its base.
func (f *forest) link(bad func(ID, error)) {
	place := make([]int32, len(f.nodes)) // of each object of the index
	for i := range f.nodes {
		place[f.nodes[i].index] = int32(i)
	}
	for i := range f.nodes {
		n := &f.nodes[i]
		base := int32(-1)
		e, err := f.pack.entry(n.off)
		switch {
		case err != nil:
		case e.kind == offsetDelta:
			if base = f.at(e.below); base < 0 {
				err = errPack
			}
		case e.kind == idDelta:
			pos, ferr := f.pack.index.find(e.base)
			if pos < 0 || ferr != nil {
				n.foreign = true
				break
			}
			if base = f.at(pos); base < 0 {
				err = errPack
			}
		}
		if err != nil {
			bad(f.id(int32(i)), err)
			continue
		}
		if base < 0 {
			f.roots = append(f.roots, int32(i))
			continue
		}
		n.next, f.nodes[base].child = f.nodes[base].child, int32(i)
	}
	f.prune()
}

// at returns the entry at a place of the pack, or -1.
func (f *forest) at(off int64) int32 {
	i, ok := slices.BinarySearchFunc(f.nodes, off, func(n node, off int64) int { return cmp.Compare(n.off, off) })
	if !ok {
		return -1
	}
	return int32(i)
}

// prune leaves out the trees of which every object was met before.
func (f *forest) prune() {
	f.roots = slices.DeleteFunc(f.roots, func(root int32) bool {
		stack := []int32{root}
		for len(stack) > 0 {
			n := &f.nodes[stack[len(stack)-1]]
			stack = stack[:len(stack)-1]
			if !n.again {
				return false
			}
			for c := n.child; c >= 0; c = f.nodes[c].next {
				stack = append(stack, c)
			}
		}
		return true
	})
}

// id returns the name of an entry, or the zero ID where the index is at fault.
func (f *forest) id(i int32) ID {
	id, _ := f.pack.index.name(int64(f.nodes[i].index))
	return id
}

func (p *pack) checkIndexOnce() error {
	p.check.Do(func() { p.checkErr = p.checkIndex() })
	return p.checkErr
}

// looseIDs calls fn for every object that has a file of its own.
func (s *store) looseIDs(fn func(ID) error) error {
	dirs, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if len(d.Name()) != 2 || !d.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(s.dir, d.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			id, err := ParseID(d.Name() + file.Name())
			if err != nil || len(id.Bytes()) != s.format.Size() {
				continue // a temporary file
			}
			if err := fn(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// packs returns the packs that have an index, by name.
func (c *contents) packs() []*pack {
	packs := slices.Clone(c.indexed)
	sort.Slice(packs, func(i, j int) bool { return packs[i].base < packs[j].base })
	return packs
}
