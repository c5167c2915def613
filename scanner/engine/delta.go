package engine

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"sort"

	"github.com/remint/remint/scanner/rule"
)

// A text that was made from another by a delta need not be looked at where it
// was copied. What a scan finds is made of parts that depend on little of the
// text: the literals it holds; for each rule, the chains of literals that
// stand near each other, with the bytes around them; and the lines that hold
// something encoded. A part that depends on copied bytes alone is taken over
// from the base; the others are looked at as in any scan. So the result is
// the same as that of a scan of the whole text, and a test asserts it.

// Copy says that Len bytes of a text from At on are those of its base from
// From on.
type Copy struct{ At, From, Len int }

// Memory is what a scan leaves for the scans of texts that are made from its
// text. It holds the secrets that were found.
type Memory struct {
	hits    []hit   // in order of place
	matches []Match // before overlaps are settled, in order of what they depend on
	size    int
	// opaque tells that nothing was kept, so that what is made from the text
	// has to be scanned whole.
	opaque bool
}

// Clone returns a memory of its own, as small as may be.
func (m *Memory) Clone() *Memory {
	return &Memory{hits: slices.Clone(m.hits), matches: slices.Clone(m.matches), size: m.size, opaque: m.opaque}
}

// maxHitShare bounds the hits that are kept to one in so many bytes: where
// they stand closer, a scan of the whole costs no more.
const maxHitShare = 16

// Incremental tells whether the rules allow for scans of deltas: gitleaks'
// meaning, and rules without a keyword of three bytes, look at the whole text.
func (e *Engine) Incremental() bool { return e.incremental }

// ScanKeep is Scan, and keeps what it learns in m.
func (s *Scanner) ScanKeep(text []byte, m *Memory) ([]Match, error) {
	*m = Memory{hits: m.hits[:0], matches: m.matches[:0], size: len(text)}
	if !s.e.incremental || bytes.IndexByte(text, 0) >= 0 {
		m.opaque = true
		return s.Scan(text)
	}
	s.matches = s.matches[:0]
	s.depth, s.focus = 0, span{0, len(text)}
	s.delta.keep = m
	err := s.pass(text)
	s.delta.keep = nil
	if err != nil {
		return nil, err
	}
	return s.remember(text, m), nil
}

// ScanDelta returns what Scan returns for text, which was made from the text
// that base remembers by these copies, in order of At, and bytes of its own.
// It keeps what it learns in m, which is not base.
func (s *Scanner) ScanDelta(text []byte, base *Memory, copies []Copy, m *Memory) ([]Match, error) {
	d := &s.delta
	d.gaps = gapsOf(d.gaps[:0], copies, len(text), base.size)
	if base.opaque || sizeOf(d.gaps) > len(text)/2 || bytes.IndexByte(text, 0) >= 0 {
		return s.ScanKeep(text, m)
	}
	*m = Memory{hits: m.hits[:0], matches: m.matches[:0], size: len(text)}
	s.matches = s.matches[:0]
	s.depth, s.focus, s.text = 0, span{0, len(text)}, text
	s.gatherHits(base, copies, m)
	d.lines = linesOf(d.lines[:0], text, d.gaps)
	err := s.confirmNear(m.hits)
	if err == nil {
		err = s.decodeLines(text)
	}
	if err != nil {
		return nil, err
	}
	s.inherit(base, copies)
	return s.remember(text, m), nil
}

// remember keeps the matches and returns those that stay.
func (s *Scanner) remember(text []byte, m *Memory) []Match {
	if len(m.hits)*maxHitShare > len(text)+1<<14 {
		m.hits, m.opaque = nil, true
	}
	if len(s.matches) == 0 {
		return nil
	}
	m.matches = append(m.matches, s.matches...)
	slices.SortFunc(m.matches, func(a, b Match) int { return cmp.Compare(a.from.at(), b.from.at()) })
	s.settle(text)
	return s.matches
}

// deltaState is what ScanDelta works with.
type deltaState struct {
	keep  *Memory
	gaps  []span // of the text, what is not copied; empty ones are seams of two copies
	lines []span // of the text, the whole lines that the gaps touch
	fresh []hit
	rules []int32 // rules that have a chain near a gap
	redo  []redone
	names []hit // those of names that were confirmed again
}

// redone says that a rule's chain, or what came in the place of one, was
// looked at again.
type redone struct{ rule, first, last int32 }

// gapsOf returns what lies between the copies. The ends of the text count as
// seams unless they are those of the base.
func gapsOf(gaps []span, copies []Copy, size, baseSize int) []span {
	at, from := 0, 0
	for _, c := range copies {
		if c.At > at || c.From != from {
			gaps = append(gaps, span{at, c.At})
		}
		at, from = c.At+c.Len, c.From+c.Len
	}
	if at < size || from != baseSize {
		gaps = append(gaps, span{at, size})
	}
	return gaps
}

func sizeOf(spans []span) int {
	n := 0
	for _, sp := range spans {
		n += sp.end - sp.start
	}
	return n
}

