package longlived

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/go/types/typeutil"
)

// span works out how far from now an expression is, or how long it lasts:
// constants, time.Now().Add, AddDate, time.Date, Unix and the variables between
// them. ok is false where that is not known.
func (c *checker) span(e ast.Expr, unit string, depth int) (d time.Duration, ok bool) {
	if e == nil || depth > 20 {
		return 0, false
	}
	e = ast.Unparen(e)
	if v := c.pass.TypesInfo.Types[e].Value; v != nil {
		return constantSpan(v, unit)
	}
	switch e := e.(type) {
	case *ast.CallExpr:
		return c.callSpan(e, unit, depth+1)
	case *ast.Ident, *ast.SelectorExpr:
		return c.variableSpan(e, unit, depth+1)
	case *ast.UnaryExpr:
		return c.span(e.X, unit, depth+1)
	case *ast.BinaryExpr:
		x, okX := c.span(e.X, unit, depth+1)
		y, okY := c.span(e.Y, unit, depth+1)
		if okX && okY && e.Op.String() == "+" {
			return x + y, true
		}
	}
	return 0, false
}

// constantSpan reads a constant in a unit.
func constantSpan(v constant.Value, unit string) (time.Duration, bool) {
	if v.Kind() == constant.String {
		return textSpan(constant.StringVal(v))
	}
	n, ok := constant.Int64Val(constant.ToInt(v))
	if !ok {
		return 0, false
	}
	switch unit {
	case "unix":
		return 0, false
	case "seconds":
		if n > int64(tooFar/time.Second) {
			return tooFar, true
		}
		return time.Duration(n) * time.Second, true
	}
	return time.Duration(n), true
}

// tooFar is the longest duration, nearly 300 years.
const tooFar = time.Duration(1<<63 - 1)

// textSpan reads "768h" and "30d".
func textSpan(s string) (time.Duration, bool) {
	if d, err := time.ParseDuration(s); err == nil {
		return d, true
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") && n < 1e5 {
		return time.Duration(n) * day, true
	}
	return 0, false
}

// variableSpan follows a variable that is given one value.
func (c *checker) variableSpan(e ast.Expr, unit string, depth int) (time.Duration, bool) {
	id, ok := e.(*ast.Ident)
	if sel, isSel := e.(*ast.SelectorExpr); isSel {
		id, ok = sel.Sel, true
	}
	if !ok {
		return 0, false
	}
	v, ok := c.pass.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok {
		return 0, false
	}
	given := c.code.Uses().Given[v]
	if _, isParam := c.code.Uses().Params[v]; len(given) != 1 || isParam || v.IsField() {
		return 0, false
	}
	return c.span(given[0], unit, depth)
}

// callSpan works out what calls of package time make.
func (c *checker) callSpan(call *ast.CallExpr, unit string, depth int) (time.Duration, bool) {
	if tv, ok := c.pass.TypesInfo.Types[call.Fun]; ok && tv.IsType() && len(call.Args) == 1 {
		return c.span(call.Args[0], unit, depth)
	}
	if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "new" && len(call.Args) == 1 {
		return c.span(call.Args[0], unit, depth)
	}
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return 0, false
	}
	var base ast.Expr
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && fn.Signature().Recv() != nil {
		base = sel.X
	}
	if fn.Pkg().Path() == "time" {
		return c.timeSpan(fn.Name(), base, call.Args, unit, depth)
	}
	// What wraps a time: jwt.NewNumericDate, ptr.To, gitlab.Ptr, metav1.NewTime.
	if len(call.Args) == 1 && base == nil {
		return c.span(call.Args[0], unit, depth)
	}
	return 0, false
}

func (c *checker) timeSpan(name string, base ast.Expr, args []ast.Expr, unit string, depth int) (time.Duration, bool) {
	switch name {
	case "Now":
		return 0, true
	case "Add":
		from, ok := c.span(base, unit, depth)
		by, known := c.span(args[0], "duration", depth)
		return add(from, by), ok && known
	case "AddDate":
		from, ok := c.span(base, unit, depth)
		var days int64
		for i, per := range []int64{365, 30, 1} {
			n, known := c.span(args[i], "seconds", depth)
			ok = ok && known
			days += min(int64(n/time.Second), 1e6) * per
		}
		return add(from, time.Duration(min(days, int64(tooFar/day)))*day), ok
	case "Unix", "UnixMilli", "UTC", "Local", "Round", "Truncate", "In":
		if base != nil {
			return c.span(base, unit, depth)
		}
	case "Date":
		year := c.pass.TypesInfo.Types[args[0]].Value
		if year == nil {
			return 0, false
		}
		// From a year of the recent past, so that what is found does not
		// depend on the day.
		y, _ := constant.Int64Val(year)
		return time.Duration(min(max(y-2025, 0), 290)) * 365 * day, true
	}
	return 0, false
}

func add(a, b time.Duration) time.Duration {
	if a > 0 && b > tooFar-a {
		return tooFar
	}
	return a + b
}
