package derive

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/ssa"
)

// google gathers the methods that a program calls of google.golang.org/api.
type google struct {
	*graph
	sources   *sources
	documents map[string]*discovery
	methods   map[string]*method // by package and type of the call
}

// method is one of an API's, and what the program does with its call.
type method struct {
	id     string
	called map[string]bool // "Do", "Q"
	scopes []string
	at     []Place
}

func newGoogle(g *graph) *google {
	return &google{g, newSources(g.fset), make(map[string]*discovery), make(map[string]*method)}
}

// sends are the Go methods that send a call.
var sends = map[string]bool{"Do": true, "Pages": true, "Download": true}

// add takes a call of a leaf: any method of an API's call, as Files.List().Q().
func (o *google) add(c call) {
	if c.callee.Pkg == nil || !googlePackage.MatchString(c.callee.Pkg.Pkg.Path()) || !strings.HasSuffix(receiver(c.callee), "Call") {
		return
	}
	key := c.callee.Pkg.Pkg.Path() + "." + receiver(c.callee)
	m := o.methods[key]
	if m == nil {
		m = &method{called: make(map[string]bool)}
		o.methods[key] = m
	}
	m.called[c.callee.Name()] = true
	if !sends[c.callee.Name()] {
		return
	}
	m.at = append(m.at, o.where(c))
	if m.id != "" {
		return
	}
	if err := o.look(m, c.callee); err != nil {
		o.unknown = append(o.unknown, Unknown{err.Error(), o.where(c)})
	}
}

var executes = regexp.MustCompile(`Do executes the "([\w.-]+)" call`)

// look reads which method a call is of, and its scopes.
func (o *google) look(m *method, f *ssa.Function) error {
	fold := o.sources.of(f)
	do := fold.functions[receiver(f)+".Do"]
	if do == nil {
		return fmt.Errorf("which method %s.%s calls: its source is not there; run 'go mod download'", receiver(f), f.Name())
	}
	found := executes.FindStringSubmatch(do.Doc.Text())
	if found == nil {
		return fmt.Errorf("which method %s.%s calls: its documentation names none", receiver(f), f.Name())
	}
	m.id = found[1]
	doc, err := o.document(o.sources.dir(f))
	if err != nil {
		return err
	}
	scopes, ok := doc.methods[m.id]
	if !ok {
		return fmt.Errorf("which scope %s needs: it is not in its discovery document", m.id)
	}
	m.scopes = scopes
	return nil
}

// discovery is what an API's discovery document says of scopes.
type discovery struct{ methods map[string][]string }

// document reads the discovery document that lies beside a package.
func (o *google) document(dir string) (*discovery, error) {
	if d := o.documents[dir]; d != nil {
		return d, nil
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*-api.json")) // the pattern is well formed
	if len(names) != 1 {
		return nil, fmt.Errorf("which scopes are needed: there is no discovery document in %s", filepath.Base(dir))
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return nil, fmt.Errorf("read a discovery document: %w", err)
	}
	d := &discovery{make(map[string][]string)}
	var root resource
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(names[0]), err)
	}
	root.into(d.methods)
	o.documents[dir] = d
	return d, nil
}

// resource is a part of a discovery document.
type resource struct {
	Methods map[string]struct {
		ID     string
		Scopes []string
	}
	Resources map[string]*resource
}

func (r *resource) into(all map[string][]string) {
	for _, m := range r.Methods {
		all[m.ID] = m.Scopes
	}
	for _, sub := range r.Resources {
		sub.into(all)
	}
}

// answered is a method that is called, the scopes with which it answers what is
// asked of it, and those that do for more than a part.
type answered struct {
	id              string
	answers, enough []string
}

func (o *google) answered() (all []answered) {
	for _, key := range slices.Sorted(maps.Keys(o.methods)) {
		if m := o.methods[key]; len(m.at) > 0 && len(m.scopes) > 0 {
			answers, enough := googleTables().enough(m)
			all = append(all, answered{m.id, answers, enough})
		}
	}
	return all
}

