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
	Files: "`.claude/settings.json` and `settings.local.json`, `.codex/config.toml`, `.gemini/settings.json` and `trustedFolders.json`, `.qwen/settings.json`, `.cursor/cli.json` and `permissions.json`, `.copilot/config.json`, `.kiro/agents/*.json`, `.amazonq/cli-agents/*.json`, `.zed/settings.json`, `opencode.json`, `.vscode/settings.json`, `*.code-workspace`, `devcontainer.json`",
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
	dir = path.Base(dir)
	switch base {
	case "settings.json":
		return slices.Contains([]string{".claude", ".gemini", ".qwen"}, dir) || isEditorSettings(name) || isZedSettings(name)
	case "settings.local.json":
		return dir == ".claude"
	case "config.toml":
		return dir == ".codex"
	case "cli.json", "cli-config.json", "permissions.json":
		return dir == ".cursor"
	case "config.json", "trustedFolders.json":
		return dir == ".copilot" || dir == ".gemini"
	}
	return slices.Contains([]string{"managed-settings.json", ".claude.json", "opencode.json", "opencode.jsonc", "devcontainer.json", ".devcontainer.json"}, base) || isEditorSettings(name) || isKiroAgent(name)
}

// reader is what reads the settings in a file of that name.
func reader(name string) func(*File, *document.Node) {
	dir, base := path.Split(name)
	switch dir = path.Base(dir); {
	case isKiroAgent(name):
		return readKiro
	case isZedSettings(name):
		return readZed
	case isEditorSettings(name):
		return readEditor
	case strings.HasPrefix(base, "opencode."):
		return readOpencode
	case strings.HasSuffix(base, "devcontainer.json"):
		return func(f *File, d *document.Node) { readEditor(f, d.Get("customizations", "vscode", "settings")) }
	case dir == ".codex":
		return readCodex
	case base == "config.json" || base == "trustedFolders.json":
		return readTrustedFolders
	case dir == ".gemini" || dir == ".qwen":
		return readGemini
	case base == "permissions.json":
		return readCursor
	}
	return readClaude
}

func readAgentSettings(f *File) {
	for _, d := range f.Docs() {
		reader(f.Path)(f, d)
	}
}

// readTools reports the rules of a list that are too wide.
func readTools(f *File, subject string, list *document.Node) (broad bool) {
	for _, t := range list.Strings() {
		p, ok := judgeTool(t.Text)
		broad = broad || ok
		if !ok {
			p, ok = judgeReach(t.Text)
		}
		if ok {
			p.Subject, p.Value = subject, t.Text
			f.Report(t, p)
		}
	}
	return broad
}

// reportFolders reports the folders of a list that are too wide; does says what
// is done with them.
func reportFolders(f *File, subject, does string, folders []*document.Node) {
	for _, n := range folders {
		if what, severity, ok := wideFolder(strings.TrimRight(n.Text, "*")); ok {
			f.Report(n, Problem{Rule: agentFiles, Severity: severity, Subject: subject, Why: does + " " + strings.TrimSuffix(what, ","), Narrower: "the folder that is meant, by its whole path"})
		}
	}
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
	for _, list := range at(d, []string{"projects", "*", "allowedTools"}) {
		readTools(f, "agent", list)
	}
	reportFolders(f, "agent", "lets the agent read and edit", p.Get("additionalDirectories").Strings())
	if isTrue(d.Get("enableAllProjectMcpServers")) {
		f.Report(d.Key("enableAllProjectMcpServers"), Problem{Rule: agentServers, Subject: "agent", Why: "starts whatever servers .mcp.json names, without asking", Narrower: `"enabledMcpjsonServers" with the names of those that were looked at`})
	}
	readClaudeSandbox(f, d.Get("sandbox"))
	readClaudeHooks(f, d.Get("hooks"))
	deny, known := keyDenials[path.Base(f.Path)]
	if known && (broad || readsFiles(p.Get("allow"))) && !deniesKeys(p) && d.Get("sandbox", "filesystem", "denyRead") == nil {
		at := p.Key("deny")
		if at == nil {
			at = p.Key("allow")
		}
		f.Report(at, Problem{Rule: agentDeny, Subject: "agent", Why: "lets the agent read without asking, and denies no file of keys", Narrower: `"deny": ` + deny})
	}
}

