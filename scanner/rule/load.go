package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"

	"gopkg.in/yaml.v3"
)

// file is a catalogue file as it is written.
type file struct {
	Provider string     `yaml:"provider"`
	Name     string     `yaml:"name"`
	URL      string     `yaml:"url"`
	Defaults fileRule   `yaml:"defaults"`
	Rules    []fileRule `yaml:"rules"`
}

// fileRule is a rule as it is written. Rule's own documentation explains the fields.
type fileRule struct {
	ID              string      `yaml:"id"`
	Name            string      `yaml:"name"`
	Pattern         string      `yaml:"pattern"`
	Names           []string    `yaml:"names"`
	Keywords        []string    `yaml:"keywords"`
	Reach           int         `yaml:"reach"`
	MaxLength       int         `yaml:"max_length"`
	Path            string      `yaml:"path"`
	Entropy         float64     `yaml:"entropy"`
	Checksum        string      `yaml:"checksum"`
	Filter          *Filter     `yaml:"filter"`
	Allow           []fileAllow `yaml:"allow"`
	Companions      []Companion `yaml:"companions"`
	Hidden          bool        `yaml:"hidden"`
	Severity        Severity    `yaml:"severity"`
	CWE             string      `yaml:"cwe"`
	NHI             string      `yaml:"nhi"`
	Opens           string      `yaml:"opens"`
	Revoke          *Revoke     `yaml:"revoke"`
	Minter          string      `yaml:"minter"`
	Tags            []string    `yaml:"tags"`
	Examples        []string    `yaml:"examples"`
	Counterexamples []string    `yaml:"counterexamples"`
}

type fileAllow struct {
	Reason    string      `yaml:"reason"`
	All       bool        `yaml:"all"`
	Target    AllowTarget `yaml:"target"`
	Patterns  []string    `yaml:"patterns"`
	Paths     []string    `yaml:"paths"`
	StopWords []string    `yaml:"stopwords"`
}

// Load reads one catalogue file: YAML with provider, name, url, defaults and
// rules. Every fault is reported with name and the line it stands on.
func Load(name string, r io.Reader) ([]Rule, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read rules %s: %w", name, err)
	}
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("rules %s: %w", name, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("rules %s: %w", name, err)
	}
	return f.rules(name, ruleLines(&doc))
}

// LoadNode reads a list of rules out of another YAML file, such as the
// rules.extra list of .remint.yaml. The provider is "custom" where a rule
// does not say otherwise through its id.
func LoadNode(name string, list *yaml.Node) ([]Rule, error) {
	raw, err := yaml.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("rules %s: %w", name, err)
	}
	f := file{Provider: "custom", Name: "Custom"}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&f.Rules); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: %w", name, list.Line, err)
	}
	lines := make([]int, len(list.Content))
	for i, n := range list.Content {
		lines[i] = n.Line
	}
	return f.rules(name, lines)
}

func ruleLines(doc *yaml.Node) []int {
	var lines []int
	if len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		if top[i].Value == "rules" {
			for _, n := range top[i+1].Content {
				lines = append(lines, n.Line)
			}
		}
	}
	return lines
}

func (f *file) rules(name string, lines []int) ([]Rule, error) {
	rules := make([]Rule, 0, len(f.Rules))
	var errs []error
	for i, fr := range f.Rules {
		r := fr.rule(f)
		if err := r.Validate(); err != nil {
			line := 0
			if i < len(lines) {
				line = lines[i]
			}
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, line, err))
			continue
		}
		rules = append(rules, r)
	}
	return rules, errors.Join(errs...)
}

func (fr *fileRule) rule(f *file) Rule {
	d := &f.Defaults
	r := Rule{
		ID: fr.ID, Name: fr.Name, Provider: f.Provider, Pattern: fr.Pattern, Names: fr.Names,
		Keywords: fr.Keywords, Reach: fr.Reach, MaxLength: fr.MaxLength, Path: fr.Path,
		MinEntropy: fr.Entropy, Checksum: fr.Checksum, Companions: fr.Companions, Hidden: fr.Hidden,
		Severity: fr.Severity, CWE: or(fr.CWE, d.CWE, "CWE-798"), NHI: or(fr.NHI, d.NHI, "NHI2:2025"),
		Opens: or(fr.Opens, d.Opens), Minter: or(fr.Minter, d.Minter), Tags: fr.Tags,
		Examples: fr.Examples, Counterexamples: fr.Counterexamples,
	}
	if r.Severity == SeverityUnknown {
		r.Severity = d.Severity
	}
	if r.Severity == SeverityUnknown {
		r.Severity = High
	}
	for _, revoke := range []*Revoke{fr.Revoke, d.Revoke} {
		if revoke != nil {
			r.Revoke.URL = or(r.Revoke.URL, revoke.URL)
			r.Revoke.Steps = or(r.Revoke.Steps, revoke.Steps)
		}
	}
	if fr.Filter != nil {
		r.Filters = *fr.Filter
	} else if d.Filter != nil {
		r.Filters = *d.Filter
	}
	for _, a := range fr.Allow {
		r.Allow = append(r.Allow, Allow{Reason: a.Reason, All: a.All, Target: a.Target, Patterns: a.Patterns, Paths: a.Paths, StopWords: a.StopWords})
	}
	return r
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// Validate checks that the rule is whole and that the engine can run it.
func (r *Rule) Validate() error {
	switch {
	case !validID(r.ID):
		return fmt.Errorf("rule id %q: want lower-case words joined by '-'", r.ID)
	case r.Pattern == "" && r.Path == "":
		return fmt.Errorf("rule %s: pattern and path are both missing, so it would find nothing", r.ID)
	case len(r.Names) > 0 && r.Pattern == "":
		return fmt.Errorf("rule %s: names without a pattern for the value", r.ID)
	case len(r.Names) == 0 && len(r.Keywords) == 0 && r.Pattern != "":
		return fmt.Errorf("rule %s: no keywords: give a literal of three characters or more that every match holds", r.ID)
	}
	for _, k := range append(append([]string(nil), r.Keywords...), r.Names...) {
		if len(k) < 3 {
			return fmt.Errorf("rule %s: keyword %q is too short: want three characters or more", r.ID, k)
		}
	}
	if err := r.checkExpressions(); err != nil {
		return err
	}
	if r.Checksum != "" {
		if _, err := FindChecksum(r.Checksum); err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
	}
	return nil
}

func (r *Rule) checkExpressions() error {
	exprs := []string{r.Pattern, r.Path}
	for _, a := range r.Allow {
		exprs = append(append(exprs, a.Patterns...), a.Paths...)
	}
	for _, expr := range exprs {
		if expr == "" {
			continue
		}
		parsed, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
		if _, err := regexp.Compile(expr); err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
		if expr == r.Pattern && r.SecretGroup > parsed.MaxCap() {
			return fmt.Errorf("rule %s: secret group %d, but the pattern has %d", r.ID, r.SecretGroup, parsed.MaxCap())
		}
	}
	return nil
}

func validID(id string) bool {
	if id == "" || id[0] == '-' || id[len(id)-1] == '-' || strings.Contains(id, "--") {
		return false
	}
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
