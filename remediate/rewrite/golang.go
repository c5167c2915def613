package rewrite

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// injectPath is the package that programs ask with the style SDK.
const injectPath = "github.com/remint/remint/remediate/inject"

var golang = language{
	name: "go", is: byEnding(".go"),
	edits:   goEdits,
	closing: closingGo,
	parse: func(_ *file, text []byte) error {
		_, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
		if list := (scanner.ErrorList)(nil); errors.As(err, &list) {
			return fmt.Errorf("at line %d: %s", list[0].Pos.Line, list[0].Msg)
		}
		return err
	},
}

// goFile is a Go file's tree.
type goFile struct {
	*file
	fset *token.FileSet
	ast  *ast.File
}

func parseGo(f *file) (*goFile, error) {
	g := &goFile{f, token.NewFileSet(), nil}
	parsed, err := parser.ParseFile(g.fset, "", f.text, parser.ParseComments|parser.SkipObjectResolution)
	g.ast = parsed
	return g, err
}

func (g *goFile) at(p token.Pos) int { return g.fset.Position(p).Offset }

// path are the nodes around a place, the innermost first.
func (g *goFile) path(start, end int) []ast.Node {
	var found []ast.Node
	ast.Inspect(g.ast, func(n ast.Node) bool {
		if n == nil || g.at(n.Pos()) > start || g.at(n.End()) < end {
			return false
		}
		found = append(found, n)
		return true
	})
	slices.Reverse(found)
	return found
}

func goEdits(f *file, c Change) ([]edit, error) {
	g, err := parseGo(f)
	if err != nil {
		return nil, err
	}
	if g.commented(c) {
		return f.removed(c), nil
	}
	around := g.path(c.Start, c.End)
	first, last := g.literals(around, c)
	if first == nil {
		return nil, errors.New("it does not stand in a string")
	}
	if err := goPosition(around); err != nil {
		return nil, err
	}
	for _, path := range g.needs() {
		if name, _, _ := g.imported(path); g.declared(around, name, c.Start) {
			return nil, fmt.Errorf("the file calls something else %s", name)
		}
	}
	if err := g.mayVary(around); err != nil {
		return nil, err
	}
	return g.replace(around, first, last, c)
}

// commented tells whether a change is in a comment.
func (g *goFile) commented(c Change) bool {
	return slices.ContainsFunc(g.ast.Comments, func(group *ast.CommentGroup) bool {
		return g.at(group.Pos()) <= c.Start && c.End <= g.at(group.End())
	})
}

// literals are the first and the last string that a change is in; nil for none.
func (g *goFile) literals(around []ast.Node, c Change) (first, last ast.Expr) {
	if len(around) == 0 {
		return nil, nil
	}
	e, ok := around[0].(ast.Expr)
	if !ok {
		return nil, nil
	}
	for _, l := range summands(e) {
		if g.at(l.End()) <= c.Start || g.at(l.Pos()) >= c.End {
			continue
		}
		if l, ok := l.(*ast.BasicLit); !ok || l.Kind != token.STRING {
			return nil, nil
		}
		if first == nil {
			first = l
		}
		last = l
	}
	return first, last
}

// summands are what a sum is made of, in their order.
func summands(e ast.Expr) []ast.Expr {
	switch n := e.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			return append(summands(n.X), summands(n.Y)...)
		}
	case *ast.ParenExpr:
		return summands(n.X)
	}
	return []ast.Expr{e}
}

// replace puts the variable in place of strings, or between what is left of them.
func (g *goFile) replace(around []ast.Node, first, last ast.Expr, c Change) ([]edit, error) {
	start, end := g.at(first.Pos()), g.at(last.End())
	before, after := "", ""
	if c.Start > start {
		before = string(g.text[start+1 : c.Start])
	}
	if c.End < end {
		after = string(g.text[c.End : end-1])
	}
	value := g.value(c, around)
	if strings.Trim(before, " \r\n") == "" && strings.Trim(strings.ReplaceAll(after, `\n`, ""), " \r\n") == "" {
		return []edit{{start, end, value}}, nil
	}
	if first == last {
		if edits, ok := g.formatted(around, c, value); ok {
			return edits, nil
		}
	}
	build := func(plus, value string) edit {
		e := edit{c.Start, c.End, value}
		if before == "" {
			e.start = start
		} else {
			e.text = string(g.text[start]) + plus + e.text
		}
		if after == "" {
			e.end = end
		} else {
			e.text += plus + string(g.text[end-1])
		}
		return e
	}
	e := build(g.plus(build), value)
	if len(around) > 1 && first == last {
		switch around[1].(type) {
		case *ast.IndexExpr, *ast.SliceExpr:
			return []edit{{start, end, "(" + string(g.text[start:e.start]) + e.text + string(g.text[e.end:end]) + ")"}}, nil
		}
	}
	return []edit{e}, nil
}

