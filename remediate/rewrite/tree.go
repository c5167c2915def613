package rewrite

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	ts "github.com/odvcencio/gotreesitter"
)

// grammar is a language that is read with a tree-sitter grammar.
type grammar struct {
	load func() *ts.Language
	// mask hides what the grammar reads wrong, byte for byte; nil for nothing.
	mask func(text []byte) []byte
	// strings are the types of node of a whole string literal, comments those of
	// a comment, joined those of literals side by side, sum that of a sum.
	strings, comments, joined []string
	sum                       string
	// opening is what a literal starts with; nil for one of three quotes.
	opening *regexp.Regexp
	// value is the expression of a variable's value in place of a literal.
	value func(t *tree, literal *ts.Node, c Change) (string, error)
	// plus joins strings; "" where nothing does.
	plus string
	// holes, where literals have them, put a value into one.
	holes func(t *tree, literal *ts.Node, c Change) ([]edit, bool)
	// extended replaces more than the literal, where that reads better.
	extended func(t *tree, literal *ts.Node, c Change) ([]edit, bool)
	// other are places that are no literals, by the type of their node.
	other map[string]func(t *tree, n *ts.Node, c Change) ([]edit, error)
	// forbidden are positions that take no expression, by the type of a node
	// around the literal, up to a body; parents are such by the next node.
	forbidden, parents map[string]string
	// documents tells that a string alone is text for people.
	documents bool
	// tight are the types of a parent in which a value is put in parentheses.
	tight []string
	// brackets are what an expression stands in where a literal needs none.
	brackets func(t *tree, literal *ts.Node) (open, shut string)
	// check tells why a literal is not replaced, besides its position.
	check func(t *tree, literal *ts.Node, c Change) error
	// statement looks at the literal's statement: a constant, say.
	statement func(t *tree, literal *ts.Node) ([]edit, error)
	// closing are edits that all changes need together, such as an import.
	closing func(t *tree, made []Change) ([]edit, error)

	// A parser is costly to make, and is used again.
	once    sync.Once
	lang    *ts.Language
	parsers *ts.ParserPool
}

// bodies end the search for a forbidden position.
var bodies = []string{"block", "compound_statement", "statement_block", "body_statement", "declaration_list", "class_body", "block_body", "then", "if_guard", "unless_guard"}

// loose are parents in which a sum needs no parentheses.
var loose = []string{
	"assignment", "assignment_expression", "variable_declarator", "argument_list", "arguments", "argument", "return_statement", "keyword_argument", "pair",
	"augmented_assignment", "expression_statement", "parenthesized_expression", "array", "list", "array_element_initializer", "let_declaration", "dictionary",
	"property_element", "equals_value_clause", "default_parameter", "lexical_declaration", "return", "field_definition", "public_field_definition", "jsx_expression",
	"template_substitution", "named_argument", "element_value_array_initializer", "initializer_expression", "array_initializer", "const_element", "hash",
	"block", "module", "interpolation", "arrow_expression_clause", "switch_rule", "body_statement", "program", "subscript_argument", "element_reference",
	"boolean_operator", "comparison_operator", "conditional_expression", "ternary_expression", "conditional", "assert_statement", "set", "tuple", "array_creation_expression",
	"required_parameter", "assignment_pattern", "optional_parameter", "anonymous_function_body", "expression_list", "new_expression", "throw_statement", "raise_statement",
	"arrow_function", "object_assignment_pattern", "yield_expression", "yield", "lambda", "lambda_expression", "switch_expression_arm", "match_conditional_expression", "match_default_expression", "match_condition_list",
	"augmented_assignment_expression", "print_intrinsic", "yield_statement", "exit_statement", "case_statement", "as_expression", "satisfies_expression", "match_arm",
}

// tree is a parsed file.
type tree struct {
	f    *file
	g    *grammar
	lang *ts.Language
	root *ts.Node
}

// longest is how long one reading of a file may take.
const longest = 20 * time.Second

func (g *grammar) read(f *file, text []byte) (*tree, error) {
	own := len(text) > 0 && len(text) == len(f.text) && &text[0] == &f.text[0]
	if own && f.tree != nil {
		return f.tree, nil // each change of the file asks for it
	}
	g.once.Do(func() {
		g.lang = g.load()
		g.parsers = ts.NewParserPool(g.lang, ts.WithParserPoolTimeoutMicros(uint64(longest.Microseconds())))
	})
	masked := text
	if g.mask != nil {
		masked = g.mask(text)
	}
	parsed, err := g.parsers.Parse(masked)
	if err != nil {
		return nil, err
	}
	if parsed.ParseStoppedEarly() {
		return nil, errors.New("it takes too long to read")
	}
	t := &tree{f, g, g.lang, parsed.RootNode()}
	if t.root == nil {
		return nil, errors.New("nothing was read")
	}
	if t.root.HasErrorOrMissing() {
		return nil, fmt.Errorf("at line %d", t.firstError(t.root))
	}
	if own {
		f.tree = t
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
		closing: func(f *file, made []Change) ([]edit, error) {
			if g.closing == nil {
				return nil, nil
			}
			t, err := g.read(f, f.text)
			if err != nil {
				return nil, err
			}
			return g.closing(t, made)
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
	for n := t.root.DescendantForByteRange(uint32(c.Start), uint32(c.End)); n != nil; n = n.Parent() {
		kind := t.kind(n)
		if slices.Contains(g.comments, kind) {
			return f.removed(c), nil
		}
		if other := g.other[kind]; other != nil {
			return other(t, n, c)
		}
		if slices.Contains(g.strings, kind) {
			return t.replace([]*ts.Node{n}, c)
		}
		if slices.Contains(g.joined, kind) || t.isSum(n) {
			return t.replaceSeveral(n, c)
		}
	}
	return nil, errors.New("it does not stand in a string")
}

// alone tells whether a string is a statement by itself, which does nothing.
func (t *tree) alone(n *ts.Node) bool {
	p := n.Parent()
	if k := t.kind(p); k != "expression_statement" && k != "module" && k != "program" && k != "block" {
		return false
	}
	if t.kind(p) == "module" && p.Parent() != nil {
		return false // the name of one, in TypeScript
	}
	return t.kind(p) != "expression_statement" || p.NamedChildCount() == 1
}

// allowed tells why no expression may stand in place of a literal.
func (t *tree) allowed(n *ts.Node) error {
	if reason := t.g.parents[t.kind(n.Parent())]; reason != "" {
		return errors.New(reason)
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
		if p := n.Parent(); t.kind(p) == "element_value_pair" && p.NamedChild(0).StartByte() == n.StartByte() {
			return // the name of an argument
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
