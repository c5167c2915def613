// Command gen makes docs/scopes.md of what the formats say of themselves.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/remint/remint/scanner/scope"
)

//go:embed scopes.md.tmpl
var page string

func main() {
	out := flag.String("out", "docs/scopes.md", "file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	cell := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
	t, err := template.New("page").Funcs(template.FuncMap{"cell": cell}).Parse(page)
	if err != nil {
		return err
	}
	rules := make(map[string]bool)
	for _, f := range scope.Formats() {
		for _, r := range f.Rules {
			rules[r.ID] = true
		}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		Formats []scope.Format
		Rules   int
	}{scope.Formats(), len(rules)}); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}
