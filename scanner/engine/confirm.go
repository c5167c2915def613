package engine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// hit is a literal at a place of the text.
type hit struct {
	pos int32
	lit uint16
}

// chain is the hits of one rule that stand so near to each other that they are
// looked at together, and what of the text that is. Chains do not depend on
// each other, so that a part of a text can be looked at alone.
type chain struct {
	epoch  uint32
	lit    uint16
	first  int32 // the first hit
	lo, hi int32 // the window; for a rule that runs at its keyword, hi is where the next match may start
}

// maxPending bounds the hits that wait to be put in order.
const maxPending = 1 << 12

// findHits finds the literals of s.text and confirms each, in order of place.
// s.hits from base on is its own to use.
func (s *Scanner) findHits(base int) error {
	s.begin()
	var failed error
	flush := func(before int) {
		pending := s.hits[base:]
		sortHits(pending)
		n := 0
		for n < len(pending) && int(pending[n].pos) < before {
			failed = errors.Join(failed, s.confirmHit(pending[n]))
			n++
		}
		s.hits = s.hits[:base+copy(pending, pending[n:])]
	}
	s.e.lits.scan(s.text, func(lit, pos int) {
		s.hits = append(s.hits, hit{int32(pos), uint16(lit)})
		if len(s.hits)-base >= maxPending {
			// Literals are found up to their own length late.
			flush(pos - s.e.lits.longest)
		}
	})
	flush(len(s.text))
	s.end()
	return failed
}

func sortHits(h []hit) { slices.SortFunc(h, compareHits) }

func compareHits(a, b hit) int { return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(a.lit, b.lit)) }

// begin forgets the chains of the text before.
func (s *Scanner) begin() {
	s.epoch++
	s.open = s.open[:0]
	s.names = nameCache{}
	s.from = origin{}
}

// end runs the chains that are still open.
func (s *Scanner) end() {
	for _, r := range s.open {
		s.runChain(&s.e.rules[r], &s.chains[r])
	}
	s.open = s.open[:0]
}

// confirmHit runs the rules that want a literal where it stands.
func (s *Scanner) confirmHit(h hit) error {
	if keep := s.delta.keep; keep != nil && s.depth == 0 {
		keep.hits = append(keep.hits, h)
	}
	s.from.lit = h.lit
	l := &s.e.lits.lits[h.lit]
	for _, r := range l.rules {
		if err := s.confirm(r, int(h.pos), len(l.text)); err != nil {
			return err
		}
	}
	return nil
}

// confirm runs a rule at one of its keywords.
func (s *Scanner) confirm(r int32, pos, klen int) error {
	c := &s.e.rules[r]
	if s.Path != "" && !s.applies(c) {
		return nil
	}
	s.from.hit = int32(pos)
	if len(c.Names) > 0 {
		return s.confirmAssignment(c, pos, klen)
	}
	if c.Pattern == "" {
		return nil
	}
	if err := c.ready(); err != nil {
		return err
	}
	ch := &s.chains[r]
	fresh := ch.epoch != s.epoch
	switch {
	case c.Anywhere:
		if fresh {
			ch.epoch = s.epoch
			return s.confirmWhole(r)
		}
	case c.atKeyword:
		s.confirmHere(c, ch, pos, klen)
	default:
		lo, hi := c.window(s.text, pos, klen)
		if !fresh && lo <= int(ch.hi) {
			ch.hi = max(ch.hi, int32(hi))
			return nil
		}
		if fresh {
			s.open = append(s.open, r)
		} else {
			from := s.from
			s.runChain(c, ch)
			s.from = from
		}
		*ch = chain{epoch: s.epoch, lit: s.from.lit, first: int32(pos), lo: int32(lo), hi: int32(hi)}
	}
	return nil
}

