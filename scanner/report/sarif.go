package report

import (
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
)

// sarifSink writes SARIF 2.1.0 (OASIS), with what GitHub code scanning asks
// for: stable partial fingerprints, security-severity, CWE tags.
type sarifSink struct{ collector }

func newSARIF(w io.Writer, o Options) Sink { return &sarifSink{collector{w: w, o: o}} }

// object is a JSON object whose shape the SARIF schema says.
type object = map[string]any

func (s *sarifSink) Close(incomplete []scanner.Incomplete, stats scanner.Stats) error {
	rules, at := rulesOf(s.findings)
	results := []object{}
	for i := range s.findings {
		results = append(results, sarifResult(&s.findings[i], at))
	}
	driver := object{
		"name": "remint", "informationUri": "https://github.com/remint/remint", "rules": sarifRules(rules),
		"supportedTaxonomies": []object{{"name": "CWE", "index": 0}},
	}
	if s.o.Version != "" {
		driver["version"] = s.o.Version
	}
	run := object{
		"tool": object{"driver": driver}, "results": results, "columnKind": "unicodeCodePoints",
		"originalUriBaseIds": object{"SRCROOT": object{"description": object{"text": "The folder that remint was started in."}}},
		"taxonomies":         []object{cweTaxonomy(rules)},
		"invocations":        []object{sarifInvocation(incomplete)},
		"properties":         object{"files": stats.Files, "bytes": stats.Bytes, "silenced": stats.Silenced, "grantsUnknown": stats.Unknown, "unjudged": len(stats.Unjudged)},
	}
	enc := json.NewEncoder(s.w)
	enc.SetIndent("", "  ")
	return enc.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []object{run},
	})
}

func sarifRules(rules []*rule.Rule) []object {
	out := []object{}
	for _, r := range rules {
		help := "What it opens: " + r.Opens + "\n\nTo " + mend(r) + " it: " + r.Revoke.Steps + " " + r.Revoke.URL
		o := object{
			"id": r.ID, "name": pascal(r.ID),
			"shortDescription":     object{"text": or(r.Name, r.ID)},
			"fullDescription":      object{"text": or(r.Opens, r.Name, r.ID)},
			"help":                 object{"text": help, "markdown": "**What it opens:** " + r.Opens + "\n\n**To " + mend(r) + " it:** " + r.Revoke.Steps + " <" + r.Revoke.URL + ">"},
			"defaultConfiguration": object{"level": sarifLevel(r.Severity)},
			"properties": object{
				"tags": sarifTags(r), "security-severity": securitySeverity(r.Severity), "precision": precision(r),
			},
		}
		if r.Revoke.URL != "" {
			o["helpUri"] = r.Revoke.URL
		}
		if r.CWE != "" {
			o["relationships"] = []object{{
				"target": object{"id": r.CWE, "toolComponent": object{"name": "CWE", "index": 0}}, "kinds": []string{"superset"},
			}}
		}
		out = append(out, o)
	}
	return out
}

func sarifTags(r *rule.Rule) []string {
	tags := []string{"security", "secret"}
	if r.CWE != "" {
		tags = append(tags, "external/cwe/"+strings.ToLower(r.CWE))
	}
	if r.NHI != "" {
		tags = append(tags, "external/owasp-nhi/"+strings.ToLower(r.NHI))
	}
	return append(tags, r.Tags...)
}

func cweTaxonomy(rules []*rule.Rule) object {
	taxa := []object{}
	seen := map[string]bool{}
	for _, r := range rules {
		if r.CWE != "" && !seen[r.CWE] {
			seen[r.CWE] = true
			taxa = append(taxa, object{"id": r.CWE, "helpUri": "https://cwe.mitre.org/data/definitions/" + strings.TrimPrefix(r.CWE, "CWE-") + ".html"})
		}
	}
	return object{"name": "CWE", "organization": "MITRE", "shortDescription": object{"text": "Common Weakness Enumeration"}, "taxa": taxa}
}

func sarifResult(f *scanner.Finding, at map[string]int) object {
	region := object{"startLine": f.Line, "startColumn": f.Column, "endLine": f.EndLine, "endColumn": f.EndColumn}
	if f.Snippet != "" {
		region["snippet"] = object{"text": printable(f.Snippet)}
	}
	location := object{"physicalLocation": object{
		"artifactLocation": artifact(f.Path), "region": region,
	}}
	result := object{
		"ruleId": f.Rule.ID, "ruleIndex": at[f.Rule.ID], "level": sarifLevel(f.Severity),
		"message":             object{"text": or(f.Rule.Name, f.Rule.ID) + " " + f.Secret.String() + ". It opens: " + f.Rule.Opens},
		"locations":           []object{location},
		"partialFingerprints": object{"remint/v1": f.Fingerprint},
		"properties":          object{"severity": f.Severity.String(), "security-severity": securitySeverity(f.Severity)},
	}
	if len(f.Encodings) > 0 {
		result["properties"].(object)["encodings"] = f.Encodings
	}
	if f.Git != nil {
		result["properties"].(object)["git"] = toGit(f.Git)
	}
	if more := known(f); len(more) > 0 {
		message := result["message"].(object)
		message["text"] = message["text"].(string) + " Known: " + strings.Join(more, "; ") + "."
	}
	return result
}

// artifact is a path as a URI, relative to the working directory where the
// path is.
func artifact(path string) object {
	uri := (&url.URL{Path: path}).EscapedPath()
	if strings.HasPrefix(path, "/") {
		return object{"uri": "file://" + uri}
	}
	if first, _, _ := strings.Cut(uri, "/"); strings.Contains(first, ":") {
		uri = "./" + uri
	}
	return object{"uri": uri, "uriBaseId": "SRCROOT"}
}

func sarifInvocation(incomplete []scanner.Incomplete) object {
	notes := []object{}
	for _, i := range incomplete {
		notes = append(notes, object{
			"level": "error", "message": object{"text": "not scanned: " + printable(i.Path) + ": " + printable(i.Detail)},
			"descriptor": object{"id": string(i.Reason)},
			"locations":  []object{{"physicalLocation": object{"artifactLocation": artifact(i.Path)}}},
		})
	}
	return object{"executionSuccessful": len(incomplete) == 0, "toolExecutionNotifications": notes}
}

func sarifLevel(s rule.Severity) string {
	switch s {
	case rule.Critical, rule.High:
		return "error"
	case rule.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity is a CVSS-like score, as GitHub code scanning reads it.
func securitySeverity(s rule.Severity) string {
	switch s {
	case rule.Critical:
		return "9.5"
	case rule.High:
		return "8.0"
	case rule.Medium:
		return "5.5"
	}
	return "3.0"
}

// precision tells how often the rule is right, in SARIF's usual words.
func precision(r *rule.Rule) string {
	switch {
	case r.Checksum != "":
		return "very-high"
	case strings.HasPrefix(r.ID, "generic-"):
		return "medium"
	}
	return "high"
}

// pascal writes aws-access-key as AwsAccessKey.
func pascal(id string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
