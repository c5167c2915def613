package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// readGCPCommands reads the commands of a pipeline: its scripts, and the
// arguments of Cloud Build's steps, which may hold a script.
func readGCPCommands(f *File, d *document.Node) {
	commands := pipelineCommands(f, d)
	for _, s := range d.Get("steps").Values() {
		var args []*document.Node
		for _, a := range s.Get("args").Strings() {
			if strings.Contains(strings.TrimSpace(a.Text), " ") {
				commands = append(commands, commandsOf(f, a)...)
			} else {
				args = append(args, a)
			}
		}
		commands = append(commands, args)
	}
	for _, c := range commands {
		readGcloud(f, c)
	}
}

// readGcloud judges what one command of gcloud, or of gsutil, grants.
func readGcloud(f *File, words []*document.Node) {
	if i := slices.IndexFunc(words, func(w *document.Node) bool { return w.Text == "add-iam-policy-binding" }); i > 0 {
		bindByCommand(f, words, words[i-1].Text)
	}
	deploys := follows(words, "run", "deploy") || follows(words, "functions", "deploy")
	shares := follows(words, "iam", "ch") && !follows(words, "-d") // which takes away
	for i, w := range words {
		who, role, _ := strings.Cut(w.Text, ":")
		switch {
		case w.Text == "create" && follows(words[max(0, i-2):i], "service-accounts", "keys"):
			f.Report(w, Problem{Rule: gcpKey, Subject: "gcloud", Value: "keys create", Why: "makes a key that never ends, in a build", Narrower: "--impersonate-service-account, which needs no key"})
		case w.Text == "--allow-unauthenticated" && deploys:
			f.Report(w, Problem{Rule: gcpPublic, Severity: rule.Medium, Subject: "gcloud", Why: "lets everyone on the internet call the service", Narrower: "--no-allow-unauthenticated, and roles/run.invoker for who is meant"})
		case shares && (who == "allUsers" || who == "allAuthenticatedUsers"):
			f.Report(w, publicBinding(&binding{subject: "gsutil", role: &document.Node{Kind: document.String, Text: role}}, who))
		}
	}
}

// bindByCommand judges the binding that a command adds on a kind of resource.
func bindByCommand(f *File, words []*document.Node, on string) {
	role, who, condition := option(words, "--role"), option(words, "--member"), option(words, "--condition")
	if role == nil || who == nil {
		return
	}
	if strings.HasPrefix(role.Text, "$") {
		role = &document.Node{Kind: document.Unknown, Text: role.Text, Start: role.Start, End: role.End}
	}
	judgeBinding(f, binding{"gcloud " + on, role, []*document.Node{who}, boundOn(on), condition != nil && !condition.Is("None")})
}
