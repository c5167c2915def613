package archive

import (
	"bytes"
	"io"
)

// sharedStrings are the texts that the cells of an xlsx file refer to by
// number.
type sharedStrings struct {
	text     []byte
	ends     []uint32 // where each string ends
	used     []uint64 // one bit each
	reserved int64
}

// sharedStep is by how many bytes the memory for strings is reserved.
const sharedStep = 1 << 20

// shared loads the strings when a sheet first wants them; nil where they do
// not fit into the memory: then the sheet is passed on as it is, and the
// strings are a member of their own.
func (d *document) shared(w *walker) *sharedStrings {
	if d.tried {
		return d.strings
	}
	d.tried = true
	s := &sharedStrings{}
	if d.entry != nil && !s.load(w, d) {
		w.release(s.reserved)
		return nil
	}
	d.strings = s
	return s
}

// load reads the strings and tells whether they fit.
func (s *sharedStrings) load(w *walker, d *document) bool {
	at, err := d.dir.data(d.entry, d.src.size)
	if err != nil {
		return false
	}
	in := newBuffered(at)
	defer freeBuffered(in)
	p := d.src.path + "!" + d.entry.name
	dec, err := w.zipDecoder(p, d.entry, in)
	if err != nil {
		return false
	}
	data := &stream{w: w, r: dec, path: p, under: d.src.under, metered: true}
	defer func() { dec.close(data.err != nil && !data.failed) }()
	br := newBuffered(data)
	defer freeBuffered(br)
	table := &stringTable{w: w, s: s}
	m := &markup{handler: table}
	// A fault is reported by the stream; the strings before it are used.
	_, _ = io.Copy(io.Discard, m.reader(br))
	s.used = make([]uint64, len(s.ends)/64+1)
	return !table.full
}

// get returns a string by its number, and notes that it is used.
func (s *sharedStrings) get(n int) []byte {
	if n < 0 || n >= len(s.ends) {
		return nil
	}
	s.used[n/64] |= 1 << (n % 64)
	return s.at(n)
}

func (s *sharedStrings) at(n int) []byte {
	start := uint32(0)
	if n > 0 {
		start = s.ends[n-1]
	}
	return s.text[start:s.ends[n]]
}

// takes tells whether a part is dealt with elsewhere: the strings, once they
// are loaded, stand in the sheets. Another part of that name does not.
func (d *document) takes(w *walker, e *zipEntry) bool {
	return d.officeOpen && d.entry != nil && e.name == sharedStrPart && e.offset == d.entry.offset && d.shared(w) != nil
}

// leftover visits the strings that no cell refers to: deleted text stays in
// the file.
func (d *document) leftover(w *walker, src *source) {
	if d == nil || d.strings == nil || w.stop != nil {
		return
	}
	r := &unusedStrings{s: d.strings}
	if r.advance(); len(r.rest) > 0 && w.count(src.path) {
		w.yield(Member{Path: src.path + "!" + sharedStrPart, Size: -1}, r)
	}
}

// unusedStrings reads the strings that no cell refers to, a line each.
type unusedStrings struct {
	s    *sharedStrings
	next int
	rest []byte
	feed bool // a line feed follows
}

// advance finds the next one.
func (u *unusedStrings) advance() {
	for u.rest = nil; len(u.rest) == 0 && u.next < len(u.s.ends); u.next++ {
		if u.s.used[u.next/64]&(1<<(u.next%64)) == 0 {
			u.rest = u.s.at(u.next)
		}
	}
}

func (u *unusedStrings) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if u.feed {
			p[n] = '\n'
			n++
			u.feed = false
			u.advance()
			continue
		}
		if len(u.rest) == 0 {
			return n, io.EOF
		}
		c := copy(p[n:], u.rest)
		n += c
		u.rest = u.rest[c:]
		u.feed = len(u.rest) == 0
	}
	return n, nil
}

// close gives back the memory of the strings.
func (d *document) close(w *walker) {
	if d != nil && d.strings != nil {
		w.release(d.strings.reserved)
	}
}

// stringTable reads xl/sharedStrings.xml.
type stringTable struct {
	w      *walker
	s      *sharedStrings
	inText bool
	skip   bool
	full   bool
}

func (t *stringTable) start(_ *markup, tg tag) {
	switch string(tg.name) {
	case "t":
		t.inText = true
	case "rPh":
		t.skip = true
	}
}

