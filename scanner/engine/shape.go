package engine

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape is what the engine works out about an expression before it runs it.
type shape struct {
	// maxLen is the longest match in bytes, -1 where there is no bound.
	maxLen int
	// multiline tells that a match can hold a line feed.
	multiline bool
	// anchors tells that the expression asks for the start or end of the text.
	anchors bool
	// before is how many bytes of a match can stand before its keyword, -1
	// where that is not known.
	before int
	// leading is the assertion that the expression starts with.
	leading lead
	// certain tells that every match holds a keyword.
	certain bool
	// required are texts that every match holds as they are written.
	required [][]byte
}

// lead is what an expression asserts before it takes its first byte.
type lead uint8

const (
	leadNothing lead = iota
	leadWord         // \b
	leadLine         // (?m)^
	leadOther        // anything else, or nothing that is known
)

// leadOf returns the assertion at the start of an expression.
func leadOf(re *syntax.Regexp) lead {
	switch parts := flatten(re); parts[0].Op {
	case syntax.OpWordBoundary:
		if len(parts) > 1 && leadOf(parts[1]) == leadNothing {
			return leadWord
		}
	case syntax.OpBeginLine:
		if len(parts) > 1 && leadOf(parts[1]) == leadNothing {
			return leadLine
		}
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return leadNothing
	case syntax.OpAlternate:
		for _, sub := range parts[0].Sub {
			if leadOf(sub) != leadNothing {
				return leadOther
			}
		}
		return leadNothing
	case syntax.OpPlus, syntax.OpRepeat:
		if parts[0].Op == syntax.OpPlus || parts[0].Min > 0 {
			return leadOf(parts[0].Sub[0])
		}
	}
	return leadOther
}

func shapeOf(expr string, keywords []string) (shape, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return shape{}, err
	}
	s := shape{maxLen: maxLen(re), multiline: canHold(re, '\n'), anchors: hasAnchor(re)}
	s.certain = holdsKeyword(re, keywords)
	s.before = beforeKeyword(re, keywords)
	s.leading = leadOf(re)
	s.required = required(re)
	return s, nil
}

// maxRequired is how many texts are looked for before an expression runs.
const maxRequired = 3

// required returns the longest texts that every match of the expression holds.
func required(re *syntax.Regexp) [][]byte {
	var all []string
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 && !slices.Contains(all, run.String()) {
			all = append(all, run.String())
		}
		run.Reset()
	}
	var walk func(re *syntax.Regexp)
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			for _, r := range re.Rune {
				if re.Flags&syntax.FoldCase != 0 && unicode.SimpleFold(r) != r {
					flush()
					continue
				}
				run.WriteRune(r)
			}
		case syntax.OpCapture:
			walk(re.Sub[0])
		case syntax.OpConcat:
			for _, sub := range re.Sub {
				walk(sub)
			}
		case syntax.OpPlus, syntax.OpRepeat:
			flush()
			if re.Op == syntax.OpPlus || re.Min > 0 {
				walk(re.Sub[0])
			}
			flush()
		case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine:
		default:
			flush()
		}
	}
	walk(re)
	flush()
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	var out [][]byte
	for _, text := range all[:min(len(all), maxRequired)] {
		out = append(out, []byte(text))
	}
	return out
}

// maxLen returns the length in bytes of the longest match, or -1.
func maxLen(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		n := 0
		for _, r := range re.Rune {
			n += runeLen(r)
		}
		return n
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return 0
		}
		return runeLen(re.Rune[len(re.Rune)-1])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpStar, syntax.OpPlus:
		if maxLen(re.Sub[0]) == 0 {
			return 0
		}
		return -1
	case syntax.OpQuest, syntax.OpCapture:
		return maxLen(re.Sub[0])
	case syntax.OpRepeat:
		n := maxLen(re.Sub[0])
		if re.Max < 0 || n < 0 {
			return -1
		}
		return n * re.Max
	case syntax.OpConcat:
		return sum(re.Sub, maxLen)
	case syntax.OpAlternate:
		longest := 0
		for _, sub := range re.Sub {
			n := maxLen(sub)
			if n < 0 {
				return -1
			}
			longest = max(longest, n)
		}
		return longest
	}
	return 0
}

func sum(subs []*syntax.Regexp, f func(*syntax.Regexp) int) int {
	total := 0
	for _, sub := range subs {
		n := f(sub)
		if n < 0 {
			return -1
		}
		total += n
	}
	return total
}

func runeLen(r rune) int {
	if n := utf8.RuneLen(r); n > 0 {
		return n
	}
	return utf8.UTFMax
}

