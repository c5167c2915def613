package derive

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// store keeps what reached code puts into fields and package variables.
func (g *graph) store(s *ssa.Store) {
	switch to := s.Addr.(type) {
	case *ssa.Global:
		g.globals[to] = append(g.globals[to], s.Val)
	case *ssa.FieldAddr:
		f := fieldOf(to.X.Type(), to.Field)
		g.stores[f] = append(g.stores[f], s.Val)
		if isSDK(f.Pkg()) && !followed(to.X) {
			g.spoiled[f] = true
		}
		if callback := functionOf(s.Val); callback != nil && !g.read[f.Pkg()] {
			g.outside[callback] = true
		}
	case *ssa.IndexAddr:
		g.storeElement(to)
	case *ssa.Alloc, *ssa.FreeVar:
	default:
		// Someone has a pointer, and it is not followed to what it points to.
		g.aliased = g.aliased || isString(s.Val.Type())
	}
}

// storeElement spoils a list that is kept somewhere and changed in place.
func (g *graph) storeElement(to *ssa.IndexAddr) {
	load, ok := to.X.(*ssa.UnOp)
	if !ok {
		return
	}
	switch from := load.X.(type) {
	case *ssa.Global:
		g.globalSpoiled[from] = true
	case *ssa.FieldAddr:
		g.spoiled[fieldOf(from.X.Type(), from.Field)] = true
	}
}

// followed tells a struct whose fields are read where it is made, or where the
// function is called that makes it.
func followed(base ssa.Value) bool {
	switch base := base.(type) {
	case *ssa.Alloc, *ssa.Parameter, *ssa.IndexAddr:
		return true
	case *ssa.Call:
		return makes(base, 0)
	case *ssa.Extract:
		c, ok := base.Tuple.(*ssa.Call)
		return ok && makes(c, base.Index)
	}
	return false
}

// makes tells a call of a function that makes a struct and returns it.
func makes(c *ssa.Call, result int) bool {
	f := c.Call.StaticCallee()
	return f != nil && len(f.Blocks) > 0 && !slices.ContainsFunc(returns(f, result), func(v ssa.Value) bool {
		_, makes := v.(*ssa.Alloc)
		return !makes
	})
}

// fieldAddr spoils a field whose address is passed on: whoever has it may set
// the field.
func (g *graph) fieldAddr(a *ssa.FieldAddr) {
	for _, r := range *a.Referrers() {
		switch r := r.(type) {
		case *ssa.UnOp, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.DebugRef:
			continue
		case *ssa.Store:
			if r.Addr == a || intoSDK(r) {
				continue
			}
		}
		g.spoiled[fieldOf(a.X.Type(), a.Field)] = true
	}
}

// globalRef spoils a package variable whose address is passed on.
func (g *graph) globalRef(i ssa.Instruction) {
	for _, o := range i.Operands(nil) {
		v, ok := (*o).(*ssa.Global)
		if !ok {
			continue
		}
		switch i := i.(type) {
		case *ssa.UnOp, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.DebugRef:
			continue
		case *ssa.Store:
			if i.Addr == v || intoSDK(i) {
				continue
			}
		}
		g.globalSpoiled[v] = true
	}
}

// exchanged spoils the structs that a leaf gets a pointer to, as a decoder does,
// or makes.
func (g *graph) exchanged(c call) {
	if isSDK(pkgOf(c.callee)) {
		return // it only reads what it is given
	}
	for _, a := range c.args() {
		if _, ok := a.Type().Underlying().(*types.Pointer); ok {
			g.spoil(a.Type())
		}
	}
	g.spoil(c.callee.Signature.Results())
}

// spoil gives up on the fields of a struct of the program, and of all that it
// leads to.
func (g *graph) spoil(t types.Type) {
	switch t := t.(type) {
	case *types.Tuple:
		for v := range t.Variables() {
			g.spoil(v.Type())
		}
		return
	case *types.Named:
		if t.Obj().Pkg() == nil || !g.read[t.Obj().Pkg()] {
			return
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		g.spoil(u.Elem())
	case *types.Slice:
		g.spoil(u.Elem())
	case *types.Array:
		g.spoil(u.Elem())
	case *types.Map:
		g.spoil(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if f = f.Origin(); !g.spoiled[f] {
				g.spoiled[f] = true
				g.spoil(f.Type())
			}
		}
	}
}

// intoSDK tells whether something becomes a field of an SDK's input, which only
// reads it.
func intoSDK(s *ssa.Store) bool {
	f, ok := s.Addr.(*ssa.FieldAddr)
	return ok && isSDK(fieldOf(f.X.Type(), f.Field).Pkg())
}

func isSDK(p *types.Package) bool { return p != nil && sdkPackage.MatchString(p.Path()) }

func pkgOf(f *ssa.Function) *types.Package {
	if f.Pkg == nil {
		return nil
	}
	return f.Pkg.Pkg
}
