package history

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/remint/remint/scanner/history/mapped"
)

// worker rebuilds objects for one visitor.
type worker struct {
	*visits
	visitor Visitor
	delta   []byte
	copies  []Copy
	free    [][]byte // buffers to use again
}

// errUnwanted says that an object is of a type that nobody wants.
var errUnwanted = errors.New("unwanted")

// run does one task. It returns the task to do next and those that anybody
// may do.
func (k *worker) run(t task) (next task, ok bool, more []task, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	if t.forest == nil {
		return task{}, false, nil, k.whole(t.loose, false)
	}
	o, err := k.rebuild(t)
	if err != nil {
		k.release(t.base)
		if errors.Is(err, errUnwanted) {
			return task{}, false, nil, nil
		}
		return task{}, false, nil, k.oneByOne(t)
	}
	n := &t.forest.nodes[t.node]
	visited := Object{ID: t.forest.id(t.node), Type: o.typ, Data: o.data, Again: n.again}
	var base any
	if t.base != nil && t.base.keep != nil {
		base, visited.Copies = t.base.keep, k.copies
	}
	o.keep, err = k.visit(visited, base)
	k.release(t.base)
	if err != nil {
		return task{}, false, nil, err
	}
	o.from = place{pack: t.forest.pack, off: n.off}
	next, ok, more = k.children(t, o)
	return next, ok, more, nil
}

func (k *worker) visit(o Object, base any) (any, error) {
	keep, err := k.visitor.Visit(o, base)
	k.opts.Progress.Done.Add(1)
	k.opts.Progress.Bytes.Add(int64(len(o.Data)))
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", o.ID, err)
	}
	return keep, nil
}

// children are the tasks that an object leads to, the first of which is done
// next.
func (k *worker) children(t task, o *content) (next task, ok bool, more []task) {
	for c := t.forest.nodes[t.node].child; c >= 0; c = t.forest.nodes[c].next {
		more = append(more, task{forest: t.forest, node: c, base: o})
	}
	switch len(more) {
	case 0:
		k.recycle(o.data)
		return task{}, false, nil
	case 1:
		o.refs.Store(1)
		return more[0], true, nil
	}
	size := int64(len(o.data))
	if k.live.Add(size) <= k.opts.Memory/2 {
		o.held = true
		o.refs.Store(int32(len(more)))
		return more[0], true, more[1:]
	}
	// Too much is held: the tasks to come rebuild what they need.
	k.live.Add(-size)
	own := &content{typ: o.typ, data: o.data, keep: o.keep}
	own.refs.Store(1)
	later := &content{typ: o.typ, keep: o.keep, from: o.from}
	later.refs.Store(int32(len(more)) - 1)
	for i := range more {
		more[i].base = later
	}
	more[0].base = own
	return more[0], true, more[1:]
}

// release says that a task does not need its base any more.
func (k *worker) release(c *content) {
	if c == nil || c.refs.Add(-1) > 0 {
		return
	}
	if c.held {
		k.live.Add(-int64(len(c.data)))
	}
	k.recycle(c.data)
}

// rebuild makes the object of a task.
func (k *worker) rebuild(t task) (*content, error) {
	e, err := t.forest.pack.entry(t.forest.nodes[t.node].off)
	if err != nil {
		return nil, err
	}
	if e.size > k.limit {
		return nil, &TooLargeError{Size: e.size, Limit: k.limit}
	}
	if !e.isDelta() {
		if !k.wants(Type(e.kind)) {
			return nil, errUnwanted
		}
		data, err := t.forest.pack.inflate(e, k.buffer(min(e.size, trustedSize)))
		return &content{typ: Type(e.kind), data: data}, err
	}
	base := t.base
	if base == nil {
		typ, data, err := k.repo.Object(e.base)
		if err != nil {
			return nil, err
		}
		if !k.wants(typ) {
			return nil, errUnwanted
		}
		base = &content{typ: typ, data: data}
	}
	data := base.data
	if data == nil && base.from.pack != nil {
		if _, data, err = k.repo.unpack(base.from); err != nil {
			return nil, err
		}
	}
	if k.delta, err = t.forest.pack.inflate(e, k.delta); err != nil {
		return nil, err
	}
	out, err := k.apply(data)
	return &content{typ: base.typ, data: out}, err
}

