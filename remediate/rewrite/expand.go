package rewrite

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Formats that know no variables themselves: whether whoever reads such a file
// expands ${VARIABLE} is seen by the file having others, or said by the user.

var expands = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-?+][^}]*)?\}`)

var errNotExpanded = errors.New("nothing says that whoever reads this file expands ${VARIABLE}: say so with --expand, or let the program read the variable itself")

// hole is how a file takes a variable, where it takes any.
func (f *file) hole(c Change) (string, error) {
	if f.options.Expands || expands.Match(f.text) {
		return "${" + c.Variable + "}", nil
	}
	return "", errNotExpanded
}

// lineComment tells whether a place is in a comment that one of the marks began,
// outside of quotes.
func lineComment(text []byte, at int, marks ...string) bool {
	from, _ := line(text, at)
	var quote byte
	for i := from; i < at; i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == from || text[i-1] != '\\'):
			quote = c
		default:
			for _, m := range marks {
				if strings.HasPrefix(string(text[i:min(len(text), i+len(m))]), m) && (i == from || text[i-1] == ' ' || text[i-1] == '\t') {
					return true
				}
			}
		}
	}
	return false
}

// plainText is a language whose values are expanded where they stand.
func plainText(name string, is func(*file) bool, always func(*file) bool, parse func(*file, []byte) error, marks ...string) language {
	return language{
		name: name, is: is, parse: parse,
		edits: func(f *file, c Change) ([]edit, error) {
			if lineComment(f.text, c.Start, marks...) {
				return f.removed(c), nil
			}
			c = defaulted(f.text, c)
			hole, err := f.hole(c)
			if err != nil && always(f) {
				hole, err = "${"+c.Variable+"}", nil
			}
			if err != nil {
				return nil, err
			}
			if strings.Contains(string(f.text[c.Start:c.End]), "\n") {
				return nil, errors.New("it runs over several lines")
			}
			return []edit{{c.Start, c.End, hole}}, nil
		},
	}
}

func never(*file) bool { return false }

// spring tells a configuration of Spring, which expands placeholders.
func spring(f *file) bool { return springName.MatchString(f.base) }

var springName = regexp.MustCompile(`^(?:application|bootstrap)(?:-[\w.-]+)?\.\w+$`)

// defaulted is a change of all of ${VARIABLE:-value} where a value stands in one.
func defaulted(text []byte, c Change) Change {
	from, _ := line(text, c.Start)
	m := regexp.MustCompile(`\$\{` + regexp.QuoteMeta(c.Variable) + `(?::|:?[-=])$`).FindIndex(text[from:c.Start])
	if m != nil && c.End < len(text) && text[c.End] == '}' {
		c.Start, c.End = from+m[0], c.End+1
	}
	return c
}

var (
	tomlFile = plainText("toml", byEnding(".toml"), never, func(_ *file, text []byte) error {
		var v map[string]any
		if err := toml.Unmarshal(text, &v); err != nil {
			if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
				row, _ := d.Position()
				return fmt.Errorf("at line %d", row)
			}
			return errors.New("it is damaged")
		}
		return nil
	}, "#")
	properties = plainText("properties", byEnding(".properties"), spring, parsesLines, "#", "!")
	// npm and yarn expand variables in .npmrc.
	ini = plainText("ini", byEnding(".ini", ".cfg", ".conf", ".cnf", ".npmrc"), func(f *file) bool { return f.base == ".npmrc" }, parsesLines, "#", ";")
)

// parsesLines is for formats in which every line is something.
func parsesLines(*file, []byte) error { return nil }
