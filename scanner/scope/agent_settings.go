package scope

import (
	"path"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// agentSettings reads the settings of coding agents.
// Sources: code.claude.com/docs/en/settings and /permissions,
// developers.openai.com/codex/config-reference,
// geminicli.com/docs/reference/configuration,
// cursor.com/docs/cli/reference/permissions, opencode.ai/docs/permissions,
// code.visualstudio.com/docs/copilot/reference/copilot-settings.
var agentSettings = Format{
	Name:  "agent-settings",
	Files: "`.claude/settings.json` and `settings.local.json`, `.codex/config.toml`, `.gemini/settings.json`, `.qwen/settings.json`, `.cursor/cli.json`, `opencode.json`, `.vscode/settings.json`, `devcontainer.json`",
	Rules: []Rule{
		agentAllRule, agentBypassRule, agentCodeRule, agentFilesRule, agentPersonRule,
		{
			ID: agentServers, Name: "AI agent that starts every server a project names", Severity: rule.Medium,
			Opens: "Any program: who may change the project's list of servers runs code on the machine of everyone who opens it.",
			Steps: "List the servers that were looked at in enabledMcpjsonServers.",
			URL:   claudeSettings,
		},
		{
			ID: agentDeny, Name: "AI agent that may read files of keys", Severity: rule.Low,
			Opens: "Keys in .env files and the like, for the agent and so for whoever writes what it reads.",
			Steps: "Deny them: Read(./.env), Read(./.env.*), Read(./secrets/**), Read(~/.ssh/**).",
			URL:   claudeSettings + "#excluding-sensitive-files",
		},
		{
			ID: agentEnv, Name: "AI agent whose commands get every variable", Severity: rule.Medium,
			Opens: "The keys in the environment, for each command that the agent starts.",
			Steps: "Leave ignore_default_excludes at false, or name the variables that are needed in include_only.",
			URL:   "https://developers.openai.com/codex/config-reference",
		},
	},
	Match: isAgentSettings,
	Read:  readAgentSettings,
}

func isAgentSettings(name string) bool {
	dir, base := path.Split(name)
	switch base {
	case "settings.json":
		return slices.Contains([]string{".claude", ".gemini", ".qwen", ".vscode"}, path.Base(dir))
	case "settings.local.json", "managed-settings.json":
		return path.Base(dir) == ".claude" || base == "managed-settings.json"
	case "config.toml":
		return path.Base(dir) == ".codex"
	case "cli.json", "cli-config.json":
		return path.Base(dir) == ".cursor"
	}
	return slices.Contains([]string{"opencode.json", "opencode.jsonc", "devcontainer.json", ".devcontainer.json"}, base)
}

func readAgentSettings(f *File) {
	base := path.Base(f.Path)
	for _, d := range f.Docs() {
		switch base {
		case "config.toml":
			readCodex(f, d)
		case "opencode.json", "opencode.jsonc":
			readOpencode(f, d)
		case "devcontainer.json", ".devcontainer.json":
			readEditor(f, d.Get("customizations", "vscode", "settings"))
		case "settings.json":
			switch path.Base(path.Dir(f.Path)) {
			case ".vscode":
				readEditor(f, d)
			case ".gemini", ".qwen":
				readGemini(f, d)
			default:
				readClaude(f, d)
			}
		default:
			readClaude(f, d)
		}
	}
}

// readTools reports the rules of a list that are too wide.
func readTools(f *File, subject string, list *document.Node) (broad bool) {
	for _, t := range list.Strings() {
		if p, ok := judgeTool(t.Text); ok {
			p.Subject, p.Value = subject, t.Text
			f.Report(t, p)
			broad = true
		}
	}
	return broad
}

// readClaude reads Claude Code's settings; Cursor's have the same lists.
func readClaude(f *File, d *document.Node) {
	p := d.Get("permissions")
	if m := p.Get("defaultMode"); m.Is("bypassPermissions") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: "acceptEdits, with an allow list of commands"})
	}
	if s := d.Get("skipDangerousModePermissionPrompt"); isTrue(s) {
		f.Report(d.Key("skipDangerousModePermissionPrompt"), Problem{Rule: agentBypass, Severity: rule.High, Subject: "agent", Why: "enters the mode that never asks without the warning", Narrower: "leave the setting out"})
	}
	broad := readTools(f, "agent", p.Get("allow"))
	for _, dir := range p.Get("additionalDirectories").Strings() {
		if what, severity, ok := wideFolder(dir.Text); ok {
			f.Report(dir, Problem{Rule: agentFiles, Severity: severity, Subject: "agent", Why: "opens " + what + " to the agent", Narrower: "the folder that is meant, by its whole path"})
		}
	}
	if isTrue(d.Get("enableAllProjectMcpServers")) {
		f.Report(d.Key("enableAllProjectMcpServers"), Problem{Rule: agentServers, Subject: "agent", Why: "starts whatever servers .mcp.json names, without asking", Narrower: `"enabledMcpjsonServers" with the names of those that were looked at`})
	}
	if path.Base(f.Path) == "settings.json" && (broad || readsFiles(p.Get("allow"))) && !deniesKeys(p) && d.Get("sandbox", "filesystem", "denyRead") == nil {
		f.Report(p.Key("allow"), Problem{Rule: agentDeny, Subject: "agent", Why: "lets the agent read without asking, and denies no file of keys", Narrower: `"deny": ["Read(./.env)", "Read(./.env.*)", "Read(./secrets/**)", "Read(~/.ssh/**)"]`})
	}
}

