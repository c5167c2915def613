package gitleaks

import (
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

func catalogue() []rule.Rule {
	return []rule.Rule{
		{ID: "aws-access-key", Provider: "aws", Pattern: "AKIA"},
		{ID: "aws-session-token", Provider: "aws", Pattern: "ASIA"},
		{ID: "generic-api-key", Provider: "generic", Pattern: ".", Filters: rule.FilterGeneric},
		{ID: "generic-password", Provider: "generic", Pattern: ".", Filters: rule.FilterPassword},
		{ID: "github-pat", Provider: "github", Pattern: "ghp_"},
	}
}

func TestOverlay(t *testing.T) {
	tests := []struct {
		name, text string
		ids        []string          // what is in use afterwards
		allow      map[string]string // a stop word that a rule must have got
		pattern    map[string]string
	}{
		{
			name: "nothing but allow lists", text: "[extend]\nuseDefault = true\n",
			ids: []string{"aws-access-key", "aws-session-token", "generic-api-key", "generic-password", "github-pat"},
		},
		{
			name: "a rule of the user's own, one in place of ours",
			text: "[[rules]]\nid = 'own'\nregex = 'own'\n[[rules]]\nid = 'github-pat'\nregex = 'mine'\n",
			ids:  []string{"aws-access-key", "aws-session-token", "generic-api-key", "generic-password", "github-pat", "own"},
			pattern: map[string]string{
				"github-pat": "mine", "own": "own", "aws-access-key": "AKIA",
			},
		},
		{
			name: "allow lists given to rules of gitleaks' own",
			text: "[extend]\nuseDefault = true\n[[rules]]\nid = 'aws-access-token'\n[[rules.allowlists]]\nstopwords = ['word']\n" +
				"[[allowlists]]\ntargetRules = ['generic-api-key', 'github-pat']\nstopwords = ['other']\n",
			ids: []string{"aws-access-key", "aws-session-token", "generic-api-key", "generic-password", "github-pat"},
			allow: map[string]string{
				"aws-access-key": "word", "aws-session-token": "word",
				"generic-api-key": "other", "generic-password": "other", "github-pat": "other",
			},
		},
		{
			name:    "a rule of gitleaks' own rewritten",
			text:    "[extend]\nuseDefault = true\n[[rules]]\nid = 'gitlab-pat'\nregex = 'glpat-mine'\n",
			ids:     []string{"aws-access-key", "aws-session-token", "generic-api-key", "generic-password", "github-pat", "gitlab-pat"},
			pattern: map[string]string{"gitlab-pat": "glpat-mine"},
		},
		{
			name: "rules of gitleaks' own turned off",
			text: "[extend]\nuseDefault = true\ndisabledRules = ['generic-api-key', 'github-pat', 'aws-access-token']\n",
			ids:  []string{"aws-access-key", "aws-session-token"},
		},
		{
			name: "a rule that requires one of gitleaks' own",
			text: "[extend]\nuseDefault = true\n[[rules]]\nid = 'pair'\nregex = 'p'\n[[rules.required]]\nid = 'gitlab-pat'\n[[rules]]\nid = 'gitlab-pat'\n",
			ids:  []string{"aws-access-key", "aws-session-token", "generic-api-key", "generic-password", "github-pat", "pair", "gitlab-pat (hidden)"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, whole := range []bool{true, false} {
				set, err := Parse("main.toml", []byte(tt.text), Options{ForOverlay: !whole})
				if err != nil {
					t.Fatal(err)
				}
				over := catalogue()
				checkOverlay(t, set.Overlay(over), tt.ids, tt.allow, tt.pattern)
				for i, r := range catalogue() {
					if over[i].Pattern != r.Pattern || len(over[i].Allow) > 0 {
						t.Errorf("Overlay changed the rules it was given: %s", r.ID)
					}
				}
			}
		})
	}
}

func checkOverlay(t *testing.T, got []rule.Rule, ids []string, allow, pattern map[string]string) {
	t.Helper()
	var have []string
	for i := range got {
		r := &got[i]
		id := r.ID
		if r.Hidden {
			id += " (hidden)"
		}
		have = append(have, id)
		if want, ok := pattern[r.ID]; ok && r.Pattern != want {
			t.Errorf("rule %s has the pattern %s, want %s", r.ID, r.Pattern, want)
		}
		var words []string
		for _, a := range r.Allow {
			words = append(words, a.StopWords...)
		}
		if want := allow[r.ID]; strings.Join(words, ",") != want {
			t.Errorf("rule %s has the stop words %q, want %q", r.ID, words, want)
		}
	}
	if !slices.Equal(have, ids) {
		t.Errorf("rules = %v, want %v", have, ids)
	}
}
