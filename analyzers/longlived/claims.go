package longlived

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/remint/remint/analyzers/flow"
)

const forEver = "a token without exp is valid for ever"

// claims looks at the claims of a JWT that is made: a map without "exp".
// Structs are rows of the table.
func (c *checker) claims(e ast.Expr) {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok {
		e = u.X
	}
	e = ast.Unparen(e)
	var obj types.Object
	lit, ok := e.(*ast.CompositeLit)
	if id, isIdent := e.(*ast.Ident); isIdent {
		obj = c.pass.TypesInfo.ObjectOf(id)
		if given := c.code.Uses().Given[obj]; len(given) == 1 {
			value := ast.Unparen(given[0])
			if u, isAddress := value.(*ast.UnaryExpr); isAddress {
				value = u.X
			}
			lit, ok = value.(*ast.CompositeLit)
		}
	}
	if !ok {
		return
	}
	t := c.pass.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if _, isMap := t.Underlying().(*types.Map); !isMap {
		if s, isStruct := t.Underlying().(*types.Struct); isStruct && c.unset(lit, s) {
			c.report(lit.Pos(), lit.End(), TokenRule, "JWT claims without exp: "+forEver)
		}
		return
	}
	for _, elt := range lit.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		if key, known := c.code.ConstantText(kv.Key); !known || key == "exp" {
			if known {
				c.judge(kv.Value, &Row{Recv: "claims", Fields: []string{"exp"}, Unit: "unix", Longest: 365 * day}, nil)
			}
			return
		}
	}
	if obj != nil && c.changed(obj) {
		return
	}
	c.report(lit.Pos(), lit.End(), TokenRule, "JWT claims without exp: "+forEver)
}

// unset tells whether a struct embeds claims and leaves them out, here and
// later.
func (c *checker) unset(lit *ast.CompositeLit, s *types.Struct) bool {
	for f := range s.Fields() {
		n := flow.Named(f.Type())
		if !f.Embedded() || n == nil || n.Obj().Pkg() == nil || len(rowsOf(n.Obj().Pkg().Path())) == 0 {
			continue
		}
		if len(lit.Elts) > 0 && !isKeyed(lit) || flow.Field(lit, f.Name()) != nil {
			return false
		}
		return !c.givenLater(n, []string{"ExpiresAt"}) && !c.assigned(f)
	}
	return false
}

// assigned tells whether the function gives a field a value.
func (c *checker) assigned(f *types.Var) bool {
	found := false
	ast.Inspect(c.function, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, lhs := range a.Lhs {
				if sel, ok := lhs.(*ast.SelectorExpr); ok && c.pass.TypesInfo.ObjectOf(sel.Sel) == f {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// changed tells whether a map gets other entries, or is handed to who may give
// it some.
func (c *checker) changed(obj types.Object) bool {
	found := false
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, lhs := range n.Lhs {
					if ix, ok := lhs.(*ast.IndexExpr); ok && c.is(ix.X, obj) {
						if key, known := c.code.ConstantText(ix.Index); !known || key == "exp" {
							found = true
						}
					}
				}
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "NewWithClaims" {
					return true
				}
				for _, a := range n.Args {
					if u, ok := a.(*ast.UnaryExpr); ok {
						a = u.X
					}
					found = found || c.is(a, obj)
				}
			}
			return !found
		})
	}
	return found
}

func (c *checker) is(e ast.Expr, obj types.Object) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && c.pass.TypesInfo.ObjectOf(id) == obj
}

// builder looks at jwt.NewBuilder()…Build() of lestrrat-go/jwx that is written
// in one piece.
func (c *checker) builder(call *ast.CallExpr) {
	var e ast.Expr = call
	for {
		next, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok {
			return // the builder is a variable
		}
		switch fun := next.Fun.(type) {
		case *ast.SelectorExpr:
			switch fun.Sel.Name {
			case "NewBuilder":
				c.report(call.Pos(), call.End(), TokenRule, "JWT without Expiration: "+forEver)
				return
			case "Expiration":
				return
			case "Claim":
				if name, known := c.code.ConstantText(next.Args[0]); !known || name == "exp" {
					return
				}
			}
			e = fun.X
		default:
			return
		}
	}
}

// serviceAccountToken looks for Secrets that ask for a token that never ends.
func (c *checker) serviceAccountToken(lit *ast.CompositeLit) {
	if kind := flow.Field(lit, "Type"); kind != nil {
		if text, ok := c.code.ConstantText(ast.Unparen(kind)); ok && strings.HasPrefix(text, "kubernetes.io/service-account-token") {
			c.report(lit.Pos(), lit.End(), TokenRule, "a Secret of type kubernetes.io/service-account-token holds a token that never ends; ask for one with a TokenRequest")
		}
	}
}
