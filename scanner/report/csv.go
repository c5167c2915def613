package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/remint/remint/scanner"
)

type csvSink struct {
	w      *csv.Writer
	reveal bool
	head   bool
}

func newCSV(w io.Writer, o Options) Sink { return &csvSink{w: csv.NewWriter(w), reveal: o.Reveal} }

func (s *csvSink) header() error {
	if s.head {
		return nil
	}
	s.head = true
	row := []string{"severity", "rule", "name", "provider", "path", "line", "column", "end_line", "end_column", "fingerprint", "redacted", "snippet", "cwe", "nhi", "opens", "revoke_url", "revoke_steps", "place", "commit", "author", "email", "date", "in_head", "refs", "unreachable"}
	if s.reveal {
		row = append(row, "secret")
	}
	return s.w.Write(row)
}

func (s *csvSink) Finding(f scanner.Finding) error {
	if err := s.header(); err != nil {
		return err
	}
	row := []string{
		f.Severity.String(), f.Rule.ID, f.Rule.Name, f.Rule.Provider, f.Path, strconv.Itoa(f.Line), strconv.Itoa(f.Column),
		strconv.Itoa(f.EndLine), strconv.Itoa(f.EndColumn), f.Fingerprint, f.Secret.String(), f.Snippet,
		f.Rule.CWE, f.Rule.NHI, f.Rule.Opens, f.Rule.Revoke.URL, f.Rule.Revoke.Steps,
	}
	row = append(row, gitCells(f.Git)...)
	for i := range row {
		row[i] = cell(row[i])
	}
	if s.reveal {
		row = append(row, cell(string(f.Secret.Reveal())))
	}
	return s.w.Write(row)
}

// gitCells is where in a history a finding stands; all empty outside of one.
func gitCells(g *scanner.Git) []string {
	cells := make([]string, 8)
	if g == nil {
		return cells
	}
	cells[0], cells[5], cells[6], cells[7] = string(g.Place), strconv.FormatBool(g.InHead), strings.Join(g.Refs, " "), g.Unreachable
	if i := g.Introduced; i != nil {
		cells[1], cells[2], cells[3], cells[4] = i.Commit, i.Author, i.Email, i.Date.Format(time.RFC3339)
	}
	return cells
}

// cell keeps a spreadsheet from taking the text for a formula (CWE-1236).
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// Close writes what was not looked at as rows of the severity "incomplete".
func (s *csvSink) Close(incomplete []scanner.Incomplete, _ scanner.Stats) error {
	if err := s.header(); err != nil {
		return err
	}
	for _, i := range incomplete {
		row := make([]string, 25)
		row[0], row[1], row[2], row[4] = "incomplete", cell(string(i.Reason)), cell(i.Detail), cell(i.Path)
		if s.reveal {
			row = append(row, "")
		}
		if err := s.w.Write(row); err != nil {
			return err
		}
	}
	s.w.Flush()
	return s.w.Error()
}
