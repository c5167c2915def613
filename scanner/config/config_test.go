package config

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

const fullConfig = `version: 1
salt: MDEyMzQ1Njc4OWFiY2RlZg==
x-notes: {anything: [goes, here]}
rules:
  disable: ["generic-*", jwt]
  enable: [generic-password]
  severity:
    "*": low
    github-pat: critical
  extra:
    - id: acme-token
      name: Acme token
      pattern: '\b(acme_[a-z0-9]{32})\b'
      keywords: [acme_]
      opens: Everything.
allow:
  - reason: made up
    paths: [testdata/, "!testdata/real/"]
    rules: [github-*]
  - values: ['^sample-\d+$']
    stopwords: [EXAMPLE, dummy]
  - fingerprints: [0123456789ABCDEF0123456789abcdef, 00000000000000000000000000000001]
paths:
  exclude: [vendor/, "*.min.js", "/docs/*.md"]
baseline: ci/baseline.json
gitleaks: false
`

func catalogue() []rule.Rule {
	return []rule.Rule{
		{ID: "generic-api-key", Pattern: "a", Keywords: []string{"aaa"}},
		{ID: "generic-password", Pattern: "p", Keywords: []string{"ppp"}},
		{ID: "github-pat", Pattern: "g", Keywords: []string{"ggg"}, Severity: rule.High, Companions: []rule.Companion{{Rule: "jwt"}}},
		{ID: "jwt", Pattern: "j", Keywords: []string{"jjj"}},
	}
}

// load writes files below a repository and discovers its configuration.
func load(t *testing.T, files map[string]string, root, flag string) (Config, error) {
	t.Helper()
	t.Setenv(gitleaksEnv, "")
	t.Setenv(gitleaksTextEnv, "")
	write(t, files)
	return Discover(root, flag)
}

// write makes files in a new directory and goes there.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func ids(rules []rule.Rule) []string {
	var out []string
	for _, r := range rules {
		id := r.ID
		if r.Hidden {
			id += " (hidden)"
		}
		out = append(out, id)
	}
	return out
}

