package derive

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// sources reads the documentation of an SDK's functions from its source, as it
// lies in the module cache or the vendor folder.
type sources struct {
	fset    *token.FileSet // of the program
	folders map[string]*folder
}

// folder is the functions of a package by "Type.Method".
type folder struct {
	functions map[string]*ast.FuncDecl
	err       error
}

func newSources(fset *token.FileSet) *sources {
	return &sources{fset, make(map[string]*folder)}
}

// of returns the folder that a function is declared in, read once.
func (s *sources) of(f *ssa.Function) *folder {
	dir := s.dir(f)
	if s.folders[dir] == nil {
		s.folders[dir] = read(dir)
	}
	return s.folders[dir]
}

// dir is the folder of a function's source.
func (s *sources) dir(f *ssa.Function) string {
	return filepath.Dir(s.fset.Position(f.Object().Pos()).Filename)
}

func read(dir string) *folder {
	fold := &folder{functions: make(map[string]*ast.FuncDecl)}
	names, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is well formed
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			fold.err = fmt.Errorf("read the source of an SDK: %w", err)
			continue
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				fold.functions[declared(f)] = f
			}
		}
	}
	if len(fold.functions) == 0 {
		fold.err = errors.New("what this calls: the SDK's source is not in " + dir + "; run 'go mod download'")
	}
	return fold
}

// declared is a declaration's "Type.Method", or its name.
func declared(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

// receiver is the name of the type that a method has, "" of a function.
func receiver(f *ssa.Function) string {
	recv := f.Signature.Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// operations are the endpoints that go-github's method documents, or that the
// methods document which it calls.
func (s *sources) operations(f *ssa.Function) ([]string, error) {
	fold := s.of(f)
	if len(fold.functions) == 0 {
		return nil, fold.err
	}
	all := fold.operations(receiver(f), f.Name(), make(map[string]bool))
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (f *folder) operations(recv, name string, seen map[string]bool) (all []string) {
	key := recv + "." + name
	d := f.functions[key]
	if d == nil || seen[key] {
		return nil
	}
	seen[key] = true
	if d.Doc != nil {
		for _, c := range d.Doc.List {
			if o, ok := strings.CutPrefix(c.Text, "//meta:operation "); ok {
				all = append(all, strings.TrimSpace(o))
			}
		}
	}
	if len(all) > 0 || d.Body == nil {
		return all
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
				all = append(all, f.operations(recv, sel.Sel.Name, seen)...)
			}
		}
		return true
	})
	return all
}

func isString(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}
