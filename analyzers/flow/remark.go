package flow

import (
	"go/ast"
	"go/build"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/scanner/silence"
)

// Remark says what makes a place matter less: a clause that ends a message, or
// "".
func (p *Package) Remark(pos token.Pos) string {
	if strings.HasSuffix(p.Pass.Fset.Position(pos).Filename, "_test.go") {
		return ", in a test"
	}
	if f := p.File(pos); f != nil && ast.IsGenerated(f) {
		return ", in a generated file"
	}
	return ""
}

// Report reports a diagnostic whose category is a rule's id, unless a comment
// in the source allows it (see package silence).
func (p *Package) Report(d analysis.Diagnostic) {
	if tf := p.Pass.Fset.File(d.Pos); tf != nil {
		start := tf.Offset(d.Pos)
		end := start
		if d.End.IsValid() && d.End > d.Pos && int(d.End) <= tf.Base()+tf.Size() {
			end = tf.Offset(d.End)
		}
		if p.marksOf(tf.Name()).Allows(d.Category, start, end) {
			return
		}
	}
	p.Pass.Report(d)
}

// marksOf returns a file's marks; nil where it has none, or cannot be read.
func (p *Package) marksOf(name string) *silence.Marks {
	if m, known := p.marks[name]; known {
		return m
	}
	if p.marks == nil {
		p.marks = make(map[string]*silence.Marks)
	}
	src, err := p.Pass.ReadFile(name)
	if err != nil {
		src = nil // made by cgo: there is nothing that a person could mark
	}
	p.marks[name] = silence.FindMarks(src)
	return p.marks[name]
}

// File returns the file that a place is in, or nil.
func (p *Package) File(pos token.Pos) *ast.File {
	for _, f := range p.Pass.Files {
		if f.FileStart <= pos && pos < f.FileEnd {
			return f
		}
	}
	return nil
}

// InStandardLibrary tells whether a package is Go's own: what matters of it is
// in the tables.
func InStandardLibrary(pass *analysis.Pass) bool {
	if len(pass.Files) == 0 {
		return true
	}
	root := filepath.Join(build.Default.GOROOT, "src") + string(filepath.Separator)
	return build.Default.GOROOT != "" && strings.HasPrefix(pass.Fset.Position(pass.Files[0].FileStart).Filename, root)
}

// Field returns what a struct literal gives to a field by its name, or nil.
func Field(lit *ast.CompositeLit, name string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
				return kv.Value
			}
		}
	}
	return nil
}

// Named returns a type's name, without its pointer; nil where it has none.
func Named(t types.Type) *types.Named {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if t == nil {
		return nil
	}
	n, _ := types.Unalias(t).(*types.Named)
	return n
}
