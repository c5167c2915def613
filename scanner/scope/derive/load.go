package derive

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
)

// offline keeps Go from fetching anything, and from running a compiler of C.
var offline = []string{"GOPROXY=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0"}

// program is what was loaded: the packages that are read, as SSA.
type program struct {
	dir     string
	fset    *token.FileSet
	prog    *ssa.Program
	named   []*ssa.Package          // those that the patterns name
	read    map[*types.Package]bool // those with bodies
	modules map[string]string       // path and version of other modules, by their folders
	needCgo []string                // files that are not read for it
}

// The packages of SDKs whose calls need a grant.
var (
	awsPackage    = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/(?:service|feature)/`)
	githubPackage = regexp.MustCompile(`^github\.com/google/go-github(?:/v\d+)?/github$`)
	googlePackage = regexp.MustCompile(`^google\.golang\.org/api/[a-z0-9_]+(?:/[a-z]+)?/v\d`)
	// sdkPackage has what belongs to them: it is never read itself.
	sdkPackage = regexp.MustCompile(`^(?:github\.com/aws/(?:aws-sdk-go-v2|smithy-go)|github\.com/google/go-github|google\.golang\.org/api)(?:/|$)`)
)

func callsProvider(path string) bool {
	return awsPackage.MatchString(path) || githubPackage.MatchString(path) || googlePackage.MatchString(path)
}

// load reads the packages that patterns name, those of their module, and those
// of others by way of which they come to an SDK.
func load(ctx context.Context, dir string, patterns []string) (*program, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("the go command is needed to read a program: install Go")
	}
	cfg := &packages.Config{
		Context: ctx, Dir: abs, Fset: token.NewFileSet(), Env: append(os.Environ(), offline...),
		Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
		// Positions lead to the sources of SDKs, which -trimpath would hide.
		BuildFlags: []string{"-trimpath=false"},
	}
	listed, err := packages.Load(cfg, patterns...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, advised("list the packages", err.Error())
	}
	if err := firstError(listed); err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		return nil, fmt.Errorf("no package matches %s: name packages of a Go module, such as ./cmd/app", strings.Join(patterns, " "))
	}
	cfg.Mode = packages.LoadSyntax //nolint:staticcheck // it is what there is for types by export data
	loaded, err := packages.Load(cfg, toRead(listed)...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, advised("load the packages", err.Error())
	}
	if err := firstError(loaded); err != nil {
		return nil, err
	}
	p := &program{dir: abs, fset: cfg.Fset, modules: make(map[string]string)}
	packages.Visit(listed, nil, func(l *packages.Package) {
		if m := l.Module; m != nil && !m.Main && m.Dir != "" {
			p.modules[m.Dir] = strings.TrimSuffix(m.Path+"@"+m.Version, "@")
		}
	})
	p.build(loaded, listed)
	for _, l := range loaded {
		p.needCgo = append(p.needCgo, needCgo(l.IgnoredFiles)...)
	}
	return p, nil
}

// firstError is what the first package that does not load says, and what to do.
func firstError(all []*packages.Package) (found error) {
	packages.Visit(all, nil, func(p *packages.Package) {
		if found != nil || len(p.Errors) == 0 {
			return
		}
		found = advised(p.PkgPath, said(p.Errors[0]))
	})
	return found
}

// said is the text of an error, without the place that it does not have and the
// headline that names the package again.
func said(e packages.Error) string {
	text := e.Msg
	if headline, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(headline, "# ") {
		text = rest
	}
	if e.Pos != "" && e.Pos != "-" {
		text = e.Pos + ": " + text
	}
	return strings.TrimSpace(text)
}

// advice is what to do when the go command says something, the first that fits.
var advice = []struct{ saying, do string }{
	{"does not contain modules listed in go.work", "Name the packages of the modules that go.work lists: ./a/... ./b/..."},
	{"does not contain main module", "Run it in the folder of a go.mod, or below it"},
	{"go.mod file not found", "Run it in the folder of a go.mod, or below it"},
	{"command-line-arguments", "Name the package's folder, not its files"},
	{"directory not found", "Name packages of the Go module, such as ./cmd/app"},
	{"no such file or directory", "Name packages of the Go module, such as ./cmd/app"},
	{"disabled by -mod=vendor", "Run 'go mod vendor' first"},
	{"inconsistent vendoring", "Run 'go mod vendor' first"},
	{"GOPROXY=off", "Run 'go mod download' (or 'go mod tidy') first: nothing is fetched here"},
	{"no required module provides", "Run 'go mod download' (or 'go mod tidy') first: nothing is fetched here"},
	{"missing go.sum entry", "Run 'go mod download' (or 'go mod tidy') first: nothing is fetched here"},
	{"GOTOOLCHAIN=local", "Install that version of Go: none is fetched here"},
	{"", "Make 'go build ./...' pass first"},
}

// advised is what the go command says of something, and what to do about it.
func advised(what, said string) error {
	i := slices.IndexFunc(advice, func(a struct{ saying, do string }) bool {
		return strings.Contains(said, a.saying) || strings.Contains(what, a.saying)
	})
	return fmt.Errorf("%s: %s\n%s", what, strings.TrimSpace(said), advice[i].do)
}

// needCgo are those of the files that Go leaves out which it would not with cgo.
func needCgo(ignored []string) (all []string) {
	with := build.Default
	with.CgoEnabled = true
	for _, name := range ignored {
		dir, base := filepath.Split(name)
		// What does not parse has been told of.
		fits, _ := with.MatchFile(dir, base)
		f, _ := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if fits && f != nil && !strings.HasSuffix(base, "_test.go") && slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"C"` }) {
			all = append(all, name)
		}
	}
	return all
}

