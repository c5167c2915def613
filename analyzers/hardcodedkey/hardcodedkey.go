// Package hardcodedkey finds constants that are used as keys, passwords and
// tokens: what reaches a sink (see package sinks), through variables, fields,
// helpers and other packages, and what the rule catalogue knows by its looks.
package hardcodedkey

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/analyzers/sinks"
)

// Doc is the analyzer's documentation.
const Doc = `find keys, passwords and tokens that are written in the code

It reports a constant that reaches a place where a credential is expected, such
as the key of hmac.New, the password of a database connection or the token of an
API client: directly, through variables, struct fields, maps, closures, results
and fmt.Sprintf, as the default behind os.Getenv, or through a helper in another
package. It also reports string constants that the rule catalogue recognises.

It does not report empty strings, the names of variables, or values that are
compared. A placeholder ("changeme") is reported as a weak default.`

// Analyzer finds hardcoded keys.
var Analyzer = newAnalyzer()

func newAnalyzer() *analysis.Analyzer {
	a := &analysis.Analyzer{
		Name: "hardcodedkey", Doc: Doc, URL: "https://github.com/remint/remint/blob/main/docs/analyzers.md#hardcodedkey",
		Run: run, FactTypes: []analysis.Fact{(*sinkFact)(nil), (*sourceFact)(nil)},
	}
	a.Flags.BoolVar(&offerEnv, "env", false, "offer fixes that read the value from the environment, which changes what the program does")
	a.Flags.BoolVar(&offerInject, "inject", false, "offer fixes that ask the vault for the value (package inject) where a context is at hand; the program then runs under remint run --sdk")
	return a
}

// sinkFact says that a function hands parameters on to sinks.
type sinkFact struct{ Params []sinkParam }

type sinkParam struct {
	Index int
	Kind  sinks.Kind
	To    string // where it ends: "crypto/hmac.New"
	// Variadic tells that the parameter is the last and takes any number.
	Variadic bool
}

// AFact implements analysis.Fact.
func (*sinkFact) AFact() {}

func (f *sinkFact) String() string {
	var parts []string
	for _, p := range f.Params {
		parts = append(parts, fmt.Sprintf("%d:%s", p.Index, p.Kind))
	}
	return "sink(" + strings.Join(parts, " ") + ")"
}

// sourceFact says that a variable holds, or a function returns, a value that
// is written in the code. It does not say which.
type sourceFact struct {
	Where string // file:line
	Shown string // the value, redacted
	Weak  bool   // a placeholder
}

// AFact implements analysis.Fact.
func (*sourceFact) AFact() {}

func (f *sourceFact) String() string { return "hardcoded" }

// checker is the analysis of one package.
type checker struct {
	pass     *analysis.Pass
	code     *flow.Package
	reported map[token.Pos]bool
	sinkFns  map[*types.Func][]sinkParam
	changed  bool
	quiet    bool // nothing is reported yet: wrappers are being learned
}

func run(pass *analysis.Pass) (any, error) {
	if flow.InStandardLibrary(pass) {
		return nil, nil
	}
	c := &checker{pass: pass, code: &flow.Package{Pass: pass}, reported: make(map[token.Pos]bool), sinkFns: make(map[*types.Func][]sinkParam)}
	c.code.Imported = c.imported
	if c.relevant() {
		// A helper that calls a helper is known after a few rounds.
		c.quiet = true
		for range maxRounds {
			c.changed = false
			c.sinks()
			if !c.changed {
				break
			}
		}
		c.quiet = false
		c.sinks()
		c.exportSinks()
	}
	c.exportSources()
	c.tags()
	if err := c.catalogue(); err != nil {
		return nil, err
	}
	return nil, nil
}

// imported is what is known of a variable or function of another package.
func (c *checker) imported(obj types.Object) (flow.Source, bool) {
	var fact sourceFact
	if !c.pass.ImportObjectFact(obj, &fact) {
		return flow.Source{}, false
	}
	return flow.Source{Pos: obj.Pos(), Shown: fact.Shown, Weak: fact.Weak, Where: fact.Where}, true
}

// maxRounds is how many helpers may hand a value on within a package.
const maxRounds = 8

// relevant tells whether the package can reach a sink at all: most cannot, and
// cost nothing more.
func (c *checker) relevant() bool {
	for _, p := range c.pass.Pkg.Imports() {
		if slices.ContainsFunc(sinks.Lookup(p.Path()), func(t sinks.Target) bool { return t.Kind < sinks.ID }) {
			return true
		}
	}
	for _, f := range c.pass.AllObjectFacts() {
		if _, ok := f.Fact.(*sinkFact); ok && imports(c.pass.Pkg, f.Object.Pkg()) {
			return true
		}
	}
	return false
}

func imports(p, other *types.Package) bool {
	for _, i := range p.Imports() {
		if i == other {
			return true
		}
	}
	return false
}

// sinks looks at every place where a credential may be expected.
func (c *checker) sinks() {
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				c.call(n)
			case *ast.CompositeLit:
				c.literal(n)
			case *ast.AssignStmt:
				c.assignment(n)
			}
			return true
		})
	}
}

