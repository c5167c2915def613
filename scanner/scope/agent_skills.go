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
	Hints: []string{"allowed-tools", "allowed_tools", "permissionMode", "permission", "allowedTools", "tools"},
	Read:  readAgentSkills,
}

func isAgentSkill(name string) bool {
	if !hasExt(name, ".md", ".mdc") {
		return false
	}
	if path.Base(name) == "SKILL.md" {
		return true
	}
	return isWithin(name, "agents", "commands", "skills", "prompts", "chatmodes", "agent", "command")
}

// isSubAgent tells the sub-agents whose front matter may name servers.
func isSubAgent(name string) bool {
	return hasExt(name, ".md") && isWithin(name, "agents", "agent", "chatmodes")
}

// isWithin tells whether a file lies somewhere below a folder of one of the
// names given.
func isWithin(name string, folders ...string) bool {
	return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(d string) bool { return slices.Contains(folders, d) })
}

func readAgentSkills(f *File) {
	for _, d := range f.Docs() {
		subject := d.Get("name").Str()
		if subject == "" {
			subject = strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
		}
		for _, key := range []string{"allowed-tools", "allowed_tools", "allowedTools"} {
			readSkillTools(f, subject, d.Get(key))
		}
		mode := d.Get("permissionMode")
		if mode.Is("bypassPermissions") {
			f.Report(mode, Problem{Rule: agentBypass, Subject: subject, Why: "runs every command without asking", Narrower: "acceptEdits, or default"})
		}
		for _, n := range skillTools(f, d.Get("tools")) { // what there is, not what is allowed
			if n.Is("*", "all", "mcp__*") && !mode.Is("plan") {
				f.Report(n, Problem{Rule: agentAll, Severity: rule.Low, Subject: subject, Why: "has every tool of whoever starts it, those of servers that are added later as well", Narrower: "the tools that its task needs, such as Read, Grep, Glob"})
			}
		}
		readOpencodePermission(f, subject, d.Get("permission"))
	}
}

// skillTools are the tools that a value names, a list or a text of several. The
// text is read as it stands in the file: a scalar folded over lines has its
// words there, and a list within front matter that is no YAML is one.
func skillTools(f *File, value *document.Node) []*document.Node {
	var all []*document.Node
	for _, n := range value.Strings() {
		written := &document.Node{Kind: document.String, Text: string(f.Text[n.Start:n.End]), Start: n.Start, End: n.End}
		all = append(all, pieces(written, toolWord)...)
	}
	return all
}

// readSkillTools reports the tools that a skill uses without asking, while it
// runs.
func readSkillTools(f *File, subject string, value *document.Node) {
	for _, t := range skillTools(f, value) {
		p, ok := judgeTool(t.Text)
		if !ok && strings.HasPrefix(t.Text, "mcp__") {
			p, ok = judgeReach(t.Text)
		}
		if !ok {
			continue
		}
		p.Subject, p.Value = subject, t.Text
		if p.Rule == agentAll && p.Severity == 0 {
			p.Severity = rule.Medium
		}
		f.Report(t, p)
	}
}

// toolWord is a tool with what it is bounded to: Bash(git add:*), Read.
var toolWord = regexp.MustCompile(`[^\s,()\[\]"']+(\([^)]*\))?`)
