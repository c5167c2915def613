// Package govet runs the analyzers over a Go module by way of go vet, which
// loads, builds and caches as it does for itself, and reads what they report.
package govet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Diagnostic is something that an analyzer reports.
type Diagnostic struct {
	Analyzer, Package string
	// Category is a rule's id.
	Category, Message string
	Start, End        Position
	Related           []Related
}

// Position is a place in a file; Line and Column count from 1, in bytes.
type Position struct {
	File         string
	Line, Column int
}

// Related is another place that a diagnostic speaks of.
type Related struct {
	At      Position
	Message string
}

// IncompleteError tells that some packages could not be looked at, while
// others were.
type IncompleteError struct{ Output string }

// Error implements error.
func (e *IncompleteError) Error() string { return "go vet: " + e.Output }

// Target is what to analyze.
type Target struct {
	Dir      string
	Patterns []string
	// Env is put to the environment: KEY=value.
	Env []string
}

// Run analyzes packages. tool is a program that speaks go vet's protocol: this
// one. Each diagnostic is returned once, in
// order of place; with an IncompleteError where packages do not build.
func Run(ctx context.Context, t Target, tool string) ([]Diagnostic, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"vet", "-vettool=" + tool, "-json"}, t.Patterns...)...)
	cmd.Dir = t.Dir
	cmd.Env = append(os.Environ(), t.Env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	found, err := parse(&out)
	if err != nil {
		return nil, fmt.Errorf("read what go vet says: %w", err)
	}
	var exit *exec.ExitError
	switch {
	case errors.Is(runErr, exec.ErrNotFound):
		return nil, errors.New("the go command is needed to look at Go code by type: install Go, or scan without it")
	case errors.As(runErr, &exit):
		return found, &IncompleteError{firstLines(errs.String())}
	case runErr != nil && exit == nil:
		return nil, fmt.Errorf("go vet: %w", runErr)
	}
	return found, nil
}

// maxErrorLines is how much of go vet's own errors is passed on.
const maxErrorLines = 10

func firstLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > maxErrorLines {
		lines = append(lines[:maxErrorLines], "…")
	}
	return strings.Join(lines, "\n")
}

// diagnosticJSON is a diagnostic as x/tools' unitchecker prints it.
type diagnosticJSON struct {
	Category, Posn, End, Message string
	Related                      []struct{ Posn, Message string }
}

// parse reads the objects that go vet -json prints, one a package.
func parse(r io.Reader) ([]Diagnostic, error) {
	var all []Diagnostic
	seen := make(map[string]bool)
	for dec := json.NewDecoder(r); ; {
		var packages map[string]map[string]json.RawMessage
		err := dec.Decode(&packages)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for pkg, results := range packages {
			for analyzer, raw := range results {
				var list []diagnosticJSON
				if json.Unmarshal(raw, &list) != nil {
					var failed struct{ Error string }
					if json.Unmarshal(raw, &failed) == nil && failed.Error != "" {
						return nil, fmt.Errorf("%s of %s: %s", analyzer, pkg, failed.Error)
					}
					continue
				}
				for _, d := range list {
					key := d.Posn + "\x00" + d.Message
					if !seen[key] {
						seen[key] = true
						all = append(all, d.read(analyzer, pkg))
					}
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Diagnostic) int { return a.Start.compare(b.Start) })
	return all, nil
}

func (d *diagnosticJSON) read(analyzer, pkg string) Diagnostic {
	out := Diagnostic{
		Analyzer: analyzer, Package: strings.Fields(pkg + " ")[0], Category: d.Category, Message: d.Message,
		Start: parsePosition(d.Posn), End: parsePosition(d.End),
	}
	for _, r := range d.Related {
		out.Related = append(out.Related, Related{parsePosition(r.Posn), r.Message})
	}
	return out
}

// parsePosition reads file:line:column; the file may hold colons.
func parsePosition(s string) Position {
	p := Position{File: s, Line: 1, Column: 1}
	for _, n := range []*int{&p.Column, &p.Line} {
		i := strings.LastIndexByte(p.File, ':')
		if i < 0 {
			return Position{File: s, Line: 1, Column: 1}
		}
		v, err := strconv.Atoi(p.File[i+1:])
		if err != nil {
			return Position{File: s, Line: 1, Column: 1}
		}
		*n, p.File = v, p.File[:i]
	}
	return p
}

func (p Position) compare(q Position) int {
	if c := strings.Compare(p.File, q.File); c != 0 {
		return c
	}
	if p.Line != q.Line {
		return p.Line - q.Line
	}
	return p.Column - q.Column
}
