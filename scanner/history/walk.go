package history

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/history/mapped"
)

// Object is one object on a walk.
type Object struct {
	ID   ID
	Type Type
	// Data is the content. It is valid until the visit ends.
	Data []byte
	// Copies says, for an object that was rebuilt from another, which bytes
	// are those of that one; in order of place, none empty. It is valid until
	// the visit ends.
	Copies []Copy
	// Again tells that the object was visited before, and is visited once more
	// because others are made from it.
	Again bool
}

// Copy says that Len bytes of an object from At on are those of its base from
// From on.
type Copy = engine.Copy

// Visitor looks at objects, one after the other. What it returns is handed to
// the visits of the objects that are rebuilt from this one, as base; it must
// not refer to the object's data, and must not change any more. base is nil
// where the object was not rebuilt from another.
type Visitor interface {
	Visit(o Object, base any) (keep any, err error)
	// Large is called for an object that is too large to be held in memory.
	Large(id ID, typ Type, size int64) error
}

// WalkOptions say how to walk.
type WalkOptions struct {
	// Workers is how many visitors work at once.
	Workers int
	// Memory bounds about how much memory the content of objects takes, in bytes.
	Memory int64
	// Unreadable is told of objects, or files where the id is zero, that
	// cannot be read; calls come one at a time.
	Unreadable func(id ID, err error)
	// Progress counts.
	Progress *WalkProgress
}

// WalkProgress counts while a walk goes on.
type WalkProgress struct {
	// Total is how many objects there are, and Packed how many bytes their
	// packs have; both are known when the walk begins.
	Total, Packed atomic.Int64
	// Done and Bytes are how many objects were visited and how many bytes they
	// have.
	Done, Bytes atomic.Int64
}

// Walk goes over everything that a repository and its alternates keep, whether
// or not anything refers to it.
type Walk struct {
	repo    *Repo
	opts    WalkOptions
	limit   int64 // the longest object that is held, in bytes
	forests []*forest
	loose   []ID
	known   idSet
	report  sync.Mutex
}

// NewWalk lists what there is.
func (r *Repo) NewWalk(ctx context.Context, opts WalkOptions) (*Walk, error) {
	w := &Walk{repo: r, opts: opts}
	w.limit = max(opts.Memory/int64(2*opts.Workers+2), minLimit)
	return w, w.plan(ctx)
}

// Visit visits every object of these types once, and what is made by a delta
// right after what it was made from. It returns the error of a visitor, or
// that of the context.
func (w *Walk) Visit(ctx context.Context, types []Type, newVisitor func() Visitor) error {
	v := &visits{Walk: w, ctx: ctx, types: types, loose: w.loose}
	v.idle = sync.NewCond(&v.mu)
	var workers sync.WaitGroup
	for range w.opts.Workers {
		workers.Add(1)
		go func() {
			defer workers.Done()
			if err := v.work(newVisitor()); err != nil {
				v.fail(err)
			}
		}()
	}
	workers.Wait()
	if v.failed != nil {
		return v.failed
	}
	return ctx.Err()
}

// minLimit is the size of an object, in bytes, that is always held in memory.
const minLimit = 8 << 20

// visits is a walk under way.
type visits struct {
	*Walk
	ctx   context.Context
	types []Type
	live  atomic.Int64 // bytes that are held for deltas to come

	mu     sync.Mutex
	idle   *sync.Cond
	tasks  []task // the last is next
	loose  []ID   // left to visit
	forest int    // of the next root
	root   int
	busy   int
	failed error
}

// task is an entry to rebuild and what it is made from.
type task struct {
	forest *forest
	node   int32
	loose  ID
	base   *content
}

// content is an object that others are made from.
type content struct {
	typ  Type
	data []byte // nil where it was let go to save memory
	keep any
	refs atomic.Int32 // tasks to come that need it
	held bool         // its length is counted in walk.live
	from place        // where it can be rebuilt from
}

