package rewrite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// scalar is a value of a YAML document.
type scalar struct {
	node *yaml.Node
	// path are the mappings, sequences and keys that lead to it, the document
	// first; keys are the keys' names alone.
	path []*yaml.Node
	keys []string
	// start and end are its bytes with its quotes; for a block they are from its
	// indicator to the end of its last line.
	start, end int
	flow       bool
	isKey      bool
	offsets    *lineIndex
}

// lineIndex turns lines and columns into bytes.
type lineIndex struct {
	text   []byte
	starts []int
}

func indexLines(text []byte) *lineIndex {
	x := &lineIndex{text, []int{0}}
	for i, c := range text {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	return x
}

// at is the byte at a line and a column in characters, both from 1.
func (x *lineIndex) at(row, column int) int {
	if row < 1 || row > len(x.starts) {
		return len(x.text)
	}
	at := x.starts[row-1]
	if row == 1 && bytes.HasPrefix(x.text, []byte("\ufeff")) {
		at += 3
	}
	for range column - 1 {
		_, n := utf8.DecodeRune(x.text[at:])
		at += n
	}
	return min(at, len(x.text))
}

func parseYAML(_ *file, text []byte) error {
	_, err := documents(text)
	return err
}

// maxAliases is more than a file of a person has; bombs have more.
const maxAliases = 1000

func documents(text []byte) ([]*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	if bytes.Count(text, []byte("*")) > maxAliases*10 {
		return nil, errors.New("it has too many aliases")
	}
	var all []*yaml.Node
	for {
		var n yaml.Node
		switch err := d.Decode(&n); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, errors.New(strings.TrimPrefix(strings.SplitN(err.Error(), "\n", 2)[0], "yaml: "))
		}
		all = append(all, &n)
	}
}

// scalarAt finds the value around a place.
func scalarAt(text []byte, start, end int) (scalar, bool) {
	docs, err := documents(text)
	if err != nil {
		return scalar{}, false
	}
	x := indexLines(text)
	for _, d := range docs {
		if s, ok := findScalar(x, d, nil, nil, false, start, end); ok {
			return s, true
		}
	}
	return scalar{}, false
}

func findScalar(x *lineIndex, n *yaml.Node, path []*yaml.Node, keys []string, flow bool, start, end int) (scalar, bool) {
	path = append(path[:len(path):len(path)], n)
	flow = flow || n.Style&yaml.FlowStyle != 0
	if n.Kind == yaml.ScalarNode {
		s := scalar{node: n, path: path, keys: keys, flow: flow, offsets: x}
		return s, s.measure() && s.start <= start && end <= s.end
	}
	for i, c := range n.Content {
		k := keys
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				if s, ok := findScalar(x, c, path, keys, flow, start, end); ok {
					s.isKey = true
					return s, true
				}
				continue
			}
			k = append(keys[:len(keys):len(keys)], n.Content[i-1].Value)
		}
		if s, ok := findScalar(x, c, path, k, flow, start, end); ok {
			return s, true
		}
	}
	return scalar{}, false
}

// measure finds where a scalar ends. ok is false for one that runs over lines
// without being a block or quoted.
func (s *scalar) measure() bool {
	text := s.offsets.text
	s.start = s.offsets.at(s.node.Line, s.node.Column)
	if s.start >= len(text) {
		return false
	}
	for text[s.start] == '&' || text[s.start] == '!' { // an anchor or a tag
		for s.start < len(text) && text[s.start] != ' ' && text[s.start] != '\n' {
			s.start++
		}
		for s.start < len(text) && text[s.start] == ' ' {
			s.start++
		}
		if s.start >= len(text) {
			return false
		}
	}
	switch {
	case s.node.Style&yaml.DoubleQuotedStyle != 0:
		n := closing(text[s.start+1:], '"')
		s.end = s.start + 1 + n + 1
		return n >= 0
	case s.node.Style&yaml.SingleQuotedStyle != 0:
		return s.measureSingle()
	case s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.measureBlock()
	}
	s.end = s.start + len(s.node.Value)
	return s.end <= len(text) && string(text[s.start:s.end]) == s.node.Value && s.node.Value != ""
}