// touches tells whether one of the spans, which are in order, holds or borders
// on a byte of text[lo:hi].
func touches(spans []span, lo, hi int) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].end >= lo })
	return i < len(spans) && spans[i].start <= hi
}

// cuts tells whether a span cuts text[lo:hi] in two or holds a part of it.
func cuts(spans []span, lo, hi int) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].end > lo })
	return i < len(spans) && spans[i].start < hi
}

// gatherHits fills in the literals of the text: the base's where they were
// copied whole, and those that a gap has a part in.
func (s *Scanner) gatherHits(base *Memory, copies []Copy, m *Memory) {
	d, lits := &s.delta, s.e.lits
	d.fresh = d.fresh[:0]
	reach := lits.longest - 1
	for i := 0; i < len(d.gaps); {
		lo, hi := d.gaps[i].start-reach, d.gaps[i].end+reach
		for i++; i < len(d.gaps) && d.gaps[i].start-reach <= hi; i++ {
			hi = d.gaps[i].end + reach
		}
		lo, hi = max(0, lo), min(len(s.text), hi)
		lits.scan(s.text[lo:hi], func(lit, pos int) {
			if pos += lo; cuts(d.gaps, pos, pos+len(lits.lits[lit].text)) {
				d.fresh = append(d.fresh, hit{int32(pos), uint16(lit)})
			}
		})
	}
	sortHits(d.fresh)
	n := 0
	for _, c := range copies {
		at := sort.Search(len(base.hits), func(i int) bool { return int(base.hits[i].pos) >= c.From })
		for _, h := range base.hits[at:] {
			pos := int(h.pos)
			if pos >= c.From+c.Len {
				break
			}
			if pos+len(lits.lits[h.lit].text) > c.From+c.Len {
				continue
			}
			h.pos = int32(pos - c.From + c.At)
			for n < len(d.fresh) && compareHits(d.fresh[n], h) < 0 {
				m.hits = append(m.hits, d.fresh[n])
				n++
			}
			m.hits = append(m.hits, h)
		}
	}
	m.hits = append(m.hits, d.fresh[n:]...)
}

// linesOf returns the whole lines that the gaps touch, and the lines around
// them over which base64 may be wrapped.
func linesOf(lines []span, text []byte, gaps []span) []span {
	for _, g := range gaps {
		lo := lastNewline(text[:g.start]) + 1
		if n := len(lines); n > 0 && lo < lines[n-1].end {
			lo = lines[n-1].start
			lines = lines[:n-1]
		}
		hi := lineEnd(text, g.end)
		for lo > 0 {
			up := lastNewline(text[:lo-1]) + 1
			if !holdsRun(text[up:lo]) {
				break
			}
			lo = up
		}
		for last := lastLine(text, lo, hi); hi < len(text) && holdsRun(text[last:hi]); {
			last, hi = hi, lineEnd(text, hi)
		}
		if n := len(lines); n > 0 && lo <= lines[n-1].start {
			lines = lines[:n-1]
		} else if n > 0 && lo < lines[n-1].end {
			lo = lines[n-1].start
			lines = lines[:n-1]
		}
		lines = append(lines, span{lo, hi})
	}
	return lines
}

// lineEnd returns the place behind the line feed of the line that at is on.
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// lastLine returns where the last line of text[lo:hi] starts.
func lastLine(text []byte, lo, hi int) int {
	if hi > lo && text[hi-1] == '\n' {
		hi--
	}
	return lo + lastNewline(text[lo:hi]) + 1
}

// holdsRun tells whether a line holds a run of base64 long enough to go on in
// the next line.
func holdsRun(line []byte) bool {
	for i := minWrapped - 1; i < len(line); {
		n := 0
		for n < minWrapped && runByte[line[i-n]] {
			n++
		}
		if n == minWrapped {
			return true
		}
		i += minWrapped - n
	}
	return false
}

// confirmNear confirms again what depends on a gap.
func (s *Scanner) confirmNear(hits []hit) error {
	d := &s.delta
	d.rules, d.redo, d.names = d.rules[:0], d.redo[:0], d.names[:0]
	s.begin()
	for _, h := range hits {
		if !s.e.near(d, h, s.e.widest(h.lit)) {
			continue
		}
		if err := s.confirmNearHit(h); err != nil {
			return err
		}
	}
	for _, r := range d.rules {
		if err := s.confirmChains(r, hits); err != nil {
			return err
		}
	}
	slices.SortFunc(d.redo, func(a, b redone) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.first, b.first))
	})
	return nil
}