// plan lists everything there is.
func (w *Walk) plan(ctx context.Context) error {
	stores, err := w.repo.alternates()
	if err != nil {
		w.unreadable(ID{}, err)
	}
	var packs []*pack
	total := int64(0)
	for _, s := range append([]*store{w.repo.own}, stores...) {
		c := s.list()
		for _, problem := range c.problems {
			w.unreadable(ID{}, problem)
		}
		for _, p := range c.packs() {
			if err := w.planPack(ctx, p, packs); err != nil {
				w.unreadable(ID{}, err)
				continue
			}
			packs = append(packs, p)
		}
	}
	for _, s := range append([]*store{w.repo.own}, stores...) {
		err := s.looseIDs(func(id ID) error {
			if !inAny(packs, id) {
				w.loose = append(w.loose, id)
			}
			return ctx.Err()
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			w.unreadable(ID{}, err)
		}
	}
	slices.SortFunc(w.loose, compareIDs)
	w.loose = slices.Compact(w.loose)
	for _, f := range w.forests {
		total += int64(len(f.nodes))
	}
	w.opts.Progress.Total.Store(total + int64(len(w.loose)))
	w.known = newIDSet(int(total) + len(w.loose))
	for _, f := range w.forests {
		for i := range f.nodes {
			id := f.id(int32(i))
			w.known.add(&id)
		}
	}
	for i := range w.loose {
		w.known.add(&w.loose[i])
	}
	return nil
}

// Has tells whether an object is there. It is quick, and once in some
// billions of ids it says so of one that is not.
func (w *Walk) Has(id ID) bool { return w.known.has(&id) }

func (w *Walk) planPack(ctx context.Context, p *pack, before []*pack) (err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	f, err := p.forest(func(id ID) bool { return len(before) > 0 && inAny(before, id) }, func(id ID, err error) {
		w.unreadable(id, &CorruptError{ID: id, File: p.name(), Err: err})
	})
	if err != nil {
		return err
	}
	w.forests = append(w.forests, f)
	w.opts.Progress.Packed.Add(p.end())
	return ctx.Err()
}

func inAny(packs []*pack, id ID) bool {
	for _, p := range packs {
		if off, err := p.find(id); off >= 0 && err == nil {
			return true
		}
	}
	return false
}

func compareIDs(a, b ID) int { return slices.Compare(a.Bytes(), b.Bytes()) }

func (w *Walk) unreadable(id ID, err error) {
	w.report.Lock()
	defer w.report.Unlock()
	w.opts.Unreadable(id, err)
}

func (w *visits) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
	w.idle.Broadcast()
}

// next returns the next task; ok is false when there is none left.
func (w *visits) next() (t task, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.failed != nil || w.ctx.Err() != nil {
			w.idle.Broadcast()
			return task{}, false
		}
		if n := len(w.tasks); n > 0 {
			t, w.tasks = w.tasks[n-1], w.tasks[:n-1]
			w.busy++
			return t, true
		}
		for w.forest < len(w.forests) {
			if f := w.forests[w.forest]; w.root < len(f.roots) {
				w.root++
				w.busy++
				return task{forest: f, node: f.roots[w.root-1]}, true
			}
			w.forest++
			w.root = 0
		}
		if n := len(w.loose); n > 0 {
			t.loose, w.loose = w.loose[n-1], w.loose[:n-1]
			w.busy++
			return t, true
		}
		if w.busy == 0 {
			w.idle.Broadcast()
			return task{}, false
		}
		w.idle.Wait()
	}
}

// done says that a task has been worked on, and hands over what follows it.
func (w *visits) done(more []task) {
	w.mu.Lock()
	w.tasks = append(w.tasks, more...)
	w.busy--
	if len(more) > 0 || w.busy == 0 {
		w.idle.Broadcast()
	}
	w.mu.Unlock()
}

func (w *visits) wants(typ Type) bool { return slices.Contains(w.types, typ) }

// work is one worker's part of the walk.
func (w *visits) work(v Visitor) error {
	k := &worker{visits: w, visitor: v}
	for {
		t, ok := w.next()
		if !ok {
			return nil
		}
		for ok {
			var more []task
			var err error
			t, ok, more, err = k.run(t)
			if err != nil {
				return err
			}
			if w.ctx.Err() != nil {
				w.fail(w.ctx.Err())
			}
			if !ok {
				w.done(more)
			} else if len(more) > 0 {
				w.mu.Lock()
				w.tasks = append(w.tasks, more...)
				w.idle.Broadcast()
				w.mu.Unlock()
			}
		}
	}
}
