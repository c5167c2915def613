package gitleaks

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// Ignore is a .gitleaksignore: findings by file, rule and line, or by commit,
// file, rule and line. It is safe for concurrent use.
type Ignore struct {
	name    string
	entries []ignoreEntry
	whole   map[string]int // by everything that stands there
	place   map[string]int // by all but the rule
	// Malformed are the lines that name no finding, as "file:line". Gitleaks
	// warns of them and goes on.
	Malformed []string
}

type ignoreEntry struct {
	line int
	used atomic.Bool
}

// ParseIgnore reads a .gitleaksignore. Like gitleaks it takes a line whole,
// with nothing after the entry, and a backslash in a path for a slash.
func ParseIgnore(name string, data []byte) *Ignore {
	ig := &Ignore{name: name, whole: map[string]int{}, place: map[string]int{}}
	lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte{'\n'})
	ig.entries = make([]ignoreEntry, 0, len(lines))
	for n, raw := range lines {
		line := strings.TrimSpace(string(raw))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		whole, place, ok := splitIgnore(line)
		if !ok {
			ig.Malformed = append(ig.Malformed, fmt.Sprintf("%s:%d", name, n+1))
			continue
		}
		ig.entries = append(ig.entries, ignoreEntry{line: n + 1})
		at := len(ig.entries) - 1
		if _, ok := ig.whole[whole]; !ok {
			ig.whole[whole] = at
		}
		if _, ok := ig.place[place]; !ok {
			ig.place[place] = at
		}
	}
	return ig
}

// splitIgnore returns an entry in its normal form, whole and without the rule.
func splitIgnore(line string) (whole, place string, ok bool) {
	parts := strings.Split(line, ":")
	n := len(parts)
	if n < 3 || parts[n-3] == "" || parts[n-2] == "" {
		return "", "", false
	}
	if at, err := strconv.Atoi(parts[n-1]); err != nil || at < 0 {
		return "", "", false
	}
	// A path with a colon makes more parts; only the rule and the line hold none.
	head := strings.ReplaceAll(strings.Join(parts[:n-2], ":"), `\`, "/")
	return head + ":" + parts[n-2] + ":" + parts[n-1], head + ":" + parts[n-1], true
}

// Match tells whether an entry ignores a finding, and where the entry stands.
// commit is empty for a finding that is not from history; line, counted from
// 1, is the one that the rule's whole match starts on. With anyRule the rule's
// id is not compared: entries name gitleaks' rules, and other rules have other
// names for the same secrets.
func (ig *Ignore) Match(commit, path, ruleID string, line int, anyRule bool) (where string, ok bool) {
	if ig == nil {
		return "", false
	}
	entries, key := ig.whole, path+":"+ruleID+":"+strconv.Itoa(line)
	if anyRule {
		entries, key = ig.place, path+":"+strconv.Itoa(line)
	}
	at, ok := entries[key]
	if !ok && commit != "" {
		at, ok = entries[commit+":"+key]
	}
	if !ok {
		return "", false
	}
	e := &ig.entries[at]
	e.used.Store(true)
	return fmt.Sprintf("%s:%d", ig.name, e.line), true
}

// Unused lists, as "file:line", the entries that have ignored nothing so far.
func (ig *Ignore) Unused() []string {
	if ig == nil {
		return nil
	}
	var unused []string
	for i := range ig.entries {
		if e := &ig.entries[i]; !e.used.Load() {
			unused = append(unused, fmt.Sprintf("%s:%d", ig.name, e.line))
		}
	}
	return unused
}
