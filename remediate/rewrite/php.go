package rewrite

import (
	"fmt"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var php = (&grammar{
	load: grammars.PhpLanguage, strings: []string{"string", "encapsed_string"}, comments: []string{"comment"}, plus: " . ",
	value: func(c Change, _ string) (string, error) { return "getenv('" + c.Variable + "')", nil },
	forbidden: map[string]string{
		"property_element": "the default of a property is a constant", "simple_parameter": "the default of a parameter is a constant",
		"property_promotion_parameter": "the default of a parameter is a constant", "static_variable_declaration": "the first value of a static variable is a constant",
		"attribute": "the argument of an attribute is a constant", "enum_case": "the value of a case is a constant",
	},
	statement: definedConstant,
}).language("php", byEnding(".php", ".phtml", ".php5", ".php7", ".inc"))

// definedConstant makes `const K = 'v';` a call of define, where that means the
// same.
func definedConstant(t *tree, n *ts.Node) ([]edit, error) {
	c := t.up(n, "const_declaration", "compound_statement")
	if t.kind(c) != "const_declaration" {
		return nil, nil
	}
	namespaced := false
	t.walk(t.root, func(n *ts.Node) { namespaced = namespaced || t.kind(n) == "namespace_definition" })
	if t.kind(c.Parent()) != "program" || namespaced || c.NamedChildCount() != 1 {
		return nil, fmt.Errorf("the value of a const is a constant")
	}
	element := c.NamedChild(0)
	name := element.NamedChild(0)
	return []edit{
		{int(c.StartByte()), int(n.StartByte()), "define('" + t.text(name) + "', "},
		{int(n.EndByte()), int(n.EndByte()), ")"},
	}, nil
}
