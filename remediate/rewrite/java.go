package rewrite

import (
	"fmt"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var java = (&grammar{
	load: grammars.JavaLanguage, strings: []string{"string_literal"}, comments: []string{"line_comment", "block_comment", "comment"}, plus: " + ",
	value: func(c Change, _ string) (string, error) { return `System.getenv("` + c.Variable + `")`, nil },
	forbidden: map[string]string{
		"annotation_argument_list": "the value of an annotation is a constant", "switch_label": "the label of a case is a constant",
		"annotation_type_element_declaration": "the default of an annotation is a constant",
	},
	statement: func(t *tree, n *ts.Node) ([]edit, error) {
		return nil, t.constantElsewhere(n, "annotation_argument_list", "switch_label")
	},
}).language("java", byEnding(".java"))

// constantElsewhere refuses the value of a name that stands where only a
// constant may.
func (t *tree) constantElsewhere(n *ts.Node, places ...string) error {
	d := t.up(n, "variable_declarator")
	if d == nil || d.NamedChildCount() == 0 {
		return nil
	}
	name := t.text(d.NamedChild(0))
	if t.usedIn(name, places...) {
		return fmt.Errorf("%s is used where only a constant may stand", name)
	}
	return nil
}
