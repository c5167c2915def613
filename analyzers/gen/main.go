// Command gen makes docs/analyzers.md of what the analyzers say of themselves,
// their flags, rules and tables, and of what make verify-sinks said last.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"

	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/analyzers"
	"github.com/remint/remint/analyzers/longlived"
	"github.com/remint/remint/analyzers/sinks"
	"github.com/remint/remint/scanner/rule"
)

//go:embed analyzers.md.tmpl
var page string

func main() {
	out := flag.String("out", "docs/analyzers.md", "file to write")
	result := flag.String("verified", "analyzers/sinks/verify/result.txt", "what make verify-sinks printed")
	flag.Parse()
	if err := run(*out, *result); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// analyzer is one as the page shows it.
type analyzer struct {
	Name, Title, Body string
	Flags             []*flag.Flag
	Rules             []rule.Rule
}

func run(out, result string) error {
	verified, err := os.ReadFile(result)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(verified)) == 0 {
		return fmt.Errorf("%s is empty: run make verify-sinks, and keep what it prints there", result)
	}
	data := struct {
		Analyzers       []analyzer
		Sinks, Packages int
		Ends            int
		Verified        string
	}{Sinks: len(sinks.All()), Ends: len(longlived.Rows()), Verified: strings.TrimSpace(string(verified))}
	packages := make(map[string]bool)
	for _, t := range sinks.All() {
		packages[t.Package] = true
	}
	data.Packages = len(packages)
	for _, a := range analyzers.All() {
		data.Analyzers = append(data.Analyzers, describe(a))
	}
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o666)
}

// prefixes tell which rules are an analyzer's.
var prefixes = map[string]string{"hardcodedkey": "go-hardcoded-", "broadscope": "scope-", "longlived": "longlived-"}

func describe(a *analysis.Analyzer) analyzer {
	title, body, _ := strings.Cut(a.Doc, "\n")
	d := analyzer{Name: a.Name, Title: title, Body: strings.TrimSpace(body)}
	a.Flags.VisitAll(func(f *flag.Flag) { d.Flags = append(d.Flags, f) })
	for _, r := range analyzers.Rules() {
		if strings.HasPrefix(r.ID, prefixes[a.Name]) {
			d.Rules = append(d.Rules, r)
		}
	}
	return d
}
