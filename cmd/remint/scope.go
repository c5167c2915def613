package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/remint/remint/scanner/scope/derive"
)

func newScope() *cobra.Command {
	c := &cobra.Command{
		Use:   "scope",
		Short: "Say what a key has to be granted",
	}
	c.AddCommand(newScopeDerive())
	return c
}

// deriveFlags are what scope derive is told.
type deriveFlags struct {
	json bool
	only string
	diff string
}

func newScopeDerive() *cobra.Command {
	var f deriveFlags
	c := &cobra.Command{
		Use:   "derive [PACKAGE...]",
		Short: "Print the narrowest grant that a Go program needs",
		Long: `Read which calls Go packages (./... where none is named) make of the SDKs of
AWS, GitHub and Google, and print the narrowest grant that they need. Where
there are commands among the packages, it is what these reach from main; else
what the exported functions reach. Tests do not count; files behind build tags
are read with GOFLAGS=-tags=NAME. Nothing is executed or fetched.

Calls that cannot be followed are named ("not known"): what is printed is then
less than what is needed.

With --diff it is compared with what is granted: a file with policies of IAM
(.json, .tf, a template of CloudFormation), a workflow of GitHub (.yml), the
permissions or the manifest of a GitHub App (.json), or Google's scopes, one a
line.

Exit codes: 0 done, 1 the grant is another one (--diff), 2 could not do the work
or not all of it.`,
		Example: `  remint scope derive
  remint scope derive ./cmd/server --only policy > policy.json
  remint scope derive ./cmd/bot --only workflow
  remint scope derive ./cmd/bot --diff .github/workflows/bot.yml
  remint scope derive ./cmd/server --diff infra/iam.tf
  remint scope derive ./... --json | jq -r '.aws[].action'`,
		RunE: func(c *cobra.Command, patterns []string) error {
			return runDerive(c.Context(), &f, patterns, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.json, "json", false, "print everything that is known, with places, as JSON")
	fl.StringVar(&f.only, "only", "", "print one grant alone: policy (AWS), app or workflow (GitHub), scopes (Google)")
	fl.StringVar(&f.diff, "diff", "", "file with what is granted, to compare with what is needed")
	c.MarkFlagsMutuallyExclusive("only", "diff")
	c.MarkFlagsMutuallyExclusive("only", "json")
	return c
}

func runDerive(ctx context.Context, f *deriveFlags, patterns []string, stdout, stderr io.Writer) error {
	if !slices.Contains([]string{"", "policy", "app", "workflow", "scopes"}, f.only) {
		return fmt.Errorf("--only takes policy, app, workflow or scopes, not %q", f.only)
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	var granted []byte
	if f.diff != "" {
		var err error
		if granted, err = os.ReadFile(f.diff); err != nil {
			return fmt.Errorf("read what is granted: %w", err)
		}
	}
	needs, err := derive.Program(ctx, ".", patterns)
	if err != nil {
		return err
	}
	if f.diff != "" {
		return diffNeeds(needs, f, granted, stdout)
	}
	write := needs.WriteText
	switch {
	case f.json:
		write = needs.WriteJSON
	case f.only != "":
		write = func(w io.Writer) error { return writeOnly(needs, f.only, w, stderr) }
	}
	return conclude(write(stdout), needs.Unknown)
}

func diffNeeds(needs *derive.Needs, f *deriveFlags, granted []byte, stdout io.Writer) error {
	d, err := needs.Diff(filepath.Base(f.diff), granted)
	if err != nil {
		return err
	}
	write := d.WriteText
	if f.json {
		write = d.WriteJSON
	}
	err = write(stdout)
	if err == nil && !d.None() {
		return errFindings
	}
	return conclude(err, d.Unknown)
}

// conclude says that the work is not all done where some calls are not known.
func conclude(err error, unknown []derive.Unknown) error {
	if err == nil && len(unknown) > 0 {
		return errReported
	}
	return err
}

// writeOnly writes one grant to be used as it stands; what is not in it goes to
// standard error.
func writeOnly(needs *derive.Needs, only string, stdout, stderr io.Writer) error {
	var text string
	switch only {
	case "policy":
		text = needs.AWSPolicy()
	case "app":
		text = needs.GitHubApp()
	case "workflow":
		var lacking []string
		text, lacking = needs.Workflow()
		for _, l := range lacking {
			fmt.Fprintf(stderr, "remint: a workflow's own token cannot have %s: it needs an App's token\n", l)
		}
	case "scopes":
		text = needs.GoogleScopes()
	}
	for _, u := range needs.Unknown {
		fmt.Fprintf(stderr, "remint: not known: %s (%s)\n", u.What, u.At)
	}
	if text == "" {
		return errors.New("no call of the SDK is reached that needs such a grant")
	}
	_, err := io.WriteString(stdout, text)
	return err
}
