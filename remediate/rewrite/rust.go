package rewrite

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

// A literal is a &'static str, so the value is leaked once, as the literal was
// there once. Where a String is made of it, the value is one.
var rust = (&grammar{
	load: grammars.RustLanguage, strings: []string{"string_literal", "raw_string_literal"}, comments: []string{"line_comment", "block_comment"},
	opening: regexp.MustCompile(`^(?:[bc]?r#*"|[bc]?")`),
	value: func(t *tree, n *ts.Node, c Change) (string, error) {
		literal := t.text(n)
		if strings.HasPrefix(literal, "c") {
			return "", errors.New("a string for C is not rewritten")
		}
		if strings.HasPrefix(literal, "b") {
			if p := t.kind(n.Parent()); p != "arguments" && p != "let_declaration" && p != "field_expression" {
				return "", errors.New("an array of bytes has a length that the value may not have")
			}
			return "&*" + rustEnv(c) + ".into_bytes().leak()", nil
		}
		return "&*" + rustEnv(c) + ".leak()", nil
	},
	extended: func(t *tree, n *ts.Node, c Change) ([]edit, bool) {
		from, to, owned := t.owned(n)
		return []edit{{from, to, rustEnv(c)}}, owned && t.text(n)[0] != 'b'
	},
	holes: func(t *tree, n *ts.Node, c Change) ([]edit, bool) {
		return []edit{{c.Start, c.End, "{}"}}, t.text(n)[0] != 'b' && (!strings.ContainsAny(t.text(n), "{}") || !strings.Contains(t.text(n), "\n"))
	},
	closing:  formats,
	check:    rustCheck,
	brackets: rustBrackets,
	forbidden: map[string]string{
		"tuple_struct_pattern": "it is a pattern", "tuple_pattern": "it is a pattern", "or_pattern": "it is a pattern", "slice_pattern": "it is a pattern",
		"struct_pattern": "it is a pattern", "captured_pattern": "it is a pattern", "ref_pattern": "it is a pattern", "reference_pattern": "it is a pattern",
		"attribute_item": "it is in an attribute", "inner_attribute_item": "it is in an attribute", "const_block": "it is a constant", "macro_definition": "it is within the definition of a macro",
		"extern_modifier": "it is the name of an interface",
	},
}).language("rust", byEnding(".rs"))

func rustEnv(c Change) string {
	return `std::env::var("` + c.Variable + `").expect("` + c.Variable + ` is not set")`
}

var (
	toString   = regexp.MustCompile(`^\.(?:to_string|to_owned)\(\)`)
	fromString = regexp.MustCompile(`\bString::from\($`)
)

// owned is a literal with the call that makes a String of it.
func (t *tree) owned(n *ts.Node) (start, end int, ok bool) {
	start, end = int(n.StartByte()), int(n.EndByte())
	if m := toString.FindIndex(t.f.text[end:]); m != nil {
		return start, end + m[1], true
	}
	if m := fromString.FindIndex(t.f.text[:start]); m != nil && strings.HasPrefix(string(t.f.text[end:]), ")") {
		return m[0], end + 1, true
	}
	return start, end, false
}

// formats makes strings with holes a format!, with all values of each.
func formats(t *tree, made []Change) ([]edit, error) {
	type literal struct {
		n    *ts.Node
		vars []string
	}
	var all []*literal
	made = slices.Clone(made)
	slices.SortFunc(made, func(a, b Change) int { return a.Start - b.Start })
	for _, c := range made {
		n := t.up(t.root.DescendantForByteRange(uint32(c.Start), uint32(c.End)), t.g.strings...)
		if n == nil {
			continue
		}
		if p, ok := t.pieces(n, n, c); !ok || p.whole {
			continue
		}
		if len(all) == 0 || all[len(all)-1].n.StartByte() != n.StartByte() {
			all = append(all, &literal{n: n})
		}
		l := all[len(all)-1]
		l.vars = append(l.vars, rustEnv(c))
	}
	var edits []edit
	for _, l := range all {
		from, to, owned := t.owned(l.n)
		start, end := int(l.n.StartByte()), int(l.n.EndByte())
		open, shut := "&*format!(", ", "+strings.Join(l.vars, ", ")+").leak()"
		if owned {
			open, shut = "format!(", strings.TrimSuffix(shut, ".leak()")
		} else if before, after := rustBrackets(t, l.n); before != "" {
			open, shut = before+open, shut+after
		}
		edits = append(edits, edit{from, start, open}, edit{end, to, shut})
		edits = append(edits, t.escaped(l.n, made)...)
	}
	return edits, nil
}

var brace = regexp.MustCompile(`\\u\{[0-9a-fA-F_]+\}|[{}]`)

