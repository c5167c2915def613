package rewrite

import (
	"errors"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var csharp = (&grammar{
	load: grammars.CSharpLanguage, plus: " + ", comments: []string{"comment"},
	strings: []string{"string_literal", "verbatim_string_literal", "raw_string_literal", "interpolated_string_expression"},
	value: func(c Change, literal string) (string, error) {
		return `System.Environment.GetEnvironmentVariable("` + c.Variable + `")`, refuseUTF8(literal)
	},
	forbidden: map[string]string{
		"attribute_argument": "the argument of an attribute is a constant", "constant_pattern": "it is a pattern", "parameter": "the default of a parameter is a constant",
		"interpolation": "it stands in an expression within another string", "case_switch_label": "the label of a case is a constant",
	},
	statement: notConstant,
}).language("csharp", byEnding(".cs", ".csx"))

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
	var constant *ts.Node
	for i := range d.NamedChildCount() {
		if c := d.NamedChild(i); t.kind(c) == "modifier" && t.text(c) == "const" {
			constant = c
		}
	}
	if constant == nil {
		return nil, nil
	}
	if err := t.constantElsewhere(n, "attribute_argument", "constant_pattern", "parameter", "case_switch_label"); err != nil {
		return nil, err
	}
	start, end := int(constant.StartByte()), int(constant.EndByte())
	if kind == "field_declaration" {
		return []edit{{start, end, "static readonly"}}, nil
	}
	for end < len(t.f.text) && t.f.text[end] == ' ' {
		end++
	}
	return []edit{{start, end, ""}}, nil
}

func refuseUTF8(literal string) error {
	if strings.HasSuffix(literal, "u8") || strings.HasSuffix(literal, "U8") {
		return errors.New("a string of bytes is not rewritten")
	}
	return nil
}
