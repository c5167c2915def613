package config

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	tests := []struct {
		name, text string
		line       string
		says       string
	}{
		{"not YAML", "version: 1\nrules: [\n", ":2:", "not YAML"},
		{"a tab", "version: 1\nrules:\n\tdisable: [a]\n", ":3:", "not YAML"},
		{"two documents", "version: 1\n---\nversion: 1\n", ":2:", "second document"},
		{"nothing", "", ":1:", "version is missing"},
		{"a list", "- version\n", ":1:", "top level: want keys and values, not a list"},
		{"no version", "rules: {}\n", ":1:", `add the line "version: 1"`},
		{"another version", "version: 2\n", ":1:", "want 1"},
		{"unknown key", "version: 1\nbasline: x\n", ":2:", "unknown key basline: did you mean baseline?"},
		{"unknown key of inject", "version: 1\ninject: {environment: {}}\n", ":2:10: ", "inject: unknown key environment"},
		{"wrong type in inject", "version: 1\ninject:\n  env:\n    A: [b]\n", ":4:8: ", "inject.env.A: want an entry of the vault"},
		{"bad variable", "version: 1\ninject:\n  env: {A-B: c}\n", ":3:9: ", "want the name of a variable"},
		{"bad assurance", "version: 1\nhsm: {assurance: best}\n", ":2:18: ", "want hsm, tpm, emulated or software"},
		{"bad on_rotate", "version: 1\ninject: {on_rotate: now}\n", ":2:21: ", "want restart, file or signal=NAME"},
		{"unknown key far from any", "version: 1\nzzzzzzzzzz: x\n", ":2:", "want one of allow, baseline"},
		{"unknown key below", "version: 1\nrules:\n  disabled: [a]\n", ":3:", "rules: unknown key disabled: did you mean disable?"},
		{"x- below", "version: 1\nrules:\n  x-a: 1\n", ":3:", "unknown key x-a"},
		{"a key twice", "version: 1\nbaseline: a\nbaseline: b\n", ":3:", "baseline stands twice"},
		{"salt too short", "version: 1\nsalt: c2hvcnQ=\n", ":2:", "salt: want 16 random bytes"},
		{"salt not base64", "version: 1\nsalt: '%%%'\n", ":2:", "salt: want 16"},
		{"list expected", "version: 1\nrules:\n  enable: aws\n", ":3:", "rules.enable: want a list, not text"},
		{"text expected", "version: 1\nrules:\n  enable:\n   - 12\n", ":4:", "rules.enable[0]: want text, not a number: put it in quotes"},
		{"odd rule id", "version: 1\nrules:\n  enable: ['a b']\n", ":3:", "want a rule id"},
		{"severity", "version: 1\nrules:\n  severity:\n    jwt: awful\n", ":4:", "rules.severity.jwt: want low, medium, high or critical"},
		{"severity twice", "version: 1\nrules:\n  severity:\n    jwt: low\n    jwt: high\n", ":5:", "stands twice"},
		{"severity as a list", "version: 1\nrules:\n  severity: [low]\n", ":3:", "want rule ids and severities"},
		{"extra not a rule", "version: 1\nrules:\n  extra: [a]\n", ":3:", "rules.extra[0]: want a rule, not text"},
		{"extra unknown key", "version: 1\nrules:\n  extra:\n    - id: own\n      patern: x\n", ":5:", "unknown key patern"},
		{"extra wrong type", "version: 1\nrules:\n  extra:\n    - id: own\n      reach: far\n", ":4:", "wrong type"},
		{"extra bad expression", "version: 1\nrules:\n  extra:\n    - id: own\n      pattern: '('\n      keywords: [own]\n", ":4:", "rule own"},
		{"extra twice", "version: 1\nrules:\n  extra:\n    - {id: own, pattern: own, keywords: [own]}\n    - {id: own, pattern: own, keywords: [own]}\n", ":5:", "stands on line 4 already"},
		{"allow without conditions", "version: 1\nallow:\n  - reason: because\n", ":3:", "no condition"},
		{"allow with rules alone", "version: 1\nallow:\n  - rules: [jwt]\n", ":3:", "rules.disable"},
		{"allow with an empty list", "version: 1\nallow:\n  - paths: []\n", ":3:", "no condition"},
		{"allow: bad expression", "version: 1\nallow:\n  - values:\n      - ok\n      - '(hidden'\n", ":5:", "allow[0].values[1]: not an RE2 expression: missing closing )"},
		{"allow: large expression", "version: 1\nallow:\n  - values: ['" + strings.Repeat("a{999}", 21) + "']\n", ":3:", "too large"},
		{"allow: bad pattern", "version: 1\nallow:\n  - paths: ['[a']\n", ":3:", "malformed"},
		{"allow: not a fingerprint", "version: 1\nallow:\n  - fingerprints: [hidden]\n", ":3:", "want a fingerprint"},
		{"braces", "version: 1\npaths:\n  exclude: ['*.{a,b}']\n", ":3:", "braces"},
		{"out of the project", "version: 1\npaths:\n  exclude: ['../x']\n", ":3:", "out of the project"},
		{"empty pattern", "version: 1\npaths:\n  exclude: ['/']\n", ":3:", "empty"},
		{"baseline not text", "version: 1\nbaseline: [a]\n", ":2:", "baseline: want text, not a list"},
		{"gitleaks not a switch", "version: 1\ngitleaks: perhaps\n", ":2:", "want true or false, not text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{}
			err := c.parse("dir/.remint.yaml", []byte(tt.text))
			if err == nil {
				t.Fatal("loaded without an error")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if !strings.HasPrefix(first, "dir/.remint.yaml"+tt.line) || !strings.Contains(first, tt.says) {
				t.Errorf("error = %q, want …%s…%s", first, tt.line, tt.says)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error repeats a value: %q", err)
			}
		})
	}
}

