package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/remint/remint/scanner/rule"
)

// Version is the form of .remint.yaml that this program reads.
const Version = 1

// minSalt is the least length of a salt, in bytes.
const minSalt = 16

// Parse reads the text of a .remint.yaml, which stands at path.
func Parse(path string, text []byte) (Config, error) {
	c := Config{Root: filepath.Dir(path)}
	return c, c.parse(path, text)
}

// parse reads the text of a .remint.yaml into c.
func (c *Config) parse(path string, data []byte) error {
	doc, err := document(path, data)
	if err != nil {
		return err
	}
	c.Path, c.rules.file = path, path
	d := &decoder{file: path}
	version := false
	fields := map[string]field{
		"version": func(where string, n *yaml.Node) {
			version = true
			if v, err := strconv.Atoi(n.Value); n.Kind != yaml.ScalarNode || err != nil || v != Version {
				d.fail(n, "%s: want %d, which is the form that this remint reads; a newer remint may read others", where, Version)
			}
		},
		"salt": func(where string, n *yaml.Node) { c.Salt = d.salt(where, n) },
		"rules": func(where string, n *yaml.Node) {
			d.mapping(where, n, c.rules.fields(d))
		},
		"allow": func(where string, n *yaml.Node) {
			d.list(where, n, func(where string, n *yaml.Node) {
				c.Allow = append(c.Allow, d.allow(where, n))
			})
		},
		"paths": func(where string, n *yaml.Node) {
			d.mapping(where, n, map[string]field{
				"exclude": func(where string, n *yaml.Node) { c.exclude = d.globs(where, n) },
			})
		},
		"baseline": func(where string, n *yaml.Node) {
			if p, ok := d.text(where, n); ok {
				c.Baseline = c.inRoot(p)
			}
		},
		"gitleaks": func(where string, n *yaml.Node) { c.HonourGitleaks = d.boolean(where, n) },
	}
	maps.Copy(fields, c.keyFields(d))
	maps.Copy(fields, c.fixFields(d))
	d.mapping("", doc, fields)
	if !version {
		d.errs = append(d.errs, at(path, doc.Line, "version is missing: add the line \"version: %d\"", Version))
	}
	return d.err()
}

// document returns the one document of a YAML file.
func document(path string, data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxError(path, err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, at(path, more.Line, "a second document: want one")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(path, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1}, nil
	}
	return doc.Content[0], nil
}

// syntaxError takes the line out of the parser's message.
func syntaxError(path string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if n, what, ok := strings.Cut(rest, ": "); ok {
			if v, err := strconv.Atoi(n); err == nil {
				line, msg = v, what
			}
		}
	}
	// What follows quotes the text, which an error must not.
	for _, mark := range []string{"`", "'", "\""} {
		msg, _, _ = strings.Cut(msg, mark)
	}
	return at(path, line, "not YAML: %s", strings.TrimSpace(msg))
}

func (d *decoder) salt(where string, n *yaml.Node) []byte {
	text, ok := d.text(where, n)
	if !ok {
		return nil
	}
	salt, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(salt) < minSalt {
		d.fail(n, "%s: want %d random bytes or more in base64, such as `openssl rand -base64 %d` prints", where, minSalt, minSalt)
		return nil
	}
	return salt
}

// inRoot makes a path of the configuration one that can be opened.
func (c *Config) inRoot(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) || c.Root == "" {
		return path
	}
	return filepath.Join(c.Root, path)
}

// ruleOptions is the rules section.
type ruleOptions struct {
	file     string
	enable   []word
	disable  []word
	severity []severityOf
	extra    []rule.Rule
	// lines are where the rules of extra stand, by id.
	lines map[string]int
}

type severityOf struct {
	word
	severity rule.Severity
}

