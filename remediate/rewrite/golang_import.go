package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// needs are the packages that a value needs.
func (g *goFile) needs() []string {
	if g.options.Style == SDK {
		return []string{"context", injectPath}
	}
	return []string{"os"}
}

var versions = regexp.MustCompile(`(?:/|\.)v[0-9]+$`)

// imported is the name of a package in the file, and whether it is imported.
// Another package of that name is an error.
func (g *goFile) imported(want string) (name string, there bool, err error) {
	name = path.Base(want)
	for _, i := range g.ast.Imports {
		is := importPath(i)
		known := path.Base(versions.ReplaceAllString(is, ""))
		if i.Name != nil {
			known = i.Name.Name
		}
		switch {
		case is == want && known != "_" && known != ".":
			return known, true, nil
		case known == name:
			err = fmt.Errorf("%s means another package in this file", name)
		}
	}
	return name, false, err
}

func importPath(i *ast.ImportSpec) string {
	p, _ := strconv.Unquote(i.Path.Value)
	return p
}

// declared tells whether a name means something else than a package at a place.
func (g *goFile) declared(around []ast.Node, name string, at int) bool {
	is := func(e ast.Expr) bool { i, ok := e.(*ast.Ident); return ok && i.Name == name }
	for _, n := range around {
		switch n := n.(type) {
		case *ast.File:
			for _, d := range n.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name || declares(d, name) {
					return true
				}
			}
		case *ast.FuncDecl:
			if hasField(n.Recv, name) || hasField(n.Type.TypeParams, name) || hasField(n.Type.Params, name) || hasField(n.Type.Results, name) {
				return true
			}
		case *ast.FuncLit:
			if hasField(n.Type.Params, name) || hasField(n.Type.Results, name) {
				return true
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE && (is(n.Key) || is(n.Value)) && at >= g.at(n.Body.Pos()) {
				return true
			}
		}
		for _, s := range statements(n) {
			if s != nil && g.at(s.End()) <= at && defines(s, name) {
				return true
			}
		}
	}
	return false
}

// statements are those whose names are known in the rest of a node.
func statements(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return append([]ast.Stmt{n.Comm}, n.Body...)
	case *ast.IfStmt:
		return []ast.Stmt{n.Init}
	case *ast.ForStmt:
		return []ast.Stmt{n.Init}
	case *ast.SwitchStmt:
		return []ast.Stmt{n.Init}
	case *ast.TypeSwitchStmt:
		return []ast.Stmt{n.Init, n.Assign}
	}
	return nil
}

// defines tells whether a statement gives something a name.
func defines(s ast.Stmt, name string) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return s.Tok == token.DEFINE && slices.ContainsFunc(s.Lhs, func(e ast.Expr) bool { i, ok := e.(*ast.Ident); return ok && i.Name == name })
	case *ast.DeclStmt:
		return declares(s.Decl, name)
	}
	return false
}

// declares tells whether a declaration gives something a name.
func declares(d ast.Decl, name string) bool {
	group, ok := d.(*ast.GenDecl)
	return ok && slices.ContainsFunc(group.Specs, func(s ast.Spec) bool {
		switch s := s.(type) {
		case *ast.ValueSpec:
			return slices.ContainsFunc(s.Names, func(i *ast.Ident) bool { return i.Name == name })
		case *ast.TypeSpec:
			return s.Name.Name == name
		}
		return false
	})
}

func hasField(l *ast.FieldList, name string) bool {
	return l != nil && slices.ContainsFunc(l.List, func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(i *ast.Ident) bool { return i.Name == name })
	})
}

// foreign tells a package that is not of the standard library.
func foreign(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".")
}

