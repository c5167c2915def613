package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
)

// runByte marks the bytes of base64 in both alphabets, which hexadecimal is
// part of.
var runByte = func() (k [256]bool) {
	for c := range 256 {
		k[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '+' || c == '/' || c == '-' || c == '_'
	}
	return k
}()

// base64Value is the six bits that a character of either alphabet stands for.
var base64Value = func() (k [256]uint8) {
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		k[c] = uint8(i)
	}
	k['-'], k['_'] = 62, 63
	return k
}()

// maybeASCII tells whether the first characters of a run can stand for ASCII:
// in each group of four, the top bits of the three bytes are zero. Of random
// runs one in 4,096 passes, of identifiers few.
func maybeASCII(run []byte) bool {
	n := min(len(run), 16)
	for i := 0; i+4 <= n; i += 4 {
		if base64Value[run[i]]&0x20|base64Value[run[i+1]]&0x08|base64Value[run[i+2]]&0x02 != 0 {
			return false
		}
	}
	return true
}

// decodeRuns finds long runs of base64 and hexadecimal and scans what they
// hold. It looks at every minRun-th byte only: a run that long covers one.
func (s *Scanner) decodeRuns(text []byte) error {
	for i := s.focus.start + minRun - 1; i < s.focus.end; {
		if !runByte[text[i]] {
			i += minRun
			continue
		}
		start := i
		for start > s.focus.start && i-start < minRun && runByte[text[start-1]] {
			start--
		}
		end := i + 1
		for end < s.focus.end && runByte[text[end]] {
			end++
		}
		if end-start >= minRun {
			if err := s.decodeRun(text, start, end); err != nil {
				return err
			}
		}
		i = end + minRun
	}
	return nil
}

func (s *Scanner) decodeRun(text []byte, start, end int) error {
	if end-start >= minHexRun && isHex(text[end-1]) && isHex(text[start+2]) {
		if p, ok := decodeHex(text, start, end); ok {
			return s.scanPiece(p, origin{kind: fromPiece})
		}
	}
	if p, ok := decodeBase64(text, start, end); ok {
		return s.scanPiece(p, origin{kind: fromPiece})
	}
	return nil
}

// decodeHex decodes a run of hexadecimal digits that makes text.
func decodeHex(text []byte, start, end int) (piece, bool) {
	if end-start > 2 && text[start] == '0' && (text[start+1] == 'x' || text[start+1] == 'X') {
		start += 2
	}
	n := end - start
	if n%2 != 0 || n < minHexRun || n > 2*maxDecoded || !isHex(text[start]) || !isHex(text[start+1]) {
		return piece{}, false
	}
	for _, c := range text[start:end] {
		if !isHex(c) {
			return piece{}, false
		}
	}
	decoded := make([]byte, n/2)
	if _, err := hex.Decode(decoded[:8], text[start:start+16]); err != nil || !printable(decoded[:8]) {
		return piece{}, false
	}
	if _, err := hex.Decode(decoded, text[start:end]); err != nil || !printable(decoded) {
		return piece{}, false
	}
	return inContext(text, start, end, "hex", decoded, func(at int, _ bool) int { return 2 * at }), true
}

// Lines of wrapped base64 are this long, in bytes.
const (
	minWrapped = 40
	maxWrapped = 80
)

// maxStarts bounds how many places of a run are tried as its start.
const maxStarts = 8

// decodeBase64 decodes the run of base64 at text[start:end], and on over the
// lines that continue it. What looks like the run's start may be a path or a
// prefix, so it is tried behind its first joints too.
func decodeBase64(text []byte, start, end int) (piece, bool) {
	for tries, at := 0, start; tries < maxStarts && at+8 <= end; tries++ {
		if maybeASCII(text[at:end]) && startsLikeText(text[at:]) {
			return decodeBase64At(text, at, end)
		}
		for at++; at < end && !joint(text[at-1]); {
			at++
		}
	}
	return piece{}, false
}

func joint(c byte) bool { return c == '/' || c == '-' || c == '_' || c == '+' }

// startsLikeText decodes the first characters of a run, most of which must
// make text; nearly every identifier and hash ends here.
func startsLikeText(run []byte) bool {
	var head [32]byte
	var out [24]byte
	n := 0
	for n < len(head) && n < len(run) && runByte[run[n]] {
		head[n] = standardByte(run[n])
		n++
	}
	n = n / 4 * 4
	if n < 8 {
		return false
	}
	if _, err := base64.StdEncoding.Decode(out[:], head[:n]); err != nil {
		return false
	}
	return printable(out[:n/4*3]) && out[0] < 0x80 || out[1] == 0 && out[3] == 0 && out[0] != 0 || out[0] == 0 && out[2] == 0 && out[1] != 0
}

func standardByte(c byte) byte {
	switch c {
	case '-':
		return '+'
	case '_':
		return '/'
	}
	return c
}

func decodeBase64At(text []byte, start, end int) (piece, bool) {
	chars, places, stop := gatherBase64(text, start, end)
	for len(chars)%4 == 1 {
		chars = chars[:len(chars)-1]
	}
	decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(chars)))
	n, err := base64.RawStdEncoding.Decode(decoded, chars)
	if err != nil {
		return piece{}, false
	}
	decoded = decoded[:n]
	offset := func(at int, end bool) int {
		group := at / 3 * 4
		if rest := at % 3; rest > 0 && end {
			group += rest + 1
		} else if rest > 0 {
			group += rest
		}
		if places == nil {
			return group
		}
		if end && group > 0 {
			return places[min(group, len(places))-1] + 1 - start
		}
		return places[min(group, len(places)-1)] - start
	}
	encoding := "base64"
	if !printable(decoded) {
		narrow, back := narrowWide(decoded)
		if narrow == nil {
			return piece{}, false
		}
		wide := offset
		encoding, decoded = "base64/utf-16", narrow
		offset = func(at int, end bool) int { return wide(back(at), end) }
	}
	return inContext(text, start, stop, encoding, decoded, offset), true
}

// gatherBase64 collects the characters of a run in the standard alphabet, on
// over the lines that follow where the text is wrapped. places tells where
// each stands, or is nil where they stand in one row. stop is behind the run
// and its padding.
func gatherBase64(text []byte, start, end int) (chars []byte, places []int, stop int) {
	for _, c := range text[start:end] {
		chars = append(chars, standardByte(c))
	}
	stop = end
	width := end - start
	for width >= minWrapped && width <= maxWrapped && stop < len(text) && len(chars) < 2*maxDecoded {
		lo, hi := nextLineRun(text, stop)
		if hi == lo || hi-lo > width {
			break
		}
		if places == nil {
			for i := range chars {
				places = append(places, start+i)
			}
		}
		for i := lo; i < hi; i++ {
			chars = append(chars, standardByte(text[i]))
			places = append(places, i)
		}
		stop = hi
		if hi-lo < width {
			break
		}
	}
	for i := 0; i < 2 && stop < len(text) && text[stop] == '='; i++ {
		stop++
	}
	return chars, places, stop
}

// nextLineRun returns the run that is all of the next line but for white
// space, quotes, and the marks that join strings over lines.
func nextLineRun(text []byte, at int) (lo, hi int) {
	lo = at
	newline := false
	for lo < len(text) && lo-at < 64 && bytes.IndexByte([]byte(" \t\r\n\"'+\\,#*/"), text[lo]) >= 0 {
		if text[lo] == '\n' {
			if newline {
				return at, at
			}
			newline = true
		}
		lo++
	}
	if !newline {
		return at, at
	}
	hi = lo
	for hi < len(text) && runByte[text[hi]] {
		hi++
	}
	return lo, hi
}
