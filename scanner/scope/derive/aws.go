package derive

import (
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// aws gathers the IAM actions of calls of the AWS SDK for Go v2.
type aws struct {
	*graph
	byAction map[string]*awsAction
}

type awsAction struct {
	resources map[string]bool
	at        []Place
}

func newAWS(g *graph) *aws { return &aws{g, make(map[string]*awsAction)} }

// inputType is the type that an operation takes: the service's folder in the
// SDK, and the operation. S3's transfer manager has inputs of its own.
var inputType = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/(?:service|feature/s3)/([a-z0-9]+)\.([A-Z]\w*)Input$`)

// add takes a call of a leaf. Clients, paginators, waiters, presigners and the
// managers of S3 all take the input of the operation that they call.
func (a *aws) add(c call) {
	if !isSDK(pkgOf(c.callee)) {
		return
	}
	if a.function(c) || !awsPackage.MatchString(c.callee.Pkg.Pkg.Path()) {
		return
	}
	if in := c.input(); in != nil {
		a.operation(c, in)
	}
}

// input is what an operation is given.
type input struct {
	service, operation string
	fields             *types.Struct
	arg                ssa.Value
}

// input is the input that a call is given, nil where there is none.
func (c call) input() *input {
	params := c.callee.Signature.Params()
	shift := len(c.args()) - params.Len()
	for i := range params.Len() {
		p, ok := params.At(i).Type().(*types.Pointer)
		if !ok || i+shift < 0 {
			continue
		}
		if m := inputType.FindStringSubmatch(types.TypeString(p.Elem(), nil)); m != nil {
			return &input{m[1], m[2], p.Elem().Underlying().(*types.Struct), c.args()[i+shift]}
		}
	}
	return nil
}

// template is that of the ARN that an action is needed on.
func (in *input) template(action string, set func(string) bool) string {
	return tables().template(in.service, action, in.operation, in.fields, set)
}

// inputs are the inputs that a value may be, each as it is known.
func (g *graph) inputs(at placed) (all []values) {
	objects, known := g.objects(at, 0)
	if !known || len(objects) == 0 {
		return []values{{graph: g}}
	}
	for _, o := range objects {
		fields := g.fields(o, 0)
		for _, n := range g.names(at, 0) {
			merge(fields, g.fields(n, 0))
		}
		all = append(all, values{g, o, fields})
	}
	return all
}

// operation grants what one needs, for each of the inputs that it may get.
func (a *aws) operation(c call, of *input) {
	for _, in := range a.inputs(placed{of.arg, nil}) {
		needs := slices.Concat(tables().needs(of.service, of.operation, in.set, in.surely), tables().extra[path(c.callee)])
		some := false
		for i, n := range needs {
			if n.arn == "" {
				needs[i].arn = of.template(n.action, in.set)
			}
			some = a.grant(c, n.action, in.expand(needs[i].arn)) || some
		}
		for _, n := range needs {
			if !some { // nothing is asked of it, as it seems: what it is filled with was not seen
				a.grant(c, n.action, values{graph: a.graph}.expand(n.arn))
			}
		}
	}
}

// function grants what a function that is listed by its name needs.
func (a *aws) function(c call) bool {
	rows := tables().functions[path(c.callee)]
	for _, n := range rows {
		in := values{graph: a.graph, fields: make(map[string][]placed)}
		for i, v := range c.args() {
			in.fields[strconv.Itoa(i)] = []placed{{v, nil}}
		}
		a.grant(c, n.action, in.expand(n.arn))
	}
	return len(rows) > 0
}

// path is a function's package and name: "path.Type.Method".
func path(f *ssa.Function) string {
	name := f.Name()
	if recv := receiver(f); recv != "" {
		name = recv + "." + name
	}
	return f.Pkg.Pkg.Path() + "." + name
}

// grant adds an action on resources, and tells whether there are any.
func (a *aws) grant(c call, action string, resources []string) bool {
	if len(resources) == 0 {
		return false
	}
	n := a.byAction[action]
	if n == nil {
		n = &awsAction{resources: make(map[string]bool)}
		a.byAction[action] = n
	}
	for _, r := range resources {
		n.resources[r] = true
	}
	n.at = append(n.at, a.where(c))
	return true
}

// actions are what was gathered, in order. "*" covers every other resource.
func (a *aws) actions() []Action {
	var all []Action
	for _, name := range slices.Sorted(maps.Keys(a.byAction)) {
		n := a.byAction[name]
		all = append(all, Action{name, narrowed(slices.Sorted(maps.Keys(n.resources))), places(n.at)})
	}
	return all
}

// narrowed leaves out the resources that another one of them covers.
func narrowed(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(r string) bool {
		return slices.ContainsFunc(all, func(other string) bool { return other != r && covers(other, r) })
	})
}

// covers tells whether a pattern of IAM's, with * and ?, matches a text. What
// the last * stands for is made longer until the rest fits.
func covers(pattern, text string) bool {
	after, from := -1, 0 // behind the last *, and what it has of the text
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			after, from = p, t
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case after < 0:
			return false
		default:
			from++
			p, t = after, from
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
