package report

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/remint/remint/scanner"
)

// gitlabSink writes GitLab's secret detection report, schema 15.1.4 of
// gitlab-org/security-products/security-report-schemas.
type gitlabSink struct{ collector }

const gitlabSchema = "15.1.4"

func newGitLab(w io.Writer, o Options) Sink { return &gitlabSink{collector{w: w, o: o}} }

func (s *gitlabSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	found := []object{}
	for i := range s.findings {
		found = append(found, gitlabVulnerability(&s.findings[i]))
	}
	end := time.Now().UTC()
	version := or(s.o.Version, "devel")
	tool := object{"id": "remint", "name": "remint", "version": version, "vendor": object{"name": "remint"}, "url": "https://github.com/remint/remint"}
	scan := object{
		"analyzer": tool, "scanner": tool, "type": "secret_detection", "status": "success",
		"start_time": end.Add(-stats.Elapsed).Format("2006-01-02T15:04:05"), "end_time": end.Format("2006-01-02T15:04:05"),
	}
	if len(incomplete) > 0 {
		messages := []object{}
		for _, i := range incomplete {
			messages = append(messages, object{"level": "fatal", "value": printable("not scanned: " + i.Path + ": " + i.Detail)})
		}
		scan["status"], scan["messages"] = "failure", messages
	}
	enc := json.NewEncoder(s.w)
	enc.SetIndent("", "  ")
	return enc.Encode(object{"version": gitlabSchema, "vulnerabilities": found, "scan": scan})
}

func gitlabVulnerability(f *scanner.Finding) object {
	path, _ := validPath(f.Path)
	ids := []object{{"type": "remint_rule_id", "name": "remint rule " + f.Rule.ID, "value": f.Rule.ID}}
	if number, ok := strings.CutPrefix(f.Rule.CWE, "CWE-"); ok {
		ids = append(ids, object{"type": "cwe", "name": f.Rule.CWE, "value": number, "url": "https://cwe.mitre.org/data/definitions/" + number + ".html"})
	}
	severity := f.Severity.String()
	v := object{
		"id": stableID(f), "category": "secret_detection",
		"name":        or(f.Rule.Name, f.Rule.ID),
		"description": "It opens: " + f.Rule.Opens, "severity": strings.ToUpper(severity[:1]) + severity[1:],
		"solution":    or(strings.TrimSpace(f.Rule.Revoke.Steps+" "+f.Rule.Revoke.URL), "Revoke the key at its provider and make a new one."),
		"identifiers": ids, "raw_source_code_extract": printable(f.Secret.String()),
		"location": object{"file": path, "start_line": f.Line, "end_line": f.EndLine, "commit": object{"sha": strings.Repeat("0", 7)}},
	}
	if f.Git != nil && f.Git.Introduced != nil {
		i := f.Git.Introduced
		v["location"].(object)["commit"] = object{"sha": i.Commit, "author": printable(i.Author + " <" + i.Email + ">"), "date": i.Date.Format(time.RFC3339)}
		v["description"] = v["description"].(string) + " " + strings.Join(known(f), "; ") + "."
	}
	if f.Rule.Revoke.URL != "" {
		v["links"] = []object{{"url": f.Rule.Revoke.URL}}
	}
	return v
}