// runChain looks for matches in a chain's window.
func (s *Scanner) runChain(c *compiled, ch *chain) {
	lo, hi := int(ch.lo), int(ch.hi)
	s.from = origin{hit: ch.first, lit: ch.lit}
	for _, text := range c.shape.required {
		if !bytes.Contains(s.text[lo:hi], text) {
			return
		}
	}
	for at := lo; at < hi; {
		m := c.re.FindSubmatchIndex(s.text[at:hi])
		if m == nil {
			break
		}
		shift(m, at)
		if next := insideWord(s.text, m[0], lo); next > m[0] {
			at = next
			continue
		}
		if c.Reach > 0 || holdsAny(s.text[m[0]:m[1]], c.literals) {
			s.candidate(c, m)
		}
		at = max(m[1], at+1)
	}
}

// maxBefore is how far before its keyword a match may start for each place to
// be tried by itself, in bytes.
const maxBefore = 4

// confirmHere runs a rule whose matches start at their keyword, or a few bytes
// before it, at just those places.
func (s *Scanner) confirmHere(c *compiled, ch *chain, pos, klen int) {
	if ch.epoch == s.epoch && pos < int(ch.hi) {
		return
	}
	*ch = chain{epoch: s.epoch, lit: s.from.lit, first: int32(pos), hi: int32(pos) + 1}
	hi := min(len(s.text), pos+klen+c.length()+1)
	for at := max(0, pos-c.shape.before); at <= pos; at++ {
		if !c.mayStart(s.text, at) {
			continue
		}
		if m := c.re.FindSubmatchIndex(s.text[at:hi]); m != nil && at+m[1] > pos {
			shift(m, at)
			s.candidate(c, m)
			ch.hi = int32(m[1])
			return
		}
	}
}

// mayStart checks the assertion that the expression starts with.
func (c *compiled) mayStart(text []byte, at int) bool {
	switch c.shape.leading {
	case leadWord:
		return at == 0 || at >= len(text) || isWord(text[at-1]) != isWord(text[at])
	case leadLine:
		return at == 0 || text[at-1] == '\n'
	}
	return true
}

