package engine

import (
	"encoding/binary"

	"github.com/remint/remint/scanner/engine/ngram"
	"github.com/remint/remint/scanner/rule"
)

// literals finds every place where one of a set of literals stands in a text,
// in any ASCII case, in one pass. Each literal is represented by two
// neighbouring runs of four bytes, its rarest, so that looking at every second
// place finds one of them. A bitmap of hashed runs, small enough to stay in
// the second cache level and sparse enough that a hit is rare, dismisses nearly every place, and only then is the literal
// compared. Checking one place depends on no earlier one, so the processor
// checks several at a time; a state machine would wait for itself at every byte.
type literals struct {
	bitmap [gramSlots / 64]uint64
	first  [gramSlots >> chainShift]int32 // 1 + index of a chain's first entry, 0 for none
	entry  []gramEntry
	lits   []literal
	// longest is the length of the longest literal, in bytes.
	longest int
}

type literal struct {
	text  []byte // lower case
	rules []int32
}

// gramEntry says that a run of four bytes of a literal has a slot's hash.
type gramEntry struct {
	gram uint32 // folded
	next int32
	lit  uint16
	at   int8 // where in the literal the run starts; -1 is the byte before it
}

const (
	gramBits  = 20
	gramSlots = 1 << gramBits
	// chainShift makes many slots share a chain of entries.
	chainShift = gramBits - 17
	gramMul    = 0x9E3779B1
	// foldMask makes ASCII letters lower case; what it does to other bytes
	// does not matter, because it is done to text and literal alike.
	foldMask = 0x2020202020202020
	foldGram = foldMask & 0xffffffff
	// minLiteral is the shortest literal that the bitmap can serve.
	minLiteral = 3
)

func gramHash(g uint32) uint32 { return (g * gramMul) >> (32 - gramBits) }

// newLiterals builds the table. The literals are lower case, distinct and at
// least minLiteral bytes long.
func newLiterals(lits []literal) *literals {
	t := &literals{lits: lits, entry: make([]gramEntry, 0, 3*len(lits))}
	for i := range lits {
		t.add(i)
		t.longest = max(t.longest, len(lits[i].text))
	}
	return t
}

func (t *literals) add(lit int) {
	text := t.lits[lit].text
	if len(text) > 4 {
		best := rarestPair(text)
		t.insert(binary.LittleEndian.Uint32(text[best:]), lit, best)
		t.insert(binary.LittleEndian.Uint32(text[best+1:]), lit, best+1)
		return
	}
	// A literal this short does not fill two runs: the byte beyond it has
	// every folded value.
	for b := uint32(0x20); b < 0x100; b++ {
		if b&0x20 == 0 {
			continue
		}
		if len(text) == minLiteral {
			three := uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16
			t.insert(three|b<<24, lit, 0)
			t.insert(three<<8|b, lit, -1)
		} else {
			t.insert(binary.LittleEndian.Uint32(text)>>8|b<<24, lit, 1)
		}
	}
	if len(text) == 4 {
		t.insert(binary.LittleEndian.Uint32(text), lit, 0)
	}
}

func (t *literals) insert(gram uint32, lit, at int) {
	gram |= foldGram
	h := gramHash(gram)
	t.bitmap[h>>6] |= 1 << (h & 63)
	t.entry = append(t.entry, gramEntry{gram: gram, next: t.first[h>>chainShift], lit: uint16(lit), at: int8(at)})
	t.first[h>>chainShift] = int32(len(t.entry))
}

// rarestPair returns where in a literal of five bytes or more the two
// neighbouring runs of four start that are rarest in source code, as the
// n-gram model has it.
func rarestPair(text []byte) int {
	best, rarity := 0, -1.0
	for i := 0; i+5 <= len(text) && i < 120; i++ {
		if cost := min(ngram.Cost(text[i:i+4]), ngram.Cost(text[i+1:i+5])); cost > rarity {
			best, rarity = i, cost
		}
	}
	return best
}