func (t *stringTable) end(_ *markup, name []byte) {
	switch string(name) {
	case "t":
		t.inText = false
	case "rPh":
		t.skip = false
	case "si":
		if t.room(8) {
			t.s.ends = append(t.s.ends, uint32(len(t.s.text)))
		}
	}
}

func (t *stringTable) text(_ *markup, p []byte) {
	if t.inText && !t.skip && t.room(len(p)) {
		t.s.text = append(t.s.text, p...)
	}
}

func (t *stringTable) finish(*markup) {}

// room reserves what is needed for n bytes more; slices grow to twice.
func (t *stringTable) room(n int) bool {
	for need := int64(2*len(t.s.text) + 8*len(t.s.ends) + n); !t.full && t.s.reserved < need; {
		if t.s.reserved >= t.w.limits.Memory/2 || t.w.reserve(sharedStep) != nil {
			t.full = true
			break
		}
		t.s.reserved += sharedStep
	}
	return !t.full
}

// worksheet is the text of a sheet: a row a line, cells separated by tabs from
// column A on, so that the line says the row and the tabs say the column.
type worksheet struct {
	shared   *sharedStrings
	row      int
	column   int // of the cell being read, from 0
	written  int // column that was written to last
	in       cellPart
	isShared bool
	number   []byte
	aside    []byte // text outside of cells
}

// cellPart is which part of a cell is being read.
type cellPart uint8

const (
	noPart cellPart = iota
	value
	formula
	inline
)

// maxColumn is XFD, the last one.
const maxColumn = 16384

func (s *worksheet) start(m *markup, t tag) {
	s.in = noPart
	switch string(t.name) {
	case "row":
		s.row++
		if n := decimal(t.attr("r")); n > 0 {
			s.row = n
		}
		s.column, s.written = -1, 0
		m.lines.set(m.newline+1, s.row)
	case "c":
		s.column++
		if n := column(t.attr("r")); n >= 0 {
			s.column = n
		}
		s.isShared = string(t.attr("t")) == "s"
		s.number = s.number[:0]
	case "v":
		s.in = value
	case "f":
		s.in = formula
	case "t":
		s.in = inline
	default:
		s.aside = appendAttributes(s.aside, t)
		s.bound(m)
	}
}

func (s *worksheet) end(m *markup, name []byte) {
	switch string(name) {
	case "v":
		if s.isShared {
			s.put(m, s.shared.get(decimal(s.number)))
		}
	case "f":
		s.put(m, []byte{' '})
	case "row":
		m.putByte('\n')
		s.flush(m)
	}
	s.in = noPart
}

func (s *worksheet) text(m *markup, p []byte) {
	switch {
	case s.in == value && s.isShared:
		if len(s.number) < 10 {
			s.number = append(s.number, p...)
		}
	case s.in != noPart:
		s.put(m, p)
	case len(bytes.TrimSpace(p)) > 0:
		s.aside = append(s.aside, p...)
		s.bound(m)
	}
}

func (s *worksheet) finish(m *markup) { s.flush(m) }

// bound writes what stands beside the cells where it gets too much to hold.
func (s *worksheet) bound(m *markup) {
	if len(s.aside) > maxAside {
		s.flush(m)
	}
}

// flush writes what stood beside the cells.
func (s *worksheet) flush(m *markup) {
	m.putAside(s.aside, s.row)
	s.aside = s.aside[:0]
}

// put writes text into the cell's column.
func (s *worksheet) put(m *markup, p []byte) {
	if len(p) == 0 {
		return
	}
	if s.written < s.column {
		m.out = append(m.out, make([]byte, s.column-s.written)...)
		for i := len(m.out) - s.column + s.written; i < len(m.out); i++ {
			m.out[i] = '\t'
		}
		s.written, m.midLine = s.column, true
	}
	for {
		line, rest, more := bytes.Cut(p, []byte{'\n'})
		m.put(line)
		if !more {
			return
		}
		m.putByte('\n')
		m.lines.set(m.newline+1, s.row)
		p = rest
	}
}

// decimal reads a number; -1 where it is none.
func decimal(p []byte) int {
	if len(p) == 0 || len(p) > 9 {
		return -1
	}
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// column reads the letters of a reference such as "BC12", from 0; -1 where
// there are none.
func column(ref []byte) int {
	n := 0
	for _, c := range ref {
		if c < 'A' || c > 'Z' {
			break
		}
		if n = 26*n + int(c-'A') + 1; n > maxColumn {
			return -1
		}
	}
	return n - 1
}
