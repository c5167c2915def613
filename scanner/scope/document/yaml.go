package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// yamlChunk is a document of a stream, parsed when a format asks for it.
type yamlChunk struct {
	start, end int
	read       bool
	root       *Node
	templated  bool
	err        error
}

// schema begins the largest documents that clusters' streams have, which
// describe other objects and grant nothing.
var schema = []byte("\nkind: CustomResourceDefinition")

// parseYAML reads a stream of documents. Each is parsed alone, so that those
// without a hint cost nothing and a fault in one leaves the others.
func (f *File) parseYAML(hints []string) (Parsed, error) {
	if f.yaml == nil {
		for at := 0; at < len(f.text); {
			end := nextDocument(f.text, at)
			f.yaml = append(f.yaml, yamlChunk{start: at, end: end})
			at = end
		}
	}
	var p Parsed
	var faults error
	for i := range f.yaml {
		c := &f.yaml[i]
		chunk := f.text[c.start:c.end]
		if !hasHint(chunk, hints) {
			continue
		}
		if !c.read {
			if c.read = true; !onlyRemarks(chunk) && !bytes.Contains(chunk, schema) {
				c.root, c.templated, c.err = yamlDocument(f.text, c.start, c.end)
			}
		}
		p.Templated = p.Templated || c.templated
		if c.err != nil {
			faults = errors.Join(faults, c.err)
		} else if c.root != nil {
			p.Docs = append(p.Docs, c.root)
		}
	}
	return p, faults
}

// nextDocument returns where the next document's marker stands, or the end.
func nextDocument(text []byte, at int) int {
	for from := at; ; {
		i := bytes.Index(text[from:], []byte("\n---"))
		if i < 0 {
			return len(text)
		}
		from += i + 1
		if rest := text[from+3:]; len(rest) == 0 || rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\t' {
			return from
		}
	}
}

func hasHint(text []byte, hints []string) bool {
	for _, h := range hints {
		if bytes.Contains(text, []byte(h)) {
			return true
		}
	}
	return len(hints) == 0
}

// onlyRemarks tells whether there is nothing but comments, directives and
// markers in a chunk.
func onlyRemarks(chunk []byte) bool {
	for line := range bytes.Lines(chunk) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && string(line) != "---" && string(line) != "..." {
			return false
		}
	}
	return true
}

func yamlDocument(text []byte, start, end int) (root *Node, templated bool, err error) {
	if end-start > maxText {
		return nil, false, ErrTooLarge
	}
	body := text[start:end]
	if tooDeep(body) {
		return nil, false, ErrTooDeep
	}
	if rest, ok := bytes.CutPrefix(body, []byte("\ufeff")); ok {
		body, start = rest, start+len(body)-len(rest)
	}
	body, actions := blankTemplates(body)
	node, err := decodeYAML(body)
	if err != nil {
		line := bytes.Count(text[:start], []byte{'\n'})
		if line > 0 {
			return nil, len(actions) > 0, fmt.Errorf("the document from line %d: %w", line+1, err)
		}
		return nil, len(actions) > 0, err
	}
	b := yamlBuilder{text: body, base: start, lines: lineStarts(body), actions: actions, covered: make([]bool, len(actions))}
	root, err = b.node(node, 0)
	for _, c := range b.covered {
		templated = templated || !c
	}
	return root, templated, err
}

// decodeYAML parses one document. The parser's own panics, of which some were
// found in the past, are errors here.
func decodeYAML(body []byte) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, fmt.Errorf("not YAML: %v", r)
		}
	}()
	n = new(yaml.Node)
	if err := yaml.NewDecoder(bytes.NewReader(body)).Decode(n); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	return n, nil
}

// lineStarts are the bytes at which lines start, as yaml.v3 counts them: it
// also ends them at NEL, LS and PS.
func lineStarts(text []byte) []int {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			starts = append(starts, i+1)
		case c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			starts = append(starts, i+1)
		case c == 0xc2 && i+1 < len(text) && text[i+1] == 0x85:
			starts = append(starts, i+2)
		case c == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xa8 || text[i+2] == 0xa9):
			starts = append(starts, i+3)
		}
	}
	return starts
}

type yamlBuilder struct {
	text    []byte
	base    int
	lines   []int
	actions []span
	covered []bool // actions that stand within a scalar
	nodes   int
	scalars map[*yaml.Node]*Node // that aliases stand for
}

type span struct{ start, end int }

func (b *yamlBuilder) node(y *yaml.Node, depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, ErrTooDeep
	}
	if b.nodes++; b.nodes > maxNodes {
		return nil, ErrTooMany
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 0 {
			return nil, nil
		}
		return b.node(y.Content[0], depth)
	case yaml.AliasNode:
		if y.Alias.Kind != yaml.ScalarNode {
			return b.node(y.Alias, depth+1)
		}
		if b.scalars[y.Alias] == nil { // a long one may be named often
			if b.scalars == nil {
				b.scalars = make(map[*yaml.Node]*Node)
			}
			b.scalars[y.Alias] = b.scalar(y.Alias)
		}
		return b.scalars[y.Alias], nil
	case yaml.SequenceNode:
		n := &Node{Kind: List, Tag: ownTag(y)}
		n.Start = b.offset(y)
		n.End = n.Start
		for _, c := range y.Content {
			item, err := b.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
			n.End = max(n.End, item.End)
		}
		return n, nil
	case yaml.MappingNode:
		return b.mapping(y, depth)
	case yaml.ScalarNode:
		return b.scalar(y), nil
	}
	return nil, nil
}

