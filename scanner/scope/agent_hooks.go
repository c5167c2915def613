package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// approving is a command that does nothing but print that a tool may be used.
// Source: code.claude.com/docs/en/hooks.
var approving = regexp.MustCompile(`^\s*(?:echo|printf)\b[^|;&]*\\?"(?:permissionDecision|decision|behavior)\\?"\s*:\s*\\?"(?:allow|approve)\\?"`)

// readClaudeHooks reports hooks that answer for the person, and those that
// start an agent which never asks.
func readClaudeHooks(f *File, hooks *document.Node) {
	for _, event := range hooks.Entries() {
		for _, group := range event.Value.Values() {
			for _, h := range group.Get("hooks").Values() {
				command := h.Get("command")
				if command.Str() == "" {
					continue
				}
				for _, flag := range pieces(command, neverAsks) {
					f.Report(flag, Problem{Rule: agentBypass, Severity: rule.High, Subject: "hook " + event.Key.Text, Why: "starts an agent that never asks", Narrower: `"--allowedTools" with the tools that are used`})
				}
				if event.Key.Is("PreToolUse", "PermissionRequest") && h.Get("if") == nil && approving.MatchString(command.Text) {
					reportApproval(f, event.Key.Text, group.Get("matcher"), command)
				}
			}
		}
	}
}

// reportApproval reports a hook that lets every call of the tools it is for
// through.
func reportApproval(f *File, event string, matcher, command *document.Node) {
	p := Problem{Subject: "hook " + event, Narrower: `"permissions": {"allow": [...]} with the commands that are meant`}
	switch tools := strings.Split(matcher.Str(), "|"); {
	case matcher.Str() == "" || matcher.Is("*", ".*"):
		p.Rule, p.Why = agentBypass, "lets every tool through without asking"
	case slices.Contains(tools, "Bash"):
		p.Rule, p.Why = agentAll, "lets the agent run any command without asking"
	default:
		return
	}
	f.Report(command, p)
}
