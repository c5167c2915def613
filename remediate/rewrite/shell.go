package rewrite

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

var shell = language{
	name: "shell",
	is: func(f *file) bool {
		return hasSuffix(f.base, ".sh", ".bash", ".zsh", ".ksh", ".envrc", ".bashrc", ".zshrc", ".profile", ".bash_profile") || bytes.HasPrefix(f.text, []byte("#!")) && shebang(f.text)
	},
	edits: shellEdits,
	parse: func(_ *file, text []byte) error {
		_, err := parseShell(text)
		return err
	},
	variable: shellVariable,
}

func shebang(text []byte) bool {
	_, end := line(text, 0)
	words := strings.Fields(strings.NewReplacer("#!", "", "/", " ").Replace(string(text[:end])))
	for _, w := range words {
		switch w {
		case "sh", "bash", "zsh", "ksh", "dash", "ash":
			return true
		}
	}
	return false
}

func parseShell(text []byte) (*syntax.File, error) {
	return syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(text), "")
}

func at(p syntax.Pos) int { return int(p.Offset()) }

// shellPlace is the place of a change: the nodes around it, the outermost first.
type shellPlace struct {
	*file
	c      Change
	value  string
	around []syntax.Node
}

var errNoWord = errors.New("it does not stand in a word")

// shellEdits puts "${VARIABLE:?}" in, which ends the script where it is not set.
// An interactive shell starts without it.
func shellEdits(f *file, c Change) ([]edit, error) {
	parsed, err := parseShell(f.text)
	if err != nil {
		return nil, err
	}
	p := &shellPlace{file: f, c: c, value: "${" + c.Variable + ":?}"}
	if hasSuffix(f.base, ".bashrc", ".zshrc", ".profile", ".bash_profile") {
		p.value = "${" + c.Variable + ":-}"
	}
	syntax.Walk(parsed, func(n syntax.Node) bool {
		switch r := n.(type) {
		case nil:
			return true
		case *syntax.Redirect:
			if p.has(r) {
				p.around = append(p.around, r)
			}
		default:
			if p.within(n) {
				p.around = append(p.around, n)
			}
		}
		return true
	})
	for i, n := range p.around {
		switch n := n.(type) {
		case *syntax.Comment:
			return f.removed(c), nil
		case *syntax.ParamExp:
			if e, ok := p.byDefault(i, n); ok {
				return []edit{e}, nil
			}
		}
	}
	return p.edits(p.quoting(len(p.around)))
}

func (p *shellPlace) within(n syntax.Node) bool {
	return at(n.Pos()) <= p.c.Start && p.c.End <= at(n.End())
}

// has tells whether a place is in a here-document.
func (p *shellPlace) has(r *syntax.Redirect) bool { return r.Hdoc != nil && p.within(r.Hdoc) }

// quoting is what the nodes before one quote by: quotes, a here-document, or nil.
func (p *shellPlace) quoting(before int) syntax.Node {
	for i := before - 1; i >= 0; i-- {
		switch n := p.around[i].(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted, *syntax.Redirect:
			return n
		case *syntax.CmdSubst, *syntax.ProcSubst:
			return nil
		}
	}
	return nil
}

func (p *shellPlace) edits(quoting syntax.Node) ([]edit, error) {
	switch n := quoting.(type) {
	case *syntax.SglQuoted:
		return p.single(n)
	case *syntax.DblQuoted:
		if at(n.Pos()) < p.c.Start && p.c.End < at(n.End()) {
			return []edit{{p.c.Start, p.c.End, p.value}}, nil
		}
	case *syntax.Redirect:
		return p.heredoc(n)
	}
	if len(p.around) == 0 {
		return nil, errNoWord
	}
	switch n := p.around[len(p.around)-1].(type) {
	case *syntax.Lit:
		return []edit{{p.c.Start, p.c.End, `"` + p.value + `"`}}, nil
	case *syntax.Word:
		start, end := at(n.Pos()), at(n.End())
		if strings.Trim(string(p.text[start:p.c.Start])+string(p.text[p.c.End:end]), `'"`) == "" {
			return []edit{{start, end, `"` + p.value + `"`}}, nil
		}
	}
	return nil, errNoWord
}

