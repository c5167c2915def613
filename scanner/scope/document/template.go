package document

import (
	"bytes"
	"regexp"
)

// blankTemplates takes the actions of a Go or Jinja template out of a YAML
// text, byte for byte, so that the rest can be read: an action that has lines
// of its own becomes spaces, one within a line a word. GitHub's ${{ }} is no
// template: it is a string.
func blankTemplates(text []byte) ([]byte, []span) {
	var actions []span
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '{')
		if i < 0 || at+i+1 >= len(text) {
			break
		}
		start := at + i
		closing := closingOf(text[start+1:])
		if closing == "" || start > 0 && (text[start-1] == '$' || text[start-1] == '{') {
			at = start + 1
			continue
		}
		n := bytes.Index(text[start+2:], []byte(closing))
		if n < 0 {
			break
		}
		at = start + 2 + n + len(closing)
		if closing == "*/" {
			if n = bytes.Index(text[at:], []byte("}}")); n < 0 {
				break
			}
			at += n + len("}}")
		}
		actions = append(actions, span{start, at})
	}
	if len(actions) == 0 {
		return text, nil
	}
	blank := bytes.Clone(text)
	for i := 0; i < len(actions); {
		last, alone := wholeLines(text, actions, i)
		for j := i; j <= last; j++ {
			erase(blank[actions[j].start:actions[j].end], alone)
		}
		i = last + 1
	}
	for _, a := range actions {
		if startsBlock(blank, a) {
			erase(blank[a.start:a.end], true)
		}
	}
	return blank, actions
}

// Lines of YAML around an action: what stands before the value of a key or of
// a list's item, and the first line of what is nested.
var (
	beforeValue = regexp.MustCompile(`^( *(?:- +)*)(?:[^\s:#][^:#]*: *|)$`)
	nestedLine  = regexp.MustCompile(`^( *)(?:- |-$|[^\s:#][^:#]*:(?: |$))`)
)

// startsBlock tells whether an action is all of a value and more of it is
// nested below: it makes the value's first lines.
func startsBlock(text []byte, a span) bool {
	if text[a.start] == ' ' {
		return false // it has lines of its own
	}
	from := bytes.LastIndexByte(text[:a.start], '\n') + 1
	before := beforeValue.FindSubmatch(text[from:a.start])
	rest := text[a.end:]
	i := bytes.IndexByte(rest, '\n')
	if before == nil || i < 0 || len(bytes.TrimSpace(rest[:i])) > 0 {
		return false
	}
	column := len(before[1])
	if a.start == from+column { // an item's own, so nested below its dash
		column = len(bytes.TrimRight(before[1], " ")) - 1
	}
	for line := range bytes.Lines(rest[i+1:]) {
		if line = bytes.TrimRight(line, " \t\r\n"); len(line) > 0 {
			below := nestedLine.FindSubmatch(line)
			return below != nil && len(below[1]) > column
		}
	}
	return false
}

// closingOf is what ends an action of which all but the first byte is given.
func closingOf(rest []byte) string {
	switch rest[0] {
	case '{':
		if bytes.HasPrefix(bytes.TrimLeft(rest[1:min(len(rest), 8)], "- \t"), []byte("/*")) {
			return "*/" // of a remark, in which braces may stand
		}
		return "}}"
	case '%':
		return "%}"
	case '#':
		return "#}"
	}
	return ""
}

// wholeLines returns the last of the actions that share their lines with
// action i, and whether nothing else stands on these lines.
func wholeLines(text []byte, actions []span, i int) (last int, alone bool) {
	from := bytes.LastIndexByte(text[:actions[i].start], '\n') + 1
	alone = len(bytes.TrimSpace(text[from:actions[i].start])) == 0
	for last = i; ; last++ {
		to := len(text)
		if last+1 < len(actions) {
			to = actions[last+1].start
		}
		between := text[actions[last].end:to]
		eol := bytes.IndexByte(between, '\n')
		if eol >= 0 {
			between = between[:eol]
		}
		alone = alone && len(bytes.TrimSpace(between)) == 0
		if eol >= 0 || last+1 == len(actions) {
			return last, alone
		}
	}
}

func erase(text []byte, alone bool) {
	for i, c := range text {
		switch {
		case c == '\n' || c == '\r':
		case alone:
			text[i] = ' '
		default:
			text[i] = 'x'
		}
	}
}
