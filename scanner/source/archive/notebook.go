package archive

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// openNotebook visits a Jupyter notebook as one text: what its cells and their
// outputs say as the notebook shows it, everything else as it is.
func (w *walker) openNotebook(src source) {
	if !w.count(src.path) {
		return
	}
	r, free := src.stream()
	defer free()
	n := &notebook{r: r, fileLine: 1, fresh: true}
	text := &stream{w: w, r: n, path: src.path, under: src.under, metered: true}
	w.yield(Member{Path: src.path, Size: -1, Line: n.lines.line}, text)
}

// notebook turns JSON into text while it is read. What is not a cell's text is
// passed on as it is, so that nothing goes unseen, however broken the JSON. A
// cell's text is a string or an array of strings, and comes out unescaped,
// joined, and on lines of its own.
type notebook struct {
	r     *bufferedReader
	lines lineMap
	err   error
	out   []byte
	ready int
	state noteState
	array bool // within the array of a cell's text
	// Lines: of the text, line feeds written; of the file, the one that the
	// byte being read stands on.
	textLine, fileLine int
	fed                bool // the last byte read was a line feed
	fresh              bool // nothing is on the text's line yet
	// Of the string that is a key, or was the last one.
	key []byte
	// The last byte that was no white space, outside of strings.
	last byte
}

// noteState is where in the JSON the reader is.
type noteState uint8

const (
	between    noteState = iota // outside of strings
	inPlain                     // in a string that is passed on as it is
	inPlainEsc                  // in it, after a backslash
	inCell                      // in a string of a cell's text
)

const (
	maxKey   = 64       // bytes of a key that are looked at
	noteText = 16 << 10 // bytes of text made at a time
)

func (n *notebook) Read(p []byte) (int, error) {
	for n.ready == len(n.out) {
		if n.err != nil {
			return 0, n.err
		}
		n.out, n.ready = n.out[:0], 0
		for n.err == nil && len(n.out) < noteText {
			var c byte
			if c, n.err = n.next(); n.err == nil {
				n.err = n.step(c)
			}
		}
	}
	c := copy(p, n.out[n.ready:])
	n.ready += c
	return c, nil
}

func (n *notebook) next() (byte, error) {
	c, err := n.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if n.fed {
		n.fileLine++
	}
	n.fed = c == '\n'
	return c, nil
}

func (n *notebook) put(c byte) {
	if n.fresh {
		n.lines.set(n.textLine+1, n.fileLine)
	}
	n.fresh = c == '\n'
	if n.fresh {
		n.textLine++
	}
	n.out = append(n.out, c)
}

// feed ends the line that is being written.
func (n *notebook) feed() {
	if !n.fresh {
		n.put('\n')
	}
}

func (n *notebook) step(c byte) error {
	switch n.state {
	case inCell:
		return n.inCell(c)
	case inPlain, inPlainEsc:
		n.put(c)
		switch {
		case n.state == inPlainEsc:
			n.state = inPlain
		case c == '\\':
			n.state = inPlainEsc
		case c == '"':
			n.state = between
			return nil
		}
		if len(n.key) < maxKey {
			n.key = append(n.key, c)
		}
	case between:
		n.between(c)
	}
	return nil
}

func (n *notebook) between(c byte) {
	space := c == ' ' || c == '\t' || c == '\r' || c == '\n'
	if n.array {
		switch {
		case space || c == ',':
			return
		case c == '"':
			n.feedBefore()
			n.state = inCell
			return
		case c == ']':
			n.feed()
		}
		n.array = false // its end, or something that does not belong there
	} else if n.last == ':' && (c == '"' || c == '[') && isCellText(n.key) {
		n.put(c)
		n.feed()
		n.last = c
		if n.array = c == '['; !n.array {
			n.state = inCell
		}
		return
	}
	n.put(c)
	if c == '"' {
		n.state = inPlain
		n.key = n.key[:0]
	}
	if !space {
		n.last = c
	}
}

// feedBefore keeps the lines of a traceback apart; other texts bring their
// line feeds with them.
func (n *notebook) feedBefore() {
	if string(n.key) == "traceback" {
		n.feed()
	}
}

// isCellText knows the keys of texts that are shown.
func isCellText(key []byte) bool {
	switch string(key) {
	case "source", "input", "text", "traceback", "evalue", "image/svg+xml":
		return true
	}
	return len(key) > 5 && string(key[:5]) == "text/"
}

// inCell unescapes a byte of a cell's text.
func (n *notebook) inCell(c byte) error {
	switch c {
	case '"':
		n.state = between
		if !n.array {
			n.feed()
			n.put(c)
		}
		return nil
	case '\\':
		return n.escape()
	}
	n.put(c)
	return nil
}

func (n *notebook) escape() error {
	c, err := n.next()
	if err != nil {
		n.put('\\')
		return err
	}
	switch c {
	case 'n':
		n.put('\n')
	case 't':
		n.put('\t')
	case 'r':
		n.put('\r')
	case 'b':
		n.put('\b')
	case 'f':
		n.put('\f')
	case '"', '\\', '/':
		n.put(c)
	case 'u':
		n.unicode()
	default:
		n.put('\\')
		n.put(c)
	}
	return nil
}

// unicode reads the digits after "\u", and those of the pair's other half.
func (n *notebook) unicode() {
	digits, err := n.r.Peek(4)
	if err != nil {
		digits = nil
	}
	v, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		n.put('\\')
		n.put('u')
		return
	}
	c, length := rune(v), 4
	if utf16.IsSurrogate(c) {
		if pair, err := n.r.Peek(10); err == nil && pair[4] == '\\' && pair[5] == 'u' {
			if low, err := strconv.ParseUint(string(pair[6:]), 16, 16); err == nil {
				if both := utf16.DecodeRune(c, rune(low)); both != utf8.RuneError {
					c, length = both, 10
				}
			}
		}
	}
	var enc [utf8.UTFMax]byte
	for _, b := range enc[:utf8.EncodeRune(enc[:], c)] {
		n.put(b)
	}
	// What was peeked at is there.
	_, _ = n.r.Discard(length)
}
