package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/fix"
	"github.com/remint/remint/remediate/rewrite"
	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/config"
	"github.com/remint/remint/scanner/source"
)

// fixFlags are the flags of `remint fix`.
type fixFlags struct {
	keep                                       keepFlags
	plan, style, revoke, golang                string
	only, scopes, expand                       []string
	apply, resume, interactive, force, offline bool
}

func newFix() *cobra.Command {
	var f fixFlags
	c := &cobra.Command{
		Use:   "fix [FOLDER]",
		Short: "Replace each hardcoded key by a scoped one that is injected at run time",
		Long: `Replace each key that a scan finds: mint a new one with no more rights than it
needs, seal it in the vault, prove that it works, rewrite the code so that it is
injected at run time, and revoke the old one.

Without --apply nothing is changed: the plan is shown, with the diff of every file
(old values masked). --plan FILE writes it for you to edit; --apply --plan FILE
carries out what you edited. The old keys live on until 'remint revoke', unless
--revoke says otherwise. A run that was stopped anywhere goes on with --resume.`,
		Example: `  remint fix                                  show the plan
  remint fix --plan plan.yaml                 write it, to be edited
  remint fix --apply                          do it; old keys live on until remint revoke
  remint fix --apply --revoke=now             and revoke the old keys at once
  remint fix --scope 'shop/database-url=select on public.orders' --apply
  remint fix --interactive                    one key after the other
  remint fix --resume                         after a crash, or with a value that a person had to make`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c, args)
		},
	}
	f.keep.add(c)
	fl := c.Flags()
	fl.StringVar(&f.plan, "plan", "", "file to write the plan to; with --apply, the plan to carry out")
	fl.BoolVar(&f.apply, "apply", false, "carry the plan out")
	fl.BoolVar(&f.resume, "resume", false, "go on with what was begun")
	fl.BoolVarP(&f.interactive, "interactive", "i", false, "ask about each key, then carry out what was chosen")
	fl.StringArrayVar(&f.only, "only", nil, "only the finding with this fingerprint, or a beginning of it (may be repeated)")
	fl.StringArrayVar(&f.scopes, "scope", nil, "ENTRY=SCOPE: what a new key may do, such as 'shop/db=select on public.orders' (may be repeated)")
	fl.StringVar(&f.style, "style", "", "how programs get values: env, or sdk (Go: package inject) (default: that of .remint.yaml, else env)")
	fl.StringVar(&f.revoke, "revoke", "", "when old keys are revoked: now, on-deploy, never or after=24h (default: that of .remint.yaml, else on-deploy)")
	fl.StringArrayVar(&f.expand, "expand", nil, "pattern of files whose readers expand ${VARIABLE} (may be repeated)")
	fl.BoolVar(&f.force, "force", false, "rewrite files that have changes which are not committed")
	fl.BoolVar(&f.offline, "offline", false, "ask no provider what the old keys may do")
	fl.StringVar(&f.golang, "go", goAuto, "look at a Go module by type as well: auto, on, off")
	c.MarkFlagsMutuallyExclusive("apply", "resume", "interactive")
	c.MarkFlagsMutuallyExclusive("resume", "plan")
	_ = c.RegisterFlagCompletionFunc("style", cobra.FixedCompletions([]string{"env", "sdk"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("revoke", cobra.FixedCompletions([]string{"now", "on-deploy", "never", "after=24h"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// options are the flags as package fix has them.
func (f *fixFlags) options() (fix.Options, error) {
	o := fix.Options{Style: rewrite.Style(f.style), Revoke: fix.Revocation(f.revoke), Only: f.only, Offline: f.offline, Force: f.force, Scopes: make(map[string]string)}
	if f.style != "" && f.style != "env" && f.style != "sdk" {
		return o, fmt.Errorf("--style: want env or sdk, not %q", f.style)
	}
	if f.revoke != "" {
		if err := config.CheckRevoke(f.revoke); err != nil {
			return o, fmt.Errorf("--revoke: %w", err)
		}
	}
	for _, s := range f.scopes {
		entry, scope, ok := strings.Cut(s, "=")
		if !ok {
			return o, fmt.Errorf("--scope %q: want ENTRY=SCOPE", s)
		}
		o.Scopes[entry] = scope
	}
	if len(f.expand) > 0 {
		g, err := config.ParseGlobs(f.expand)
		if err != nil {
			return o, fmt.Errorf("--expand: %w", err)
		}
		o.Expand = g
	}
	return o, nil
}

func (f *fixFlags) run(c *cobra.Command, args []string) error {
	root := "."
	if len(args) > 0 {
		root = args[0]
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	if f.resume {
		return f.resumeFix(c, root, o)
	}
	project, findings, err := f.scan(c.Context(), root, o, c.ErrOrStderr())
	if err != nil {
		return err
	}
	machine, closing, err := f.machine(c.Context(), project, f.apply || f.interactive, c)
	if err != nil {
		return err
	}
	defer closing()
	plan, err := project.Plan(c.Context(), findings)
	if err != nil {
		return err
	}
	if f.apply && f.plan != "" {
		if err := plan.Edited(f.plan); err != nil {
			return err
		}
	}
	switch {
	case len(plan.Items) == 0 && len(plan.Left) == 0:
		fmt.Fprintln(c.OutOrStdout(), "nothing to fix: no hardcoded key was found")
		return nil
	case f.interactive:
		if err := choose(plan); err != nil {
			return err
		}
	case !f.apply:
		return f.show(c.OutOrStdout(), project, plan)
	}
	states, err := machine.Apply(c.Context(), plan)
	return f.outcome(c, plan, states, err)
}

// scan finds what is to be fixed.
func (f *fixFlags) scan(ctx context.Context, root string, o fix.Options, stderr io.Writer) (*fix.Project, []scanner.Finding, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return nil, nil, fmt.Errorf("%s is no folder: name the project's folder, and with --only what is to be fixed in it", root)
	}
	p, err := scanner.LoadPolicy(root, scanner.PolicyFiles{})
	if err != nil {
		return nil, nil, err
	}
	opts := p.Options()
	opts.Progress = new(scanner.Progress)
	s, err := scanner.New(opts)
	if err != nil {
		return nil, nil, err
	}
	stop := showProgress(stderr, opts.Progress)
	result, err := s.Scan(ctx, source.Tree{Roots: []string{root}, Exclude: p.Excludes})
	if err == nil {
		(&scanFlags{golang: f.golang}).addGo(ctx, s, []string{root}, result, stderr)
	}
	stop()
	if err != nil {
		return nil, nil, err
	}
	for n := range result.Findings {
		if rel, err := filepath.Rel(root, filepath.FromSlash(result.Findings[n].Path)); err == nil {
			result.Findings[n].Path = filepath.ToSlash(rel)
		}
	}
	project, err := fix.Open(root, p.Config(), o)
	return project, result.Findings, err
}

// machine opens the vault. A plan alone does without one; the embedded default
// is made where a plan is carried out and there is none.
func (f *fixFlags) machine(ctx context.Context, project *fix.Project, needed bool, c *cobra.Command) (*fix.Machine, func(), error) {
	s, _, err := f.keep.settingsOf(project.Root)
	if err != nil {
		return nil, nil, err
	}
	o, err := remediate.Open(ctx, s)
	if errors.Is(err, remediate.ErrNoVault) && needed {
		if o, err = remediate.Init(ctx, s); err == nil {
			fmt.Fprintf(c.ErrOrStderr(), "remint: made the vault %s, assurance %s\n", s.Place(), o.Token.Info().Assurance)
			for _, n := range o.Notes {
				fmt.Fprintf(c.ErrOrStderr(), "remint: note: %s\n", n)
			}
		}
	}
	if err != nil {
		if needed {
			return nil, nil, err
		}
		return nil, func() {}, nil //nolint:nilerr // a plan can be made without
	}
	m := &fix.Machine{Project: project, Vault: o, Home: s.Home, Ask: askValue(c.InOrStdin())}
	m.Say = func(s *fix.State) { fmt.Fprintf(c.ErrOrStderr(), "%-10s %s\n", s.Step, s.Item.Entry) }
	m.UseSettings()
	return m, func() { _ = o.Close() }, nil
}

// askValue asks on the terminal without echo, or reads a line of a pipe for
// each value; nil where there is neither.
func askValue(stdin io.Reader) func(context.Context, string) ([]byte, error) {
	if ask := askOnTerminal(); ask != nil {
		return func(ctx context.Context, prompt string) ([]byte, error) {
			text, err := ask(ctx, prompt)
			return []byte(text), err
		}
	}
	info, err := os.Stdin.Stat()
	if f, ok := stdin.(*os.File); ok && f == os.Stdin && (err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 && !info.Mode().IsRegular()) {
		return nil
	}
	lines := bufio.NewReader(io.LimitReader(stdin, maxValue))
	return func(context.Context, string) ([]byte, error) {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return text, err
	}
}

// goOn opens a project, without a scan, and its vault.
func (f *fixFlags) goOn(c *cobra.Command, root string, o fix.Options) (*fix.Machine, func(), error) {
	conf, err := config.Discover(root, "")
	if err != nil {
		return nil, nil, err
	}
	project, err := fix.Open(root, &conf, o)
	if err != nil {
		return nil, nil, err
	}
	return f.machine(c.Context(), project, true, c)
}

func (f *fixFlags) resumeFix(c *cobra.Command, root string, o fix.Options) error {
	m, closing, err := f.goOn(c, root, o)
	if err != nil {
		return err
	}
	defer closing()
	states, err := m.Resume(c.Context())
	if err == nil && len(states) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "nothing was begun that is not finished")
		return nil
	}
	return f.outcome(c, nil, states, err)
}

// show prints a plan: what becomes of each key, and the diff.
func (f *fixFlags) show(out io.Writer, project *fix.Project, plan *fix.Plan) error {
	if f.plan != "" {
		if err := plan.Write(f.plan); err != nil {
			return err
		}
		fmt.Fprintf(out, "wrote %s: edit it, then remint fix --apply --plan %s\n", f.plan, f.plan)
		return errFindings
	}
	for _, i := range plan.Items {
		showItem(out, i)
	}
	for _, l := range plan.Left {
		fmt.Fprintf(out, "left  %s:%d  %s: %s\n", l.File, l.Line, l.Rule, l.Why)
	}
	diff, err := project.Diffs(plan)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\nNothing has been changed. --apply does it; --plan FILE writes the plan, to be edited.\n", diff)
	return errFindings
}

func showItem(out io.Writer, i *fix.Item) {
	fmt.Fprintf(out, "%s\n", i.Entry)
	w := tabwriter.NewWriter(out, 4, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "    %s\t%s\n", name, value)
		}
	}
	row("found as", i.Rule)
	row("minted by", i.Minter)
	row("may", i.Scope)
	row("kept in", map[string]string{"hsm": "the token: the key does not leave it", "vault": "the vault, sealed"}[i.Custody])
	row("lives", i.Lifetime)
	row("rotates", i.Rotate)
	row("old key", map[fix.Revocation]string{
		fix.Now: "is revoked at once", fix.OnDeploy: "lives on until you say: remint revoke " + i.Entry, fix.Never: "is not revoked",
	}[i.Revoke])
	if after, ok := i.Revoke.After(); ok {
		row("old key", fmt.Sprintf("is revoked by remint revoke --due, %s after the code was rewritten", after))
	}
	for _, at := range i.Places {
		if at.Refused != "" {
			row("by hand", fmt.Sprintf("%s:%d: %s", at.File, at.Line, at.Refused))
		} else {
			row("in", fmt.Sprintf("%s:%d, from %s", at.File, at.Line, at.Variable))
		}
	}
	for _, n := range i.Notes {
		row("note", n)
	}
	_ = w.Flush()
}

// outcome says how far it came, and what is left to a person.
func (f *fixFlags) outcome(c *cobra.Command, plan *fix.Plan, states []*fix.State, err error) error {
	out := c.OutOrStdout()
	printStates(out, states)
	var todo []string
	for _, s := range states {
		for _, n := range s.Item.Notes {
			todo = append(todo, s.Item.Entry+": "+n)
		}
	}
	for _, t := range todo {
		fmt.Fprintln(out, "note", t)
	}
	if plan != nil {
		for _, l := range plan.Left {
			fmt.Fprintf(out, "left %s:%d  %s: %s\n", l.File, l.Line, l.Rule, l.Why)
		}
	}
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "remint: %v\n", err)
		return errReported
	}
	if plan != nil && len(plan.Left) > 0 {
		return errFindings
	}
	return nil
}