// toRead are the paths of the packages whose bodies are read.
func toRead(listed []*packages.Package) []string {
	var paths []string
	onTheWay := make(map[*packages.Package]bool)
	packages.Visit(listed, nil, func(p *packages.Package) {
		// Imports come before what imports them.
		for _, i := range p.Imports {
			onTheWay[p] = onTheWay[p] || onTheWay[i] || callsProvider(i.PkgPath)
		}
		if sdkPackage.MatchString(p.PkgPath) || isOtherWay(p.PkgPath) {
			onTheWay[p] = false
			return
		}
		own := p.Module != nil && (p.Module.Main || p.Module.Replace != nil && p.Module.Replace.Version == "")
		if own || onTheWay[p] || slices.Contains(listed, p) {
			paths = append(paths, p.PkgPath)
		}
	})
	return paths
}

// build makes SSA of the loaded packages; what they import has no bodies.
func (p *program) build(loaded, listed []*packages.Package) {
	p.prog = ssa.NewProgram(p.fset, ssa.InstantiateGenerics)
	p.read = make(map[*types.Package]bool)
	for _, l := range loaded {
		p.read[l.Types] = true
	}
	seen := make(map[*types.Package]bool)
	var leaves func(*types.Package)
	leaves = func(t *types.Package) {
		for _, i := range t.Imports() {
			if seen[i] || p.read[i] {
				continue
			}
			seen[i] = true
			p.prog.CreatePackage(i, nil, nil, true)
			leaves(i)
		}
	}
	for _, l := range loaded {
		leaves(l.Types)
		made := p.prog.CreatePackage(l.Types, l.Syntax, l.TypesInfo, true)
		if slices.ContainsFunc(listed, func(n *packages.Package) bool { return n.PkgPath == l.PkgPath }) {
			p.named = append(p.named, made)
		}
	}
	p.prog.Build()
}

// roots are the functions that a program starts with: main of each command, or
// what a library exports.
func (p *program) roots() []*ssa.Function {
	var mains, exported []*ssa.Function
	public := slices.ContainsFunc(p.named, func(s *ssa.Package) bool { return !internal(s.Pkg.Path()) })
	for _, s := range p.named {
		if main := s.Func("main"); main != nil && s.Pkg.Name() == "main" {
			mains = append(mains, s.Func("init"), main)
			continue
		}
		if !public || !internal(s.Pkg.Path()) {
			exported = append(exported, s.Func("init"))
			exported = append(exported, p.exported(s)...)
		}
	}
	if len(mains) > 0 {
		return mains
	}
	return exported
}

func internal(path string) bool {
	return slices.Contains(strings.Split(path, "/"), "internal")
}

// exported are a package's exported functions, and the exported methods of its
// exported types.
func (p *program) exported(s *ssa.Package) []*ssa.Function {
	var all []*ssa.Function
	for name, m := range s.Members {
		if !token.IsExported(name) {
			continue
		}
		switch m := m.(type) {
		case *ssa.Function:
			all = append(all, m)
		case *ssa.Type:
			if types.IsInterface(m.Type()) {
				continue
			}
			for method := range p.prog.MethodSets.MethodSet(types.NewPointer(m.Type())).Methods() {
				f := p.prog.MethodValue(method)
				if f == nil { // of a generic type
					f = p.prog.FuncValue(method.Obj().(*types.Func))
				}
				if f != nil && method.Obj().Exported() {
					all = append(all, f)
				}
			}
		}
	}
	return all
}
