package silence

import (
	"bytes"
	"sort"
	"strings"

	"github.com/remint/remint/scanner/config"
)

// Marks are the comments in a text that allow findings:
//
//	remint:allow                      any rule
//	remint:allow made up for a test   any rule, with the reason
//	remint:allow[github-pat]          one rule
//	remint:allow[github-*, jwt] why   several, with the reason
//
// A mark holds for matches that touch its line, and where nothing but the
// comment stands on its line, also for those that start on the next. The mark
// is read whatever the language's comments look like. gitleaks:allow and
// betterleaks:allow hold for matches that touch their line, for any rule.
//
// The text must not change while its marks are in use.
type Marks struct {
	text  []byte
	marks []mark
	// The line looked at last, and how many marks it has.
	start, end, count int
}

type mark struct {
	pos      int // of the first letter
	tail     int // behind ":allow"
	gitleaks bool
	better   bool // betterleaks, which gitleaks does not know
	rules    []string
	reason   string
	// start and end bound the line; next is the end of the line below, or -1
	// where the mark does not hold for it.
	start, end, next int
}

// What marks have in common, and what stands before it.
const (
	markTail    = ":allow"
	remintMark  = "remint"
	gitleaksTag = "gitleaks"
	betterTag   = "betterleaks"
)

// maxMarks is how many marks of one line are read; a person writes one.
const maxMarks = 16

// FindMarks collects the marks of a text. It returns nil where there are none,
// which is nearly always; a nil *Marks allows nothing.
func FindMarks(text []byte) *Marks {
	m := &Marks{text: text}
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(markTail))
		if i < 0 {
			break
		}
		m.add(from + i)
		from += i + len(markTail)
	}
	if len(m.marks) == 0 {
		return nil
	}
	return m
}

// add reads the mark whose ":allow" is at pos, if it is one.
func (m *Marks) add(pos int) {
	k := mark{tail: pos + len(markTail), next: -1}
	before, after := m.text[:pos], m.text[k.tail:]
	switch {
	case bytes.HasSuffix(before, []byte(remintMark)):
		if k.pos = pos - len(remintMark); !wordEnds(before[:k.pos], after) {
			return
		}
	case bytes.HasSuffix(before, []byte(betterTag)):
		k.pos, k.gitleaks, k.better = pos-len(betterTag), true, true
	case bytes.HasSuffix(before, []byte(gitleaksTag)):
		k.pos, k.gitleaks = pos-len(gitleaksTag), true
	default:
		return
	}
	m.bounds(&k)
	if m.count++; m.count > maxMarks {
		return
	}
	if !k.gitleaks {
		var ok bool
		if k.rules, k.reason, ok = readMark(m.text[k.tail:k.end]); !ok {
			return
		}
		if commentStart(m.text[k.start:k.pos]) && k.end < len(m.text) {
			k.next = lineEnd(m.text, k.end+1)
		}
	}
	m.marks = append(m.marks, k)
}

// bounds fills in the line of a mark. Marks on one line, however long it is,
// share the work.
func (m *Marks) bounds(k *mark) {
	if m.count == 0 || k.pos >= m.end {
		from := min(m.end, k.pos)
		m.start = from + bytes.LastIndexByte(m.text[from:k.pos], '\n') + 1
		m.end = lineEnd(m.text, k.pos)
		m.count = 0
	}
	k.start, k.end = m.start, m.end
}

func lineEnd(text []byte, from int) int {
	if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
		return from + i
	}
	return len(text)
}

