package scope

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// agentSkills reads the front matter of skills, commands and sub-agents.
// Sources: code.claude.com/docs/en/skills#frontmatter-reference,
// code.claude.com/docs/en/sub-agents, agentskills.io/specification.
var agentSkills = Format{
	Name:  "agent-skills",
	Files: "`SKILL.md`, and Markdown in `agents`, `commands`, `skills`, `prompts` and `chatmodes`",
	Rules: []Rule{agentAllRule, agentBypassRule, agentCodeRule, agentFilesRule, agentPersonRule},
	Match: isAgentSkill,
	Hints: []string{"allowed-tools", "allowed_tools", "permissionMode", "permission", "allowedTools"},
	Read:  readAgentSkills,
}

func isAgentSkill(name string) bool {
	if !hasExt(name, ".md", ".mdc") {
		return false
	}
	if path.Base(name) == "SKILL.md" {
		return true
	}
	return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(d string) bool {
		return slices.Contains([]string{"agents", "commands", "skills", "prompts", "chatmodes", "agent", "command"}, d)
	})
}

func readAgentSkills(f *File) {
	for _, d := range f.Docs() {
		subject := d.Get("name").Str()
		if subject == "" {
			subject = strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
		}
		for _, key := range []string{"allowed-tools", "allowed_tools", "allowedTools"} {
			for _, n := range d.Get(key).Strings() {
				for _, t := range pieces(n, toolWord) {
					if p, ok := judgeTool(t.Text); ok {
						p.Subject, p.Value = subject, t.Text
						if p.Rule == agentAll && p.Severity == 0 {
							p.Severity = rule.Medium // while the skill runs
						}
						f.Report(t, p)
					}
				}
			}
		}
		if m := d.Get("permissionMode"); m.Is("bypassPermissions") {
			f.Report(m, Problem{Rule: agentBypass, Subject: subject, Why: "runs every command without asking", Narrower: "acceptEdits, or default"})
		}
		readSkillPermission(f, subject, d.Get("permission"))
	}
}

// readSkillPermission reads the permissions of OpenCode's agents.
func readSkillPermission(f *File, subject string, p *document.Node) {
	if b := p.Get("bash"); b.Is("allow") || b.Get("*").Is("allow") {
		at := b
		if b.Kind == document.Map {
			at = b.Get("*")
		}
		f.Report(at, Problem{Rule: agentAll, Severity: rule.High, Subject: subject, Why: "lets the agent run any command without asking", Narrower: `"*": ask, and "npm test*": allow`})
	}
}

// toolWord is a tool with what it is bounded to: Bash(git add:*), Read.
var toolWord = regexp.MustCompile(`[^\s,()]+(\([^)]*\))?`)