// scan calls hit once for every literal and place, roughly in order of place.
func (t *literals) scan(text []byte, hit func(lit, pos int)) {
	bm := &t.bitmap
	i := 0
	for ; i+12 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:]) | foldMask
		y := binary.LittleEndian.Uint64(text[i+4:]) | foldMask
		h0 := gramHash(uint32(x))
		h1 := gramHash(uint32(x >> 16))
		h2 := gramHash(uint32(y))
		h3 := gramHash(uint32(y >> 16))
		b0, b1 := bm[h0>>6]>>(h0&63)&1, bm[h1>>6]>>(h1&63)&1
		b2, b3 := bm[h2>>6]>>(h2&63)&1, bm[h3>>6]>>(h3&63)&1
		if b0|b1|b2|b3 == 0 {
			continue
		}
		if b0 != 0 {
			t.check(text, i, uint32(x), h0, hit)
		}
		if b1 != 0 {
			t.check(text, i+2, uint32(x>>16), h1, hit)
		}
		if b2 != 0 {
			t.check(text, i+4, uint32(y), h2, hit)
		}
		if b3 != 0 {
			t.check(text, i+6, uint32(y>>16), h3, hit)
		}
	}
	// The last runs: at most eleven bytes are left, padded so that a literal
	// at the very end still fills one.
	var tail [16]byte
	n := copy(tail[:], text[i:])
	for j := 0; j < n; j += 2 {
		g := binary.LittleEndian.Uint32(tail[j:]) | foldGram
		if h := gramHash(g); bm[h>>6]>>(h&63)&1 != 0 {
			t.check(text, i+j, g, h, hit)
		}
	}
}

func (t *literals) check(text []byte, pos int, gram, h uint32, hit func(lit, pos int)) {
	for e := t.first[h>>chainShift]; e != 0; {
		en := &t.entry[e-1]
		e = en.next
		if en.gram != gram {
			continue
		}
		start := pos - int(en.at)
		if l := t.lits[en.lit].text; start >= 0 && start+len(l) <= len(text) && equalLower(text[start:start+len(l)], l) {
			hit(int(en.lit), start)
		}
	}
}

// equalLower tells whether text, in ASCII lower case, is lower.
func equalLower(text, lower []byte) bool {
	for i, c := range lower {
		d := text[i]
		if d >= 'A' && d <= 'Z' {
			d |= 0x20
		}
		if c != d {
			return false
		}
	}
	return true
}

func lowerASCII(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return b
}

// separators are how the words of a name may be joined in a text.
var separators = [...]string{"", "_", "-", ".", " "}

// spellings returns every way in which a name may be written, lower case: its
// words run together or joined by one of the separators.
func spellings(name string) []string {
	words := splitName(name)
	if len(words) < 2 {
		return words
	}
	out := make([]string, 0, len(separators))
	for _, sep := range separators {
		s := words[0]
		for _, w := range words[1:] {
			s += sep + w
		}
		out = append(out, s)
	}
	return out
}

func splitName(name string) []string {
	var words []string
	start := 0
	b := string(lowerASCII(name))
	for i := 0; i <= len(b); i++ {
		if i == len(b) || isSeparator(b[i]) {
			if i > start {
				words = append(words, b[start:i])
			}
			start = i + 1
		}
	}
	return words
}

func isSeparator(c byte) bool { return c == '_' || c == '-' || c == '.' || c == ' ' }

// collectLiterals gives every rule's keywords and spelled-out names, each
// literal once with the rules that want it: those that are looked for in texts
// and, for rules of a path alone, those looked for in paths. Rules that have a
// keyword too short for the table, or none, come back as loose.
func collectLiterals(rules []compiled) (inText, inPath []literal, loose []int32) {
	text := literalSet{at: make(map[string]int, 4*len(rules))}
	path := literalSet{at: make(map[string]int)}
	for i := range rules {
		words := keywordsOf(rules[i].Rule)
		short := len(words) == 0
		for _, w := range words {
			short = short || len(w) < minLiteral
		}
		switch {
		case rules[i].Pattern == "":
			path.add(words, int32(i))
		case short:
			loose = append(loose, int32(i))
		default:
			text.add(words, int32(i))
		}
	}
	return text.lits, path.lits, loose
}

type literalSet struct {
	at   map[string]int
	lits []literal
}

