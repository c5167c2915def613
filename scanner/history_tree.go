package scanner

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/remint/remint/scanner/history"
)

// treeIndex is what is noted of the trees of a history, to know which of them
// lead to a finding.
type treeIndex struct {
	edges  []edge
	wanted []history.ID // trees that hold something of interest themselves
	tags   []history.TagObject
	marked map[uint64]bool
}

// edge says that a tree stands in another. The first eight bytes of an id
// stand for it: should two be the same, a tree is looked at in vain.
type edge struct{ child, parent uint64 }

func short(id *history.ID) uint64 { return binary.BigEndian.Uint64(id.Bytes()) }

// visitTree looks at the names in a tree, and notes what it leads to.
func (v *visitor) visitTree(o history.Object) error {
	if o.Again {
		return nil
	}
	wanted := false
	parent := short(&o.ID)
	var edges []edge
	e := history.NewEntries(o.Data, v.repo.Format())
	for e.Next() {
		dirty, seen := v.names[string(e.Name)]
		if !seen {
			var err error
			if dirty, err = v.name(e.Name); err != nil {
				return err
			}
		}
		wanted = wanted || dirty
		if e.Mode.Kind() == history.ModeGitlink {
			continue
		}
		id := e.ID()
		if !v.walk.Has(id) {
			v.missing(id)
		}
		if e.IsTree() {
			edges = append(edges, edge{short(&id), parent})
		} else if !wanted {
			_, wanted = v.blobs[id]
		}
	}
	if e.Err() != nil {
		v.audit.unreadable(o.ID, &history.CorruptError{ID: o.ID, File: v.repo.GitDir(), Err: e.Err()})
	}
	if len(edges) == 0 && !wanted {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forest.edges = append(v.forest.edges, edges...)
	if wanted {
		v.forest.wanted = append(v.forest.wanted, o.ID)
	}
	return nil
}

// name looks at the name of a file or folder that was not seen before.
func (v *visitor) name(raw []byte) (dirty bool, err error) {
	name := string(raw)
	matches, err := v.engine.Scan(raw)
	if err != nil {
		return false, err
	}
	keys := append([]foundKey(nil), v.keysOf(matches, raw)...)
	for _, r := range v.Scanner.engine.RulesOfName(name) {
		keys = append(keys, foundKey{secretKey: secretKey{rule: r}})
	}
	v.names[name] = len(keys) > 0
	if len(keys) == 0 {
		return false, nil
	}
	numbers, _ := v.number(keys)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.audit.names[name] = numbers
	return true, nil
}

// spread marks the trees that lead to something of interest.
func (t *treeIndex) spread() {
	t.marked = make(map[uint64]bool, 4*len(t.wanted))
	if len(t.wanted) == 0 {
		t.edges = nil
		return
	}
	slices.SortFunc(t.edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.child, b.child), cmp.Compare(a.parent, b.parent))
	})
	var stack []uint64
	for i := range t.wanted {
		stack = append(stack, short(&t.wanted[i]))
	}
	for len(stack) > 0 {
		child := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if t.marked[child] {
			continue
		}
		t.marked[child] = true
		i, _ := slices.BinarySearchFunc(t.edges, child, func(e edge, child uint64) int { return cmp.Compare(e.child, child) })
		for ; i < len(t.edges) && t.edges[i].child == child; i++ {
			stack = append(stack, t.edges[i].parent)
		}
	}
}

// tops returns the trees of interest that no tree holds, out of those that
// lead to a tree.
func (t *treeIndex) tops(id history.ID) []uint64 {
	var tops []uint64
	seen := make(map[uint64]bool)
	stack := []uint64{short(&id)}
	for len(stack) > 0 && len(seen) < maxTops {
		child := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[child] {
			continue
		}
		seen[child] = true
		i, found := slices.BinarySearchFunc(t.edges, child, func(e edge, child uint64) int { return cmp.Compare(e.child, child) })
		if !found {
			tops = append(tops, child)
		}
		for ; i < len(t.edges) && t.edges[i].child == child; i++ {
			stack = append(stack, t.edges[i].parent)
		}
	}
	return tops
}

// maxTops bounds how many trees above a tree are looked at.
const maxTops = 10000

// interesting tells whether something of interest may stand below a tree.
func (t *treeIndex) interesting(id history.ID) bool { return t.marked[short(&id)] }
