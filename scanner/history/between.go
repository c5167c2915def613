package history

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Between are the commits that lead to include and not to exclude, parents
// before children. What was committed before since, where that is set, is left
// out. The work is in proportion to what is new, and to how far back the two
// meet. gaps are the commits whose parents are not there.
func (r *Repo) Between(ctx context.Context, include, exclude []ID, since time.Time) (commits []CommitObject, gaps []ID, err error) {
	w := &between{repo: r, ctx: ctx, since: since, seen: make(map[ID]*met)}
	for _, id := range include {
		if err := w.push(id, ID{}, false); err != nil {
			return nil, nil, err
		}
	}
	for _, id := range exclude {
		if err := w.push(id, ID{}, true); err != nil {
			return nil, nil, err
		}
	}
	if err := w.run(); err != nil {
		return nil, nil, err
	}
	return w.sorted(), w.gaps, nil
}

type between struct {
	repo  *Repo
	ctx   context.Context
	since time.Time
	seen  map[ID]*met
	queue []*met // a heap, the youngest first
	news  int    // of the queue, how many are not excluded
	gaps  []ID
}

// met is a commit that was met.
type met struct {
	commit   CommitObject
	excluded bool
	queued   bool
}

// push meets a commit, through a child unless it is a start.
func (w *between) push(id, child ID, excluded bool) error {
	m, ok := w.seen[id]
	if !ok {
		c, err := w.repo.Commit(id)
		if errors.Is(err, ErrMissing) && !child.IsZero() {
			if !excluded {
				w.gaps = append(w.gaps, child)
			}
			return nil
		}
		if err != nil {
			return err
		}
		c.Headers, c.Message = bytes.Clone(c.Headers), bytes.Clone(c.Message)
		m = &met{commit: c, excluded: excluded}
		w.seen[id] = m
		w.enqueue(m)
		return nil
	}
	if excluded && !m.excluded {
		if m.queued {
			w.news--
		}
		m.excluded = true
		if !m.queued {
			w.enqueue(m) // its ancestors were taken for news
		}
	}
	return nil
}

func (w *between) enqueue(m *met) {
	m.queued = true
	if !m.excluded {
		w.news++
	}
	w.queue = append(w.queue, m)
	for i := len(w.queue) - 1; i > 0; {
		up := (i - 1) / 2
		if !younger(w.queue[i], w.queue[up]) {
			break
		}
		w.queue[i], w.queue[up] = w.queue[up], w.queue[i]
		i = up
	}
}

func younger(a, b *met) bool { return a.commit.Committer.When.After(b.commit.Committer.When) }

func (w *between) pop() *met {
	top, last := w.queue[0], len(w.queue)-1
	w.queue[0] = w.queue[last]
	w.queue = w.queue[:last]
	for i := 0; ; {
		first := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < last && younger(w.queue[c], w.queue[first]) {
				first = c
			}
		}
		if first == i {
			break
		}
		w.queue[i], w.queue[first] = w.queue[first], w.queue[i]
		i = first
	}
	top.queued = false
	if !top.excluded {
		w.news--
	}
	return top
}

// slop is how many more excluded commits are looked at when no news is left,
// for clocks that ran wrong.
const slop = 64

// run goes back in time until only excluded commits are left.
func (w *between) run() error {
	extra := 0
	for len(w.queue) > 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if w.news == 0 {
			if extra++; extra > slop {
				return nil
			}
		} else {
			extra = 0
		}
		m := w.pop()
		if !m.excluded && m.commit.Committer.When.Before(w.since) {
			m.excluded = true
		}
		for _, p := range m.commit.Parents {
			if err := w.push(p, m.commit.ID, m.excluded); err != nil {
				return err
			}
		}
	}
	return nil
}

// sorted returns the news, parents before children and else by date.
func (w *between) sorted() []CommitObject {
	var fresh []*met
	for _, m := range w.seen {
		if !m.excluded {
			fresh = append(fresh, m)
		}
	}
	slices.SortFunc(fresh, func(a, b *met) int {
		return cmp.Or(a.commit.Committer.When.Compare(b.commit.Committer.When), bytes.Compare(a.commit.ID.Bytes(), b.commit.ID.Bytes()))
	})
	done := make(map[ID]bool, len(fresh))
	out := make([]CommitObject, 0, len(fresh))
	var stack []*met
	for _, m := range fresh {
		stack = append(stack, m)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			waits := false
			for _, p := range top.commit.Parents {
				if pm := w.seen[p]; pm != nil && !pm.excluded && !done[p] {
					stack = append(stack, pm)
					waits = true
				}
			}
			if waits {
				continue
			}
			stack = stack[:len(stack)-1]
			if !done[top.commit.ID] {
				done[top.commit.ID] = true
				out = append(out, top.commit)
			}
		}
	}
	return out
}

