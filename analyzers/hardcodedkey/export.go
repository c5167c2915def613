package hardcodedkey

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"github.com/remint/remint/analyzers/flow"
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
				f := c.code.Trace()
				f.Object(obj, nil)
				c.exportSource(obj, f)
			}
		case *types.Func:
			if r := obj.Signature().Results(); r.Len() > 0 && textual(r.At(0).Type()) {
				f := c.code.Trace()
				if decl := f.Uses().Funcs[obj]; decl != nil && decl.Body != nil {
					f.Returns(decl.Body, decl.Type, 0, nil)
					c.exportSource(obj, f)
				}
			}
		}
	}
}

func (c *checker) exportSource(obj types.Object, f *flow.Trace) {
	for _, s := range f.Sources {
		if s.Shown != "" || s.Text == "" || strings.Contains(s.Text, flow.Hole) || isVariable(s.Text) || isRedacted(s.Text) {
			continue
		}
		at := c.pass.Fset.Position(s.Pos)
		c.pass.ExportObjectFact(obj, &sourceFact{
			Where: fmt.Sprintf("%s:%d", shortName(at.Filename), at.Line), Shown: Redact(s.Text), Weak: placeholder(s.Text),
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
