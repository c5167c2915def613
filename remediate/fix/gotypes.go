package fix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/remint/remint/remediate/rewrite"
)

// goTypes are the packages of the Go files that a plan changes: what type a
// string has, and whether the changed package still builds.
type goTypes struct {
	byFile map[string]*packages.Package
	added  []*types.Package // what edits may import
}

// path is a file's absolute name.
func (p *Project) path(file string) string { return filepath.Join(p.Root, filepath.FromSlash(file)) }

// loadTypes loads the packages of Go files. Where that fails nothing is known
// of their types, and that is said of each file by checked.
func (p *Project) loadTypes(files []string) error {
	var patterns []string
	for _, f := range files {
		if strings.HasSuffix(f, ".go") {
			dir := "./" + filepath.ToSlash(filepath.Dir(f))
			if !slices.Contains(patterns, dir) {
				patterns = append(patterns, dir)
			}
		}
	}
	if p.types != nil || len(patterns) == 0 {
		return nil
	}
	p.types = &goTypes{byFile: make(map[string]*packages.Package)}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadSyntax, //nolint:staticcheck // it is what there is for types by export data
		Dir:  p.Root, Tests: true,
		Env: append(os.Environ(), offline...),
	}, append(patterns, p.mayImport()...)...)
	if err != nil {
		return nil //nolint:nilerr // no Go at hand: the files are parsed alone, and checked says so
	}
	for _, pkg := range loaded {
		if slices.Contains(p.mayImport(), pkg.PkgPath) && pkg.Types != nil {
			p.types.added = append(p.types.added, pkg.Types)
			continue
		}
		for _, f := range pkg.CompiledGoFiles {
			// The variant with tests has all files that the plain one has.
			if old := p.types.byFile[f]; old == nil || len(pkg.CompiledGoFiles) > len(old.CompiledGoFiles) {
				p.types.byFile[f] = pkg
			}
		}
	}
	return nil
}

// at returns what tells the type of a string literal in a file.
func (g *goTypes) at(file string) func(offset int) string {
	if g == nil || g.byFile[file] == nil {
		return nil
	}
	pkg := g.byFile[file]
	return func(offset int) string {
		name := ""
		for _, syntax := range pkg.Syntax {
			if pkg.Fset.Position(syntax.Pos()).Filename != file {
				continue
			}
			ast.Inspect(syntax, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok && pkg.Fset.Position(e.Pos()).Offset == offset && name == "" {
					if t := pkg.TypesInfo.TypeOf(e); t != nil {
						name = named(t, pkg.Types)
					}
				}
				return true
			})
		}
		return name
	}
}

// named is a type of strings as a file of its package writes it; "" for string.
func named(t types.Type, in *types.Package) string {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	if b, ok := n.Underlying().(*types.Basic); !ok || b.Info()&types.IsString == 0 {
		return ""
	}
	if n.Obj().Pkg() == in {
		return n.Obj().Name()
	}
	return n.Obj().Pkg().Name() + "." + n.Obj().Name()
}

// offline keeps Go from fetching anything, and from running a compiler of C.
var offline = []string{"GOPROXY=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0"}

const injectPath = "github.com/remint/remint/remediate/inject"

// hasSDK tells whether the module requires package inject's.
func (p *Project) hasSDK() bool {
	text, err := os.ReadFile(filepath.Join(p.Root, "go.mod"))
	return err == nil && strings.Contains(string(text), "github.com/remint/remint")
}

// mayImport are the packages that edits may add imports of.
func (p *Project) mayImport() []string {
	if p.Style == rewrite.SDK && p.hasSDK() {
		return []string{injectPath, "context", "os"}
	}
	return []string{"os"}
}

// checked leaves out the files with which a package would not build any more:
// their places are refused, with what the compiler would say.
func (p *Project) checked(all []*Rewritten) []*Rewritten {
	changed := make(map[string][]byte)
	for _, r := range all {
		changed[p.path(r.File)] = r.After
	}
	return slices.DeleteFunc(all, func(r *Rewritten) bool {
		if !strings.HasSuffix(r.File, ".go") {
			return false
		}
		pkg := p.types.byFile[p.path(r.File)]
		if pkg == nil || len(pkg.Errors) > 0 {
			r.Notes = append(r.Notes, r.File+": its package cannot be built as it stands, so that the file was parsed and not built")
			return false
		}
		err := p.types.builds(pkg, changed)
		if err == nil {
			return false
		}
		for _, at := range r.places {
			at.Refused = "the package would not build: " + err.Error()
		}
		return true
	})
}

