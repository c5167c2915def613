package rewrite

import (
	"errors"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var php = (&grammar{
	load: grammars.PhpLanguage, strings: []string{"string", "encapsed_string"}, comments: []string{"comment"}, plus: " . ", sum: "binary_expression",
	opening: regexp.MustCompile(`^[bB]?["']`),
	value:   func(_ *tree, _ *ts.Node, c Change) (string, error) { return "getenv('" + c.Variable + "')", nil },
	other: map[string]func(*tree, *ts.Node, Change) ([]edit, error){
		"heredoc": phpHeredoc, "nowdoc": phpHeredoc,
		"text": refuse("it stands in the text around the program"), "text_interpolation": refuse("it stands in the text around the program"),
		"shell_command_expression": refuse("it stands in a command of the shell"),
	},
	forbidden: map[string]string{
		"property_element": "the default of a property is a constant", "simple_parameter": "the default of a parameter is a constant",
		"property_promotion_parameter": "the default of a parameter is a constant", "static_variable_declaration": "the first value of a static variable is a constant",
		"attribute": "the argument of an attribute is a constant", "enum_case": "the value of a case is a constant",
	},
	statement: definedConstant,
}).language("php", byEnding(".php", ".phtml", ".php5", ".php7", ".inc"))

// definedConstant makes `const K = 'v';` a call of define, which takes any value.
func definedConstant(t *tree, n *ts.Node) ([]edit, error) {
	c := t.up(n, "const_declaration", "compound_statement", "arrow_function")
	if t.kind(c) != "const_declaration" {
		return nil, nil
	}
	outer := t.kind(c.Parent())
	namespaced := ""
	t.walk(t.root, func(n *ts.Node) {
		if t.kind(n) == "namespace_definition" {
			namespaced = `__NAMESPACE__ . '\\`
		}
	})
	if outer != "program" || c.NamedChildCount() != 1 {
		return nil, errors.New("the value of a const is a constant")
	}
	name, value := c.NamedChild(0).NamedChild(0), c.NamedChild(0).NamedChild(1)
	if namespaced == "" {
		namespaced = "'"
	}
	end := int(value.EndByte())
	return []edit{{int(c.StartByte()), int(value.StartByte()), "define(" + namespaced + t.text(name) + "', "}, {end, end, ")"}}, nil
}

// phpHeredoc takes a heredoc out, or cuts it in two: it takes no call.
func phpHeredoc(t *tree, n *ts.Node, c Change) ([]edit, error) {
	if err := t.allowed(n); err != nil {
		return nil, err
	}
	value, _ := t.g.value(t, n, c)
	all := t.text(n)
	head, _, _ := strings.Cut(all, "\n")
	tail := all[strings.LastIndexByte(all, '\n')+1:]
	label := strings.TrimLeft(tail, " \t")
	indent := tail[:len(tail)-len(label)]
	start, end := int(n.StartByte()), int(n.EndByte())
	bodyStart, bodyEnd := start+len(head)+1, end-len(tail)-1
	if c.Start < bodyStart || c.End > bodyEnd {
		return nil, errors.New("it stands in the mark of a heredoc")
	}
	before, after := string(t.f.text[bodyStart:c.Start]), string(t.f.text[c.End:bodyEnd])
	edits := []edit{{start, end, value}}
	if strings.TrimSpace(before+after) != "" || strings.Trim(before+after, " \t\r") != "" && !strings.Contains(string(t.f.text[c.Start:c.End]), "\n") {
		nl := newline(t.f.text)
		from, to := c.Start, end
		cut := nl + indent + label + " . " + value
		if strings.TrimLeft(before, " \t") == "" {
			from, cut = start, value
		}
		if strings.TrimRight(after, "\r") != "" {
			cut += " . " + strings.TrimRight(head, "\r") + nl
			if to = c.End; after[0] != '\n' && after[0] != '\r' {
				cut += indent
			}
		}
		edits = []edit{{from, to, cut}}
	}
	more, err := definedConstant(t, n)
	return append(more, edits...), err
}