// readsFiles tells whether a list allows to read whatever is named.
func readsFiles(allow *document.Node) bool {
	return slices.ContainsFunc(allow.Strings(), func(t *document.Node) bool {
		return t.Is("Read", "Read(*)", "Read(**)", "Read(./**)", "Read(**/*)", "Bash(cat:*)", "Bash(cat *)", "Bash(head:*)", "Bash(grep:*)", "Bash(rg:*)", "Shell(cat)")
	})
}

// deniesKeys tells whether anything that holds keys is denied or asked for.
func deniesKeys(p *document.Node) bool {
	for _, t := range append(p.Get("deny").Strings(), p.Get("ask").Strings()...) {
		text := strings.ToLower(t.Text)
		for _, k := range []string{"env", "secret", ".pem", ".key", "ssh", "credential", "id_rsa", ".aws", "token", "password"} {
			if strings.Contains(text, k) {
				return true
			}
		}
	}
	return false
}

func isTrue(n *document.Node) bool {
	v, ok := n.Bool()
	return ok && v
}

// readCodex reads Codex' configuration and its profiles.
func readCodex(f *File, d *document.Node) {
	readCodexProfile(f, "agent", d)
	for _, m := range d.Get("profiles").Entries() {
		readCodexProfile(f, "profile "+m.Key.Text, m.Value)
	}
	if e := d.Get("shell_environment_policy"); isTrue(e.Get("ignore_default_excludes")) && e.Get("include_only") == nil && e.Get("exclude") == nil && !e.Get("inherit").Is("core", "none") {
		f.Report(e.Key("ignore_default_excludes"), Problem{Rule: agentEnv, Subject: "agent", Why: "hands variables named KEY, SECRET and TOKEN to every command", Narrower: `ignore_default_excludes = false, or include_only = ["PATH", "HOME"]`})
	}
	for _, m := range d.Get("projects").Entries() {
		if what, severity, ok := wideFolder(m.Key.Text); ok && m.Value.Get("trust_level").Is("trusted") {
			f.Report(m.Key, Problem{Rule: agentFiles, Severity: severity, Subject: "agent", Why: "trusts " + what + " as a project", Narrower: "the folders of the projects that are meant"})
		}
	}
}

func readCodexProfile(f *File, subject string, d *document.Node) {
	approval, box := d.Get("approval_policy"), d.Get("sandbox_mode")
	switch {
	case box.Is("danger-full-access") && approval.Is("never"):
		f.Report(box, Problem{Rule: agentBypass, Subject: subject, Why: "runs every command without a sandbox and without asking", Narrower: `sandbox_mode = "workspace-write"`})
	case box.Is("danger-full-access"):
		f.Report(box, Problem{Rule: agentBypass, Severity: rule.High, Subject: subject, Why: "runs commands without a sandbox", Narrower: `sandbox_mode = "workspace-write", with writable_roots for what else is written`})
	}
	if m := d.Get("default_permissions"); m.Is(":danger-full-access") {
		f.Report(m, Problem{Rule: agentBypass, Severity: rule.High, Subject: subject, Why: "runs commands without a sandbox", Narrower: `":workspace", or a profile with the folders and hosts that are meant`})
	}
	w := d.Get("sandbox_workspace_write")
	for _, dir := range w.Get("writable_roots").Strings() {
		if what, severity, ok := wideFolder(dir.Text); ok {
			f.Report(dir, Problem{Rule: agentFiles, Severity: severity, Subject: subject, Why: "lets commands write " + what, Narrower: "the folder that is meant"})
		}
	}
}

