// Command verify holds the tables of sinks and of credentials' ends against the
// real libraries: it loads each with go/types and looks for the function,
// method, field or variable of every row, and for its parameter.
//
// It is a module of its own, so that none of the libraries is required by the
// product. make verify-sinks runs it; what it prints is in docs/analyzers.md.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/remint/remint/analyzers/longlived"
	"github.com/remint/remint/analyzers/sinks"
)

// row is what either table says of a place.
type row struct {
	table, pkg, recv string
	// One of them: a function or method with an argument, fields of which each
	// must be there, a variable.
	name, variable string
	fields         []string
	arg            int
	variadic       bool
}

func (r *row) String() string {
	name := r.name + r.variable + strings.Join(r.fields, "|")
	if r.recv != "" {
		name = r.recv + "." + name
	}
	return r.pkg + " " + name
}

func rows() []row {
	var all []row
	for _, t := range sinks.All() {
		r := row{table: "sinks", pkg: t.Package, recv: t.Recv, name: t.Name, variable: t.Var, arg: t.Arg, variadic: t.Variadic}
		if t.Field != "" {
			r.fields = []string{t.Field}
		}
		all = append(all, r)
	}
	for _, t := range longlived.Rows() {
		all = append(all, row{table: "longlived", pkg: t.Package, recv: t.Recv, name: t.Name, fields: t.Fields, arg: t.Arg})
	}
	return all
}

// libraries are the import paths of libraries.go by the paths that the tables
// use: the same, or without a major version.
func libraries() (map[string][]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "libraries.go", nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	own := make(map[string]bool)
	for _, r := range rows() {
		own[r.pkg] = true
	}
	paths := make(map[string][]string)
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		paths[path] = []string{path}
		if plain := sinks.Unversioned(path); plain != path && !own[path] {
			paths[plain] = append(paths[plain], path)
		}
	}
	return paths, nil
}

// batch is how many packages are loaded at once: it bounds memory.
const batch = 12

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

func run() error {
	paths, err := libraries()
	if err != nil {
		return err
	}
	var order []string
	var held, wrong int
	missing := make(map[string]int)
	waiting := make(map[string][]row) // by the package of the table
	for _, r := range rows() {
		if first, _, _ := strings.Cut(r.pkg, "/"); !strings.Contains(first, ".") {
			paths[r.pkg] = []string{r.pkg}
		}
		if paths[r.pkg] == nil {
			missing[r.pkg]++
			continue
		}
		if waiting[r.pkg] == nil {
			order = append(order, r.pkg)
		}
		waiting[r.pkg] = append(waiting[r.pkg], r)
	}
	for chunk := range slices.Chunk(order, batch) {
		var all []string
		for _, pkg := range chunk {
			all = append(all, paths[pkg]...)
		}
		loaded, err := load(all)
		if err != nil {
			return err
		}
		for _, pkg := range chunk {
			for _, r := range waiting[pkg] {
				if why := r.hold(paths[pkg], loaded); why != "" {
					wrong++
					fmt.Printf("wrong: %s %s: %s\n", r.table, &r, why)
					continue
				}
				held++
			}
		}
	}
	unavailable := 0
	for _, pkg := range slices.Sorted(keys(missing)) {
		fmt.Printf("not held: %s, %d rows: the library is not in libraries.go\n", pkg, missing[pkg])
		unavailable += missing[pkg]
	}
	fmt.Printf("%d rows hold in %d packages, %d are wrong, %d could not be held against their library\n", held, len(order), wrong, unavailable)
	if wrong > 0 {
		return fmt.Errorf("%d rows name what is not there", wrong)
	}
	return nil
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// load type-checks packages from source, without the bodies of functions.
func load(paths []string) (map[string]*types.Package, error) {
	cfg := &packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Env:  append(os.Environ(), "CGO_ENABLED=0"),
		ParseFile: func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
			f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
			if f != nil {
				for _, d := range f.Decls {
					if fn, ok := d.(*ast.FuncDecl); ok {
						fn.Body = nil
					}
				}
			}
			return f, err
		},
	}
	all, err := packages.Load(cfg, paths...)
	if err != nil {
		return nil, err
	}
	loaded := make(map[string]*types.Package)
	for _, p := range all {
		loaded[p.PkgPath] = p.Types
	}
	return loaded, nil
}

// hold says what is wrong with a row in every version of its library, or "".
func (r *row) hold(paths []string, loaded map[string]*types.Package) string {
	var all []string
	for _, path := range paths {
		why := r.check(loaded[path])
		if why == "" {
			return ""
		}
		all = append(all, why+" in "+path)
	}
	return strings.Join(all, "; ")
}

// check says what is wrong with a row, or "".
func (r *row) check(pkg *types.Package) string {
	if pkg == nil || len(pkg.Scope().Names()) == 0 {
		return "the package could not be loaded"
	}
	if r.variable != "" {
		if _, ok := pkg.Scope().Lookup(r.variable).(*types.Var); !ok {
			return "no such variable"
		}
		return ""
	}
	if r.recv == "" {
		fn, ok := pkg.Scope().Lookup(r.name).(*types.Func)
		if !ok {
			return "no such function"
		}
		return r.argument(fn.Signature())
	}
	typ, ok := pkg.Scope().Lookup(r.recv).(*types.TypeName)
	if !ok {
		return "no such type"
	}
	for _, f := range r.fields {
		at := typ.Type()
		for _, name := range strings.Split(f, ".") {
			obj, _, _ := types.LookupFieldOrMethod(at, true, pkg, name)
			v, ok := obj.(*types.Var)
			if !ok || !v.IsField() {
				return "no such field: " + f
			}
			at = v.Type()
		}
	}
	if r.name == "" {
		return ""
	}
	fn, ok := member(typ, r.name).(*types.Func)
	if !ok {
		return "no such method"
	}
	return r.argument(fn.Signature())
}

func member(t *types.TypeName, name string) types.Object {
	obj, _, _ := types.LookupFieldOrMethod(t.Type(), true, t.Pkg(), name)
	return obj
}

// argument tells whether a parameter is there.
func (r *row) argument(sig *types.Signature) string {
	n := sig.Params().Len()
	switch {
	case r.arg < n && (!r.variadic || sig.Variadic()):
		return ""
	case r.variadic && !sig.Variadic():
		return "it is not variadic: " + sig.String()
	}
	return fmt.Sprintf("it has no parameter %d: %s", r.arg, sig)
}
