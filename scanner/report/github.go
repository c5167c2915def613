package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

// githubSink writes workflow commands, which GitHub Actions shows beside the
// lines (docs.github.com, "Workflow commands for GitHub Actions").
type githubSink struct{ w io.Writer }

func newGitHub(w io.Writer, _ Options) Sink { return githubSink{w} }

func (s githubSink) Finding(f scanner.Finding) error {
	level := "error"
	switch f.Severity {
	case rule.Medium:
		level = "warning"
	case rule.Low:
		level = "notice"
	}
	message := fmt.Sprintf("%s (%s). It opens: %s", f.Rule.Name, f.Secret, f.Rule.Opens) + history(&f)
	if f.Rule.Revoke.Steps != "" {
		message += "\n" + mend(f.Rule) + " it: " + f.Rule.Revoke.Steps + " " + f.Rule.Revoke.URL
	}
	message += "\nFingerprint " + f.Fingerprint
	path, _ := validPath(f.Path)
	_, err := fmt.Fprintf(s.w, "::%s file=%s,line=%d,endLine=%d,col=%d,endColumn=%d,title=%s::%s\n",
		level, property(path), f.Line, f.EndLine, f.Column, f.EndColumn, property("Hardcoded key: "+f.Rule.ID), data(message))
	return err
}

func (s githubSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	for _, i := range incomplete {
		path, _ := validPath(i.Path)
		if _, err := fmt.Fprintf(s.w, "::error file=%s,title=%s::%s\n", property(path), property("Not scanned: "+string(i.Reason)), data(i.Detail)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(s.w, "::debug::remint scanned %d files, %d bytes\n", stats.Files, stats.Bytes)
	return err
}

// data escapes a command's message, property one of its properties.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
