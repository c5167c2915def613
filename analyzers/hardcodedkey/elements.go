package hardcodedkey

import (
	"go/ast"
	"strings"

	"github.com/remint/remint/analyzers/flow"
)

// elements follows a map's values or a slice's elements; pairs tells that they
// are K=V, of which those with a secret's name count.
func elements(f *flow.Trace, e ast.Expr, pairs bool) {
	for _, lit := range f.Literals(e) {
		for _, elt := range lit.Elts {
			value := elt
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				if name, known := f.ConstantText(kv.Key); known && isHeader(lit) && !credentialHeader(name) && !secretish(name) {
					continue
				}
				value = kv.Value
			}
			if !pairs {
				f.Follow(value, nil)
				continue
			}
			if text := f.Fold(value); text != "" {
				if name, v, ok := strings.Cut(text, "="); ok && secretish(name) && !strings.Contains(v, flow.Hole) {
					f.Add(flow.Source{Text: v, Pos: value.Pos(), Expr: value})
				}
			}
		}
	}
}

// isHeader is true of maps whose keys tell which values count: those of
// headers. Accounts' keys are user names.
func isHeader(lit *ast.CompositeLit) bool {
	m, ok := lit.Type.(*ast.MapType)
	return ok && m != nil
}