// escaped doubles the braces of a string that gets a format.
func (t *tree) escaped(n *ts.Node, made []Change) []edit {
	var edits []edit
	for _, m := range brace.FindAllStringIndex(t.text(n), -1) {
		at := int(n.StartByte()) + m[0]
		within := slices.ContainsFunc(made, func(c Change) bool { return c.Start <= at && at < c.End })
		if m[1]-m[0] == 1 && !within {
			edits = append(edits, edit{at, at + 1, strings.Repeat(string(t.f.text[at:at+1]), 2)})
		}
	}
	return edits
}

// rustBrackets are those of what a method is called on.
func rustBrackets(t *tree, n *ts.Node) (open, shut string) {
	rest := strings.TrimLeft(string(t.f.text[n.EndByte():]), " \t\r\n")
	if rest != "" && strings.Contains(".[?", rest[:1]) {
		return "(", ")"
	}
	return "", ""
}

func rustCheck(t *tree, n *ts.Node, _ Change) error {
	around := t.up(n, "const_item", "static_item", "function_item", "closure_expression", "macro_definition", "enum_variant")
	switch kind := t.kind(around); {
	case kind == "const_item", kind == "static_item":
		return errors.New("the value of a " + strings.TrimSuffix(kind, "_item") + " is a constant: make it a std::sync::LazyLock first")
	case kind == "function_item" && around.NamedChildCount() > 0 && strings.Contains(t.beforeName(around), "const "):
		return errors.New("it stands in a const fn, which reads no environment")
	}
	if p := n.Parent(); t.kind(p) == "let_condition" && p.NamedChild(0).StartByte() == n.StartByte() {
		return errors.New("it is a pattern")
	}
	if p := t.up(n, "match_pattern"); p != nil && !t.guard(p, n) && t.up(n, "block", "match_pattern").StartByte() == p.StartByte() {
		return errors.New("it is a pattern")
	}
	return t.macroTakes(n)
}

// beforeName is what a function starts with, up to fn.
func (t *tree) beforeName(f *ts.Node) string {
	head, _, _ := strings.Cut(t.text(f), "fn ")
	return head
}

// guard tells whether a node stands after the if of a pattern.
func (t *tree) guard(pattern, n *ts.Node) bool {
	for i := range pattern.ChildCount() {
		if c := pattern.Child(i); t.kind(c) == "if" {
			return c.StartByte() < n.StartByte()
		}
	}
	return false
}

// The macros whose arguments are expressions, and those whose first string is a
// format.
var (
	takesAny    = []string{"vec", "dbg", "json", "assert_eq", "assert_ne", "debug_assert_eq", "lazy_static", "thread_local", "hashmap", "btreemap", "assert", "smallvec"}
	takesFormat = []string{
		"println", "print", "eprintln", "eprint", "format", "write", "writeln", "panic", "todo", "unimplemented", "unreachable", "anyhow", "bail", "ensure",
		"error", "warn", "info", "debug", "trace",
	}
)

// macroTakes tells why a literal in the arguments of a macro is not replaced.
func (t *tree) macroTakes(n *ts.Node) error {
	p := n.Parent()
	if t.kind(p) != "token_tree" {
		return nil
	}
	if next := n.NextSibling(); t.kind(next) == ":" {
		return errors.New("it is the key of an object")
	}
	for inner := n; t.kind(p) == "token_tree"; inner, p = p, p.Parent() {
		name := t.macroName(p)
		switch {
		case name == "":
			continue
		case slices.Contains(takesAny, name), slices.Contains(takesFormat, name) && (inner != n || t.stringBefore(p, n)):
			return nil
		case slices.Contains(takesFormat, name):
			return errors.New("it stands in the format of " + name + "!")
		}
		return errors.New("it is an argument of the macro " + name + "!, which may read no expressions")
	}
	return errors.New("it is within a macro")
}

// macroName is the macro whose arguments some tokens are; "" for none.
func (t *tree) macroName(tokens *ts.Node) string {
	before := strings.TrimRight(string(t.f.text[:tokens.StartByte()]), " ")
	if !strings.HasSuffix(before, "!") {
		return ""
	}
	return macroEnd.FindString(strings.TrimRight(before, "! "))
}

var macroEnd = regexp.MustCompile(`\w+$`)

// stringBefore tells whether another string stands before one.
func (t *tree) stringBefore(tokens, n *ts.Node) bool {
	for i := range tokens.NamedChildCount() {
		c := tokens.NamedChild(i)
		if c.StartByte() >= n.StartByte() {
			return false
		}
		if slices.Contains(t.g.strings, t.kind(c)) {
			return true
		}
	}
	return false
}