// canHold tells whether a match can contain the character.
func canHold(re *syntax.Regexp, c rune) bool {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r == c {
				return true
			}
		}
		return false
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i] <= c && c <= re.Rune[i+1] {
				return true
			}
		}
		return false
	case syntax.OpAnyChar:
		return true
	case syntax.OpAnyCharNotNL:
		return c != '\n'
	}
	for _, sub := range re.Sub {
		if canHold(sub, c) {
			return true
		}
	}
	return false
}

func hasAnchor(re *syntax.Regexp) bool {
	if re.Op == syntax.OpBeginText || re.Op == syntax.OpEndText {
		return true
	}
	for _, sub := range re.Sub {
		if hasAnchor(sub) {
			return true
		}
	}
	return false
}

// enumerateLimit bounds the strings that an expression is spelled out into.
const enumerateLimit = 512

// enumerate returns every string the expression matches, lower case, or nil
// where there are too many.
func enumerate(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary,
		syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return []string{""}
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCharClass:
		return enumerateClass(re.Rune)
	case syntax.OpCapture:
		return enumerate(re.Sub[0])
	case syntax.OpQuest:
		if s := enumerate(re.Sub[0]); s != nil {
			return append([]string{""}, s...)
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			s := enumerate(sub)
			if s == nil || len(all)+len(s) > enumerateLimit {
				return nil
			}
			all = append(all, s...)
		}
		return all
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			if all = product(all, enumerate(sub)); all == nil {
				return nil
			}
		}
		return all
	case syntax.OpRepeat:
		if re.Min == re.Max && re.Min > 0 && re.Min <= 4 {
			all := []string{""}
			s := enumerate(re.Sub[0])
			for range re.Min {
				if all = product(all, s); all == nil {
					return nil
				}
			}
			return all
		}
	}
	return nil
}

func enumerateClass(ranges []rune) []string {
	seen := map[rune]bool{}
	var all []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > 128 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if l := unicode.ToLower(r); !seen[l] {
				seen[l] = true
				all = append(all, string(l))
			}
		}
	}
	if len(all) > 40 {
		return nil
	}
	return all
}

func product(a, b []string) []string {
	if b == nil || len(a)*len(b) > enumerateLimit {
		return nil
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// holdsKeyword tells whether every match holds one of the keywords.
func holdsKeyword(re *syntax.Regexp, keywords []string) bool {
	if s := enumerate(re); s != nil {
		return allHold(s, keywords)
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return holdsKeyword(re.Sub[0], keywords)
	case syntax.OpRepeat:
		return re.Min > 0 && holdsKeyword(re.Sub[0], keywords)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !holdsKeyword(sub, keywords) {
				return false
			}
		}
		return true
	case syntax.OpConcat:
		run := []string{""}
		for _, sub := range flatten(re) {
			if holdsKeyword(sub, keywords) {
				return true
			}
			next := product(run, enumerate(sub))
			if next == nil {
				if next = product([]string{""}, enumerate(sub)); next == nil {
					next = []string{""}
				}
			}
			if run = next; allHold(run, keywords) {
				return true
			}
		}
	}
	return false
}

func allHold(texts, keywords []string) bool {
	for _, t := range texts {
		found := false
		for _, k := range keywords {
			if strings.Contains(t, k) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(texts) > 0
}

// flatten returns the parts of a concatenation with captures opened, as far as
// that keeps their order.
func flatten(re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return flatten(re.Sub[0])
	case syntax.OpConcat:
		var out []*syntax.Regexp
		for _, sub := range re.Sub {
			out = append(out, flatten(sub)...)
		}
		return out
	}
	return []*syntax.Regexp{re}
}

// beforeKeyword returns how many bytes of a match can stand before the first
// keyword in it, or -1.
func beforeKeyword(re *syntax.Regexp, keywords []string) int {
	width := 0
	parts := flatten(re)
	for i := 0; i < len(parts); i++ {
		run := []string{""}
		for j := i; j < len(parts); j++ {
			next := product(run, enumerate(parts[j]))
			if next == nil {
				break
			}
			if run = next; allHold(run, keywords) {
				return width + latest(run, keywords)
			}
		}
		if holdsKeyword(parts[i], keywords) {
			n := maxLen(parts[i])
			if n < 0 {
				return -1
			}
			return width + n
		}
		n := maxLen(parts[i])
		if n < 0 {
			return -1
		}
		width += n
	}
	return -1
}

func latest(texts, keywords []string) int {
	at := 0
	for _, t := range texts {
		first := len(t)
		for _, k := range keywords {
			if i := strings.Index(t, k); i >= 0 {
				first = min(first, i)
			}
		}
		at = max(at, first)
	}
	return at
}
