package silence

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/config"
)

const (
	print1 = "00112233445566778899aabbccddeeff"
	print2 = "ffeeddccbbaa99887766554433221100"
	print3 = "0123456789abcdef0123456789abcdef"
)

// open makes a project of files and opens what silences findings in it.
func open(t *testing.T, files map[string]string, flag string) (*Set, *config.Config, error) {
	t.Helper()
	t.Setenv("GITLEAKS_CONFIG", "")
	t.Setenv("GITLEAKS_CONFIG_TOML", "")
	dir := t.TempDir()
	files[".git/HEAD"] = ""
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
	cfg, err := config.Discover(".", flag)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(&cfg)
	return s, &cfg, err
}

// project has one of everything that silences.
func project() map[string]string {
	return map[string]string{
		".remint.yaml": "version: 1\nbaseline: base.json\nallow:\n  - reason: samples\n    paths: [samples/]\n",
		"base.json":    `{"version":1,"tool":"remint","findings":[` + "\n" + `{"fingerprint":"` + print2 + `","rule":"r","path":"known.txt"}]}`,
		IgnoreFileName: "# known\n" + print1 + "  # rotated in May\n",
		GitleaksIgnoreFileName: "dir/old.txt:generic-api-key:7\n" +
			"0123abcd:dir/history.txt:generic-api-key:7\n",
		"known.txt": "",
	}
}

func TestDecide(t *testing.T) {
	s, _, err := open(t, project(), "")
	if err != nil {
		t.Fatal(err)
	}
	text, start, end := at("x\n# remint:allow why\n«v» # gitleaks:allow\n")
	marks := FindMarks(text)
	tests := []struct {
		name string
		c    Candidate
		want []Decision
	}{
		{"nobody", Candidate{Rule: "r", Path: "a.txt", Fingerprint: print3, Line: 3}, nil},
		{"comments", Candidate{Rule: "r", Path: "a.txt", Fingerprint: print3, Line: 3, Marks: marks, Start: start, End: end}, []Decision{
			{ByInline, "a.txt:2", "why"}, {ByGitleaksInline, "a.txt:3", ""},
		}},
		{"the ignore file", Candidate{Rule: "r", Path: "a.txt", Fingerprint: print1}, []Decision{{ByIgnoreFile, ".remintignore:2", "rotated in May"}}},
		{"gitleaks' ignore file, whatever the rule is called here", Candidate{Rule: "acme-key", Path: "dir/old.txt", Fingerprint: print3, Line: 7}, []Decision{
			{ByGitleaksIgnore, ".gitleaksignore:1", ""},
		}},
		{"gitleaks' ignore file on another line", Candidate{Rule: "generic-api-key", Path: "dir/old.txt", Fingerprint: print3, Line: 8}, nil},
		{"gitleaks' ignore file, in history", Candidate{Rule: "r", Path: "dir/history.txt", Commit: "0123abcd", Line: 7}, []Decision{{ByGitleaksIgnore, ".gitleaksignore:2", ""}}},
		{"the configuration", Candidate{Rule: "r", Path: "x/samples/a", Fingerprint: print3}, []Decision{{ByConfig, ".remint.yaml:4", "samples"}}},
		{"the baseline", Candidate{Rule: "r", Path: "known.txt", Fingerprint: print2}, []Decision{{ByBaseline, "base.json:2", ""}}},
		{"several", Candidate{Rule: "r", Path: "./samples/a", Fingerprint: print1}, []Decision{
			{ByIgnoreFile, ".remintignore:2", "rotated in May"}, {ByConfig, ".remint.yaml:4", "samples"},
		}},
	}
	for _, tt := range tests {
		if got := s.Decisions(&tt.c); !slices.Equal(got, tt.want) {
			t.Errorf("%s: decisions = %+v, want %+v", tt.name, got, tt.want)
		}
		d, ok := s.Decide(&tt.c)
		if ok != (len(tt.want) > 0) || ok && d != tt.want[0] {
			t.Errorf("%s: decision = %+v, %v", tt.name, d, ok)
		}
	}
}

