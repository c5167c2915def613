// Package derive reads which calls a Go program makes of the SDKs of AWS,
// GitHub and Google, and says the narrowest grant that they need. It builds the
// program's own packages, and those between it and an SDK, as SSA; an SDK's
// functions are leaves, known by their types and by what lies in the module
// beside them. Nothing of the program is executed, and nothing is fetched.
package derive

import (
	"cmp"
	"context"
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// Needs is what a program needs to be granted.
type Needs struct {
	AWS    []Action     `json:"aws"`
	GitHub []Permission `json:"github"`
	Google []Scope      `json:"google"`
	// Unknown are calls of which it cannot be told what they need. With any,
	// the rest is a lower bound.
	Unknown []Unknown `json:"unknown"`

	methods []answered // of Google's APIs
}

// Action is an IAM action on resources.
type Action struct {
	Name string `json:"action"` // s3:GetObject
	// Resources are ARNs, with * for what is not in the program; "*" alone
	// where the action knows no kind of resource, or aws.txt does not.
	Resources []string `json:"resources"`
	At        []Place  `json:"at"`
}

// Permission is a permission of a fine-grained token or a GitHub App.
type Permission struct {
	Name  string `json:"permission"` // pull_requests
	Level string `json:"level"`      // read, write or admin
	// Operations are the endpoints that need it: "GET /repos/{owner}/{repo}/pulls".
	Operations []string `json:"operations"`
	At         []Place  `json:"at"`
}

// Scope is an OAuth scope of Google's.
type Scope struct {
	Name    string   `json:"scope"`
	Methods []string `json:"methods"` // drive.files.list
	// Narrower, with a reason, is a scope that would do for a program of a
	// certain kind.
	Narrower []string `json:"narrower,omitempty"`
	At       []Place  `json:"at"`
}

// Unknown is a call of which it is not known what it needs, and why.
type Unknown struct {
	What string `json:"what"`
	At   Place  `json:"at"`
}

// Place is a line of a file, by a path relative to the directory that was read
// where it is below that.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line))
}

// Program says what the packages need that patterns name, as the go command
// reads them in dir. Where there are commands among them, it is what these
// reach from main; else what their exported functions reach. Tests do not
// count. The go command and the modules that the program requires must be
// there.
func Program(ctx context.Context, dir string, patterns []string) (*Needs, error) {
	p, err := load(ctx, dir, patterns)
	if err != nil {
		return nil, err
	}
	g := newGraph(p)
	g.reach()
	needs := &Needs{}
	a, h, o := newAWS(g), newGitHub(g), newGoogle(g)
	for _, c := range g.calls {
		a.add(c)
		h.add(c)
		o.add(c)
		g.elsewhere(c)
	}
	g.sayOthers()
	needs.methods = o.answered()
	needs.AWS, needs.GitHub, needs.Google = a.actions(), h.permissionList(), o.scopeList(needs.methods)
	needs.Unknown = g.unknown
	needs.sort()
	return needs, nil
}

// sort puts everything into an order that does not hang on chance, once each.
func (n *Needs) sort() {
	slices.SortStableFunc(n.Unknown, func(a, b Unknown) int { return cmp.Or(a.At.compare(b.At), cmp.Compare(a.What, b.What)) })
	n.Unknown = slices.Compact(n.Unknown)
	n.AWS, n.GitHub, n.Google, n.Unknown = listed(n.AWS), listed(n.GitHub), listed(n.Google), listed(n.Unknown)
}

// listed makes a list of none where there is no list, for machines.
func listed[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// place is where something stands.
func (p *program) place(pos token.Pos) Place {
	at := p.fset.Position(pos)
	return Place{p.short(at.Filename), at.Line}
}

// short is a file's name, relative to the directory that is read or below the
// name of a module.
func (p *program) short(name string) string {
	if rel, err := filepath.Rel(p.dir, name); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	for dir := filepath.Dir(name); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if module := p.modules[dir]; module != "" {
			name = module + strings.TrimPrefix(name, dir)
			break
		}
	}
	return filepath.ToSlash(name)
}

// places are places in order, once each.
func places(all []Place) []Place {
	slices.SortFunc(all, Place.compare)
	return slices.Compact(all)
}