// wordEnds tells whether the mark is no part of a longer word.
func wordEnds(before, after []byte) bool {
	return (len(before) == 0 || !isWord(before[len(before)-1])) && (len(after) == 0 || !isWord(after[0]))
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// maxMark bounds, in bytes, how much is read after a mark.
const maxMark = 512

// readMark reads the rules and the reason after a mark. A list of rules that
// is not closed, is empty or holds something else makes it no mark: what
// silences must say plainly what.
func readMark(rest []byte) (rules []string, reason string, ok bool) {
	text := string(rest[:min(len(rest), maxMark)])
	if list, open := strings.CutPrefix(text, "["); open {
		list, after, closed := strings.Cut(list, "]")
		rules = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		if !closed || len(rules) == 0 {
			return nil, "", false
		}
		for _, r := range rules {
			if !config.ValidRulePattern(r) {
				return nil, "", false
			}
		}
		text = after
	}
	text = strings.TrimLeft(text, " \t:,;.-–—\"'")
	for _, closer := range []string{"*/", "-->", "--%>", "%>", "#}", "}}", "*)", "\"\"\"", "'''"} {
		text, _, _ = strings.Cut(text, closer)
	}
	return rules, strings.ToValidUTF8(strings.Trim(text, " \t\r,;\"'"), ""), true
}

// commentStart tells whether text, which stands on a line before a mark, only
// begins a comment: marks of punctuation, or a word that does.
func commentStart(text []byte) bool {
	const longest = 64
	text = bytes.TrimSpace(text)
	if len(text) > longest {
		return false
	}
	word := strings.ToLower(string(text))
	if word == "rem" || word == "dnl" {
		return true
	}
	for _, c := range text {
		if !bytes.ContainsRune([]byte("#/*-;%<!\"':{(@.\\|= \t"), rune(c)) {
			return false
		}
	}
	return true
}

// near calls yield for the marks that may hold for a match, until it returns
// true.
func (m *Marks) near(start, end int, yield func(*mark) bool) bool {
	if m == nil {
		return false
	}
	// Lines are in order: skip those before the match, but for the last.
	from := sort.Search(len(m.marks), func(i int) bool { return m.marks[i].end >= start })
	for above := from - 1; from > 0 && m.marks[from-1].end == m.marks[above].end; {
		from--
	}
	for i := from; i < len(m.marks) && m.marks[i].start <= end; i++ {
		if yield(&m.marks[i]) {
			return true
		}
	}
	return false
}

// touches tells whether a match has bytes on the mark's line.
func (k *mark) touches(start, end int) bool { return start <= k.end && max(end-1, start) >= k.start }

// allow tells whether a remint:allow allows a match, why, and how many lines
// below the match's first it stands.
func (m *Marks) allow(ruleID string, start, end int) (reason string, lines int, ok bool) {
	ok = m.near(start, end, func(k *mark) bool {
		if k.gitleaks || !k.allows(ruleID) {
			return false
		}
		above := k.next >= 0 && start > k.end && start <= k.next
		if !above && !k.touches(start, end) {
			return false
		}
		reason, lines = k.reason, m.linesFrom(start, k)
		if start >= k.tail && start < k.end {
			// The match itself follows the mark, and is no part of the reason.
			_, reason, _ = readMark(m.text[k.tail:start])
		}
		return true
	})
	return reason, lines, ok
}

func (k *mark) allows(ruleID string) bool {
	for _, r := range k.rules {
		if config.MatchRule(r, ruleID) {
			return true
		}
	}
	return len(k.rules) == 0
}

// Allows tells whether any mark allows a match of a rule, in bytes.
func (m *Marks) Allows(ruleID string, start, end int) bool {
	if _, _, ok := m.allow(ruleID, start, end); ok {
		return true
	}
	_, ok := m.gitleaksAllow(start, end, true)
	return ok
}

// gitleaksAllow is allow for gitleaks' marks, and betterleaks' if better.
func (m *Marks) gitleaksAllow(start, end int, better bool) (lines int, ok bool) {
	ok = m.near(start, end, func(k *mark) bool {
		if !k.gitleaks || k.better && !better || !k.touches(start, end) {
			return false
		}
		lines = m.linesFrom(start, k)
		return true
	})
	return lines, ok
}

// linesFrom counts the lines from a match's first one to a mark's.
func (m *Marks) linesFrom(start int, k *mark) int {
	if start > k.end {
		return -1
	}
	if start >= k.start {
		return 0
	}
	return bytes.Count(m.text[start:k.start], []byte{'\n'})
}
