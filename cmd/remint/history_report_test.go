package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/remint/remint/scanner/report"
)

// historyReport is the JSON report of a scan, as a reader of
// docs/formats.md sees it.
type historyReport struct {
	Findings   []finding `json:"findings"`
	Incomplete []struct {
		Path   string `json:"path"`
		Reason string `json:"reason"`
	} `json:"incomplete"`
}

type finding map[string]any

func reportFile(ts *testscript.TestScript) string {
	return filepath.Join(ts.Getenv("WORK"), ".report.json")
}

// historyScan is history CODE [ARG...].
func historyScan(ts *testscript.TestScript, _ bool, args []string) {
	_ = os.Remove(reportFile(ts))
	ts.Setenv("SCAN", strings.Join(args, "\x1f"))
	exit(ts, false, append([]string{args[0], "remint", "scan", "--git", "--reveal", "-o", reportFile(ts)}, args[1:]...))
}

func readReport(ts *testscript.TestScript) (r historyReport) {
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(reportFile(ts))), &r))
	return r
}

// countFindings is findings N.
func countFindings(ts *testscript.TestScript, _ bool, args []string) {
	r := readReport(ts)
	if len(r.Findings) == number(ts, args[0]) {
		return
	}
	for _, f := range r.Findings {
		ts.Logf("found: %s at %s, %s", f["rule"], f.path(), f.field("place"))
	}
	ts.Fatalf("%d findings, want %s", len(r.Findings), args[0])
}

// checkFinding is [!] finding NAME [FIELD=VALUE...].
func checkFinding(ts *testscript.TestScript, neg bool, args []string) {
	secret, want := ts.Getenv(args[0]), ""
	var fields [][2]string
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if value = unescape(ts, value); name == "path" {
			want = value
		}
		fields = append(fields, [2]string{name, value})
	}
	var all []finding
	for _, f := range readReport(ts).Findings {
		if args[0] != "-" && f["secret"] != secret {
			continue
		}
		ts.Logf("key %s at %s", args[0], f.path())
		if want == "" || matches(f.path(), want) {
			all = append(all, f)
		}
	}
	if neg {
		if len(all) > 0 {
			ts.Fatalf("key %s is found", args[0])
		}
		return
	}
	if len(all) != 1 {
		ts.Fatalf("key %s is found %d times at %q, want once", args[0], len(all), want)
	}
	for _, field := range fields {
		if got := all[0].field(field[0]); !matches(got, field[1]) {
			ts.Fatalf("key %s: %s is %q, want %q", args[0], field[0], got, field[1])
		}
	}
}

// matches compares, where * stands for anything.
func matches(got, want string) bool {
	if !strings.Contains(want, "*") {
		return got == want
	}
	return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, ".*") + "$").MatchString(got)
}

// path is the path's bytes.
func (f finding) path() string {
	if coded, ok := f["path_base64"].(string); ok {
		if raw, err := base64.StdEncoding.DecodeString(coded); err == nil {
			return string(raw)
		}
	}
	path, _ := f["path"].(string)
	return path
}

// field is a value as a script writes it.
func (f finding) field(name string) string {
	switch name {
	case "path":
		return f.path()
	case "introduced", "last":
		name += ".commit"
	}
	var at any = map[string]any(f)
	first, _, _ := strings.Cut(name, ".")
	if _, ok := f[first]; !ok {
		at = f["git"]
	}
	for part := range strings.SplitSeq(name, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return "none"
			}
			at = v[i]
		}
	}
	return scriptValue(at)
}

func scriptValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		return scriptValue(v["commit"])
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, scriptValue(e))
		}
		if len(all) > 0 {
			return strings.Join(all, ",")
		}
	}
	return "none"
}

// complete asks for a report that misses nothing.
func complete(ts *testscript.TestScript, _ bool, _ []string) {
	for _, i := range readReport(ts).Incomplete {
		ts.Fatalf("not complete: %s: %s", i.Path, i.Reason)
	}
}

// incomplete is [!] incomplete REASON PATH.
func incomplete(ts *testscript.TestScript, neg bool, args []string) {
	found := false
	for _, i := range readReport(ts).Incomplete {
		ts.Logf("not complete: %s: %s", i.Path, i.Reason)
		found = found || i.Reason == args[0] && matches(i.Path, args[1])
	}
	if found == neg {
		ts.Fatalf("that %s is not complete (%s): said %v, want %v", args[1], args[0], found, !neg)
	}
}

// gap is gap CODE REASON PATH [ARG...].
func gap(ts *testscript.TestScript, _ bool, args []string) {
	code, reason, path, more := args[0], args[1], args[2], args[3:]
	historyScan(ts, false, append([]string{code, "--allow-incomplete"}, more...))
	incomplete(ts, false, []string{reason, path})
	historyScan(ts, false, append([]string{"2"}, more...))
	incomplete(ts, false, []string{reason, path})
	for _, i := range readReport(ts).Incomplete {
		if i.Reason == reason && matches(i.Path, path) {
			path = i.Path
			break
		}
	}
	for _, format := range report.Formats() {
		exit(ts, false, append([]string{"2", "remint", "scan", "--git", "-f", format.Name}, more...))
		if out := ts.ReadFile("stdout"); !strings.Contains(out, path) {
			ts.Fatalf("the %s report does not name %s", format.Name, path)
		} else if said := reasonIn(format.Name, reason); !strings.Contains(out, said) {
			ts.Fatalf("the %s report does not say %q", format.Name, said)
		}
	}
}

// reasonIn is how a format that has a field for the reason writes it.
func reasonIn(format, reason string) string {
	switch format {
	case "json":
		return `"reason": "` + reason + `"`
	case "jsonl":
		return `"reason":"` + reason + `"`
	case "sarif":
		return `"id": "` + reason + `"`
	case "text":
		return ": " + reason + " ("
	case "csv":
		return "incomplete," + reason + ","
	}
	return ""
}

// same is same ARG...
func same(ts *testscript.TestScript, _ bool, more []string) {
	before := readReport(ts).Findings
	args := strings.Split(ts.Getenv("SCAN"), "\x1f")
	historyScan(ts, false, append(append([]string{args[0]}, more...), args[1:]...))
	if after := readReport(ts).Findings; !reflect.DeepEqual(before, after) {
		ts.Fatalf("with %s there are %d findings, %d without, or they are not the same", strings.Join(more, " "), len(after), len(before))
	}
}

// concealed is concealed NAME...
func concealed(ts *testscript.TestScript, _ bool, names []string) {
	for _, format := range report.Formats() {
		exit(ts, false, []string{"1", "remint", "scan", "--git", "-f", format.Name})
		for _, name := range names {
			if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), ts.Getenv(name)) {
				ts.Fatalf("the %s report shows the key %s", format.Name, name)
			}
		}
	}
}
