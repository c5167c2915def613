package derive

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/ssa"
)

// github gathers the permissions of calls of go-github.
type github struct {
	*graph
	sources *sources
	needed  []endpoint
}

// endpoint is one that the program calls, and what it needs: all of one of the
// sets of permissions.
type endpoint struct {
	operation string
	sets      [][]grant
	at        Place
}

// grant is a permission and its level.
type grant struct{ name, level string }

// levels of a permission, each with all before it.
var levels = []string{"read", "write", "admin"}

// opens tells whether a level has another in it.
func opens(level, other string) bool {
	return level != "" && slices.Index(levels, level) >= slices.Index(levels, other)
}

func newGitHub(g *graph) *github { return &github{graph: g, sources: newSources(g.fset)} }

// add takes a call of a leaf: a service's method, or a request that the program
// makes itself.
func (h *github) add(c call) {
	if c.callee.Pkg == nil || !githubPackage.MatchString(c.callee.Pkg.Pkg.Path()) {
		return
	}
	recv := receiver(c.callee)
	if !strings.HasSuffix(recv, "Service") && recv != "Client" {
		return
	}
	var operations []string
	if recv == "Client" && strings.HasPrefix(c.callee.Name(), "New") {
		var ok bool
		if operations, ok = h.request(c); !ok {
			h.say(c, "which endpoint this request is for: its method or path is no constant")
			return
		}
	} else {
		var err error
		operations, err = h.sources.operations(c.callee)
		if err != nil {
			h.say(c, err.Error())
			return
		}
		if len(operations) == 0 && recv != "Client" {
			h.say(c, fmt.Sprintf("which endpoint %s.%s calls: its documentation names none", recv, c.callee.Name()))
		}
	}
	for _, o := range operations {
		sets, classic, ok := permissions(o)
		if !ok {
			h.say(c, "which permission "+o+" needs")
			continue
		}
		if classic != "" {
			h.say(c, fmt.Sprintf("what an App needs for %s: neither it nor a fine-grained token can call it, but a classic token with the scope %s", o, classic))
			continue
		}
		if h.writesWorkflow(c, o) {
			sets = [][]grant{append(sets[0], grant{"workflows", "write"})}
		}
		h.needed = append(h.needed, endpoint{o, sets, h.where(c)})
	}
}

// writesWorkflow tells whether a file that a call writes is a workflow, which
// needs a permission of its own.
func (h *github) writesWorkflow(c call, operation string) bool {
	var names []string
	switch method, path, _ := strings.Cut(operation, " "); {
	case method != "GET" && path == "/repos/{owner}/{repo}/contents/{path}":
		names, _ = h.texts(c.named("path"), nil)
	case method == "POST" && path == "/repos/{owner}/{repo}/git/trees":
		paths, _ := h.follow([]placed{{c.named("entries"), nil}}, []string{"Path"})
		for _, p := range paths {
			more, _ := h.texts(p.v, p.fr)
			names = append(names, more...)
		}
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, ".github/workflows/") })
}

func (h *github) say(c call, what string) {
	h.unknown = append(h.unknown, Unknown{what, h.where(c)})
}

// request reads the method and the path that a request is made with: the first
// two strings, or the path alone where the function's name tells the method.
func (h *github) request(c call) (operations []string, ok bool) {
	methods := []string{"POST"} // NewFormRequest, NewUploadRequest
	var strs []ssa.Value
	for _, a := range c.args() {
		if isString(a.Type()) {
			strs = append(strs, a)
		}
	}
	if c.callee.Name() == "NewRequest" && len(strs) > 1 {
		if methods, ok = h.texts(strs[0], nil); !ok {
			return nil, false
		}
		strs = strs[1:]
	}
	if len(strs) == 0 {
		return nil, false
	}
	paths, ok := h.texts(strs[0], nil)
	for _, p := range paths {
		p, _, _ = strings.Cut(p, "?")
		for _, m := range methods {
			operations = append(operations, m+" /"+strings.Trim(p, "/"))
		}
	}
	return operations, ok
}

