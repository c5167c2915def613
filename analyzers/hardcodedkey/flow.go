package hardcodedkey

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// source is a value that is written in the code.
type source struct {
	text string
	pos  token.Pos
	expr ast.Expr // the literal; nil where it stands in another package
	// shown is what is told of a value of another package, where the value
	// itself is not known; weak is whether that is a placeholder.
	shown string
	weak  bool
	where string
	// via are the places between the value and its use.
	via []token.Pos
}

// param is a parameter that a value comes from.
type param struct {
	fn       *types.Func
	index    int
	variadic bool
}

// flow follows values back. It does not follow the order of statements: what a
// variable is given anywhere, it may hold. A default that is replaced later is
// still a default.
type flow struct {
	*checker
	sources []source
	params  []param
	seen    map[any]bool
	depth   int
}

// maxFlow bounds how far a value is followed.
const maxFlow = 40

// hole stands in a text for what is not known.
const hole = "\x00"

func (f *flow) add(s source) { f.sources = append(f.sources, s) }

// follow follows an expression.
func (f *flow) follow(e ast.Expr, via []token.Pos) {
	if f.depth >= maxFlow || e == nil {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	e = ast.Unparen(e)
	if text, ok := f.constantText(e); ok {
		f.constant(e, text, via)
		return
	}
	switch e := e.(type) {
	case *ast.Ident:
		f.object(f.pass.TypesInfo.ObjectOf(e), append(via, e.Pos()))
	case *ast.SelectorExpr:
		f.object(f.pass.TypesInfo.ObjectOf(e.Sel), append(via, e.Pos()))
	case *ast.CallExpr:
		f.call(e, via)
	case *ast.BinaryExpr:
		if text := f.fold(e); strings.Trim(text, hole) != "" && e.Op == token.ADD {
			f.add(source{text: text, pos: e.Pos(), expr: e, via: via})
		} else {
			f.follow(e.X, via)
			f.follow(e.Y, via)
		}
	case *ast.CompositeLit:
		if text, ok := f.bytesText(e); ok {
			f.add(source{text: text, pos: e.Pos(), expr: e, via: via})
		}
	case *ast.UnaryExpr:
		f.follow(e.X, via)
	case *ast.StarExpr:
		f.follow(e.X, via)
	case *ast.SliceExpr:
		f.follow(e.X, via)
	case *ast.IndexExpr:
		f.index(e, via)
	}
}

// constantText returns the value of a constant string.
func (f *flow) constantText(e ast.Expr) (string, bool) {
	tv, ok := f.pass.TypesInfo.Types[e]
	if !ok || tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// constant notes a constant, at its declaration where it has a name.
func (f *flow) constant(e ast.Expr, text string, via []token.Pos) {
	var id *ast.Ident
	switch e := e.(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	case *ast.CallExpr: // a conversion of a constant
		if len(e.Args) == 1 {
			f.follow(e.Args[0], via)
			return
		}
	}
	if id != nil {
		if obj, ok := f.pass.TypesInfo.ObjectOf(id).(*types.Const); ok && obj.Pos().IsValid() {
			s := source{text: text, pos: obj.Pos(), via: append(via, e.Pos())}
			if init := f.uses().init[obj]; init != nil {
				s.pos, s.expr = init.Pos(), init
			}
			f.add(s)
			return
		}
	}
	f.add(source{text: text, pos: e.Pos(), expr: e, via: via})
}

// object follows a variable, field or constant.
func (f *flow) object(obj types.Object, via []token.Pos) {
	v, ok := obj.(*types.Var)
	if !ok || f.seen[v] {
		return
	}
	f.seen[v] = true
	if v.Pkg() != nil && v.Pkg() != f.pass.Pkg {
		var fact sourceFact
		if !v.IsField() && f.pass.ImportObjectFact(v, &fact) {
			f.add(source{pos: v.Pos(), shown: fact.Shown, weak: fact.Weak, where: fact.Where, via: via})
		}
		return
	}
	u := f.uses()
	if p, ok := u.params[v]; ok {
		f.params = append(f.params, p)
	}
	if text, pos := u.embedded[v], v.Pos(); text != "" {
		f.add(source{text: text, pos: pos, shown: "the embedded file " + text, via: via})
	}
	for _, e := range u.given[v] {
		f.follow(e, via)
	}
	for _, r := range u.results[v] { // x, err := helper()
		f.result(r.call, r.index, via)
	}
}

// index follows an element of a map, slice or array.
func (f *flow) index(e *ast.IndexExpr, via []token.Pos) {
	id, ok := ast.Unparen(e.X).(*ast.Ident)
	if !ok {
		return
	}
	obj := f.pass.TypesInfo.ObjectOf(id)
	key := f.pass.TypesInfo.Types[e.Index].Value
	for _, given := range f.uses().given[obj] {
		lit, ok := ast.Unparen(given).(*ast.CompositeLit)
		if !ok {
			continue
		}
		for i, elt := range lit.Elts {
			kv, isKV := elt.(*ast.KeyValueExpr)
			switch {
			case isKV && (key == nil || sameConstant(key, f.pass.TypesInfo.Types[kv.Key].Value)):
				f.follow(kv.Value, append(via, e.Pos()))
			case !isKV && (key == nil || sameConstant(key, constant.MakeInt64(int64(i)))):
				f.follow(elt, append(via, e.Pos()))
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
func (f *flow) call(call *ast.CallExpr, via []token.Pos) {
	info := f.pass.TypesInfo
	if tv, ok := info.Types[call.Fun]; ok && tv.IsType() { // a conversion
		if len(call.Args) == 1 {
			f.follow(call.Args[0], via)
		}
		return
	}
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok {
		if id, isIdent := ast.Unparen(call.Fun).(*ast.Ident); isIdent && id.Name == "append" {
			for _, a := range call.Args {
				f.follow(a, via)
			}
			return
		}
		f.returned(call.Fun) // of a closure
		return
	}
	if fn.Pkg() == nil {
		return
	}
	switch name := fn.Pkg().Path() + "." + fn.Name(); name {
	case "fmt.Sprintf", "strings.Join", "fmt.Sprint":
		if text := f.fold(call); strings.Trim(text, hole) != "" {
			f.add(source{text: text, pos: call.Pos(), expr: call, via: via})
		}
		for _, a := range call.Args {
			if _, isConst := f.constantText(a); !isConst {
				f.follow(a, via)
			}
		}
		return
	case "cmp.Or":
		for _, a := range call.Args {
			f.follow(a, via)
		}
		return
	case "encoding/base64.DecodeString", "encoding/hex.DecodeString":
		if len(call.Args) == 1 {
			f.follow(call.Args[0], via)
		}
		return
	default:
		if passesOn(name) && receiver(fn) == "" && len(call.Args) > 0 {
			f.follow(call.Args[0], via)
			return
		}
	}
	f.result(call, 0, via)
}

// result follows one of a call's results.
func (f *flow) result(call *ast.CallExpr, index int, via []token.Pos) {
	fn, ok := typeutil.Callee(f.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	if fn.Pkg() != f.pass.Pkg {
		switch fn.Pkg().Path() {
		case "encoding/base64", "encoding/hex":
			if len(call.Args) == 1 {
				f.follow(call.Args[0], via)
			}
			return
		}
		var fact sourceFact
		if index == 0 && f.pass.ImportObjectFact(fn, &fact) {
			f.add(source{pos: fn.Pos(), shown: fact.Shown, weak: fact.Weak, where: fact.Where, via: append(via, call.Pos())})
		}
		return
	}
	if f.seen[fn] {
		return
	}
	f.seen[fn] = true
	if decl := f.uses().funcs[fn]; decl != nil && decl.Body != nil {
		f.returns(decl.Body, decl.Type, index, append(via, call.Pos()))
	}
}

// returned follows what a function value returns first.
func (f *flow) returned(e ast.Expr) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		f.returns(e.Body, e.Type, 0, nil)
	case *ast.Ident:
		obj := f.pass.TypesInfo.ObjectOf(e)
		if f.seen[obj] {
			return
		}
		f.seen[obj] = true
		if fn, ok := obj.(*types.Func); ok {
			if decl := f.uses().funcs[fn]; decl != nil && decl.Body != nil {
				f.returns(decl.Body, decl.Type, 0, []token.Pos{e.Pos()})
			}
			return
		}
		for _, given := range f.uses().given[obj] {
			f.returned(given)
		}
	}
}

// returns follows a body's return statements; an empty one returns the named
// result.
func (f *flow) returns(body *ast.BlockStmt, typ *ast.FuncType, index int, via []token.Pos) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			switch {
			case index < len(n.Results):
				f.follow(n.Results[index], via)
			case len(n.Results) == 0 && typ.Results != nil:
				if name := resultName(typ.Results, index); name != nil {
					f.object(f.pass.TypesInfo.ObjectOf(name), via)
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

// elements follows a map's values or a slice's elements; pairs tells that they
// are K=V, of which those with a secret's name count.
func (f *flow) elements(e ast.Expr, pairs bool) {
	for _, lit := range f.literals(e) {
		for _, elt := range lit.Elts {
			value := elt
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				if name, known := f.constantText(kv.Key); known && isHeader(lit) && !credentialHeader(name) && !secretish(name) {
					continue
				}
				value = kv.Value
			}
			if !pairs {
				f.follow(value, nil)
				continue
			}
			if text := f.fold(value); text != "" {
				if name, v, ok := strings.Cut(text, "="); ok && secretish(name) && !strings.Contains(v, hole) {
					f.add(source{text: v, pos: value.Pos(), expr: value})
				}
			}
		}
	}
}

// isHeader is true of maps whose keys tell which values count: those of
// headers. Accounts' keys are user names.
func isHeader(lit *ast.CompositeLit) bool {
	m, ok := lit.Type.(*ast.MapType)
	return ok && m != nil
}

// literals returns the composite literals that an expression may be.
func (f *flow) literals(e ast.Expr) []*ast.CompositeLit {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return []*ast.CompositeLit{e}
	case *ast.Ident:
		var all []*ast.CompositeLit
		for _, given := range f.uses().given[f.pass.TypesInfo.ObjectOf(e)] {
			if lit, ok := ast.Unparen(given).(*ast.CompositeLit); ok {
				all = append(all, lit)
			}
		}
		return all
	}
	return nil
}

// fold returns the text that an expression makes, with a hole for each part
// that is not known; "" where nothing is.
func (f *flow) fold(e ast.Expr) string {
	e = ast.Unparen(e)
	if text, ok := f.constantText(e); ok {
		return text
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return f.fold(e.X) + f.fold(e.Y)
		}
	case *ast.CallExpr:
		return f.foldCall(e)
	case *ast.Ident:
		obj, ok := f.pass.TypesInfo.ObjectOf(e).(*types.Var)
		if given := f.uses().given[obj]; ok && len(given) == 1 && !f.seen[e] && len(f.uses().results[obj]) == 0 {
			if _, isParam := f.uses().params[obj]; !isParam {
				f.seen[e] = true
				return f.fold(given[0])
			}
		}
	}
	return hole
}

func (f *flow) foldCall(call *ast.CallExpr) string {
	if tv, ok := f.pass.TypesInfo.Types[call.Fun]; ok && tv.IsType() && len(call.Args) == 1 {
		return f.fold(call.Args[0])
	}
	fn, ok := typeutil.Callee(f.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || len(call.Args) == 0 {
		return hole
	}
	switch fn.Pkg().Path() + "." + fn.Name() {
	case "fmt.Sprintf":
		format, known := f.constantText(call.Args[0])
		if !known {
			return hole
		}
		return f.foldFormat(format, call.Args[1:])
	case "fmt.Sprint":
		var b strings.Builder
		for _, a := range call.Args {
			b.WriteString(f.fold(a))
		}
		return b.String()
	case "strings.Join":
		lits := f.literals(call.Args[0])
		if len(lits) != 1 || len(call.Args) != 2 {
			return hole
		}
		var parts []string
		for _, elt := range lits[0].Elts {
			parts = append(parts, f.fold(elt))
		}
		return strings.Join(parts, f.fold(call.Args[1]))
	}
	return hole
}

// foldFormat puts the arguments where a format has %s, %v, %d or %q.
func (f *flow) foldFormat(format string, args []ast.Expr) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		for i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0 {
			i++
		}
		switch {
		case i == len(format):
		case format[i] == '%':
			b.WriteByte('%')
		case len(args) > 0:
			if tv := f.pass.TypesInfo.Types[args[0]]; tv.Value != nil && tv.Value.Kind() == constant.Int {
				b.WriteString(tv.Value.ExactString())
			} else {
				b.WriteString(f.fold(args[0]))
			}
			args = args[1:]
		default:
			b.WriteString(hole)
		}
	}
	return b.String()
}

// bytesText returns the bytes of an array or slice literal.
func (f *flow) bytesText(lit *ast.CompositeLit) (string, bool) {
	t := f.pass.TypesInfo.TypeOf(lit)
	if t == nil || len(lit.Elts) == 0 {
		return "", false
	}
	var elem types.Type
	switch t := t.Underlying().(type) {
	case *types.Slice:
		elem = t.Elem()
	case *types.Array:
		elem = t.Elem()
	default:
		return "", false
	}
	if b, ok := elem.Underlying().(*types.Basic); !ok || b.Kind() != types.Byte {
		return "", false
	}
	var text []byte
	for _, e := range lit.Elts {
		v, ok := constant.Uint64Val(constant.ToInt(valueOf(f.pass.TypesInfo, e)))
		if !ok {
			return "", false
		}
		text = append(text, byte(v))
	}
	return string(text), !slices.Equal(text, make([]byte, len(text)))
}

func valueOf(info *types.Info, e ast.Expr) constant.Value {
	if v := info.Types[e].Value; v != nil {
		return v
	}
	return constant.MakeUnknown()
}
