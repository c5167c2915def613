// Package flow follows values of a Go package back to what is written in its
// code: through variables, fields, maps, closures, results and formatting.
package flow

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/remint/remint/scanner/silence"
)

// Source is a value that is written in the code.
type Source struct {
	Text string
	Pos  token.Pos
	Expr ast.Expr // the literal; nil where it stands in another package
	// Shown is what is told of a value of another package, where the value
	// itself is not known; Weak is whether that is a placeholder, Where its
	// file and line.
	Shown string
	Weak  bool
	Where string
	// Via are the places between the value and its use.
	Via []token.Pos
}

// Param is a parameter that a value comes from.
type Param struct {
	Fn       *types.Func
	Index    int
	Variadic bool
}

// Package is what is known of the package that a pass looks at.
type Package struct {
	Pass *analysis.Pass
	// Imported tells of a variable or function of another package what it
	// gives; nil where nothing is known of other packages.
	Imported func(types.Object) (Source, bool)
	uses     *Uses
	marks    map[string]*silence.Marks // by file
}

// Trace follows values back. It does not follow the order of statements: what
// a variable is given anywhere, it may hold. A default that is replaced later
// is still a default.
type Trace struct {
	*Package
	Sources []Source
	Params  []Param
	seen    map[any]bool
	depth   int
	steps   int
}

// Trace begins a trace.
func (p *Package) Trace() *Trace { return &Trace{Package: p, seen: make(map[any]bool)} }

// maxFlow bounds how far a value is followed, maxSteps how many expressions
// are looked at on the way.
const (
	maxFlow  = 40
	maxSteps = 10000
)

// Hole stands in a text for what is not known.
const Hole = "\x00"

// Add notes a source.
func (f *Trace) Add(s Source) { f.Sources = append(f.Sources, s) }

