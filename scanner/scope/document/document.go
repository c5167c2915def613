// Package document reads configuration files into one kind of tree, whatever
// their syntax: YAML, JSON with comments, TOML, HCL and the front matter of
// Markdown. Every node knows its bytes in the file. What the file leaves to a
// template, a variable or a function is Unknown, never guessed.
package document

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Kind is what a node is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
	// Unknown is a value that is not in the file; Text is what stands there.
	Unknown
)

// Node is a value of a document. The zero value, and nil, is a null.
type Node struct {
	Kind Kind
	// Text is a scalar's value, as it reads; of an Unknown what stands there.
	Text string
	// Start and End are its bytes in the file; a string's are those between
	// its quotes.
	Start, End int
	Members    []Member // of a Map, in order; a key that comes twice is there twice
	Items      []*Node  // of a List
	// Tag is YAML's own ("!Sub"), or the name of the HCL function that makes
	// an Unknown.
	Tag string
	// Labels are those of an HCL block.
	Labels []*Node
}

// Member is a key of a Map and its value.
type Member struct{ Key, Value *Node }

// Limits of what is read, so that no file costs more than a moment.
const (
	maxText  = 4 << 20 // bytes of one document
	maxNodes = 400_000 // nodes of one document, aliases followed
	maxDepth = 200     // values within values
)

// Faults of a document that is not read.
var (
	ErrTooLarge = errors.New("it is too large to be read as a document")
	ErrTooDeep  = fmt.Errorf("its values are nested more than %d deep", maxDepth)
	ErrTooMany  = fmt.Errorf("it has more than %d values, aliases followed", maxNodes)
)

// Get returns the value below the keys given, of several alike the last; nil
// where there is none.
func (n *Node) Get(keys ...string) *Node {
	for _, k := range keys {
		all := n.All(k)
		if len(all) == 0 {
			return nil
		}
		n = all[len(all)-1]
	}
	return n
}

// All returns the values of a key, in order.
func (n *Node) All(key string) []*Node {
	if n == nil {
		return nil
	}
	var all []*Node
	for _, m := range n.Members {
		if m.Key.Text == key {
			all = append(all, m.Value)
		}
	}
	return all
}

// Key returns the node of a key itself, or nil.
func (n *Node) Key(key string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Key.Text == key {
			return n.Members[i].Key
		}
	}
	return nil
}

// Str returns a string's text, "" of anything else.
func (n *Node) Str() string {
	if n == nil || n.Kind != String {
		return ""
	}
	return n.Text
}

// Is tells whether the node is one of the strings given.
func (n *Node) Is(texts ...string) bool {
	if n == nil || n.Kind != String {
		return false
	}
	for _, t := range texts {
		if n.Text == t {
			return true
		}
	}
	return false
}

// Values returns the values of a List, none of anything else.
func (n *Node) Values() []*Node {
	if n == nil || n.Kind != List {
		return nil
	}
	return n.Items
}

// Entries returns the members of a Map, none of anything else.
func (n *Node) Entries() []Member {
	if n == nil || n.Kind != Map {
		return nil
	}
	return n.Members
}

// Maps returns a Map, or those that a List has.
func (n *Node) Maps() []*Node {
	var all []*Node
	for _, i := range append(slices.Clone(n.Values()), n) {
		if i != nil && i.Kind == Map {
			all = append(all, i)
		}
	}
	return all
}

// Strings returns the strings of a node that is a string or a list of them.
func (n *Node) Strings() []*Node {
	switch {
	case n == nil:
	case n.Kind == String:
		return []*Node{n}
	case n.Kind == List:
		var all []*Node
		for _, i := range n.Items {
			if i.Kind == String {
				all = append(all, i)
			}
		}
		return all
	}
	return nil
}

// Texts are the texts of Strings.
func (n *Node) Texts() []string {
	var all []string
	for _, s := range n.Strings() {
		all = append(all, s.Text)
	}
	return all
}

// Bool returns a truth value; ok is false where the node is none.
func (n *Node) Bool() (value, ok bool) {
	if n == nil || n.Kind != Bool && n.Kind != String {
		return false, false
	}
	switch strings.ToLower(n.Text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Known tells that neither the node nor anything below it hangs on a value
// that is not in the file.
func (n *Node) Known() bool {
	if n == nil {
		return true
	}
	if n.Kind == Unknown {
		return false
	}
	for _, i := range n.Items {
		if !i.Known() {
			return false
		}
	}
	for _, m := range n.Members {
		if !m.Key.Known() || !m.Value.Known() {
			return false
		}
	}
	return true
}

// Walk calls visit for the node and all below it, in order; where visit
// returns false it does not go below.
func (n *Node) Walk(visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	for _, i := range n.Items {
		i.Walk(visit)
	}
	for _, m := range n.Members {
		m.Value.Walk(visit)
	}
}

// Parsed is a file that was read.
type Parsed struct {
	// Docs are the roots of its documents.
	Docs []*Node
	// Templated tells that a template's actions stand in the file, so that
	// what seems to be absent may be there.
	Templated bool
}

// Parse reads a file by its path's ending. hints, where there are any, leave
// out the documents of a stream in which none of them stands. The documents
// that could be read are returned with an error too.
func Parse(name string, text []byte, hints []string) (Parsed, error) {
	return Open(name, text).Docs(hints)
}

// File is a file whose documents are read when they are asked for, each once.
type File struct {
	name  string
	text  []byte
	yaml  []yamlChunk
	whole *outcome // of what is no stream
}

type outcome struct {
	Parsed
	err error
}

// Open returns a file to be read by its path's ending.
func Open(name string, text []byte) *File { return &File{name: name, text: text} }

// Docs is Parse for a file that may be read again with other hints.
func (f *File) Docs(hints []string) (Parsed, error) {
	ext := strings.ToLower(path.Ext(f.name))
	if ext == ".yaml" || ext == ".yml" {
		return f.parseYAML(hints)
	}
	if f.whole == nil {
		p, err := parseWhole(ext, f.text)
		f.whole = &outcome{p, err}
	}
	return f.whole.Parsed, f.whole.err
}

func parseWhole(ext string, text []byte) (Parsed, error) {
	switch ext {
	case ".toml":
		return one(text, parseTOML)
	case ".hcl", ".tf", ".tofu":
		return one(text, parseHCL)
	case ".md", ".mdc":
		return parseFrontMatter(text)
	}
	return one(text, parseJSON)
}

func one(text []byte, parse func([]byte) (*Node, error)) (Parsed, error) {
	if len(text) > maxText {
		return Parsed{}, ErrTooLarge
	}
	if tooDeep(text) {
		return Parsed{}, ErrTooDeep
	}
	root, err := parse(text)
	if err != nil || root == nil {
		return Parsed{}, err
	}
	return Parsed{Docs: []*Node{root}}, nil
}

// tooDeep tells whether brackets are nested so deep that a parser which calls
// itself would use up the stack. It does not know strings, in which so many
// brackets are as good as never open.
func tooDeep(text []byte) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '[', '{', '(':
			if depth++; depth > 10*maxDepth {
				return true
			}
		case ']', '}', ')':
			depth = max(0, depth-1)
		}
	}
	return false
}
