package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder walks a YAML document and collects what is wrong with it.
type decoder struct {
	file string
	errs []error
	// program adds up what the expressions cost.
	program int
}

// fail notes a fault at a node.
func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s:%d:%d: %w", d.file, max(n.Line, 1), max(n.Column, 1), fmt.Errorf(format, args...)))
}

// maxFaults is how many faults of a file are told.
const maxFaults = 20

// err returns what is wrong with the document, the first faults first.
func (d *decoder) err() error {
	if more := len(d.errs) - maxFaults; more > 0 {
		return errors.Join(append(d.errs[:maxFaults:maxFaults], fmt.Errorf("%s: and %d faults more", d.file, more))...)
	}
	return errors.Join(d.errs...)
}

// at is an error with its place.
func at(file string, line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", file, max(line, 1), fmt.Errorf(format, args...))
}

// field reads the value of one key. where is the key's full name.
type field func(where string, value *yaml.Node)

// mapping hands every value of a mapping to the field of its key.
func (d *decoder) mapping(where string, n *yaml.Node, fields map[string]field) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s: want keys and values, not %s", orTop(where), kindOf(n))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		if key.Kind != yaml.ScalarNode {
			d.fail(key, "%s: a key must be a word", orTop(where))
			continue
		}
		if where == "" && strings.HasPrefix(name, "x-") {
			continue
		}
		read, ok := fields[name]
		switch {
		case !ok:
			d.fail(key, "%s: unknown key%s%s", orTop(where), quoted(name), suggestion(name, keys(fields)))
		case seen[name]:
			d.fail(key, "%s: the key %s stands twice", orTop(where), name)
		default:
			seen[name] = true
			read(join(where, name), value)
		}
	}
}

// list hands every item of a list to item.
func (d *decoder) list(where string, n *yaml.Node, item field) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "%s: want a list, not %s", where, kindOf(n))
		return
	}
	for i, v := range n.Content {
		item(fmt.Sprintf("%s[%d]", where, i), resolve(v))
	}
}

// text returns a string that is not empty.
func (d *decoder) text(where string, n *yaml.Node) (string, bool) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(n, "%s: want text, not %s", where, kindOf(n))
		return "", false
	}
	if n.Tag != "!!str" {
		d.fail(n, "%s: want text, not %s: put it in quotes", where, kindOf(n))
		return "", false
	}
	if strings.TrimSpace(n.Value) == "" {
		d.fail(n, "%s: the text is empty", where)
		return "", false
	}
	return n.Value, true
}

func (d *decoder) boolean(where string, n *yaml.Node) bool {
	n = resolve(n)
	var b bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&b) != nil {
		d.fail(n, "%s: want true or false, not %s", where, kindOf(n))
	}
	return b
}

// texts returns a list of strings with their lines.
func (d *decoder) texts(where string, n *yaml.Node) []word {
	var out []word
	d.list(where, n, func(where string, v *yaml.Node) {
		if s, ok := d.text(where, v); ok {
			out = append(out, word{s, v.Line})
		}
	})
	return out
}

// word is a string and the line it stands on.
type word struct {
	text string
	line int
}

// expression compiles an RE2 expression. It may be written around a secret, so
// that an error says where it is and what is wrong, and quotes nothing.
func (d *decoder) expression(where string, n *yaml.Node) *regexp.Regexp {
	text, ok := d.text(where, n)
	if !ok {
		return nil
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		code := "it cannot be read"
		var se *syntax.Error
		if errors.As(err, &se) {
			code = se.Code.String()
		}
		d.fail(resolve(n), "%s: not an RE2 expression: %s", where, code)
		return nil
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err == nil {
		d.program += len(program.Inst)
	}
	if err != nil || len(program.Inst) > maxProgram || d.program > maxPrograms {
		d.fail(resolve(n), "%s: the expression is too large: use smaller repeat counts", where)
		return nil
	}
	return regexp.MustCompile(text)
}

// Bounds on one expression and on all together, by the steps of their compiled
// programs: time and memory grow with them.
const (
	maxProgram  = 20_000
	maxPrograms = 1_000_000
)

// globs reads patterns for paths.
func (d *decoder) globs(where string, n *yaml.Node) *Globs {
	gs := &Globs{}
	d.list(where, n, func(where string, v *yaml.Node) {
		text, ok := d.text(where, v)
		if !ok {
			return
		}
		g, err := parseGlob(text, v.Line)
		if err != nil {
			d.fail(v, "%s: %w", where, err)
			return
		}
		gs.list = append(gs.list, g)
	})
	return gs
}

// ParseGlobs reads patterns for paths, as paths.exclude has them.
func ParseGlobs(patterns []string) (*Globs, error) {
	gs := &Globs{}
	for _, text := range patterns {
		g, err := parseGlob(text, 0)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", text, err)
		}
		gs.list = append(gs.list, g)
	}
	return gs, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindOf says what a node is, without its value.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}

func join(where, name string) string {
	if where == "" {
		return name
	}
	return where + "." + name
}

func orTop(where string) string {
	if where == "" {
		return "top level"
	}
	return where
}

func keys(fields map[string]field) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	return names
}

// quoted shows a name that somebody wrote, unless it is too odd to be one and
// could be a secret that landed in the wrong place.
func quoted(name string) string {
	const longest = 40
	if len(name) == 0 || len(name) > longest {
		return ""
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.*", c) {
			return ""
		}
	}
	return " " + name
}
