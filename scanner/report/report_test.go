package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/report"
	"github.com/remint/remint/scanner/rule"
)

// value is a made-up key, put together so that it stands in no file.
func value() string { return "acme" + "_" + strings.Repeat("q7Rt", 6) }

// nastyPath is a path that every format has to defend itself against.
const nastyPath = "=cmd|' /C calc'!A0/a\nb\"c'<d>&]]>\x1b[31m\xff\u202e,e%f:g.txt"

func findings() []scanner.Finding {
	pat := &rule.Rule{ID: "acme-token", Name: "Acme token", Provider: "acme", Severity: rule.Critical, CWE: "CWE-798", NHI: "NHI2:2025",
		Opens: "Every project of the account.", Revoke: rule.Revoke{URL: "https://acme.example/keys", Steps: "Delete it."}, Checksum: "crc32-base62"}
	generic := &rule.Rule{ID: "generic-secret", Name: "Secret", Provider: "generic", Severity: rule.Medium, CWE: "CWE-321", Tags: []string{"mine"}}
	secret := scanner.NewSecret([]byte(value()))
	return []scanner.Finding{
		{Rule: pat, Severity: rule.Critical, Secret: secret, Fingerprint: strings.Repeat("ab", 16), Snippet: "key = acme********", Entropy: 4.1234,
			Location:  scanner.Location{Path: "src/app.py", Line: 3, Column: 7, EndLine: 3, EndColumn: 36, Offset: 40, EndOffset: 69},
			Encodings: []string{"base64", "percent"}, Companions: []scanner.Companion{{Rule: "acme-id", Line: 2, Secret: secret}},
			Modified: time.Now().Add(-40 * 24 * time.Hour)},
		{Rule: generic, Severity: rule.Low, Secret: secret, Fingerprint: strings.Repeat("cd", 16), Snippet: "\x1b[2J=HYPERLINK(\"x\")\x00 acme********",
			Location: scanner.Location{Path: nastyPath, Line: 1, Column: 1, EndLine: 2, EndColumn: 4}},
		{Rule: pat, Severity: rule.High, Secret: secret, Fingerprint: strings.Repeat("ab", 16), Snippet: "k",
			Location: scanner.Location{Path: "a.zip!b:c/d", Line: 1, Column: 1, EndLine: 1, EndColumn: 2}},
	}
}

var incomplete = []scanner.Incomplete{{Path: nastyPath, Reason: scanner.ReasonUnreadable, Detail: "permission\ndenied ]]> \x1b"}}

func render(t testing.TB, format string, o report.Options, fs []scanner.Finding, inc []scanner.Incomplete) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := report.New(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if err := s.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(inc, scanner.Stats{Files: 1700, Bytes: 20e6, Silenced: 2, Rules: 500, Elapsed: 1200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestNoFormatShowsSecrets looks for the value, plain or encoded, in every
// format, and for it where a person asked to see it.
func TestNoFormatShowsSecrets(t *testing.T) {
	for _, f := range report.Formats() {
		out := render(t, f.Name, report.Options{Color: true, Width: 100}, findings(), incomplete)
		if bytes.Contains(out, []byte(value())) || bytes.Contains(out, []byte(value()[5:15])) {
			t.Errorf("%s shows the secret", f.Name)
		}
		_, err := report.New(f.Name, io.Discard, report.Options{Reveal: true})
		reveals := slices.Contains([]string{"text", "json", "jsonl", "csv"}, f.Name)
		if reveals != (err == nil) {
			t.Errorf("%s: revealing gives %v", f.Name, err)
		}
		if reveals {
			if out := render(t, f.Name, report.Options{Reveal: true}, findings(), nil); !bytes.Contains(out, []byte(value())) {
				t.Errorf("%s does not show the secret to who asked", f.Name)
			}
		}
	}
}

// TestNoTerminalTricks asserts that nothing of a scanned file reaches a
// terminal as a control character.
func TestNoTerminalTricks(t *testing.T) {
	for _, format := range []string{"text", "junit"} {
		out := render(t, format, report.Options{}, findings(), incomplete)
		for _, r := range string(out) {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x202e || r == utf8.RuneError {
				t.Errorf("%s: character %U", format, r)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for _, fs := range [][]scanner.Finding{nil, findings()[:1], findings()} {
		var doc struct {
			Findings   []map[string]any `json:"findings"`
			Incomplete []map[string]any `json:"incomplete"`
			Stats      map[string]any   `json:"stats"`
		}
		out := render(t, "json", report.Options{}, fs, incomplete)
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Findings == nil || len(doc.Findings) != len(fs) || len(doc.Incomplete) != 1 || doc.Stats["files"] != 1700.0 {
			t.Errorf("%d findings, %d incomplete, stats %v", len(doc.Findings), len(doc.Incomplete), doc.Stats)
		}
		if len(fs) == 0 {
			continue
		}
		first := doc.Findings[0]
		for key, want := range map[string]any{
			"rule": "acme-token", "severity": "critical", "path": "src/app.py", "line": 3.0, "column": 7.0, "end_line": 3.0, "end_column": 36.0,
			"offset": 40.0, "end_offset": 69.0, "fingerprint": strings.Repeat("ab", 16), "redacted": "acme********", "cwe": "CWE-798", "entropy": 4.123,
		} {
			if first[key] != want {
				t.Errorf("%s is %v, want %v", key, first[key], want)
			}
		}
		if _, ok := first["secret"]; ok {
			t.Error("there is a secret")
		}
	}
	if !bytes.Contains(render(t, "json", report.Options{}, findings(), nil), []byte(`"path_base64"`)) {
		t.Error("a path that is not UTF-8 lost its bytes")
	}
}

func TestJSONL(t *testing.T) {
	lines := bytes.Split(bytes.TrimSpace(render(t, "jsonl", report.Options{}, findings(), incomplete)), []byte("\n"))
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5", len(lines))
	}
	for i, key := range []string{"rule", "rule", "rule", "incomplete", "stats"} {
		var m map[string]any
		if err := json.Unmarshal(lines[i], &m); err != nil || m[key] == nil {
			t.Errorf("line %d: no %s (%v)", i+1, key, err)
		}
	}
}

// TestSARIF validates against the OASIS schema.
func TestSARIF(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, fs := range [][]scanner.Finding{nil, findings()} {
		out := render(t, "sarif", report.Options{Version: "1.2.3"}, fs, incomplete)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v", err)
		}
	}
	out := string(render(t, "sarif", report.Options{}, findings(), incomplete))
	for _, want := range []string{`"remint/v1": "abab`, `"external/cwe/cwe-798"`, `"security-severity": "9.5"`, `"executionSuccessful": false`, `"uriBaseId": "SRCROOT"`, `"uri": "./a.zip%21b:c/d"`, `"level": "note"`} {
		if !strings.Contains(out, want) && !strings.Contains(out, strings.ReplaceAll(want, "%21", "!")) {
			t.Errorf("no %s", want)
		}
	}
}

func TestXMLIsWellFormed(t *testing.T) {
	for _, inc := range [][]scanner.Incomplete{nil, incomplete} {
		out := render(t, "junit", report.Options{}, findings(), inc)
		dec := xml.NewDecoder(bytes.NewReader(out))
		failures := 0
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "failure" {
				failures++
			}
		}
		if failures != 3 {
			t.Errorf("%d failures", failures)
		}
	}
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(render(t, "csv", report.Options{}, findings(), incomplete))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsRune("=+-@", rune(c[0])) {
				t.Errorf("a formula: %q", c)
			}
		}
	}
}

func TestGitHub(t *testing.T) {
	out := string(render(t, "github", report.Options{}, findings(), incomplete))
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::notice ") && !strings.HasPrefix(line, "::debug::") {
			t.Errorf("not a command: %q", line)
		}
	}
	if !strings.Contains(out, "a%0Ab") || !strings.Contains(out, "%2Ce%25f%3Ag.txt") {
		t.Error("the path is not escaped")
	}
}

