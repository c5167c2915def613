package rewrite

import (
	"errors"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var csharp = (&grammar{
	load: grammars.CSharpLanguage, mask: csharpMask, plus: " + ", sum: "binary_expression", comments: []string{"comment"},
	strings: []string{"string_literal", "verbatim_string_literal", "raw_string_literal", "interpolated_string_expression"},
	opening: regexp.MustCompile(`^(?:\$*"{3,}|[$@]*")`),
	value: func(t *tree, n *ts.Node, c Change) (string, error) {
		return `System.Environment.GetEnvironmentVariable("` + c.Variable + `")`, refuseUTF8(t.text(n))
	},
	holes: csharpHole,
	other: map[string]func(*tree, *ts.Node, Change) ([]edit, error){
		"preproc_arg": refuse("it stands in a directive"), "preproc_region": refuse("it stands in a directive"),
	},
	forbidden: map[string]string{
		"attribute_argument": "the argument of an attribute is a constant", "constant_pattern": "it is a pattern", "parameter": "the default of a parameter is a constant",
		"case_switch_label": "the label of a case is a constant",
	},
	statement: notConstant,
	closing:   noDollars,
}).language("csharp", byEnding(".cs", ".csx"))

// csharpHole puts a value into a raw string, which cannot be cut in two, and
// leaves out the $ of what follows a value and takes none any more.
func csharpHole(t *tree, n *ts.Node, c Change) ([]edit, bool) {
	literal, start := t.text(n), int(n.StartByte())
	value, _ := t.g.value(t, n, c)
	open, shut, _ := t.delimiters(n)
	dollars := len(open) - len(strings.TrimLeft(open, "$"))
	before, after := string(t.f.text[start+len(open):c.Start]), string(t.f.text[c.End:int(n.EndByte())-len(shut)])
	if strings.HasSuffix(open, `"""`) && !strings.Contains(open, "@") {
		// What is left of a raw string on several lines is its indentation.
		if strings.TrimSpace(before+after) == "" && strings.Contains(before, "\n") {
			return []edit{{start, int(n.EndByte()), value}}, true
		}
		var edits []edit
		if dollars == 0 {
			for dollars = 1; strings.Contains(literal, strings.Repeat("{", dollars)) || strings.Contains(literal, strings.Repeat("}", dollars)); {
				dollars++
			}
			edits = append(edits, edit{start, start, strings.Repeat("$", dollars)})
		}
		return append(edits, edit{c.Start, c.End, strings.Repeat("{", dollars) + value + strings.Repeat("}", dollars)}), true
	}
	if dollars == 0 || t.isSum(n.Parent()) && before == "" {
		return nil, false
	}
	p, _ := t.pieces(n, n, c)
	if !strings.ContainsAny(after, "{}") {
		p.open = strings.ReplaceAll(p.open, "$", "")
	}
	return t.bracketed(n, t.added(p, value, false, nil), true), true
}

// noDollars leaves out the $ of what stands before the first value of a string
// and takes none any more.
func noDollars(t *tree, made []Change) ([]edit, error) {
	first := make(map[int]Change)
	for _, c := range made {
		n := t.up(t.root.DescendantForByteRange(uint32(c.Start), uint32(c.End)), t.g.strings...)
		if t.kind(n) != "interpolated_string_expression" || strings.Contains(t.text(n), `"""`) {
			continue
		}
		if at, seen := first[int(n.StartByte())]; !seen || c.Start < at.Start {
			first[int(n.StartByte())] = c
		}
	}
	var edits []edit
	for start, c := range first {
		before := string(t.f.text[start:c.Start])
		at := strings.IndexByte(before, '$')
		if at >= 0 && !strings.HasSuffix(before, `"`) && !strings.ContainsAny(before, "{}") {
			edits = append(edits, edit{start + at, start + at + 1, ""})
		}
	}
	return edits, nil
}

// notConstant makes a constant a static field that is read once, or a local
// variable.
func notConstant(t *tree, n *ts.Node) ([]edit, error) {
	d := t.up(n, "field_declaration", "local_declaration_statement", "lambda_expression", "method_declaration")
	if d == nil {
		return nil, nil
	}
	kind := t.kind(d)
	if kind != "field_declaration" && kind != "local_declaration_statement" {
		return nil, nil
	}
	constant := t.constOf(d)
	if constant == nil {
		return nil, nil
	}
	if err := t.constantElsewhere(n, "attribute_argument", "constant_pattern", "parameter", "case_switch_label"); err != nil {
		return nil, err
	}
	name := t.text(t.up(n, "variable_declarator").NamedChild(0))
	for _, other := range t.madeOf(name) {
		if t.constOf(t.up(other, "field_declaration", "local_declaration_statement")) != nil {
			return nil, errors.New(name + " is used in the value of another constant")
		}
	}
	if t.up(n, "variable_declaration").NamedChildCount() > 2 {
		return nil, errors.New("several constants are declared together")
	}
	start, end := int(constant.StartByte()), int(constant.EndByte())
	if kind == "field_declaration" {
		return []edit{{start, end, "static readonly"}}, nil
	}
	for end < len(t.f.text) && (t.f.text[end] == ' ' || t.f.text[end] == '\t') {
		end++
	}
	return []edit{{start, end, ""}}, nil
}

// constOf is the word const of a declaration; nil for none.
func (t *tree) constOf(d *ts.Node) *ts.Node {
	if d == nil {
		return nil
	}
	for i := range d.NamedChildCount() {
		if c := d.NamedChild(i); t.kind(c) == "modifier" && t.text(c) == "const" {
			return c
		}
	}
	return nil
}

func refuseUTF8(literal string) error {
	if strings.HasSuffix(literal, "u8") || strings.HasSuffix(literal, "U8") {
		return errors.New("a string of bytes is not rewritten")
	}
	return nil
}
