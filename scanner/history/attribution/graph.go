// Package attribution answers who brought a secret into a repository, and
// when: by content, from the trees of all commits, each compared with those
// of all its parents.
package attribution

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/scanner/history"
)

// Graph is the commits of a repository.
type Graph struct {
	commits []commit
	number  map[history.ID]int32
	people  map[person]int32
	names   []person
	sorted  bool
	order   []int32 // parents before children
	rank    []int32 // of each commit, its place in order
	kids    [][]int32
}

// commit is what is kept of one. Parents are numbers of commits.
type commit struct {
	id, tree history.ID
	parents  []history.ID
	author   int32
	authored int64 // seconds since 1970
	zone     int32 // seconds east of Greenwich
	date     int64 // when it was committed
}

type person struct{ name, email string }

// NewGraph returns an empty graph.
func NewGraph() *Graph {
	return &Graph{number: make(map[history.ID]int32), people: make(map[person]int32)}
}

// Add adds a commit; one that is known is left as it is.
func (g *Graph) Add(c *history.CommitObject) {
	if _, ok := g.number[c.ID]; ok {
		return
	}
	who := person{c.Author.Name, c.Author.Email}
	n, ok := g.people[who]
	if !ok {
		n = int32(len(g.names))
		g.people[who] = n
		g.names = append(g.names, who)
	}
	_, zone := c.Author.When.Zone()
	g.number[c.ID] = int32(len(g.commits))
	g.commits = append(g.commits, commit{
		id: c.ID, tree: c.Tree, parents: c.Parents, author: n, authored: unix(c.Author.When), zone: int32(zone), date: unix(c.Committer.When),
	})
	g.sorted = false
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Len is how many commits there are.
func (g *Graph) Len() int { return len(g.commits) }

// Has tells whether a commit is known.
func (g *Graph) Has(id history.ID) bool { _, ok := g.number[id]; return ok }

// Compare puts commits in order, parents before children, and what is none last.
func (g *Graph) Compare(a, b history.ID) int {
	g.sort()
	x, ok := g.number[a]
	y, too := g.number[b]
	switch {
	case !ok && !too:
		return 0
	case !ok:
		return 1
	case !too:
		return -1
	}
	return cmp.Compare(g.rank[x], g.rank[y])
}

// Author is who wrote a commit, and when.
func (g *Graph) Author(id history.ID) history.Person {
	n, ok := g.number[id]
	if !ok {
		return history.Person{}
	}
	c := &g.commits[n]
	p := history.Person{Name: g.names[c.author].name, Email: g.names[c.author].email}
	if c.authored != 0 {
		p.When = time.Unix(c.authored, 0).In(time.FixedZone("", int(c.zone)))
	}
	return p
}

// sort puts the commits in an order with parents before children, those of the
// same standing by date and id.
func (g *Graph) sort() {
	if g.sorted {
		return
	}
	g.sorted = true
	n := len(g.commits)
	g.kids = make([][]int32, n)
	waits := make([]int32, n)
	for i := range g.commits {
		for _, p := range g.commits[i].parents {
			if k, ok := g.number[p]; ok {
				g.kids[k] = append(g.kids[k], int32(i))
				waits[i]++
			}
		}
	}
	var ready dateHeap
	ready.g = g
	for i := range waits {
		if waits[i] == 0 {
			ready.push(int32(i))
		}
	}
	g.order = make([]int32, 0, n)
	g.rank = make([]int32, n)
	for len(ready.items) > 0 {
		c := ready.pop()
		g.rank[c] = int32(len(g.order))
		g.order = append(g.order, c)
		for _, k := range g.kids[c] {
			if waits[k]--; waits[k] == 0 {
				ready.push(k)
			}
		}
	}
}

// dateHeap gives out the oldest commit first.
type dateHeap struct {
	g     *Graph
	items []int32
}

func (h *dateHeap) less(a, b int32) bool {
	x, y := &h.g.commits[a], &h.g.commits[b]
	return cmp.Or(cmp.Compare(x.date, y.date), strings.Compare(string(x.id.Bytes()), string(y.id.Bytes()))) < 0
}

func (h *dateHeap) push(c int32) {
	h.items = append(h.items, c)
	for i := len(h.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(h.items[i], h.items[up]) {
			break
		}
		h.items[i], h.items[up] = h.items[up], h.items[i]
		i = up
	}
}

func (h *dateHeap) pop() int32 {
	top := h.items[0]
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	h.items = h.items[:last]
	for i := 0; ; {
		small := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < last && h.less(h.items[c], h.items[small]) {
				small = c
			}
		}
		if small == i {
			return top
		}
		h.items[i], h.items[small] = h.items[small], h.items[i]
		i = small
	}
}

// reach is what keeps each commit alive.
type reach struct {
	head []bool // HEAD leads to it
	why  []uint8
}

// How a commit is kept, the strongest last.
const (
	dangling = iota
	byReflog
	byStash
	byReference
)

// reachability walks from the tips to all their ancestors.
func (g *Graph) reachability(tips []Tip, head history.ID) reach {
	g.sort()
	r := reach{head: make([]bool, len(g.commits)), why: make([]uint8, len(g.commits))}
	for _, t := range tips {
		n, ok := g.number[t.ID]
		if !ok {
			continue
		}
		why := uint8(byReference)
		switch t.Kind {
		case history.TipReflog, history.TipOther:
			why = byReflog
		case history.TipStash:
			why = byStash
		}
		r.why[n] = max(r.why[n], why)
	}
	if n, ok := g.number[head]; ok {
		r.head[n] = true
	}
	for _, c := range slices.Backward(g.order) {
		for _, p := range g.commits[c].parents {
			if k, ok := g.number[p]; ok {
				r.why[k] = max(r.why[k], r.why[c])
				r.head[k] = r.head[k] || r.head[c]
			}
		}
	}
	return r
}

// reasons are the words for why no reference leads to a commit.
var reasons = [...]string{"dangling", "reflog", "stash", ""}

// isRef tells whether a tip is a reference that is named.
func isRef(t Tip) bool { return t.Kind == history.TipRef || t.Kind == history.TipReplace }

// maxRefs is how many references are named.
const maxRefs = 20

// refsOf returns, for each group of commits, the references that lead to one of
// them. Sixty-four groups go through the graph at once.
func (g *Graph) refsOf(groups [][]int32, tips []Tip) (names [][]string, counts []int) {
	names, counts = make([][]string, len(groups)), make([]int, len(groups))
	mask := make([]uint64, len(g.commits))
	for base := 0; base < len(groups); base += 64 {
		clear(mask)
		for i, group := range groups[base:min(base+64, len(groups))] {
			for _, c := range group {
				mask[c] |= 1 << i
			}
		}
		for _, c := range g.order {
			for _, p := range g.commits[c].parents {
				if k, ok := g.number[p]; ok {
					mask[c] |= mask[k]
				}
			}
		}
		for _, t := range tips {
			n, ok := g.number[t.ID]
			if !ok || !isRef(t) {
				continue
			}
			for i := range min(64, len(groups)-base) {
				if mask[n]>>i&1 != 0 {
					names[base+i] = append(names[base+i], t.Name)
				}
			}
		}
	}
	for i := range names {
		slices.Sort(names[i])
		names[i] = slices.Compact(names[i])
		counts[i] = len(names[i])
		names[i] = names[i][:min(maxRefs, len(names[i]))]
	}
	return names, counts
}
