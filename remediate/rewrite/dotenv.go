package rewrite

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
)

// dotenv is a .env file. Its assignment is taken out, since a value that is
// there, even an empty one, could come before the one that is injected.
var dotenv = language{
	name: "dotenv",
	is: func(f *file) bool {
		return f.base == ".env" || strings.HasPrefix(f.base, ".env.") || strings.HasSuffix(f.base, ".env") || f.base == ".dev.vars"
	},
	edits: dotenvEdits,
	parse: func(*file, []byte) error { return nil },
	variable: func(f *file, start, end int) string {
		if a, ok := assignmentAt(f.text, start, end); ok && start < a.valueEnd {
			return a.name
		}
		return ""
	},
}

func dotenvEdits(f *file, c Change) ([]edit, error) {
	a, ok := assignmentAt(f.text, c.Start, c.End)
	if !ok {
		from, _ := line(f.text, c.Start)
		if rest := bytes.TrimPrefix(f.text[from:], []byte("\ufeff")); bytes.HasPrefix(bytes.TrimSpace(rest), []byte("#")) {
			return f.removed(c), nil
		}
		return nil, errors.New("it does not stand in an assignment")
	}
	if c.Start >= a.valueEnd {
		if strings.HasPrefix(strings.TrimLeft(string(f.text[a.valueEnd:c.Start]), " \t"), "#") {
			return f.removed(c), nil
		}
		return nil, errors.New("it does not stand in an assignment")
	}
	if strings.Trim(string(f.text[a.valueStart:c.Start]), "\"'` \t\r\n") != "" || c.End > a.valueEnd ||
		strings.Trim(strings.ReplaceAll(string(f.text[c.End:a.valueEnd]), `\n`, ""), "\"'` \t\r\n") != "" {
		return nil, errors.New("it is a part of a longer value")
	}
	if rest := strings.TrimSpace(string(f.text[a.valueEnd:a.end])); rest != "" && rest[0] != '#' {
		return nil, errors.New("something else is on its line")
	}
	if a.name != c.Variable {
		return nil, errors.New("the program reads " + a.name + ", which the plan calls " + c.Variable)
	}
	if sample.MatchString(f.base) {
		return []edit{{a.valueStart, a.valueEnd, ""}}, nil
	}
	end := a.valueEnd
	if strings.TrimSpace(string(f.text[end:a.end])) == "" {
		end = a.end
	}
	gap := ""
	if end < a.end && f.text[end] == '#' {
		gap = " "
	}
	return []edit{{a.start, end, "# " + a.name + " is injected by `remint run`: " + c.Entry + gap}}, nil
}

// sample is the name of a file that shows which variables there are.
var sample = regexp.MustCompile(`example|sample|template|dist$`)

var assign = regexp.MustCompile(`(?m)^\x{FEFF}?([ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*)`)

// assignment is one of a .env file: start and end are all of it, with a comment.
type assignment struct {
	name                             string
	start, valueStart, valueEnd, end int
}

// assignmentAt finds the assignment whose value or comment has a place. Quoted
// values may run over lines.
func assignmentAt(text []byte, start, end int) (assignment, bool) {
	for at := 0; at < len(text); {
		m := assign.FindSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		a := assignment{name: string(text[at+m[4] : at+m[5]]), start: at + m[2], valueStart: at + m[1]}
		a.measure(text)
		if a.valueStart <= start && end <= a.end {
			return a, true
		}
		at = max(a.end, at+m[1])
	}
	return assignment{}, false
}

// measure finds where a value and its line end.
func (a *assignment) measure(text []byte) {
	v := a.valueStart
	_, a.end = line(text, v)
	if v < len(text) && strings.IndexByte("\"'`", text[v]) >= 0 {
		if n := closing(text[v+1:], text[v]); n >= 0 {
			a.valueEnd = v + 1 + n + 1
			_, a.end = line(text, a.valueEnd)
			return
		}
	}
	a.valueEnd = a.end
	if m := comment.FindIndex(text[v:a.end]); m != nil {
		a.valueEnd = v + m[0]
	}
}

// comment begins one behind a value that is not quoted.
var comment = regexp.MustCompile(`(?:^|[ \t]+)#`)

// closing is the place of the quote that ends a value.
func closing(text []byte, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote:
			return i
		}
	}
	return -1
}
