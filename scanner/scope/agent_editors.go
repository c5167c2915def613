package scope

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

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
	asks := p.Get("bash").Is("ask", "deny")
	for _, m := range p.Entries() {
		whole := m.Value
		if whole != nil && whole.Kind == document.Map {
			whole = whole.Get("*")
		}
		allowed := whole.Is("allow")
		switch {
		case m.Key.Is("*") && allowed && asks:
			f.Report(whole, Problem{Rule: agentAll, Severity: rule.Medium, Subject: subject, Why: "uses every tool but the shell without asking, those of every server as well", Narrower: `"ask", and "allow" for the tools that are meant`})
		case m.Key.Is("*") && allowed:
			f.Report(whole, Problem{Rule: agentBypass, Subject: subject, Why: "uses every tool without asking", Narrower: `"ask", and "allow" for the tools that are meant`})
		case m.Key.Is("bash") && allowed:
			f.Report(whole, Problem{Rule: agentAll, Subject: subject, Why: "lets the agent run any command without asking", Narrower: `{"*": "ask", "npm test*": "allow"}`})
		case m.Key.Is("external_directory") && allowed:
			f.Report(whole, Problem{Rule: agentFiles, Subject: subject, Why: "opens every file of the machine to the agent", Narrower: `"ask", or the folders that are meant`})
		case m.Key.Is("bash", "external_directory"):
			readOpencodePatterns(f, subject, m)
		}
	}
}

// readOpencodePatterns reports what single patterns of commands or folders let
// the agent do.
func readOpencodePatterns(f *File, subject string, tool document.Member) {
	for _, m := range tool.Value.Entries() {
		if !m.Value.Is("allow") || m.Key.Is("*") {
			continue
		}
		if tool.Key.Is("external_directory") {
			reportFolders(f, subject, "opens", []*document.Node{m.Key})
		} else if p, ok := judgeTool("Bash(" + m.Key.Text + ")"); ok {
			p.Subject, p.Value, p.Narrower = subject, m.Key.Text, `the whole command that is meant, such as "npm test": "allow"`
			f.Report(m.Key, p)
		}
	}
}

// isEditorSettings tells the settings of Visual Studio Code and its kin.
func isEditorSettings(name string) bool {
	dir, base := path.Split(name)
	return base == "settings.json" && slices.Contains([]string{".vscode", "vscode", "User"}, path.Base(dir)) || hasExt(name, ".code-workspace")
}

// readEditor reads what the settings of Visual Studio Code let agents do.
func readEditor(f *File, d *document.Node) {
	if hasExt(f.Path, ".code-workspace") {
		d = d.Get("settings")
	}
	for _, key := range []string{"chat.tools.autoApprove", "chat.tools.global.autoApprove", "chat.agent.autoApprove"} {
		if isTrue(d.Get(key)) {
			f.Report(d.Key(key), Problem{Rule: agentBypass, Subject: "agent", Why: "runs every tool of every agent without asking", Narrower: `"chat.tools.terminal.autoApprove" with the commands that are meant`})
		}
	}
	if m := d.Get("chat.permissions.default"); m.Is("autopilot", "autoApprove") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every tool without asking", Narrower: "default"})
	}
	if isTrue(d.Get("amp.dangerouslyAllowAll")) {
		f.Report(d.Key("amp.dangerouslyAllowAll"), Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: `"amp.permissions" with the commands that are meant`})
	}
	for _, key := range []string{"claudeCode.allowDangerouslySkipPermissions", "claude-code.allowDangerouslySkipPermissions"} {
		if isTrue(d.Get(key)) {
			f.Report(d.Key(key), Problem{Rule: agentBypass, Severity: rule.High, Subject: "agent", Why: "lets the agent be started so that it never asks", Narrower: "leave the setting out"})
		}
	}
	if m := d.Get("claudeCode.initialPermissionMode"); m.Is("bypassPermissions") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "runs every command without asking", Narrower: "acceptEdits"})
	}
	readEditorLists(f, d)
}

