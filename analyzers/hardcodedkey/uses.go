package hardcodedkey

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// uses is what a package gives to its variables.
type uses struct {
	init     map[types.Object]ast.Expr   // of constants
	given    map[types.Object][]ast.Expr // of variables and fields
	results  map[types.Object][]result   // x, err := call()
	params   map[types.Object]param
	funcs    map[*types.Func]*ast.FuncDecl
	embedded map[types.Object]string // the pattern of a go:embed directive
}

type result struct {
	call  *ast.CallExpr
	index int
}

func (c *checker) usesOf() *uses {
	u := &uses{
		init: make(map[types.Object]ast.Expr), given: make(map[types.Object][]ast.Expr), results: make(map[types.Object][]result),
		params: make(map[types.Object]param), funcs: make(map[*types.Func]*ast.FuncDecl), embedded: make(map[types.Object]string),
	}
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			c.use(u, n)
			return true
		})
	}
	return u
}

// uses returns what the package gives to its variables, worked out once.
func (f *flow) uses() *uses {
	if f.checker.uses == nil {
		f.checker.uses = f.usesOf()
	}
	return f.checker.uses
}

func (c *checker) use(u *uses, n ast.Node) {
	info := c.pass.TypesInfo
	switch n := n.(type) {
	case *ast.GenDecl:
		c.declared(u, n)
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			obj := c.target(lhs)
			if obj == nil {
				continue
			}
			if len(n.Lhs) == len(n.Rhs) {
				u.given[obj] = append(u.given[obj], n.Rhs[i])
			} else if call, ok := ast.Unparen(n.Rhs[0]).(*ast.CallExpr); ok {
				u.results[obj] = append(u.results[obj], result{call, i})
			}
		}
	case *ast.CompositeLit:
		c.fields(u, n)
	case *ast.FuncDecl:
		if fn, ok := info.Defs[n.Name].(*types.Func); ok {
			u.funcs[fn] = n
			sig := fn.Signature()
			for i := range sig.Params().Len() {
				u.params[sig.Params().At(i)] = param{fn, i, sig.Variadic() && i == sig.Params().Len()-1}
			}
		}
	}
}

// declared notes const and var declarations.
func (c *checker) declared(u *uses, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			obj := c.pass.TypesInfo.Defs[name]
			switch {
			case obj == nil:
			case len(v.Values) == len(v.Names) && d.Tok == token.CONST:
				u.init[obj] = v.Values[i]
			case len(v.Values) == len(v.Names):
				u.given[obj] = append(u.given[obj], v.Values[i])
			case len(v.Values) == 1:
				if call, ok := ast.Unparen(v.Values[0]).(*ast.CallExpr); ok {
					u.results[obj] = append(u.results[obj], result{call, i})
				}
			}
			if pattern := embedOf(d, v); obj != nil && pattern != "" {
				u.embedded[obj] = pattern
			}
		}
	}
}

// embedOf is the pattern of a go:embed directive above a variable.
func embedOf(d *ast.GenDecl, v *ast.ValueSpec) string {
	for _, doc := range []*ast.CommentGroup{v.Doc, d.Doc} {
		if doc == nil {
			continue
		}
		for _, line := range doc.List {
			if pattern, ok := strings.CutPrefix(line.Text, "//go:embed "); ok {
				return strings.TrimSpace(pattern)
			}
		}
	}
	return ""
}

// target is the variable or field that an assignment gives a value to.
func (c *checker) target(lhs ast.Expr) types.Object {
	switch lhs := ast.Unparen(lhs).(type) {
	case *ast.Ident:
		return c.pass.TypesInfo.ObjectOf(lhs)
	case *ast.SelectorExpr:
		return c.pass.TypesInfo.ObjectOf(lhs.Sel)
	case *ast.StarExpr:
		return c.target(lhs.X)
	}
	return nil
}

// fields notes what a struct that is written out gives to its fields.
func (c *checker) fields(u *uses, lit *ast.CompositeLit) {
	t := c.pass.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				if obj := c.pass.TypesInfo.ObjectOf(key); obj != nil {
					u.given[obj] = append(u.given[obj], kv.Value)
				}
			}
		} else if i < s.NumFields() {
			u.given[s.Field(i)] = append(u.given[s.Field(i)], e)
		}
	}
}