// scopeList is the set of scopes with the least power that grants every method.
func (o *google) scopeList(methods []answered) []Scope {
	var groups [][]string
	for _, m := range methods {
		groups = append(groups, m.enough)
	}
	var all []Scope
	for _, name := range cover(groups, o.power()) {
		s := Scope{Name: name}
		for _, m := range o.methods {
			if slices.Contains(m.scopes, name) {
				s.Methods, s.At = append(s.Methods, m.id), append(s.At, m.at...)
			}
		}
		slices.Sort(s.Methods)
		s.At, s.Narrower = places(s.At), o.parts(s.Methods)
		all = append(all, s)
	}
	return all
}

// parts are scopes that would do for each of the methods where the program
// keeps to a part of what there is.
func (o *google) parts(methods []string) (all []string) {
	t := googleTables()
	for _, name := range slices.Sorted(maps.Keys(t.part)) {
		does := true
		for _, id := range methods {
			does = does && slices.ContainsFunc(slices.Collect(maps.Values(o.documents)), func(d *discovery) bool {
				return slices.Contains(d.methods[id], full(name))
			})
		}
		if does && !strings.Contains(name, ".addons.") {
			all = append(all, fmt.Sprintf("%s (%s)", full(name), t.part[name]))
		}
	}
	return all
}

// readOnly tells a scope that changes nothing, by how Google names them.
var readOnly = regexp.MustCompile(`[._-](?:read|readonly|read[_-]only)$`)

// power is how many methods each scope opens of the APIs that are called, twice,
// so that of two alike the one counts less that changes nothing.
func (o *google) power() map[string]int {
	all := make(map[string]int)
	for _, d := range o.documents {
		for _, scopes := range d.methods {
			for _, s := range scopes {
				all[s] += 2
			}
		}
	}
	for s := range all {
		if googleTables().wide[short(s)] {
			all[s] += wideCost
		}
		if !readOnly.MatchString(s) {
			all[s]++
		}
	}
	return all
}

// wideCost is what a scope costs beyond its methods here where it opens other
// services as well.
const wideCost = 1_000_000

//go:embed google.txt
var googleText string

type googleTable struct {
	wide map[string]bool
	part map[string]string
	not  map[string][]string // scopes by "method Go-method"
}

var googleTables = sync.OnceValue(func() *googleTable {
	t, err := parseGoogle(googleText)
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

func parseGoogle(text string) (*googleTable, error) {
	t := &googleTable{make(map[string]bool), make(map[string]string), make(map[string][]string)}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0][0] == '#':
		case f[0] == "wide" && len(f) == 2:
			t.wide[f[1]] = true
		case f[0] == "part" && len(f) > 2:
			t.part[f[1]] = strings.Join(f[2:], " ")
		case f[0] == "not" && len(f) == 4:
			t.not[f[2]+" "+f[3]] = append(t.not[f[2]+" "+f[3]], f[1])
		default:
			return nil, errors.New("google.txt has a row that is none: " + line)
		}
	}
	return t, nil
}

// enough are the scopes of a method that answer what the program asks of it, and
// those of them that do for more than a part; all, where there are no such.
func (t *googleTable) enough(m *method) (answers, enough []string) {
	var never []string
	for name := range m.called {
		never = append(never, t.not[m.id+" "+name]...)
	}
	for _, s := range m.scopes {
		if slices.Contains(never, short(s)) {
			continue
		}
		answers = append(answers, s)
		if t.part[short(s)] == "" {
			enough = append(enough, s)
		}
	}
	if len(enough) == 0 {
		enough = answers
	}
	return answers, enough
}

const scopeURL = "https://www.googleapis.com/auth/"

func short(scope string) string { return strings.TrimPrefix(scope, scopeURL) }

func full(scope string) string {
	if strings.HasPrefix(scope, "https://") {
		return scope
	}
	return scopeURL + scope
}
