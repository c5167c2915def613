package rewrite

import (
	"fmt"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var java = (&grammar{
	load: grammars.JavaLanguage, strings: []string{"string_literal"}, comments: []string{"line_comment", "block_comment", "comment"},
	plus: " + ", sum: "binary_expression", opening: regexp.MustCompile(`^(?:"""|")`),
	value: func(_ *tree, _ *ts.Node, c Change) (string, error) { return `System.getenv("` + c.Variable + `")`, nil },
	holes: inTextBlock,
	forbidden: map[string]string{
		"annotation_argument_list": "the value of an annotation is a constant", "switch_label": "the label of a case is a constant",
		"annotation_type_element_declaration": "the default of an annotation is a constant", "element_value_pair": "the value of an annotation is a constant",
	},
	statement: func(t *tree, n *ts.Node) ([]edit, error) {
		return nil, t.constantElsewhere(n, "annotation_argument_list", "switch_label", "annotation_type_element_declaration")
	},
}).language("java", byEnding(".java"))

// inTextBlock replaces a name in a text block: a block cannot be cut in two,
// for its lines are indented together.
func inTextBlock(t *tree, n *ts.Node, c Change) ([]edit, bool) {
	if !strings.HasPrefix(t.text(n), `"""`) {
		return nil, false
	}
	hole, end := "${"+c.Variable+"}", int(n.EndByte())
	return []edit{{c.Start, c.End, hole}, {end, end, `.replace("` + hole + `", System.getenv("` + c.Variable + `"))`}}, true
}

// constantElsewhere refuses the value of a name that stands where only a
// constant may.
func (t *tree) constantElsewhere(n *ts.Node, places ...string) error {
	d := t.up(n, append([]string{"variable_declarator"}, bodies...)...)
	if t.kind(d) != "variable_declarator" {
		return nil
	}
	seen := map[string]bool{}
	names := []string{t.text(d.NamedChild(0))}
	for len(names) > 0 {
		name := names[0]
		if names = names[1:]; seen[name] {
			continue
		}
		seen[name] = true
		if t.usedIn(name, places...) {
			return fmt.Errorf("%s is used where only a constant may stand", name)
		}
		for _, d := range t.madeOf(name) {
			names = append(names, t.text(d.NamedChild(0)))
		}
	}
	return nil
}

// madeOf are the variables whose values are made of one of a name.
func (t *tree) madeOf(name string) []*ts.Node {
	var all []*ts.Node
	t.walk(t.root, func(n *ts.Node) {
		if n.ChildCount() > 0 || t.kind(n) != "identifier" || t.text(n) != name {
			return
		}
		d := t.up(n, append([]string{"variable_declarator"}, bodies...)...)
		if t.kind(d) != "variable_declarator" {
			return
		}
		if d.NamedChild(0).StartByte() != n.StartByte() {
			all = append(all, d)
		}
	})
	return all
}