// confirmNearHit confirms the assignments at a hit, all or none of them, and
// notes the other rules whose chains have to be confirmed.
func (s *Scanner) confirmNearHit(h hit) error {
	d, l := &s.delta, &s.e.lits.lits[h.lit]
	named := false
	for _, r := range l.rules {
		c := &s.e.rules[r]
		if err := c.ready(); err != nil {
			return err
		}
		if c.Pattern == "" || !s.e.near(d, h, c.reaches()) {
			continue
		}
		if len(c.Names) > 0 {
			named = true
		} else if !slices.Contains(d.rules, r) {
			d.rules = append(d.rules, r)
		}
	}
	if !named {
		return nil
	}
	d.names = append(d.names, h)
	s.from = origin{hit: h.pos, lit: h.lit}
	for _, r := range l.rules {
		if c := &s.e.rules[r]; len(c.Names) > 0 {
			if err := s.confirmAssignment(c, int(h.pos), len(l.text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// confirmChains confirms those chains of a rule that depend on a gap.
func (s *Scanner) confirmChains(r int32, hits []hit) error {
	c := &s.e.rules[r]
	around := c.reaches()
	var failed error
	var links []hit
	near, end := false, 0
	run := func() {
		if near {
			s.begin()
			for _, h := range links {
				s.from.lit = h.lit
				failed = errors.Join(failed, s.confirm(r, int(h.pos), len(s.e.lits.lits[h.lit].text)))
			}
			s.end()
			s.delta.redo = append(s.delta.redo, redone{r, links[0].pos, links[len(links)-1].pos})
		}
		links, near = links[:0], false
	}
	for _, h := range hits {
		l := &s.e.lits.lits[h.lit]
		if !slices.Contains(l.rules, r) {
			continue
		}
		if len(links) > 0 && int(h.pos) > end {
			run()
		}
		end = max(end, int(h.pos)+len(l.text)+around.after)
		links = append(links, h)
		near = near || s.e.near(&s.delta, h, around)
	}
	run()
	return failed
}

// reach is how far a rule may look before a literal and behind it, in bytes,
// and whether it looks at whole lines.
type reach struct {
	before, after int
	line          bool
}

// reaches returns how far the rule looks, far enough to hold the next literal
// of a chain.
func (c *compiled) reaches() reach {
	if len(c.Names) > 0 {
		return reach{assignBefore, assignAfter, c.lineAllowed()}
	}
	before, after := c.around()
	chain := before + after + 2
	for _, l := range c.literals {
		chain = max(chain, before+after+len(l)+2)
	}
	return reach{chain, chain, c.lineAllowed()}
}

func (c *compiled) lineAllowed() bool {
	for i := range c.allow {
		if c.allow[i].Target == rule.TargetLine {
			return true
		}
	}
	return false
}

// widest returns how far the rules of a literal look.
func (e *Engine) widest(lit uint16) reach {
	p := &e.reaches[lit]
	if w := p.Load(); w != nil {
		return *w
	}
	var w reach
	for _, r := range e.lits.lits[lit].rules {
		c := &e.rules[r]
		if c.ready() != nil {
			continue // confirmNear reports the error
		}
		own := c.reaches()
		w = reach{max(w.before, own.before), max(w.after, own.after), w.line || own.line}
	}
	for i := range e.allow {
		w.line = w.line || e.allow[i].Target == rule.TargetLine
	}
	p.Store(&w)
	return w
}

// near tells whether what a rule looks at around a hit is not all copied.
func (e *Engine) near(d *deltaState, h hit, around reach) bool {
	lo, hi := int(h.pos)-around.before, int(h.pos)+len(e.lits.lits[h.lit].text)+around.after
	return touches(d.gaps, lo, hi) || around.line && touches(d.lines, lo, hi)
}

// decodeLines scans what is encoded in the lines that the gaps touch.
func (s *Scanner) decodeLines(text []byte) error {
	if s.e.opts.DecodeDepth <= 0 {
		return nil
	}
	if err := s.decodeNoted(text); err != nil {
		return err
	}
	for _, l := range s.delta.lines {
		s.focus = l
		if err := s.decodeRuns(text); err != nil {
			return err
		}
		if err := s.decodeEscapes(text); err != nil {
			return err
		}
	}
	return nil
}

// inherit takes over the base's matches that depend on copied bytes alone.
func (s *Scanner) inherit(base *Memory, copies []Copy) {
	if len(base.matches) == 0 {
		return
	}
	for _, c := range copies {
		at := sort.Search(len(base.matches), func(i int) bool { return int(base.matches[i].from.at()) >= c.From })
		for _, m := range base.matches[at:] {
			if int(m.from.at()) >= c.From+c.Len {
				break
			}
			m.move(c.At - c.From)
			if s.holds(&m, c.At+c.Len) {
				s.matches = append(s.matches, m)
			}
		}
	}
}

// holds tells whether a match of the base, moved to its place in the text, is
// one of the text too. end is where what was copied ends.
func (s *Scanner) holds(m *Match, end int) bool {
	d, o := &s.delta, m.from
	if o.kind == fromPiece {
		return int(o.hi) <= end && !cuts(d.lines, int(o.lo), int(o.hi))
	}
	if int(o.hit)+len(s.e.lits.lits[o.lit].text) > end {
		return false
	}
	if o.kind == fromNoted || len(m.Rule.Names) > 0 {
		_, again := slices.BinarySearchFunc(d.names, hit{o.hit, o.lit}, compareHits)
		return !again
	}
	r := s.e.byID[m.Rule.ID]
	i := sort.Search(len(d.redo), func(i int) bool {
		return d.redo[i].rule > r || d.redo[i].rule == r && d.redo[i].last >= o.hit
	})
	return i == len(d.redo) || d.redo[i].rule != r || d.redo[i].first > o.hit
}
