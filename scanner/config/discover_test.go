package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	ownTOML  = "[[rules]]\nid = 'own'\nregex = 'own_(x)'\n[[allowlists]]\npaths = ['^fixtures/']\n"
	okYAML   = "version: 1\n"
	noFollow = "version: 1\ngitleaks: false\n"
)

func TestDiscover(t *testing.T) {
	tests := []struct {
		name       string
		files      map[string]string
		root, flag string
		path       string // the .remint.yaml in use
		dir        string // the project's folder
		gitleaks   string // the gitleaks configuration in use
		only       bool
	}{
		{name: "nothing", files: map[string]string{".git/HEAD": "", "sub/a": ""}, root: "sub", dir: "."},
		{name: "at the root", files: map[string]string{".git/HEAD": "", FileName: okYAML}, root: ".", path: FileName, dir: "."},
		{name: "above", files: map[string]string{".git/HEAD": "", FileName: okYAML, "a/b/c": ""}, root: "a/b", path: FileName, dir: "."},
		{name: "the nearest", files: map[string]string{".git/HEAD": "", FileName: okYAML, "a/" + FileName: okYAML, "a/b/c": ""}, root: "a/b", path: "a/" + FileName, dir: "a"},
		{name: "not above the repository", files: map[string]string{FileName: okYAML, "a/.git/HEAD": "", "a/b/c": ""}, root: "a/b", dir: "a"},
		{name: "a worktree's .git is a file", files: map[string]string{FileName: okYAML, "a/.git": "gitdir: x", "a/b/c": ""}, root: "a/b", dir: "a"},
		{name: "outside a repository only the root itself", files: map[string]string{FileName: okYAML, "a/b": ""}, root: "a", dir: "a"},
		{name: "a file as root", files: map[string]string{".git/HEAD": "", FileName: okYAML, "a/b": ""}, root: "a/b", path: FileName, dir: "."},
		{name: "gitleaks alone", files: map[string]string{".git/HEAD": "", GitleaksFileName: ownTOML, "a/b": ""}, root: "a", dir: ".", gitleaks: GitleaksFileName},
		{name: "gitleaks on top", files: map[string]string{".git/HEAD": "", FileName: okYAML, GitleaksFileName: ownTOML}, root: ".", path: FileName, dir: ".", gitleaks: GitleaksFileName},
		{name: "gitleaks turned off", files: map[string]string{".git/HEAD": "", FileName: noFollow, GitleaksFileName: "broken ["}, root: ".", path: FileName, dir: "."},
		{name: "--config with YAML", files: map[string]string{".git/HEAD": "", FileName: "broken: [", "ci/conf.yml": okYAML}, root: ".", flag: "ci/conf.yml", path: "ci/conf.yml", dir: "."},
		{name: "--config with TOML", files: map[string]string{".git/HEAD": "", FileName: "broken: [", "ci/conf.toml": ownTOML}, root: ".", flag: "ci/conf.toml", dir: ".", gitleaks: "ci/conf.toml", only: true},
		{name: "--config with TOML by another name", files: map[string]string{".git/HEAD": "", "conf": "# a comment\n\n" + ownTOML}, root: ".", flag: "conf", dir: ".", gitleaks: "conf", only: true},
		{name: "--config with YAML by another name", files: map[string]string{".git/HEAD": "", "conf": "# a = comment\n" + okYAML}, root: ".", flag: "conf", path: "conf", dir: "."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.files, tt.root, tt.flag)
			if err != nil {
				t.Fatal(err)
			}
			gitleaksPath := ""
			if c.Gitleaks != nil {
				gitleaksPath = c.Gitleaks.Path
			}
			dir, err := filepath.Abs(tt.dir)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.ToSlash(c.Path) != tt.path || c.Root != dir || gitleaksPath != tt.gitleaks || c.OnlyGitleaks != tt.only {
				t.Errorf("path %q, root %q, gitleaks %q, only %v", c.Path, c.Root, gitleaksPath, c.OnlyGitleaks)
			}
		})
	}
}

