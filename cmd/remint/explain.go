package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/source"
)

func newExplain() *cobra.Command {
	var files scanner.PolicyFiles
	c := &cobra.Command{
		Use:   "explain PATH[:LINE]",
		Short: "Say why a line is reported, or why it is not",
		Long: `Scan one file and say, for a line of it, which rules found something there and
which rule, filter, comment, ignore file, baseline entry or configuration
decided what became of it. The exit code is 0 whatever the answer is.`,
		Example: `  remint explain app/settings.py:12
  remint explain deploy/values.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, line := splitPlace(args[0])
			return explain(c.Context(), path, line, files, c.OutOrStdout())
		},
	}
	c.Flags().StringVarP(&files.Config, "config", "c", "", "configuration, as for scan")
	c.Flags().StringVarP(&files.Baseline, "baseline", "b", "", "file of findings that are accepted")
	return c
}

// splitPlace takes PATH:LINE or PATH:LINE:COLUMN apart; line is 0 for all.
func splitPlace(arg string) (path string, line int) {
	path = arg
	for range 2 {
		i := strings.LastIndexByte(path, ':')
		if i <= 0 {
			break
		}
		n, err := strconv.Atoi(path[i+1:])
		if err != nil || n < 1 {
			break
		}
		path, line = path[:i], n
	}
	return path, line
}

// verdict is what became of one candidate.
type verdict struct {
	line, column int
	text         string
}

func explain(ctx context.Context, path string, line int, files scanner.PolicyFiles, out io.Writer) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	p, err := scanner.LoadPolicy(path, files)
	if err != nil {
		return err
	}
	var verdicts []verdict
	opts := p.Options()
	opts.Trace = func(t scanner.Trace) {
		if line == 0 || t.Line <= line && line <= t.EndLine {
			verdicts = append(verdicts, verdict{t.Line, t.Column, traceText(t)})
		}
	}
	s, err := scanner.New(opts)
	if err != nil {
		return err
	}
	result, err := s.Scan(ctx, source.Tree{Roots: []string{path}})
	if err != nil {
		return err
	}
	for _, f := range result.Findings {
		if line == 0 || f.Line <= line && line <= f.EndLine {
			verdicts = append(verdicts, verdict{f.Line, f.Column, fmt.Sprintf(
				"REPORTED by %s (%s, %s): %s\n%s    fingerprint %s; to accept it, put that into .remintignore, or remint:allow[%s] and a reason on the line",
				f.Rule.ID, f.Rule.Name, f.Severity, f.Secret, noted(&f), f.Fingerprint, f.Rule.ID)})
		}
	}
	if p.Excludes(path, false) {
		fmt.Fprintf(out, "%s is left out of scans by paths.exclude in the configuration; if it were not:\n", path)
	}
	printVerdicts(out, path, line, verdicts)
	for _, i := range result.Incomplete {
		fmt.Fprintf(out, "%s was not looked at: %s (%s)\n", i.Path, i.Reason, i.Detail)
	}
	if len(result.Incomplete) > 0 {
		return errReported
	}
	return nil
}

// noted is what else is known of a finding, on a line of its own.
func noted(f *scanner.Finding) string {
	if f.Note == "" {
		return ""
	}
	return "    " + f.Note + "\n"
}

func traceText(t scanner.Trace) string {
	if t.Filter != "" {
		return fmt.Sprintf("not reported: %s matches, but: %s", t.Rule.ID, t.Filter)
	}
	text := fmt.Sprintf("not reported: %s matches, silenced by %s at %s", t.Rule.ID, t.Silenced.By, t.Silenced.Where)
	if t.Silenced.Reason != "" {
		text += " (" + t.Silenced.Reason + ")"
	}
	return text
}

func printVerdicts(out io.Writer, path string, line int, verdicts []verdict) {
	if len(verdicts) == 0 {
		where := path
		if line > 0 {
			where += ":" + strconv.Itoa(line)
		}
		fmt.Fprintf(out, "%s: no rule matches here. 'remint rules list WORD' shows what is looked for.\n", where)
		return
	}
	sort.SliceStable(verdicts, func(i, j int) bool {
		a, b := verdicts[i], verdicts[j]
		return a.line < b.line || a.line == b.line && a.column < b.column
	})
	for _, v := range verdicts {
		fmt.Fprintf(out, "%s:%d:%d %s\n", path, v.line, v.column, v.text)
	}
}
