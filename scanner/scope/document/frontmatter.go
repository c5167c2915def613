package document

import (
	"bytes"
	"regexp"
)

// parseFrontMatter reads the YAML between the "---" lines that a Markdown file
// starts with.
func parseFrontMatter(text []byte) (Parsed, error) {
	first := bytes.TrimPrefix(text, []byte("\ufeff"))
	if !frontMark.Match(first) {
		return Parsed{}, nil
	}
	start := len(text) - len(first)
	end := nextDocument(text, start)
	if end == len(text) {
		return Parsed{}, nil // a rule across the page, not front matter
	}
	root, templated, err := yamlDocument(text, start, end)
	if err != nil && len(text) <= maxText {
		loose, own := looseValues(text, start, end)
		if root, templated, err = yamlDocument(loose, start, end); err == nil && root != nil && root.Kind == Map {
			root.Members = append(root.Members, own...)
		} else {
			root, err = lenientFrontMatter(text, start, end), nil
		}
	}
	if err != nil || root == nil {
		return Parsed{}, err
	}
	return Parsed{Docs: []*Node{root}, Templated: templated}, nil
}

var (
	frontMark = regexp.MustCompile(`^---[ \t]*\r?\n`)
	frontKey  = regexp.MustCompile(`^([A-Za-z][\w-]*):[ \t]*(.*?)[ \t\r]*$`)
	frontItem = regexp.MustCompile(`^[ \t]*-[ \t]+(.*?)[ \t\r]*$`)
)

// looseValues blanks what keeps front matter from being YAML, as agents quote
// it: values that are none on their own, which are returned with their keys,
// and lines of text between the keys. Places stay what they are.
func looseValues(text []byte, start, end int) (loose []byte, own []Member) {
	loose = bytes.Clone(text)
	at := start
	for line := range bytes.Lines(text[start:end]) {
		body := bytes.TrimRight(line, "\r\n")
		m := frontKey.FindSubmatchIndex(body)
		switch {
		case m != nil && !goesOn(body[m[4]:m[5]]):
			if _, err := decodeYAML(body); err != nil {
				own = append(own, Member{plain(text, at+m[2], at+m[3]), plain(text, at+m[4], at+m[5])})
				blank(loose[at+m[2] : at+m[5]])
			}
		case m == nil && len(body) > 0 && !bytes.ContainsRune([]byte(" \t-#"), rune(body[0])):
			blank(loose[at : at+len(body)])
		}
		at += len(line)
	}
	return loose, own
}

// goesOn tells whether a list, a map or a string is not closed on its line.
func goesOn(value []byte) bool {
	switch {
	case len(value) == 0:
		return false
	case value[0] == '"' || value[0] == '\'':
		return bytes.Count(value, value[:1]) == 1
	}
	return (value[0] == '[' || value[0] == '{') && bytes.Count(value, []byte{value[0]}) > bytes.Count(value, []byte{value[0] + 2})
}

func blank(text []byte) {
	for i := range text {
		text[i] = ' '
	}
}

// lenientFrontMatter reads front matter that is no YAML line by line, as
// agents do: a description with a colon in it keeps nobody from using the
// file. What is nested deeper than a list is left out.
func lenientFrontMatter(text []byte, start, end int) *Node {
	root := &Node{Kind: Map, Start: start, End: end}
	at := start
	for line := range bytes.Lines(text[start:end]) {
		body := bytes.TrimSuffix(line, []byte("\n"))
		if m := frontKey.FindSubmatchIndex(body); m != nil {
			root.Members = append(root.Members, Member{plain(text, at+m[2], at+m[3]), plain(text, at+m[4], at+m[5])})
		} else if m := frontItem.FindSubmatchIndex(body); m != nil && len(root.Members) > 0 {
			last := &root.Members[len(root.Members)-1]
			if last.Value.Kind == Null {
				last.Value = &Node{Kind: List, Start: at + m[2]}
			}
			if last.Value.Kind == List {
				last.Value.Items = append(last.Value.Items, plain(text, at+m[2], at+m[3]))
				last.Value.End = at + m[3]
			}
		}
		at += len(line)
	}
	return root
}

// plain is a stretch of a text as a string, without quotes around it; nothing
// is a null.
func plain(text []byte, start, end int) *Node {
	if end-start >= 2 && (text[start] == '"' || text[start] == '\'') && text[end-1] == text[start] {
		start, end = start+1, end-1
	}
	n := &Node{Kind: String, Text: string(text[start:end]), Start: start, End: end}
	if start == end {
		n.Kind = Null
	}
	return n
}
