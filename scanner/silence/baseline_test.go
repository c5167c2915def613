package silence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func entries() []Entry {
	return []Entry{
		{print2, "b-rule", "z/last.txt"},
		{print1, "a-rule", "a/first \"quoted\".txt"},
		{print2, "b-rule", "a/first \"quoted\".txt"},
		{print2, "b-rule", "z/last.txt"},
	}
}

func TestBaselineRoundTrip(t *testing.T) {
	text, err := FormatBaseline(entries())
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 1,
  "tool": "remint",
  "findings": [
    {"fingerprint":"` + print1 + `","rule":"a-rule","path":"a/first \"quoted\".txt"},
    {"fingerprint":"` + print2 + `","rule":"b-rule","path":"a/first \"quoted\".txt"},
    {"fingerprint":"` + print2 + `","rule":"b-rule","path":"z/last.txt"}
  ]
}
`
	if string(text) != want {
		t.Errorf("baseline = %s\nwant %s", text, want)
	}
	b, err := ParseBaseline("b", text, "")
	if err != nil {
		t.Fatal(err)
	}
	var back []Entry
	for _, e := range b.entries {
		back = append(back, e.Entry)
	}
	again, err := FormatBaseline(back)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("read and written again it differs: %v\n%s", err, again)
	}
	slices.Reverse(back)
	if again, err = FormatBaseline(back); err != nil || !bytes.Equal(again, text) {
		t.Error("the order of findings changes the file")
	}
}

func TestDocumentedBaseline(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(page), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	b, err := ParseBaseline("configuration.md", []byte(example), "")
	if !ok || err != nil || len(b.entries) != 1 {
		t.Fatalf("the example is no baseline: %v", err)
	}
	again, err := FormatBaseline([]Entry{b.entries[0].Entry})
	if err != nil || string(again) != example {
		t.Errorf("the example is not what is written: %s", again)
	}
}

func TestEmptyBaseline(t *testing.T) {
	text, err := FormatBaseline(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) {
		t.Fatalf("not JSON: %s", text)
	}
	if _, err := ParseBaseline("b", text, ""); err != nil {
		t.Error(err)
	}
}

func TestBaselineMatch(t *testing.T) {
	text, err := FormatBaseline([]Entry{{print1, "r", "known.txt"}, {print1, "r", "also.txt"}, {print2, "r", "gone.txt"}, {print3, "r", "gone.zip!in.txt"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseBaseline("b", text, "")
	if err != nil {
		t.Fatal(err)
	}
	b.exists = func(path string) bool { return !strings.HasPrefix(path, "gone") || strings.Contains(path, "!") }
	tests := []struct {
		name, fingerprint, path, where string
	}{
		{"the known place", print1, "known.txt", "b:8"},
		{"the other known place", print1, "also.txt", "b:5"},
		{"a copy in a new file is told", print1, "new.txt", ""},
		{"a new secret in a known file is told", "11112222333344445555666677778888", "known.txt", ""},
		{"its file is gone: it has moved", print2, "new.txt", "b:6"},
		{"its archive is gone: it has moved", print3, "new.zip!in.txt", "b:7"},
	}
	for _, tt := range tests {
		where, ok := b.match(&Candidate{Rule: "r", Fingerprint: tt.fingerprint}, tt.path)
		if where != tt.where || ok != (tt.where != "") {
			t.Errorf("%s: match = %q, %v, want %q", tt.name, where, ok, tt.where)
		}
	}
}

func TestBaselineUnused(t *testing.T) {
	text, err := FormatBaseline(entries())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseBaseline("b", text, "")
	if err != nil {
		t.Fatal(err)
	}
	b.match(&Candidate{Fingerprint: print2}, "z/last.txt")
	if got := b.Unused(); !slices.Equal(got, []string{"b:5", "b:6"}) {
		t.Errorf("unused = %v", got)
	}
}

func TestGitleaksReport(t *testing.T) {
	secret := strings.Repeat("Ab3", 7)
	report := fmt.Sprintf(`[
 {"RuleID": "x", "Description": "any", "StartLine": 4, "File": "a\\b.txt", "Secret": %q, "Match": "m", "Entropy": 1.5, "Tags": []},
 {"RuleID": "x", "StartLine": 9, "File": "/project/c.txt", "Secret": "REDACTED", "Entropy": %v},
 {"RuleID": "x", "StartLine": 9, "File": "./d.txt", "Secret": "Ab3...", "Entropy": %[2]v}
]
`, secret, float32(gitleaksEntropy([]byte(secret))))
	b, err := ParseBaseline("r.json", []byte(report), "/project")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, secret string
		line               int
		where              string
	}{
		{"the secret, on another line", "a/b.txt", secret, 40, "r.json:2"},
		{"another secret in its place", "a/b.txt", secret + "x", 4, ""},
		{"the secret in another file", "x.txt", secret, 4, ""},
		{"redacted", "c.txt", secret, 9, "r.json:3"},
		{"redacted, another line", "c.txt", secret, 10, ""},
		{"redacted, another secret in its place", "c.txt", secret + "x", 9, ""},
		{"redacted in part", "d.txt", secret, 9, "r.json:4"},
	}
	for _, tt := range tests {
		where, ok := b.match(&Candidate{Rule: "other", Fingerprint: print1, Secret: []byte(tt.secret), Line: tt.line}, tt.path)
		if where != tt.where || ok != (tt.where != "") {
			t.Errorf("%s: match = %q, %v, want %q", tt.name, where, ok, tt.where)
		}
	}
}

func TestBaselineFaults(t *testing.T) {
	entry := `{"fingerprint":"` + print1 + `","rule":"r","path":"p"}`
	tests := []struct{ name, text, line, says string }{
		{"empty", "", "b:1: ", "ends too early"},
		{"not JSON", "{\n\"version\": 1,\n oops}", "b:3: ", "not JSON"},
		{"cut off", "{\"version\":1,\n\"findings\":[\n" + entry, "b:3: ", "not JSON"},
		{"another thing", "\"hidden\"", "b:1: ", "want a baseline"},
		{"something after", "{\"version\":1,\"findings\":[]}\n\n{}", "b:3: ", "follows the end"},
		{"no version", "{\"findings\":[]}", "b:1: ", `"version" is missing`},
		{"no findings", "{\"version\":1}", "b:1: ", `"findings" is missing`},
		{"another version", "{\n\"version\":2,\"findings\":[]}", "b:2: ", "version: want 1"},
		{"version as text", "{\n\"version\":\"hidden\",\"findings\":[]}", "b:2: ", "version: want 1"},
		{"another tool", "{\"version\":1,\n\"tool\":\"hidden\",\"findings\":[]}", "b:2: ", "tool: want"},
		{"an unknown key", "{\"version\":1,\n\"hidden\":[]}", "b:2: ", "want the keys"},
		{"a key twice", "{\"version\":1,\n\"version\":1}", "b:2: ", "twice"},
		{"findings no list", "{\"version\":1,\n\"findings\":{}}", "b:2: ", "want a list"},
		{"a finding with more", "{\"version\":1,\"findings\":[\n" + entry + ",\n{\"hidden\":1}]}", "b:3: ", "nothing else"},
		{"a finding that is none", "{\"version\":1,\"findings\":[\n\"hidden\"]}", "b:2: ", "a finding"},
		{"no fingerprint", "{\"version\":1,\"findings\":[\n{\"rule\":\"r\",\"path\":\"p\"}]}", "b:2: ", "fingerprint"},
		{"a secret for a fingerprint", "{\"version\":1,\"findings\":[\n{\"fingerprint\":\"hidden\",\"path\":\"p\"}]}", "b:2: ", "malformed"},
		{"no path", "{\"version\":1,\"findings\":[\n{\"fingerprint\":\"" + print1 + "\"}]}", "b:2: ", "path"},
		{"report without a secret", "[\n{\"RuleID\":\"r\",\"File\":\"f\"}]", "b:2: ", "not a finding of a gitleaks report"},
		{"report of something else", "[\n\"hidden\"]", "b:2: ", "not a finding of a gitleaks report"},
		{"report without a file", "[\n{\"RuleID\":\"r\",\"File\":\"\",\"Secret\":\"hidden\"}]", "b:2: ", "File"},
	}
	for _, tt := range tests {
		_, err := ParseBaseline("b", []byte(tt.text), "")
		if err == nil || !strings.HasPrefix(err.Error(), tt.line) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %s…%s", tt.name, err, tt.line, tt.says)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error repeats a value: %v", tt.name, err)
		}
	}
}

func TestWriteBaseline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "base.json")
	for _, list := range [][]Entry{entries(), entries()[:1], nil} {
		if err := WriteBaseline(path, list); err != nil {
			t.Fatal(err)
		}
		want, err := FormatBaseline(list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("wrote %s (%v)", got, err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

func TestWriteBaselineWhereItCannot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteBaseline(path, entries()); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v", err)
	}
	if err := WriteBaseline(filepath.Join(dir, "gone", "b"), nil); err == nil {
		t.Error("wrote below a folder that does not exist")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

func FuzzParseBaseline(f *testing.F) {
	text, err := FormatBaseline(entries())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`[{"RuleID":"r","File":"f","Secret":"REDACTED","StartLine":3,"Entropy":2}]`))
	f.Add([]byte(`{"version":1,"findings":[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBaseline("b", data, "/project")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "b:") {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		for _, e := range b.entries {
			if e.line < 1 || e.line > 1+bytes.Count(data, []byte{'\n'}) {
				t.Errorf("an entry stands on line %d", e.line)
			}
			b.match(&Candidate{Fingerprint: e.Fingerprint, Secret: data, Line: 3}, e.Path)
		}
	})
}

func FuzzParseIgnore(f *testing.F) {
	f.Add([]byte("# a\n" + print1 + " # b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ignore, err := ParseIgnore("i", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "i:") {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		for fingerprint := range ignore.by {
			if _, _, ok := ignore.Match(fingerprint); !ok {
				t.Error("an entry does not match itself")
			}
		}
	})
}
