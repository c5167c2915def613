package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

// ANSI attributes; empty where colours are off.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	green  = "32"
	cyan   = "36"
)

// textSink writes for people: what a rule's key opens and what to do about it
// stands under the first finding of the rule.
type textSink struct {
	w     *bufio.Writer
	o     Options
	told  map[string]bool
	count map[rule.Severity]int
	total int
}

func newText(w io.Writer, o Options) Sink {
	return &textSink{w: bufio.NewWriter(w), o: o, told: map[string]bool{}, count: map[rule.Severity]int{}}
}

func (s *textSink) paint(text string, attributes ...string) string {
	if !s.o.Color || text == "" {
		return text
	}
	return "\x1b[" + strings.Join(attributes, ";") + "m" + text + "\x1b[0m"
}

func (s *textSink) severity(v rule.Severity) string {
	label := fmt.Sprintf("%-8s", v)
	switch v {
	case rule.Critical:
		return s.paint(label, bold, red)
	case rule.High:
		return s.paint(label, red)
	case rule.Medium:
		return s.paint(label, yellow)
	}
	return s.paint(label, dim)
}

func (s *textSink) Finding(f scanner.Finding) error {
	s.total++
	s.count[f.Severity]++
	if s.total > 1 {
		fmt.Fprintln(s.w)
	}
	title := f.Rule.Name
	if title == "" {
		title = f.Rule.ID
	}
	through := ""
	if e := encodings(&f); e != "" {
		through = s.paint(" (through "+e+")", dim)
	}
	place := fmt.Sprintf("%s:%d:%d", printable(f.Path), f.Line, f.Column)
	fmt.Fprintf(s.w, "%s %s  %s %s%s\n", s.severity(f.Severity), s.paint(place, bold), title, s.paint("["+f.Rule.ID+"]", dim), through)
	if f.Snippet != "" {
		fmt.Fprintf(s.w, "    %s\n", s.clip(printable(f.Snippet), 4))
	}
	if s.o.Reveal {
		fmt.Fprintf(s.w, "    secret: %s\n", printable(string(f.Secret.Reveal())))
	}
	for _, line := range known(&f) {
		fmt.Fprintf(s.w, "    %s\n", s.clip(line, 4))
	}
	for _, c := range f.Companions {
		fmt.Fprintf(s.w, "    pair: %s on line %d, %s\n", c.Rule, c.Line, c.Secret)
	}
	s.advice(f.Rule)
	fmt.Fprintf(s.w, "    %s\n", s.paint("fingerprint "+f.Fingerprint, dim))
	return s.w.Flush()
}

// advice tells once a rule what its key opens and how to make it useless.
func (s *textSink) advice(r *rule.Rule) {
	if s.told[r.ID] {
		return
	}
	s.told[r.ID] = true
	if r.Opens != "" {
		s.paragraph("opens:  ", r.Opens)
	}
	if r.Revoke.Steps != "" {
		s.paragraph(mend(r)+": ", r.Revoke.Steps)
	}
	if r.Revoke.URL != "" {
		fmt.Fprintf(s.w, "            %s\n", s.paint(r.Revoke.URL, cyan))
	}
}

// mend is what a person does about a finding, in a word.
func mend(r *rule.Rule) string {
	if r.Scope {
		return "narrow"
	}
	return "revoke"
}

// paragraph writes a labelled text, wrapped to the terminal.
func (s *textSink) paragraph(label, text string) {
	const indent = 12
	width := 100 - indent
	if s.o.Width > 40 {
		width = min(s.o.Width, 120) - indent
	}
	lead := "    " + label
	for line := range strings.SplitSeq(wrap(text, width), "\n") {
		fmt.Fprintf(s.w, "%s%s\n", lead, line)
		lead = strings.Repeat(" ", indent)
	}
}

func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case at == 0:
		case at+1+n > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// clip cuts a line to the terminal's width.
func (s *textSink) clip(line string, indent int) string {
	if s.o.Width <= indent+8 || utf8.RuneCountInString(line) <= s.o.Width-indent {
		return line
	}
	return string([]rune(line)[:s.o.Width-indent-1]) + "…"
}

func (s *textSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	if s.total > 0 {
		fmt.Fprintln(s.w)
	}
	if len(incomplete) > 0 {
		fmt.Fprintln(s.w, s.paint(fmt.Sprintf("NOT COMPLETE: %s not looked at", plural(len(incomplete), "thing was", "things were")), bold, red))
		const most = 20
		for i, inc := range incomplete {
			if i == most {
				fmt.Fprintf(s.w, "  … and %d more (all of them with --format json)\n", len(incomplete)-most)
				break
			}
			fmt.Fprintf(s.w, "  %s: %s (%s)\n", printable(inc.Path), inc.Reason, printable(inc.Detail))
		}
		fmt.Fprintln(s.w)
	}
	summary := s.paint("No hardcoded key or broad scope found", green)
	if s.total > 0 {
		summary = s.paint(plural(s.total, "finding", "findings"), bold) + s.severities()
	}
	what := plural(int(stats.Files), "file", "files")
	if stats.Objects > 0 {
		what = plural(int(stats.Objects), "object", "objects") + ", " + plural(int(stats.Commits), "commit", "commits")
	}
	fmt.Fprintf(s.w, "%s in %s, %s, %s", summary, what, size(stats.Bytes), duration(stats.Elapsed))
	if stats.Silenced > 0 {
		fmt.Fprintf(s.w, "; %d silenced", stats.Silenced)
	}
	if stats.Skipped > 0 {
		fmt.Fprintf(s.w, "; %s left out", plural(int(stats.Skipped), "path", "paths"))
	}
	if stats.Unknown > 0 {
		fmt.Fprintf(s.w, "; %s on values not in the files", plural(int(stats.Unknown), "grant hangs", "grants hang"))
	}
	fmt.Fprintln(s.w)
	if n := len(stats.Unjudged); n > 0 {
		u := &stats.Unjudged[0]
		fmt.Fprintf(s.w, "What %s is not known; the first: %s (%s)\n", plural(n, "file grants", "files grant"), printable(u.Path), s.clip(printable(u.Detail), 40))
	}
	return s.w.Flush()
}

func (s *textSink) severities() string {
	var parts []string
	for _, v := range rule.Severities() {
		if n := s.count[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	case bytes >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
