package archive

import (
	"errors"
	"io"
)

// spoolChunk is by how many bytes a spool grows.
const spoolChunk = 256 << 10

// spool holds a stream in memory, where random access is needed: never in a
// file, where a secret could be left behind.
type spool struct {
	w      *walker
	chunks [][]byte
	size   int64
	read   int64 // by Read, which gives up what it has read
}

// spool reads r to its end, or up to half of the memory: then whole is false.
func (w *walker) spool(r io.Reader) (s *spool, whole bool) {
	s = &spool{w: w}
	for s.size+spoolChunk <= w.limits.Memory/2 && w.reserve(spoolChunk) == nil {
		c := w.spare
		if w.spare = nil; c == nil {
			c = make([]byte, spoolChunk)
		}
		n, err := io.ReadFull(r, c)
		s.chunks = append(s.chunks, c[:n])
		s.size += int64(n)
		if err != nil {
			return s, true
		}
	}
	// It may have ended just here.
	c := make([]byte, 1)
	if n, _ := io.ReadFull(r, c); n == 0 {
		return s, true
	}
	s.chunks = append(s.chunks, c)
	s.size++
	return s, false
}

// free gives the memory back.
func (s *spool) free() {
	for i := range s.chunks {
		s.drop(i)
	}
}

func (s *spool) drop(i int) {
	c := s.chunks[i]
	s.chunks[i] = nil
	switch {
	case cap(c) < spoolChunk: // gone already, or the byte that was one too many
	case s.w.spare == nil:
		s.w.spare = c[:spoolChunk]
		s.w.memory -= spoolChunk
	default:
		s.w.release(spoolChunk)
	}
}

func (s *spool) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("archive: offset before the beginning")
	}
	for n < len(p) && off < s.size {
		c := s.chunks[off/spoolChunk]
		m := copy(p[n:], c[off%spoolChunk:])
		n += m
		off += int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Read reads each byte once and gives back the memory behind it.
func (s *spool) Read(p []byte) (int, error) {
	n, err := s.ReadAt(p[:min(len(p), spoolChunk)], s.read)
	before := s.read / spoolChunk
	s.read += int64(n)
	for i := before; i < s.read/spoolChunk; i++ {
		s.drop(int(i))
	}
	return n, err
}
