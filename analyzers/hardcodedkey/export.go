package hardcodedkey

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// exportSources tells other packages which variables and functions give a
// value that is written here. Only names that sound like a secret's count, so
// that not every constant text of a program becomes a fact; constants need
// none, because their values are known everywhere.
func (c *checker) exportSources() {
	scope := c.pass.Pkg.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if !obj.Exported() || !secretish(name) {
			continue
		}
		switch obj := obj.(type) {
		case *types.Var:
			if textual(obj.Type()) {
				f := &flow{checker: c, seen: make(map[any]bool)}
				f.object(obj, nil)
				c.exportSource(obj, f)
			}
		case *types.Func:
			if r := obj.Signature().Results(); r.Len() > 0 && textual(r.At(0).Type()) {
				f := &flow{checker: c, seen: make(map[any]bool)}
				if decl := f.uses().funcs[obj]; decl != nil && decl.Body != nil {
					f.returns(decl.Body, decl.Type, 0, nil)
					c.exportSource(obj, f)
				}
			}
		}
	}
}

func (c *checker) exportSource(obj types.Object, f *flow) {
	for _, s := range f.sources {
		if s.shown != "" || s.text == "" || strings.Contains(s.text, hole) || isVariable(s.text) {
			continue
		}
		at := c.pass.Fset.Position(s.pos)
		c.pass.ExportObjectFact(obj, &sourceFact{
			Where: fmt.Sprintf("%s:%d", shortName(at.Filename), at.Line), Shown: Redact(s.text), Weak: placeholder(s.text),
		})
		return
	}
}

// textual tells whether a type holds text or bytes.
func textual(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Basic:
		return t.Info()&types.IsString != 0
	case *types.Slice:
		b, ok := t.Elem().Underlying().(*types.Basic)
		return ok && b.Kind() == types.Byte
	case *types.Array:
		b, ok := t.Elem().Underlying().(*types.Basic)
		return ok && b.Kind() == types.Byte
	}
	return false
}

// isString tells whether an expression is a plain string literal.
func isString(e ast.Expr) bool {
	lit, ok := ast.Unparen(e).(*ast.BasicLit)
	return ok && (strings.HasPrefix(lit.Value, `"`) || strings.HasPrefix(lit.Value, "`"))
}
