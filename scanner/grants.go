package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope"
)

// Unjudged is a file of which it is not known what it grants.
type Unjudged struct{ Path, Detail string }

// whole is a text that was read to its end, and what the engine found there.
type whole struct {
	*text
	body    []byte
	back    func(int) int
	matches []engine.Match // in order of their ends
	place   *placer
}

// grants reports what a text grants that is too wide. A text that is scanned
// in stretches is not judged, which is counted.
func (w *worker) grants(t whole) {
	if len(w.scanner.scopes) == 0 || w.collect != nil || t.inCell || !scope.Wanted(t.path) {
		return
	}
	if t.base > 0 {
		w.unjudged(t.path, fmt.Sprintf("it is longer than %d MB", maxBuffer>>20))
		return
	}
	out := scope.Read(t.path, t.body)
	w.result.Stats.Unknown += int64(out.Unknown)
	if out.Err != nil {
		w.unjudged(t.path, out.Err.Error())
	}
	masked := t.matches
	for i := range out.Grants {
		if g := &out.Grants[i]; g.Secret && !overlaps(t.matches, g.Start, g.End) {
			masked = append(slices.Clip(masked), engine.Match{Rule: cmp.Or(w.scanner.scopes[g.Rule], unreported), Start: g.Start, End: g.End})
		}
	}
	if len(masked) > len(t.matches) {
		slices.SortStableFunc(masked, func(a, b engine.Match) int { return a.End - b.End })
	}
	seen := make(map[string]int)
	for i := range out.Grants {
		g := &out.Grants[i]
		key := grantKey(g)
		seen[g.Rule+key]++
		if n := seen[g.Rule+key]; n > 1 { // who accepted the first did not accept the second
			key += "\x00" + strconv.Itoa(n)
		}
		w.grant(&t, g, []byte(key), masked)
	}
}

// unreported is the rule of a key that is masked though its rule is off.
var unreported = &rule.Rule{Pattern: "."}

func (w *worker) unjudged(path, detail string) {
	if strings.ContainsRune(detail, '\n') {
		detail = strings.Join(strings.Split(detail, "\n"), "; ")
	}
	w.result.Stats.Unjudged = append(w.result.Stats.Unjudged, Unjudged{path, detail})
}

// grant makes a finding of a grant and keeps it unless it is silenced.
func (w *worker) grant(t *whole, g *scope.Grant, key []byte, masked []engine.Match) {
	r := w.scanner.scopes[g.Rule]
	if r == nil || g.Secret && !w.scanner.opts.MaskOnly && overlaps(t.matches, g.Start, g.End) {
		return // the rule is off, or the key is reported by its own
	}
	if t.before != nil && t.before.has(g.Rule, []byte(grantKey(g)), nil) {
		w.scanner.traced(Trace{Rule: r, Filter: "it stood there before the change", Location: t.place.at(t.back, g.Start, g.End)})
		return
	}
	m := engine.Match{Rule: r, Start: g.Start, End: g.End}
	f := Finding{
		Rule: r, Severity: g.Severity, Location: t.place.at(t.back, g.Start, g.End), Secret: Public([]byte(g.Value)),
		Fingerprint: w.scanner.prints.ofPublic(r.ID, slices.Concat(key, []byte{0}, []byte(w.scanner.rel(t.path)))),
		Note:        g.Why + "; narrower: " + g.Narrower, Modified: t.changed(), Snippet: snippet(t.body, &m, masked),
	}
	if g.Subject != "" {
		f.Note = g.Subject + ": " + f.Note
	}
	if g.Secret {
		secret := t.body[g.Start:g.End]
		f.Secret, f.Fingerprint = NewSecret(secret), w.scanner.prints.of(r.ID, secret)
	}
	if v, ok := w.scanner.opts.Severity[r.ID]; ok {
		f.Severity = v
	}
	if t.wide != nil {
		f.Encodings = []string{t.wide.Name()}
	}
	if p := w.scanner.opts.Policy; p != nil {
		if d, ok := p.decide(&f, t.place.marksOf(t.body), f.Line, g.Start, g.End); ok {
			w.result.Stats.Silenced++
			w.scanner.traced(Trace{Rule: r, Silenced: d, Location: f.Location})
			return
		}
	}
	w.result.Findings = append(w.result.Findings, f)
}

// grantKey is what makes a grant the same after its lines have moved: what is
// granted, and to whom. A key is its value.
func grantKey(g *scope.Grant) string { return g.Value + "\x00" + g.Subject }

// overlaps tells whether a match has bytes of a place.
func overlaps(matches []engine.Match, start, end int) bool {
	return slices.ContainsFunc(matches, func(m engine.Match) bool { return m.Start < end && start < m.End })
}

// learnGrants adds what a text granted to what is known of it.
func (w *worker) learnGrants(k *known, path string, old []byte) {
	if len(w.scanner.scopes) == 0 || !scope.Wanted(path) {
		return
	}
	for _, g := range scope.Read(path, old).Grants {
		k.lines[knownKey(g.Rule, []byte(grantKey(&g)), nil)]++
	}
}

// byID makes rules to be found by their ids.
func byID(rules []rule.Rule) map[string]*rule.Rule {
	found := make(map[string]*rule.Rule, len(rules))
	for i := range rules {
		found[rules[i].ID] = &rules[i]
	}
	return found
}
