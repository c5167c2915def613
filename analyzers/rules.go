package analyzers

import (
	"slices"
	"strings"

	"github.com/remint/remint/analyzers/sinks"
	"github.com/remint/remint/scanner/rule"
)

// Rule returns the rule that a diagnostic's category names: one of the
// catalogue, or what an analyzer reports by type.
func Rule(category string) *rule.Rule {
	all := rule.Catalogue()
	if i := slices.IndexFunc(all, func(r rule.Rule) bool { return r.ID == category }); i >= 0 {
		return &all[i]
	}
	r := &rule.Rule{
		ID: category, Name: "Hardcoded credential", Provider: "go", Severity: rule.High, CWE: "CWE-798", NHI: "NHI2:2025", Pattern: ".",
		Opens: "Whatever the value opens or protects where it is used.",
		Revoke: rule.Revoke{
			URL:   "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
			Steps: "Make a new value where it is checked, hand it to the program at run time, and make the old one useless.",
		},
	}
	if word, ok := strings.CutPrefix(category, "go-hardcoded-"); ok {
		for k := sinks.Password; k <= sinks.ID; k++ {
			if k.String() == word {
				r.Name = "Hardcoded " + k.Name()
			}
		}
	}
	return r
}
