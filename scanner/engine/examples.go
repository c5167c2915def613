package engine

import (
	"fmt"

	"github.com/remint/remint/scanner/rule"
)

// exampleSeeds is how many texts each example template is expanded to.
const exampleSeeds = 5

// CheckExamples runs the examples and counterexamples of the rules called
// wanted (all of them where it is nil) against the whole set, as a user's scan
// would, and returns what is wrong: an example whose secrets are not found
// exactly where they stand, by that rule; a counterexample that the rule finds.
func CheckExamples(rules []rule.Rule, wanted map[string]bool) ([]string, error) {
	e, err := New(rules, Options{})
	if err != nil {
		return nil, err
	}
	s := e.NewScanner()
	var faults []string
	for i := range rules {
		r := &rules[i]
		if wanted != nil && !wanted[r.ID] {
			continue
		}
		for _, t := range r.Examples {
			faults = append(faults, s.checkSeeds(r, t, true)...)
		}
		for _, t := range r.Counterexamples {
			faults = append(faults, s.checkSeeds(r, t, false)...)
		}
	}
	return faults, nil
}

// checkSeeds checks a template under every seed and returns the first fault.
func (s *Scanner) checkSeeds(r *rule.Rule, template string, wanted bool) []string {
	for seed := range uint64(exampleSeeds) {
		if why, err := s.checkExample(r, template, seed, wanted); err != nil || why != "" {
			return []string{faultText(r, template, why, err)}
		}
	}
	return nil
}

func faultText(r *rule.Rule, template, why string, err error) string {
	if err != nil {
		why = err.Error()
	}
	return fmt.Sprintf("%s: %s\n    %s", r.ID, why, template)
}

// checkExample returns what is wrong with one expanded template, or "".
func (s *Scanner) checkExample(r *rule.Rule, template string, seed uint64, wanted bool) (string, error) {
	text, want, err := r.Expand(template, seed)
	if err != nil {
		return "", err
	}
	s.Path = ""
	if r.Pattern == "" {
		s.Path = text
		want = nil
	}
	var dropped string
	s.OnDrop = func(d Drop) {
		if d.Rule == r {
			dropped = fmt.Sprintf(" (at %d: %s)", d.Start, d.Filter)
		}
	}
	matches, err := s.Scan([]byte(text))
	s.OnDrop = nil
	if err != nil {
		return "", err
	}
	var got []rule.Span
	other := ""
	for i := range matches {
		if matches[i].Rule == r {
			got = append(got, rule.Span{Start: matches[i].Start, End: matches[i].End})
		} else if other == "" {
			other = ", found by " + matches[i].Rule.ID
		}
	}
	return compareSpans(got, want, wanted, r.Pattern == "", dropped+other), nil
}

func compareSpans(got, want []rule.Span, wanted, pathOnly bool, detail string) string {
	switch {
	case !wanted && len(got) > 0:
		return fmt.Sprintf("the counterexample is found at %v", got)
	case !wanted:
		return ""
	case pathOnly && len(got) == 1:
		return ""
	case len(want) == 0 && !pathOnly:
		return "the example marks no secret: put it between « and »"
	case len(got) == 0:
		return "the example is not found" + detail
	case len(got) != len(want):
		return fmt.Sprintf("the example marks %d secrets, found %d, at %v", len(want), len(got), got)
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Sprintf("the secret stands at %v, found at %v", want[i], got[i])
		}
	}
	return ""
}