// Follow follows an expression.
func (f *Trace) Follow(e ast.Expr, via []token.Pos) {
	if f.steps++; f.depth >= maxFlow || f.steps > maxSteps || e == nil {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	e = ast.Unparen(e)
	if text, ok := f.ConstantText(e); ok {
		f.constant(e, text, via)
		return
	}
	switch e := e.(type) {
	case *ast.Ident:
		f.Object(f.Pass.TypesInfo.ObjectOf(e), append(via, e.Pos()))
	case *ast.SelectorExpr:
		f.Object(f.Pass.TypesInfo.ObjectOf(e.Sel), append(via, e.Pos()))
	case *ast.CallExpr:
		f.call(e, via)
	case *ast.BinaryExpr:
		if text := f.Fold(e); strings.Trim(text, Hole) != "" && e.Op == token.ADD {
			f.Add(Source{Text: text, Pos: e.Pos(), Expr: e, Via: via})
		} else {
			f.Follow(e.X, via)
			f.Follow(e.Y, via)
		}
	case *ast.CompositeLit:
		if text, ok := f.bytesText(e); ok {
			f.Add(Source{Text: text, Pos: e.Pos(), Expr: e, Via: via})
		}
	case *ast.UnaryExpr:
		f.Follow(e.X, via)
	case *ast.StarExpr:
		f.Follow(e.X, via)
	case *ast.SliceExpr:
		f.Follow(e.X, via)
	case *ast.IndexExpr:
		f.index(e, via)
	}
}

// ConstantText returns the value of a constant string.
func (p *Package) ConstantText(e ast.Expr) (string, bool) {
	tv, ok := p.Pass.TypesInfo.Types[e]
	if !ok || tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// constant notes a constant, at its declaration where it has a name.
func (f *Trace) constant(e ast.Expr, text string, via []token.Pos) {
	var id *ast.Ident
	switch e := e.(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	case *ast.CallExpr: // a conversion of a constant
		if len(e.Args) == 1 {
			f.Follow(e.Args[0], via)
			return
		}
	}
	if id != nil {
		if obj, ok := f.Pass.TypesInfo.ObjectOf(id).(*types.Const); ok && obj.Pos().IsValid() {
			s := Source{Text: text, Pos: obj.Pos(), Via: append(via, e.Pos())}
			if init := f.Uses().Init[obj]; init != nil {
				s.Pos, s.Expr = init.Pos(), init
			}
			f.Add(s)
			return
		}
	}
	f.Add(Source{Text: text, Pos: e.Pos(), Expr: e, Via: via})
}

// Object follows a variable, field or constant.
func (f *Trace) Object(obj types.Object, via []token.Pos) {
	v, ok := obj.(*types.Var)
	if !ok || f.seen[v] {
		return
	}
	f.seen[v] = true
	if v.Pkg() != nil && v.Pkg() != f.Pass.Pkg {
		if !v.IsField() {
			f.imported(v, via)
		}
		return
	}
	u := f.Uses()
	if p, ok := u.Params[v]; ok {
		f.Params = append(f.Params, p)
	}
	if text, pos := u.Embedded[v], v.Pos(); text != "" {
		f.Add(Source{Text: text, Pos: pos, Shown: "the embedded file " + text, Via: via})
	}
	for _, e := range u.Given[v] {
		f.Follow(e, via)
	}
	for _, r := range u.Results[v] { // x, err := helper()
		f.result(r.Call, r.Index, via)
	}
}

// imported notes what a variable or function of another package gives.
func (f *Trace) imported(obj types.Object, via []token.Pos) {
	if f.Imported == nil {
		return
	}
	if s, ok := f.Imported(obj); ok {
		s.Via = via
		f.Add(s)
	}
}

// index follows an element of a map, slice or array.
func (f *Trace) index(e *ast.IndexExpr, via []token.Pos) {
	id, ok := ast.Unparen(e.X).(*ast.Ident)
	if !ok {
		return
	}
	obj := f.Pass.TypesInfo.ObjectOf(id)
	key := f.Pass.TypesInfo.Types[e.Index].Value
	for _, given := range f.Uses().Given[obj] {
		lit, ok := ast.Unparen(given).(*ast.CompositeLit)
		if !ok {
			continue
		}
		for i, elt := range lit.Elts {
			kv, isKV := elt.(*ast.KeyValueExpr)
			switch {
			case isKV && (key == nil || sameConstant(key, f.Pass.TypesInfo.Types[kv.Key].Value)):
				f.Follow(kv.Value, append(via, e.Pos()))
			case !isKV && (key == nil || sameConstant(key, constant.MakeInt64(int64(i)))):
				f.Follow(elt, append(via, e.Pos()))
			}
		}
	}
}

func sameConstant(a, b constant.Value) bool {
	return a != nil && b != nil && a.Kind() == b.Kind() && constant.Compare(a, token.EQL, b)
}

// passesOn tells whether a function hands its first argument on, whole or
// nearly so.
func passesOn(name string) bool {
	switch name {
	case "strings.TrimSpace", "strings.ToLower", "strings.ToUpper", "strings.Clone", "strings.TrimSuffix", "strings.TrimPrefix",
		"strings.Trim", "strings.Repeat", "strings.ReplaceAll", "strings.NewReader", "bytes.TrimSpace", "bytes.Clone",
		"bytes.NewReader", "bytes.NewBufferString", "bytes.NewBuffer", "github.com/aws/aws-sdk-go-v2/aws.String",
		"github.com/aws/aws-sdk-go/aws.String", "google.golang.org/protobuf/proto.String":
		return true
	}
	return false
}

// call follows what a call returns.
func (f *Trace) call(call *ast.CallExpr, via []token.Pos) {
	info := f.Pass.TypesInfo
	if tv, ok := info.Types[call.Fun]; ok && tv.IsType() { // a conversion
		if len(call.Args) == 1 {
			f.Follow(call.Args[0], via)
		}
		return
	}
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok {
		if id, isIdent := ast.Unparen(call.Fun).(*ast.Ident); isIdent && id.Name == "append" {
			for _, a := range call.Args {
				f.Follow(a, via)
			}
			return
		}
		f.Returned(call.Fun) // of a closure
		return
	}
	if fn.Pkg() == nil {
		return
	}
	switch name := fn.Pkg().Path() + "." + fn.Name(); name {
	case "fmt.Sprintf", "strings.Join", "fmt.Sprint":
		if text := f.Fold(call); strings.Trim(text, Hole) != "" {
			f.Add(Source{Text: text, Pos: call.Pos(), Expr: call, Via: via})
		}
		for _, a := range call.Args {
			if _, isConst := f.ConstantText(a); !isConst {
				f.Follow(a, via)
			}
		}
		return
	case "cmp.Or":
		for _, a := range call.Args {
			f.Follow(a, via)
		}
		return
	case "encoding/base64.DecodeString", "encoding/hex.DecodeString":
		if len(call.Args) == 1 {
			f.Follow(call.Args[0], via)
		}
		return
	default:
		if passesOn(name) && fn.Signature().Recv() == nil && len(call.Args) > 0 {
			f.Follow(call.Args[0], via)
			return
		}
	}
	f.result(call, 0, via)
}

// result follows one of a call's results.
func (f *Trace) result(call *ast.CallExpr, index int, via []token.Pos) {
	fn, ok := typeutil.Callee(f.Pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	if fn.Pkg() != f.Pass.Pkg {
		switch fn.Pkg().Path() {
		case "encoding/base64", "encoding/hex":
			if len(call.Args) == 1 {
				f.Follow(call.Args[0], via)
			}
			return
		}
		if index == 0 {
			f.imported(fn, append(via, call.Pos()))
		}
		return
	}
	if f.seen[fn] {
		return
	}
	f.seen[fn] = true
	decl := f.Uses().Funcs[fn]
	if decl == nil || decl.Body == nil {
		return
	}
	before := len(f.Params)
	f.Returns(decl.Body, decl.Type, index, append(via, call.Pos()))
	f.substitute(fn, call, before, via)
	delete(f.seen, fn) // another call has other arguments
}

// substitute follows a call's arguments in the place of the function's own
// parameters, which come after the first n.
func (f *Trace) substitute(fn *types.Func, call *ast.CallExpr, n int, via []token.Pos) {
	reached := slices.Clone(f.Params[n:])
	f.Params = f.Params[:n]
	for _, p := range reached {
		if p.Fn != fn {
			f.Params = append(f.Params, p)
			continue
		}
		delete(f.seen, fn.Signature().Params().At(p.Index))
		for i := p.Index; i < len(call.Args) && (i == p.Index || p.Variadic); i++ {
			f.Follow(call.Args[i], append(via, call.Pos()))
		}
	}
}

// Returned follows what a function value returns first.
func (f *Trace) Returned(e ast.Expr) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		f.Returns(e.Body, e.Type, 0, nil)
	case *ast.Ident:
		obj := f.Pass.TypesInfo.ObjectOf(e)
		if f.seen[obj] {
			return
		}
		f.seen[obj] = true
		if fn, ok := obj.(*types.Func); ok {
			if decl := f.Uses().Funcs[fn]; decl != nil && decl.Body != nil {
				f.Returns(decl.Body, decl.Type, 0, []token.Pos{e.Pos()})
			}
			return
		}
		for _, given := range f.Uses().Given[obj] {
			f.Returned(given)
		}
	}
}

// Returns follows a body's return statements; an empty one returns the named
// result.
func (f *Trace) Returns(body *ast.BlockStmt, typ *ast.FuncType, index int, via []token.Pos) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			switch {
			case index < len(n.Results):
				f.Follow(n.Results[index], via)
			case len(n.Results) == 0 && typ.Results != nil:
				if name := resultName(typ.Results, index); name != nil {
					f.Object(f.Pass.TypesInfo.ObjectOf(name), via)
				}
			}
		}
		return true
	})
}

func resultName(list *ast.FieldList, index int) *ast.Ident {
	for _, field := range list.List {
		for _, name := range field.Names {
			if index == 0 {
				return name
			}
			index--
		}
	}
	return nil
}

// Literals returns the composite literals that an expression may be.
func (f *Trace) Literals(e ast.Expr) []*ast.CompositeLit {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return []*ast.CompositeLit{e}
	case *ast.Ident:
		var all []*ast.CompositeLit
		for _, given := range f.Uses().Given[f.Pass.TypesInfo.ObjectOf(e)] {
			if lit, ok := ast.Unparen(given).(*ast.CompositeLit); ok {
				all = append(all, lit)
			}
		}
		return all
	}
	return nil
}