// commandLists are the commands that extensions run without asking.
// Sources: docs.roocode.com, kiro.dev/docs, docs.windsurf.com.
var commandLists = []string{"roo-cline.allowedCommands", "kilo-code.allowedCommands", "kiroAgent.trustedCommands", "windsurf.cascadeCommandsAllowList"}

// readEditorLists reports what of commands and addresses is approved.
func readEditorLists(f *File, d *document.Node) {
	for _, m := range d.Get("chat.tools.terminal.autoApprove").Entries() {
		switch pattern := slashed.FindStringSubmatch(m.Key.Text); {
		case !isTrue(approved(m.Value)):
		case m.Key.Is("*") || pattern != nil && anyCommand(pattern[1]):
			f.Report(m.Key, Problem{Rule: agentAll, Subject: "agent", Why: "lets the agent run any command without asking", Narrower: `the commands that are meant, such as "npm test": true`})
		case pattern != nil && anyCode(pattern[1]) != "":
			f.Report(m.Key, Problem{Rule: agentCode, Subject: "agent", Why: "lets the agent run anything through " + anyCode(pattern[1]) + " without asking", Narrower: "a pattern of the whole command that is meant, from ^ to $"})
		case slices.Contains(shells, m.Key.Text):
			f.Report(m.Key, Problem{Rule: agentCode, Subject: "agent", Why: "lets the agent run anything through " + m.Key.Text + " without asking", Narrower: "a pattern of the whole command that is meant"})
		}
	}
	for _, m := range d.Get("chat.tools.urls.autoApprove").Entries() {
		if m.Key.Is("*", "https://*", "https://*/*", "http://*", "*://*") && (isTrue(m.Value) || isTrue(m.Value.Get("approveRequest"))) {
			f.Report(m.Key, Problem{Rule: agentAll, Severity: rule.Medium, Subject: "agent", Why: "lets the agent send what it has read to any address without asking", Narrower: `the sites that are read, such as "https://docs.example.com/*"`})
		}
	}
	for _, key := range commandLists {
		readCommands(f, "agent", d.Get(key))
	}
}

var (
	// slashed is a pattern between slashes, with its flags.
	slashed = regexp.MustCompile(`^/(.*)/[a-z]*$`)
	// anyCommands are matched together only by what matches everything.
	anyCommands = []string{"rm -rf build", "curl https://a.example | sh", "x"}
)

// anyCommand tells whether a pattern lets any command through.
func anyCommand(pattern string) bool {
	if len(pattern) > 100 {
		return false
	}
	re, err := regexp.Compile(pattern)
	return err == nil && !slices.ContainsFunc(anyCommands, func(c string) bool { return !re.MatchString(c) })
}

// anyCode is the program through which a pattern lets any code run, or "".
func anyCode(pattern string) string {
	re, err := regexp.Compile(pattern)
	if err != nil || len(pattern) > 100 {
		return ""
	}
	for _, program := range []string{"python -c", "python3 -c", "node -e", "bash -c", "sh -c", "perl -e", "ruby -e"} {
		if re.MatchString(program + " 1+1") {
			return strings.Fields(program)[0]
		}
	}
	return ""
}

// approved is the flag of an entry that is one, or has one.
func approved(n *document.Node) *document.Node {
	if n != nil && n.Kind == document.Map {
		return n.Get("approve")
	}
	return n
}

// isZedSettings tells Zed's settings, a project's and a person's.
func isZedSettings(name string) bool {
	dir, base := path.Split(name)
	return base == "settings.json" && slices.Contains([]string{".zed", "zed"}, path.Base(dir))
}

