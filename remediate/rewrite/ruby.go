package rewrite

import (
	"errors"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var ruby = (&grammar{
	load: grammars.RubyLanguage, strings: []string{"string"}, comments: []string{"comment"}, joined: []string{"chained_string"},
	plus: " + ", sum: "binary", opening: regexp.MustCompile(`^(?:%[qQ]?[^\w\s]|["'])`),
	value: func(_ *tree, _ *ts.Node, c Change) (string, error) { return `ENV.fetch("` + c.Variable + `")`, nil },
	holes: interpolated,
	other: map[string]func(*tree, *ts.Node, Change) ([]edit, error){
		"heredoc_body":     inHeredoc,
		"subshell":         inSubshell,
		"bare_string":      refuse("it stands in a list of words"),
		"bare_symbol":      refuse("it stands in a list of words"),
		"simple_symbol":    refuse("it is a symbol"),
		"delimited_symbol": refuse("it is a symbol"),
		"hash_key_symbol":  refuse("it is a symbol"),
		"regex":            refuse("it stands in a regular expression"),
	},
	forbidden: map[string]string{"in_clause": "it is a pattern", "test_pattern": "it is a pattern", "match_pattern": "it is a pattern"},
	check: func(t *tree, n *ts.Node, _ Change) error {
		if p := n.Parent(); t.kind(p) == "pair" && p.NamedChild(0).StartByte() == n.StartByte() && t.kind(p.Child(1)) == ":" {
			return errors.New("it is a symbol")
		}
		return nil
	},
}).language("ruby", byEnding(".rb", ".rake", ".gemspec", ".ru", "gemfile", "rakefile", "podfile", "fastfile", "capfile", "vagrantfile"))

func refuse(reason string) func(*tree, *ts.Node, Change) ([]edit, error) {
	return func(*tree, *ts.Node, Change) ([]edit, error) { return nil, errors.New(reason) }
}

func rubyHole(c Change) edit { return edit{c.Start, c.End, `#{ENV.fetch("` + c.Variable + `")}`} }

// interpolated puts a value into a string. One in single quotes gets double
// quotes, where nothing in it means another thing then.
func interpolated(t *tree, n *ts.Node, c Change) ([]edit, bool) {
	open, _, _ := t.delimiters(n)
	switch {
	case open == `"` || open[0] == '%' && open[1] != 'q':
		return []edit{rubyHole(c)}, true
	case open == "'" && !strings.ContainsAny(t.text(n), "\"\\#\n"):
		start, end := int(n.StartByte()), int(n.EndByte())
		return []edit{{start, start + 1, `"`}, rubyHole(c), {end - 1, end, `"`}}, true
	}
	return nil, false
}

func inSubshell(_ *tree, _ *ts.Node, c Change) ([]edit, error) { return []edit{rubyHole(c)}, nil }

// inHeredoc puts a value into a heredoc, or takes the heredoc out where it is
// nothing but the value.
func inHeredoc(t *tree, body *ts.Node, c Change) ([]edit, error) {
	begin := t.heredocOf(body)
	if begin == nil {
		return nil, errors.New("the start of the heredoc was not found")
	}
	for p := begin.Parent(); p != nil; p = p.Parent() {
		if t.kind(p) == "string" || t.kind(p) == "heredoc_body" {
			return nil, errors.New("the heredoc stands in another string")
		}
	}
	end := body.Child(body.ChildCount() - 1)
	if c.Start < int(body.StartByte()) || c.End > int(end.StartByte()) {
		return nil, errors.New("it stands in the mark of a heredoc")
	}
	before := string(t.f.text[body.StartByte():c.Start])
	after := string(t.f.text[c.End:end.StartByte()])
	if strings.TrimSpace(before+after) == "" && strings.Contains(string(t.f.text[c.Start:c.End]), "\n") {
		value := `ENV.fetch("` + c.Variable + `")`
		return []edit{{int(begin.StartByte()), int(begin.EndByte()), value}, {int(body.StartByte()), int(body.EndByte()), ""}}, nil
	}
	mark := t.text(begin)
	if !strings.HasSuffix(mark, "'") {
		return []edit{rubyHole(c)}, nil
	}
	if strings.ContainsAny(string(t.f.text[body.StartByte():body.EndByte()]), "\\#") {
		return nil, errors.New("it stands in a heredoc that reads # and \\ as they are")
	}
	start := int(begin.StartByte())
	return []edit{{start, int(begin.EndByte()), strings.ReplaceAll(mark, "'", "")}, rubyHole(c)}, nil
}

// heredocOf is what opens a heredoc: they follow each other as their bodies do.
func (t *tree) heredocOf(body *ts.Node) *ts.Node {
	var begins []*ts.Node
	nth, at := 0, -1
	t.walk(t.root, func(n *ts.Node) {
		switch t.kind(n) {
		case "heredoc_beginning":
			begins = append(begins, n)
		case "heredoc_body":
			if n.StartByte() == body.StartByte() {
				at = nth
			}
			nth++
		}
	})
	if at < 0 || at >= len(begins) || nth != len(begins) {
		return nil
	}
	return begins[at]
}