func TestDiscoverEnvironment(t *testing.T) {
	write(t, map[string]string{".git/HEAD": "", GitleaksFileName: "broken [", "env.toml": ownTOML})
	t.Setenv(gitleaksEnv, "env.toml")
	t.Setenv(gitleaksTextEnv, "also broken [")
	c, err := Discover(".", "")
	if err != nil || c.Gitleaks == nil || c.Gitleaks.Path != "env.toml" || c.OnlyGitleaks {
		t.Errorf("%s: %+v, %v", gitleaksEnv, c.Gitleaks, err)
	}
	t.Setenv(gitleaksEnv, "")
	t.Setenv(gitleaksTextEnv, ownTOML)
	c, err = Discover(".", "")
	if err != nil || c.Gitleaks == nil || len(c.Gitleaks.Rules) != 1 {
		t.Errorf("%s: %+v, %v", gitleaksTextEnv, c.Gitleaks, err)
	}
}

func TestDiscoverFaults(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		flag  string
		want  string
	}{
		{"a configuration at fault", map[string]string{FileName: "version: 1\nrulez: 1\n"}, "", FileName + ":2:"},
		{"gitleaks at fault", map[string]string{GitleaksFileName: "\n[[rules]]\nid = 'a'\nregex = '('\n"}, "", GitleaksFileName + ":4: "},
		{"--config missing", nil, "gone.yaml", "gone.yaml"},
		{"--config is huge", map[string]string{"big": strings.Repeat("#\n", maxText)}, "big", "larger than 4 MB"},
		{"--config is a directory", map[string]string{"dir/a": ""}, "dir", "not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.files, ".", tt.flag)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestOnlyGitleaks(t *testing.T) {
	c, err := load(t, map[string]string{"c.toml": ownTOML}, ".", "c.toml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.RuleSet(catalogue(), nil)
	if err != nil || !set.Gitleaks || !slices.Equal(ids(set.Rules), []string{"own"}) || len(set.Allow) != 1 {
		t.Errorf("rule set = %+v, %v", set, err)
	}
	c, err = load(t, map[string]string{"c.toml": "title = 'no rules'\n"}, ".", "c.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.RuleSet(catalogue(), nil); err == nil || !strings.Contains(err.Error(), "c.toml:1: no rules") {
		t.Errorf("without rules: %v", err)
	}
}

func TestGitleaksOnTop(t *testing.T) {
	c, err := load(t, map[string]string{GitleaksFileName: ownTOML, FileName: "version: 1\nrules: {disable: [jwt], severity: {own: low}}\n"}, ".", "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.RuleSet(catalogue(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(set.Rules), []string{"generic-api-key", "generic-password", "github-pat", "jwt (hidden)", "own"}; !slices.Equal(got, want) {
		t.Errorf("rules = %v, want %v", got, want)
	}
	if set.Gitleaks || len(set.Allow) != 1 || len(set.Severity) != 1 {
		t.Errorf("rule set = %+v", set)
	}
}

func TestRel(t *testing.T) {
	write(t, map[string]string{".git/HEAD": "", FileName: okYAML, "sub/dir/a": "", "other/b": ""})
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("sub")
	c, err := Discover(".", "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"dir/a":                            "sub/dir/a",
		"../other/b":                       "other/b",
		"./dir/a":                          "sub/dir/a",
		"-":                                "-",
		"dir/x.zip!../in":                  "sub/dir/x.zip!../in",
		"../o/x.zip!in/a":                  "o/x.zip!in/a",
		"../../elsewhere/a":                "",
		filepath.ToSlash(top) + "/other/b": "other/b",
		"/elsewhere":                       "/elsewhere",
	} {
		got := c.Rel(path)
		if want == "" {
			if strings.HasPrefix(got, "sub/") || !strings.HasSuffix(got, "elsewhere/a") {
				t.Errorf("Rel(%s) = %s", path, got)
			}
			continue
		}
		if got != want {
			t.Errorf("Rel(%s) = %s, want %s", path, got, want)
		}
	}
}
