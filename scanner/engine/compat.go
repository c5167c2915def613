package engine

import (
	"bytes"
	"math"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// This file is what a rule means to gitleaks (detect.go, version 8): a rule
// whose keyword stands anywhere in the text runs over the whole text, its
// expression is run a second time on its own match to find the secret, entropy
// must be above (not at) the minimum, and of the filters only the allow lists
// hold. Only the places where a match can be are looked at, where the
// expression lets that be known.

// hitList is the stretches of a text in which a rule can match.
type hitList struct {
	spans []span
	whole bool
}

func (s *Scanner) scanGitleaks(text []byte) error {
	s.text = text
	if s.lists == nil {
		s.lists = make([]hitList, len(s.e.rules))
	}
	s.touched = s.touched[:0]
	var failed error
	s.e.lits.scan(text, func(lit, pos int) {
		l := &s.e.lits.lits[lit]
		for _, r := range l.rules {
			if err := s.note(r, pos, len(l.text)); err != nil {
				failed = err
			}
		}
	})
	for _, r := range s.e.loose {
		if err := s.e.rules[r].ready(); err != nil {
			failed = err
		}
		if s.looseApplies(r, text) {
			s.touch(r)
			s.lists[r].whole = true
		}
	}
	for _, r := range s.touched {
		if c := &s.e.rules[r]; failed == nil && !c.Hidden && s.applies(c) {
			found := s.runGitleaks(r, s.lists[r])
			s.matches = append(s.matches, s.required(c, found)...)
		}
		s.lists[r] = hitList{spans: s.lists[r].spans[:0]}
	}
	if len(s.matches) > 1 {
		setLines(text, s.matches)
		s.matches = preferSpecific(s.matches)
	}
	sortByPlace(s.matches)
	return failed
}

// looseApplies tells whether a rule without a usable keyword is to run.
func (s *Scanner) looseApplies(r int32, text []byte) bool {
	words := s.e.rules[r].Keywords
	if len(words) == 0 {
		return true
	}
	lower := bytes.ToLower(text)
	for _, w := range words {
		if bytes.Contains(lower, []byte(strings.ToLower(w))) {
			return true
		}
	}
	return false
}

func (s *Scanner) touch(r int32) {
	if h := &s.lists[r]; len(h.spans) == 0 && !h.whole {
		s.touched = append(s.touched, r)
	}
}

// note remembers that a rule's keyword stands at pos.
func (s *Scanner) note(r int32, pos, klen int) error {
	c := &s.e.rules[r]
	if s.lists[r].whole || c.Pattern == "" {
		return nil
	}
	if err := c.ready(); err != nil {
		return err
	}
	s.touch(r)
	h := &s.lists[r]
	before, after := c.shape.before, c.shape.maxLen
	if !c.shape.multiline {
		// The line is the bound.
		before, after = 0, 0
	}
	if !c.shape.certain || before < 0 || after < 0 {
		h.whole = true
		return nil
	}
	lo := bytes.LastIndexByte(s.text[:max(0, pos-before)], '\n') + 1
	hi := len(s.text)
	if from := pos + klen + after; from < len(s.text) {
		if i := bytes.IndexByte(s.text[from:], '\n'); i >= 0 {
			hi = from + i + 1
		}
	}
	// One more line, so that an end-of-text anchor holds only at the end.
	if hi < len(s.text) && c.shape.anchors {
		if i := bytes.IndexByte(s.text[hi:], '\n'); i >= 0 {
			hi += i + 1
		} else {
			hi = len(s.text)
		}
	}
	if n := len(h.spans); n > 0 && lo <= h.spans[n-1].end {
		last := &h.spans[n-1]
		last.end = max(last.end, hi)
		last.start = min(last.start, lo)
	} else {
		h.spans = append(h.spans, span{lo, hi})
	}
	return nil
}

func (s *Scanner) runGitleaks(r int32, h hitList) []Match {
	c := &s.e.rules[r]
	spans := h.spans
	if h.whole {
		spans = []span{{0, len(s.text)}}
	}
	var found []Match
	for _, sp := range spans {
		for _, m := range c.re.FindAllIndex(s.text[sp.start:sp.end], -1) {
			if match, ok := s.gitleaksMatch(c, m[0]+sp.start, m[1]+sp.start); ok {
				found = append(found, match)
			}
		}
	}
	return found
}

func (s *Scanner) gitleaksMatch(c *compiled, start, end int) (Match, bool) {
	full := bytes.Trim(s.text[start:end], "\n")
	end = start + len(full)
	secret, offset := full, 0
	if m := c.re.FindSubmatchIndex(full); len(m) >= 4 {
		secret, offset = nil, 0
		if c.SecretGroup > 0 {
			if g := 2 * c.SecretGroup; g+1 < len(m) && m[g] >= 0 {
				secret, offset = full[m[g]:m[g+1]], m[g]
			}
		} else {
			secret = full
			for g := 2; g+1 < len(m); g += 2 {
				if m[g] >= 0 && m[g+1] > m[g] {
					secret, offset = full[m[g]:m[g+1]], m[g]
					break
				}
			}
		}
	}
	entropy := runeEntropy(secret)
	if c.MinEntropy != 0 && entropy <= c.MinEntropy {
		s.drop(c.Rule, start, end, "entropy not above the rule's minimum")
		return Match{}, false
	}
	for _, sets := range [2][]allowSet{s.e.allow, c.allow} {
		for i := range sets {
			if sets[i].contentAt(s.Path, secret, full, func() []byte { return gitleaksLine(s.text, start, end) }) {
				s.drop(c.Rule, start, end, "allowed: "+sets[i].reason())
				return Match{}, false
			}
		}
	}
	// The secret's place is that of the match plus its offset, except that
	// line feeds trimmed off the front move it.
	lead := bytes.Index(s.text[start:], full)
	at := start + max(lead, 0) + offset
	return Match{
		Rule: c.Rule, Start: at, End: at + len(secret), FullStart: start, FullEnd: end,
		Secret: bytes.Clone(secret), Entropy: entropy, priority: c.priority,
	}, true
}

// gitleaksLine returns the lines of a match, from the line feed before it.
func gitleaksLine(text []byte, start, end int) []byte {
	lo := max(bytes.LastIndexByte(text[:min(start+1, len(text))], '\n'), 0)
	hi := len(text)
	if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
		hi = end + i
	}
	return text[lo:max(hi, lo)]
}

