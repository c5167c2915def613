package derive

import (
	"fmt"
	"go/types"
	"strings"

	"golang.org/x/tools/go/callgraph/vta"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"
	"golang.org/x/tools/go/types/typeutil"
)

// call is a reachable call of a function that has no body here.
type call struct {
	site   ssa.CallInstruction
	callee *ssa.Function
}

// args are the call's arguments, a method's receiver first.
func (c call) args() []ssa.Value {
	common := c.site.Common()
	if common.IsInvoke() {
		return append([]ssa.Value{common.Value}, common.Args...)
	}
	return common.Args
}

// named is the argument for the parameter of a name.
func (c call) named(name string) ssa.Value {
	params := c.callee.Signature.Params()
	for i := range params.Len() {
		if params.At(i).Name() == name {
			return c.args()[len(c.args())-params.Len()+i]
		}
	}
	return ssa.NewConst(nil, types.Typ[types.UntypedNil])
}

// where is the place of a call: of one that the compiler makes, for a method's
// value or one of an embedded struct, the first place that leads to it.
func (g *graph) where(c call) Place {
	var all []Place
	seen := make(map[*ssa.Function]bool)
	var look func(ssa.Instruction)
	look = func(i ssa.Instruction) {
		f := i.Parent()
		switch {
		case i.Pos().IsValid():
			all = append(all, g.place(i.Pos()))
		case !seen[f]:
			seen[f] = true
			for _, made := range g.closures[f] {
				look(made)
			}
			for _, from := range g.callers[f] {
				if len(g.closures[f]) == 0 {
					look(from.site)
				}
			}
		}
	}
	look(c.site)
	if all = places(all); len(all) == 0 {
		return g.place(c.site.Parent().Pos())
	}
	return all[0]
}

// graph is which functions a program reaches, and from where.
type graph struct {
	*program
	callees map[ssa.CallInstruction][]*ssa.Function
	reached map[*ssa.Function]bool
	queue   []*ssa.Function
	callers map[*ssa.Function][]call
	calls   []call // of leaves
	// outside are functions that are called from where nothing is known of
	// their arguments: exported ones, and callbacks of leaves.
	outside       map[*ssa.Function]bool
	made          typeutil.Map          // types that become an interface's value, in reached code
	foreign       map[types.Type]bool   // interfaces of leaves that values of other interfaces become
	open          []ssa.CallInstruction // dynamic calls that the flow of types does not resolve
	closures      map[*ssa.Function][]*ssa.MakeClosure
	stores        map[*types.Var][]ssa.Value // to fields of structs
	spoiled       map[*types.Var]bool        // fields whose address goes elsewhere
	globals       map[*ssa.Global][]ssa.Value
	globalSpoiled map[*ssa.Global]bool
	answering     map[ssa.Value]bool // operations whose outputs are being told
	aliased       bool               // strings are set by pointers that are not followed
	others        map[string]Place   // packages that are not read, and where they are called first
	unknown       []Unknown
}

func newGraph(p *program) *graph {
	all := ssautil.AllFunctions(p.prog)
	g := &graph{
		program: p,
		callees: make(map[ssa.CallInstruction][]*ssa.Function), reached: make(map[*ssa.Function]bool),
		callers: make(map[*ssa.Function][]call), outside: make(map[*ssa.Function]bool),
		foreign: make(map[types.Type]bool), closures: make(map[*ssa.Function][]*ssa.MakeClosure),
		stores: make(map[*types.Var][]ssa.Value), spoiled: make(map[*types.Var]bool),
		globals: make(map[*ssa.Global][]ssa.Value), globalSpoiled: make(map[*ssa.Global]bool), others: make(map[string]Place),
		answering: make(map[ssa.Value]bool),
	}
	for _, n := range vta.CallGraph(all, nil).Nodes {
		for _, e := range n.Out {
			g.callees[e.Site] = append(g.callees[e.Site], e.Callee.Func)
		}
	}
	return g
}

// reach walks from the roots to everything that they may call.
func (g *graph) reach() {
	for _, f := range g.roots() {
		g.outside[f] = true
		g.add(f)
	}
	for {
		for len(g.queue) > 0 {
			f := g.queue[0]
			g.queue = g.queue[1:]
			g.visit(f)
		}
		g.adopt()
		if !g.resolveOpen() && len(g.queue) == 0 {
			break
		}
	}
	for _, site := range g.open {
		if len(g.callees[site]) == 0 && mentionsProvider(site.Common().Signature()) && !fromSDK(site.Common().Value) {
			g.unknown = append(g.unknown, Unknown{fmt.Sprintf("what %s calls: no value of its type is made in the program", callText(site)), g.place(site.Pos())})
		}
	}
}

func (g *graph) add(f *ssa.Function) {
	if f != nil && !g.reached[f] {
		g.reached[f] = true
		g.queue = append(g.queue, f)
	}
}

func (g *graph) visit(f *ssa.Function) {
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			if site, ok := i.(ssa.CallInstruction); ok {
				g.visitCall(site)
			}
			g.visitValue(i)
			g.globalRef(i)
			// A function whose value is made may be called by someone.
			for _, o := range i.Operands(nil) {
				if f, ok := (*o).(*ssa.Function); ok {
					g.add(f)
				}
			}
		}
	}
}