// Change is a path at which a commit differs from each of its parents.
type Change struct {
	Path string
	// Mode and ID are what the commit has there; the zero ID where nothing.
	Mode Mode
	ID   ID
	// Old is what parents have there: files only, each once.
	Old []ID
}

// Changes compares a commit's tree with those of all its parents and calls fn
// for every file or link that is none of theirs at its path, and for every one
// of theirs that is gone. Parents that are not there count as empty.
func (r *Repo) Changes(ctx context.Context, c *CommitObject, fn func(Change) error) error {
	var parents []ID
	for _, p := range c.Parents {
		tree, err := r.TreeOf(p)
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return err
		}
		parents = append(parents, tree)
	}
	d := &treeDiff{repo: r, ctx: ctx, fn: fn}
	return d.trees("", c.Tree, parents, 0)
}

type treeDiff struct {
	repo *Repo
	ctx  context.Context
	fn   func(Change) error
}

// leaf is an entry of a tree, without its name.
type leaf struct {
	mode Mode
	id   ID
}

// maxFolderDepth bounds how deep folders are followed.
const maxFolderDepth = 4096

// trees compares a folder with what the parents have in its place; the zero ID
// stands for none.
func (d *treeDiff) trees(path string, id ID, parents []ID, depth int) error {
	if slices.Contains(parents, id) || depth > maxFolderDepth {
		return nil
	}
	if err := d.ctx.Err(); err != nil {
		return err
	}
	now, order, err := d.read(id)
	if err != nil {
		return err
	}
	olds := make([]map[string]leaf, len(parents))
	for i, p := range parents {
		var names []string
		if olds[i], names, err = d.read(p); err != nil {
			return err
		}
		for _, name := range names {
			if _, ok := now[name]; !ok {
				now[name] = leaf{}
				order = append(order, name)
			}
		}
	}
	for _, name := range order {
		full := name
		if path != "" {
			full = path + "/" + name
		}
		if err := d.entry(full, name, now[name], olds, depth); err != nil {
			return err
		}
	}
	return nil
}

func (d *treeDiff) entry(full, name string, e leaf, olds []map[string]leaf, depth int) error {
	var folders, files []ID
	for _, old := range olds {
		o := old[name]
		if o == e {
			return nil
		}
		switch {
		case o.id.IsZero() || o.mode.Kind() == ModeGitlink:
			folders = append(folders, ID{})
		case o.mode.Kind() == ModeTree:
			folders = append(folders, o.id)
		default:
			folders = append(folders, ID{})
			if !slices.Contains(files, o.id) {
				files = append(files, o.id)
			}
		}
	}
	isTree := !e.id.IsZero() && e.mode.Kind() == ModeTree
	if isTree || slices.ContainsFunc(folders, func(id ID) bool { return !id.IsZero() }) {
		tree := ID{}
		if isTree {
			tree = e.id
		}
		if err := d.trees(full, tree, folders, depth+1); err != nil {
			return err
		}
	}
	if isTree || e.mode.Kind() == ModeGitlink || e.id.IsZero() {
		if len(files) == 0 {
			return nil
		}
		return d.fn(Change{Path: full, Old: files})
	}
	return d.fn(Change{Path: full, Mode: e.mode, ID: e.id, Old: files})
}

// read returns a folder's entries, and their names in order.
func (d *treeDiff) read(id ID) (map[string]leaf, []string, error) {
	entries := map[string]leaf{}
	if id.IsZero() {
		return entries, nil, nil
	}
	typ, data, err := d.repo.Object(id)
	if err != nil {
		return nil, nil, err
	}
	if typ != Tree {
		return nil, nil, &CorruptError{ID: id, File: d.repo.own.dir, Err: errors.New("it is a " + typ.String() + " where a tree should be")}
	}
	var names []string
	e := NewEntries(data, d.repo.format)
	for e.Next() {
		name := string(e.Name)
		if _, ok := entries[name]; !ok {
			names = append(names, name)
		}
		entries[name] = leaf{e.Mode, e.ID()}
	}
	if e.Err() != nil {
		return nil, nil, &CorruptError{ID: id, File: d.repo.own.dir, Err: e.Err()}
	}
	return entries, names, nil
}

// Lookup returns what a tree has at a path.
func (r *Repo) Lookup(tree ID, path string) (Mode, ID, error) {
	d := &treeDiff{repo: r}
	for {
		name, rest, more := cutPath(path)
		entries, _, err := d.read(tree)
		if err != nil {
			return 0, ID{}, err
		}
		e := entries[name]
		if !more || e.id.IsZero() || e.mode.Kind() != ModeTree {
			if more {
				return 0, ID{}, nil
			}
			return e.mode, e.id, nil
		}
		tree, path = e.id, rest
	}
}

func cutPath(path string) (first, rest string, more bool) {
	for i := range len(path) {
		if path[i] == '/' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}
