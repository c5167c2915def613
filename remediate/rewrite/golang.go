package rewrite

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// injectPath is the package that programs ask with the style SDK.
const injectPath = "github.com/remint/remint/remediate/inject"

var golang = language{
	name: "go", is: byEnding(".go"),
	edits:   goEdits,
	closing: goImports,
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
	for _, group := range g.ast.Comments {
		if g.at(group.Pos()) <= c.Start && c.End <= g.at(group.End()) {
			return f.removed(c), nil
		}
	}
	around := g.path(c.Start, c.End)
	lit, sum := literalOf(around)
	if lit == nil {
		return nil, errors.New("it does not stand in a string")
	}
	if err := goPosition(around); err != nil {
		return nil, err
	}
	value := g.value(c, lit)
	e := edit{g.at(lit.Pos()), g.at(lit.End()), value}
	if !sum {
		text := string(f.text[e.start:e.end])
		before, after := text[1:c.Start-e.start], text[c.End-e.start:len(text)-1]
		if strings.Trim(before, " \n") != "" || strings.Trim(strings.ReplaceAll(after, `\n`, ""), " \n") != "" {
			e.text = joined(text[:1], before, value, after)
			if _, in := around[min(1, len(around)-1)].(*ast.BinaryExpr); in {
				e.text = "(" + e.text + ")"
			}
		}
	}
	return g.constant(around, e)
}

func joined(quote, before, value, after string) string {
	out := value
	if before != "" {
		out = quote + before + quote + " + " + out
	}
	if after != "" {
		out += " + " + quote + after + quote
	}
	return out
}

// literalOf is the string around a place, or the sum of strings.
func literalOf(around []ast.Node) (e ast.Expr, sum bool) {
	for i, n := range around {
		switch n := n.(type) {
		case *ast.BasicLit:
			if i == 0 && n.Kind == token.STRING {
				return n, false
			}
		case *ast.BinaryExpr:
			if i == 0 && onlyStrings(n) {
				return n, true
			}
		}
	}
	return nil, false
}

func onlyStrings(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return e.Op == token.ADD && onlyStrings(e.X) && onlyStrings(e.Y)
	case *ast.ParenExpr:
		return onlyStrings(e.X)
	}
	return false
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

// value is the expression of a variable's value, of the literal's type.
func (g *goFile) value(c Change, lit ast.Expr) string {
	out := "os.Getenv(" + strconv.Quote(c.Variable) + ")"
	if g.options.Style == SDK {
		out = "inject.Must(inject.String(context.Background(), " + strconv.Quote(c.Entry) + "))"
	}
	if g.options.GoType != nil {
		if t := g.options.GoType(g.at(lit.Pos())); t != "" {
			out = t + "(" + out + ")"
		}
	}
	return out
}

// constant is an edit, and where it is of a constant's value what makes that a
// variable. One among others is taken out of their group.
func (g *goFile) constant(around []ast.Node, e edit) ([]edit, error) {
	var spec *ast.ValueSpec
	for _, n := range around {
		switch n := n.(type) {
		case *ast.FuncLit:
			return []edit{e}, nil
		case *ast.ValueSpec:
			spec = n
		case *ast.GenDecl:
			if n.Tok != token.CONST || spec == nil {
				return []edit{e}, nil
			}
			if len(spec.Names) != 1 {
				return nil, errors.New("several constants are declared at once")
			}
			if len(n.Specs) == 1 {
				at := g.at(n.Pos())
				return []edit{{at, at + len("const"), "var"}, e}, nil
			}
			return g.ungroup(n, spec, e)
		}
	}
	return []edit{e}, nil
}

