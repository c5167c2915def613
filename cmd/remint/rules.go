package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/remint/remint/analyzers"
	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope"
)

func newRules() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "List, show and test the rules",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(newRulesList(), newRulesShow(), newRulesTest())
	return c
}

func newRulesList() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list [WORD...]",
		Short: "List the rules, or those whose id, name or provider holds every word",
		Example: `  remint rules list
  remint rules list openai
  remint rules list --format json | jq -r '.[].id'`,
		RunE: func(c *cobra.Command, words []string) error {
			var chosen []rule.Rule
			for _, r := range allRules() {
				if holdsAll(r.ID+" "+r.Name+" "+r.Provider, words) {
					chosen = append(chosen, r)
				}
			}
			switch format {
			case "text":
				return listRules(c.OutOrStdout(), chosen)
			case "json":
				return listRulesJSON(c.OutOrStdout(), chosen)
			}
			return fmt.Errorf("unknown format %q: want text or json", format)
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	return c
}

// allRules are the catalogue's, those of grants, and those of Go code by type.
func allRules() []rule.Rule {
	all := slices.Concat(rule.Catalogue(), scope.Rules())
	for _, r := range analyzers.Rules() {
		if !slices.ContainsFunc(all, func(o rule.Rule) bool { return o.ID == r.ID }) {
			all = append(all, r)
		}
	}
	return all
}

func holdsAll(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func listRules(w io.Writer, rules []rule.Rule) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		if !r.Hidden {
			fmt.Fprintf(t, "%s\t%s\t%s\n", r.ID, r.Severity, r.Name)
		}
	}
	return t.Flush()
}

type listedRule struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Provider string        `json:"provider"`
	Severity rule.Severity `json:"severity"`
	CWE      string        `json:"cwe"`
	NHI      string        `json:"nhi"`
	Opens    string        `json:"opens"`
	Minter   string        `json:"minter,omitempty"`
	Hidden   bool          `json:"hidden,omitempty"`
}

func listRulesJSON(w io.Writer, rules []rule.Rule) error {
	list := make([]listedRule, 0, len(rules))
	for _, r := range rules {
		list = append(list, listedRule{r.ID, r.Name, r.Provider, r.Severity, r.CWE, r.NHI, r.Opens, r.Minter, r.Hidden})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

func newRulesShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID...",
		Short:   "Show what a rule looks for, what the key opens, and how to revoke it",
		Example: "  remint rules show github-pat",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			for i, id := range ids {
				r := findRule(id)
				if r == nil {
					return fmt.Errorf("no rule %q: see 'remint rules list'", id)
				}
				if i > 0 {
					fmt.Fprintln(c.OutOrStdout())
				}
				if err := showRule(c.OutOrStdout(), r); err != nil {
					return err
				}
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, r := range allRules() {
				ids = append(ids, r.ID)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func findRule(id string) *rule.Rule {
	all := allRules()
	for i := range all {
		if all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}

func showRule(w io.Writer, r *rule.Rule) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("id", r.ID)
	row("name", r.Name)
	row("provider", r.Provider)
	row("severity", r.Severity.String())
	row("weakness", strings.TrimSpace(r.CWE+" "+r.NHI))
	row("opens", r.Opens)
	row(map[bool]string{false: "revoke", true: "narrow"}[r.Scope], r.Revoke.Steps)
	row("", r.Revoke.URL)
	if r.Pattern != "." { // else what finds it is no pattern
		row("pattern", r.Pattern)
		row("filter", r.Filters.String())
	}
	row("path", r.Path)
	row("names", strings.Join(r.Names, ", "))
	row("keywords", strings.Join(r.Keywords, ", "))
	if r.MinEntropy > 0 {
		row("entropy", fmt.Sprintf("at least %g bits a byte", r.MinEntropy))
	}
	row("checksum", r.Checksum)
	for _, p := range r.Companions {
		row("companion", p.Rule)
	}
	row("replaced by", r.Minter)
	for _, x := range r.Examples {
		row("example", x)
	}
	for _, x := range r.Counterexamples {
		row("not", x)
	}
	return t.Flush()
}

func newRulesTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test [FILE...]",
		Short: "Run the examples of the built-in rules, or of rule files",
		Long: `Run every example and counterexample of the built-in rules, or of the rules in
the files named (in the form of scanner/rule/catalogue/*.yaml), together with
all the others, as a scan would. Exit code 1 tells that a rule failed.`,
		Example: `  remint rules test
  remint rules test scanner/rule/catalogue/github.yaml`,
		RunE: func(c *cobra.Command, files []string) error {
			rules, wanted, err := rulesToTest(files)
			if err != nil {
				return err
			}
			faults, err := engine.CheckExamples(rules, wanted)
			if err != nil {
				return err
			}
			for _, f := range faults {
				fmt.Fprintln(c.OutOrStdout(), f)
			}
			n := len(wanted)
			if wanted == nil {
				n = len(rules)
			}
			fmt.Fprintf(c.OutOrStdout(), "%d rules, %d faults\n", n, len(faults))
			if len(faults) > 0 {
				return errFindings
			}
			return nil
		},
	}
}

// rulesToTest returns the built-in rules with those of the files in the place
// of their namesakes, and the ids to test; nil stands for all.
func rulesToTest(files []string) ([]rule.Rule, map[string]bool, error) {
	if len(files) == 0 {
		return rule.Catalogue(), nil, nil
	}
	wanted := make(map[string]bool)
	var rules []rule.Rule
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		loaded, err := rule.Load(name, f)
		f.Close()
		if err != nil {
			return nil, nil, err
		}
		for _, r := range loaded {
			wanted[r.ID] = true
		}
		rules = append(rules, loaded...)
	}
	for _, r := range rule.Catalogue() {
		if !wanted[r.ID] {
			rules = append(rules, r)
		}
	}
	return rules, wanted, rule.CheckSet(rules)
}
