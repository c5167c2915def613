package analyzers

import (
	"slices"
	"sync"

	"github.com/remint/remint/analyzers/longlived"
	"github.com/remint/remint/analyzers/sinks"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope"
)

// Rules are the rules of what the analyzers find by type, beside those of the
// catalogue: hardcodedkey's, broadscope's, longlived's.
func Rules() []rule.Rule {
	all := hardcoded()
	all = append(all, scope.Shared()...)
	all = append(all,
		lasting(longlived.TokenRule, "Token without an end, or with a far one",
			"Whatever the token opens, for as long as it lives: a copy that leaks stays good.",
			"Give it an expiry of hours, and make a new one when it is needed."),
		lasting(longlived.CertificateRule, "Certificate for a decade or more",
			"Whatever trusts the certificate, for longer than anyone keeps its key safe.",
			"Make it for 90 days or less, and renew it by a program (ACME, cert-manager)."),
		lasting(longlived.URLRule, "Presigned address for more than a week",
			"The object, for whoever comes by the address, without a trace of who that was.",
			"Sign it for the minutes that it is needed; a new one costs nothing."),
	)
	return all
}

// hardcoded are the rules of hardcodedkey: one for each kind of sink.
func hardcoded() []rule.Rule {
	var all []rule.Rule
	for k := sinks.Password; k < sinks.ID; k++ {
		r := rule.Rule{
			ID: "go-hardcoded-" + k.String(), Name: "Hardcoded " + k.Name(), Provider: "go", Severity: rule.High, CWE: "CWE-798", NHI: "NHI2:2025", Pattern: ".",
			Opens: "Whatever the value opens or protects where it is used.",
			Revoke: rule.Revoke{
				URL:   "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
				Steps: "Make a new value where it is checked, hand it to the program at run time, and make the old one useless.",
			},
		}
		if k == sinks.Nonce {
			r.Severity, r.CWE = rule.Medium, "CWE-329"
			r.Opens = "What is encrypted: two texts under one key and nonce give each other away, and in GCM the key of authentication too."
			r.Revoke = rule.Revoke{URL: "https://pkg.go.dev/crypto/cipher#AEAD", Steps: "Make the nonce anew for each text with crypto/rand, and send it along; encrypt anew what was kept."}
		}
		all = append(all, r)
	}
	return all
}

func lasting(id, name, opens, steps string) rule.Rule {
	return rule.Rule{
		ID: id, Name: name, Provider: "scope", Severity: rule.Medium, CWE: "CWE-613", NHI: "NHI7:2025", Pattern: ".", Scope: true, Opens: opens,
		Revoke: rule.Revoke{URL: "https://owasp.org/www-project-non-human-identities-top-10/2025/7-long-lived-secrets/", Steps: steps},
	}
}

var byID = sync.OnceValue(func() map[string]*rule.Rule {
	m := make(map[string]*rule.Rule)
	for _, list := range [][]rule.Rule{rule.Catalogue(), Rules()} {
		for _, r := range slices.Clone(list) {
			m[r.ID] = &r
		}
	}
	return m
})

// Rule returns the rule that a diagnostic's category names: one of the
// catalogue, or what an analyzer reports by type; nil where there is none.
func Rule(category string) *rule.Rule { return byID()[category] }
