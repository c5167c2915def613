package derive

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// placed is a value in the call that it is made in.
type placed struct {
	v  ssa.Value
	fr *frame
}

// objects are the addresses of the structs that a pointer may point to. ok is
// false where not all of them are known.
func (g *graph) objects(at placed, depth int) (all []placed, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	if a, isAlloc := at.v.(*ssa.Alloc); isAlloc {
		_, isStruct := a.Type().Underlying().(*types.Pointer).Elem().Underlying().(*types.Struct)
		return []placed{at}, isStruct
	}
	sources, ok := g.sources(at)
	if !ok {
		return nil, false
	}
	for _, s := range sources {
		more, ok := g.objects(s, depth+1)
		if !ok || len(all) > maxValues {
			return nil, false
		}
		all = append(all, more...)
	}
	return all, true
}

// names are the values that a pointer has on its way from the structs that it
// may point to: fields are set by way of each.
func (g *graph) names(at placed, depth int) (all []placed) {
	if _, isAlloc := at.v.(*ssa.Alloc); isAlloc || depth > maxDepth {
		return nil
	}
	all = []placed{at}
	sources, _ := g.sources(at)
	for _, s := range sources {
		if all = append(all, g.names(s, depth+1)...); len(all) > 4*maxValues {
			break
		}
	}
	return all
}

// sources are the values that a value was before: what a variable holds, what a
// parameter is given, what a function returns. nil comes of nothing.
func (g *graph) sources(at placed) (all []placed, ok bool) {
	fr := at.fr
	var values []ssa.Value
	switch v := at.v.(type) {
	case *ssa.Const:
		return nil, v.IsNil()
	case *ssa.Phi:
		values = v.Edges
	case *ssa.ChangeType:
		values = []ssa.Value{v.X}
	case *ssa.UnOp:
		if v.Op == token.MUL {
			values = g.held(v.X)
		}
	case *ssa.Parameter:
		values, fr, _ = g.arguments(v, fr)
	case *ssa.Call:
		return g.returned(v, 0, fr)
	case *ssa.Extract:
		if c, ok := v.Tuple.(*ssa.Call); ok {
			return g.returned(c, v.Index, fr)
		}
	case *ssa.FreeVar:
		i := slices.Index(v.Parent().FreeVars, v)
		for _, c := range g.closures[v.Parent()] {
			values = append(values, c.Bindings[i])
		}
	}
	for _, v := range values {
		all = append(all, placed{v, fr})
	}
	return all, len(all) > 0
}

// held is what a variable is set to; a list's may be a field, too, or one of a
// package.
func (g *graph) held(v ssa.Value) []ssa.Value {
	_, isList := v.Type().Underlying().(*types.Pointer).Elem().Underlying().(*types.Slice)
	switch v := v.(type) {
	case *ssa.Alloc:
		return written(v)
	case *ssa.Global:
		if isList && !g.globalSpoiled[v] {
			return g.globals[v]
		}
	case *ssa.FieldAddr:
		if f := fieldOf(v.X.Type(), v.Field); isList && g.read[f.Pkg()] && !g.spoiled[f] {
			return g.stores[f]
		}
	}
	return nil
}

// fields are the values that the fields of a struct are set to, by name, where
// it is made and in the functions that its address is passed to. A field that
// is set to nil is not set.
func (g *graph) fields(o placed, depth int) map[string][]placed {
	all := make(map[string][]placed)
	refs := o.v.Referrers()
	if refs == nil || depth > maxDepth {
		return all
	}
	for _, r := range *refs {
		switch r := r.(type) {
		case *ssa.FieldAddr:
			field := fieldOf(o.v.Type(), r.Field)
			name := field.Name()
			if g.spoiled[field] {
				all[name] = append(all[name], placed{r, o.fr}) // whose value is not known
			}
			for _, s := range *r.Referrers() {
				if s, ok := s.(*ssa.Store); ok && s.Addr == r && !isNil(s.Val) {
					all[name] = append(all[name], placed{s.Val, o.fr})
				}
			}
		case *ssa.Store: // of a whole other one
			if load, ok := r.Val.(*ssa.UnOp); ok && load.Op == token.MUL && r.Addr == o.v {
				merge(all, g.fields(placed{load.X, o.fr}, depth+1))
			}
		case ssa.CallInstruction:
			f := r.Common().StaticCallee()
			if f == nil || len(f.Blocks) == 0 {
				continue
			}
			if i := slices.Index(r.Common().Args, o.v); i >= 0 {
				merge(all, g.fields(placed{f.Params[i], &frame{f, r.Common().Args, o.fr}}, depth+1))
			}
		}
	}
	return all
}

