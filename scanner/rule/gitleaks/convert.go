package gitleaks

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/remint/remint/scanner/rule"
)

// convert says a gitleaks rule in terms of package rule. Gitleaks knows no
// severity; these rules are high, as user rules that state none are.
func convert(g config.Rule, needs []need) (rule.Rule, error) {
	r := rule.Rule{
		ID: g.RuleID, Name: g.Description, Provider: "custom",
		SecretGroup: g.SecretGroup, Keywords: g.Keywords, Anywhere: true,
		MinEntropy: g.Entropy, Filters: rule.FilterNone, Hidden: g.SkipReport,
		Severity: rule.High, CWE: "CWE-798", NHI: "NHI2:2025", Tags: g.Tags,
	}
	if r.Name == "" {
		r.Name = r.ID
	}
	if g.Regex != nil {
		r.Pattern = g.Regex.String()
	}
	if g.Path != nil {
		r.Path = g.Path.String()
	}
	for _, a := range g.Allowlists {
		r.Allow = append(r.Allow, convertAllow(a))
	}
	for _, n := range needs {
		c := rule.Companion{Rule: n.id, Required: true}
		for _, d := range []struct {
			within *int
			bound  *int
			same   *bool
		}{{n.lines, &c.Lines, &c.SameLine}, {n.columns, &c.Columns, &c.SameColumn}} {
			switch {
			case d.within == nil:
			case *d.within < 0:
				return r, fmt.Errorf("%s: required rule %s: a distance below 0 is never met", g.RuleID, n.id)
			case *d.within == 0:
				*d.same = true
			default:
				*d.bound = *d.within
			}
		}
		r.Companions = append(r.Companions, c)
	}
	return r, nil
}

func convertAllow(a *config.Allowlist) rule.Allow {
	out := rule.Allow{
		Reason:    a.Description,
		All:       a.MatchCondition == config.AllowlistMatchAnd,
		Patterns:  joined(a.Regexes),
		Paths:     joined(a.Paths),
		StopWords: slices.Sorted(slices.Values(a.StopWords)),
		Commits:   slices.Sorted(slices.Values(a.Commits)),
	}
	switch a.RegexTarget {
	case "match":
		out.Target = rule.TargetMatch
	case "line":
		out.Target = rule.TargetLine
	}
	return out
}

func joined(exprs []*regexp.Regexp) []string {
	if len(exprs) == 0 {
		return nil
	}
	texts := make([]string, len(exprs))
	for i, x := range exprs {
		texts[i] = x.String()
	}
	if len(texts) == 1 {
		return texts
	}
	return []string{join(texts)}
}
