package rewrite

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Formats that know no variables themselves: whether whoever reads such a file
// expands ${VARIABLE} is seen by the file having others, or said by the user.

// expands is a variable of the environment; names in small letters are a
// template's own.
var expands = regexp.MustCompile(`\$\{[A-Z_][A-Z0-9_]*(?::[^}]*|[-?+][^}]*)?\}`)

var errNotExpanded = errors.New("nothing says that whoever reads this file expands ${VARIABLE}: say so with --expand, or let the program read the variable itself")

// expanding tells whether whoever reads a file expands variables. A comment is
// no sign of it.
func (f *file) expanding() error {
	if f.options.Expands {
		return nil
	}
	for _, m := range expands.FindAllIndex(f.text, -1) {
		start, _ := line(f.text, m[0])
		if s := strings.TrimSpace(string(f.text[start:m[0]])); s == "" || !strings.ContainsAny(s[:1], "#;!/*") {
			return nil
		}
	}
	return errNotExpanded
}

// hole is how a file takes a variable, where it takes any.
func (f *file) hole(c Change) (string, error) {
	return "${" + c.Variable + "}", f.expanding()
}

// fallback opens a variable that has a default.
var fallback = regexp.MustCompile(`\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_.]*)(:?[-=?+]|:)([^{}]*)$`)

// put puts a variable in place of a value, written as the format has it. Where
// the value is the variable's default, it goes.
func (f *file) put(c Change, format string) ([]edit, error) {
	start, _ := line(f.text, c.Start)
	before := f.text[start:c.Start]
	if m := fallback.FindSubmatchIndex(before); m != nil && strings.HasPrefix(format, "${") {
		name := string(before[m[2]:m[3]])
		if name != c.Variable || m[6] != m[7] || c.End == len(f.text) || f.text[c.End] != '}' {
			return nil, fmt.Errorf("it is a default of %s, which the plan calls %s", name, c.Variable)
		}
		return []edit{{start + m[4], c.End, ""}}, nil
	}
	if strings.HasSuffix(string(before), "$") && strings.HasPrefix(format, "$") {
		return nil, errors.New("a $ stands before it, after which a variable is not expanded")
	}
	return []edit{{c.Start, c.End, strings.ReplaceAll(format, "NAME", c.Variable)}}, nil
}

// lineComment tells whether a place is in a comment that one of the marks began,
// outside of quotes.
func lineComment(text []byte, at int, marks ...string) bool {
	from, _ := line(text, at)
	var quote byte
	for i := from; i < at; i++ {
		switch c := text[i]; {
		case quote == '"' && c == '\\':
			i++
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
func plainText(name string, is func(*file) bool, parse func(*file, []byte) error, stands func(*file, Change) (comment bool, err error)) language {
	return language{
		name: name, is: is, parse: parse,
		edits: func(f *file, c Change) ([]edit, error) {
			comment, err := stands(f, c)
			if comment {
				return f.removed(c), nil
			}
			if err != nil {
				return nil, err
			}
			if hocon(f) {
				return inHOCON(f, c)
			}
			format, err := f.format()
			if err != nil {
				return nil, err
			}
			edits, err := f.put(c, format)
			if err == nil && name == "toml" && tomlShape(apply(f.text, edits)) != tomlShape(f.text) {
				return nil, errors.New("it is a key")
			}
			return edits, err
		},
	}
}

// ownFormats are how files are expanded that are known by their names.
var ownFormats = map[string]string{
	".npmrc": "${NAME}", "php.ini": "${NAME}", "grafana.ini": "${NAME}", "telegraf.conf": "${NAME}", "fluent-bit.conf": "${NAME}", "vector.toml": "${NAME}",
	"supervisord.conf": "%(ENV_NAME)s", "tox.ini": "{env:NAME}", "uwsgi.ini": "$(NAME)", "log4j2.properties": "${env:NAME}",
}

// format is how a variable is written in a file.
func (f *file) format() (string, error) {
	if format := ownFormats[f.base]; format != "" {
		return format, nil
	}
	switch {
	case f.base == "gradle.properties" && !f.options.Expands:
		return "", errors.New("variables are not expanded by Gradle: take the line out, and give ORG_GRADLE_PROJECT_<name>")
	case f.base == "log4j.properties" && !f.options.Expands:
		return "", errors.New("log4j takes ${…} for a property of the system: give the value with -D")
	case hasSuffix(f.base, ".properties") && spring(f):
		return "${NAME}", nil
	}
	return "${NAME}", f.expanding()
}

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
	tomlFile   = plainText("toml", byEnding(".toml"), parseTOML, standsTOML)
	properties = plainText("properties", byEnding(".properties"), parsesLines, standsProperties)
	// npm and yarn expand variables in .npmrc.
	ini = plainText("ini", byEnding(".ini", ".cfg", ".conf", ".cnf", ".npmrc"), parsesLines, standsINI)
)

// parsesLines is for formats in which every line is something.
func parsesLines(*file, []byte) error { return nil }

func parseTOML(_ *file, text []byte) error {
	var v map[string]any
	if err := toml.Unmarshal(unmarked(text), &v); err != nil {
		if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
			row, _ := d.Position()
			return fmt.Errorf("at line %d", row)
		}
		return errors.New("it is damaged")
	}
	return nil
}

// tomlShape is a document's keys.
func tomlShape(text []byte) string {
	var v map[string]any
	_ = toml.Unmarshal(unmarked(text), &v)
	var shape func(any) string
	shape = func(v any) string {
		var out string
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				out += fmt.Sprintf("%q:%s,", k, shape(v[k]))
			}
		case []any:
			for _, e := range v {
				out += shape(e) + ";"
			}
		}
		return "(" + out + ")"
	}
	return shape(v)
}