func (s *literalSet) add(words []string, r int32) {
	for _, w := range words {
		k, ok := s.at[w]
		if !ok {
			k = len(s.lits)
			s.at[w] = k
			s.lits = append(s.lits, literal{text: []byte(w)})
		}
		if l := &s.lits[k]; len(l.rules) == 0 || l.rules[len(l.rules)-1] != r {
			l.rules = append(l.rules, r)
		}
	}
}

func keywordsOf(r *rule.Rule) []string {
	var words []string
	for _, n := range r.Names {
		words = append(words, literalsOfName(n)...)
	}
	if len(r.Names) == 0 {
		for _, k := range r.Keywords {
			words = append(words, string(lowerASCII(k)))
		}
	}
	return words
}

// commonWords are words of names that are too common in code to look for by
// themselves.
var commonWords = [...]string{
	"access", "token", "secret", "client", "account", "service", "password", "passwd", "private", "public", "webhook", "signing",
	"personal", "application", "developer", "management", "encryption", "integration", "credential", "credentials", "connection",
	"database", "storage", "session", "master", "project", "license", "subscription", "production", "server", "consumer", "shared",
	"admin", "oauth", "bearer", "value", "string", "security", "authorization", "authentication", "refresh", "publish", "deploy",
	"write", "search", "sandbox", "test", "live", "user", "apikey", "header", "registry", "default", "config", "internal", "passphrase",
	"function", "memory", "plugin", "remote", "central", "actions", "crypto", "scanner", "tokens", "registration", "upload",
	"auth", "pass", "pwd", "data", "sign", "host", "mail", "smtp", "role", "root", "site", "team", "work", "code", "zone", "base", "node",
	"page", "file", "name", "path", "type", "main", "core", "meta", "form", "flow", "line", "plan", "open", "prod", "rest", "http", "json",
	"cred", "push", "mode", "chat", "send", "gate", "load", "loop", "read", "keys", "full", "user", "real", "time", "tool", "link", "bank",
	"cash", "ship", "sale", "shop", "trip", "view", "walk", "wise", "blob", "bind", "bolt", "byte", "port", "temp", "text", "list", "last",
	"next", "sync", "edge", "beta", "call", "feed", "item", "mark", "move", "pool", "post", "pull", "rate", "ring", "room", "rule", "scan",
	"self", "side", "slot", "star", "step", "task", "unit", "wait", "wire", "word", "yield", "vault", "cloud", "local", "state", "group",
	"email", "phone", "order", "store", "guest", "group", "model", "agent", "stage", "image", "video", "event", "queue", "table", "proxy",
	"hash", "salt", "cookie", "login", "user", "username", "email", "signature", "verification", "cluster", "workspace", "backup",
}

// distinctive is how long a word must be to be looked for by itself, in bytes.
const distinctive = 4

// literalsOfName returns what to look for in a text to find a name: its most
// distinctive word, or where all are common every way of writing it. A short
// word is taken with what can join it to its neighbour, because the prefilter
// is at its best with five bytes and more.
func literalsOfName(name string) []string {
	words := splitName(name)
	best := -1
	for i, w := range words {
		if len(w) >= distinctive && !isCommon(w) && (best < 0 || len(w) > len(words[best])) {
			best = i
		}
	}
	if best < 0 {
		return spellings(name)
	}
	w := words[best]
	if len(w) > distinctive || len(words) == 1 {
		return []string{w}
	}
	var out []string
	for _, sep := range separators {
		if best+1 < len(words) {
			next := sep
			if sep == "" {
				next = words[best+1][:1]
			}
			out = append(out, w+next)
		} else {
			prev := sep
			if sep == "" {
				prev = words[best-1][len(words[best-1])-1:]
			}
			out = append(out, prev+w)
		}
	}
	return out
}

func isCommon(word string) bool {
	for _, c := range commonWords {
		if c == word {
			return true
		}
	}
	return false
}

// squeeze returns a name in lower case without its separators.
func squeeze(name []byte) []byte {
	out := make([]byte, 0, len(name))
	for _, c := range name {
		if !isSeparator(c) {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			out = append(out, c)
		}
	}
	return out
}
