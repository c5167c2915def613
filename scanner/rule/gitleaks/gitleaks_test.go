package gitleaks

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/remint/remint/scanner/rule"
)

// configurations are what gitleaks accepts; main.toml is the one loaded.
var configurations = map[string]map[string]string{
	"empty": {"main.toml": ""},
	"plain": {"main.toml": `
title = "own rules"
[[rules]]
id = "b-rule"
description = "B"
regex = '''b_[a-z]{4}(\d+)(x)?'''
secretGroup = 1
entropy = 2.5
keywords = ["B_", "other"]
tags = ["one", "two"]
[[rules]]
id = "a-path"
path = '''\.p12$'''
`},
	"old allow lists": {"main.toml": `
[allowlist]
description = "old global"
paths = ['''^vendor/''', '''(?i)\.LOCK$''', 'x']
regexes = ["^a\\d$"]
stopwords = ["Example", "example", "DUMMY"]
commits = [" ABCDEF0123 "]
[[rules]]
id = "r"
regex = 'secret'
[rules.allowlist]
regexTarget = "line"
regexes = ['''line''']
`},
	"conditions and targets": {"main.toml": `
[[allowlists]]
condition = "AND"
regexTarget = "match"
paths = ['a']
regexes = ['b', 'c']
[[allowlists]]
targetRules = ["r", "s"]
condition = "||"
stopwords = ["w"]
[[rules]]
id = "r"
regex = 'secret'
[[rules.allowlists]]
condition = "&&"
regexTarget = "secret"
regexes = ['x']
stopwords = ['y']
[[rules]]
id = "s"
regex = 'other'
`},
	"required and unreported": {"main.toml": `
[[rules]]
id = "pair"
regex = 'id_(\w+)'
[[rules.required]]
id = "half"
withinLines = 3
[[rules.required]]
id = "third"
withinLines = 0
withinColumns = 7
[[rules]]
id = "half"
regex = 'half'
skipReport = true
[[rules]]
id = "third"
regex = 'third'
`},
	"the same id twice": {"main.toml": `
[[rules]]
id = "r"
regex = 'first'
[[rules]]
id = "r"
description = "second"
regex = 'second'
`},
	"default": {"main.toml": `
[extend]
useDefault = true
`},
	"default, changed": {"main.toml": `
title = "changed"
[extend]
useDefault = true
disabledRules = ["generic-api-key", "no-such-rule"]
[[rules]]
id = "aws-access-token"
[[rules.allowlists]]
paths = ['''^fixtures/''']
[[rules]]
id = "github-pat"
description = "ours"
regex = '''ghp_mine'''
keywords = ["GHP_MINE"]
tags = ["t"]
entropy = 1.5
[[rules]]
id = "zz-own"
regex = '''zz_[0-9]{8}'''
[[allowlists]]
targetRules = ["slack-bot-token", "zz-own"]
regexes = ['''xoxb-0''']
[[allowlists]]
paths = ['''^third_party/''']
`},
	"a path, and from there a path, and from there one that is ignored": {
		"main.toml": `
[extend]
path = "one.toml"
disabledRules = ["two-off"]
[[rules]]
id = "main"
regex = 'main'
[[rules]]
id = "shared"
entropy = 4.0
secretGroup = 1
path = 'p'
`,
		"one.toml": `
[extend]
path = "two.toml"
[[rules]]
id = "one"
regex = 'one'
[[rules]]
id = "shared"
regex = '(sh)(ared)'
description = "from one"
tags = ["one"]
[[allowlists]]
targetRules = ["one"]
regexes = ['lost, as in gitleaks']
[[allowlists]]
regexes = ['kept']
`,
		"two.toml": `
[extend]
path = "three.toml"
[[rules]]
id = "two"
regex = 'two'
[[rules]]
id = "two-off"
regex = 'off'
[[rules]]
id = "shared"
regex = 'two'
keywords = ["two"]
skipReport = true
`,
	},
	"a path to one that extends the default": {
		"main.toml": `
[extend]
path = "one.toml"
[[rules]]
id = "aws-access-token"
entropy = 1.0
`,
		"one.toml": `
[extend]
useDefault = true
disabledRules = ["github-pat"]
[[rules]]
id = "aws-access-token"
[[rules.allowlists]]
stopwords = ["EXAMPLE"]
`,
	},
	"a required rule that is disabled": {
		"main.toml": `
[extend]
path = "one.toml"
disabledRules = ["half"]
`,
		"one.toml": `
[[rules]]
id = "pair"
regex = 'pair'
[[rules.required]]
id = "half"
[[rules]]
id = "half"
regex = 'half'
`,
	},
	"a URL": {"main.toml": `
[extend]
url = "https://example.invalid/gitleaks.toml"
[[rules]]
id = "r"
regex = 'r'
`},
}

