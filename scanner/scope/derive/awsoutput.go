package derive

import (
	"go/token"
	"go/types"
	"regexp"

	"golang.org/x/tools/go/ssa"
)

// outputType is the type that an operation returns.
var outputType = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/service/([a-z0-9]+)\.([A-Z]\w*)Output$`)

// ofOutput is what a field of an operation's output names: the resource that the
// operation's input does, by aws.txt.
func (e *evaluation) ofOutput(at placed, depth int) (all []string, ok bool) {
	output, name := way(at.v)
	p, ok := output.Type().Underlying().(*types.Pointer)
	if !ok {
		return nil, false
	}
	m := outputType.FindStringSubmatch(types.TypeString(p.Elem(), nil))
	if m == nil {
		return nil, false
	}
	template, ok := tables().outputs[m[1]+"."+m[2]+"."+name]
	if !ok {
		template = "{" + name + "}"
	}
	calls, ok := e.sent(placed{output, at.fr}, depth)
	for _, c := range calls {
		all = append(all, e.named(c, template)...)
	}
	return all, ok && len(all) > 0
}

// way leads from a field back to the struct that it is reached from, with the
// names of fields between.
func way(v ssa.Value) (from ssa.Value, name string) {
	for {
		if load, ok := v.(*ssa.UnOp); ok && load.Op == token.MUL && name != "" {
			if f, ok := load.X.(*ssa.FieldAddr); ok && isSDK(fieldOf(f.X.Type(), f.Field).Pkg()) {
				v = f
			}
		}
		f, ok := v.(*ssa.FieldAddr)
		if !ok {
			return v, name
		}
		if name != "" {
			name = "." + name
		}
		v, name = f.X, fieldOf(f.X.Type(), f.Field).Name()+name
	}
}

// sent are the calls of operations that an output comes from.
func (e *evaluation) sent(at placed, depth int) (all []placed, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	if x, isExtract := at.v.(*ssa.Extract); isExtract {
		c, isCall := x.Tuple.(*ssa.Call)
		if isCall && len(e.callees[c]) > 0 && isSDK(pkgOf(e.callees[c][0])) {
			return []placed{{c, at.fr}}, true
		}
	}
	from, ok := e.sources(at)
	if !ok {
		return nil, false
	}
	for _, f := range from {
		more, ok := e.sent(f, depth+1)
		if !ok || len(all) > maxValues {
			return nil, false
		}
		all = append(all, more...)
	}
	return all, true
}

// named are the ARNs of what an operation is called for.
func (e *evaluation) named(at placed, template string) (all []string) {
	site := at.v.(*ssa.Call)
	if e.answering[site] {
		return nil // its own output is among what it is given
	}
	e.answering[site] = true
	defer delete(e.answering, site)
	of := call{site, e.callees[site][0]}.input()
	if of == nil {
		return nil
	}
	for _, in := range e.inputs(placed{of.arg, at.fr}) {
		arn := template
		if template == "same" {
			arn = of.template("", in.set)
		}
		all = append(all, in.expand(arn)...)
	}
	return all
}
