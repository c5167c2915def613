package silence

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/remint/remint/scanner/config"
)

// IgnoreFile is a .remintignore: one fingerprint a line, which silences that
// secret wherever it stands, and after # why. It is safe for concurrent use.
type IgnoreFile struct {
	name    string
	entries []ignoreEntry
	by      map[string]int // by fingerprint
}

type ignoreEntry struct {
	line        int
	fingerprint string
	reason      string
	used        atomic.Bool
}

// ParseIgnore reads a .remintignore. A line that is no fingerprint is an error
// that names file and line; it does not repeat the line, which may hold a
// secret that somebody pasted.
func ParseIgnore(name string, data []byte) (*IgnoreFile, error) {
	lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte{'\n'})
	f := &IgnoreFile{name: name, entries: make([]ignoreEntry, 0, len(lines)), by: make(map[string]int)}
	for n, raw := range lines {
		entry, reason, _ := strings.Cut(string(raw), "#")
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if !config.ValidFingerprint(entry) {
			return nil, fmt.Errorf("%s:%d: not a fingerprint: want the 32 characters of 0-9 and a-f that remint prints for a finding, and a comment only after #", name, n+1)
		}
		f.entries = append(f.entries, ignoreEntry{line: n + 1, fingerprint: entry, reason: strings.TrimSpace(reason)})
		if _, ok := f.by[entry]; !ok {
			f.by[entry] = len(f.entries) - 1
		}
	}
	return f, nil
}

// Match tells whether a fingerprint is ignored, where that stands, and why.
func (f *IgnoreFile) Match(fingerprint string) (where, reason string, ok bool) {
	if f == nil {
		return "", "", false
	}
	i, ok := f.by[fingerprint]
	if !ok {
		return "", "", false
	}
	e := &f.entries[i]
	e.used.Store(true)
	return fmt.Sprintf("%s:%d", f.name, e.line), e.reason, true
}

// Unused lists, as "file:line", the entries that have silenced nothing so far.
func (f *IgnoreFile) Unused() []string {
	if f == nil {
		return nil
	}
	var unused []string
	for i := range f.entries {
		if e := &f.entries[i]; !e.used.Load() {
			unused = append(unused, fmt.Sprintf("%s:%d", f.name, e.line))
		}
	}
	return unused
}
