package main

import (
	"context"
	"strings"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/scope/derive"
)

// addNeeds adds to findings of broad scopes in a Go module what its code needs
// of their provider. It asks no network, and says nothing where it cannot tell.
func (f *scanFlags) addNeeds(ctx context.Context, paths []string, result *scanner.Result) {
	if f.golang == goOff || f.stdin || f.staged || len(paths) != 1 || isModule(paths[0]) != nil || atHand(paths[0]) != nil {
		return
	}
	var wide []*scanner.Finding
	for i := range result.Findings {
		if providerOf(&result.Findings[i]) != "" {
			wide = append(wide, &result.Findings[i])
		}
	}
	if len(wide) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	needs, err := derive.Program(ctx, paths[0], []string{"./..."})
	if err != nil {
		return // the proposal of the rule stands
	}
	for _, o := range wide {
		if brief := needs.Brief(providerOf(o)); brief != "" {
			o.Note += "; the module's Go code needs: " + brief
			if len(needs.Unknown) > 0 {
				o.Note += ", and what remint scope derive names as not known"
			}
		}
	}
}

// providerOf is the provider by whose words a finding's scope is narrowed, as
// derive.Needs.Brief knows it; "" for others.
func providerOf(f *scanner.Finding) string {
	switch {
	case !f.Rule.Scope:
	case strings.HasPrefix(f.Rule.ID, "scope-aws-") && f.Rule.ID != "scope-aws-trust" && f.Rule.ID != "scope-aws-public":
		return "aws"
	case f.Rule.ID == "scope-github-app":
		return "github"
	case f.Rule.ID == "scope-oauth-broad" && strings.Contains(string(f.Secret.Reveal()), "googleapis.com"):
		return "google"
	}
	return ""
}
