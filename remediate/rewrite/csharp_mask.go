package rewrite

import (
	"bytes"
	"regexp"
)

var (
	// accessors are those of a property that has a value: { get; set; } = …
	accessors = regexp.MustCompile(`\{\s*(?:\w+\s+)*(?:get|set|init)\s*;[^{}"=]*\}\s*=[^=>]`)
	// csharpToken is what quotes are told by, and what is skipped.
	csharpToken = regexp.MustCompile(`//[^\n]*|/\*(?s:.*?)\*/|'(?:\\.[^'\n]*|[^\\'\n])'|\$*"""(?s:.*?)"""+|@"(?:[^"]|"")*"|\$@"|@\$"|\$"|"(?:\\.|[^"\\\n])*"`)
)

// csharpMask hides two things that the grammar does not read: the accessors of
// a property with a value, which it then reads as a field, and doubled braces
// of an interpolated string.
func csharpMask(text []byte) []byte {
	out := bytes.Clone(text)
	for _, m := range accessors.FindAllIndex(text, -1) {
		for i := m[0]; text[i] != '=' && i < m[1]; i++ {
			if text[i] != '\n' && text[i] != '\r' {
				out[i] = ' '
			}
		}
	}
	for at := 0; at < len(text); {
		m := csharpToken.FindIndex(text[at:])
		if m == nil {
			break
		}
		from, end := at+m[0], at+m[1]
		at = end
		if open := string(text[from:end]); open == `$"` || open == `$@"` || open == `@$"` {
			at = maskBraces(text, out, end, len(open) == 3)
		}
	}
	return out
}

// maskBraces hides the doubled braces of an interpolated string that starts at
// a place, and returns its end.
func maskBraces(text, out []byte, at int, verbatim bool) int {
	depth := 0
	for ; at < len(text); at++ {
		next := byte(0)
		if at+1 < len(text) {
			next = text[at+1]
		}
		switch b := text[at]; {
		case b == '\n' && !verbatim:
			return at
		case depth == 0 && (b == '{' || b == '}') && next == b:
			out[at], out[at+1] = '_', '_'
			at++
		case b == '{':
			depth++
		case b == '}' && depth > 0:
			depth--
		case depth == 0 && (b == '\\' && !verbatim || b == '"' && next == '"' && verbatim):
			at++
		case b == '"' && depth == 0:
			return at + 1
		}
	}
	return at
}
