package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/remint/remint/scanner"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSink struct{ collector }

func newJUnit(w io.Writer, o Options) Sink { return &junitSink{collector{w: w, o: o}} }

// Close writes a failed test case a finding and an error for each thing that
// was not looked at; a clean scan is one test case that passed.
func (s *junitSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	suite := junitSuite{Name: "remint", Failures: len(s.findings), Errors: len(incomplete), Time: fmt.Sprintf("%.3f", stats.Elapsed.Seconds())}
	for i := range s.findings {
		f := &s.findings[i]
		path := printable(f.Path)
		suite.Cases = append(suite.Cases, junitCase{
			Name: fmt.Sprintf("%s at %s:%d:%d", f.Rule.ID, path, f.Line, f.Column), Class: "remint." + f.Rule.ID, File: path, Line: f.Line, Time: "0",
			Failure: &junitMessage{
				Message: printable(fmt.Sprintf("%s: %s", f.Rule.Name, f.Secret)), Type: f.Severity.String(),
				Text: printable(fmt.Sprintf("%s:%d:%d: %s | opens: %s | %s: %s %s | fingerprint %s",
					f.Path, f.Line, f.Column, f.Snippet, f.Rule.Opens, mend(f.Rule), f.Rule.Revoke.Steps, f.Rule.Revoke.URL, f.Fingerprint) + history(f)),
			},
		})
	}
	for _, i := range incomplete {
		suite.Cases = append(suite.Cases, junitCase{
			Name: "not scanned: " + printable(i.Path), Class: "remint.incomplete", File: printable(i.Path), Time: "0",
			Error: &junitMessage{Message: printable(i.Detail), Type: string(i.Reason)},
		})
	}
	if len(suite.Cases) == 0 {
		suite.Cases = append(suite.Cases, junitCase{Name: fmt.Sprintf("no hardcoded key in %d files", stats.Files), Class: "remint", Time: "0"})
	}
	suite.Tests = len(suite.Cases)
	if _, err := io.WriteString(s.w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(s.w)
	enc.Indent("", "  ")
	err := enc.Encode(junitSuites{Name: "remint", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Time: suite.Time, Suites: []junitSuite{suite}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.w, "\n")
	return err
}

// history is what is known of a finding's past, as a part of a line.
func history(f *scanner.Finding) string {
	if lines := known(f); len(lines) > 0 {
		return " | " + strings.Join(lines, "; ")
	}
	return ""
}
