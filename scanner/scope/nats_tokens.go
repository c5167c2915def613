package scope

import (
	"bytes"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// natsReader reads the syntax of a NATS server's configuration: keys with "=",
// ":" or nothing before their values, blocks in braces, comments with # and
// //. It takes what it does not understand for a word, and reads on.
type natsReader struct {
	text   []byte
	at     int
	nodes  int
	scopes []map[string]*document.Node // the blocks that are open, for variables
}

// Limits of what is read.
const (
	maxNATSText  = 1 << 20
	maxNATSNodes = 100_000
	maxNATSDepth = 50
)

// parseNATS reads a file into a tree.
func parseNATS(text []byte) *document.Node {
	r := natsReader{text: text}
	return r.block(0)
}

// blanks goes to the next byte that says something; false at the end.
func (r *natsReader) blanks() bool {
	for r.at < len(r.text) {
		rest := r.text[r.at:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ';':
			r.at++
		case c == '#' || bytes.HasPrefix(rest, []byte("//")):
			r.at += lineLength(rest)
		default:
			return true
		}
	}
	return false
}

// block reads members to the brace that closes, or to the end.
func (r *natsReader) block(depth int) *document.Node {
	n := &document.Node{Kind: document.Map, Start: r.at}
	values := make(map[string]*document.Node)
	r.scopes = append(r.scopes, values)
	for r.blanks() && r.nodes < maxNATSNodes {
		if c := r.text[r.at]; c == '}' {
			r.at++
			break
		} else if strings.IndexByte("{[]=:()", c) >= 0 {
			r.at++ // astray
			continue
		}
		key := r.scalar("=:{[")
		if key.Is("include") {
			r.line()
			continue
		}
		r.at += len(r.text[r.at:]) - len(bytes.TrimLeft(r.text[r.at:], " \t"))
		if r.at < len(r.text) && (r.text[r.at] == '=' || r.text[r.at] == ':') {
			r.at++
		}
		value := r.value(depth + 1)
		n.Members = append(n.Members, document.Member{Key: key, Value: value})
		values[key.Text] = value
	}
	r.scopes = r.scopes[:len(r.scopes)-1]
	n.End = r.at
	return n
}

// value reads a block, a list or a scalar.
func (r *natsReader) value(depth int) *document.Node {
	if !r.blanks() || depth > maxNATSDepth {
		return &document.Node{Kind: document.Unknown, Start: r.at, End: r.at}
	}
	switch r.text[r.at] {
	case '{':
		r.at++
		return r.block(depth)
	case '[':
		return r.list(depth)
	case '}', ']': // no value
		return &document.Node{Kind: document.Unknown, Start: r.at, End: r.at}
	}
	n := r.scalar("")
	if name, ok := strings.CutPrefix(n.Text, "$"); ok && n.Kind == document.Unknown {
		for i := len(r.scopes) - 1; i >= 0; i-- {
			if v := r.scopes[i][name]; v != nil {
				return v
			}
		}
	}
	return n
}

func (r *natsReader) list(depth int) *document.Node {
	n := &document.Node{Kind: document.List, Start: r.at}
	r.at++
	for r.blanks() && r.nodes < maxNATSNodes {
		c := r.text[r.at]
		if c == ']' {
			r.at++
			break
		}
		if c == '}' || c == '=' || c == ':' {
			break // astray: the block that is open ends here
		}
		n.Items = append(n.Items, r.value(depth+1))
	}
	n.End = r.at
	return n
}

// scalar reads a quoted string or a word, which ends at a blank, at what ends
// a value, and at the bytes given. A word of one byte at least is read, so
// that the reader always gets on.
func (r *natsReader) scalar(stops string) *document.Node {
	r.nodes++
	rest := r.text[r.at:]
	n := &document.Node{Kind: document.String}
	if q := rest[0]; q == '"' || q == '\'' {
		i := 1
		for i < len(rest) && rest[i] != q && rest[i] != '\n' {
			if rest[i] == '\\' && q == '"' {
				i++
			}
			i++
		}
		i = min(i, len(rest))
		n.Start, n.End = r.at+1, r.at+i
		n.Text = string(rest[1:i])
		r.at = min(r.at+i+1, len(r.text))
		return n
	}
	i := 1
	for i < len(rest) && strings.IndexByte(" \t\r\n,;]}"+stops, rest[i]) < 0 {
		i++
	}
	n.Start, n.End, n.Text = r.at, r.at+i, string(rest[:i])
	if rest[0] == '$' && !strings.HasPrefix(n.Text, "$2") { // $2a$ begins a hash
		n.Kind = document.Unknown
	}
	r.at += i
	return n
}

// line goes to the end of the line.
func (r *natsReader) line() { r.at += lineLength(r.text[r.at:]) }
