// Package rule holds what kinds of secret look like: the rule model, the
// built-in catalogue (one YAML file a provider under catalogue/), and the
// loader for rules that users write in the same form.
package rule

import (
	"fmt"
	"strings"
)

// Severity says how bad it is when the key is in the wrong hands.
type Severity uint8

// The severities, mildest first. The zero value means "not stated".
const (
	SeverityUnknown Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"unknown", "low", "medium", "high", "critical"}

// Severities lists every stated severity, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// String returns the lower-case name used in rule files and in reports.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return severityNames[0]
}

// MarshalText implements encoding.TextMarshaler with the lower-case name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts the lower-case name of a stated severity.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// ParseSeverity reads low, medium, high or critical, in any case.
func ParseSeverity(name string) (Severity, error) {
	for _, s := range Severities() {
		if strings.EqualFold(name, s.String()) {
			return s, nil
		}
	}
	return SeverityUnknown, fmt.Errorf("unknown severity %q: want low, medium, high or critical", name)
}

// Rule is one kind of secret. A rule finds its secret in one of three ways:
// by Pattern alone (the token has a shape of its own), by an assignment to one
// of Names whose whole value matches Pattern (the token is only a run of hex),
// or by Path alone (the file itself is the secret).
type Rule struct {
	// ID is stable for ever: lower-case words joined by '-', provider first.
	ID string
	// Name is what a person calls it: "GitHub personal access token (classic)".
	Name string
	// Provider is the id of the file the rule came from: "github".
	Provider string

	// Pattern is an RE2 expression. The secret is the group named "secret",
	// else the first group that took part, else the whole match.
	Pattern string
	// SecretGroup, when above 0, is the group that holds the secret.
	SecretGroup int
	// Names, when set, makes the rule an assignment rule: Pattern must match
	// the whole value given to a name that holds one of these words.
	// Comparison ignores case and the separators '_', '-', '.' and ' '.
	Names []string
	// Keywords are literals, case-insensitive, one of which every match
	// holds (or stands near, see Reach). Assignment rules need none.
	Keywords []string
	// Reach is how many bytes a match may stand away from its keyword.
	// 0 means that the match holds the keyword.
	Reach int
	// Anywhere makes a keyword a condition on the whole text, as gitleaks
	// means it: where one stands anywhere, Pattern runs over all of the text.
	Anywhere bool
	// MaxLength bounds a match in bytes where Pattern does not. 0 means the
	// rest of the line, or DefaultMaxLength for a pattern that crosses lines.
	MaxLength int
	// Path, when set, is an RE2 expression that the file's slash-separated
	// path must match.
	Path string

	// MinEntropy is the least Shannon entropy of the secret, in bits a byte.
	MinEntropy float64
	// Checksum names the provider's own check (see Checksums).
	Checksum string
	// Filters says how much plausibility the value must show.
	Filters Filter
	// Allow lists what is not a finding although it matches.
	Allow []Allow
	// Companions are other rules whose finding makes a pair with this one.
	Companions []Companion
	// Hidden rules are never reported alone; they serve as companions.
	Hidden bool

	Severity Severity
	// CWE is a MITRE id such as CWE-798.
	CWE string
	// NHI is an OWASP Non-Human Identities Top 10 id such as NHI2:2025.
	NHI string
	// Opens says in a sentence what the key opens: the blast radius.
	Opens string
	// Revoke says how a person makes the old key useless.
	Revoke Revoke
	// Minter names the remediate/mint provider that can replace it, or "".
	Minter string
	// Scope tells that what is found is a permission that is too wide, not a
	// secret: it is shown as it is, and there is nothing to revoke.
	Scope bool
	// Tags are free words, kept for users' own rules.
	Tags []string

	// Examples must match, with the secret exactly between « and ».
	// Both kinds are templates: see Expand.
	Examples []string
	// Counterexamples must give no finding of this rule.
	Counterexamples []string
}

// DefaultMaxLength bounds a match, in bytes, where a rule states no bound.
const DefaultMaxLength = 4096

// Filter is how sceptical the engine is of a value that matched.
type Filter uint8

const (
	// FilterToken (the default) drops placeholders and repeated characters.
	FilterToken Filter = iota
	// FilterGeneric also drops words, paths, code and other readable values.
	FilterGeneric
	// FilterPassword drops placeholders and code, and lets words pass.
	FilterPassword
	// FilterNone believes the pattern.
	FilterNone
)

var filterNames = [...]string{"token", "generic", "password", "none"}

// String returns the name used in rule files.
func (f Filter) String() string { return filterNames[f] }

// UnmarshalText accepts a name used in rule files.
func (f *Filter) UnmarshalText(b []byte) error {
	for i, n := range filterNames {
		if n == string(b) {
			*f = Filter(i)
			return nil
		}
	}
	return fmt.Errorf("unknown filter %q: want one of %s", b, strings.Join(filterNames[:], ", "))
}

// Revoke is what a person does by hand.
type Revoke struct {
	URL   string `yaml:"url"`
	Steps string `yaml:"steps"`
}

// Companion names a rule whose match makes a pair with this one.
type Companion struct {
	Rule string `yaml:"rule"`
	// Lines is how far apart the two may start; 0 means anywhere in the file.
	Lines int `yaml:"lines"`
	// Columns bounds the distance of the two start columns; 0 means no bound.
	Columns int `yaml:"columns"`
	// SameLine and SameColumn ask for a distance of 0, which only gitleaks'
	// configuration can say.
	SameLine   bool `yaml:"-"`
	SameColumn bool `yaml:"-"`
	// Required drops the finding where the companion is missing.
	Required bool `yaml:"required"`
}

// Allow is a set of conditions under which a match is not a finding.
type Allow struct {
	Reason string
	// All makes every stated kind of condition necessary; otherwise one is enough.
	All bool
	// Target is what Patterns are tried on.
	Target AllowTarget
	// Patterns and Paths are RE2 expressions; StopWords are substrings of the
	// secret in any case; Commits are full ids.
	Patterns  []string
	Paths     []string
	StopWords []string
	Commits   []string
}

// AllowTarget is the text that Allow.Patterns are tried on.
type AllowTarget uint8

// The targets. The secret is the default.
const (
	TargetSecret AllowTarget = iota
	TargetMatch
	TargetLine
)

// UnmarshalText accepts secret, match or line.
func (t *AllowTarget) UnmarshalText(b []byte) error {
	for i, name := range [...]string{"secret", "match", "line"} {
		if name == string(b) {
			*t = AllowTarget(i)
			return nil
		}
	}
	return fmt.Errorf("unknown target %q: want secret, match or line", b)
}
