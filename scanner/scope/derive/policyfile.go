package derive

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope"
	"github.com/remint/remint/scanner/scope/document"
)

// words of a statement: effect, actions, all but these, resources, all but
// these, and those that it is for.
type words [6]string

var (
	jsonWords      = words{"Effect", "Action", "NotAction", "Resource", "NotResource", "Principal"}
	terraformWords = words{"effect", "actions", "not_actions", "resources", "not_resources", "principals"}
)

// policies are the statements of the policies in a file of JSON, YAML or
// Terraform, whatever holds them. Who may take on a role is told by statements
// with principals: these grant the program nothing.
func policies(name string, text []byte) (all []scope.Statement) {
	parsed, err := document.Parse(name, text, nil)
	if err != nil {
		return nil // it is none of these, and may be another grant
	}
	add := func(list *document.Node, w words) {
		each := []*document.Node{list}
		if list.Kind == document.List {
			each = list.Items
		}
		for _, n := range each {
			if s, ok := statement(n, w); ok {
				all = append(all, s)
			}
		}
	}
	for _, d := range parsed.Docs {
		d.Walk(func(n *document.Node) bool {
			if list := n.Get("Statement"); list != nil {
				add(list, jsonWords)
			}
			return true
		})
		for _, b := range document.Blocks(d, "data", "aws_iam_policy_document") {
			for _, list := range b.Body.All("statement") {
				add(list, terraformWords)
			}
		}
	}
	return all
}

func statement(n *document.Node, w words) (s scope.Statement, ok bool) {
	if n.Kind != document.Map || n.Get(w[5]) != nil {
		return s, false
	}
	s = scope.Statement{
		Effect: n.Get(w[0]).Str(), Actions: textsOf(n.Get(w[1])), NotActions: textsOf(n.Get(w[2])),
		Resources: textsOf(n.Get(w[3])), NotResources: textsOf(n.Get(w[4])),
	}
	return s, len(s.Actions)+len(s.NotActions) > 0
}

// fromElsewhere is a part of a text that the file leaves to something else.
var fromElsewhere = regexp.MustCompile(`\$\{[^}]*\}`)

// textsOf are the texts of a string or a list; ${…} is what is not in the file.
func textsOf(n *document.Node) (all []string) {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case document.String:
		return []string{n.Text}
	case document.List:
		for _, i := range n.Items {
			all = append(all, textsOf(i)...)
		}
		return all
	case document.Map: // {"Fn::Sub": "…"}
		if sub := n.Get("Fn::Sub"); sub != nil {
			return textsOf(sub)
		}
	case document.Unknown:
		if fromElsewhere.MatchString(n.Text) {
			return []string{strings.Trim(n.Text, `"`)}
		}
	}
	return []string{"${" + n.Text + "}"}
}