// keyDenials keep files of keys from an agent, by the settings' name: those of
// Claude Code and of Cursor. Settings of one person are added to others.
var keyDenials = map[string]string{
	"settings.json":   `["Read(./.env)", "Read(./.env.*)", "Read(./secrets/**)", "Read(~/.ssh/**)"]`,
	"cli.json":        `["Read(.env*)", "Read(**/.env*)", "Read(**/*.pem)"]`,
	"cli-config.json": `["Read(.env*)", "Read(**/.env*)", "Read(**/*.pem)"]`,
}

// readClaudeSandbox reports holes of the sandbox that commands run in.
// Source: code.claude.com/docs/en/sandboxing.
func readClaudeSandbox(f *File, box *document.Node) {
	reportFolders(f, "agent", "lets commands write", box.Get("filesystem", "allowWrite").Strings())
	network := box.Get("network")
	for _, n := range network.Get("allowedDomains").Strings() {
		if n.Is("*") {
			f.Report(n, Problem{Rule: agentAll, Severity: rule.Medium, Subject: "agent", Why: "lets commands send what they have read to any address", Narrower: "the domains that are used"})
		}
	}
	if isTrue(network.Get("allowAllUnixSockets")) {
		f.Report(network.Key("allowAllUnixSockets"), Problem{Rule: agentFiles, Subject: "agent", Why: "lets commands talk to every socket of the machine, the container engine's and the key agent's among them", Narrower: `"allowUnixSockets" with the sockets that are meant`})
	}
	for _, n := range network.Get("allowUnixSockets").Strings() {
		if strings.HasSuffix(n.Text, "docker.sock") {
			f.Report(n, Problem{Rule: agentFiles, Subject: "agent", Why: "lets commands command the container engine, which is as much as root", Narrower: "leave the socket out"})
		}
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
	reportFolders(f, subject, "lets commands write", d.Get("sandbox_workspace_write", "writable_roots").Strings())
}

// readGemini reads the settings of Gemini CLI and of its kin.
func readGemini(f *File, d *document.Node) {
	for _, list := range []*document.Node{d.Get("tools", "allowed"), d.Get("allowedTools"), d.Get("permissions", "allow")} {
		readTools(f, "agent", list)
	}
	for _, list := range []*document.Node{d.Get("context", "includeDirectories"), d.Get("includeDirectories")} {
		reportFolders(f, "agent", "lets the agent read and edit", list.Strings())
	}
	for _, keys := range [][]string{{"general", "defaultApprovalMode"}, {"tools", "approvalMode"}, {"approvalMode"}} {
		if m := d.Get(keys...); m.Is("yolo") {
			f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: "auto_edit, with an allow list of commands"})
		}
	}
}

// readTrustedFolders reads the folders in which Copilot CLI and Gemini CLI do
// not ask whether they are trusted.
func readTrustedFolders(f *File, d *document.Node) {
	const does = "trusts what lies in"
	reportFolders(f, "agent", does, slices.Concat(d.Get("trusted_folders").Strings(), d.Get("trustedFolders").Strings()))
	for _, m := range d.Entries() {
		if m.Value.Is("TRUST_FOLDER", "TRUST_PARENT") {
			reportFolders(f, "agent", does, []*document.Node{m.Key})
		}
	}
}

// readCursor reads what Cursor runs without asking.
// Source: cursor.com/docs/reference/permissions.
func readCursor(f *File, d *document.Node) {
	for _, n := range d.Get("mcpAllowlist").Strings() {
		if n.Is("*", "*:*") {
			f.Report(n, Problem{Rule: agentAll, Subject: "agent", Why: "lets the agent use every tool of every server without asking", Narrower: "the servers and tools that are used, such as github:get_issue"})
		}
	}
	readCommands(f, "agent", d.Get("terminalAllowlist"))
}

// readCommands reports commands of a list, each a beginning, that let the agent
// run anything.
func readCommands(f *File, subject string, list *document.Node) {
	for _, n := range list.Strings() {
		if p, ok := judgeTool("Shell(" + n.Text + ")"); ok {
			p.Subject, p.Value, p.Narrower = subject, n.Text, `the whole commands that are used, such as "npm test"`
			f.Report(n, p)
		}
	}
}
