package rewrite

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
)

// grammar is a language that is read with a tree-sitter grammar.
type grammar struct {
	load func() *ts.Language
	// strings are the types of node of a whole string literal, comments those of
	// a comment, joined those of literals that are put together.
	strings, comments, joined []string
	// value is the expression of a variable's value; literal is the text that is
	// replaced.
	value func(c Change, literal string) (string, error)
	// plus joins strings; "" where nothing does.
	plus string
	// holes, where literals have them, are how an expression stands within one.
	holes func(node, literal, value string) (string, bool)
	// forbidden are positions that take no expression, by the type of a node
	// around the literal, up to a body; keys tells that keys are such.
	forbidden map[string]string
	keys      bool
	// tight are the types of a parent in which a value is put in parentheses.
	tight []string
	// statement looks at the literal's statement: a constant, say.
	statement func(t *tree, literal *ts.Node) ([]edit, error)
	imports   func(t *tree) ([]edit, error)
}

// bodies end the search for a forbidden position.
var bodies = []string{"block", "compound_statement", "statement_block", "body_statement", "declaration_list", "class_body", "block_body"}

// loose are parents in which a sum needs no parentheses.
var loose = []string{
	"assignment", "assignment_expression", "variable_declarator", "argument_list", "arguments", "argument", "return_statement", "keyword_argument", "pair",
	"augmented_assignment", "expression_statement", "parenthesized_expression", "array", "list", "array_element_initializer", "let_declaration", "dictionary",
	"property_element", "equals_value_clause", "default_parameter", "lexical_declaration", "return", "field_definition", "public_field_definition", "jsx_expression",
	"template_substitution", "named_argument", "element_value_array_initializer", "initializer_expression", "array_initializer", "const_element", "hash",
}

// tree is a parsed file.
type tree struct {
	f    *file
	g    *grammar
	lang *ts.Language
	root *ts.Node
}

func (g *grammar) read(f *file, text []byte) (*tree, error) {
	lang := g.load()
	parsed, err := ts.NewParser(lang).Parse(text)
	if err != nil {
		return nil, err
	}
	t := &tree{f, g, lang, parsed.RootNode()}
	if t.root == nil {
		return nil, errors.New("nothing was read")
	}
	if t.root.HasErrorOrMissing() {
		return nil, fmt.Errorf("at line %d", t.firstError(t.root))
	}
	return t, nil
}

func (t *tree) firstError(n *ts.Node) int {
	for i := range n.ChildCount() {
		if c := n.Child(i); c.IsError() || c.IsMissing() || c.HasError() {
			return t.firstError(c)
		}
	}
	return int(n.StartPoint().Row) + 1
}

func (t *tree) kind(n *ts.Node) string {
	if n == nil {
		return ""
	}
	return n.Type(t.lang)
}

func (t *tree) text(n *ts.Node) string { return string(t.f.text[n.StartByte():n.EndByte()]) }

// language makes a language of a grammar.
func (g *grammar) language(name string, is func(*file) bool) language {
	return language{
		name: name, is: is,
		edits: g.edits,
		closing: func(f *file, _ []Change) ([]edit, error) {
			if g.imports == nil {
				return nil, nil
			}
			t, err := g.read(f, f.text)
			if err != nil {
				return nil, err
			}
			return g.imports(t)
		},
		parse: func(f *file, text []byte) error {
			_, err := g.read(f, text)
			return err
		},
		variable: func(*file, int, int) string { return "" },
	}
}

func (g *grammar) edits(f *file, c Change) ([]edit, error) {
	t, err := g.read(f, f.text)
	if err != nil {
		return nil, err
	}
	n := t.root.DescendantForByteRange(uint32(c.Start), uint32(c.End))
	var literal *ts.Node
	for ; n != nil; n = n.Parent() {
		kind := t.kind(n)
		if slices.Contains(g.comments, kind) {
			return f.removed(c), nil
		}
		if slices.Contains(g.joined, kind) {
			return t.replaceJoined(n, c)
		}
		if slices.Contains(g.strings, kind) {
			literal = n
			break
		}
	}
	if literal == nil {
		return nil, errors.New("it does not stand in a string")
	}
	if p := literal.Parent(); slices.Contains(g.joined, t.kind(p)) {
		return t.replaceJoined(p, c)
	}
	return t.replace(literal, c)
}

// replaceJoined replaces literals that are put together, where they are the
// value and nothing else.
func (t *tree) replaceJoined(n *ts.Node, c Change) ([]edit, error) {
	rest := string(t.f.text[n.StartByte():c.Start]) + string(t.f.text[min(c.End, int(n.EndByte())):n.EndByte()])
	if strings.Trim(rest, " \t\r\n\"'`\\nr+.()bufBUF") != "" || c.Start < int(n.StartByte()) || c.End > int(n.EndByte()) {
		return nil, errors.New("it is put together of several strings")
	}
	if err := t.allowed(n); err != nil {
		return nil, err
	}
	value, err := t.g.value(c, "")
	if err != nil {
		return nil, err
	}
	return t.withStatement(n, edit{int(n.StartByte()), int(n.EndByte()), value})
}

