package flow

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// Text is a text of a list, and where it stands in the code.
type Text struct {
	Text string
	Expr ast.Expr
}

// Texts returns what is known of a list of strings, or of one string: the
// elements of literals, through variables, append, strings.Fields and the like.
// What only comes at run time is left out.
func (p *Package) Texts(e ast.Expr) []Text {
	l := &lister{Package: p, seen: make(map[types.Object]bool)}
	l.list(e, 0)
	return l.texts
}

type lister struct {
	*Package
	texts []Text
	seen  map[types.Object]bool
}

func (l *lister) list(e ast.Expr, depth int) {
	if e == nil || depth > maxFlow {
		return
	}
	e = ast.Unparen(e)
	if text, ok := l.ConstantText(e); ok {
		l.texts = append(l.texts, Text{text, e})
		return
	}
	switch e := e.(type) {
	case *ast.CompositeLit:
		for _, elt := range e.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				elt = kv.Value
			}
			l.list(elt, depth+1)
		}
	case *ast.Ident:
		l.object(l.Pass.TypesInfo.ObjectOf(e), depth)
	case *ast.SelectorExpr:
		l.object(l.Pass.TypesInfo.ObjectOf(e.Sel), depth)
	case *ast.UnaryExpr:
		l.list(e.X, depth+1)
	case *ast.BinaryExpr:
		if text := l.Trace().Fold(e); e.Op == token.ADD && !strings.Contains(text, Hole) {
			l.texts = append(l.texts, Text{text, e})
		}
	case *ast.CallExpr:
		l.call(e, depth)
	}
}

func (l *lister) object(obj types.Object, depth int) {
	if obj == nil || l.seen[obj] {
		return
	}
	l.seen[obj] = true
	for _, given := range l.Uses().Given[obj] {
		l.list(given, depth+1)
	}
}

// call lists what makes a list of its arguments, splits a text, or is written
// out in this package.
func (l *lister) call(call *ast.CallExpr, depth int) {
	if tv, ok := l.Pass.TypesInfo.Types[call.Fun]; ok && tv.IsType() && len(call.Args) == 1 {
		l.list(call.Args[0], depth+1)
		return
	}
	fn, ok := typeutil.Callee(l.Pass.TypesInfo, call).(*types.Func)
	if !ok {
		if id, isIdent := ast.Unparen(call.Fun).(*ast.Ident); isIdent && id.Name == "append" {
			for _, a := range call.Args {
				l.list(a, depth+1)
			}
		}
		return
	}
	if fn.Pkg() == nil {
		return
	}
	switch name := fn.Pkg().Path() + "." + fn.Name(); {
	case (name == "strings.Fields" || name == "strings.Split") && len(call.Args) > 0:
		if text := l.Trace().Fold(call.Args[0]); !strings.Contains(text, Hole) {
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
				l.texts = append(l.texts, Text{word, call.Args[0]})
			}
		}
	case name == "strings.Join", fn.Name() == "Strings", fn.Name() == "StringSlice", fn.Name() == "String", passesOn(name), name == "slices.Concat":
		for _, a := range call.Args {
			l.list(a, depth+1)
		}
	default:
		if decl := l.Uses().Funcs[fn]; decl != nil && decl.Body != nil && !l.seen[fn] {
			l.seen[fn] = true
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
					l.list(r.Results[0], depth+1)
				}
				return true
			})
		}
	}
}
