package report

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/remint/remint/scanner"
)

// findingJSON is a finding in json and jsonl; docs/formats.md is its contract.
type findingJSON struct {
	Rule        string          `json:"rule"`
	Name        string          `json:"name"`
	Provider    string          `json:"provider"`
	Severity    string          `json:"severity"`
	Path        string          `json:"path"`
	PathBase64  string          `json:"path_base64,omitempty"`
	Line        int             `json:"line"`
	Column      int             `json:"column"`
	EndLine     int             `json:"end_line"`
	EndColumn   int             `json:"end_column"`
	Offset      int64           `json:"offset"`
	EndOffset   int64           `json:"end_offset"`
	Fingerprint string          `json:"fingerprint"`
	Redacted    string          `json:"redacted"`
	Secret      *string         `json:"secret,omitempty"`
	SecretBytes string          `json:"secret_base64,omitempty"`
	Snippet     string          `json:"snippet"`
	Entropy     float64         `json:"entropy"`
	Encodings   []string        `json:"encodings"`
	Companions  []companionJSON `json:"companions"`
	CWE         string          `json:"cwe"`
	NHI         string          `json:"nhi"`
	Opens       string          `json:"opens"`
	Revoke      revokeJSON      `json:"revoke"`
	Minter      string          `json:"minter,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Modified    *time.Time      `json:"modified,omitempty"`
	Note        string          `json:"note,omitempty"`
	Revoked     bool            `json:"revoked,omitempty"`
	Git         *gitJSON        `json:"git,omitempty"`
}

// gitJSON is where in a history a finding stands.
type gitJSON struct {
	Place           string           `json:"place"`
	Object          string           `json:"object"`
	Introduced      *sightingJSON    `json:"introduced,omitempty"`
	Last            *sightingJSON    `json:"last,omitempty"`
	InHead          bool             `json:"in_head"`
	Refs            []string         `json:"refs"`
	RefCount        int              `json:"ref_count"`
	Unreachable     string           `json:"unreachable,omitempty"`
	Occurrences     []occurrenceJSON `json:"occurrences"`
	OccurrenceCount int              `json:"occurrence_count"`
}

type sightingJSON struct {
	Commit string `json:"commit"`
	Author string `json:"author"`
	Email  string `json:"email"`
	Date   string `json:"date"`
	Path   string `json:"path"`
}

type occurrenceJSON struct {
	Object string `json:"object"`
	Commit string `json:"commit,omitempty"`
	Line   int    `json:"line,omitempty"`
}

func toGit(g *scanner.Git) *gitJSON {
	if g == nil {
		return nil
	}
	j := &gitJSON{
		Place: string(g.Place), Object: g.Object, Introduced: toSighting(g.Introduced), Last: toSighting(g.Last), InHead: g.InHead,
		Refs: []string{}, RefCount: g.RefCount, Unreachable: g.Unreachable, Occurrences: []occurrenceJSON{}, OccurrenceCount: g.OccurrenceCount,
	}
	for _, r := range g.Refs {
		name, _ := validPath(r)
		j.Refs = append(j.Refs, name)
	}
	for _, o := range g.Occurrences {
		j.Occurrences = append(j.Occurrences, occurrenceJSON(o))
	}
	return j
}

func toSighting(s *scanner.Sighting) *sightingJSON {
	if s == nil {
		return nil
	}
	path, _ := validPath(s.Path)
	return &sightingJSON{Commit: s.Commit, Author: s.Author, Email: s.Email, Date: s.Date.Format(time.RFC3339), Path: path}
}

type companionJSON struct {
	Rule     string `json:"rule"`
	Line     int    `json:"line"`
	Redacted string `json:"redacted"`
}

type revokeJSON struct {
	URL   string `json:"url"`
	Steps string `json:"steps"`
}

type incompleteJSON struct {
	Path       string `json:"path"`
	PathBase64 string `json:"path_base64,omitempty"`
	Reason     string `json:"reason"`
	Detail     string `json:"detail"`
}

type statsJSON struct {
	Files    int64 `json:"files"`
	Skipped  int64 `json:"skipped"`
	Bytes    int64 `json:"bytes"`
	Silenced int64 `json:"silenced"`
	Rules    int   `json:"rules"`
	Objects  int64 `json:"objects,omitempty"`
	Commits  int64 `json:"commits,omitempty"`
	// Unknown counts grants that hang on values which are not in the file.
	Unknown   int64          `json:"grants_unknown"`
	Unjudged  []unjudgedJSON `json:"unjudged"`
	ElapsedMS int64          `json:"elapsed_ms"`
}

// unjudgedJSON is a file of which it is not known what it grants.
type unjudgedJSON struct {
	Path   string `json:"path"`
	Detail string `json:"detail"`
}

func toJSON(f *scanner.Finding, reveal bool) findingJSON {
	j := findingJSON{
		Rule: f.Rule.ID, Name: f.Rule.Name, Provider: f.Rule.Provider, Severity: f.Severity.String(),
		Line: f.Line, Column: f.Column, EndLine: f.EndLine, EndColumn: f.EndColumn, Offset: f.Offset, EndOffset: f.EndOffset,
		Fingerprint: f.Fingerprint, Redacted: f.Secret.String(), Snippet: f.Snippet, Entropy: float64(int(f.Entropy*1000)) / 1000,
		Encodings: append([]string{}, f.Encodings...), Companions: []companionJSON{}, CWE: f.Rule.CWE, NHI: f.Rule.NHI,
		Opens: f.Rule.Opens, Revoke: revokeJSON(f.Rule.Revoke), Minter: f.Rule.Minter, Tags: f.Rule.Tags,
	}
	j.Path, j.PathBase64 = validPath(f.Path)
	j.Note, j.Revoked, j.Git = f.Note, f.Revoked, toGit(f.Git)
	for _, c := range f.Companions {
		j.Companions = append(j.Companions, companionJSON{c.Rule, c.Line, c.Secret.String()})
	}
	if !f.Modified.IsZero() {
		modified := f.Modified.UTC()
		j.Modified = &modified
	}
	if reveal {
		secret := string(f.Secret.Reveal())
		j.Secret = &secret
		if !utf8.ValidString(secret) {
			j.SecretBytes = base64.StdEncoding.EncodeToString(f.Secret.Reveal())
		}
	}
	return j
}

// validPath returns the path in UTF-8 and, where it was not, its bytes.
func validPath(path string) (valid, bytes string) {
	if utf8.ValidString(path) {
		return path, ""
	}
	out := make([]rune, 0, len(path))
	for _, r := range path {
		out = append(out, r)
	}
	return string(out), base64.StdEncoding.EncodeToString([]byte(path))
}

func toIncomplete(i scanner.Incomplete) incompleteJSON {
	path, bytes := validPath(i.Path)
	return incompleteJSON{path, bytes, string(i.Reason), i.Detail}
}

func toStats(s scanner.Stats) statsJSON {
	unjudged := make([]unjudgedJSON, 0, len(s.Unjudged))
	for _, u := range s.Unjudged {
		path, _ := validPath(u.Path)
		unjudged = append(unjudged, unjudgedJSON{path, u.Detail})
	}
	return statsJSON{s.Files, s.Skipped, s.Bytes, s.Silenced, s.Rules, s.Objects, s.Commits, s.Unknown, unjudged, s.Elapsed.Milliseconds()}
}

// jsonSink writes {"findings":[…],"incomplete":[…],"stats":{…}} as it goes.
type jsonSink struct {
	w      io.Writer
	o      Options
	count  int
	failed error
}

func newJSON(w io.Writer, o Options) Sink { return &jsonSink{w: w, o: o} }

func (s *jsonSink) put(text string) {
	if s.failed == nil {
		_, s.failed = io.WriteString(s.w, text)
	}
}

func (s *jsonSink) value(v any) {
	b, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil && s.failed == nil {
		s.failed = err
	}
	s.put(string(b))
}

func (s *jsonSink) Finding(f scanner.Finding) error {
	if s.count == 0 {
		s.put("{\n\"findings\": [\n  ")
	} else {
		s.put(",\n  ")
	}
	s.count++
	s.value(toJSON(&f, s.o.Reveal))
	return s.failed
}

func (s *jsonSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	if s.count == 0 {
		s.put("{\n\"findings\": [")
	} else {
		s.put("\n")
	}
	s.put("],\n\"incomplete\": ")
	list := []incompleteJSON{}
	for _, i := range incomplete {
		list = append(list, toIncomplete(i))
	}
	s.value(list)
	s.put(",\n\"stats\": ")
	s.value(toStats(stats))
	s.put("\n}\n")
	return s.failed
}

// jsonlSink writes a finding a line, then what was not looked at, a line each,
// and the counts.
type jsonlSink struct {
	enc *json.Encoder
	o   Options
}

func newJSONL(w io.Writer, o Options) Sink { return &jsonlSink{json.NewEncoder(w), o} }

func (s *jsonlSink) Finding(f scanner.Finding) error { return s.enc.Encode(toJSON(&f, s.o.Reveal)) }

func (s *jsonlSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	for _, i := range incomplete {
		if err := s.enc.Encode(map[string]any{"incomplete": toIncomplete(i)}); err != nil {
			return err
		}
	}
	return s.enc.Encode(map[string]any{"stats": toStats(stats)})
}
