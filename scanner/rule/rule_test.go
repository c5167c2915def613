package rule_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// minimum is how many rules the catalogue promises.
const minimum = 400

// TestCatalogueIsWhole asks every rule for what docs/rules.md promises.
func TestCatalogueIsWhole(t *testing.T) {
	rules := rule.Catalogue()
	if len(rules) < minimum {
		t.Errorf("%d rules, want at least %d", len(rules), minimum)
	}
	if err := rule.CheckSet(rules); err != nil {
		t.Error(err)
	}
	nhi := regexp.MustCompile(`^NHI\d+:2025$`)
	cwe := regexp.MustCompile(`^CWE-\d+$`)
	for i := range rules {
		r := &rules[i]
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
		switch {
		case r.Name == "" || r.Provider == "" || r.Severity == rule.SeverityUnknown:
			t.Errorf("%s: no name, provider or severity", r.ID)
		case !cwe.MatchString(r.CWE) || !nhi.MatchString(r.NHI):
			t.Errorf("%s: weakness %q %q", r.ID, r.CWE, r.NHI)
		case len(r.Opens) < 10 || len(r.Revoke.Steps) < 10 || !strings.HasPrefix(r.Revoke.URL, "https://"):
			t.Errorf("%s: does not say what it opens or how to revoke it", r.ID)
		case len(r.Examples) == 0 || len(r.Counterexamples) == 0:
			t.Errorf("%s: %d examples, %d counterexamples", r.ID, len(r.Examples), len(r.Counterexamples))
		}
	}
}

// TestGeneratedIsUpToDate compares catalogue.gen.go with the YAML files.
func TestGeneratedIsUpToDate(t *testing.T) {
	loaded, err := rule.LoadDir("catalogue")
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]rule.Rule{}
	for _, r := range rule.Catalogue() {
		built[r.ID] = r
	}
	if len(built) != len(loaded) {
		t.Errorf("%d rules in the files, %d built in: run 'make generate'", len(loaded), len(built))
	}
	for _, r := range loaded {
		if b := built[r.ID]; b.Pattern != r.Pattern || b.Opens != r.Opens || b.Severity != r.Severity || len(b.Examples) != len(r.Examples) {
			t.Errorf("%s differs from its file: run 'make generate'", r.ID)
		}
	}
}

// TestNoKeysInTheCatalogue looks for runs that other scanners would trip over.
func TestNoKeysInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("catalogue/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	key := regexp.MustCompile(`\b(?:ghp_|glpat-|AKIA|sk_live_|xoxb-|AIza|npm_|SG\.)[A-Za-z0-9]{20,}`)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range key.FindAll(data, -1) {
			if !bytes.Contains(bytes.ToLower(found), []byte("xxxx")) && !bytes.Contains(found, []byte("EXAMPLE")) {
				t.Errorf("%s holds a key written out", name)
			}
		}
	}
}

func TestChecksums(t *testing.T) {
	// CRC-32 of "hello" is 907060870, the common check value of its tables.
	for _, c := range []struct{ name, head, tail string }{
		{"crc32-base62", "ghp_hello", "0zNvy2"},
		{"crc32-hex-body", "zpka_hello_", "3610a686"},
		{"crc32-hex-head", "hello_", "3610a686"},
		{"crc32-le-base64", "x_hello", "hqYQNg"},
		{"sha256-base32", "x_hello", "FTZE3OS7"},
		{"gitlab-routable", "hello", "0f01de" + "y"},
	} {
		sum, err := rule.FindChecksum(c.name)
		if err != nil {
			t.Fatal(err)
		}
		got := string(sum.Tail([]byte(c.head)))
		if c.name == "gitlab-routable" {
			if len(got) != 7 {
				t.Errorf("%s: %q", c.name, got)
			}
			c.tail = got
		} else if got != c.tail {
			t.Errorf("%s: %q, want %q", c.name, got, c.tail)
		}
		if !sum.Verify([]byte(c.head+c.tail)) || sum.Verify([]byte(c.head+"AAAAAAAA"[:sum.Length])) || sum.Verify([]byte(c.tail)) {
			t.Errorf("%s: Verify is wrong", c.name)
		}
	}
	if _, err := rule.FindChecksum("crc7"); err == nil || !strings.Contains(err.Error(), "crc32-base62") {
		t.Errorf("error: %v", err)
	}
}

func TestLoadSaysWhere(t *testing.T) {
	head := "provider: acme\nname: Acme\nrules:\n"
	for _, c := range []struct{ text, want string }{
		{head + "  - id: Acme\n    pattern: x\n    keywords: [xxx]\n", "f.yaml:4: rule id \"Acme\""},
		{head + "  - id: acme-a\n    pattern: 'a'\n    keywords: [aaa]\n  - id: acme-b\n    pattern: '('\n    keywords: [aaa]\n", "f.yaml:7: rule acme-b: error parsing"},
		{head + "  - id: acme-a\n    patern: 'a'\n", "line 5: field patern not found"},
		{head + "  - id: acme-a\n    pattern: 'a'\n", "no keywords"},
		{head + "  - id: acme-a\n    pattern: 'a'\n    keywords: [ab]\n", "too short"},
		{head + "  - id: acme-a\n    pattern: 'a'\n    keywords: [abc]\n    severity: huge\n", "unknown severity"},
		{head + "  - id: acme-a\n    pattern: 'a'\n    keywords: [abc]\n    checksum: md5\n", "unknown checksum"},
		{head + "  - id: acme-a\n    pattern: 'a'\n    keywords: [abc]\n    filter: strict\n", "unknown filter"},
		{head + "  - id: acme-a\n    pattern: '(?:(?:a{900}){900})'\n    keywords: [aaa]\n", "rule acme-a"},
		{": : :", "f.yaml"},
	} {
		_, err := rule.Load("f.yaml", strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	r := rule.Rule{ID: "x-y", Checksum: "crc32-base62"}
	text, spans, err := r.Expand("a {b} «ghp_{a62:30}{checksum}» {hex:8} {uuid}", 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := r.Expand("a {b} «ghp_{a62:30}{checksum}» {hex:8} {uuid}", 1)
	if text != again || len(spans) != 1 || !strings.HasPrefix(text, "a {b} ghp_") || spans[0] != (rule.Span{Start: 6, End: 46}) {
		t.Errorf("%d spans %v, the same twice: %v", len(spans), spans, text == again)
	}
	for _, bad := range []string{"«a", "a»", "««a»", "{checksum}"} {
		if _, _, err := r.Expand(bad, 1); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzLoad gives the loader any file: an error or rules that hold, no panic.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"catalogue/github.yaml", "catalogue/generic.yaml", "catalogue/private-key.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("provider: a\nrules:\n  - id: a-b\n    pattern: 'x'\n    keywords: [xxx]\n    examples: ['«{a62:9}»', '{']\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := rule.Load("fuzz.yaml", bytes.NewReader(data))
		if err != nil {
			return
		}
		for i := range rules {
			if err := rules[i].Validate(); err != nil {
				t.Errorf("a rule that does not hold came through: %v", err)
			}
			for _, x := range rules[i].Examples {
				_, _, _ = rules[i].Expand(x, 1)
			}
		}
	})
}