func TestOnlyGitleaks(t *testing.T) {
	files := project()
	files["c.toml"] = "[[rules]]\nid = 'r'\nregex = 'r'\n"
	s, _, err := open(t, files, "c.toml")
	if err != nil {
		t.Fatal(err)
	}
	text, start, end := at("# remint:allow\n«v» # remint:allow betterleaks:allow")
	for name, c := range map[string]Candidate{
		"comments of others": {Rule: "r", Path: "a", Line: 2, Marks: FindMarks(text), Start: start, End: end},
		"ignore file":        {Rule: "r", Path: "a", Fingerprint: print1},
		"another rule":       {Rule: "r", Path: "dir/old.txt", Line: 7},
	} {
		if d, ok := s.Decide(&c); ok {
			t.Errorf("%s: silenced by %+v", name, d)
		}
	}
	c := Candidate{Rule: "generic-api-key", Path: "dir/old.txt", Line: 7}
	if _, ok := s.Decide(&c); !ok {
		t.Error("gitleaks' own ignore file does not hold")
	}
}

func TestGitleaksNotHonoured(t *testing.T) {
	files := project()
	files[".remint.yaml"] = "version: 1\ngitleaks: false\n"
	s, _, err := open(t, files, "")
	if err != nil {
		t.Fatal(err)
	}
	text, start, end := at("«v» # gitleaks:allow")
	c := Candidate{Rule: "generic-api-key", Path: "dir/old.txt", Line: 7, Marks: FindMarks(text), Start: start, End: end}
	if d, ok := s.Decide(&c); ok {
		t.Errorf("silenced by %+v", d)
	}
}

func TestNothingThere(t *testing.T) {
	s, _, err := open(t, map[string]string{}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := Candidate{Rule: "r", Path: "a", Fingerprint: print1, Line: 1}
	if d, ok := s.Decide(&c); ok {
		t.Errorf("silenced by %+v", d)
	}
	if s.Baseline.Unused() != nil || s.Ignore.Unused() != nil || s.GitleaksIgnore.Unused() != nil {
		t.Error("something is unused where nothing is")
	}
}

func TestOpenFaults(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"ignore file", IgnoreFileName, "# fine\n\nnot-a-fingerprint\n", ".remintignore:3: not a fingerprint"},
		{"baseline", "base.json", "{\n\"version\": 9}", "base.json:2: version"},
		{"baseline missing", ".remint.yaml", "version: 1\nbaseline: gone.json\n", "gone.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := project()
			files[tt.file] = tt.text
			_, _, err := open(t, files, "")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestParseIgnore(t *testing.T) {
	f, err := ParseIgnore("i", []byte("\ufeff"+strings.ToUpper(print1)+"\r\n\n# all of it a comment\n  "+print2+"#why\n"+print1+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if where, reason, ok := f.Match(print1); !ok || where != "i:1" || reason != "" {
		t.Errorf("Match = %s, %q, %v", where, reason, ok)
	}
	if where, reason, ok := f.Match(print2); !ok || where != "i:4" || reason != "why" {
		t.Errorf("Match = %s, %q, %v", where, reason, ok)
	}
	if _, _, ok := f.Match(print3); ok {
		t.Error("another fingerprint matches")
	}
	if got := f.Unused(); !slices.Equal(got, []string{"i:5"}) {
		t.Errorf("unused = %v", got)
	}
}

func TestParseIgnoreKeepsTheLineBack(t *testing.T) {
	for _, line := range []string{"hidden", print1 + " hidden", print1 + "0", print1[:31] + "g"} {
		_, err := ParseIgnore("i", []byte("\n"+line))
		if err == nil || !strings.HasPrefix(err.Error(), "i:2: ") || strings.Contains(err.Error(), line) {
			t.Errorf("error = %v", err)
		}
	}
}
