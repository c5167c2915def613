package derive

import (
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// Bounds of how far a value is followed.
const (
	maxDepth  = 24 // steps
	maxValues = 16 // texts that it may be
)

// frame is a call that a value is followed into: its parameters are what this
// call passes, not what every caller does.
type frame struct {
	fn     *ssa.Function
	args   []ssa.Value
	parent *frame
}

// texts are the strings that a value may be, or that a *string may point to,
// with * for a part that is not known. ok is false where nothing is known.
func (g *graph) texts(v ssa.Value, fr *frame) (all []string, ok bool) {
	e := &evaluation{graph: g, busy: make(map[ssa.Value]bool)}
	all, ok = e.eval(v, fr, 0)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 || len(all) > maxValues || slices.Contains(all, "*") {
		return nil, false
	}
	return all, ok
}

type evaluation struct {
	*graph
	busy map[ssa.Value]bool
}

func (e *evaluation) eval(v ssa.Value, fr *frame, depth int) ([]string, bool) {
	if depth > maxDepth {
		return nil, false
	}
	if e.busy[v] {
		return nil, true // a loop adds nothing that is not followed already
	}
	e.busy[v] = true
	defer delete(e.busy, v)
	depth++
	switch v := v.(type) {
	case *ssa.Const:
		if v.Value != nil && v.Value.Kind() == constant.String {
			return []string{constant.StringVal(v.Value)}, true
		}
	case *ssa.ChangeType:
		return e.eval(v.X, fr, depth)
	case *ssa.Convert:
		return e.eval(v.X, fr, depth)
	case *ssa.Phi:
		return e.union(v.Edges, fr, depth)
	case *ssa.BinOp:
		return e.joined(v, fr, depth)
	case *ssa.UnOp:
		if v.Op == token.MUL {
			return e.eval(v.X, fr, depth)
		}
	case *ssa.Alloc:
		return e.pointee(v, fr, depth)
	case *ssa.Global:
		return e.unionStored(e.globals[v], e.globalSpoiled[v], depth)
	case *ssa.FieldAddr:
		f := fieldOf(v.X.Type(), v.Field)
		if isSDK(f.Pkg()) {
			return e.ofOutput(placed{v, fr}, depth)
		}
		return e.unionStored(e.stores[f], e.spoiled[f] || !e.read[f.Pkg()], depth)
	case *ssa.Field:
		f := fieldOf(v.X.Type(), v.Field)
		return e.unionStored(e.stores[f], e.spoiled[f] || !e.read[f.Pkg()], depth)
	case *ssa.IndexAddr:
		return e.element(v, fr, depth)
	case *ssa.FreeVar:
		return e.bound(v, depth)
	case *ssa.Parameter:
		return e.passed(v, fr, depth)
	case *ssa.Call:
		return e.result(v, fr, depth)
	case *ssa.Extract:
		if c, ok := v.Tuple.(*ssa.Call); ok {
			return e.returnedTexts(c, v.Index, fr, depth)
		}
	case *ssa.MakeInterface:
		if isString(v.X.Type()) {
			return e.eval(v.X, fr, depth)
		}
	}
	return nil, false
}

func (e *evaluation) union(all []ssa.Value, fr *frame, depth int) (texts []string, ok bool) {
	for _, v := range all {
		t, ok := e.eval(v, fr, depth)
		if !ok {
			return nil, false
		}
		texts = append(texts, t...)
		if len(texts) > 4*maxValues {
			return nil, false
		}
	}
	return texts, true
}

// unionStored is what is put into a variable or field anywhere in the program.
func (e *evaluation) unionStored(all []ssa.Value, spoiled bool, depth int) ([]string, bool) {
	if spoiled || len(all) == 0 {
		return nil, false
	}
	return e.union(all, nil, depth)
}

// joined is a concatenation, with * for a part that is not known.
func (e *evaluation) joined(v *ssa.BinOp, fr *frame, depth int) ([]string, bool) {
	if v.Op != token.ADD {
		return nil, false
	}
	left, ok := e.eval(v.X, fr, depth)
	if !ok {
		left = []string{"*"}
	}
	right, ok := e.eval(v.Y, fr, depth)
	if !ok {
		right = []string{"*"}
	}
	var all []string
	for _, l := range left {
		for _, r := range right {
			all = append(all, l+r)
		}
	}
	return all, len(all) > 0
}

// pointee is what a variable is set to; nothing is known of one whose address
// goes to someone else who may set it.
func (e *evaluation) pointee(v *ssa.Alloc, fr *frame, depth int) ([]string, bool) {
	var values []ssa.Value
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.Store:
			if r.Addr == v {
				values = append(values, r.Val)
			} else if e.aliased && !intoSDK(r) {
				return nil, false
			}
		case *ssa.UnOp, *ssa.DebugRef, *ssa.Return, *ssa.Phi:
		case *ssa.MakeClosure:
			values = append(values, setInside(r, v)...)
		case ssa.CallInstruction:
			if f := r.Common().StaticCallee(); f == nil || !isSDK(pkgOf(f)) {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	if len(values) == 0 {
		return nil, false
	}
	return e.union(values, fr, depth)
}

// setInside are the values that a closure puts into a variable it holds.
func setInside(c *ssa.MakeClosure, v ssa.Value) (all []ssa.Value) {
	f := c.Fn.(*ssa.Function)
	for i, b := range c.Bindings {
		if b != v {
			continue
		}
		for _, r := range *f.FreeVars[i].Referrers() {
			if s, ok := r.(*ssa.Store); ok && s.Addr == f.FreeVars[i] {
				all = append(all, s.Val)
			}
		}
	}
	return all
}

// element is any element of a list that is written out.
func (e *evaluation) element(v *ssa.IndexAddr, fr *frame, depth int) ([]string, bool) {
	if array, ok := v.X.(*ssa.Alloc); ok {
		return e.unionPlaced(indexed(array, fr), depth)
	}
	elements, ok := e.elements(placed{v.X, fr}, make(map[ssa.Value]bool))
	if !ok {
		return nil, false
	}
	return e.unionPlaced(elements, depth)
}

// unionPlaced is what is stored at any of some addresses.
func (e *evaluation) unionPlaced(addresses []placed, depth int) (texts []string, ok bool) {
	for _, a := range addresses {
		t, ok := e.union(written(a.v), a.fr, depth)
		if !ok || len(texts) > 4*maxValues {
			return nil, false
		}
		texts = append(texts, t...)
	}
	return texts, len(texts) > 0
}

// written is what is stored at an address.
func written(at ssa.Value) (all []ssa.Value) {
	for _, r := range *at.Referrers() {
		if s, ok := r.(*ssa.Store); ok && s.Addr == at {
			all = append(all, s.Val)
		}
	}
	return all
}

// bound is what a closure holds, wherever it is made.
func (e *evaluation) bound(v *ssa.FreeVar, depth int) ([]string, bool) {
	i := slices.Index(v.Parent().FreeVars, v)
	var values []ssa.Value
	for _, c := range e.closures[v.Parent()] {
		values = append(values, c.Bindings[i])
	}
	if len(values) == 0 {
		return nil, false
	}
	return e.union(values, nil, depth)
}

// passed is what a parameter is in the call that is followed, or in all calls.
func (e *evaluation) passed(v *ssa.Parameter, fr *frame, depth int) ([]string, bool) {
	args, parent, ok := e.arguments(v, fr)
	if !ok {
		return nil, false
	}
	return e.union(args, parent, depth)
}

// arguments are the values that a parameter may have, and the frame that they
// are to be read in. ok is false where not all callers are known.
func (g *graph) arguments(v *ssa.Parameter, fr *frame) (all []ssa.Value, parent *frame, ok bool) {
	f := v.Parent()
	i := slices.Index(f.Params, v)
	if fr != nil && fr.fn == f {
		return []ssa.Value{fr.args[i]}, fr.parent, true
	}
	if g.outside[f] || len(g.callers[f]) == 0 {
		return nil, nil, false
	}
	for _, c := range g.callers[f] {
		if args := c.args(); i < len(args) {
			all = append(all, args[i])
		}
	}
	return all, nil, true
}

// fieldOf is the field of a struct, or of a pointer to one; of a generic type,
// that of its declaration.
func fieldOf(t types.Type, index int) *types.Var {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return noField // of a type parameter
	}
	return s.Field(index).Origin()
}

var noField = types.NewField(token.NoPos, nil, "", types.Typ[types.Invalid], false)