func TestFaultsAreAllTold(t *testing.T) {
	c := Config{}
	err := c.parse("c.yaml", []byte("version: 1\nrulez: {}\nallow:\n  - reason: x\ngitleaks: 7\n"))
	if err == nil {
		t.Fatal("loaded without an error")
	}
	for _, want := range []string{"c.yaml:2:", "c.yaml:4:", "c.yaml:5:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %q, want %s too", err, want)
		}
	}
}

func TestUnknownRules(t *testing.T) {
	tests := []struct{ name, text, line, says string }{
		{"enable", "rules: {enable: [github-pta]}", ":2:", "rules.enable: there is no rule github-pta: did you mean github-pat?"},
		{"disable", "rules:\n  disable: [jwt, zz-*]", ":3:", "rules.disable: no rule's id matches zz-*"},
		{"severity", "rules:\n  severity:\n    gwt: low", ":4:", "did you mean jwt?"},
		{"allow", "allow:\n  - paths: [a]\n    rules: [jwtt]", ":4:", "allow: there is no rule jwtt"},
		{"companion", "rules:\n  extra:\n    - id: own\n      pattern: own\n      keywords: [own]\n      companions: [{rule: jwtt}]", ":4:", "companion jwtt does not exist: did you mean jwt?"},
		{"nothing left", "rules: {disable: ['*']}", ": ", "no rule is left on"},
	}
	for _, tt := range tests {
		c := Config{}
		if err := c.parse("c.yaml", []byte("version: 1\n"+tt.text+"\n")); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, err := c.RuleSet(catalogue(), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "c.yaml"+tt.line) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %s…%s", tt.name, err, tt.line, tt.says)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	c := Config{}
	err := c.parse("c.yaml", []byte("version: 1\nallow: ["+strings.Repeat("{}, ", 1000)+"]\n"))
	if err == nil || strings.Count(err.Error(), "\n") != maxFaults || !strings.HasSuffix(err.Error(), "980 faults more") {
		t.Errorf("error = %v", err)
	}
}
