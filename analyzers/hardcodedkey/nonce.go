package hardcodedkey

import (
	"go/ast"
	"go/types"

	"github.com/remint/remint/analyzers/flow"
)

// nonce drops the sources of a nonce that something fills in, and adds a value
// of zeros that nothing does.
func (c *checker) nonce(f *flow.Trace, e ast.Expr) {
	obj := c.buffer(e)
	if obj == nil {
		if makesZeros(c.pass.TypesInfo, e) {
			f.Add(flow.Source{Pos: e.Pos(), Shown: "of zeros"})
		}
		return
	}
	if c.filled(obj, make(map[*types.Var]bool)) {
		f.Sources = nil
		return
	}
	given := c.code.Uses().Given[obj]
	for range maxRounds { // another name for a buffer
		if len(given) != 1 || c.buffer(given[0]) == nil {
			break
		}
		if obj = c.buffer(given[0]); c.filled(obj, make(map[*types.Var]bool)) {
			f.Sources = nil
			return
		}
		given = c.code.Uses().Given[obj]
	}
	if p, ok := c.code.Uses().Params[obj]; ok {
		f.Params = append(f.Params, p)
	}
	if len(f.Sources) > 0 || len(given) > 1 || len(c.code.Uses().Results[obj]) > 0 || len(f.Params) > 0 {
		return
	}
	if len(given) == 0 {
		if _, isArray := obj.Type().Underlying().(*types.Array); !isArray {
			return // a nil slice, or a parameter of a closure
		}
	} else if !makesZeros(c.pass.TypesInfo, given[0]) {
		return
	}
	f.Add(flow.Source{Pos: e.Pos(), Shown: "of zeros"})
}

// buffer is the variable of this package that an expression is, or is a part
// of.
func (c *checker) buffer(e ast.Expr) *types.Var {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := c.pass.TypesInfo.ObjectOf(e).(*types.Var); ok && v.Pkg() == c.pass.Pkg {
			return v
		}
	case *ast.SliceExpr:
		return c.buffer(e.X)
	case *ast.StarExpr:
		return c.buffer(e.X)
	case *ast.UnaryExpr:
		return c.buffer(e.X)
	}
	return nil
}

// makesZeros tells make([]byte, n), new([n]byte) and empty literals.
func makesZeros(info *types.Info, e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		id, ok := e.Fun.(*ast.Ident)
		if !ok {
			return false
		}
		b, ok := info.Uses[id].(*types.Builtin)
		return ok && (b.Name() == "make" || b.Name() == "new")
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	}
	return false
}

// filled tells whether anything may write to a buffer: it is handed to a call
// that is no sink of nonces, sliced or copied into, or an element is given a
// value that is no constant.
func (c *checker) filled(obj *types.Var, seen map[*types.Var]bool) bool {
	if seen[obj] {
		return false
	}
	seen[obj] = true
	found := false
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				for i, a := range n.Args {
					if c.buffer(a) == obj && !c.readsOnly(n, i) {
						found = true
					}
				}
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && c.buffer(sel.X) == obj {
					found = true // a method of its own
				}
			case *ast.AssignStmt:
				for i, lhs := range n.Lhs {
					ix, ok := lhs.(*ast.IndexExpr)
					if ok && c.buffer(ix.X) == obj && (len(n.Lhs) != len(n.Rhs) || c.pass.TypesInfo.Types[n.Rhs[i]].Value == nil) {
						found = true
					}
				}
				for i, rhs := range n.Rhs {
					if c.buffer(rhs) == obj { // another name for it, which may be filled
						other := c.buffer(n.Lhs[min(i, len(n.Lhs)-1)])
						found = found || other != nil && c.filled(other, seen)
					}
				}
			case *ast.IncDecStmt:
				if ix, ok := n.X.(*ast.IndexExpr); ok && c.buffer(ix.X) == obj {
					found = true
				}
			case *ast.RangeStmt:
				if c.buffer(n.X) == obj {
					found = true
				}
			}
			return !found
		})
	}
	return found
}

// readsOnly tells calls that read an argument: len, conversions, and what takes
// nonces.
func (c *checker) readsOnly(call *ast.CallExpr, arg int) bool {
	if tv, ok := c.pass.TypesInfo.Types[call.Fun]; ok && (tv.IsType() || tv.IsBuiltin() && builtinName(call) != "copy") {
		return true
	}
	return c.takesNonce(call, arg)
}

func builtinName(call *ast.CallExpr) string {
	id, _ := ast.Unparen(call.Fun).(*ast.Ident)
	if id == nil {
		return ""
	}
	return id.Name
}
