package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Allow is one entry of the allow list. Every kind of condition that it states
// must hold; of one kind, one is enough.
type Allow struct {
	Reason string

	file         string
	line         int
	rules        []word
	paths        *Globs
	values       []*regexp.Regexp
	stopWords    [][]byte
	fingerprints map[string]bool
}

// Where returns the entry's place as "file:line".
func (a *Allow) Where() string { return fmt.Sprintf("%s:%d", a.file, a.line) }

// Match tells whether the entry allows a finding. path is relative to the
// project's folder (see Config.Rel).
func (a *Allow) Match(ruleID, path string, secret []byte, fingerprint string) bool {
	return a.matchRule(ruleID) &&
		(a.paths == nil || a.paths.Match(path, false)) &&
		(a.fingerprints == nil || a.fingerprints[fingerprint]) &&
		a.matchStopWord(secret) && a.matchValue(secret)
}

func (a *Allow) matchRule(id string) bool {
	for _, r := range a.rules {
		if MatchRule(r.text, id) {
			return true
		}
	}
	return len(a.rules) == 0
}

func (a *Allow) matchStopWord(secret []byte) bool {
	if len(a.stopWords) == 0 {
		return true
	}
	lower := bytes.ToLower(secret)
	for _, w := range a.stopWords {
		if bytes.Contains(lower, w) {
			return true
		}
	}
	return false
}

func (a *Allow) matchValue(secret []byte) bool {
	for _, v := range a.values {
		if v.Match(secret) {
			return true
		}
	}
	return len(a.values) == 0
}

// allow reads one entry of the allow list.
func (d *decoder) allow(where string, n *yaml.Node) Allow {
	a := Allow{file: d.file, line: n.Line}
	conditions := 0
	had := len(d.errs)
	d.mapping(where, n, map[string]field{
		"reason": func(where string, n *yaml.Node) { a.Reason, _ = d.text(where, n) },
		"rules":  func(where string, n *yaml.Node) { a.rules = d.ruleIDs(where, n) },
		"paths": func(where string, n *yaml.Node) {
			if gs := d.globs(where, n); len(gs.list) > 0 {
				a.paths = gs
				conditions++
			}
		},
		"values": func(where string, n *yaml.Node) {
			d.list(where, n, func(where string, n *yaml.Node) {
				if re := d.expression(where, n); re != nil {
					a.values = append(a.values, re)
				}
			})
			conditions += len(a.values)
		},
		"stopwords": func(where string, n *yaml.Node) {
			for _, w := range d.texts(where, n) {
				a.stopWords = append(a.stopWords, bytes.ToLower([]byte(w.text)))
			}
			conditions += len(a.stopWords)
		},
		"fingerprints": func(where string, n *yaml.Node) {
			a.fingerprints = d.fingerprints(where, n)
			conditions += len(a.fingerprints)
		},
	})
	switch {
	case len(d.errs) > had || conditions > 0:
	case len(a.rules) > 0:
		d.fail(n, "%s: with nothing but rules it would allow all they find: turn them off under rules.disable, or add paths, values, stopwords or fingerprints", where)
	default:
		d.fail(n, "%s: it has no condition: add rules, paths, values, stopwords or fingerprints", where)
	}
	return a
}

func (d *decoder) fingerprints(where string, n *yaml.Node) map[string]bool {
	out := make(map[string]bool)
	d.list(where, n, func(where string, v *yaml.Node) {
		// A fingerprint of digits alone is a number to YAML.
		if v.Kind != yaml.ScalarNode || !ValidFingerprint(v.Value) {
			d.fail(v, "%s: want a fingerprint as remint prints it: %d characters of 0-9 and a-f (never the secret itself)", where, fingerprintLength)
			return
		}
		out[strings.ToLower(v.Value)] = true
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// fingerprintLength is the length of a fingerprint in hexadecimal.
const fingerprintLength = 32

// ValidFingerprint tells whether text has the form of a finding's fingerprint.
func ValidFingerprint(text string) bool {
	if len(text) != fingerprintLength {
		return false
	}
	for i := range len(text) {
		c := text[i] | 0x20
		if (c < '0' || c > '9' || text[i] < '0') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