func (s *scalar) measureSingle() bool {
	text := s.offsets.text
	for i := s.start + 1; i < len(text); i++ {
		if text[i] != '\'' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			i++
			continue
		}
		s.end = i + 1
		return true
	}
	return false
}

// measureBlock ends a block where a line is indented less than its first.
func (s *scalar) measureBlock() bool {
	text := s.offsets.text
	_, s.end = line(text, s.start)
	indent := -1
	for at := s.end; at < len(text); {
		next := at + bytes.IndexByte(text[at:], '\n') + 1
		if next == at || next >= len(text) {
			break
		}
		_, stop := line(text, next)
		content := bytes.TrimLeft(text[next:stop], " ")
		if width := stop - next - len(content); len(content) > 0 {
			if indent < 0 {
				indent = width
			}
			if width < indent || width == 0 {
				break
			}
			s.end = stop
		}
		at = stop
	}
	return true
}

func (s *scalar) block() bool { return s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 }

// whole tells whether a change is all of the scalar's value.
func (s *scalar) whole(c Change) bool {
	if s.block() {
		value := strings.Join(strings.Fields(s.node.Value), "")
		return value == strings.Join(strings.Fields(string(s.offsets.text[c.Start:c.End])), "")
	}
	quotes := 0
	if s.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quotes = 1
	}
	rest := string(s.offsets.text[s.start+quotes:c.Start]) + string(s.offsets.text[c.End:s.end-quotes])
	return strings.Trim(rest, `\nr `) == ""
}

// put puts a hole in place of a value.
func (s *scalar) put(c Change, hole string) ([]edit, error) {
	text := s.offsets.text
	plain := s.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch {
	case s.whole(c) && s.block():
		_, end := line(text, s.start)
		header, comment, ok := strings.Cut(string(text[s.start:end]), "#")
		if hole = `"` + hole + `"`; ok {
			hole += header[len(strings.TrimRight(header, " \t")):] + "#" + comment
		}
		return []edit{{s.start, s.end, hole}}, nil
	case s.whole(c) && plain && s.flow:
		return []edit{{s.start, s.end, `"` + hole + `"`}}, nil
	case s.whole(c) && plain:
		return []edit{{s.start, s.end, hole}}, nil
	case s.whole(c):
		return []edit{{s.start + 1, s.end - 1, hole}}, nil
	case strings.Contains(string(text[c.Start:c.End]), "\n"):
		return nil, errors.New("it runs over several lines, and is a part of a longer value")
	case plain && s.flow:
		value := string(text[s.start:c.Start]) + hole + string(text[c.End:s.end])
		if strings.ContainsAny(value, `"\`) {
			return nil, errors.New("it is a part of a longer value that would need quotes")
		}
		return []edit{{s.start, s.end, `"` + value + `"`}}, nil
	}
	return []edit{{c.Start, c.End, hole}}, nil
}

// inYAML makes a change of a value by what hole says of it.
func inYAML(f *file, c Change, hole func(*scalar) (string, error)) ([]edit, error) {
	s, err := f.scalar(c)
	if err != nil || s == nil {
		return f.unusedEdit, err
	}
	text, err := hole(s)
	if err != nil {
		return nil, err
	}
	return s.put(defaulted(f.text, c), text)
}

// scalar finds a change's value; nil for one in a comment, which was taken out.
func (f *file) scalar(c Change) (*scalar, error) {
	s, ok := scalarAt(f.text, c.Start, c.End)
	switch {
	case !ok && lineComment(f.text, c.Start, "#"):
		f.unusedEdit = f.removed(c)
		return nil, nil
	case !ok:
		return nil, errors.New("it does not stand in a value")
	case s.isKey:
		return nil, errors.New("it is the key of a mapping")
	case s.node.Anchor != "":
		return nil, fmt.Errorf("its value has the anchor &%s, which other places use", s.node.Anchor)
	}
	return &s, nil
}
