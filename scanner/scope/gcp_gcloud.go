package scope

import (
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// readCloudBuild reads the commands of a build's steps: a script, arguments,
// or a script among the arguments.
func readCloudBuild(f *File, d *document.Node) {
	for _, s := range d.Get("steps").Values() {
		if s.Get("name") == nil {
			continue
		}
		commands := commandsOf(f, s.Get("script"))
		var args []*document.Node
		for _, a := range s.Get("args").Strings() {
			if strings.Contains(strings.TrimSpace(a.Text), " ") {
				commands = append(commands, commandsOf(f, a)...)
			} else {
				args = append(args, a)
			}
		}
		for _, c := range append(commands, args) {
			readGcloud(f, c)
		}
	}
}

// readGcloud judges what one command of gcloud grants.
func readGcloud(f *File, words []*document.Node) {
	for _, on := range []string{"projects", "folders", "organizations", "run", "functions", "buckets", "service-accounts", "secrets"} {
		binds := follows(words, on, "add-iam-policy-binding") || follows(words, on, "services", "add-iam-policy-binding")
		role, who := option(words, "--role"), option(words, "--member")
		if !binds || role == nil || who == nil {
			continue
		}
		if strings.HasPrefix(role.Text, "$") {
			role = &document.Node{Kind: document.Unknown, Text: role.Text, Start: role.Start, End: role.End}
		}
		judgeBinding(f, binding{"gcloud " + on, role, []*document.Node{who}, boundOn(on), option(words, "--condition") != nil && !option(words, "--condition").Is("None")})
	}
	for i, w := range words {
		if w.Text != "create" || !follows(words[max(0, i-2):i], "service-accounts", "keys") {
			continue
		}
		f.Report(w, Problem{Rule: gcpKey, Subject: "gcloud", Value: "keys create", Why: "makes a key that never ends, in a build", Narrower: "--impersonate-service-account, which needs no key"})
	}
	for _, w := range words {
		if w.Text == "--allow-unauthenticated" && (follows(words, "run", "deploy") || follows(words, "functions", "deploy")) {
			f.Report(w, Problem{Rule: gcpPublic, Severity: rule.Medium, Subject: "gcloud", Why: "lets everyone on the internet call the service", Narrower: "--no-allow-unauthenticated, and roles/run.invoker for who is meant"})
		}
	}
}
