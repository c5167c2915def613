package silence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/remint/remint/scanner/config"
)

// BaselineVersion is the form of the baseline that this program writes and reads.
const BaselineVersion = 1

// Baseline holds the findings that a project knows of and does not want to be
// told again. docs/decisions/006-baseline.md says why it is matched as it is.
// It is safe for concurrent use.
type Baseline struct {
	name    string
	entries []*baselineEntry
	by      map[string][]int // by fingerprint
	reports map[string][]int // entries of a gitleaks report, by path
	// exists tells whether a path of the project is still there.
	exists func(path string) bool
}

// Entry is a known finding. It says nothing of lines, so that the baseline
// stays the same while code moves.
type Entry struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	// Path is relative to the project's folder (see config.Config.Rel).
	Path string `json:"path"`
}

type baselineEntry struct {
	Entry
	line   int
	report *reportEntry
	used   atomic.Bool
}

// ParseBaseline reads a baseline, or a JSON report of gitleaks as one. root is
// the project's folder, for reports with absolute paths. Every fault is
// reported with name and line.
func ParseBaseline(name string, data []byte, root string) (*Baseline, error) {
	b := &Baseline{name: name, by: make(map[string][]int), reports: make(map[string][]int)}
	p := &jsonFile{name: name, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	first, err := p.dec.Token()
	if err != nil {
		return nil, p.fault(err)
	}
	switch first {
	case json.Delim('{'):
		err = b.parse(p)
	case json.Delim('['):
		err = b.parseReport(p, root)
	default:
		err = p.errorf("want a baseline of remint, or a JSON report of gitleaks")
	}
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.errorf("something follows the end of the baseline")
	}
	return b, nil
}

// jsonFile is a JSON text that is read piece by piece, to know the line.
type jsonFile struct {
	name string
	data []byte
	dec  *json.Decoder
}

// lineAt returns the line of what comes next after offset.
func (p *jsonFile) lineAt(offset int64) int {
	at := min(int(offset), len(p.data))
	for at < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[at]) >= 0 {
		at++
	}
	return 1 + bytes.Count(p.data[:at], []byte{'\n'})
}

func (p *jsonFile) errorf(format string, args ...any) error {
	return p.errorAt(p.lineAt(p.dec.InputOffset()), format, args...)
}

func (p *jsonFile) errorAt(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", p.name, line, fmt.Errorf(format, args...))
}

