package gitleaks

import (
	"slices"
	"testing"
)

const ignoreText = "\ufeff# a comment\r\n" +
	"config/app.yaml:generic-api-key:12\r\n" +
	"\n" +
	"  src\\win\\path.go:aws-access-token:3  \n" +
	"0123abcd:old/file.txt:github-pat:7\n" +
	"nonsense\n" +
	"a.txt:rule:notaline\n" +
	"b.txt:rule:1 # trailing comments are not part of the format\n" +
	"odd:name.txt:rule:5\n" +
	"never/found.go:rule:1\n"

func TestIgnore(t *testing.T) {
	ig := ParseIgnore(".gitleaksignore", []byte(ignoreText))
	tests := []struct {
		name               string
		commit, path, rule string
		line               int
		anyRule            bool
		where              string
	}{
		{"file, rule and line", "", "config/app.yaml", "generic-api-key", 12, false, ".gitleaksignore:2"},
		{"in any commit", "ffff", "config/app.yaml", "generic-api-key", 12, false, ".gitleaksignore:2"},
		{"another line", "", "config/app.yaml", "generic-api-key", 13, false, ""},
		{"another rule", "", "config/app.yaml", "openai-api-key", 12, false, ""},
		{"another rule that stands for it", "", "config/app.yaml", "openai-api-key", 12, true, ".gitleaksignore:2"},
		{"backslashes", "", "src/win/path.go", "aws-access-token", 3, false, ".gitleaksignore:4"},
		{"the commit", "0123abcd", "old/file.txt", "github-pat", 7, false, ".gitleaksignore:5"},
		{"the commit, any rule", "0123abcd", "old/file.txt", "x", 7, true, ".gitleaksignore:5"},
		{"another commit", "ffff", "old/file.txt", "github-pat", 7, false, ""},
		{"no commit", "", "old/file.txt", "github-pat", 7, false, ""},
		{"a colon in the name", "", "odd:name.txt", "rule", 5, false, ".gitleaksignore:9"},
		{"trailing comment", "", "b.txt", "rule", 1, false, ""},
	}
	for _, tt := range tests {
		where, ok := ig.Match(tt.commit, tt.path, tt.rule, tt.line, tt.anyRule)
		if where != tt.where || ok != (tt.where != "") {
			t.Errorf("%s: Match = %q, %v, want %q", tt.name, where, ok, tt.where)
		}
	}
	if want := []string{".gitleaksignore:6", ".gitleaksignore:7", ".gitleaksignore:8"}; !slices.Equal(ig.Malformed, want) {
		t.Errorf("malformed = %q, want %q", ig.Malformed, want)
	}
	if got, want := ig.Unused(), []string{".gitleaksignore:10"}; !slices.Equal(got, want) {
		t.Errorf("unused = %q, want %q", got, want)
	}
}

func TestIgnoreNil(t *testing.T) {
	var ig *Ignore
	if _, ok := ig.Match("", "a", "r", 1, true); ok || ig.Unused() != nil {
		t.Error("a missing file ignores something")
	}
}
