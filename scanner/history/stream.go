package history

import (
	"errors"
	"io"
	"runtime/debug"

	"github.com/remint/remint/scanner/history/mapped"
)

// stream reads an object that git keeps whole, and makes sure of its length.
type stream struct {
	id   ID
	file string
	r    io.Reader
	left int64
	done func()
}

// openStream returns nil when the object is a delta.
func openStream(id ID, p place, size int64) (io.ReadCloser, error) {
	if p.loose == nil {
		e, err := p.pack.entry(p.off)
		if err != nil || e.isDelta() {
			return nil, err
		}
		z, err := newInflater(p.pack.file.Reader(e.data, p.pack.end()))
		if err != nil {
			return nil, err
		}
		return &stream{id: id, file: p.file(), r: z, left: size, done: func() { inflaters.Put(z) }}, nil
	}
	file, err := mapped.Open(p.loose.Name()) // the other one is closed when its visit ends
	if err != nil {
		return nil, err
	}
	l, err := openLoose(file)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &stream{id: id, file: p.file(), r: l, left: size, done: func() { l.release(); file.Close() }}, nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (n int, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			err = &CorruptError{ID: s.id, File: s.file, Err: err}
		}
	}()
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	if s.done == nil {
		return 0, errors.New("read after close")
	}
	n, err = s.r.Read(p)
	s.left -= int64(n)
	if s.left < 0 || err == io.EOF && s.left > 0 || err == io.ErrUnexpectedEOF {
		return n, errLength
	}
	return n, err
}

// Close implements io.Closer.
func (s *stream) Close() error {
	if s.done != nil {
		s.done()
		s.done = nil
	}
	return nil
}