// plus is a plus as gofmt has it at a place.
func (g *goFile) plus(build func(plus, value string) edit) string {
	const placeholder = "remintPlaceholder"
	out, err := format.Source(apply(g.text, []edit{build(" + ", placeholder)}))
	if err == nil && (bytes.Contains(out, []byte("+"+placeholder)) || bytes.Contains(out, []byte(placeholder+"+"))) {
		return "+"
	}
	return " + "
}

var formatName = regexp.MustCompile(`^(?:[SF]?[Pp]rint|[A-Z]?[a-z]*(?:Append|Error|Fatal|Panic|Log|Skip|Debug|Info|Warn|Warning|Trace))f$`)

// formatted makes a part of a format an argument of it.
func (g *goFile) formatted(around []ast.Node, c Change, value string) ([]edit, bool) {
	if len(around) < 2 {
		return nil, false
	}
	call, ok := around[1].(*ast.CallExpr)
	if !ok || !formatName.MatchString(called(call)) {
		return nil, false
	}
	i := slices.IndexFunc(call.Args, func(e ast.Expr) bool { return ast.Node(e) == around[0] })
	verbs := strings.ReplaceAll(string(g.text[g.at(around[0].Pos()):c.Start]), "%%", "")
	last := i + strings.Count(verbs, "%")
	if i < 0 || i > 1 || strings.ContainsAny(verbs, "*[") || last >= len(call.Args) || call.Ellipsis.IsValid() {
		return nil, false
	}
	at := g.at(call.Args[last].End())
	return []edit{{c.Start, c.End, "%s"}, {at, at, ", " + value}}, true
}

// called is the name of what is called.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// goPosition tells where no call may stand.
func goPosition(around []ast.Node) error {
	for i, n := range around[1:] {
		switch n := n.(type) {
		case *ast.Field:
			if n.Tag != nil && ast.Node(n.Tag) == around[i] {
				return errors.New("it is the tag of a field")
			}
		case *ast.ImportSpec:
			return errors.New("it is the path of a package")
		}
	}
	return nil
}

// value is the expression of a variable's value, of the string's type.
func (g *goFile) value(c Change, around []ast.Node) string {
	needs := g.needs()
	name, _, _ := g.imported(needs[0])
	out := name + ".Getenv(" + strconv.Quote(c.Variable) + ")"
	if g.options.Style == SDK {
		inject, _, _ := g.imported(needs[1])
		out = inject + ".Must(" + inject + ".String(" + name + ".Background(), " + strconv.Quote(c.Entry) + "))"
	}
	t := ""
	if g.options.GoType != nil {
		t = g.options.GoType(g.at(around[0].Pos()))
	} else {
		t = g.declaredType(around)
	}
	if t != "" {
		out = t + "(" + out + ")"
	}
	return out
}

// declaredType is the type that a declaration gives its value by a name of its
// own; "" for string and what a string is assigned to.
func (g *goFile) declaredType(around []ast.Node) string {
	for _, n := range around {
		switch n := n.(type) {
		case *ast.BasicLit, *ast.BinaryExpr, *ast.ParenExpr:
			continue
		case *ast.ValueSpec:
			t := ""
			switch n.Type.(type) {
			case *ast.Ident, *ast.SelectorExpr:
				t = string(g.text[g.at(n.Type.Pos()):g.at(n.Type.End())])
			}
			if t != "string" && t != "any" {
				return t
			}
		}
		return ""
	}
	return ""
}

// closingGo makes variables of constants, and imports what the values need.
func closingGo(f *file, made []Change) ([]edit, error) {
	g, err := parseGo(f)
	if err != nil {
		return nil, err
	}
	made = slices.DeleteFunc(slices.Clone(made), g.commented)
	if len(made) == 0 {
		return nil, nil
	}
	var missing []string
	for _, path := range g.needs() {
		_, there, err := g.imported(path)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, path)
		}
	}
	return append(g.vary(made), g.importEdits(missing)...), nil
}