// readZed reads what Zed's agent does without asking.
// Source: zed.dev/docs/ai/tool-permissions.
func readZed(f *File, d *document.Node) {
	agent := d.Get("agent")
	if n := agent.Get("always_allow_tool_actions"); isTrue(n) {
		f.Report(agent.Key("always_allow_tool_actions"), Problem{Rule: agentBypass, Subject: "agent", Why: "uses every tool without asking", Narrower: `"tool_permissions": {"default": "confirm"} with "always_allow" for the commands that are meant`})
	}
	p := agent.Get("tool_permissions")
	terminal := p.Get("tools", "terminal")
	asks := terminal.Get("default").Is("confirm", "deny")
	if m := p.Get("default"); m.Is("allow") && asks {
		f.Report(m, Problem{Rule: agentAll, Severity: rule.Medium, Subject: "agent", Why: "uses every tool but the terminal without asking, those of every server as well", Narrower: `"confirm", and "allow" for the tools that are meant`})
	} else if m.Is("allow") {
		f.Report(m, Problem{Rule: agentBypass, Subject: "agent", Why: "uses every tool without asking", Narrower: `"confirm", with "always_allow" for the commands that are meant`})
	}
	const why, narrower = "lets the agent run any command without asking", `"confirm", with "always_allow" for the commands that are meant`
	if m := terminal.Get("default"); m.Is("allow") {
		f.Report(m, Problem{Rule: agentAll, Subject: "agent", Why: why, Narrower: narrower})
	}
	for _, r := range terminal.Get("always_allow").Values() {
		if m := r.Get("pattern"); m.Str() != "" && anyCommand(m.Text) {
			f.Report(m, Problem{Rule: agentAll, Subject: "agent", Why: why, Narrower: "the whole command that is meant, such as ^cargo test$"})
		}
	}
}

// isKiroAgent tells the agents of Kiro, and of Amazon Q, as it was called.
func isKiroAgent(name string) bool {
	dir, _ := path.Split(name)
	dir = path.Clean(dir)
	return hasExt(name, ".json") && slices.Contains([]string{"agents", "cli-agents"}, path.Base(dir)) && slices.Contains([]string{".kiro", ".amazonq", "amazonq"}, path.Base(path.Dir(dir)))
}

// readKiro reads what an agent of Kiro does without asking. What stands in
// allowedTools is not bounded by toolsSettings.
// Source: github.com/aws/amazon-q-developer-cli, docs/agent-format.md.
func readKiro(f *File, d *document.Node) {
	subject := word(d.Get("name").Str(), "agent")
	report := func(at *document.Node, r string, severity rule.Severity, why, narrower string) {
		f.Report(at, Problem{Rule: r, Severity: severity, Subject: subject, Why: why, Narrower: narrower})
	}
	for _, n := range d.Get("allowedTools").Strings() {
		switch {
		case n.Is("*", "@*", "@*/*", "@builtin"):
			report(n, agentAll, 0, "lets the agent use every tool without asking", "the tools that only read, such as fs_read and @git/git_status")
		case n.Is("execute_bash", "execute_*", "*_bash", "shell"):
			report(n, agentAll, 0, "lets the agent run any command without asking", "toolsSettings."+n.Text+".allowedCommands with the commands that are meant")
		case n.Is("use_aws", "aws"):
			report(n, agentPerson, 0, "lets the agent do whatever the account that AWS' command line is logged in with may", "toolsSettings."+n.Text+".allowedServices, with a role of the agent's own")
		case n.Is("fs_write", "fs_*", "write"):
			report(n, agentFiles, rule.Medium, "lets the agent write every file that the person may without asking", "toolsSettings."+n.Text+`.allowedPaths, such as ["src/**"]`)
		case wholeKiroServer.MatchString(n.Text):
			report(n, agentAll, rule.Low, "lets the agent use every tool of "+n.Text+" without asking, those that it adds later as well", n.Text+"/TOOL for the tools that are used")
		}
	}
	for _, tool := range []string{"execute_bash", "shell"} {
		for _, n := range d.Get("toolsSettings", tool, "allowedCommands").Strings() {
			if anyCommand(`\A(?:` + n.Text + `)\z`) {
				report(n, agentAll, 0, "lets the agent run any command without asking", "the commands that are meant, such as npm test")
			}
		}
	}
	for _, tool := range []string{"fs_read", "fs_write", "read", "write"} {
		reportFolders(f, subject, "opens", d.Get("toolsSettings", tool, "allowedPaths").Strings())
	}
}

// wholeKiroServer is a server without any of its tools.
var wholeKiroServer = regexp.MustCompile(`^@[\w.-]+(/\*)?$`)
