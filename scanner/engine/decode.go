package engine

import (
	"bytes"
	"slices"
)

// Bounds on what is decoded, in bytes.
const (
	minRun       = 20      // shortest run of base64 that is tried
	minHexRun    = 32      // shortest run of hexadecimal digits that is tried
	maxDecoded   = 8 << 20 // longest decoded text
	contextBytes = 160     // how much of the line stays around a decoded run
)

// decodeState is what the decoders of one text share.
type decodeState struct {
	encoded []noted // values of secret names that may be encoded
	chain   []string
}

// noted is a value that may be encoded, and the hit that led to it.
type noted struct {
	span
	hit int32
	lit uint16
}

type span struct{ start, end int }

// piece is a decoded run: text with some of what stands around it, and the way
// back from its bytes to those of the text it was decoded from.
type piece struct {
	encoding string
	text     []byte
	// from and to are the decoded bytes within text; only matches that touch
	// them are news.
	from, to int
	// outer is what of the outer text it was made from, context included.
	outer span
	// back maps a place in text to one in the outer text; end asks for the
	// place behind the byte before.
	back func(at int, end bool) int
}

// noteEncoded remembers a short value of a telling name, such as the entries
// of a Kubernetes Secret, which the search for long runs would pass over.
func (s *Scanner) noteEncoded(v value) {
	if n := len(v.text); n >= 8 && n <= minRun && n%4 == 0 && v.text[n-1] == '=' {
		s.decoders.encoded = append(s.decoders.encoded, noted{span{v.start, v.end}, s.from.hit, s.from.lit})
	}
}

// decode scans what is encoded in text.
func (s *Scanner) decode(text []byte) error {
	if err := s.decodeNoted(text); err != nil {
		return err
	}
	if err := s.decodeRuns(text); err != nil {
		return err
	}
	if err := s.decodeEscapes(text); err != nil {
		return err
	}
	return s.decodeWide(text)
}

// decodeNoted scans the short values that were noted.
func (s *Scanner) decodeNoted(text []byte) error {
	values := s.decoders.encoded
	s.decoders.encoded = nil
	for _, v := range values {
		if v.start < s.focus.start || v.end > s.focus.end {
			continue
		}
		if p, ok := decodeBase64(text, v.start, v.end); ok {
			if err := s.scanPiece(p, origin{kind: fromNoted, hit: v.hit, lit: v.lit}); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanPiece scans a decoded run and brings its matches back to the outer text.
func (s *Scanner) scanPiece(p piece, from origin) error {
	first := len(s.matches)
	s.depth++
	s.decoders.chain = append(s.decoders.chain, p.encoding)
	focus, encoded := s.focus, s.decoders.encoded
	s.focus, s.decoders.encoded = span{p.from, p.to}, nil
	drop := s.OnDrop
	if drop != nil {
		s.OnDrop = func(d Drop) {
			d.Start, d.End = p.back(d.Start, false), p.back(d.End, true)
			drop(d)
		}
	}
	err := s.pass(p.text)
	s.OnDrop = drop
	s.focus, s.decoders.encoded = focus, encoded
	s.depth--
	from.lo, from.hi = int32(p.outer.start), int32(p.outer.end)
	kept := s.matches[:first]
	for _, m := range s.matches[first:] {
		if m.FullEnd <= p.from || m.FullStart >= p.to {
			continue
		}
		m.Start, m.End = p.back(m.Start, false), p.back(m.End, true)
		m.FullStart, m.FullEnd = p.back(m.FullStart, false), p.back(m.FullEnd, true)
		m.from = from
		if m.Encodings == nil {
			m.Encodings = slices.Clone(s.decoders.chain)
		}
		if n := len(m.Encodings); n > 0 && n == s.depth+1 && bytes.Equal(s.text[m.Start:m.End], m.Secret) {
			m.Encodings = m.Encodings[:n-1] // what was decoded is elsewhere on the line
		}
		kept = append(kept, m)
	}
	s.matches = kept
	s.decoders.chain = s.decoders.chain[:len(s.decoders.chain)-1]
	return err
}

// inContext puts the decoded bytes where the run text[start:end] stood, with
// some of the line around it, so that a name before it still names it. offset
// maps a place in the decoded bytes to one in the run.
func inContext(text []byte, start, end int, encoding string, decoded []byte, offset func(at int, end bool) int) piece {
	lo := max(0, start-contextBytes)
	if i := bytes.LastIndexByte(text[lo:start], '\n'); i >= 0 {
		lo += i + 1
	}
	hi := min(len(text), end+contextBytes)
	if i := bytes.IndexByte(text[end:hi], '\n'); i >= 0 {
		hi = end + i
	}
	joined := make([]byte, 0, start-lo+len(decoded)+hi-end)
	joined = append(append(append(joined, text[lo:start]...), decoded...), text[end:hi]...)
	from, to := start-lo, start-lo+len(decoded)
	return piece{encoding: encoding, text: joined, from: from, to: to, outer: span{lo, hi}, back: func(at int, isEnd bool) int {
		switch {
		case at < from || at == from && isEnd:
			return lo + at
		case at > to || at == to && !isEnd:
			return end + at - to
		}
		return min(start+offset(at-from, isEnd), end)
	}}
}

// printable tells whether decoded bytes are text: printable ASCII and white
// space, or UTF-8 beyond it, with hardly an exception.
func printable(b []byte) bool {
	odd := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
		if c >= 0x80 {
			odd++
		}
	}
	return odd*4 <= len(b)
}