// ungroup moves a constant out of a group, behind it.
func (g *goFile) ungroup(group *ast.GenDecl, spec *ast.ValueSpec, e edit) ([]edit, error) {
	i := slices.Index(group.Specs, ast.Spec(spec))
	if i+1 < len(group.Specs) && len(group.Specs[i+1].(*ast.ValueSpec).Values) == 0 {
		return nil, errors.New("the constant after it repeats its value")
	}
	if strings.Contains(string(g.text[g.at(group.Pos()):g.at(group.End())]), "iota") {
		return nil, errors.New("it is in a group of constants that counts with iota")
	}
	start, end := g.at(spec.Pos()), g.at(spec.End())
	moved := string(g.text[start:e.start]) + e.text + string(g.text[e.end:end])
	lineStart, _ := line(g.text, start)
	_, lineEnd := line(g.text, end)
	if strings.TrimSpace(string(g.text[lineStart:start])) == "" && strings.TrimSpace(string(g.text[end:lineEnd])) == "" {
		start, end = lineStart, min(lineEnd+len(newline(g.text)), len(g.text))
	} else if rest := strings.TrimLeft(string(g.text[end:lineEnd]), " \t"); !strings.HasPrefix(rest, "//") && rest != "" {
		return nil, errors.New("other constants are on its line")
	} else {
		end = lineEnd
	}
	nl := newline(g.text)
	at := g.at(group.End())
	return []edit{{start, end, ""}, {at, at, nl + nl + "var " + collapse(moved)}}, nil
}

// collapse takes out what aligned a name with those of its group.
func collapse(s string) string {
	name, rest, ok := strings.Cut(s, "=")
	if !ok {
		return s
	}
	return strings.Join(strings.Fields(name), " ") + " =" + rest
}

// goImports imports what the values need.
func goImports(f *file, made []Change) ([]edit, error) {
	g, err := parseGo(f)
	if err != nil {
		return nil, err
	}
	need := []string{"os"}
	if f.options.Style == SDK {
		need = []string{"context", injectPath}
	}
	var missing []string
	for _, path := range need {
		name := path[strings.LastIndexByte(path, '/')+1:]
		there, err := g.imports(path, name)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, path)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return []edit{g.importEdit(missing)}, nil
}

// imports tells whether a package is imported by its own name. Another thing of
// that name is an error.
func (g *goFile) imports(path, name string) (bool, error) {
	for _, i := range g.ast.Imports {
		known := i.Path.Value[strings.LastIndexAny(i.Path.Value[:len(i.Path.Value)-1], `/"`)+1 : len(i.Path.Value)-1]
		if i.Name != nil {
			known = i.Name.Name
		}
		switch {
		case i.Path.Value == strconv.Quote(path) && known == name:
			return true, nil
		case known == name:
			return false, fmt.Errorf("%s means another package in this file", name)
		}
	}
	taken := false
	ast.Inspect(g.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			taken = taken || slices.ContainsFunc(n.Names, func(i *ast.Ident) bool { return i.Name == name })
		case *ast.AssignStmt:
			taken = taken || n.Tok == token.DEFINE && slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool { i, ok := e.(*ast.Ident); return ok && i.Name == name })
		case *ast.Field:
			taken = taken || slices.ContainsFunc(n.Names, func(i *ast.Ident) bool { return i.Name == name })
		}
		return true
	})
	if taken {
		return false, fmt.Errorf("the file calls something else %s", name)
	}
	return false, nil
}

// importEdit adds imports to the first group, in their place by name, or makes one.
func (g *goFile) importEdit(paths []string) edit {
	nl := newline(g.text)
	for _, d := range g.ast.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.IMPORT {
			continue
		}
		if !group.Lparen.IsValid() {
			at := g.at(group.Pos())
			return edit{at, at, importLines(paths, nl)}
		}
		at := g.at(group.Lparen) + 1
		for _, s := range group.Specs {
			path, _ := strconv.Unquote(s.(*ast.ImportSpec).Path.Value)
			if strings.Contains(path, ".") || path > paths[0] {
				break
			}
			_, at = line(g.text, g.at(s.End()))
		}
		out := ""
		for _, p := range paths {
			out += nl + "\t" + strconv.Quote(p)
		}
		return edit{at, at, out}
	}
	at := g.at(g.ast.Name.End())
	return edit{at, at, nl + nl + strings.TrimSuffix(importLines(paths, nl), nl)}
}

func importLines(paths []string, nl string) string {
	out := ""
	for _, p := range paths {
		out += "import " + strconv.Quote(p) + nl
	}
	return out
}
