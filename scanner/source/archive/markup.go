package archive

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// transform takes the text out of a document while it is read.
type transform interface {
	reader(r *bufferedReader) io.Reader
	line() func(int) int
}

const (
	maxTag    = 256 << 10 // bytes of a tag that are held
	maxEntity = 12        // bytes of "&#x10FFFF;" and the like
)

// markup reads XML that need not be well-formed, in bounded memory, and lets a
// handler write the text. encoding/xml would hold an element of any size, and
// refuse what it does not like.
type markup struct {
	r       *bufferedReader
	handler markupHandler
	lines   lineMap
	err     error
	tag     []byte
	out     []byte // text that is ready, from ready on
	ready   int
	newline int // line feeds written so far
	midLine bool
}

// markupHandler receives what is in a document. Names are local names, and
// bytes are good only during the call.
type markupHandler interface {
	start(m *markup, t tag)
	end(m *markup, name []byte)
	text(m *markup, p []byte)
	finish(m *markup)
}

func (m *markup) reader(r *bufferedReader) io.Reader {
	m.r = r
	return m
}

func (m *markup) line() func(int) int { return m.lines.line }

func (m *markup) Read(p []byte) (int, error) {
	for m.ready == len(m.out) {
		if m.err != nil {
			return 0, m.err
		}
		m.out, m.ready = m.out[:0], 0
		if m.err = m.step(); m.err != nil {
			m.handler.finish(m)
		}
	}
	n := copy(p, m.out[m.ready:])
	m.ready += n
	return n, nil
}

// put writes text.
func (m *markup) put(p []byte) {
	if len(p) == 0 {
		return
	}
	m.newline += bytes.Count(p, []byte{'\n'})
	m.midLine = p[len(p)-1] != '\n'
	m.out = append(m.out, p...)
}

func (m *markup) putByte(c byte) {
	m.midLine = c != '\n'
	if !m.midLine {
		m.newline++
	}
	m.out = append(m.out, c)
}

// putAside writes text that stands beside a line of the document, on lines of
// its own.
func (m *markup) putAside(p []byte, line int) {
	if len(p) > 0 && m.midLine {
		m.putByte('\n')
	}
	for len(p) > 0 {
		before, after, _ := bytes.Cut(p, []byte{'\n'})
		m.lines.set(m.newline+1, line)
		m.put(before)
		m.putByte('\n')
		p = after
	}
}

// step reads one run of text, or one tag.
func (m *markup) step() error {
	if _, err := m.r.Peek(1); err != nil {
		return err
	}
	buf, _ := m.r.Peek(m.r.Buffered())
	switch buf[0] {
	case '<':
		return m.readTag()
	case '&':
		return m.readEntity()
	}
	// One search for both: two would each go over the whole buffer again and
	// again where there is much of the one and none of the other.
	n := bytes.IndexAny(buf, "<&")
	if n < 0 {
		n = len(buf)
	}
	m.handler.text(m, buf[:n])
	return m.skip(n)
}

func (m *markup) skip(n int) error {
	_, err := m.r.Discard(n)
	return err
}

// readEntity reads an "&…;" as text.
func (m *markup) readEntity() error {
	buf, err := m.r.Peek(maxEntity)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n := bytes.IndexByte(buf, ';'); n > 0 {
		if c, ok := entity(buf[1:n]); ok {
			var enc [utf8.UTFMax]byte
			m.handler.text(m, enc[:utf8.EncodeRune(enc[:], c)])
			return m.skip(n + 1)
		}
	}
	m.handler.text(m, buf[:1])
	return m.skip(1)
}

// entity decodes what stands between "&" and ";".
func entity(name []byte) (rune, bool) {
	switch string(name) {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := 10, name[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(string(digits), base, 21)
	return rune(n), err == nil
}

// unescape decodes the entities of an attribute's value.
func unescape(p []byte) []byte {
	if bytes.IndexByte(p, '&') < 0 {
		return p
	}
	var b []byte
	for len(p) > 0 {
		if p[0] == '&' {
			if n := bytes.IndexByte(p[:min(len(p), maxEntity)], ';'); n > 0 {
				if c, ok := entity(p[1:n]); ok {
					b = utf8.AppendRune(b, c)
					p = p[n+1:]
					continue
				}
			}
		}
		b = append(b, p[0])
		p = p[1:]
	}
	return b
}

// readTag reads from "<" to ">".
func (m *markup) readTag() error {
	head, err := m.r.Peek(9)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("<!--")):
		return m.readUntil(4, "-->", m.handler.text)
	case bytes.HasPrefix(head, []byte("<![CDATA[")):
		return m.readUntil(9, "]]>", m.handler.text)
	case bytes.HasPrefix(head, []byte("<?")):
		return m.readUntil(2, "?>", func(*markup, []byte) {})
	}
	m.tag = m.tag[:0]
	quote, long := byte(0), false
	for {
		c, err := m.r.ReadByte()
		if err != nil {
			m.handler.text(m, m.tag)
			return err
		}
		if quote == 0 && c == '>' {
			break
		}
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		if len(m.tag) == maxTag {
			m.handler.text(m, m.tag)
			m.tag, long = m.tag[:0], true
		}
		m.tag = append(m.tag, c)
	}
	if long {
		m.handler.text(m, m.tag)
	} else {
		m.handleTag(m.tag[1:])
	}
	return nil
}

// readUntil passes on what stands between a mark of n bytes and the mark that
// ends it: a comment can hold a secret, too.
func (m *markup) readUntil(n int, mark string, text func(*markup, []byte)) error {
	if err := m.skip(n); err != nil {
		return err
	}
	for {
		if _, err := m.r.Peek(len(mark)); err != nil {
			rest, _ := m.r.Peek(m.r.Buffered())
			text(m, rest)
			return errors.Join(m.skip(len(rest)), err)
		}
		buf, _ := m.r.Peek(m.r.Buffered())
		if i := bytes.Index(buf, []byte(mark)); i >= 0 {
			text(m, buf[:i])
			return m.skip(i + len(mark))
		}
		keep := len(buf) - len(mark) + 1
		text(m, buf[:keep])
		if err := m.skip(keep); err != nil {
			return err
		}
	}
}

func (m *markup) handleTag(b []byte) {
	if len(b) == 0 {
		return
	}
	if b[0] == '/' {
		m.handler.end(m, localName(bytes.TrimRight(b[1:], " \t\r\n")))
		return
	}
	closed := b[len(b)-1] == '/'
	if closed {
		b = b[:len(b)-1]
	}
	n := bytes.IndexAny(b, " \t\r\n")
	if n < 0 {
		n = len(b)
	}
	t := tag{name: localName(b[:n]), attributes: b[n:]}
	m.handler.start(m, t)
	if closed {
		m.handler.end(m, t.name)
	}
}

func localName(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

// tag is a start tag.
type tag struct {
	name       []byte
	attributes []byte
}

// each calls f for every attribute, with its name as written and its value
// unescaped.
func (t tag) each(f func(name, value []byte)) {
	b := t.attributes
	for {
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return
		}
		name := bytes.TrimSpace(b[:eq])
		b = bytes.TrimLeft(b[eq+1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			continue
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return
		}
		f(name, unescape(b[1:1+end]))
		b = b[end+2:]
	}
}

// attr returns the value of an attribute, by its local name.
func (t tag) attr(local string) (value []byte) {
	t.each(func(n, v []byte) {
		if value == nil && string(localName(n)) == local {
			value = v
		}
	})
	return value
}