// byDefault is the edit of a value that a variable has where it is not set.
func (p *shellPlace) byDefault(i int, n *syntax.ParamExp) (edit, bool) {
	if n.Exp == nil || n.Exp.Word == nil || n.Param == nil || n.Param.Value != p.c.Variable || !p.within(n.Exp.Word) {
		return edit{}, false
	}
	start, end := at(n.Exp.Word.Pos()), at(n.Exp.Word.End())
	if strings.Trim(string(p.text[start:p.c.Start])+string(p.text[p.c.End:end]), `'"`) != "" {
		return edit{}, false
	}
	switch n.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
	default:
		return edit{}, false
	}
	value := p.value
	if p.quoting(i) == nil {
		value = `"` + value + `"`
	}
	return edit{at(n.Pos()), at(n.End()), value}, true
}

// heredoc puts a value in a here-document. One in which nothing is expanded is
// made one in which it is, where nothing else of it would be.
func (p *shellPlace) heredoc(r *syntax.Redirect) ([]edit, error) {
	e := edit{p.c.Start, p.c.End, p.value}
	start, end := at(r.Word.Pos()), at(r.Word.End())
	word := string(p.text[start:end])
	plain := strings.NewReplacer(`'`, "", `"`, "", `\`, "").Replace(word)
	if plain == word {
		return []edit{e}, nil
	}
	from, to := at(r.Hdoc.Pos()), at(r.Hdoc.End())
	if strings.ContainsAny(string(p.text[from:p.c.Start])+string(p.text[p.c.End:to]), "$`\\") || plain == "" {
		return nil, errors.New("it stands in a here-document in which nothing is expanded, and more than it would be")
	}
	return []edit{{start, end, plain}, e}, nil
}

// single ends the quotes, and begins them again where more follows. What the
// same shell reads once more keeps them.
func (p *shellPlace) single(n *syntax.SglQuoted) ([]edit, error) {
	start, end := at(n.Pos()), at(n.End())
	open := start + 1
	if n.Dollar {
		open++
	}
	if p.c.Start < open || p.c.End > end-1 {
		return nil, errNoWord
	}
	if p.later() && !n.Dollar {
		value := p.value
		if strings.Count(string(p.text[open:p.c.Start]), `"`)%2 == 0 {
			value = `"` + value + `"`
		}
		return []edit{{p.c.Start, p.c.End, value}}, nil
	}
	e := edit{p.c.Start, p.c.End, `"` + p.value + `"`}
	if p.c.Start > open {
		e.text = "'" + e.text
	} else {
		e.start = start
	}
	if p.c.End < end-1 {
		e.text += string(p.text[start:open])
	} else {
		e.end = end
	}
	return []edit{e}, nil
}

// later tells whether the same shell reads a string once more.
func (p *shellPlace) later() bool {
	for _, n := range slices.Backward(p.around) {
		switch n := n.(type) {
		case *syntax.CallExpr:
			return len(n.Args) > 0 && slices.Contains([]string{"alias", "eval", "trap"}, n.Args[0].Lit())
		case *syntax.CmdSubst, *syntax.ProcSubst:
			return false
		}
	}
	return false
}

// shellVariable is the name that a value is assigned to.
func shellVariable(f *file, start, end int) string {
	parsed, err := parseShell(f.text)
	if err != nil {
		return ""
	}
	name := ""
	syntax.Walk(parsed, func(n syntax.Node) bool {
		if a, ok := n.(*syntax.Assign); ok && a.Name != nil && a.Value != nil && at(a.Value.Pos()) <= start && end <= at(a.Value.End()) {
			name = a.Name.Value
		}
		return true
	})
	return name
}
