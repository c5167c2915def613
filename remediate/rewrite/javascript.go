package rewrite

import (
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

// ecma is what JavaScript and TypeScript share. TypeScript takes the value of a
// variable for one that may be missing, and is told that it is not.
func ecma(assert string, load func() *ts.Language) *grammar {
	return &grammar{
		load:    load,
		strings: []string{"string", "template_string"}, comments: []string{"comment"}, plus: " + ", keys: true,
		value: func(c Change, _ string) (string, error) { return "process.env." + c.Variable + assert, nil },
		holes: func(node, _, value string) (string, bool) {
			return "${" + strings.TrimSuffix(value, "!") + "}", node == "template_string"
		},
		forbidden: map[string]string{
			"import_statement": "it is the name of a module", "literal_type": "it is a type", "enum_assignment": "a member of an enum is a constant",
			"import_specifier": "it is the name of a module", "property_signature": "it is the name of a property", "import_attribute": "it is the name of a module",
		},
	}
}

var (
	javascript = ecma("", grammars.JavascriptLanguage).language("javascript", byEnding(".js", ".mjs", ".cjs", ".jsx"))
	typescript = ecma("!", grammars.TypescriptLanguage).language("typescript", byEnding(".ts", ".mts", ".cts"))
	tsx        = ecma("!", grammars.TsxLanguage).language("tsx", byEnding(".tsx"))
)
