// Package report writes the results of a scan, one file a format, all fed by
// the same stream of findings.
//
// What comes from the scanned files (paths, lines of text) is made safe for
// each format: a terminal gets no control characters, XML none that it
// forbids, JSON no bytes that are not UTF-8.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

// Sink takes the findings of a scan one by one, then what was not looked at.
type Sink interface {
	Finding(scanner.Finding) error
	// Close ends the report. It does not close the writer.
	Close([]scanner.Incomplete, scanner.Stats) error
}

// Options are what the formats may use.
type Options struct {
	// Reveal adds the secrets. Formats that are made to be passed on refuse it.
	Reveal bool
	// Color uses terminal colours; Width is the terminal's columns, 0 unknown.
	Color bool
	Width int
	// Version is remint's own.
	Version string
	// Root is what was scanned, as the user wrote it.
	Root string
}

// Format is a way of writing results.
type Format struct {
	Name      string
	Extension string // of files, with its dot
	Summary   string
	reveals   bool
	open      func(w io.Writer, o Options) Sink
}

// Formats lists all formats. Where two share an ending, the first is meant.
func Formats() []Format {
	return []Format{
		{"text", ".txt", "for people", true, newText},
		{"json", ".json", "one document", true, newJSON},
		{"jsonl", ".jsonl", "one object a line", true, newJSONL},
		{"sarif", ".sarif", "SARIF 2.1.0, for code scanning", false, newSARIF},
		{"junit", ".xml", "JUnit XML, for CI servers", false, newJUnit},
		{"csv", ".csv", "comma-separated values", true, newCSV},
		{"gitlab", ".gitlab.json", "GitLab secret detection report", false, newGitLab},
		{"github", ".github", "GitHub workflow commands", false, newGitHub},
		{"html", ".html", "one self-contained page with charts", false, newHTML},
	}
}

// New starts a report in the named format.
func New(format string, w io.Writer, o Options) (Sink, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == format {
			if o.Reveal && !f.reveals {
				return nil, fmt.Errorf("format %s never carries secrets: use --reveal with text, json, jsonl or csv", format)
			}
			return f.open(w, o), nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("unknown format %q: want one of %s", format, strings.Join(names, ", "))
}

// collector keeps the findings for formats that need all of them at once.
type collector struct {
	w        io.Writer
	o        Options
	findings []scanner.Finding
}

func (c *collector) Finding(f scanner.Finding) error {
	c.findings = append(c.findings, f)
	return nil
}

// rulesOf lists the rules of the findings, each once, in the order in which
// they turn up, and the place of each by id.
func rulesOf(findings []scanner.Finding) (rules []*rule.Rule, at map[string]int) {
	at = make(map[string]int)
	for i := range findings {
		r := findings[i].Rule
		if _, ok := at[r.ID]; !ok {
			at[r.ID] = len(rules)
			rules = append(rules, r)
		}
	}
	return rules, at
}

// printable makes text safe for a terminal and for XML: bytes that are not
// UTF-8 and control characters are written out as escapes.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if unsafeRune(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unsafeRune(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafeRune tells control characters, the marks that turn the direction of
// text around, and what XML forbids.
func unsafeRune(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' || r == 0xfffe || r == 0xffff ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

// encodings joins what was decoded on the way to a secret.
func encodings(f *scanner.Finding) string { return strings.Join(f.Encodings, " in ") }
