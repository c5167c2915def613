package gitleaks

import (
	"maps"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// Overlay lays the set's rules over other ones, which stand in for those that
// gitleaks brings along:
//
//   - a rule that the user wrote, or whose expression the user replaced, is
//     added, in place of one of the same id;
//   - the allow lists that the user gave to a rule of gitleaks' own hold for
//     its counterparts, and a rule of gitleaks' own that the user turned off
//     turns them off.
//
// The counterparts of generic-api-key, which finds whatever is assigned to a
// telling name, are all generic rules. That of any other rule is the rule of
// the same id; failing that, for allow lists, the rules of the same provider,
// which is the first word of an id. The set's Global allow lists are the
// caller's to apply.
func (s *Set) Overlay(over []rule.Rule) []rule.Rule {
	rules := slices.Clone(over)
	at := make(map[string]int, len(rules))
	for i := range rules {
		at[rules[i].ID] = i
	}
	off := make(map[int]bool)
	for _, id := range s.disabled {
		if i, ok := at[id]; ok {
			off[i] = true
		}
		if id == genericRule {
			maps.Copy(off, indexes(rules, isGeneric))
		}
	}
	known := len(rules)
	for i := range s.Rules {
		r := &s.Rules[i]
		builtIn, fromGitleaks := s.builtIn[r.ID]
		if !fromGitleaks || s.rewritten[r.ID] {
			if j, ok := at[r.ID]; ok {
				rules[j] = *r
				delete(off, j)
			} else {
				rules = append(rules, *r)
			}
			continue
		}
		if own := r.Allow[builtIn:]; len(own) > 0 {
			for j := range counterparts(rules[:known], at, r.ID) {
				rules[j].Allow = append(slices.Clone(rules[j].Allow), own...)
			}
		}
	}
	kept := make([]rule.Rule, 0, len(rules))
	for i := range rules {
		if !off[i] {
			kept = append(kept, rules[i])
		}
	}
	return s.withRequired(kept)
}

// withRequired adds, hidden, the set's rules that others require.
func (s *Set) withRequired(rules []rule.Rule) []rule.Rule {
	have := make(map[string]bool, len(rules))
	for i := range rules {
		have[rules[i].ID] = true
	}
	for i := 0; i < len(rules); i++ {
		for _, c := range rules[i].Companions {
			for j := range s.Rules {
				if s.Rules[j].ID == c.Rule && !have[c.Rule] {
					have[c.Rule] = true
					added := s.Rules[j]
					added.Hidden = true
					rules = append(rules, added)
				}
			}
		}
	}
	return rules
}

// genericRule is gitleaks' id of its one generic rule.
const genericRule = "generic-api-key"

func counterparts(rules []rule.Rule, at map[string]int, id string) map[int]bool {
	if id == genericRule {
		return indexes(rules, isGeneric)
	}
	if i, ok := at[id]; ok {
		return map[int]bool{i: true}
	}
	provider, _, _ := strings.Cut(id, "-")
	return indexes(rules, func(r *rule.Rule) bool {
		word, _, _ := strings.Cut(r.ID, "-")
		return word == provider
	})
}

func isGeneric(r *rule.Rule) bool {
	return r.Filters == rule.FilterGeneric || r.Filters == rule.FilterPassword
}

func indexes(rules []rule.Rule, is func(*rule.Rule) bool) map[int]bool {
	found := make(map[int]bool)
	for i := range rules {
		if is(&rules[i]) {
			found[i] = true
		}
	}
	return found
}