// call looks at the arguments of a call.
func (c *checker) call(call *ast.CallExpr) {
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	recv := receiver(fn)
	for _, t := range sinks.Lookup(fn.Pkg().Path()) {
		if t.Name != fn.Name() || t.Recv != recv {
			continue
		}
		if t.Header && !c.credentialHeader(call) || t.NamedBy >= 0 && !c.secretName(call, t.NamedBy) {
			continue
		}
		to := fn.Pkg().Path() + "." + t.Symbol()
		last := t.Arg
		if t.Variadic {
			last = len(call.Args) - 1
		}
		for i := t.Arg; i <= last && i < len(call.Args); i++ {
			c.reaches(call.Args[i], &t, to)
		}
	}
	params := c.sinkFns[fn]
	var fact sinkFact
	if fn.Pkg() != c.pass.Pkg && c.pass.ImportObjectFact(fn, &fact) {
		params = fact.Params
	}
	for _, p := range params {
		for i := p.Index; i < len(call.Args) && (i == p.Index || p.Variadic); i++ {
			c.reaches(call.Args[i], &sinks.Target{Kind: p.Kind, NamedBy: -1}, p.To+" by way of "+fn.Name())
		}
	}
}

// takesNonce tells whether an argument of a call is a nonce.
func (c *checker) takesNonce(call *ast.CallExpr, arg int) bool {
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return false
	}
	for _, t := range sinks.Lookup(fn.Pkg().Path()) {
		if t.Kind == sinks.Nonce && t.Name == fn.Name() && t.Recv == receiver(fn) && t.Arg == arg {
			return true
		}
	}
	for _, p := range c.sinkFns[fn] {
		if p.Kind == sinks.Nonce && p.Index == arg {
			return true
		}
	}
	return false
}

// receiver is the name of a method's type, "" for a function.
func receiver(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return ""
	}
	return typeName(recv.Type())
}

func typeName(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// literal looks at the fields of a struct that is written out.
func (c *checker) literal(lit *ast.CompositeLit) {
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
				c.field(t, key.Name, kv.Value)
			}
		} else if i < s.NumFields() {
			c.field(t, s.Field(i).Name(), e)
		}
	}
}

// assignment looks at x.Field = value and pkg.Var = value.
func (c *checker) assignment(a *ast.AssignStmt) {
	if len(a.Lhs) != len(a.Rhs) {
		return
	}
	for i, lhs := range a.Lhs {
		sel, ok := lhs.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		switch obj := c.pass.TypesInfo.Uses[sel.Sel].(type) {
		case *types.Var:
			if obj.IsField() {
				if t, path := c.fieldPath(sel); t != nil {
					c.field(t, path, a.Rhs[i])
				}
				continue
			}
			c.variable(obj, a.Rhs[i])
		}
	}
}

// fieldPath is the type that a field is of and the field's name: with those of
// the structs without a name between them, as in Config.Net.SASL.Password.
func (c *checker) fieldPath(sel *ast.SelectorExpr) (types.Type, string) {
	path := sel.Sel.Name
	for {
		t := c.pass.TypesInfo.TypeOf(sel.X)
		if _, unnamed := t.(*types.Struct); !unnamed {
			return t, path
		}
		outer, ok := ast.Unparen(sel.X).(*ast.SelectorExpr)
		if !ok {
			return t, path
		}
		sel, path = outer, outer.Sel.Name+"."+path
	}
}

func (c *checker) field(t types.Type, name string, value ast.Expr) {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return
	}
	path := n.Obj().Pkg().Path()
	for _, s := range sinks.Lookup(path) {
		if s.Field == name && s.Recv == n.Obj().Name() {
			c.reaches(value, &s, path+"."+s.Symbol())
		}
	}
}

func (c *checker) variable(v *types.Var, value ast.Expr) {
	if v.Pkg() == nil {
		return
	}
	for _, s := range sinks.Lookup(v.Pkg().Path()) {
		if s.Var == v.Name() {
			c.reaches(value, &s, v.Pkg().Path()+"."+s.Var)
		}
	}
}

// reaches follows an expression back to what is written in the code.
func (c *checker) reaches(e ast.Expr, t *sinks.Target, to string) {
	if t.Kind >= sinks.ID {
		return
	}
	f := c.code.Trace()
	switch {
	case t.Return:
		f.Returned(e)
	case t.Values:
		elements(f, e, false)
	case t.Pairs:
		elements(f, e, true)
	default:
		f.Follow(e, nil)
	}
	if t.Kind == sinks.Nonce {
		c.nonce(f, e)
	}
	for _, p := range f.Params {
		c.passesOn(p, t.Kind, to)
	}
	if c.quiet {
		return
	}
	for _, s := range f.Sources {
		c.judge(s, t.Kind, to, e)
	}
}

// passesOn notes that a function hands a parameter on to a sink.
func (c *checker) passesOn(p flow.Param, kind sinks.Kind, to string) {
	to, _, _ = strings.Cut(to, " by way of ")
	for _, known := range c.sinkFns[p.Fn] {
		if known.Index == p.Index && known.Kind == kind {
			return
		}
	}
	c.sinkFns[p.Fn] = append(c.sinkFns[p.Fn], sinkParam{Index: p.Index, Kind: kind, To: to, Variadic: p.Variadic})
	c.changed = true
}

func (c *checker) exportSinks() {
	for fn, params := range c.sinkFns {
		if fn.Pkg() == c.pass.Pkg {
			c.pass.ExportObjectFact(fn, &sinkFact{Params: params})
		}
	}
}