// standsTOML goes through strings and comments up to a place.
func standsTOML(f *file, c Change) (bool, error) {
	text := string(f.text)
	for i := 0; i < c.Start; i++ {
		var shut string
		switch rest := text[i:]; {
		case rest[0] == '#':
			shut = "\n"
		case strings.HasPrefix(rest, `"""`) || strings.HasPrefix(rest, "'''"):
			shut = rest[:3]
		case rest[0] == '"' || rest[0] == '\'':
			shut = rest[:1]
		default:
			continue
		}
		i += len(shut)
		if shut == "\n" {
			i--
		}
		for ; i < len(text) && !strings.HasPrefix(text[i:], shut); i++ {
			if shut[0] == '"' && text[i] == '\\' {
				i++
			}
		}
		for len(shut) == 3 && strings.HasPrefix(text[min(i+1, len(text)):], shut) {
			i++ // quotes before the end
		}
		if c.Start < i {
			return shut == "\n", nil
		}
		i += len(shut) - 1
	}
	return false, errors.New("it does not stand in a string")
}

// standsProperties goes by lines, of which one that ends in a backslash goes on.
func standsProperties(f *file, c Change) (bool, error) {
	goesOn := false
	for from := 0; from <= c.Start; {
		_, to := line(f.text, from)
		s := string(f.text[from:to])
		first := strings.TrimLeft(s, " \t\f")
		comment := !goesOn && first != "" && strings.Contains("#!", first[:1])
		if c.Start <= to {
			if m := propertyKey.FindString(s); !comment && !goesOn && c.Start-from < len(m) {
				return false, errors.New("it is a key")
			}
			return comment, nil
		}
		goesOn = !comment && (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
		from = to + len(newline(f.text[to:]))
	}
	return false, nil
}

var (
	propertyKey = regexp.MustCompile(`^\x{FEFF}?[ \t\f]*(?:\\.|[^\\=: \t\f])*`)
	iniKey      = regexp.MustCompile(`^[^\s=:]*\s*[=:]`)
)

func standsINI(f *file, c Change) (bool, error) {
	start, end := line(f.text, c.Start)
	if lineComment(f.text, c.Start, "#", ";") || hocon(f) && lineComment(f.text, c.Start, "//") {
		return true, nil
	}
	before := strings.TrimSpace(string(unmarked(f.text)[start:c.Start]))
	switch {
	case c.End > end:
		return false, errors.New("it runs over several lines")
	case strings.HasPrefix(before, "[") && !strings.ContainsAny(before, "\"'=") && strings.Contains(string(f.text[c.End:end]), "]"):
		return false, errors.New("it is the name of a section")
	case !strings.ContainsAny(before, " \t=:\"'") && iniKey.Match(f.text[c.End:end]) || f.base == ".npmrc" && !strings.Contains(before, "="):
		return false, errors.New("it is a key")
	}
	return false, nil
}

// hocon tells a configuration in HOCON, as Akka and Play read it.
func hocon(f *file) bool {
	return hasSuffix(f.base, ".conf") && (strings.HasPrefix(f.base, "application") || f.base == "reference.conf" || strings.Contains(string(f.text), "${?"))
}

// inHOCON puts a variable beside the quotes, since nothing is expanded within.
func inHOCON(f *file, c Change) ([]edit, error) {
	start, end := line(f.text, c.Start)
	before, after := string(f.text[start:c.Start]), string(f.text[c.End:end])
	hole := "${" + c.Variable + "}"
	switch {
	case strings.Contains(before+after, `"""`):
		return nil, errors.New("it stands in a string of several lines")
	case strings.Count(before, `"`)%2 == 0:
		return []edit{{c.Start, c.End, hole}}, nil
	case strings.HasSuffix(before, `"`) && strings.HasPrefix(after, `"`):
		return []edit{{c.Start - 1, c.End + 1, hole}}, nil
	}
	return []edit{{c.Start, c.End, `"` + hole + `"`}}, nil
}
