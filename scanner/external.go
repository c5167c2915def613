package scanner

import (
	"bytes"
	"slices"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
)

// External is something that another program part found in a text: an
// analyzer of Go code.
type External struct {
	Rule     *rule.Rule
	Severity rule.Severity
	Path     string
	// Start and End are its bytes in the text.
	Start, End int
	// Secret is the value; what identifies the finding.
	Secret []byte
	Note   string
}

// Findings makes findings of what was found in a text, and counts how many of
// them are silenced.
func (s *Scanner) Findings(text []byte, all []External) (findings []Finding, silenced int) {
	t := &placer{text: newText(all), body: text}
	masked := masks(all)
	for _, e := range all {
		m := engine.Match{Rule: e.Rule, Start: e.Start, End: e.End, FullStart: e.Start, FullEnd: e.End, Secret: e.Secret}
		t.text.path = e.Path
		f := Finding{
			Rule: e.Rule, Severity: e.Severity, Location: t.at(func(at int) int { return at }, e.Start, e.End),
			Snippet: snippet(text, &m, masked), Note: e.Note,
		}
		if e.Rule.Scope {
			f.Secret = Public(e.Secret)
			f.Fingerprint = s.prints.ofPublic(e.Rule.ID, slices.Concat(e.Secret, []byte{0}, []byte(s.rel(e.Path))))
		} else {
			f.Secret, f.Fingerprint = NewSecret(e.Secret), s.prints.of(e.Rule.ID, e.Secret)
		}
		if v, ok := s.opts.Severity[e.Rule.ID]; ok {
			f.Severity = v
		}
		if p := s.opts.Policy; p != nil {
			if p.Excludes(e.Path, false) {
				silenced++
				continue
			}
			if _, ok := p.decide(&f, t.marksOf(text), f.Line, e.Start, e.End); ok {
				silenced++
				continue
			}
		}
		findings = append(findings, f)
	}
	return findings, silenced
}

// masks are the secrets among what was found in a text, in order.
func masks(all []External) []engine.Match {
	var matches []engine.Match
	for _, e := range all {
		if !e.Rule.Scope {
			matches = append(matches, engine.Match{Rule: e.Rule, Start: e.Start, End: e.End})
		}
	}
	slices.SortFunc(matches, func(a, b engine.Match) int { return a.End - b.End })
	return matches
}

func newText(all []External) *text {
	if len(all) == 0 {
		return &text{}
	}
	return &text{path: all[0].Path}
}

// Merge puts findings of Go code to those of a scan: what stands at the same
// place, or is the same value on the same line, is one finding, and the scan's.
func Merge(scan, code []Finding) []Finding {
	type line struct {
		path string
		line int
	}
	known := make(map[line][]*Finding)
	for i := range scan {
		f := &scan[i]
		known[line{f.Path, f.Line}] = append(known[line{f.Path, f.Line}], f)
	}
	out := slices.Clone(scan)
	for _, f := range code {
		same := func(o *Finding) bool {
			return o.Offset < f.EndOffset && f.Offset < o.EndOffset || bytes.Equal(o.Secret.Reveal(), f.Secret.Reveal())
		}
		if !slices.ContainsFunc(known[line{f.Path, f.Line}], same) {
			out = append(out, f)
		}
	}
	sortFindings(out)
	return out
}