// required keeps the matches whose required rules match near them.
func (s *Scanner) required(c *compiled, found []Match) []Match {
	if len(found) == 0 || len(c.Companions) == 0 {
		return found
	}
	setLines(s.text, found)
	kept := found
	for _, need := range c.Companions {
		r, ok := s.e.byID[need.Rule]
		if !ok {
			return nil
		}
		o := &s.e.rules[r]
		if o.ready() != nil || !s.applies(o) || o.Pattern == "" {
			return nil
		}
		others := s.runGitleaks(r, hitList{whole: true})
		setLines(s.text, others)
		near := kept[:0]
		for _, m := range kept {
			for i := range others {
				if s.within(need, &m, &others[i]) {
					near = append(near, m)
					break
				}
			}
		}
		kept = near
	}
	return kept
}

func (s *Scanner) within(c rule.Companion, a, b *Match) bool {
	lines := distance(a.Line, b.Line)
	if (c.Lines > 0 || c.SameLine) && lines > c.Lines {
		return false
	}
	return c.Columns == 0 && !c.SameColumn || distance(s.column(a.FullStart), s.column(b.FullStart)) <= c.Columns
}

func (s *Scanner) column(at int) int {
	return at - max(bytes.LastIndexByte(s.text[:at], '\n'), 0)
}

// preferSpecific drops what a generic rule found where another rule found the
// same secret, or more of it, on the same line.
func preferSpecific(found []Match) []Match {
	generic := false
	for i := range found {
		generic = generic || strings.Contains(strings.ToLower(found[i].Rule.ID), "generic")
	}
	if !generic {
		return found
	}
	kept := make([]Match, 0, len(found))
	for i := range found {
		if !strings.Contains(strings.ToLower(found[i].Rule.ID), "generic") || !outdone(&found[i], found) {
			kept = append(kept, found[i])
		}
	}
	return kept
}

func outdone(g *Match, found []Match) bool {
	for i := range found {
		o := &found[i]
		if o.Rule.ID != g.Rule.ID && o.Line == g.Line && bytes.Contains(o.Secret, g.Secret) &&
			!strings.Contains(strings.ToLower(o.Rule.ID), "generic") {
			return true
		}
	}
	return false
}

// runeEntropy is gitleaks' measure: characters are counted, but their share is
// taken of the bytes.
func runeEntropy(b []byte) float64 {
	ascii := true
	for _, c := range b {
		ascii = ascii && c < 0x80
	}
	if ascii {
		return shannon(b)
	}
	count := map[rune]int{}
	for _, r := range string(b) {
		count[r]++
	}
	h := 0.0
	for _, n := range count {
		p := float64(n) / float64(len(b))
		h -= p * math.Log2(p)
	}
	return h
}
