package document

import "bytes"

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
		closing := closingOf(text[start+1])
		if closing == "" || start > 0 && (text[start-1] == '$' || text[start-1] == '{') {
			at = start + 1
			continue
		}
		n := bytes.Index(text[start+2:], []byte(closing))
		if n < 0 {
			break
		}
		at = start + 2 + n + len(closing)
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
	return blank, actions
}

func closingOf(c byte) string {
	switch c {
	case '{':
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
