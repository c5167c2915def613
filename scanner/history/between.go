package history

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
)

// slop is how many commits are looked at after the first moment at which
// dates say that nothing can change any more: clocks go wrong.
const slop = 256

// walker finds the commits that are reachable from some and not from others,
// newest first by date, so that of the excluded it reads little more than is
// as new as the included.
type walker struct {
	ctx     context.Context
	repo    *Repo
	shallow map[ID]bool // where the history was cut
	nodes   map[ID]*visited
	queue   dateHeap
	wanted  int   // nodes in the queue that are not excluded
	oldest  int64 // date of the oldest that was included, in Unix seconds
}

// visited is what is known of one commit.
type visited struct {
	id       ID
	names    []ID       // of the parents, until they are known
	parents  []*visited // afterwards
	children []*visited // those that wait for it, when the order is made
	waiting  int        // for so many parents
	when     int64      // committed, in Unix seconds
	excluded bool
	queued   bool
	absent   bool
	err      error // why it is absent, unless the history was cut there
}

// dateHeap has the newest commit on top.
type dateHeap []*visited

func (h dateHeap) Len() int           { return len(h) }
func (h dateHeap) Less(i, j int) bool { return h[i].when > h[j].when }
func (h dateHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dateHeap) Push(x any)        { *h = append(*h, x.(*visited)) }
func (h *dateHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return n
}

// CommitsBetween returns the commits reachable from include and not from
// exclude, parents before children, older before newer where that leaves a
// choice. Tags stand for what they lead to; what leads to no commit, as the
// zero ID does, has none.
// Where commits are missing, the error says so and the others are returned,
// with those that something missing would have excluded; that a shallow clone
// ends is no error. It costs in proportion to what is returned as long as
// clocks are about right. Where some are far off, it reads more; only hundreds
// of them in a row can make it return what should have been excluded.
func (r *Repo) CommitsBetween(ctx context.Context, include, exclude []ID) ([]ID, error) {
	return newWalker(ctx, r).between(include, exclude)
}

func newWalker(ctx context.Context, r *Repo) *walker {
	w := &walker{ctx: ctx, repo: r, shallow: map[ID]bool{}, nodes: map[ID]*visited{}, oldest: math.MaxInt64}
	cut, _ := r.commitsIn(GapShallow, filepath.Join(r.commonDir, "shallow")) // what is wrong with it, Gaps tells
	for _, id := range cut {
		w.shallow[id] = true
	}
	return w
}

// between fills the walker and returns what CommitsBetween does.
func (w *walker) between(include, exclude []ID) ([]ID, error) {
	for _, id := range exclude {
		if commit, err := w.repo.peel(id, Commit); err == nil {
			id = commit
		}
		w.push(id, true, false)
	}
	for _, id := range include {
		if id.IsZero() {
			continue
		}
		commit, err := w.repo.peel(id, 0)
		if err == nil {
			if typ, _, err := w.repo.Header(commit); err == nil && typ != Commit {
				continue
			}
			id = commit
		}
		w.push(id, false, false)
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	return w.ordered(), w.problems()
}

// push makes a commit known and puts it into the queue. That it is absent is
// no problem where the history was cut.
func (w *walker) push(id ID, excluded, cut bool) *visited {
	n := w.nodes[id]
	if n != nil {
		if excluded {
			w.exclude(n)
		}
		return n
	}
	n = w.read(id)
	n.excluded = excluded
	w.nodes[id] = n
	if n.absent && cut {
		n.err = nil
	}
	if n.absent {
		return n
	}
	n.queued = true
	heap.Push(&w.queue, n)
	if !excluded {
		w.wanted++
	}
	return n
}

// read takes a commit from the object database.
func (w *walker) read(id ID) *visited {
	typ, data, err := w.repo.Object(id)
	if err == nil && typ != Commit {
		err = &CorruptError{ID: id, File: w.repo.own.dir, Err: fmt.Errorf("it is a %s where a commit should be", typ)}
	}
	if err != nil {
		return &visited{id: id, absent: true, err: err}
	}
	return &visited{id: id, names: commitParents(data), when: commitDate(data)}
}

// problems are about the commits that are wanted and cannot be read.
func (w *walker) problems() error {
	var bad []*visited
	for _, n := range w.nodes {
		if n.err != nil && !n.excluded {
			bad = append(bad, n)
		}
	}
	slices.SortFunc(bad, func(a, b *visited) int { return slices.Compare(a.id.sum[:], b.id.sum[:]) })
	var errs []error
	for _, n := range bad {
		errs = append(errs, n.err)
	}
	return errors.Join(errs...)
}

// exclude excludes a commit that was wanted so far, and all of its ancestors
// that are known.
func (w *walker) exclude(n *visited) {
	stack := []*visited{n}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n.excluded {
			continue
		}
		n.excluded = true
		if n.queued {
			w.wanted--
			continue // its parents are not known yet
		}
		stack = append(stack, n.parents...)
	}
}

func (w *walker) run() error {
	left := slop
	for len(w.queue) > 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if w.wanted > 0 || w.queue[0].when >= w.oldest {
			left = slop
		} else if left--; left < 0 {
			return nil
		}
		n := heap.Pop(&w.queue).(*visited)
		n.queued = false
		if !n.excluded {
			w.wanted--
			w.oldest = min(w.oldest, n.when)
		}
		for _, name := range n.names {
			n.parents = append(n.parents, w.push(name, n.excluded, w.shallow[n.id]))
		}
		n.names = nil
	}
	return nil
}

// ordered returns the commits that are wanted, parents before children, and
// older before newer where that leaves a choice.
func (w *walker) ordered() []ID {
	var ready dateHeap
	for _, n := range w.nodes {
		if n.excluded || n.absent {
			continue
		}
		for _, p := range n.parents {
			if !p.excluded && !p.absent {
				n.waiting++
				p.children = append(p.children, n)
			}
		}
		if n.waiting == 0 {
			ready = append(ready, n)
		}
	}
	order := oldestFirst{ready}
	heap.Init(&order)
	var ids []ID
	for order.Len() > 0 {
		n := heap.Pop(&order).(*visited)
		ids = append(ids, n.id)
		for _, c := range n.children {
			if c.waiting--; c.waiting == 0 {
				heap.Push(&order, c)
			}
		}
	}
	return ids
}

// oldestFirst has the oldest commit on top; equals are in the order of ids.
type oldestFirst struct{ dateHeap }

func (h oldestFirst) Less(i, j int) bool {
	a, b := h.dateHeap[i], h.dateHeap[j]
	return cmp.Or(cmp.Compare(a.when, b.when), slices.Compare(a.id.sum[:], b.id.sum[:])) < 0
}

// commitDate returns when a commit was made, in Unix seconds; 0 for a commit
// that does not say.
func commitDate(data []byte) int64 {
	header, _, _ := bytes.Cut(data, []byte("\n\n"))
	_, line, _ := bytes.Cut(header, []byte("\ncommitter "))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	fields := bytes.Fields(line[bytes.LastIndexByte(line, '>')+1:])
	if len(fields) == 0 {
		return 0
	}
	when, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return when
}
