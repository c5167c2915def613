package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/report"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/silence"
	"github.com/remint/remint/scanner/source"
	"github.com/remint/remint/scanner/source/staged"
)

type scanFlags struct {
	staged, stdin, reveal, gitignore     bool
	format, output                       string
	golang, only                         string
	config, baseline, newBaseline, label string
	historyFlags
}

func newScan() *cobra.Command {
	var f scanFlags
	c := &cobra.Command{
		Use:   "scan [PATH... | --git PATH|URL]",
		Short: "Find hardcoded keys and broad scopes in a tree, a staged change, a git history or a pipe",
		Long: `Scan directories and files (this directory, where none is named), what is
staged for the next commit, every object of a git history, or standard input.
Configuration that says what a key or an agent may do is judged as well: agents'
settings, workflows, clouds' policies, manifests, SQL (docs/scopes.md). Of a
history only the keys are looked for: an old grant grants nothing.

Nothing that is scanned is executed, nothing is written, and the network is not
used but to clone a URL. A Go module is looked at by type as well where that
costs no download (--go). Symbolic links are not followed. What cannot be looked at is
counted and printed.

Exit codes: 0 nothing found, 1 findings, 2 could not do the work or not all of it.`,
		Example: `  remint scan
  remint scan services/ deploy/values.yaml
  remint scan --staged
  remint scan --git                                     the whole history of this repository
  remint scan --git --range origin/main..HEAD           what a pull request brings
  remint scan --git https://git.example.com/team/app    a remote one
  kubectl get configmap -A -o yaml | remint scan --stdin
  remint scan --only scopes                             what keys and agents may do, without the keys
  remint scan -f sarif -o results.sarif
  remint scan -o report.html
  remint scan --write-baseline .remint-baseline.json    accept what is there now
  remint scan --baseline .remint-baseline.json          report only what is new`,
		RunE: func(c *cobra.Command, paths []string) error {
			return runScan(c.Context(), &f, paths, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.staged, "staged", false, "scan what is staged for the next commit")
	fl.BoolVar(&f.stdin, "stdin", false, "scan standard input")
	fl.StringVar(&f.label, "stdin-path", "-", "path that --stdin's input is judged and reported as")
	fl.StringVarP(&f.format, "format", "f", "", "text, json, jsonl, sarif, junit, csv, gitlab, github or html (default: by --output's ending, else text)")
	fl.StringVarP(&f.output, "output", "o", "", "file to write the report to, instead of standard output")
	fl.StringVarP(&f.config, "config", "c", "", "configuration: a .remint.yaml, or a .gitleaks.toml for exactly gitleaks' rules")
	fl.StringVarP(&f.baseline, "baseline", "b", "", "file of findings that are accepted")
	fl.StringVar(&f.newBaseline, "write-baseline", "", "write all findings to a new baseline file")
	fl.BoolVar(&f.gitignore, "respect-gitignore", false, "leave out what .gitignore files name")
	fl.StringVar(&f.golang, "go", goAuto, "look at a Go module by type as well, as vet does: auto (where its requirements are at hand), on, off")
	fl.StringVar(&f.only, "only", "", "report only secrets, or only scopes")
	fl.BoolVar(&f.reveal, "reveal", false, "show the secrets in the report (never when CI=true)")
	fl.BoolVar(&f.git, "git", false, "scan the whole history of a repository: every object, reachable or not")
	fl.BoolVar(&f.exhaustive, "exhaustive", false, "with --git: scan every object whole, which finds the same")
	fl.StringVar(&f.memory, "memory", "", "with --git: memory for objects, such as 512MB (default: a quarter of the machine, at most 1GB)")
	fl.BoolVar(&f.allowIncomplete, "allow-incomplete", false, "do not exit with 2 because something could not be looked at")
	fl.StringVar(&f.since, "since", "", "with --git: only what came after a DATE or a COMMIT")
	fl.StringVar(&f.span, "range", "", "with --git: only what the commits A..B brought")
	fl.StringArrayVar(&f.branches, "branch", nil, "with --git: only what this branch holds (may be repeated)")
	fl.StringVar(&f.watermark, "new-since-last", "", "with --git: only what came since the last complete scan, which FILE remembers")
	fl.Lookup("new-since-last").NoOptDefVal = defaultWatermark
	c.MarkFlagsMutuallyExclusive("range", "new-since-last", "branch")
	c.MarkFlagsMutuallyExclusive("since", "new-since-last")
	c.MarkFlagsMutuallyExclusive("range", "since")
	_ = c.RegisterFlagCompletionFunc("go", cobra.FixedCompletions([]string{goAuto, goOn, goOff}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{onlySecrets, onlyScopes}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func formatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func runScan(ctx context.Context, f *scanFlags, paths []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := f.check(paths); err != nil {
		return err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if f.git {
		return f.scanHistory(ctx, paths[0], stdout, stderr)
	}
	root, src, err := f.source(ctx, paths, stdin)
	if err != nil {
		return err
	}
	p, err := scanner.LoadPolicy(root, scanner.PolicyFiles{Config: f.config, Baseline: f.baseline, NoBaseline: f.newBaseline != ""})
	if err != nil {
		return err
	}
	opts := p.Options()
	if err := f.narrow(&opts); err != nil {
		return err
	}
	opts.Progress = new(scanner.Progress)
	s, err := scanner.New(opts)
	if err != nil {
		return err
	}
	switch t := src.(type) {
	case source.Tree:
		t.Exclude = p.Excludes
		src = t
	case staged.Source:
		defer t.Repo.Close()
		p.PathsFrom(root)
		t.Exclude = p.Excludes
		src = t
	}
	stop := showProgress(stderr, opts.Progress)
	result, err := s.Scan(ctx, src)
	if err == nil {
		f.addGo(ctx, s, paths, result, stderr)
		f.addNeeds(ctx, paths, result)
		result.Findings = slices.DeleteFunc(result.Findings, func(o scanner.Finding) bool { return !f.wanted(&o) })
	}
	stop()
	if err != nil {
		return err
	}
	return f.conclude(result, p, paths, stdout, stderr)
}

// conclude writes what a scan has to say and returns its outcome.
func (f *scanFlags) conclude(result *scanner.Result, p *scanner.Policy, paths []string, stdout, stderr io.Writer) error {
	for _, w := range p.Warnings() {
		fmt.Fprintf(stderr, "remint: warning: %s\n", w)
	}
	if !f.reveal {
		result = report.Conceal(result)
	}
	if f.newBaseline != "" {
		return writeBaseline(f.newBaseline, result, p, stderr)
	}
	if err := f.write(result, paths, stdout); err != nil {
		return err
	}
	return outcome(result, f.allowIncomplete)
}

// What --only takes.
const (
	onlySecrets = "secrets"
	onlyScopes  = "scopes"
)

// narrow leaves the rules that --only asks for. Where that is scopes, keys are
// looked for all the same, so that none is shown beside a grant.
func (f *scanFlags) narrow(opts *scanner.Options) error {
	if f.only == onlySecrets {
		opts.Scopes = slices.DeleteFunc(slices.Clone(opts.Scopes), func(r rule.Rule) bool { return r.Scope })
	}
	opts.MaskOnly = f.only == onlyScopes
	if f.only == onlyScopes && len(opts.Scopes) == 0 || f.only == onlySecrets && len(opts.Rules) == 0 {
		return fmt.Errorf("--only %s: the configuration has no such rule on, so that nothing would be found", f.only)
	}
	return nil
}

// wanted tells whether --only asks for a finding. A key that only its place
// among an agent's or a workflow's settings gives away is both.
func (f *scanFlags) wanted(o *scanner.Finding) bool {
	switch f.only {
	case onlySecrets:
		return !o.Rule.Scope
	case onlyScopes:
		return o.Rule.Scope || strings.HasPrefix(o.Rule.ID, "scope-")
	}
	return true
}

// outcome is the exit code of a scan: one that is not complete is never
// anything else, whatever it found.
func outcome(r *scanner.Result, allowIncomplete bool) error {
	switch {
	case len(r.Incomplete) > 0 && !allowIncomplete:
		return errReported
	case slices.ContainsFunc(r.Findings, func(f scanner.Finding) bool { return !f.Revoked }):
		return errFindings
	}
	return nil
}

func (f *scanFlags) check(paths []string) error {
	if (f.staged || f.stdin) && len(paths) > 0 && !(f.staged && len(paths) == 1) {
		return errors.New("--stdin takes no paths, and --staged at most the folder of the repository")
	}
	if f.staged && f.stdin || f.git && (f.staged || f.stdin) {
		return errors.New("--git, --staged and --stdin are different things to scan: give one of them")
	}
	if !f.git && (f.ranged() || f.exhaustive || f.memory != "") {
		return errors.New("--since, --range, --branch, --new-since-last, --memory and --exhaustive are for a history: add --git")
	}
	if f.golang != goAuto && f.golang != goOn && f.golang != goOff && f.golang != "" {
		return fmt.Errorf("unknown --go=%s: want auto, on or off", f.golang)
	}
	if f.only != "" && f.only != onlySecrets && f.only != onlyScopes {
		return fmt.Errorf("unknown --only=%s: want %s or %s", f.only, onlySecrets, onlyScopes)
	}
	if f.git && f.only == onlyScopes {
		return errors.New("--only scopes: of a history only the keys are looked for, as an old grant grants nothing; scan the tree")
	}
	if f.git && len(paths) > 1 {
		return errors.New("--git takes one repository")
	}
	if f.reveal && strings.EqualFold(os.Getenv("CI"), "true") {
		return errors.New("--reveal is refused where CI=true: the secrets would stay in the build's log")
	}
	if f.format == "" {
		f.format = formatOf(f.output)
	}
	for _, name := range formatNames() {
		if name == f.format {
			return nil
		}
	}
	return fmt.Errorf("unknown format %q: want one of %s", f.format, strings.Join(formatNames(), ", "))
}

// formatOf is the format that a file's ending stands for, text where none does.
func formatOf(output string) string {
	for _, format := range report.Formats() {
		if format.Name != "text" && strings.HasSuffix(strings.ToLower(output), format.Extension) {
			return format.Name
		}
	}
	return "text"
}

// source is what the flags ask to scan, and the folder whose configuration holds.
func (f *scanFlags) source(ctx context.Context, paths []string, stdin io.Reader) (string, source.Source, error) {
	switch {
	case f.stdin:
		return ".", source.Stdin{Reader: stdin, Path: f.label}, nil
	case f.staged:
		repo, err := staged.Open(ctx, paths[0])
		if err != nil {
			return "", nil, err
		}
		return repo.WorkTree(), staged.Source{Repo: repo}, nil
	}
	root := "."
	if len(paths) == 1 {
		root = paths[0]
		if info, err := os.Stat(root); err == nil && !info.IsDir() {
			root = filepath.Dir(root)
		}
	}
	return root, source.Tree{Roots: paths, Gitignore: f.gitignore}, nil
}

// write sends the result to the format asked for.
func (f *scanFlags) write(r *scanner.Result, paths []string, stdout io.Writer) error {
	emit := func(w io.Writer) error {
		sink, err := report.New(f.format, w, report.Options{
			Reveal: f.reveal, Color: f.output == "" && colorful(stdout), Width: width(stdout), Version: versionName(),
			Root: paths[0],
		})
		if err != nil {
			return err
		}
		for _, finding := range r.Findings {
			if err := sink.Finding(finding); err != nil {
				return err
			}
		}
		return sink.Close(r.Incomplete, r.Stats)
	}
	if f.output == "" {
		if err := emit(stdout); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return nil
	}
	return report.WriteFile(f.output, f.reveal, emit)
}

func writeBaseline(name string, r *scanner.Result, p *scanner.Policy, stderr io.Writer) error {
	if len(r.Incomplete) > 0 {
		return fmt.Errorf("no baseline written: %d things were not looked at; the first is %s (%s)",
			len(r.Incomplete), r.Incomplete[0].Path, r.Incomplete[0].Detail)
	}
	var entries []silence.Entry
	for _, f := range r.Findings {
		entries = append(entries, silence.Entry{Fingerprint: f.Fingerprint, Rule: f.Rule.ID, Path: p.Rel(f.Path)})
	}
	if err := silence.WriteBaseline(name, entries); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%d findings accepted in %s; scan with --baseline %s, or name it in .remint.yaml\n", len(entries), name, name)
	return nil
}
