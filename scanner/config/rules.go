package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// RuleSet works out which rules run, and as what. catalogue and scopes are what
// remint brings along; they are not changed. A rule id that the configuration names and
// that does not exist is an error.
func (c *Config) RuleSet(catalogue, scopes []rule.Rule) (RuleSet, error) {
	if c.OnlyGitleaks {
		if len(c.Gitleaks.Rules) == 0 {
			return RuleSet{}, at(c.Gitleaks.Path, 1, "no rules: add [[rules]], or useDefault = true under [extend]")
		}
		return RuleSet{Rules: c.Gitleaks.Rules, Allow: c.Gitleaks.Global, Gitleaks: true}, nil
	}
	set := RuleSet{Rules: catalogue}
	if c.Gitleaks != nil {
		set.Rules, set.Allow = c.Gitleaks.Overlay(set.Rules), c.Gitleaks.Global
	}
	set.Rules = withExtra(set.Rules, c.rules.extra)
	if err := c.checkIDs(catalogue, set.Rules, scopes); err != nil {
		return RuleSet{}, err
	}
	set.Severity = c.severities(slices.Concat(set.Rules, scopes))
	set.Rules, set.Scopes = c.inUse(set.Rules), c.inUse(scopes)
	if len(set.Rules)+len(set.Scopes) == 0 {
		return RuleSet{}, fmt.Errorf("%s: no rule is left on, so that nothing would be found", c.Path)
	}
	return set, c.checkCompanions(set.Rules)
}

// withExtra adds the user's rules; one of the same id takes the place of ours.
func withExtra(rules, extra []rule.Rule) []rule.Rule {
	if len(extra) == 0 {
		return rules
	}
	replaced := make(map[string]bool, len(extra))
	for i := range extra {
		replaced[extra[i].ID] = true
	}
	out := make([]rule.Rule, 0, len(rules)+len(extra))
	for i := range rules {
		if !replaced[rules[i].ID] {
			out = append(out, rules[i])
		}
	}
	return append(out, extra...)
}

// checkIDs makes sure that every id or pattern names some rule.
func (c *Config) checkIDs(known ...[]rule.Rule) error {
	var ids []string
	for _, rules := range known {
		for i := range rules {
			ids = append(ids, rules[i].ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	d := &decoder{file: c.rules.file}
	check := func(where string, words []word) {
		for _, w := range words {
			if !slices.ContainsFunc(ids, func(id string) bool { return MatchRule(w.text, id) }) {
				what := "there is no rule"
				if strings.Contains(w.text, "*") {
					what = "no rule's id matches"
				}
				d.errs = append(d.errs, at(c.rules.file, w.line, "%s: %s%s%s (see: remint rules list)", where, what, quoted(w.text), suggestion(w.text, ids)))
			}
		}
	}
	check("rules.enable", c.rules.enable)
	check("rules.disable", c.rules.disable)
	for _, s := range c.rules.severity {
		check("rules.severity", []word{s.word})
	}
	for i := range c.Allow {
		check("allow", c.Allow[i].rules)
	}
	return d.err()
}

// checkCompanions makes sure that what the user's rules pair with exists.
func (c *Config) checkCompanions(rules []rule.Rule) error {
	if len(c.rules.extra) == 0 {
		return nil
	}
	ids := make([]string, len(rules))
	for i := range rules {
		ids[i] = rules[i].ID
	}
	var errs []error
	for i := range c.rules.extra {
		r := &c.rules.extra[i]
		for _, companion := range r.Companions {
			if slices.Contains(ids, r.ID) && !slices.Contains(ids, companion.Rule) {
				errs = append(errs, at(c.rules.file, c.rules.lines[r.ID], "rule %s: its companion%s does not exist%s", r.ID, quoted(companion.Rule), suggestion(companion.Rule, ids)))
			}
		}
	}
	return errors.Join(errs...)
}

// inUse leaves out the rules that are off. A rule that another one needs as
// its companion stays, hidden.
func (c *Config) inUse(rules []rule.Rule) []rule.Rule {
	if len(c.rules.enable)+len(c.rules.disable) == 0 {
		return rules
	}
	on := make(map[string]bool, len(rules))
	for i := range rules {
		on[rules[i].ID] = c.isOn(rules[i].ID)
	}
	needed := make(map[string]bool)
	for i := range rules {
		for _, companion := range rules[i].Companions {
			needed[companion.Rule] = needed[companion.Rule] || on[rules[i].ID]
		}
	}
	var out []rule.Rule
	reported := false
	for _, r := range rules {
		switch {
		case on[r.ID]:
			reported = reported || !r.Hidden
			out = append(out, r)
		case needed[r.ID]:
			r.Hidden = true
			out = append(out, r)
		}
	}
	if !reported {
		return nil
	}
	return out
}

// isOn: enable wins over disable, and without disable means nothing but what
// it names; rules.extra are on unless they are disabled.
func (c *Config) isOn(id string) bool {
	matches := func(words []word) bool {
		return slices.ContainsFunc(words, func(w word) bool { return MatchRule(w.text, id) })
	}
	if matches(c.rules.enable) {
		return true
	}
	if len(c.rules.disable) > 0 {
		return !matches(c.rules.disable)
	}
	return slices.ContainsFunc(c.rules.extra, func(r rule.Rule) bool { return r.ID == id })
}

// severities resolves rules.severity; the last entry that matches an id wins.
func (c *Config) severities(rules []rule.Rule) map[string]rule.Severity {
	if len(c.rules.severity) == 0 {
		return nil
	}
	out := make(map[string]rule.Severity)
	for i := range rules {
		for _, s := range c.rules.severity {
			if MatchRule(s.text, rules[i].ID) {
				out[rules[i].ID] = s.severity
			}
		}
	}
	return out
}
