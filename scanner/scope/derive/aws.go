package derive

import (
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strconv"

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
	params := c.callee.Signature.Params()
	shift := len(c.args()) - params.Len()
	for i := range params.Len() {
		p, ok := params.At(i).Type().(*types.Pointer)
		if !ok || i+shift < 0 {
			continue
		}
		if m := inputType.FindStringSubmatch(types.TypeString(p.Elem(), nil)); m != nil {
			a.operation(c, m[1], m[2], p.Elem().Underlying().(*types.Struct), c.args()[i+shift])
			return
		}
	}
}

// operation grants what one needs, for each of the inputs that it may get.
func (a *aws) operation(c call, service, name string, input *types.Struct, arg ssa.Value) {
	inputs, known := a.objects(placed{arg, nil}, 0)
	if !known || len(inputs) == 0 {
		inputs = []placed{{}}
	}
	for _, o := range inputs {
		in := values{a.graph, o, nil}
		if o.v != nil {
			in.fields = a.fields(o, 0)
			for _, n := range a.names(placed{arg, nil}, 0) {
				merge(in.fields, a.fields(n, 0))
			}
		}
		needs := slices.Concat(tables().needs(service, name, in.set, in.surely), tables().extra[path(c.callee)])
		some := false
		for _, n := range needs {
			resources, _ := in.expand(n.arn)
			if n.arn == "" {
				resources = in.any(tables().template(service, n.action, name, input, in.set))
			}
			a.grant(c, n.action, resources)
			some = some || len(resources) > 0
		}
		for _, n := range needs {
			if !some { // nothing is asked of it, as it seems: what it is filled with was not seen
				a.grant(c, n.action, []string{"*"})
			}
		}
	}
}

// function grants what a function that is listed by its name needs.
func (a *aws) function(c call) bool {
	rows := tables().functions[path(c.callee)]
	for _, n := range rows {
		in := values{a.graph, placed{}, make(map[string][]placed)}
		for i, v := range c.args() {
			in.fields[strconv.Itoa(i)] = []placed{{v, nil}}
		}
		a.grant(c, n.action, in.any(n.arn))
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

func (a *aws) grant(c call, action string, resources []string) {
	if len(resources) == 0 {
		return
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

// covers tells whether a pattern of IAM's, with * and ?, matches a text.
func covers(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	switch {
	case pattern[0] == '*':
		return covers(pattern[1:], text) || text != "" && covers(pattern, text[1:])
	case text == "":
		return false
	case pattern[0] == '?' || pattern[0] == text[0]:
		return covers(pattern[1:], text[1:])
	}
	return false
}