func (b *yamlBuilder) mapping(y *yaml.Node, depth int) (*Node, error) {
	n := &Node{Kind: Map, Tag: ownTag(y)}
	n.Start = b.offset(y)
	n.End = n.Start
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := b.node(y.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		value, err := b.node(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if y.Content[i].ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		n.Members = append(n.Members, Member{key, value})
		n.End = max(n.End, value.End)
	}
	for _, m := range merged {
		n.merge(m)
	}
	return n, nil
}

// merge takes in the members of a merge key's map, or maps, that are not there
// yet.
func (n *Node) merge(from *Node) {
	if from.Kind == List {
		for _, i := range from.Items {
			n.merge(i)
		}
		return
	}
	own := make(map[string]bool, len(n.Members))
	for _, m := range n.Members {
		own[m.Key.Text] = true
	}
	for _, m := range from.Members {
		if !own[m.Key.Text] {
			n.Members = append(n.Members, m)
		}
	}
}

// ownTag is a tag that is not YAML's own.
func ownTag(y *yaml.Node) string {
	if t := y.ShortTag(); len(t) > 1 && t[0] == '!' && t[1] != '!' {
		return t
	}
	return ""
}

func (b *yamlBuilder) scalar(y *yaml.Node) *Node {
	n := &Node{Kind: String, Text: y.Value, Tag: ownTag(y)}
	n.Start, n.End = b.extent(y, b.offset(y)-b.base)
	for i, a := range b.actions {
		if a.start < n.End && n.Start < a.end {
			n.Kind, b.covered[i] = Unknown, true
		}
	}
	if n.Kind == Unknown {
		n.Text = string(b.text[n.Start:n.End])
	}
	n.Start, n.End = n.Start+b.base, n.End+b.base
	if n.Kind == Unknown {
		return n
	}
	switch y.ShortTag() {
	case "!!null":
		n.Kind = Null
	case "!!bool":
		n.Kind = Bool
	case "!!int", "!!float":
		n.Kind = Number
	}
	if n.Tag != "" && n.Tag != "!Sub" {
		n.Kind = Unknown
	}
	return n
}

// offset is the byte at which a node starts; yaml.v3 counts characters.
func (b *yamlBuilder) offset(y *yaml.Node) int {
	if y.Line < 1 || y.Line > len(b.lines) {
		return b.base + len(b.text)
	}
	at := b.lines[y.Line-1]
	for i := 1; i < y.Column && at < len(b.text); i++ {
		_, size := utf8.DecodeRune(b.text[at:])
		at += size
	}
	return b.base + at
}

// extent is what of the text is a scalar's own: without its quotes, of a block
// the lines below its header.
func (b *yamlBuilder) extent(y *yaml.Node, at int) (start, end int) {
	at = b.skipProperties(y, at)
	switch {
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return b.block(at)
	case y.Style&yaml.DoubleQuotedStyle != 0 && at < len(b.text):
		for i := at + 1; i < len(b.text); i++ {
			switch b.text[i] {
			case '\\':
				i++
			case '"':
				return at + 1, i
			}
		}
		return at + 1, len(b.text)
	case y.Style&yaml.SingleQuotedStyle != 0 && at < len(b.text):
		for i := at + 1; i < len(b.text); i++ {
			if b.text[i] != '\'' {
				continue
			}
			if i+1 < len(b.text) && b.text[i+1] == '\'' {
				i++
				continue
			}
			return at + 1, i
		}
		return at + 1, len(b.text)
	}
	if bytes.HasPrefix(b.text[at:], []byte(y.Value)) {
		return at, at + len(y.Value)
	}
	end = len(b.text)
	if i := bytes.IndexAny(b.text[at:], "\r\n"); i >= 0 {
		end = at + i
	}
	return at, at + len(bytes.TrimRight(b.text[at:end], " \t"))
}

// skipProperties goes behind a tag and an anchor that stand before a scalar.
func (b *yamlBuilder) skipProperties(y *yaml.Node, at int) int {
	for at < len(b.text) && (b.text[at] == '&' && y.Anchor != "" || b.text[at] == '!' && y.Style&yaml.TaggedStyle != 0) {
		i := bytes.IndexAny(b.text[at:], " \t\r\n")
		if i < 0 {
			return len(b.text)
		}
		at += i
		at += len(b.text[at:]) - len(bytes.TrimLeft(b.text[at:], " \t\r\n"))
	}
	return at
}

// block is the extent of a block scalar whose header is at a byte.
func (b *yamlBuilder) block(at int) (start, end int) {
	i := bytes.IndexByte(b.text[at:], '\n')
	if i < 0 {
		return len(b.text), len(b.text)
	}
	start = at + i + 1
	end = start
	indent := -1
	for end < len(b.text) {
		next := len(b.text)
		if i := bytes.IndexByte(b.text[end:], '\n'); i >= 0 {
			next = end + i + 1
		}
		line := b.text[end:next]
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		if len(bytes.TrimSpace(line)) > 0 {
			if indent < 0 {
				indent = spaces
			}
			if spaces < indent || indent == 0 {
				break
			}
		}
		end = next
	}
	return start, end
}
