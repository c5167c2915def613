package flow

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// Fold returns the text that an expression makes, with a hole for each part
// that is not known; "" where nothing is.
func (f *Trace) Fold(e ast.Expr) string {
	e = ast.Unparen(e)
	if text, ok := f.ConstantText(e); ok {
		return text
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return f.Fold(e.X) + f.Fold(e.Y)
		}
	case *ast.CallExpr:
		return f.foldCall(e)
	case *ast.Ident:
		obj, ok := f.Pass.TypesInfo.ObjectOf(e).(*types.Var)
		if given := f.Uses().Given[obj]; ok && len(given) == 1 && !f.seen[e] && len(f.Uses().Results[obj]) == 0 {
			if _, isParam := f.Uses().Params[obj]; !isParam {
				f.seen[e] = true
				return f.Fold(given[0])
			}
		}
	}
	return Hole
}

func (f *Trace) foldCall(call *ast.CallExpr) string {
	if tv, ok := f.Pass.TypesInfo.Types[call.Fun]; ok && tv.IsType() && len(call.Args) == 1 {
		return f.Fold(call.Args[0])
	}
	fn, ok := typeutil.Callee(f.Pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || len(call.Args) == 0 {
		return Hole
	}
	switch fn.Pkg().Path() + "." + fn.Name() {
	case "fmt.Sprintf":
		format, known := f.ConstantText(call.Args[0])
		if !known {
			return Hole
		}
		return f.foldFormat(format, call.Args[1:])
	case "fmt.Sprint":
		var b strings.Builder
		for _, a := range call.Args {
			b.WriteString(f.Fold(a))
		}
		return b.String()
	case "strings.Join":
		lits := f.Literals(call.Args[0])
		if len(lits) != 1 || len(call.Args) != 2 {
			return Hole
		}
		var parts []string
		for _, elt := range lits[0].Elts {
			parts = append(parts, f.Fold(elt))
		}
		return strings.Join(parts, f.Fold(call.Args[1]))
	}
	return Hole
}

// foldFormat puts the arguments where a format has %s, %v, %d or %q.
func (f *Trace) foldFormat(format string, args []ast.Expr) string {
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
			if tv := f.Pass.TypesInfo.Types[args[0]]; tv.Value != nil && tv.Value.Kind() == constant.Int {
				b.WriteString(tv.Value.ExactString())
			} else {
				b.WriteString(f.Fold(args[0]))
			}
			args = args[1:]
		default:
			b.WriteString(Hole)
		}
	}
	return b.String()
}

// bytesText returns the bytes of an array or slice literal.
func (f *Trace) bytesText(lit *ast.CompositeLit) (string, bool) {
	t := f.Pass.TypesInfo.TypeOf(lit)
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
		v, ok := constant.Uint64Val(constant.ToInt(valueOf(f.Pass.TypesInfo, e)))
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