// oracle is set in the process that only asks gitleaks: it can load one
// configuration in its life.
const oracle = "REMINT_TEST_GITLEAKS_ORACLE"

// raceExit spares the race detector's wait of a second at the end of a process.
const raceExit = "GORACE=atexit_sleep_ms=0"

// asked is what the two are compared by: every rule in full, by id, and the
// allow lists that hold for all.
type asked struct {
	Rules  map[string]string
	Global string
}

func TestLoadIsAsGitleaks(t *testing.T) {
	if os.Getenv(oracle) != "" {
		askGitleaks(t)
		return
	}
	for name, files := range configurations {
		t.Run(name, func(t *testing.T) {
			t.Chdir(writeFiles(t, files))
			cmd := exec.Command(os.Args[0], "-test.run=^TestLoadIsAsGitleaks$")
			cmd.Env = append(os.Environ(), oracle+"=answer.json", raceExit)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("asking gitleaks: %v\n%s", err, out)
			}
			data, err := os.ReadFile("answer.json")
			if err != nil {
				t.Fatal(err)
			}
			var want asked
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			for range 2 { // loading twice must not matter
				set, err := Load("main.toml", Options{})
				if err != nil {
					t.Fatal(err)
				}
				compare(t, asked{byID(t, set.Rules), asJSON(t, set.Global)}, want)
			}
		})
	}
}