// vetted leaves out the Go files whose packages `go vet` finds fault with only
// once they are changed. It builds them, too.
func (p *Project) vetted(ctx context.Context, all []*Rewritten) ([]*Rewritten, error) {
	var dirs []string
	replaced := make(map[string]string)
	temp, err := privateFolder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	for n, r := range all {
		pkg := p.types.of(p.path(r.File))
		if pkg == nil || len(pkg.Errors) > 0 {
			continue
		}
		name := filepath.Join(temp, strconv.Itoa(n)+".go")
		if err := os.WriteFile(name, r.After, 0o600); err != nil {
			return nil, err
		}
		replaced[p.path(r.File)] = name
		if dir := "./" + filepath.ToSlash(filepath.Dir(r.File)); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 || p.vet(ctx, temp, replaced, dirs) == nil {
		return all, nil
	}
	return slices.DeleteFunc(all, func(r *Rewritten) bool {
		if replaced[p.path(r.File)] == "" {
			return false
		}
		dir := []string{"./" + filepath.ToSlash(filepath.Dir(r.File))}
		err := p.vet(ctx, temp, replaced, dir)
		if err == nil || p.vet(ctx, temp, nil, dir) != nil {
			return false // or it is no worse than before
		}
		for _, at := range r.places {
			at.Refused = "go vet would find fault with it: " + err.Error()
		}
		return true
	}), nil
}

func (g *goTypes) of(file string) *packages.Package {
	if g == nil {
		return nil
	}
	return g.byFile[file]
}

// privateFolder is a temporary one, in memory where there is such: what is put
// there may have secrets in it that could not be taken out.
func privateFolder() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "remint-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "remint-")
}

// vet runs go vet over packages, with files replaced.
func (p *Project) vet(ctx context.Context, temp string, replaced map[string]string, dirs []string) error {
	overlay := filepath.Join(temp, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err == nil {
		err = os.WriteFile(overlay, text, 0o600)
	}
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "go", append([]string{"vet", "-overlay", overlay}, dirs...)...)
	c.Dir, c.Env = p.Root, append(os.Environ(), offline...)
	out, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	for l := range strings.SplitSeq(string(out), "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			return errors.New(l)
		}
	}
	return err
}

// builds type-checks a package with changed files in memory.
func (g *goTypes) builds(pkg *packages.Package, changed map[string][]byte) error {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range pkg.CompiledGoFiles {
		var src any
		if text, ok := changed[name]; ok {
			src = text
		}
		f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			return errors.New("it does not parse")
		}
		files = append(files, f)
	}
	var first error
	conf := types.Config{Importer: newImports(append([]*types.Package{pkg.Types}, g.added...)), Sizes: pkg.TypesSizes, Error: func(err error) {
		if first == nil {
			first = err
		}
	}}
	_, _ = conf.Check(pkg.PkgPath, fset, files, nil)
	if e := (types.Error{}); errors.As(first, &e) {
		at := e.Fset.Position(e.Pos)
		return fmt.Errorf("%s:%d: %s", filepath.Base(at.Filename), at.Line, e.Msg)
	}
	return first
}

// imports are the packages that others import, directly or not.
type imports map[string]*types.Package

func newImports(roots []*types.Package) imports {
	all := make(imports)
	var add func(*types.Package)
	add = func(p *types.Package) {
		for _, i := range p.Imports() {
			if all[i.Path()] == nil {
				all[i.Path()] = i
				add(i)
			}
		}
	}
	for _, r := range roots {
		add(r)
	}
	for _, r := range roots[1:] { // what others have of it comes first: its types are theirs
		if all[r.Path()] == nil {
			all[r.Path()] = r
		}
	}
	return all
}

// Import implements types.Importer.
func (i imports) Import(path string) (*types.Package, error) {
	if p := i[path]; p != nil {
		return p, nil
	}
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return nil, fmt.Errorf("the package %s is not at hand", path)
}