// permissionList is the least that grants every endpoint. Where either of two
// will do, it is one that another endpoint needs anyway.
func (h *github) permissionList() []Permission {
	all := make(granted)
	var open []endpoint
	for _, e := range h.needed {
		if len(e.sets) == 1 {
			all.give(e, e.sets[0])
		} else if len(e.sets) > 1 {
			open = append(open, e)
		}
	}
	chosen := all.choose(open)
	slices.SortFunc(open, func(a, b endpoint) int { return cmp.Or(cmp.Compare(a.operation, b.operation), a.at.compare(b.at)) })
	for _, e := range open {
		fits := slices.DeleteFunc(slices.Clone(e.sets), func(s []grant) bool { return !slices.Contains(chosen, s[0].name) && all[s[0].name] == nil })
		set := fits[0]
		if i := slices.IndexFunc(fits, func(s []grant) bool { return all.has(s[0]) }); i >= 0 {
			set = fits[i]
		}
		all.give(e, set)
	}
	var list []Permission
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		slices.Sort(p.Operations)
		p.At = places(p.At)
		list = append(list, *p)
	}
	return list
}

// granted are permissions by name.
type granted map[string]*Permission

func (a granted) has(g grant) bool {
	return a[g.name] != nil && opens(a[g.name].Level, g.level)
}

func (a granted) give(e endpoint, set []grant) {
	for _, g := range set {
		p := a[g.name]
		if p == nil {
			p = &Permission{Name: g.name, Level: g.level}
			a[g.name] = p
		}
		if opens(g.level, p.Level) {
			p.Level = g.level
		}
		if !slices.Contains(p.Operations, e.operation) {
			p.Operations = append(p.Operations, e.operation)
		}
		p.At = append(p.At, e.at)
	}
}

// choose is the fewest permissions that are to be added for endpoints for which
// any of several will do, each of one; the ones that are named first, of
// several such sets.
func (a granted) choose(open []endpoint) []string {
	var groups [][]string
	cost := make(map[string]int)
	for _, e := range open {
		var names []string
		for i, s := range e.sets {
			names = append(names, s[0].name)
			if a[s[0].name] == nil {
				cost[s[0].name] = max(cost[s[0].name], 100+i)
			}
		}
		groups = append(groups, names)
	}
	return cover(groups, cost)
}

//go:embed github.txt
var githubText string

// permissionRow says what endpoints need.
type permissionRow struct {
	methods []string // none is all
	parts   []string
	below   bool // also what is below the path
	need    string
}

var permissionRows = sync.OnceValue(func() []permissionRow {
	rows, err := parseGitHub(githubText)
	if err != nil {
		panic(err) // a test reads it
	}
	return rows
})

func parseGitHub(text string) ([]permissionRow, error) {
	var all []permissionRow
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) != 3 || f[1][0] != '/' {
			return nil, errors.New("a row of github.txt is not methods, path and permission: " + line)
		}
		path, below := strings.CutSuffix(f[1], "/**")
		r := permissionRow{parts: strings.Split(path, "/")[1:], below: below, need: f[2]}
		if f[0] != "*" {
			r.methods = strings.Split(f[0], ",")
		}
		all = append(all, r)
	}
	return all, nil
}

// permissions are the sets of permissions of which one is needed for an
// operation, "GET /user"; or the scope of the classic token that alone can call
// it. ok is false where neither is known.
func permissions(operation string) (sets [][]grant, classic string, ok bool) {
	method, path, _ := strings.Cut(operation, " ")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	best, need := -1, ""
	for _, r := range permissionRows() {
		if w := r.weight(method, parts); w > best {
			best, need = w, r.need
		}
	}
	if best < 0 {
		return nil, "", false
	}
	if need == "-" {
		return nil, "", true
	}
	if classic, ok = strings.CutPrefix(need, "classic:"); ok {
		return nil, classic, true
	}
	usual := "write"
	if method == "GET" || method == "HEAD" {
		usual = "read"
	}
	for either := range strings.SplitSeq(need, "|") {
		var set []grant
		for one := range strings.SplitSeq(either, "+") {
			name, level, ok := strings.Cut(one, ":")
			if !ok {
				level = usual
			}
			set = append(set, grant{name, level})
		}
		sets = append(sets, set)
	}
	return sets, "", true
}

// weight is how much a row says of an endpoint, -1 where it is not of it.
func (r *permissionRow) weight(method string, parts []string) int {
	if len(r.methods) > 0 && !slices.Contains(r.methods, method) || len(parts) < len(r.parts) || len(parts) > len(r.parts) && !r.below {
		return -1
	}
	weight := 4 * len(r.parts)
	for i, p := range r.parts {
		switch {
		case p == parts[i]:
			weight += 4
		case p != "{}":
			return -1
		}
	}
	if len(r.methods) > 0 {
		weight++
	}
	if !r.below {
		weight += 2
	}
	return weight
}
