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
	edits: func(f *file, c Change) ([]edit, error) {
		a, ok := assignmentAt(f.text, c.Start, c.End)
		if !ok {
			if from, _ := line(f.text, c.Start); bytes.HasPrefix(bytes.TrimSpace(f.text[from:]), []byte("#")) {
				return f.removed(c), nil
			}
			return nil, errors.New("it does not stand in an assignment")
		}
		if strings.Trim(string(f.text[a.valueStart:c.Start]), "\"'` \t") != "" || strings.Trim(string(f.text[c.End:a.end]), "\"'` \t\r\n\\n") != "" && !comment.Match(f.text[c.End:a.end]) {
			return nil, errors.New("it is a part of a longer value")
		}
		if a.name != c.Variable {
			return nil, errors.New("the program reads " + a.name + ", which the plan calls " + c.Variable)
		}
		if sample.MatchString(f.base) {
			return []edit{{a.valueStart, a.end, ""}}, nil
		}
		return []edit{{a.start, a.end, "# " + a.name + " is injected by `remint run`: " + c.Entry}}, nil
	},
	parse:    func(*file, []byte) error { return nil },
	variable: func(f *file, start, end int) string { a, _ := assignmentAt(f.text, start, end); return a.name },
}

var (
	assign = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*`)
	// sample is a file that shows which variables there are.
	sample  = regexp.MustCompile(`example|sample|template|dist$`)
	comment = regexp.MustCompile("^[\"'`]?[ \\t]+#")
)

// assignment is one of a .env file: start and end are all of it.
type assignment struct {
	name                   string
	start, valueStart, end int
}

// assignmentAt finds the assignment whose value has a place. Quoted values may
// run over lines.
func assignmentAt(text []byte, start, end int) (assignment, bool) {
	for at := 0; at < len(text); {
		m := assign.FindSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		a := assignment{name: string(text[at+m[2] : at+m[3]]), start: at + m[0], valueStart: at + m[1]}
		_, a.end = line(text, a.valueStart)
		if v := a.valueStart; v < len(text) && strings.IndexByte("\"'`", text[v]) >= 0 {
			if n := closing(text[v+1:], text[v]); n >= 0 {
				_, a.end = line(text, v+1+n)
			}
		}
		if a.valueStart <= start && end <= a.end {
			return a, true
		}
		at = max(a.end, at+m[1])
	}
	return assignment{}, false
}

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