func (t *tree) replace(n *ts.Node, c Change) ([]edit, error) {
	if t.alone(n) {
		return t.f.removed(c), nil // a docstring
	}
	if err := t.allowed(n); err != nil {
		return nil, err
	}
	literal := t.text(n)
	value, err := t.g.value(c, literal)
	if err != nil {
		return nil, err
	}
	open, shut, ok := delimiters(literal)
	from, to := c.Start-int(n.StartByte()), c.End-int(n.StartByte())
	if !ok || from < len(open) || to > len(literal)-len(shut) {
		return nil, errors.New("it stands in a string of a kind that is not rewritten")
	}
	before, after := literal[len(open):from], literal[to:len(literal)-len(shut)]
	if ending := regexp.MustCompile(`^(?:\\[nr]|\s)*$`); ending.MatchString(before) && ending.MatchString(after) {
		switch kind := t.kind(n.Parent()); {
		case kind == "jsx_attribute":
			value = "{" + value + "}"
		case slices.Contains(t.g.tight, kind):
			value = "(" + value + ")"
		}
		return t.withStatement(n, edit{int(n.StartByte()), int(n.EndByte()), value})
	}
	if t.g.holes != nil {
		if hole, ok := t.g.holes(t.kind(n), literal, value); ok {
			return t.withStatement(n, edit{c.Start, c.End, hole})
		}
	}
	if t.g.plus == "" {
		return nil, errors.New("it is a part of a longer string, and there is no sum of two of them")
	}
	var parts []string
	if before != "" {
		parts = append(parts, open+before+shut)
	}
	parts = append(parts, value)
	if after != "" {
		parts = append(parts, open+after+shut)
	}
	sum := strings.Join(parts, t.g.plus)
	if t.kind(n.Parent()) == "jsx_attribute" {
		sum = "{" + sum + "}"
	} else if !slices.Contains(loose, t.kind(n.Parent())) {
		sum = "(" + sum + ")"
	}
	return t.withStatement(n, edit{int(n.StartByte()), int(n.EndByte()), sum})
}

func (t *tree) withStatement(n *ts.Node, e edit) ([]edit, error) {
	if t.g.statement == nil {
		return []edit{e}, nil
	}
	more, err := t.g.statement(t, n)
	return append(more, e), err
}

// alone tells whether a string is a statement by itself, which does nothing.
func (t *tree) alone(n *ts.Node) bool {
	p := n.Parent()
	if k := t.kind(p); k != "expression_statement" && k != "module" && k != "program" && k != "block" {
		return false
	}
	return t.kind(p) != "expression_statement" || p.NamedChildCount() == 1
}

// allowed tells why no expression may stand in place of a literal.
func (t *tree) allowed(n *ts.Node) error {
	if p := n.Parent(); t.g.keys && t.kind(p) == "pair" && p.NamedChild(0).StartByte() == n.StartByte() {
		return errors.New("it is the key of an object")
	}
	for p := n.Parent(); p != nil; p = p.Parent() {
		kind := t.kind(p)
		if slices.Contains(bodies, kind) {
			return nil
		}
		if reason := t.g.forbidden[kind]; reason != "" {
			return errors.New(reason)
		}
	}
	return nil
}

// walk visits a node and all below it.
func (t *tree) walk(n *ts.Node, visit func(*ts.Node)) {
	visit(n)
	for i := range n.ChildCount() {
		t.walk(n.Child(i), visit)
	}
}

// usedIn tells whether a name is used below a node of one of the types.
func (t *tree) usedIn(name string, kinds ...string) bool {
	found := false
	t.walk(t.root, func(n *ts.Node) {
		if found || n.ChildCount() > 0 || t.text(n) != name {
			return
		}
		for p := n.Parent(); p != nil && !slices.Contains(bodies, t.kind(p)); p = p.Parent() {
			found = found || slices.Contains(kinds, t.kind(p))
		}
	})
	return found
}

// up returns the nearest node of a type around a node, itself or "".
func (t *tree) up(n *ts.Node, kinds ...string) *ts.Node {
	for p := n; p != nil; p = p.Parent() {
		if slices.Contains(kinds, t.kind(p)) {
			return p
		}
	}
	return nil
}

var opening = regexp.MustCompile("^(?:[A-Za-z@$]*(?:\"{3,}|'''|[\"'`])|b?r(#*)\")")

// delimiters are what opens and closes a literal.
func delimiters(literal string) (open, shut string, ok bool) {
	m := opening.FindStringSubmatch(literal)
	if m == nil {
		return "", "", false
	}
	open = m[0]
	switch {
	case m[1] != "":
		shut = `"` + m[1]
	case strings.HasSuffix(open, `"""`):
		shut = open[strings.IndexByte(open, '"'):]
	case strings.HasSuffix(open, "'''"):
		shut = "'''"
	default:
		shut = open[len(open)-1:]
	}
	if len(literal) < len(open)+len(shut) || !strings.HasSuffix(literal, shut) {
		return "", "", false
	}
	return open, shut, true
}