// importEdits import packages: in a group, beside other imports, or alone.
func (g *goFile) importEdits(paths []string) []edit {
	var group *ast.GenDecl
	var single []*ast.GenDecl
	at := g.clauseEnd()
	for _, d := range g.ast.Decls {
		d, ok := d.(*ast.GenDecl)
		switch {
		case !ok || d.Tok != token.IMPORT:
		case len(d.Specs) == 1 && importPath(d.Specs[0].(*ast.ImportSpec)) == "C":
			_, at = line(g.text, g.at(d.End()))
		case group == nil && len(d.Specs) > 0 && g.row(d.Lparen) < g.row(d.Specs[0].Pos()) && g.row(d.Specs[len(d.Specs)-1].End()) < g.row(d.Rparen):
			group = d
		default:
			single = append(single, d)
		}
	}
	var edits []edit
	for _, p := range paths {
		switch {
		case group != nil:
			edits = append(edits, g.intoGroup(group, p))
		case single != nil:
			edits = append(edits, g.beside(single, p))
		}
	}
	if edits != nil || len(paths) == 0 {
		return edits
	}
	nl := newline(g.text)
	text := "import " + strconv.Quote(paths[0])
	if len(paths) > 1 {
		text = "import (" + nl + "\t" + strconv.Quote(paths[0]) + nl + nl + "\t" + strconv.Quote(paths[1]) + nl + ")"
	}
	return []edit{{at, at, nl + nl + text}}
}

func (g *goFile) row(p token.Pos) int { return g.fset.Position(p).Line }

// clauseEnd is the end of the package clause, with a comment behind it.
func (g *goFile) clauseEnd() int {
	at := g.at(g.ast.Name.End())
	_, end := line(g.text, at)
	if rest := strings.TrimLeft(string(g.text[at:end]), " \t"); strings.HasPrefix(rest, "//") {
		return end
	}
	return at
}

// intoGroup adds a package to a group, to those of its kind by name: gofmt sorts
// what stands on consecutive lines.
func (g *goFile) intoGroup(group *ast.GenDecl, p string) edit {
	nl, quoted := newline(g.text), strconv.Quote(p)
	var run []*ast.ImportSpec
	for i, s := range group.Specs {
		if i > 0 && g.row(s.Pos()) > g.row(group.Specs[i-1].End())+1 {
			if g.ofKind(run, p) {
				break
			}
			run = nil
		}
		run = append(run, s.(*ast.ImportSpec))
	}
	if !g.ofKind(run, p) {
		if !foreign(p) {
			at := g.at(group.Lparen) + 1
			return edit{at, at, nl + "\t" + quoted + nl}
		}
		_, at := line(g.text, g.at(group.Specs[len(group.Specs)-1].End()))
		return edit{at, at, nl + nl + "\t" + quoted}
	}
	at := -1
	for _, s := range run {
		if importPath(s) < p {
			_, at = line(g.text, g.at(s.End()))
		}
	}
	if at >= 0 {
		return edit{at, at, nl + "\t" + quoted}
	}
	at = g.at(run[0].Pos())
	if run[0].Doc != nil {
		at = g.at(run[0].Doc.Pos())
	}
	return edit{at, at, quoted + nl + "\t"}
}

// ofKind tells whether imports have one as foreign as a package.
func (g *goFile) ofKind(run []*ast.ImportSpec, p string) bool {
	return slices.ContainsFunc(run, func(s *ast.ImportSpec) bool { return foreign(importPath(s)) == foreign(p) })
}

// beside adds an import to others that are not in a group, by name.
func (g *goFile) beside(all []*ast.GenDecl, p string) edit {
	nl, text := newline(g.text), "import "+strconv.Quote(p)
	var after *ast.GenDecl
	var last string
	for _, d := range all {
		is := ""
		if len(d.Specs) > 0 {
			is = importPath(d.Specs[0].(*ast.ImportSpec))
		}
		if foreign(p) || !foreign(is) && is < p {
			after, last = d, is
		}
	}
	if after != nil {
		_, at := line(g.text, g.at(after.End()))
		if foreign(p) != foreign(last) {
			nl += nl
		}
		return edit{at, at, nl + text}
	}
	at := g.at(all[0].Pos())
	if all[0].Doc != nil {
		at = g.at(all[0].Doc.Pos())
	}
	if len(all[0].Specs) > 0 && foreign(importPath(all[0].Specs[0].(*ast.ImportSpec))) {
		nl += nl
	}
	return edit{at, at, text + nl}
}
