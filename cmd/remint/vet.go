package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/remint/remint/analyzers"
	"github.com/remint/remint/analyzers/govet"
	remint "github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

func newVet() *cobra.Command {
	var f scanFlags
	c := &cobra.Command{
		Use:   "vet [PACKAGE...]",
		Short: "Find hardcoded keys and broad scopes in Go code by type",
		Long: `Run the analyzers of Go code over packages (./... where none is named), and
report what they find as scan does, with its formats and its ways to silence.
The go command is needed, and builds what it has to.

The same analyzers run under go vet:

  go vet -vettool=$(which remint) ./...

Analyzers:

` + analyzerHelp() + `
Exit codes: 0 nothing found, 1 findings, 2 could not do the work.`,
		Example: `  remint vet
  remint vet ./cmd/... -f sarif -o vet.sarif
  go vet -vettool=$(which remint) -hardcodedkey.env -fix ./...    read the values from the environment`,
		RunE: func(c *cobra.Command, patterns []string) error {
			return runVet(c.Context(), &f, patterns, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.format, "format", "f", "", "text, json, jsonl, sarif, junit, csv, gitlab, github or html (default: by --output's ending, else text)")
	fl.StringVarP(&f.output, "output", "o", "", "file to write the report to, instead of standard output")
	fl.StringVarP(&f.config, "config", "c", "", "configuration: a .remint.yaml")
	fl.StringVarP(&f.baseline, "baseline", "b", "", "file of findings that are accepted")
	fl.BoolVar(&f.reveal, "reveal", false, "show the secrets in the report (never when CI=true)")
	return c
}

// analyzerHelp is what the analyzers say of themselves.
func analyzerHelp() string {
	var b strings.Builder
	for _, a := range analyzers.All() {
		title, _, _ := strings.Cut(a.Doc, "\n")
		fmt.Fprintf(&b, "  %-14s %s\n", a.Name, title)
	}
	return b.String()
}

func runVet(ctx context.Context, f *scanFlags, patterns []string, stdout, stderr io.Writer) error {
	if err := f.check(nil); err != nil {
		return err
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	p, err := remint.LoadPolicy(".", remint.PolicyFiles{Config: f.config, Baseline: f.baseline})
	if err != nil {
		return err
	}
	s, err := remint.New(p.Options())
	if err != nil {
		return err
	}
	start := time.Now()
	findings, stats, err := vet(ctx, s, ".", nil, patterns)
	result := &remint.Result{Findings: findings, Stats: stats}
	if err != nil {
		if len(findings) == 0 && stats.Silenced == 0 {
			return err
		}
		result.Incomplete = append(result.Incomplete, remint.Incomplete{Reason: remint.ReasonBuild, Detail: err.Error()})
	}
	result.Stats.Elapsed = time.Since(start)
	return f.conclude(result, p, []string{"."}, stdout, stderr)
}

// vet runs the analyzers over a module's packages, with env put to the
// environment, and makes findings of what they report. With findings and an
// error, some packages could not be looked at.
func vet(ctx context.Context, s *remint.Scanner, dir string, env, patterns []string) ([]remint.Finding, remint.Stats, error) {
	var stats remint.Stats
	self, err := os.Executable()
	if err != nil {
		return nil, stats, fmt.Errorf("find this program, which go vet is to run: %w", err)
	}
	diagnostics, err := govet.Run(ctx, govet.Target{Dir: dir, Patterns: patterns, Env: env}, self)
	if err != nil && (len(diagnostics) == 0 || !errors.As(err, new(*govet.IncompleteError))) {
		return nil, stats, err
	}
	incomplete := err
	byFile := make(map[string][]govet.Diagnostic)
	var files []string
	for _, d := range diagnostics {
		if byFile[d.Start.File] == nil {
			files = append(files, d.Start.File)
		}
		byFile[d.Start.File] = append(byFile[d.Start.File], d)
	}
	var all []remint.Finding
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, stats, fmt.Errorf("read what go vet reports about: %w", err)
		}
		stats.Files++
		stats.Bytes += int64(len(text))
		var externals []remint.External
		for _, d := range byFile[name] {
			if analyzers.Rule(d.Category) == nil {
				return nil, stats, fmt.Errorf("%s reports %q, which is no rule: %s", d.Analyzer, d.Category, d.Message)
			}
			externals = append(externals, external(shownPath(dir, name), text, d))
		}
		findings, silenced := s.Findings(text, externals)
		all = append(all, findings...)
		stats.Silenced += int64(silenced)
	}
	return remint.Merge(nil, all), stats, incomplete
}

// shownPath is a file relative to the working directory, where it is below.
func shownPath(dir, name string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return filepath.ToSlash(name)
	}
	wd, err := os.Getwd()
	if err != nil {
		wd = abs
	}
	rel, err := filepath.Rel(wd, name)
	if err != nil || !filepath.IsLocal(rel) {
		return filepath.ToSlash(name)
	}
	return filepath.ToSlash(rel)
}

// external turns a diagnostic into what a finding is made of. The value is the
// literal at its place, or the first on its line where only the line is known.
func external(path string, text []byte, d govet.Diagnostic) remint.External {
	e := remint.External{Rule: analyzers.Rule(d.Category), Path: path, Note: d.Message}
	e.Severity = e.Rule.Severity
	switch {
	case strings.HasSuffix(d.Message, ", in a test"), strings.HasSuffix(d.Message, ", in a generated file"):
		e.Severity = rule.Low
	case strings.Contains(d.Message, "weak default"):
		e.Severity = min(e.Severity, rule.Medium)
	}
	e.Start = offsetOf(text, d.Start)
	e.End = e.Start
	if d.End.File == d.Start.File {
		e.End = max(e.Start, offsetOf(text, d.End))
	}
	if e.End == e.Start {
		line := text[e.Start:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		if at, length, ok := firstString(line); ok {
			e.Start, e.End = e.Start+at, e.Start+at+length
		} else {
			e.End = e.Start + len(line)
		}
	}
	e.Secret = text[e.Start:e.End]
	if plain, err := strconv.Unquote(string(e.Secret)); err == nil {
		e.Secret = []byte(plain)
		if !strings.ContainsAny(plain, "\\\"\n") && e.End-e.Start == len(plain)+2 {
			e.Start, e.End = e.Start+1, e.End-1 // without the quotes
		}
	}
	return e
}

// offsetOf is a position's place in a text, within its bounds.
func offsetOf(text []byte, p govet.Position) int {
	at := 0
	for range p.Line - 1 {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	return min(at+p.Column-1, len(text))
}

// firstString finds the first string literal of a line of Go.
func firstString(line []byte) (at, length int, ok bool) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(line))
	s.Init(file, line, func(token.Position, string) {}, 0)
	for {
		pos, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return 0, 0, false
		case token.STRING:
			return file.Offset(pos), len(lit), true
		}
	}
}
