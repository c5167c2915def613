package report

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner"
)

// Conceal returns a result in which no path, person or name of a reference
// shows a secret that stands in one.
func Conceal(r *scanner.Result) *scanner.Result {
	var pairs []string
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Git != nil && isName(f.Git.Place) {
			pairs = append(pairs, string(f.Secret.Reveal()), f.Secret.String())
		}
	}
	if pairs == nil {
		return r
	}
	hide := strings.NewReplacer(pairs...).Replace
	out := *r
	out.Findings = slices.Clone(r.Findings)
	for i := range out.Findings {
		f := &out.Findings[i]
		f.Path = hide(f.Path)
		if f.Git == nil {
			continue
		}
		g := *f.Git
		g.Introduced, g.Last = concealSighting(g.Introduced, hide), concealSighting(g.Last, hide)
		g.Refs = slices.Clone(g.Refs)
		for j := range g.Refs {
			g.Refs[j] = hide(g.Refs[j])
		}
		f.Git = &g
	}
	out.Incomplete = slices.Clone(r.Incomplete)
	for i := range out.Incomplete {
		out.Incomplete[i].Path, out.Incomplete[i].Detail = hide(out.Incomplete[i].Path), hide(out.Incomplete[i].Detail)
	}
	return &out
}

// isName tells whether what stands at a place is shown beside other findings.
func isName(p scanner.Place) bool {
	switch p {
	case scanner.PlaceFileName, scanner.PlaceRefName, scanner.PlaceAuthor, scanner.PlaceCommitter, scanner.PlaceTagger:
		return true
	}
	return false
}

func concealSighting(s *scanner.Sighting, hide func(string) string) *scanner.Sighting {
	if s == nil {
		return nil
	}
	out := *s
	out.Author, out.Email, out.Path = hide(s.Author), hide(s.Email), hide(s.Path)
	return &out
}