// apply rebuilds an object from its base and k.delta, and notes what was
// copied.
func (k *worker) apply(base []byte) ([]byte, error) {
	from, size, ops, err := deltaSizes(k.delta)
	switch {
	case err != nil:
		return nil, err
	case from != int64(len(base)):
		return nil, errDelta
	case size > k.limit:
		return nil, &TooLargeError{Size: size, Limit: k.limit}
	}
	if err := checkOps(ops, from, size); err != nil {
		return nil, err
	}
	out := k.buffer(size)
	k.copies = k.copies[:0]
	for len(ops) > 0 {
		var op deltaOp
		if op, ops, err = nextOp(ops); err != nil {
			return nil, err
		}
		if op.insert != nil {
			out = append(out, op.insert...)
			continue
		}
		k.copied(Copy{At: len(out), From: int(op.offset), Len: int(op.length)})
		out = append(out, base[op.offset:op.offset+op.length]...)
	}
	return out, nil
}

// copied notes a copy, as one with the copy before where it goes on from there.
func (k *worker) copied(c Copy) {
	if n := len(k.copies); n > 0 {
		if last := &k.copies[n-1]; last.At+last.Len == c.At && last.From+last.Len == c.From {
			last.Len += c.Len
			return
		}
	}
	k.copies = append(k.copies, c)
}

// oneByOne visits an object that cannot be rebuilt where it stands, and those
// that are made from it, each by itself: another pack may have it whole, or it
// is too large to be held.
func (k *worker) oneByOne(t task) error {
	stack := []int32{t.node}
	for len(stack) > 0 && k.ctx.Err() == nil {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if err := k.whole(t.forest.id(n), t.forest.nodes[n].again); err != nil {
			return err
		}
		for c := t.forest.nodes[n].child; c >= 0; c = t.forest.nodes[c].next {
			stack = append(stack, c)
		}
	}
	return nil
}

// whole visits an object by its name.
func (k *worker) whole(id ID, again bool) error {
	if again {
		return nil
	}
	typ, size, err := k.repo.Header(id)
	if err == nil && !k.wants(typ) {
		return nil
	}
	var data []byte
	if err == nil && size <= k.limit {
		typ, data, err = k.repo.Object(id)
	}
	switch {
	case err != nil:
		k.unreadable(id, err)
	case size > k.limit:
		if err := k.visitor.Large(id, typ, size); err != nil {
			return fmt.Errorf("object %s: %w", id, err)
		}
		k.opts.Progress.Done.Add(1)
		k.opts.Progress.Bytes.Add(size)
	default:
		_, err := k.visit(Object{ID: id, Type: typ, Data: data}, nil)
		return err
	}
	return nil
}

// buffer returns an empty buffer for size bytes.
func (k *worker) buffer(size int64) []byte {
	for i := len(k.free) - 1; i >= 0; i-- {
		if int64(cap(k.free[i])) >= size {
			b := k.free[i]
			k.free = append(k.free[:i], k.free[i+1:]...)
			return b[:0]
		}
	}
	if len(k.free) > 0 {
		k.free = k.free[1:] // too short to be of use
	}
	return make([]byte, 0, size+size/4)
}

// maxFree is how many buffers a worker keeps to use again.
const maxFree = 8

// recycle takes back a buffer that nobody needs any more.
func (k *worker) recycle(b []byte) {
	if cap(b) > 0 && len(k.free) < maxFree {
		k.free = append(k.free, b)
	}
}
