package archive

import (
	"bufio"
	"errors"
	"io"
	"sync"
)

// chunk is how many bytes are read between two looks at the context.
const chunk = 64 << 10

// stream is what a decoder, or the outermost file, gives. It counts, recovers
// from a decoder's panic, reports a fault once, and then ends with errReported.
type stream struct {
	w    *walker
	r    io.Reader
	path string // to report faults under
	// under is what it is decoded from: a fault there was reported there.
	under *stream
	// metered streams count as unpacked; the root's bytes as read.
	metered, root bool
	failed        bool
	err           error
	idleReads     int
}

func (s *stream) Read(p []byte) (int, error) {
	w := s.w
	if w.stop == nil {
		w.stop = w.ctx.Err()
	}
	if w.stop != nil {
		return 0, w.stop
	}
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	n, err := s.read(p[:min(len(p), chunk)])
	if s.root {
		w.in += int64(n)
	}
	if s.metered {
		w.charge(s.path, int64(n))
	}
	if s.idleReads++; n > 0 {
		s.idleReads = 0
	}
	// bufio gives up after a hundred, and says so to nobody.
	if err == nil && s.idleReads > 50 {
		err = io.ErrNoProgress
	}
	if err == nil {
		return n, nil
	}
	s.end(err)
	return n, s.err
}

// end notes how the stream ended, and reports it where nobody has.
func (s *stream) end(err error) {
	switch {
	case errors.Is(err, io.EOF):
		s.err = io.EOF
		return
	case s.w.stop != nil:
		s.err = s.w.stop
		return
	case s.root:
		s.w.readErr = err
	case !s.under.broken():
		s.w.fault(s.path, err)
	}
	s.failed = true
	s.err = errReported
}

func (s *stream) read(p []byte) (n int, err error) {
	defer recovered(&err)
	n, err = s.r.Read(p)
	if n < 0 || n > len(p) {
		return 0, fail(Corrupt, "its decoder lost count")
	}
	return n, err
}

// recovered turns a decoder's panic into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fail(Corrupt, "its decoder gave up: %v", p)
	}
}

// broken tells whether this stream, or one that it is decoded from, failed.
func (s *stream) broken() bool {
	for ; s != nil; s = s.under {
		if s.failed {
			return true
		}
	}
	return false
}

// drain reads on to the end.
func (s *stream) drain() {
	br := newBuffered(s)
	defer freeBuffered(br)
	for {
		if n, err := br.Discard(chunk); n < chunk || err != nil {
			return
		}
	}
}

// bounded is a member's stream as the visitor sees it.
type bounded struct {
	w    *walker
	r    io.Reader
	path string
	left int64
	done bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.done || len(p) == 0 {
		return 0, b.ended()
	}
	// One byte more than is left tells whether that is all.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.w.problem(b.path, Limit, fail(Limit, "it is larger than %d MiB; the rest of it was not looked at", b.w.limits.MemberBytes>>20))
		b.done = true
	}
	b.left -= int64(n)
	b.done = b.done || err != nil
	if b.done {
		return n, b.ended()
	}
	return n, nil
}

// ended says how the member's bytes ended.
func (b *bounded) ended() error {
	if !b.done {
		return nil
	}
	if err := b.w.ctx.Err(); err != nil {
		return err
	}
	return io.EOF
}

// rootAt is the outermost file where there is random access to it.
type rootAt struct {
	r io.ReaderAt
	s *stream
}

func (a *rootAt) ReadAt(p []byte, off int64) (int, error) {
	w := a.s.w
	if err := w.ctx.Err(); err != nil {
		if w.stop == nil {
			w.stop = err
		}
		return 0, err
	}
	n, err := a.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		w.readErr, a.s.failed = err, true
	}
	return n, err
}

// bufferedReader is what decoders and members are read through.
type bufferedReader = bufio.Reader

const bufferSize = 32 << 10

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

func newBuffered(r io.Reader) *bufferedReader {
	br := buffers.Get().(*bufferedReader)
	br.Reset(r)
	return br
}

func freeBuffered(br *bufferedReader) {
	br.Reset(nil)
	buffers.Put(br)
}
