package gitleaks

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// FuzzParse checks that no configuration makes gitleaks' package panic through
// ours, and that every fault names the file and a line.
func FuzzParse(f *testing.F) {
	for _, files := range configurations {
		for name, text := range files {
			if !strings.Contains(text, "useDefault") { // slow to load
				f.Add([]byte(text), name)
			}
		}
	}
	f.Add([]byte("[[rules]]\nid = 'r'\nregex = '''('''\n"), "x")
	f.Add([]byte("rules = [{id='a', regex='b', allowlists=[{regexes=['\\Qa','b']}]}]\nallowlist={}\n"), "x")
	f.Add([]byte("[rules]\nid = 1\n[[allowlists]]\nregexes = 'a,b('\n"), "x")
	f.Fuzz(func(t *testing.T, data []byte, other string) {
		read := func(string) ([]byte, error) {
			if other == "" {
				return nil, os.ErrNotExist
			}
			return []byte(other), nil
		}
		set, err := Parse("c.toml", data, Options{Read: read})
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), ":") {
				t.Errorf("error without a place: %q", err)
			}
			return
		}
		set.Overlay(catalogue())
		if _, err := Parse("c.toml", data, Options{Read: read, ForOverlay: true}); err != nil {
			t.Errorf("loads whole, but not for an overlay: %v", err)
		}
	})
}

func FuzzParseIgnore(f *testing.F) {
	f.Add([]byte(ignoreText), "config/app.yaml", "generic-api-key", 12)
	f.Fuzz(func(_ *testing.T, data []byte, path, ruleID string, line int) {
		ig := ParseIgnore("i", data)
		ig.Match("", path, ruleID, line, false)
		ig.Match(path, path, ruleID, line, true)
		ig.Unused()
	})
}
