package flow

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Uses is what a package gives to its variables.
type Uses struct {
	Init     map[types.Object]ast.Expr   // of constants
	Given    map[types.Object][]ast.Expr // of variables and fields
	Results  map[types.Object][]Result   // x, err := call()
	Params   map[types.Object]Param
	Funcs    map[*types.Func]*ast.FuncDecl
	Embedded map[types.Object]string // the pattern of a go:embed directive
}

// Result is one of the results of a call.
type Result struct {
	Call  *ast.CallExpr
	Index int
}

// Uses returns what the package gives to its variables, worked out once.
func (p *Package) Uses() *Uses {
	if p.uses != nil {
		return p.uses
	}
	p.uses = &Uses{
		Init: make(map[types.Object]ast.Expr), Given: make(map[types.Object][]ast.Expr), Results: make(map[types.Object][]Result),
		Params: make(map[types.Object]Param), Funcs: make(map[*types.Func]*ast.FuncDecl), Embedded: make(map[types.Object]string),
	}
	for _, file := range p.Pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			p.use(p.uses, n)
			return true
		})
	}
	return p.uses
}

func (p *Package) use(u *Uses, n ast.Node) {
	info := p.Pass.TypesInfo
	switch n := n.(type) {
	case *ast.GenDecl:
		p.declared(u, n)
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			obj := p.target(lhs)
			if obj == nil {
				continue
			}
			if len(n.Lhs) == len(n.Rhs) {
				u.Given[obj] = append(u.Given[obj], n.Rhs[i])
			} else if call, ok := ast.Unparen(n.Rhs[0]).(*ast.CallExpr); ok {
				u.Results[obj] = append(u.Results[obj], Result{call, i})
			}
		}
	case *ast.CompositeLit:
		p.fields(u, n)
	case *ast.FuncDecl:
		if fn, ok := info.Defs[n.Name].(*types.Func); ok {
			u.Funcs[fn] = n
			sig := fn.Signature()
			for i := range sig.Params().Len() {
				u.Params[sig.Params().At(i)] = Param{fn, i, sig.Variadic() && i == sig.Params().Len()-1}
			}
		}
	}
}

// declared notes const and var declarations.
func (p *Package) declared(u *Uses, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			obj := p.Pass.TypesInfo.Defs[name]
			switch {
			case obj == nil:
			case len(v.Values) == len(v.Names) && d.Tok == token.CONST:
				u.Init[obj] = v.Values[i]
			case len(v.Values) == len(v.Names):
				u.Given[obj] = append(u.Given[obj], v.Values[i])
			case len(v.Values) == 1:
				if call, ok := ast.Unparen(v.Values[0]).(*ast.CallExpr); ok {
					u.Results[obj] = append(u.Results[obj], Result{call, i})
				}
			}
			if pattern := embedOf(d, v); obj != nil && pattern != "" {
				u.Embedded[obj] = pattern
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
func (p *Package) target(lhs ast.Expr) types.Object {
	switch lhs := ast.Unparen(lhs).(type) {
	case *ast.Ident:
		return p.Pass.TypesInfo.ObjectOf(lhs)
	case *ast.SelectorExpr:
		return p.Pass.TypesInfo.ObjectOf(lhs.Sel)
	case *ast.StarExpr:
		return p.target(lhs.X)
	}
	return nil
}

// fields notes what a struct that is written out gives to its fields.
func (p *Package) fields(u *Uses, lit *ast.CompositeLit) {
	t := p.Pass.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				if obj := p.Pass.TypesInfo.ObjectOf(key); obj != nil {
					u.Given[obj] = append(u.Given[obj], kv.Value)
				}
			}
		} else if i < s.NumFields() {
			u.Given[s.Field(i)] = append(u.Given[s.Field(i)], e)
		}
	}
}
