package flow

import (
	"go/ast"
	"go/build"
	"go/token"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"
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