func (g *graph) visitValue(i ssa.Instruction) {
	switch i := i.(type) {
	case *ssa.MakeClosure:
		f := i.Fn.(*ssa.Function)
		g.closures[f] = append(g.closures[f], i)
	case *ssa.MakeInterface:
		if c, ok := i.X.(*ssa.Const); ok && c.IsNil() {
			return // var _ I = (*T)(nil)
		}
		g.made.Set(i.X.Type(), true)
		if types.IsInterface(i.Type()) && i.Type().Underlying().(*types.Interface).Empty() {
			if _, pointer := i.X.Type().Underlying().(*types.Pointer); pointer {
				g.spoil(i.X.Type()) // a decoder may set what it points to
			}
		}
		if callback := functionOf(i.X); callback != nil {
			g.outside[callback] = true
		}
		if g.isForeign(i.Type()) {
			g.methods(i.X.Type(), i.Type())
		}
	case *ssa.ChangeType:
		g.spoil(i.Type()) // its fields were set by another name
	case *ssa.ChangeInterface:
		if g.isForeign(i.Type()) {
			g.foreign[i.Type()] = true
		}
	case *ssa.Store:
		g.store(i)
	case *ssa.FieldAddr:
		g.fieldAddr(i)
	}
}

// isForeign tells an interface whose methods leaves call.
func (g *graph) isForeign(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return t.Underlying().(*types.Interface).NumMethods() > 0
	}
	return n.Obj().Pkg() == nil || !g.read[n.Obj().Pkg()]
}

// methods reaches the methods by which a type is an interface.
func (g *graph) methods(t, iface types.Type) {
	under := iface.Underlying().(*types.Interface)
	for m := range under.Methods() {
		if f := g.prog.LookupMethod(t, m.Pkg(), m.Name()); f != nil {
			g.outside[f] = true
			g.add(f)
		}
	}
}

// adopt reaches the methods of every made type that became an interface of a
// leaf by way of another interface.
func (g *graph) adopt() {
	for iface := range g.foreign {
		g.made.Iterate(func(t types.Type, _ any) {
			if types.Implements(t, iface.Underlying().(*types.Interface)) {
				g.methods(t, iface)
			}
		})
	}
}

func (g *graph) visitCall(site ssa.CallInstruction) {
	if _, ok := site.Common().Value.(*ssa.Builtin); ok {
		return
	}
	if f := site.Common().StaticCallee(); f != nil && len(g.callees[site]) == 0 {
		g.callees[site] = []*ssa.Function{f} // in a generic function, which has no flow of types
	}
	if len(g.callees[site]) == 0 {
		g.open = append(g.open, site)
		return
	}
	for _, f := range g.callees[site] {
		g.link(site, f)
	}
}

// link makes a function one that a call reaches.
func (g *graph) link(site ssa.CallInstruction, f *ssa.Function) {
	c := call{site, f}
	g.callers[f] = append(g.callers[f], c)
	if len(f.Blocks) > 0 {
		g.add(f)
		return
	}
	g.calls = append(g.calls, c)
	g.exchanged(c)
	for _, a := range c.args() {
		if callback := functionOf(a); callback != nil {
			g.outside[callback] = true
		}
	}
}

// functionOf is the function that a value is, or nil.
func functionOf(v ssa.Value) *ssa.Function {
	switch v := v.(type) {
	case *ssa.Function:
		return v
	case *ssa.MakeClosure:
		return v.Fn.(*ssa.Function)
	case *ssa.ChangeType:
		return functionOf(v.X)
	}
	return nil
}

// resolveOpen resolves calls that the flow of types does not, because a value
// came by way of a leaf: an interface's by the types that are made. It tells
// whether it found anything new.
func (g *graph) resolveOpen() bool {
	more := false
	for _, site := range g.open {
		common := site.Common()
		if !common.IsInvoke() || len(g.callees[site]) > 0 {
			continue
		}
		g.made.Iterate(func(t types.Type, _ any) {
			if !types.Implements(t, common.Value.Type().Underlying().(*types.Interface)) {
				return
			}
			if f := g.prog.LookupMethod(t, common.Method.Pkg(), common.Method.Name()); f != nil {
				g.callees[site] = append(g.callees[site], f)
				g.link(site, f)
				more = true
			}
		})
	}
	return more
}

// mentionsProvider tells whether a signature speaks of an SDK's own types.
func mentionsProvider(s *types.Signature) bool {
	return strings.Contains(types.TypeString(s, func(p *types.Package) string {
		if callsProvider(p.Path()) {
			return "\x00"
		}
		return p.Name()
	}), "\x00")
}

// fromSDK tells a function that an SDK's function returned, as its iterators
// do: what that needs is known by the function.
func fromSDK(v ssa.Value) bool {
	if e, ok := v.(*ssa.Extract); ok {
		v = e.Tuple
	}
	c, ok := v.(*ssa.Call)
	if !ok {
		return false
	}
	f := c.Call.StaticCallee()
	return f != nil && isSDK(pkgOf(f))
}

// callText is a dynamic call as a person would name it.
func callText(site ssa.CallInstruction) string {
	c := site.Common()
	if c.IsInvoke() {
		return types.TypeString(c.Value.Type(), (*types.Package).Name) + "." + c.Method.Name()
	}
	return "a function value of type " + types.TypeString(c.Signature(), (*types.Package).Name)
}
