package launch

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// masked stands in output for a value.
var masked = []byte("********")

// minMasked is the shortest value that is masked, in bytes: a shorter one
// stands everywhere.
const minMasked = 4

// masker writes to another writer with the values masked, also those that are
// split over writes: what may be the beginning of one is held back until more
// comes.
type masker struct {
	mu     sync.Mutex
	w      io.Writer
	values [][]byte // the longest first
	held   []byte
}

func newMasker(w io.Writer, values [][]byte) *masker {
	m := &masker{w: w}
	m.add(values)
	return m
}

// add masks more values.
func (m *masker) add(values [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range values {
		if len(v) >= minMasked && !slices.ContainsFunc(m.values, func(known []byte) bool { return bytes.Equal(known, v) }) {
			m.values = append(m.values, bytes.Clone(v))
		}
	}
	slices.SortFunc(m.values, func(a, b []byte) int { return len(b) - len(a) })
}

// Write implements io.Writer.
func (m *masker) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := append(m.held, p...)
	var out []byte
	for len(text) > 0 {
		if v := m.at(text); v > 0 {
			out = append(out, masked...)
			text = text[v:]
			continue
		}
		if m.mayBegin(text) {
			break
		}
		out = append(out, text[0])
		text = text[1:]
	}
	m.held = bytes.Clone(text)
	if _, err := m.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// at is the length of the value that text begins with, 0 for none.
func (m *masker) at(text []byte) int {
	for _, v := range m.values {
		if bytes.HasPrefix(text, v) {
			return len(v)
		}
	}
	return 0
}

// mayBegin tells whether text is the beginning of a value.
func (m *masker) mayBegin(text []byte) bool {
	for _, v := range m.values {
		if len(text) < len(v) && bytes.HasPrefix(v, text) {
			return true
		}
	}
	return false
}

// flush writes what was held back: there comes no more.
func (m *masker) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(m.held)
	m.held = nil
}
