package scope

import (
	"regexp"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// neverAsks are the flags by which coding agents never ask.
// Sources: code.claude.com/docs/en/cli-reference, developers.openai.com/codex/cli/reference,
// geminicli.com/docs/cli/cli-reference.
var neverAsks = regexp.MustCompile(`--dangerously-skip-permissions|--permission-mode[= ]["']?bypassPermissions|--dangerously-bypass-approvals-and-sandbox|--sandbox[= ]["']?danger-full-access|--approval-mode[= ]["']?yolo|(?:gemini|codex|qwen)\b[^\n]* --yolo\b`)

// toolFlag is a flag that allows an agent's tools, and its list.
var toolFlag = regexp.MustCompile(`--allowed-?[tT]ools[= ]["']?((?:[^\s"'(]+(?:\([^)]*\))?[ ,]*)+)`)

// readAgentStep reports a step that lets an agent do anything in the job. What
// others write reaches it in jobs that issues and comments start.
func readAgentStep(f *File, w *workflow, subject string, step *document.Node) {
	texts := []*document.Node{step.Get("run")}
	for _, m := range step.Get("with").Entries() {
		texts = append(texts, m.Value)
	}
	severity := rule.High
	if startedByOthers(w) {
		severity = rule.Critical
	}
	for _, n := range texts {
		at := commandPlaces(f, n, neverAsks)
		switch {
		case len(at) > 0:
			f.Report(at[0], Problem{Rule: agentBypass, Severity: severity, Subject: subject, Value: neverAsks.FindString(at[0].Text), Why: "runs every command that the agent thinks of, with the job's token and secrets", Narrower: `--allowedTools "Read,Bash(npm test:*)", with a token that only reads`})
		case n.Str() != "" && toolFlag.MatchString(n.Text):
			readToolList(f, subject, n, toolFlag.FindStringSubmatch(n.Text)[1])
		}
	}
	for _, key := range []string{"allowed_tools", "allowedTools"} {
		if n := step.Get("with", key); n.Str() != "" {
			readToolList(f, subject, n, n.Text)
		}
	}
	if who := step.Get("with", "allowed_non_write_users"); who.Is("*") {
		f.Report(who, Problem{Rule: agentAll, Severity: rule.High, Subject: subject, Why: "takes work from anyone who may write an issue", Narrower: "the names of who may give the agent work"})
	}
}

// readToolList reports the first tool of a list that is without any bound.
func readToolList(f *File, subject string, n *document.Node, list string) {
	for _, t := range toolWord.FindAllString(list, -1) {
		if p, ok := judgeTool(t); ok && p.Rule == agentAll {
			p.Subject, p.Value = subject, t
			f.Report(places(f, n, regexp.MustCompile(regexp.QuoteMeta(t)))[0], p)
			return
		}
	}
}

// startedByOthers tells whether anyone may start a workflow with a text of
// theirs.
func startedByOthers(w *workflow) bool {
	return w.startedBy("issues", "issue_comment", "discussion", "discussion_comment", "pull_request_target", "pull_request_review_comment", "pull_request_review")
}