// readGemini reads the settings of Gemini CLI and of its kin.
func readGemini(f *File, d *document.Node) {
	for _, list := range []*document.Node{d.Get("tools", "allowed"), d.Get("allowedTools"), d.Get("permissions", "allow")} {
		readTools(f, "agent", list)
	}
	for _, keys := range [][]string{{"general", "defaultApprovalMode"}, {"tools", "approvalMode"}, {"approvalMode"}} {
		if m := d.Get(keys...); m.Is("yolo") {
			f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: "auto_edit, with an allow list of commands"})
		}
	}
}

// readOpencode reads OpenCode's permissions: a word, or a map of tools.
func readOpencode(f *File, d *document.Node) {
	readOpencodePermission(f, "agent", d.Get("permission"))
	for _, key := range []string{"agent", "mode"} {
		for _, m := range d.Get(key).Entries() {
			readOpencodePermission(f, "agent "+m.Key.Text, m.Value.Get("permission"))
		}
	}
}

func readOpencodePermission(f *File, subject string, p *document.Node) {
	if p.Is("allow") {
		f.Report(p, Problem{Rule: agentBypass, Subject: subject, Why: "runs every command without asking", Narrower: `{"bash": "ask", "edit": "allow"}`})
	}
	for _, m := range p.Entries() {
		if !m.Key.Is("*", "bash") {
			if m.Key.Is("external_directory") && m.Value.Is("allow") {
				f.Report(m.Value, Problem{Rule: agentFiles, Subject: subject, Why: "opens every file of the machine to the agent", Narrower: `"ask", or the folders that are meant`})
			}
			continue
		}
		at := m.Value
		if m.Value.Kind == document.Map {
			at = m.Value.Get("*")
		}
		switch {
		case !at.Is("allow"):
		case m.Key.Is("*"):
			f.Report(at, Problem{Rule: agentBypass, Subject: subject, Why: "uses every tool without asking", Narrower: `"ask", and "allow" for the tools that are meant`})
		default:
			f.Report(at, Problem{Rule: agentAll, Subject: subject, Why: "lets the agent run any command without asking", Narrower: `{"*": "ask", "npm test*": "allow"}`})
		}
	}
}

// readEditor reads what the settings of Visual Studio Code let agents do.
func readEditor(f *File, d *document.Node) {
	for _, key := range []string{"chat.tools.autoApprove", "chat.tools.global.autoApprove", "chat.agent.autoApprove"} {
		if isTrue(d.Get(key)) {
			f.Report(d.Key(key), Problem{Rule: agentBypass, Subject: "agent", Why: "runs every tool of every agent without asking", Narrower: `"chat.tools.terminal.autoApprove" with the commands that are meant`})
		}
	}
	if m := d.Get("chat.permissions.default"); m.Is("autopilot", "autoApprove") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every tool without asking", Narrower: "default"})
	}
	for _, key := range []string{"claudeCode.allowDangerouslySkipPermissions", "claude-code.allowDangerouslySkipPermissions"} {
		if isTrue(d.Get(key)) {
			f.Report(d.Key(key), Problem{Rule: agentBypass, Severity: rule.High, Subject: "agent", Why: "lets the agent be started so that it never asks", Narrower: "leave the setting out"})
		}
	}
	if m := d.Get("claudeCode.initialPermissionMode"); m.Is("bypassPermissions") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: "acceptEdits"})
	}
	for _, m := range d.Get("chat.tools.terminal.autoApprove").Entries() {
		if m.Key.Is("/.*/", "/.*/s", "/^.*$/", "/./", "*") && isTrue(approved(m.Value)) {
			f.Report(m.Key, Problem{Rule: agentAll, Subject: "agent", Why: "lets the agent run any command without asking", Narrower: `the commands that are meant, such as "npm test": true`})
		} else if slices.Contains(shells, m.Key.Text) && isTrue(approved(m.Value)) {
			f.Report(m.Key, Problem{Rule: agentCode, Subject: "agent", Why: "lets the agent run anything through " + m.Key.Text + " without asking", Narrower: "a pattern of the whole command that is meant"})
		}
	}
}

// approved is the flag of an entry that is one, or has one.
func approved(n *document.Node) *document.Node {
	if n != nil && n.Kind == document.Map {
		return n.Get("approve")
	}
	return n
}