// insideWord returns where to look on when a match starts at the very edge of
// its window and the edge cuts a word in two, so that its word boundary is
// none; otherwise it returns start.
func insideWord(text []byte, start, lo int) int {
	if start != lo || lo == 0 || !isWord(text[lo-1]) || !isWord(text[lo]) {
		return start
	}
	for start < len(text) && isWord(text[start]) {
		start++
	}
	return start
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// holdsAny tells whether the text holds one of the lower-case literals.
func holdsAny(text []byte, literals [][]byte) bool {
	for _, l := range literals {
		for i := 0; i+len(l) <= len(text); i++ {
			if equalLower(text[i:], l) {
				return true
			}
		}
	}
	return false
}

// applies tells whether the rule holds for the path: its own condition is met
// and no allow list of its own takes the whole path out.
func (s *Scanner) applies(c *compiled) bool {
	if s.Path == "" || c.Path == "" && len(c.Rule.Allow) == 0 {
		return true
	}
	if c.ready() != nil {
		return true // confirm reports the error
	}
	if c.path != nil && !c.path.MatchString(s.Path) {
		return false
	}
	for i := range c.allow {
		if c.allow[i].pathAlone(s.Path) {
			return false
		}
	}
	return true
}

// confirmWhole runs a rule without a usable keyword over the whole text.
func (s *Scanner) confirmWhole(r int32) error {
	c := &s.e.rules[r]
	if err := c.ready(); err != nil || !s.applies(c) {
		return err
	}
	for _, m := range c.re.FindAllSubmatchIndex(s.text, -1) {
		s.candidate(c, m)
	}
	return nil
}

// length is the longest match that is looked for, in bytes.
func (c *compiled) length() int {
	if n := c.shape.maxLen; n >= 0 && n <= c.maxLength() {
		return n
	}
	return c.maxLength()
}

// window returns the bytes in which every match lies that holds the keyword at
// pos (or stands within reach of it), and one more on either side for the
// expression's word boundaries to look at.
func (c *compiled) window(text []byte, pos, klen int) (lo, hi int) {
	before, after := c.around()
	lo = max(0, pos-before)
	hi = min(len(text), pos+klen+after)
	if !c.shape.multiline && c.Reach == 0 {
		if i := lastNewline(text[lo:pos]); i >= 0 {
			lo += i + 1
		}
		if i := bytes.IndexByte(text[pos+klen:hi], '\n'); i >= 0 {
			hi = pos + klen + i + 1
		}
	}
	return lo, hi
}

// lastNewline returns where the last line feed stands, or -1. It looks at
// eight bytes at a time, which bytes.LastIndexByte does not.
func lastNewline(b []byte) int {
	const (
		feeds = 0x0a0a0a0a0a0a0a0a
		ones  = 0x0101010101010101
		tops  = 0x8080808080808080
	)
	n := len(b)
	for n >= 8 {
		x := binary.LittleEndian.Uint64(b[n-8:]) ^ feeds
		if (x-ones)&^x&tops != 0 {
			break
		}
		n -= 8
	}
	for n > 0 {
		if n--; b[n] == '\n' {
			return n
		}
	}
	return -1
}

// around returns how many bytes before and behind a keyword are looked at.
func (c *compiled) around() (before, after int) {
	length := c.length()
	before = c.shape.before
	if before < 0 || before > length || c.Reach > 0 {
		before = length
	}
	return before + c.Reach + 1, length + c.Reach + 1
}

// unboundedLine is how far a rule without a bound looks along a line, in bytes.
const unboundedLine = 2048

func (c *compiled) maxLength() int {
	if c.MaxLength > 0 {
		return c.MaxLength
	}
	if c.shape.maxLen > 0 {
		return max(c.shape.maxLen, unboundedLine)
	}
	return unboundedLine
}

func shift(m []int, by int) {
	for i := range m {
		if m[i] >= 0 {
			m[i] += by
		}
	}
}

// secretSpan returns the group that holds the secret.
func (c *compiled) secretSpan(m []int) (start, end int) {
	if c.group > 0 && m[2*c.group] >= 0 {
		return m[2*c.group], m[2*c.group+1]
	}
	for g := 2; g+1 < len(m); g += 2 {
		if m[g] >= 0 && m[g+1] > m[g] {
			return m[g], m[g+1]
		}
	}
	return m[0], m[1]
}

// candidate takes a match of a rule's expression through the filters.
func (s *Scanner) candidate(c *compiled, m []int) {
	start, end := c.secretSpan(m)
	secret := s.text[start:end]
	entropy := shannon(secret)
	if why := s.judge(c, value{text: secret, quoted: true}, entropy, s.text[m[0]:m[1]], start); why != "" {
		s.drop(c.Rule, start, end, why)
		return
	}
	s.add(Match{
		Rule: c.Rule, Start: start, End: end, FullStart: m[0], FullEnd: m[1],
		Secret: secret, Entropy: entropy, priority: c.priority,
	})
}

// judge returns why the value is not a secret, or "".
func (s *Scanner) judge(c *compiled, v value, entropy float64, full []byte, start int) string {
	switch {
	case c.MinEntropy > 0 && entropy < c.MinEntropy:
		return "entropy below the rule's minimum"
	case c.checksum != nil && !c.checksum.Verify(v.text):
		return "the provider's checksum does not fit"
	}
	if why := implausible(c.Filters, v, entropy, len(c.Names) > 0); why != "" {
		return why
	}
	for _, sets := range [2][]allowSet{s.e.allow, c.allow} {
		for i := range sets {
			if sets[i].contentAt(s.Path, v.text, full, func() []byte { return lineAround(s.text, start) }) {
				return "allowed: " + sets[i].reason()
			}
		}
	}
	return ""
}

func lineAround(text []byte, pos int) []byte {
	lo := bytes.LastIndexByte(text[:pos], '\n') + 1
	hi := len(text)
	if i := bytes.IndexByte(text[pos:], '\n'); i >= 0 {
		hi = pos + i
	}
	return text[lo:hi]
}