func (o *ruleOptions) fields(d *decoder) map[string]field {
	return map[string]field{
		"enable":  func(where string, n *yaml.Node) { o.enable = d.ruleIDs(where, n) },
		"disable": func(where string, n *yaml.Node) { o.disable = d.ruleIDs(where, n) },
		"severity": func(where string, n *yaml.Node) {
			o.severity = d.severities(where, n)
		},
		"extra": func(where string, n *yaml.Node) {
			o.lines = make(map[string]int)
			d.list(where, n, func(where string, n *yaml.Node) { o.addExtra(d, where, n) })
		},
	}
}

// addExtra reads one of the user's rules, with the catalogue's own loader.
func (o *ruleOptions) addExtra(d *decoder, where string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s: want a rule, not %s", where, kindOf(n))
		return
	}
	rules, err := rule.LoadNode(d.file, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: n.Line, Content: []*yaml.Node{n}})
	if err != nil {
		d.ruleFault(where, n, err)
		return
	}
	for i := range rules {
		id := rules[i].ID
		if line, ok := o.lines[id]; ok {
			d.fail(n, "%s: the rule %s stands on line %d already", where, id, line)
			continue
		}
		o.lines[id] = n.Line
		o.extra = append(o.extra, rules[i])
	}
}

// ruleFault gives an error of the rule loader its place in this file. What the
// YAML library says is about a copy of the rule, and quotes values.
func (d *decoder) ruleFault(where string, n *yaml.Node, err error) {
	msg := err.Error()
	_, rest, unknown := strings.Cut(msg, "field ")
	name, _, named := strings.Cut(rest, " not found in type")
	switch {
	case unknown && named:
		place := n
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				place = n.Content[i]
			}
		}
		d.fail(place, "%s: unknown key%s: want those of a catalogue file, such as id, name, pattern, keywords, severity, examples", where, quoted(name))
	case strings.Contains(msg, "yaml: "):
		d.fail(n, "%s: a value of the rule is of the wrong type", where)
	default:
		d.errs = append(d.errs, err)
	}
}

func (d *decoder) severities(where string, n *yaml.Node) []severityOf {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s: want rule ids and severities, not %s", where, kindOf(n))
		return nil
	}
	var out []severityOf
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if seen[key.Value] {
			d.fail(key, "%s: the rule%s stands twice", where, quoted(key.Value))
			continue
		}
		seen[key.Value] = true
		if !d.goodRuleID(where, key) {
			continue
		}
		s, err := rule.ParseSeverity(value.Value)
		if value.Kind != yaml.ScalarNode || err != nil {
			d.fail(value, "%s.%s: want low, medium, high or critical", where, key.Value)
			continue
		}
		out = append(out, severityOf{word{key.Value, key.Line}, s})
	}
	return out
}

// ruleIDs reads a list of rule ids and patterns for them.
func (d *decoder) ruleIDs(where string, n *yaml.Node) []word {
	var out []word
	d.list(where, n, func(where string, v *yaml.Node) {
		if _, ok := d.text(where, v); ok && d.goodRuleID(where, v) {
			out = append(out, word{v.Value, v.Line})
		}
	})
	return out
}

func (d *decoder) goodRuleID(where string, n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && ValidRulePattern(n.Value) {
		return true
	}
	d.fail(n, "%s: want a rule id such as github-pat, or a pattern for ids such as github-*", where)
	return false
}

// ValidRulePattern tells whether text is a rule id, or a pattern for ids in
// which * stands for any characters.
func ValidRulePattern(text string) bool {
	if text == "" || len(text) > 128 {
		return false
	}
	for _, c := range text {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.*", c) {
			return false
		}
	}
	return true
}

// MatchRule tells whether a rule id is the one that pattern says, or one of
// those: * stands for any characters.
func MatchRule(pattern, id string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == id
	}
	id, ok := strings.CutPrefix(id, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(id, p)
		if i < 0 {
			return false
		}
		id = id[i+len(p):]
	}
	return strings.HasSuffix(id, parts[len(parts)-1])
}