// merge adds fields to others.
func merge(all, more map[string][]placed) {
	for name, values := range more {
		all[name] = append(all[name], values...)
	}
}

func isNil(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.IsNil()
}

// follow goes from values by the names of fields, through pointers and lists;
// "keys" are a map's keys. known is false where not all of the way is.
func (g *graph) follow(all []placed, way []string) (found []placed, known bool) {
	for _, name := range way {
		var next []placed
		for _, v := range all {
			if name == "keys" {
				keys, ok := g.keys(v, 0)
				if !ok {
					return nil, false
				}
				next = append(next, keys...)
				continue
			}
			structs, ok := g.structs(v)
			if !ok {
				return nil, false
			}
			for _, s := range structs {
				next = append(next, g.fields(s, 0)[name]...)
			}
		}
		all = next
	}
	return all, true
}

// structs are the addresses of the structs that a value leads to: by a pointer,
// or as the elements of a list.
func (g *graph) structs(at placed) (all []placed, ok bool) {
	list, isList := at.v.Type().Underlying().(*types.Slice)
	if !isList {
		return g.objects(at, 0)
	}
	elements, ok := g.elements(at, make(map[ssa.Value]bool))
	if !ok {
		return nil, false
	}
	if _, isPointer := list.Elem().Underlying().(*types.Pointer); !isPointer {
		return elements, true
	}
	for _, e := range elements {
		for _, r := range *e.v.Referrers() {
			s, isStore := r.(*ssa.Store)
			if !isStore || s.Addr != e.v {
				continue
			}
			more, ok := g.objects(placed{s.Val, e.fr}, 0)
			if !ok {
				return nil, false
			}
			all = append(all, more...)
		}
	}
	return all, true
}

// elements are the addresses of the elements of a list that is written out or
// appended to; busy are the lists that this one is made of in a loop.
func (g *graph) elements(at placed, busy map[ssa.Value]bool) (all []placed, ok bool) {
	if busy[at.v] || len(busy) > maxDepth {
		return nil, busy[at.v]
	}
	busy[at.v] = true
	defer delete(busy, at.v)
	var from []placed
	switch v := at.v.(type) {
	case *ssa.Slice:
		return indexed(v.X, at.fr), true
	case *ssa.MakeSlice:
		return indexed(v, at.fr), true
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok && b.Name() == "append" {
			from = []placed{{v.Call.Args[0], at.fr}, {v.Call.Args[1], at.fr}}
		}
	}
	if from == nil {
		if from, ok = g.sources(at); !ok {
			return nil, false
		}
	}
	for _, f := range from {
		more, ok := g.elements(f, busy)
		if !ok || len(all) > 4*maxValues {
			return nil, false
		}
		all = append(all, more...)
	}
	return all, true
}

func indexed(list ssa.Value, fr *frame) (all []placed) {
	for _, r := range *list.Referrers() {
		if at, ok := r.(*ssa.IndexAddr); ok {
			all = append(all, placed{at, fr})
		}
	}
	return all
}

// keys are the keys of a map that is written out.
func (g *graph) keys(at placed, depth int) (all []placed, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	if m, isMade := at.v.(*ssa.MakeMap); isMade {
		for _, r := range *m.Referrers() {
			if u, ok := r.(*ssa.MapUpdate); ok {
				all = append(all, placed{u.Key, at.fr})
			}
		}
		return all, true
	}
	from, ok := g.sources(at)
	if !ok {
		return nil, false
	}
	for _, f := range from {
		more, ok := g.keys(f, depth+1)
		if !ok {
			return nil, false
		}
		all = append(all, more...)
	}
	return all, true
}