func TestGitLab(t *testing.T) {
	var doc struct {
		Version         string
		Vulnerabilities []struct {
			ID, Category, Severity string
			Identifiers            []map[string]string
			Location               map[string]any
		}
		Scan struct{ Type, Status string }
	}
	if err := json.Unmarshal(render(t, "gitlab", report.Options{}, findings(), incomplete), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Vulnerabilities) != 3 || doc.Vulnerabilities[0].Severity != "Critical" || doc.Scan.Type != "secret_detection" || doc.Scan.Status != "failure" {
		t.Errorf("%+v", doc)
	}
	if doc.Vulnerabilities[0].ID == doc.Vulnerabilities[2].ID {
		t.Error("two findings have one id")
	}
}

func TestHTMLIsSelfContained(t *testing.T) {
	out := string(render(t, "html", report.Options{Root: "proj"}, findings(), incomplete))
	for _, bad := range []string{"src=\"", "@import", "<link", "url(http", nastyPath, "]]>\x1b"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"Content-Security-Policy", "3 findings", "By severity", "By provider", "By folder", "By age", "Not complete", "acme********"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTextSaysItOnce(t *testing.T) {
	out := string(render(t, "text", report.Options{}, findings(), incomplete))
	if n := strings.Count(out, "Every project of the account."); n != 1 {
		t.Errorf("what the key opens stands %d times", n)
	}
	for _, want := range []string{"critical src/app.py:3:7  Acme token [acme-token] (through base64 in percent)", "NOT COMPLETE: 1 thing was not looked at", "3 findings (1 critical, 1 high, 1 low) in 1,700 files, 20.0 MB, 1.2 s; 2 silenced", "pair: acme-id on line 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b[") {
		t.Error("colours without a terminal")
	}
}

// full is a disk that runs full after n bytes.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestFullDiskIsAnError(t *testing.T) {
	for _, f := range report.Formats() {
		w := &full{n: 50}
		s, err := report.New(f.Name, w, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		for _, x := range findings() {
			failed = errors.Join(failed, s.Finding(x))
		}
		if failed = errors.Join(failed, s.Close(nil, scanner.Stats{})); failed == nil {
			t.Errorf("%s says nothing of the full disk", f.Name)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out.json")
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := func(w io.Writer) error {
		fmt.Fprint(w, strings.Repeat("half ", 100000))
		return errors.New("no space left on device")
	}
	if err := report.WriteFile(name, false, broken); err == nil || !strings.Contains(err.Error(), "out.json") {
		t.Errorf("error: %v", err)
	}
	if got, _ := os.ReadFile(name); string(got) != "old" {
		t.Error("a half report stands under the name")
	}
	whole := func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }
	if err := report.WriteFile(name, true, whole); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "new" {
		t.Error("the report is not there")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left, want 1", len(entries))
	}
}
