package engine

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// maxEscaped bounds, in bytes, how much of a line is decoded at a time.
const maxEscaped = 4096

// escapeForms are the ways of writing a character by its number or name.
var escapeForms = [...]struct {
	encoding string
	lead     byte
	decode   func(b []byte) (r rune, used int)
}{
	{"percent", '%', percentEscape},
	{"escape", '\\', backslashEscape},
	{"html", '&', entityEscape},
}

// decodeEscapes scans the lines that hold escaped characters with those
// characters in the clear.
func (s *Scanner) decodeEscapes(text []byte) error {
	for _, form := range escapeForms {
		for at := s.focus.start; at < s.focus.end; {
			i := bytes.IndexByte(text[at:s.focus.end], form.lead)
			if i < 0 {
				break
			}
			at += i
			if r, used := form.decode(text[at:]); used == 0 || !tellingRune(r) {
				at++
				continue
			}
			lo, hi := escapedStretch(text, at)
			if p, ok := unescape(text, lo, hi, form.encoding, form.lead, form.decode); ok {
				if err := s.scanPiece(p, origin{kind: fromPiece}); err != nil {
					return err
				}
			}
			at = hi
		}
	}
	return nil
}

// tellingRune tells whether a character can be part of a secret or of what
// names it; an accented letter or a blank is no reason to look again.
func tellingRune(r rune) bool { return r > ' ' && r < 0x7f || r == '\n' }

// escapedStretch returns the part of the line around at that is decoded.
func escapedStretch(text []byte, at int) (lo, hi int) {
	lo = max(0, at-maxEscaped/4)
	if i := bytes.LastIndexByte(text[lo:at], '\n'); i >= 0 {
		lo += i + 1
	}
	hi = min(len(text), at+maxEscaped)
	if i := bytes.IndexByte(text[at:hi], '\n'); i >= 0 {
		hi = at + i
	}
	return lo, hi
}

func unescape(text []byte, lo, hi int, encoding string, lead byte, decode func([]byte) (rune, int)) (piece, bool) {
	var out []byte
	var places []int
	changed := false
	for i := lo; i < hi; {
		if text[i] == lead {
			if r, used := decode(text[i:hi]); used > 0 {
				n := len(out)
				out = utf8.AppendRune(out, r)
				for range len(out) - n {
					places = append(places, i)
				}
				i += used
				changed = true
				continue
			}
		}
		out = append(out, text[i])
		places = append(places, i)
		i++
	}
	places = append(places, hi)
	return piece{encoding: encoding, text: out, from: 0, to: len(out), outer: span{lo, hi}, back: func(at int, end bool) int {
		if end && at > 0 {
			// Behind the last byte's whole escape.
			if n := places[at-1]; at < len(places) && places[at] == n {
				return n + 1
			}
		}
		return places[min(at, len(places)-1)]
	}}, changed
}

func percentEscape(b []byte) (rune, int) {
	if len(b) < 3 || !isHex(b[1]) || !isHex(b[2]) {
		return 0, 0
	}
	return rune(hexValue(b[1])<<4 | hexValue(b[2])), 3
}

// backslashEscape reads \xHH, \uHHHH, \UHHHHHHHH and \u{H…}.
func backslashEscape(b []byte) (rune, int) {
	if len(b) < 4 {
		return 0, 0
	}
	digits := 0
	switch b[1] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
		if b[2] == '{' {
			return bracedEscape(b)
		}
	case 'U':
		digits = 8
	default:
		return 0, 0
	}
	if len(b) < 2+digits {
		return 0, 0
	}
	r := 0
	for _, c := range b[2 : 2+digits] {
		if !isHex(c) {
			return 0, 0
		}
		r = r<<4 | hexValue(c)
	}
	return rune(r), 2 + digits
}

func bracedEscape(b []byte) (rune, int) {
	end := bytes.IndexByte(b[:min(len(b), 12)], '}')
	if end < 4 {
		return 0, 0
	}
	r, err := strconv.ParseUint(string(b[3:end]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(r), end + 1
}

// entities are the named characters that can be part of a secret's surroundings.
var entities = [...]struct {
	name string
	r    rune
}{
	{"quot;", '"'}, {"apos;", '\''}, {"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"colon;", ':'}, {"equals;", '='},
	{"sol;", '/'}, {"plus;", '+'}, {"lowbar;", '_'}, {"period;", '.'}, {"commat;", '@'}, {"excl;", '!'}, {"num;", '#'},
	{"dollar;", '$'}, {"percnt;", '%'}, {"hyphen;", '-'}, {"NewLine;", '\n'},
}

// entityEscape reads &#NN;, &#xHH; and the named characters.
func entityEscape(b []byte) (rune, int) {
	if len(b) < 4 {
		return 0, 0
	}
	if b[1] != '#' {
		for _, e := range entities {
			if bytes.HasPrefix(b[1:], []byte(e.name)) {
				return e.r, 1 + len(e.name)
			}
		}
		return 0, 0
	}
	end := bytes.IndexByte(b[:min(len(b), 10)], ';')
	if end < 3 {
		return 0, 0
	}
	number, base := string(b[2:end]), 10
	if number[0] == 'x' || number[0] == 'X' {
		number, base = number[1:], 16
	}
	r, err := strconv.ParseUint(number, base, 32)
	if err != nil {
		return 0, 0
	}
	return rune(r), end + 1
}

func hexValue(c byte) int {
	switch {
	case c <= '9':
		return int(c - '0')
	case c >= 'a':
		return int(c-'a') + 10
	}
	return int(c-'A') + 10
}
