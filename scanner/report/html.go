package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

//go:embed html.tmpl
var page string

// htmlSink writes one page that needs nothing else: style, script and charts
// are in it, and its content security policy lets nothing in from outside.
type htmlSink struct{ collector }

func newHTML(w io.Writer, o Options) Sink { return &htmlSink{collector{w: w, o: o}} }

// pageData is what the template shows.
type pageData struct {
	Root, Version, Made         string
	Findings                    []pageFinding
	Rules                       []pageRule
	Charts                      []chart
	Incomplete                  []pageIncomplete
	Files, Size, Elapsed        string
	Total, Silenced, Left       int
	Unknown                     int
	Critical, High, Medium, Low int
	Secrets, Grants             int
}

type pageFinding struct {
	Severity, Rule, Name, Path, Place, Snippet, Redacted, Fingerprint, Through, Changed string
	Known                                                                               []string
	Rank                                                                                int
}

type pageRule struct {
	ID, Name, Severity, Opens, Steps, URL, CWE string
	Count                                      int
	Scope                                      bool
}

type pageIncomplete struct{ Path, Reason, Detail string }

// chart is a list of bars; Share is of the longest, in per cent.
type chart struct {
	Title string
	Bars  []bar
}

type bar struct {
	Label, Class string
	Count, Share int
}

func (s *htmlSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return fmt.Errorf("html report: %w", err)
	}
	d := pageData{
		Root: printable(s.o.Root), Version: s.o.Version, Made: time.Now().Format("2 January 2006, 15:04"),
		Files: plural(int(stats.Files), "file", "files"), Size: size(stats.Bytes), Elapsed: duration(stats.Elapsed),
		Total: len(s.findings), Silenced: int(stats.Silenced), Left: int(stats.Skipped), Unknown: int(stats.Unknown),
	}
	distinct := map[string]bool{}
	for i := range s.findings {
		f := &s.findings[i]
		if f.Rule.Scope {
			d.Grants++
		} else {
			distinct[f.Fingerprint] = true
		}
		d.Findings = append(d.Findings, toPage(f))
		switch f.Severity {
		case rule.Critical:
			d.Critical++
		case rule.High:
			d.High++
		case rule.Medium:
			d.Medium++
		default:
			d.Low++
		}
	}
	d.Secrets = len(distinct)
	slices.SortStableFunc(d.Findings, func(a, b pageFinding) int { return b.Rank - a.Rank })
	d.Rules = pageRules(s.findings)
	d.Charts = s.charts()
	for _, i := range incomplete {
		d.Incomplete = append(d.Incomplete, pageIncomplete{printable(i.Path), string(i.Reason), printable(i.Detail)})
	}
	return t.Execute(s.w, d)
}

func toPage(f *scanner.Finding) pageFinding {
	p := pageFinding{
		Severity: f.Severity.String(), Rank: int(f.Severity), Rule: f.Rule.ID, Name: or(f.Rule.Name, f.Rule.ID), Path: printable(f.Path),
		Place: fmt.Sprintf("%d:%d", f.Line, f.Column), Snippet: printable(f.Snippet), Redacted: f.Secret.String(),
		Fingerprint: f.Fingerprint, Through: encodings(f), Known: known(f),
	}
	if !f.Modified.IsZero() {
		p.Changed = f.Modified.Format(time.DateOnly)
	}
	return p
}

func pageRules(findings []scanner.Finding) []pageRule {
	rules, at := rulesOf(findings)
	out := make([]pageRule, len(rules))
	for i, r := range rules {
		out[i] = pageRule{ID: r.ID, Name: or(r.Name, r.ID), Severity: r.Severity.String(), Opens: r.Opens, Steps: r.Revoke.Steps, URL: r.Revoke.URL, CWE: r.CWE, Scope: r.Scope}
	}
	for i := range findings {
		out[at[findings[i].Rule.ID]].Count++
	}
	slices.SortStableFunc(out, func(a, b pageRule) int { return b.Count - a.Count })
	return out
}

func (s *htmlSink) charts() []chart {
	severity := chart{Title: "By severity"}
	for _, v := range rule.Severities() {
		severity.Bars = append(severity.Bars, bar{Label: v.String(), Class: v.String(), Count: s.countWhere(func(f *scanner.Finding) bool { return f.Severity == v })})
	}
	severity.scale()
	return []chart{
		severity,
		s.top("By provider", func(f *scanner.Finding) string { return f.Rule.Provider }),
		s.top("By folder", func(f *scanner.Finding) string { return folder(f.Path) }),
		s.byAge(time.Now()),
	}
}

func (s *htmlSink) countWhere(is func(*scanner.Finding) bool) (n int) {
	for i := range s.findings {
		if is(&s.findings[i]) {
			n++
		}
	}
	return n
}

// topBars is how many bars a chart of names has; the rest is one bar.
const topBars = 7

func (s *htmlSink) top(title string, name func(*scanner.Finding) string) chart {
	count := map[string]int{}
	for i := range s.findings {
		count[name(&s.findings[i])]++
	}
	c := chart{Title: title}
	for label, n := range count {
		c.Bars = append(c.Bars, bar{Label: printable(label), Count: n})
	}
	slices.SortFunc(c.Bars, func(a, b bar) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Label, b.Label)
	})
	if len(c.Bars) > topBars+1 {
		rest := bar{Label: fmt.Sprintf("%d others", len(c.Bars)-topBars), Class: "rest"}
		for _, b := range c.Bars[topBars:] {
			rest.Count += b.Count
		}
		c.Bars = append(c.Bars[:topBars], rest)
	}
	c.scale()
	return c
}

// folder is the first two folders of a path.
func folder(path string) string {
	path, _, _ = strings.Cut(path, "!")
	parts := strings.Split(path, "/")
	parts = parts[:len(parts)-1]
	if len(parts) == 0 {
		return "./"
	}
	if len(parts) > 2 && parts[0] != "" {
		parts = parts[:2]
	}
	return strings.Join(parts, "/") + "/"
}

// byAge groups by when the file was last changed.
func (s *htmlSink) byAge(now time.Time) chart {
	const day = 24 * time.Hour
	c := chart{Title: "By age of the file"}
	from := time.Duration(-1 << 62)
	for _, step := range []struct {
		label string
		to    time.Duration
	}{
		{"this week", 7 * day}, {"this month", 30 * day}, {"this quarter", 91 * day}, {"this year", 365 * day},
		{"three years", 3 * 365 * day}, {"older", 1 << 62},
	} {
		low := from
		c.Bars = append(c.Bars, bar{Label: step.label, Count: s.countWhere(func(f *scanner.Finding) bool {
			age := now.Sub(f.Modified)
			return !f.Modified.IsZero() && age >= low && age < step.to
		})})
		from = step.to
	}
	c.Bars = append(c.Bars, bar{Label: "not known", Class: "rest", Count: s.countWhere(func(f *scanner.Finding) bool { return f.Modified.IsZero() })})
	c.scale()
	return c
}

// scale works out the bars' lengths, and leaves out those of nothing.
func (c *chart) scale() {
	most := 0
	for _, b := range c.Bars {
		most = max(most, b.Count)
	}
	c.Bars = slices.DeleteFunc(c.Bars, func(b bar) bool { return b.Count == 0 })
	for i := range c.Bars {
		c.Bars[i].Share = max(1, c.Bars[i].Count*100/max(most, 1))
	}
}