func TestFullConfiguration(t *testing.T) {
	c, err := load(t, map[string]string{FileName: fullConfig, ".git/HEAD": ""}, ".", "")
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Salt) != "0123456789abcdef" {
		t.Error("the salt was not read")
	}
	if want := filepath.Join(c.Root, "ci", "baseline.json"); c.Baseline != want {
		t.Errorf("baseline = %s, want %s", c.Baseline, want)
	}
	if c.HonourGitleaks || c.Path != FileName {
		t.Errorf("HonourGitleaks = %v, Path = %s", c.HonourGitleaks, c.Path)
	}
	set, err := c.RuleSet(catalogue(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(set.Rules), []string{"generic-password", "github-pat", "jwt (hidden)", "acme-token"}; !slices.Equal(got, want) {
		t.Errorf("rules = %v, want %v", got, want)
	}
	if set.Severity["github-pat"] != rule.Critical || set.Severity["acme-token"] != rule.Low || set.Gitleaks {
		t.Errorf("severities = %v, gitleaks %v", set.Severity, set.Gitleaks)
	}
	for path, want := range map[string]bool{
		"vendor/a/b.go": true, "sub/vendor/x": true, "a/b.min.js": true, "docs/x.md": true, "sub/docs/x.md": false, "vendor": false,
	} {
		if got := c.Excludes(path, false); got != want {
			t.Errorf("Excludes(%s) = %v", path, got)
		}
	}
	if !c.Excludes("vendor", true) {
		t.Error("the directory vendor is not excluded")
	}
}

func TestAllow(t *testing.T) {
	c, err := load(t, map[string]string{FileName: fullConfig, ".git/HEAD": ""}, ".", "")
	if err != nil {
		t.Fatal(err)
	}
	const print = "0123456789abcdef0123456789abcdef"
	tests := []struct {
		name, rule, path, secret, fingerprint string
		entry                                 int // counted from 1; 0 is none
	}{
		{"rule and path", "github-pat", "a/testdata/x", "v", "", 1},
		{"another rule", "jwt", "a/testdata/x", "v", "", 0},
		{"another path", "github-pat", "a/x", "v", "", 0},
		{"a path taken back stays under its directory", "github-pat", "testdata/real/x", "v", "", 1},
		{"value and stop word", "jwt", "x", "sample-1", "", 0},
		{"value alone", "jwt", "x", "sample-12", "", 0},
		{"fingerprint, written in upper case", "jwt", "x", "v", print, 3},
		{"fingerprint of digits", "jwt", "x", "v", "00000000000000000000000000000001", 3},
		{"another fingerprint", "jwt", "x", "v", strings.Replace(print, "0", "f", 1), 0},
	}
	for _, tt := range tests {
		got := 0
		for i := range c.Allow {
			if c.Allow[i].Match(tt.rule, tt.path, []byte(tt.secret), tt.fingerprint) {
				got = i + 1
			}
		}
		if got != tt.entry {
			t.Errorf("%s: allowed by entry %d, want %d", tt.name, got, tt.entry)
		}
	}
	if got, want := c.Allow[1].Where(), FileName+":20"; got != want {
		t.Errorf("the second entry stands at %s, want %s", got, want)
	}
}

func TestAllowValueAndStopWord(t *testing.T) {
	c := Config{}
	err := c.parse("c.yaml", []byte("version: 1\nallow:\n  - values: ['^sample-', '^test-']\n    stopwords: [Example]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]bool{
		"sample-an-EXAMPLE": true, "test-example": true, "sample-other": false, "an-example": false,
	} {
		if got := c.Allow[0].Match("r", "p", []byte(secret), ""); got != want {
			t.Errorf("%s: allowed = %v", secret, got)
		}
	}
}

func TestRulesOnAndOff(t *testing.T) {
	tests := []struct{ name, rules, want string }{
		{"nothing said", "", "generic-api-key generic-password github-pat jwt"},
		{"disable", "disable: [generic-*]", "github-pat jwt"},
		{"enable alone means only these", "enable: [generic-*]", "generic-api-key generic-password"},
		{"enable wins over disable", "disable: ['*'], enable: [generic-password]", "generic-password"},
		{"enable leaves extra rules on", "enable: [jwt], extra: [{id: own, pattern: own_, keywords: [own_]}]", "jwt own"},
		{"extra in place of ours", "extra: [{id: jwt, pattern: mine_, keywords: [mine_]}]", "generic-api-key generic-password github-pat jwt"},
		{"a companion that is off is hidden", "enable: [github-pat]", "github-pat jwt (hidden)"},
	}
	for _, tt := range tests {
		c := Config{}
		if err := c.parse("c.yaml", []byte("version: 1\nrules: {"+tt.rules+"}\n")); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		set, err := c.RuleSet(catalogue(), nil)
		if got := strings.Join(ids(set.Rules), " "); err != nil || got != tt.want {
			t.Errorf("%s: rules = %s (%v), want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestMatchRule(t *testing.T) {
	for _, tt := range []struct {
		pattern, id string
		want        bool
	}{
		{"a-b", "a-b", true}, {"a-b", "a-bc", false}, {"a*", "a", true}, {"a*", "ba", false},
		{"*", "x", true}, {"*-key", "a-key", true}, {"*-key", "a-keys", false}, {"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c", false}, {"a*a", "a", false},
	} {
		if got := MatchRule(tt.pattern, tt.id); got != tt.want {
			t.Errorf("MatchRule(%s, %s) = %v", tt.pattern, tt.id, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	salt := []byte("0123456789abcdef")
	plain := Config{}
	if err := plain.parse("t.yaml", Template(salt)); err != nil {
		t.Fatal(err)
	}
	if string(plain.Salt) != string(salt) || len(plain.Allow) > 0 || plain.Baseline != "" {
		t.Error("the template says more than version and salt")
	}
	lines := strings.Split(string(Template(salt)), "\n")
	for i, line := range lines {
		prose := strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#  ")
		if strings.HasPrefix(line, "#") && !prose {
			lines[i] = line[1:]
		}
	}
	used := Config{}
	if err := used.parse("t.yaml", []byte(strings.Join(lines, "\n"))); err != nil {
		t.Fatalf("with every example in use: %v", err)
	}
	if len(used.Allow) != 3 || used.Baseline == "" || !used.HonourGitleaks || len(used.rules.extra) != 1 {
		t.Errorf("the examples are not what they look like: %+v", used)
	}
	if _, err := used.RuleSet(rule.Catalogue(), nil); err != nil {
		t.Errorf("the examples name rules that do not exist: %v", err)
	}
}

// TestDocumentation holds docs/configuration.md to what is read.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	blocks := 0
	for rest := text; ; blocks++ {
		_, after, ok := strings.Cut(rest, "```yaml\n")
		if !ok {
			break
		}
		block, tail, _ := strings.Cut(after, "```")
		rest = tail
		if !strings.Contains(block, "version:") {
			block = "version: 1\n" + block
		}
		c := Config{}
		if err := c.parse("configuration.md", []byte(block)); err != nil {
			t.Errorf("an example does not load: %v\n%s", err, block)
			continue
		}
		if _, err := c.RuleSet(rule.Catalogue(), nil); err != nil {
			t.Errorf("an example names a rule that does not exist: %v\n%s", err, block)
		}
	}
	if blocks < 5 {
		t.Errorf("%d examples, want one for each section", blocks)
	}
	for _, key := range []string{
		"version", "salt", "rules.enable", "rules.disable", "rules.severity", "rules.extra", "allow", "reason", "rules", "paths", "values",
		"stopwords", "fingerprints", "paths.exclude", "baseline", "gitleaks", "x-",
	} {
		if !strings.Contains(text, "`"+key) {
			t.Errorf("the key %s is not explained", key)
		}
	}
}

func TestSaltInTemplateIsBase64(t *testing.T) {
	salt := make([]byte, 16)
	want := base64.StdEncoding.EncodeToString(salt)
	if !strings.Contains(string(Template(salt)), "\nsalt: "+want+"\n") {
		t.Error("the salt is not in the template")
	}
}
