package engine

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// minWide is the shortest run of wide characters in a file of bytes that is
// looked at, in characters.
const minWide = 12

// wideForm is a way of writing text in units wider than a byte.
type wideForm struct {
	name string
	unit int
	big  bool
	bom  []byte
}

// The longer marks come first, because UTF-32's starts with UTF-16's.
var wideForms = [...]wideForm{
	{"utf-32", 4, false, []byte{0xff, 0xfe, 0, 0}},
	{"utf-32", 4, true, []byte{0, 0, 0xfe, 0xff}},
	{"utf-16", 2, false, []byte{0xff, 0xfe}},
	{"utf-16", 2, true, []byte{0xfe, 0xff}},
}

// decodeWide scans text in UTF-16 or UTF-32: a whole file that is marked as
// such or plainly looks like it, or runs of wide characters among other bytes.
func (s *Scanner) decodeWide(text []byte) error {
	if len(text) < 8 || bytes.IndexByte(text, 0) < 0 {
		return nil
	}
	if form, ok := wideFile(text); ok {
		return s.scanPiece(form.decode(text, 0, len(text)), origin{kind: fromPiece})
	}
	for at := 0; at+2*minWide <= len(text); {
		i := bytes.IndexByte(text[at:], 0)
		if i < 0 {
			return nil
		}
		at += i
		form := wideForm{name: "utf-16", unit: 2}
		start := at - 1
		if start < 0 || !plain(text[start]) {
			form.big = true
			start = at
		}
		end := form.runEnd(text, start)
		if end-start < 2*minWide {
			at++
			continue
		}
		if err := s.scanPiece(form.decode(text, start, end), origin{kind: fromPiece}); err != nil {
			return err
		}
		at = end
	}
	return nil
}

func plain(c byte) bool { return c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t' }

// runEnd returns where the run of plain characters that starts at start ends.
func (f wideForm) runEnd(text []byte, start int) int {
	at := start
	for at+2 <= len(text) {
		lo, hi := text[at], text[at+1]
		if f.big {
			lo, hi = hi, lo
		}
		if hi != 0 || !plain(lo) {
			break
		}
		at += 2
	}
	return at
}

// wideFile tells the form of a file that is wide from end to end.
func wideFile(text []byte) (wideForm, bool) {
	for _, f := range wideForms {
		if bytes.HasPrefix(text, f.bom) {
			return f, true
		}
	}
	head := text[:min(len(text), 512)]
	var zero [4]int
	for i, c := range head {
		if c == 0 {
			zero[i%4]++
		}
	}
	quarter := len(head) / 4
	most := quarter * 7 / 10
	for _, f := range wideForms {
		fits := quarter > 1
		for place := range 4 {
			low := place%f.unit == 0
			if f.big {
				low = place%f.unit == f.unit-1
			}
			if low && zero[place] > quarter/4 || !low && zero[place] < most {
				fits = false
			}
		}
		if fits {
			return f, true
		}
	}
	return wideForm{}, false
}

// decode turns text[start:end] into UTF-8.
func (f wideForm) decode(text []byte, start, end int) piece {
	if start == 0 && bytes.HasPrefix(text, f.bom) {
		start += len(f.bom)
	}
	out := make([]byte, 0, (end-start)/f.unit)
	for at := start; at+f.unit <= end; at += f.unit {
		r := f.rune(text[at:])
		if utf16.IsSurrogate(r) && f.unit == 2 && at+4 <= end {
			if full := utf16.DecodeRune(r, f.rune(text[at+2:])); full != utf8.RuneError {
				out = utf8.AppendRune(out, full)
				at += 2
				continue
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return piece{encoding: f.name, text: out, from: 0, to: len(out), outer: span{start, end}, back: func(at int, _ bool) int {
		units := 0
		for b := out[:min(at, len(out))]; len(b) > 0; {
			r, n := utf8.DecodeRune(b)
			units += max(1, utf16.RuneLen(r)*f.unit/2/max(1, f.unit/2))
			if f.unit == 4 && r > 0xffff {
				units--
			}
			b = b[n:]
		}
		return min(start+units*f.unit, len(text))
	}}
}

func (f wideForm) rune(b []byte) rune {
	switch {
	case f.unit == 4 && f.big:
		return rune(binary.BigEndian.Uint32(b))
	case f.unit == 4:
		return rune(binary.LittleEndian.Uint32(b))
	case f.big:
		return rune(binary.BigEndian.Uint16(b))
	}
	return rune(binary.LittleEndian.Uint16(b))
}

// Wide is a text's encoding in UTF-16 or UTF-32.
type Wide struct{ form wideForm }

// DetectWide tells whether a text that starts like head is in UTF-16 or
// UTF-32, by its byte order mark or by where its zero bytes stand.
func DetectWide(head []byte) (Wide, bool) {
	if len(head) < 4 {
		return Wide{}, false
	}
	form, ok := wideFile(head)
	return Wide{form}, ok
}

// Name returns "utf-16" or "utf-32".
func (w Wide) Name() string { return w.form.name }

// Decode returns the text in UTF-8, and the way back from a place in it to one
// in b.
func (w Wide) Decode(b []byte) (text []byte, back func(at int) int) {
	p := w.form.decode(b, 0, len(b))
	return p.text, func(at int) int { return p.back(at, false) }
}

// narrowWide turns decoded bytes that are UTF-16 text into UTF-8, or returns
// nil. back maps a place in the result to one in b.
func narrowWide(b []byte) (narrow []byte, back func(at int) int) {
	form, ok := wideFile(b)
	if !ok || form.unit != 2 {
		return nil, nil
	}
	p := form.decode(b, 0, len(b))
	if !printable(p.text) {
		return nil, nil
	}
	return p.text, func(at int) int { return p.back(at, false) }
}