// askGitleaks does what the gitleaks program does, in a process of its own.
func askGitleaks(t *testing.T) {
	viper.SetConfigType("toml")
	viper.SetConfigFile("main.toml")
	if err := viper.ReadInConfig(); err != nil {
		t.Fatal(err)
	}
	var vc config.ViperConfig
	if err := viper.Unmarshal(&vc); err != nil {
		t.Fatal(err)
	}
	cfg, err := vc.Translate()
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule.Rule
	for _, g := range cfg.Rules {
		var needs []need
		for _, q := range g.RequiredRules {
			needs = append(needs, need{q.RuleID, q.WithinLines, q.WithinColumns})
		}
		r, err := convert(g, needs)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	var global []rule.Allow
	for _, a := range cfg.Allowlists {
		global = append(global, convertAllow(a))
	}
	answer := Set{Rules: rules, Global: global}
	answer.nameReasons("main.toml")
	data, err := json.Marshal(asked{byID(t, answer.Rules), asJSON(t, answer.Global)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(oracle), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, got, want asked) {
	t.Helper()
	for id, r := range want.Rules {
		if got.Rules[id] != r {
			t.Errorf("rule %s:\n got %s\nwant %s", id, got.Rules[id], r)
		}
	}
	if len(got.Rules) != len(want.Rules) {
		t.Errorf("%d rules, gitleaks has %d", len(got.Rules), len(want.Rules))
	}
	if got.Global != want.Global {
		t.Errorf("global:\n got %s\nwant %s", got.Global, want.Global)
	}
}

func byID(t *testing.T, rules []rule.Rule) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, r := range rules {
		r.Provider = ""
		m[r.ID] = asJSON(t, r)
	}
	return m
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFiles(t *testing.T, files map[string]string) string {
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
	return dir
}

func TestDefault(t *testing.T) {
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Rules) < 200 || len(set.Global) != 1 {
		t.Fatalf("%d rules and %d global allow lists", len(set.Rules), len(set.Global))
	}
	for _, r := range set.Rules {
		if r.Filters != rule.FilterNone || !r.Anywhere || r.Provider != "gitleaks" {
			t.Errorf("rule %s is not as gitleaks means it", r.ID)
		}
	}
}

func TestConvert(t *testing.T) {
	path := filepath.Join(writeFiles(t, configurations["conditions and targets"]), "main.toml")
	reason := "allow list of " + path
	set, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantGlobal := []rule.Allow{{All: true, Target: rule.TargetMatch, Paths: []string{"a"}, Patterns: []string{"(?:b|c)"}, Reason: reason}}
	if !reflect.DeepEqual(set.Global, wantGlobal) {
		t.Errorf("global = %+v", set.Global)
	}
	wantAllow := []rule.Allow{
		{All: true, Patterns: []string{"x"}, StopWords: []string{"y"}, Reason: reason},
		{StopWords: []string{"w"}, Reason: reason},
	}
	if got := set.Rules[0]; got.ID != "r" || !reflect.DeepEqual(got.Allow, wantAllow) {
		t.Errorf("rule r = %+v", got)
	}

	set, err = Load(filepath.Join(writeFiles(t, configurations["required and unreported"]), "main.toml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	half, pair := set.Rules[0], set.Rules[1]
	if !half.Hidden || pair.Hidden {
		t.Errorf("hidden: half %v, pair %v", half.Hidden, pair.Hidden)
	}
	want := []rule.Companion{
		{Rule: "half", Lines: 3, Required: true},
		{Rule: "third", Columns: 7, SameLine: true, Required: true},
	}
	if !reflect.DeepEqual(pair.Companions, want) {
		t.Errorf("companions = %+v", pair.Companions)
	}
}

func TestExtendPathBesideTheFile(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"conf/main.toml": "[extend]\npath = 'base.toml'\n",
		"conf/base.toml": "[[rules]]\nid = 'beside'\nregex = 'beside'\n",
		"cwd/base.toml":  "[[rules]]\nid = 'cwd'\nregex = 'cwd'\n",
	})
	for cwd, want := range map[string]string{"cwd": "cwd", "conf": "beside", ".": "beside"} {
		t.Run(cwd, func(t *testing.T) {
			t.Chdir(filepath.Join(dir, cwd))
			set, err := Load(filepath.Join(dir, "conf", "main.toml"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Rules) != 1 || set.Rules[0].ID != want {
				t.Errorf("rules = %+v, want %s", set.Rules, want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	set, err := Load(filepath.Join(writeFiles(t, configurations["default, changed"]), "main.toml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0], "main.toml:5: ") || !strings.Contains(set.Warnings[0], "no-such-rule") {
		t.Errorf("warnings = %q", set.Warnings)
	}
}

func TestNothingIsPrinted(t *testing.T) {
	if os.Getenv(oracle) != "" {
		if _, err := Load(os.Getenv(oracle), Options{}); err != nil {
			t.Fatal(err)
		}
		return
	}
	files := map[string]string{"main.toml": "minVersion = 'v99.0.0'\n" + strings.TrimPrefix(configurations["default, changed"]["main.toml"], "\n")}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsPrinted$")
	cmd.Env = append(os.Environ(), oracle+"="+filepath.Join(writeFiles(t, files), "main.toml"), raceExit)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stdout.String())
	}
	if stderr.Len() > 0 || strings.TrimSpace(stdout.String()) != "PASS" {
		t.Errorf("printed %q and %q", stdout.String(), stderr.String())
	}
}

func BenchmarkLoadExtendingDefault(b *testing.B) {
	data := []byte(configurations["default, changed"]["main.toml"])
	for name, opts := range map[string]Options{"whole": {}, "overlay": {ForOverlay: true}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Parse("main.toml", data, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
