package config

import (
	"strings"
	"testing"
)

func TestGlobs(t *testing.T) {
	tests := []struct {
		patterns string
		path     string
		dir      bool
		want     bool
	}{
		{"*.lock", "a/b/yarn.lock", false, true},
		{"*.lock", "a/yarn.lock.go", false, false},
		{"/*.lock", "a/yarn.lock", false, false},
		{"/*.lock", "yarn.lock", false, true},
		{"docs/*.md", "docs/a.md", false, true},
		{"docs/*.md", "docs/b/a.md", false, false},
		{"docs/*.md", "x/docs/a.md", false, false},
		{"docs/**/*.md", "docs/a/b/c.md", false, true},
		{"docs/**/*.md", "docs/c.md", false, true},
		{"**/gen/**", "a/gen/b/c", false, true},
		{"build", "a/build/x/y", false, true},
		{"build/", "a/build", false, false},
		{"build/", "a/build", true, true},
		{"build/", "a/build/x", false, true},
		{"./a/b", "a/b/c", false, true},
		{"*.go !keep.go", "x/keep.go", false, false},
		{"*.go !keep.go", "x/other.go", false, true},
		{"!keep.go *.go", "x/keep.go", false, true},
		{"gen/ !gen/keep.go", "gen/keep.go", false, true},
		{"*.zip", "a/b.zip!inner/x.txt", false, true},
		{"a/", "a/b.zip!inner/x.txt", false, true},
		{"inner", "b.zip!inner/x.txt", false, false},
		{`\!odd`, "!odd", false, true},
		{`a\*`, "a*", false, true},
		{`a\*`, "ab", false, false},
		{"[ab].txt", "x/b.txt", false, true},
		{"[!ab].txt", "x/b.txt", false, false},
		{"a?c", "abc", false, true},
		{"a?c", "a/c", false, false},
		{"anything", "", false, false},
		{`\{a\}`, "{a}", false, true},
	}
	for _, tt := range tests {
		gs := &Globs{}
		for i, p := range strings.Fields(tt.patterns) {
			g, err := parseGlob(p, i)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			gs.list = append(gs.list, g)
		}
		for range 2 { // the second time by memory
			if got := gs.Match(tt.path, tt.dir); got != tt.want {
				t.Errorf("%s: Match(%s, %v) = %v", tt.patterns, tt.path, tt.dir, got)
			}
		}
	}
}

func TestGlobsOnAHugePath(t *testing.T) {
	g, err := parseGlob("**/a*b*c*d/**/e", 1)
	if err != nil {
		t.Fatal(err)
	}
	gs := &Globs{list: []glob{g}}
	if gs.Match(strings.Repeat("abcdabcd/", 7000), false) {
		t.Error("a path without an e matches")
	}
}
