package rewrite

import (
	"errors"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

// ecma is what JavaScript and TypeScript share. TypeScript takes the value of a
// variable for one that may be missing, and is told that it is not.
func ecma(assert string, load func() *ts.Language) *grammar {
	return &grammar{
		load: load, documents: true,
		strings: []string{"string", "template_string"}, comments: []string{"comment", "hash_bang_line"}, plus: " + ", sum: "binary_expression",
		value:    func(_ *tree, _ *ts.Node, c Change) (string, error) { return "process.env." + c.Variable + assert, nil },
		holes:    substituted,
		brackets: ecmaBrackets,
		check:    ecmaCheck,
		other: map[string]func(*tree, *ts.Node, Change) ([]edit, error){
			"jsx_text": func(_ *tree, _ *ts.Node, c Change) ([]edit, error) {
				return []edit{{c.Start, c.End, "{process.env." + c.Variable + "}"}}, nil
			},
			"regex": func(*tree, *ts.Node, Change) ([]edit, error) {
				return nil, errors.New("it stands in a regular expression")
			},
		},
		forbidden: map[string]string{
			"import_statement": "it is the name of a module", "literal_type": "it is a type", "enum_assignment": "a member of an enum is a constant",
			"import_specifier": "it is the name of a module", "property_signature": "it is the name of a property", "import_attribute": "it is the name of a module",
		},
		parents: map[string]string{"module": "it is the name of a module", "enum_body": "it is the name of a member"},
		statement: func(t *tree, n *ts.Node) ([]edit, error) {
			p := n.Parent()
			if t.kind(p) != "as_expression" || !strings.HasSuffix(t.text(p), "as const") {
				return nil, nil
			}
			return []edit{{int(n.EndByte()), int(p.EndByte()), ""}}, nil // only a literal takes it
		},
	}
}

// substituted puts a value into a template.
func substituted(t *tree, n *ts.Node, c Change) ([]edit, bool) {
	if t.kind(n) != "template_string" {
		return nil, false
	}
	return []edit{{c.Start, c.End, "${process.env." + c.Variable + "}"}}, true
}

// ecmaBrackets are those of an attribute and of a key.
func ecmaBrackets(t *tree, n *ts.Node) (open, shut string) {
	p := n.Parent()
	switch kind := t.kind(p); {
	case kind == "jsx_attribute":
		return "{", "}"
	case isKey[kind] && p.NamedChild(0).StartByte() == n.StartByte():
		return "[", "]"
	}
	return "", ""
}

// afterType is the end of a tag with types: tag<Row>`…`.
var afterType = regexp.MustCompile(`[^=\s]>$`)

var isKey = map[string]bool{"pair": true, "pair_pattern": true}

func ecmaCheck(t *tree, n *ts.Node, _ Change) error {
	p := n.Parent()
	switch kind := t.kind(p); {
	case kind == "export_statement" && strings.Contains(string(t.f.text[p.StartByte():n.StartByte()]), "from"):
		return errors.New("it is the name of a module")
	case kind == "call_expression" && t.kind(n) == "template_string" && t.text(p.NamedChild(0)) != "String.raw":
		return errors.New("it stands in a tagged template, which may read a value otherwise than text")
	case t.kind(n) == "template_string" && afterType.Match(t.f.text[:n.StartByte()]):
		return errors.New("it stands in a tagged template, which may read a value otherwise than text")
	case kind == "jsx_attribute" && strings.ContainsAny(t.text(n), "&\\\n"):
		return errors.New("it stands in an attribute with signs that a string reads otherwise")
	case (strings.HasSuffix(kind, "field_definition") || kind == "method_definition") && p.NamedChild(0).StartByte() == n.StartByte():
		return errors.New("it is the name of a member")
	}
	return nil
}

var (
	javascript = ecma("", grammars.JavascriptLanguage).language("javascript", byEnding(".js", ".mjs", ".cjs", ".jsx"))
	typescript = ecma("!", grammars.TypescriptLanguage).language("typescript", byEnding(".ts", ".mts", ".cts"))
	tsx        = ecma("!", grammars.TsxLanguage).language("tsx", byEnding(".tsx"))
)
