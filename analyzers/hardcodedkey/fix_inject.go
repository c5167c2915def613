package hardcodedkey

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
)

// offerInject is the flag -hardcodedkey.inject.
var offerInject bool

// injectPath is the package that rewritten programs import.
const injectPath = "github.com/remint/remint/remediate/inject"

// injectFix replaces a literal by a look-up in the vault, where a context is at
// hand: inject.Must(inject.String(ctx, "package/name")).
func (c *checker) injectFix(file *ast.File, lit *ast.BasicLit, name *ast.Ident, env string) (analysis.SuggestedFix, bool) {
	ctx := c.contextAt(file, lit)
	if ctx == "" || !c.isFree(file, "inject", injectPath) {
		return analysis.SuggestedFix{}, false
	}
	entry := strings.ToLower(strings.ReplaceAll(env, "_", "-"))
	if name != nil {
		entry = c.pass.Pkg.Name() + "/" + entry
	}
	edits := []analysis.TextEdit{{
		Pos: lit.Pos(), End: lit.End(), NewText: []byte("inject.Must(inject.String(" + ctx + ", " + strconv.Quote(entry) + "))"),
	}}
	if edit, ok := importOf(file, injectPath); ok {
		edits = append(edits, edit)
	}
	return analysis.SuggestedFix{Message: "ask the vault for " + entry, TextEdits: edits}, true
}

// contextAt is an expression for the context that is in scope at a literal: a
// parameter of a function around it, or that of an *http.Request; "" where
// there is none.
func (c *checker) contextAt(file *ast.File, lit *ast.BasicLit) string {
	path, _ := astutil.PathEnclosingInterval(file, lit.Pos(), lit.End())
	for _, n := range path {
		var params *ast.FieldList
		switch n := n.(type) {
		case *ast.FuncDecl:
			params = n.Type.Params
		case *ast.FuncLit:
			params = n.Type.Params
		default:
			continue
		}
		for _, field := range params.List {
			suffix, ok := contextSuffix(c.pass.TypesInfo.TypeOf(field.Type))
			for _, name := range field.Names {
				scope := c.pass.Pkg.Scope().Innermost(lit.Pos())
				if !ok || name.Name == "_" || scope == nil {
					continue
				}
				if _, obj := scope.LookupParent(name.Name, lit.Pos()); obj == c.pass.TypesInfo.Defs[name] {
					return name.Name + suffix
				}
			}
		}
	}
	return ""
}

// contextSuffix is what makes a value of a type a context: "" for one,
// ".Context()" for a request.
func contextSuffix(t types.Type) (string, bool) {
	if t == nil {
		return "", false
	}
	switch t.String() {
	case "context.Context":
		return "", true
	case "*net/http.Request":
		return ".Context()", true
	}
	return "", false
}