// fault says what is wrong with the JSON, without its values.
func (p *jsonFile) fault(err error) error {
	var se *json.SyntaxError
	if errors.As(err, &se) {
		return p.errorAt(p.lineAt(max(se.Offset-1, 0)), "not JSON: %w", err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.errorf("not JSON: it ends too early")
	}
	return p.errorf("not JSON: %w", err)
}

// items calls each with every item of a list and its line.
func (p *jsonFile) items(each func(raw json.RawMessage, line int) error) error {
	for p.dec.More() {
		line := p.lineAt(p.dec.InputOffset())
		var raw json.RawMessage
		if err := p.dec.Decode(&raw); err != nil {
			return p.fault(err)
		}
		if err := each(raw, line); err != nil {
			return err
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return p.fault(err)
	}
	return nil
}

// parse reads a baseline of remint after its opening brace.
func (b *Baseline) parse(p *jsonFile) error {
	seen := make(map[string]bool)
	for p.dec.More() {
		line := p.lineAt(p.dec.InputOffset())
		token, err := p.dec.Token()
		if err != nil {
			return p.fault(err)
		}
		key, _ := token.(string)
		if seen[key] {
			return p.errorAt(line, "a key stands twice")
		}
		seen[key] = true
		if err := b.parseKey(p, key, line); err != nil {
			return err
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return p.fault(err)
	}
	for _, key := range []string{"version", "findings"} {
		if !seen[key] {
			return p.errorAt(1, "not a baseline of remint: the key %q is missing", key)
		}
	}
	return nil
}

func (b *Baseline) parseKey(p *jsonFile, key string, line int) error {
	switch key {
	case "version":
		var v int
		if err := p.dec.Decode(&v); err != nil || v != BaselineVersion {
			return p.errorAt(line, "version: want %d; a newer remint may read others", BaselineVersion)
		}
	case "tool":
		var tool string
		if err := p.dec.Decode(&tool); err != nil || tool != toolName {
			return p.errorAt(line, "tool: want %q", toolName)
		}
	case "findings":
		token, err := p.dec.Token()
		if err != nil {
			return p.fault(err)
		}
		if token != json.Delim('[') {
			return p.errorAt(line, "findings: want a list")
		}
		return p.items(func(raw json.RawMessage, line int) error { return b.addEntry(p, raw, line) })
	default:
		return p.errorAt(line, "not a baseline of remint: want the keys version, tool and findings")
	}
	return nil
}

func (b *Baseline) addEntry(p *jsonFile, raw json.RawMessage, line int) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var e Entry
	if err := dec.Decode(&e); err != nil {
		return p.errorAt(line, "a finding: want the texts fingerprint, rule and path, and nothing else")
	}
	if !config.ValidFingerprint(e.Fingerprint) {
		return p.errorAt(line, "a finding: the fingerprint is missing or malformed")
	}
	if e.Path == "" {
		return p.errorAt(line, "a finding: the path is missing")
	}
	e.Fingerprint = strings.ToLower(e.Fingerprint)
	b.by[e.Fingerprint] = append(b.by[e.Fingerprint], len(b.entries))
	b.entries = append(b.entries, &baselineEntry{Entry: e, line: line})
	return nil
}

// match tells whether the baseline knows a finding at path, and by which entry.
// The secret must be the one that is known, and stand in the file in which it
// is known, or that file must be gone: then it has moved.
func (b *Baseline) match(c *Candidate, path string) (where string, ok bool) {
	if b == nil {
		return "", false
	}
	moved := -1
	for _, i := range b.by[c.Fingerprint] {
		if b.entries[i].Path == path {
			return b.use(i), true
		}
		if moved < 0 && b.gone(b.entries[i].Path) {
			moved = i
		}
	}
	if moved >= 0 {
		return b.use(moved), true
	}
	for _, i := range b.reports[path] {
		if b.entries[i].report.is(c) {
			return b.use(i), true
		}
	}
	return "", false
}

func (b *Baseline) gone(path string) bool {
	if b.exists == nil || path == "-" {
		return false
	}
	file, _, _ := strings.Cut(path, "!")
	return !b.exists(file)
}

func (b *Baseline) use(i int) string {
	e := b.entries[i]
	e.used.Store(true)
	return fmt.Sprintf("%s:%d", b.name, e.line)
}

// Unused lists, as "file:line", the entries that have silenced nothing so far.
func (b *Baseline) Unused() []string {
	if b == nil {
		return nil
	}
	var unused []string
	for _, e := range b.entries {
		if !e.used.Load() {
			unused = append(unused, fmt.Sprintf("%s:%d", b.name, e.line))
		}
	}
	return unused
}

const toolName = "remint"

// FormatBaseline returns the text of a baseline: sorted, each finding once and
// on a line of its own, so that changes show and merge line by line.
func FormatBaseline(entries []Entry) ([]byte, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int {
		return slices.Compare([]string{a.Path, a.Rule, a.Fingerprint}, []string{b.Path, b.Rule, b.Fingerprint})
	})
	entries = slices.Compact(entries)
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"tool\": %q,\n  \"findings\": [", BaselineVersion, toolName)
	for i, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(line)
	}
	if len(entries) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.Bytes(), nil
}

// WriteBaseline writes a baseline so that path holds either the old or the new
// one, whole, whatever happens meanwhile.
func WriteBaseline(path string, entries []Entry) (err error) {
	data, err := FormatBaseline(entries)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
			err = fmt.Errorf("write baseline %s: %w", path, err)
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return err
	}
	if err = tmp.Chmod(0o644); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
