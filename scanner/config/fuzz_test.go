package config

import (
	"strings"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// FuzzParse checks that no text makes the reader panic, and that every fault
// names the file and a line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(fullConfig))
	f.Add(Template([]byte("0123456789abcdef")))
	f.Add([]byte("version: 1\nallow: [&a {paths: [x]}, *a]\n"))
	f.Add([]byte("version: 1\nrules: {extra: [{id: a, pattern: b, keywords: [cc], allow: [{patterns: ['(']}]}]}\n"))
	f.Add([]byte("a: &a [*a]\nversion: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Config{}
		if err := c.parse("c.yaml", data); err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, "c.yaml:") {
					t.Errorf("an error without a place: %q", line)
				}
			}
			return
		}
		if set, err := c.RuleSet(catalogue(), nil); err == nil {
			for i := range set.Rules {
				if err := set.Rules[i].Validate(); err != nil {
					t.Errorf("a rule that does not work came through: %v", err)
				}
			}
		}
		c.Excludes("a/b/c.zip!d", false)
		for i := range c.Allow {
			c.Allow[i].Match("a-b", "a/b.c", []byte("value"), "")
		}
	})
}

func FuzzGlobs(f *testing.F) {
	f.Add("**/a*/[b-d]/**", "x/ab/c/d", true)
	f.Add("!/x/", "x", false)
	f.Fuzz(func(_ *testing.T, pattern, path string, dir bool) {
		g, err := parseGlob(pattern, 1)
		if err != nil {
			return
		}
		(&Globs{list: []glob{g}}).Match(path, dir)
	})
}

func BenchmarkExcludes(b *testing.B) {
	c := Config{}
	if err := c.parse("c.yaml", []byte(fullConfig)); err != nil {
		b.Fatal(err)
	}
	paths := []string{"a/b/c/one.go", "a/b/c/two.go", "a/b/three.js", "docs/x/y.md"}
	for b.Loop() {
		for _, p := range paths {
			c.Excludes(p, false)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := Template([]byte("0123456789abcdef"))
	for b.Loop() {
		c := Config{}
		if err := c.parse("c.yaml", text); err != nil {
			b.Fatal(err)
		}
		if _, err := c.RuleSet(rule.Catalogue(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
