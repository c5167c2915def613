package rewrite

import (
	"bytes"
	"errors"
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

// shellEdits puts "${VARIABLE:?}" in, which ends the script where it is not set.
func shellEdits(f *file, c Change) ([]edit, error) {
	parsed, err := parseShell(f.text)
	if err != nil {
		return nil, err
	}
	var found []edit
	refused := errors.New("it does not stand in a word")
	value := "${" + c.Variable + ":?}"
	within := func(n syntax.Node) bool { return at(n.Pos()) <= c.Start && c.End <= at(n.End()) }
	var heredocs []*syntax.Redirect
	syntax.Walk(parsed, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Comment:
			if within(n) {
				found = f.removed(c)
			}
		case *syntax.Redirect:
			if n.Hdoc != nil {
				heredocs = append(heredocs, n)
			}
		case *syntax.SglQuoted:
			if within(n) {
				found, refused = singleQuoted(f, c, n, value)
			}
		case *syntax.DblQuoted:
			if within(n) {
				found = []edit{{c.Start, c.End, value}}
			}
		case *syntax.Lit:
			if within(n) && found == nil {
				found = []edit{{c.Start, c.End, `"` + value + `"`}}
			}
		}
		return true
	})
	for _, h := range heredocs {
		if at(h.Hdoc.Pos()) <= c.Start && c.End <= at(h.Hdoc.End()) {
			if h.Word.Lit() == "" {
				return nil, errors.New("it stands in a here-document in which nothing is expanded")
			}
			found = []edit{{c.Start, c.End, value}}
		}
	}
	if found == nil {
		return nil, refused
	}
	return found, nil
}

// singleQuoted ends the quotes, and begins them again where more follows.
func singleQuoted(f *file, c Change, n *syntax.SglQuoted, value string) ([]edit, error) {
	start, end := at(n.Pos()), at(n.End())
	open := start + 1
	if n.Dollar {
		open++
	}
	if c.Start < open || c.End > end-1 {
		return nil, errors.New("it does not stand in a word")
	}
	before, after := "", ""
	if c.Start > open {
		before = string(f.text[start:c.Start]) + "'"
	}
	if c.End < end-1 {
		after = string(f.text[start:open]) + string(f.text[c.End:end])
	}
	return []edit{{start, end, before + `"` + value + `"` + after}}, nil
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
