package scope

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Rules of what an AI agent may do, which settings, skills and lists of
// servers share.
const (
	agentAll       = "scope-agent-allow-all"
	agentBypass    = "scope-agent-bypass"
	agentCode      = "scope-agent-any-code"
	agentFiles     = "scope-agent-files"
	agentPerson    = "scope-agent-person"
	agentServers   = "scope-agent-servers"
	agentDeny      = "scope-agent-no-deny"
	agentEnv       = "scope-agent-environment"
	claudeSettings = "https://code.claude.com/docs/en/settings"
	claudeRules    = "https://code.claude.com/docs/en/permissions"
)

var (
	agentAllRule = Rule{
		ID: agentAll, Name: "AI agent that may use a tool without any bound", Severity: rule.High,
		Opens: "Whatever the tool can do with the rights of whoever runs the agent: a prompt hidden in a page or a file is enough.",
		Steps: "Allow the commands that are used, by name and first arguments, and let the agent ask for the rest.",
		URL:   claudeRules,
	}
	agentBypassRule = Rule{
		ID: agentBypass, Name: "AI agent that never asks", Severity: rule.Critical,
		Opens: "Every command and file that whoever runs the agent may reach, without a person seeing it.",
		Steps: "Use the mode that asks, or run the agent in a container that has neither keys nor network.",
		URL:   claudeRules + "#permission-modes",
	}
	agentCodeRule = Rule{
		ID: agentCode, Name: "AI agent that may run any code through one program", Severity: rule.Medium,
		Opens: "As much as a shell: the program runs whatever its arguments say.",
		Steps: "Allow the script or the subcommand that is meant, with its first arguments.",
		URL:   claudeRules + "#bash",
	}
	agentFilesRule = Rule{
		ID: agentFiles, Name: "AI agent that reaches files outside of its project", Severity: rule.High,
		Opens: "Keys, mail and settings in the home folder, and what other programs run at their start.",
		Steps: "Name the folders that the task needs.",
		URL:   claudeRules + "#working-directories",
	}
	agentPersonRule = Rule{
		ID: agentPerson, Name: "AI agent that acts with a person's rights", Severity: rule.Medium,
		Opens: "Everything that the person may do, in the person's name.",
		Steps: "Make a service account or an app of its own for the agent, with the rights that the task needs.",
		URL:   "https://owasp.org/www-project-non-human-identities-top-10/2025/10-human-use-of-nhi/",
	}
)

// shells are programs that run whatever their arguments say.
var shells = []string{
	"sh", "bash", "zsh", "fish", "dash", "pwsh", "powershell", "cmd", "eval", "exec", "sudo", "doas", "su", "env", "xargs", "ssh", "nohup", "timeout",
	"python", "python3", "python2", "node", "deno", "bun", "ruby", "perl", "php", "npx", "bunx", "uvx", "pipx", "osascript", "docker", "docker run", "docker exec", "podman",
	"uv run python", "poetry run python", "uv run", "npm exec", "pnpm dlx", "pnpm exec", "yarn dlx",
	"tsx", "ts-node", "npx tsx", "npx ts-node", "rscript", "lua", "go run", "kubectl exec", "docker compose exec", "tmux", "parallel",
}

// evaluation is a program's flag before code: bash -lc, node -e, php -r.
var evaluation = regexp.MustCompile(`^(-[a-z]*c|-e|-r|-p|-pe|-ne|--eval|/c|-command)$`)

// settingVariable is what sets a variable for the command behind it.
var settingVariable = regexp.MustCompile(`^(?:[A-Za-z_]\w*=\S*\s+)+`)

// accounts are programs that do what the account of whoever is logged in may.
var accounts = []string{"aws", "gcloud", "az", "kubectl", "oc", "helm", "terraform", "tofu", "pulumi", "doctl", "heroku", "vault", "op", "gh", "gh api", "gh auth", "glab", "glab api", "gsutil", "wrangler", "flyctl", "fly", "firebase"}

// judgeTool judges a permission rule of an agent: Bash(git status:*),
// Shell(ls), run_shell_command(git).
func judgeTool(text string) (Problem, bool) {
	text = strings.TrimSpace(text)
	tool, inside, bounded := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	inside = strings.TrimSpace(inside)
	whole := !bounded || anything(inside)
	switch strings.ToLower(tool) {
	case "*", "all", "mcp__*", "mcp__*__*":
		return Problem{Rule: agentAll, Severity: rule.Critical, Why: "lets the agent use every tool without asking", Narrower: `the tools that are used, such as "Read" and "Bash(npm test)"`}, true
	case "bash", "shell", "run_shell_command", "shelltool", "execute_bash", "powershell", "terminal", "execute", "runcommands", "runinterminal":
		if whole {
			return Problem{Rule: agentAll, Why: "lets the agent run any command without asking", Narrower: `the commands that are used, such as "` + tool + `(npm test:*)"`}, true
		}
		return judgeCommand(tool, inside)
	case "mcp":
		if whole || inside == "*:*" {
			return Problem{Rule: agentAll, Why: "lets the agent use every tool of every server without asking", Narrower: "the servers and tools that are used, such as Mcp(github:get_issue)"}, true
		}
	case "read", "edit", "write", "multiedit", "write_file", "edit_file", "read_file", "read_many_files":
		if bounded {
			return judgeFolder(tool, inside)
		}
	}
	return Problem{}, false
}

func anything(inside string) bool {
	return slices.Contains([]string{"", "*", ":*", "**", "*:*", "**/*", ".*", "* *"}, inside)
}

// judgeCommand judges the command that a shell's rule allows. Cursor's and
// Gemini CLI's rules are beginnings without a star.
func judgeCommand(tool, inside string) (Problem, bool) {
	if flag := neverAsks.FindString(inside); flag != "" {
		return Problem{Rule: agentBypass, Severity: rule.High, Why: "lets the agent start another that never asks, by " + flag, Narrower: `the command without the flag, with "--allowedTools" for the tools that are used`}, true
	}
	command, open := trimStar(inside)
	if !open && !slices.Contains([]string{"shell", "shelltool", "run_shell_command"}, strings.ToLower(tool)) {
		return Problem{}, false
	}
	command = strings.ToLower(settingVariable.ReplaceAllString(command, ""))
	first, rest, _ := strings.Cut(command, " ")
	first = interpreterVersion.ReplaceAllString(program(first), "$1")
	command = strings.TrimSpace(first + " " + rest)
	switch {
	case slices.Contains(shells, command), slices.Contains(shells, first) && evaluation.MatchString(rest):
		return Problem{Rule: agentCode, Why: "lets the agent run anything through " + command + " without asking", Narrower: `the whole command that is meant, such as "` + tool + `(` + first + ` …)" without the star`}, true
	case slices.Contains(accounts, command):
		return Problem{Rule: agentPerson, Why: "lets the agent do whatever the account that " + first + " is logged in with may", Narrower: `the subcommands that read, such as "` + tool + "(" + reading(command) + `)", with an account of the agent's own`}, true
	case slices.Contains([]string{"rm", "rm -rf", "rm -r", "rm -f", "dd", "chmod", "chown"}, command):
		return Problem{Rule: agentCode, Why: "lets the agent run " + first + " on every file that the person owns without asking", Narrower: `"` + tool + `(` + first + ` FILE)" with the files that are meant`}, true
	}
	return Problem{}, false
}

// interpreterVersion is an interpreter with its version: python3.12.
var interpreterVersion = regexp.MustCompile(`^(python|ruby|php|perl|node|lua)[\d.]+$`)

// judgeReach judges permission rules whose bound is not the command: every
// address, and every tool of a server.
func judgeReach(text string) (Problem, bool) {
	tool, inside, bounded := strings.Cut(strings.TrimSuffix(strings.TrimSpace(text), ")"), "(")
	inside = strings.TrimPrefix(strings.TrimSpace(inside), "domain:")
	switch server := wholeServer.FindStringSubmatch(text); {
	case strings.EqualFold(tool, "webfetch") || strings.EqualFold(tool, "web_fetch"):
		if !bounded || anything(inside) {
			return Problem{Rule: agentAll, Severity: rule.Medium, Why: "lets the agent send what it has read to any address without asking", Narrower: `the sites that are read, such as "WebFetch(domain:docs.example.com)"`}, true
		}
	case strings.EqualFold(tool, "bash"):
		if command, open := trimStar(inside); open && (command == "curl" || command == "wget") {
			return Problem{Rule: agentAll, Severity: rule.Medium, Why: "lets the agent send what it has read to any address without asking", Narrower: `the sites that are read, such as "WebFetch(domain:docs.example.com)"`}, true
		}
	case server != nil:
		return Problem{Rule: agentAll, Severity: rule.Low, Why: "lets the agent use every tool of " + server[1] + " without asking, those that it adds later as well", Narrower: `the tools that are used, such as "mcp__` + server[1] + `__TOOL"`}, true
	}
	return Problem{}, false
}

// wholeServer is a rule that names a server and none of its tools.
var wholeServer = regexp.MustCompile(`^mcp__((?:_?[A-Za-z0-9.-])+)(?:__\*)?$`)

// reading is a rule that reads, by the program's own command line.
func reading(command string) string {
	switch command {
	case "aws":
		return "aws s3 ls:*"
	case "gcloud":
		return "gcloud compute instances list:*"
	case "az":
		return "az vm list:*"
	case "kubectl", "oc":
		return command + " get pods:*"
	case "terraform", "tofu":
		return command + " plan:*"
	case "gh", "gh api", "gh auth":
		return "gh pr view:*"
	case "glab", "glab api":
		return "glab mr view:*"
	case "vault":
		return "vault status"
	case "helm":
		return "helm list:*"
	}
	return command + " SUBCOMMAND:*"
}

// trimStar takes the star off a rule's end; open tells that it had one.
func trimStar(inside string) (command string, open bool) {
	for _, star := range []string{":*", " **", " *", "*"} {
		if c, ok := strings.CutSuffix(inside, star); ok {
			return strings.TrimSpace(c), true
		}
	}
	return inside, false
}

// judgeFolder judges the folder that a rule of files names. Claude Code writes
// an absolute path with two slashes, and one from the settings with one.
func judgeFolder(tool, folder string) (Problem, bool) {
	if strings.HasPrefix(folder, "/") && !strings.HasPrefix(folder, "//") {
		return Problem{}, false
	}
	folder = strings.TrimRight(strings.TrimPrefix(folder, "/"), "*")
	p := Problem{Rule: agentFiles, Narrower: `the folder that is meant, such as "` + tool + `(src/**)"`}
	if what, severity, ok := wideFolder(folder); ok {
		p.Severity, p.Why = severity, "opens "+what+" to the agent ("+strings.ToLower(tool)+")"
		return p, true
	}
	writes := slices.Contains([]string{"edit", "write", "multiedit", "write_file", "edit_file"}, strings.ToLower(tool))
	if rest, home := cutHome(folder); home && writes && slices.Contains(startFiles, rest) {
		p.Why = "lets the agent write ~/" + rest + ", which runs at every start"
		return p, true
	}
	return Problem{}, false
}

// keyFolders are folders of the home in which keys lie, and anyFolders those
// that have them among other things.
var (
	keyFolders = []string{".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", ".config/gcloud", ".config/gh", ".netrc", ".npmrc", ".pgpass", ".git-credentials", ".password-store", "Library/Keychains", "AppData/Roaming/gcloud"}
	anyFolders = []string{".config", "Library", "AppData", "AppData/Roaming", "AppData/Local"}
)

// startFiles are files of the home that shells and git run at their start.
var startFiles = []string{".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".gitconfig", ".config/fish/config.fish"}

// systemFolders hold what is of the whole machine, and everyone's home.
var systemFolders = []string{"/etc", "/root", "/home", "/Users", "/var", "/mnt", "/Volumes", "/proc"}

// wholeDrive is a drive of Windows, as Linux has it.
var wholeDrive = regexp.MustCompile(`^/(mnt/)?[a-z]$`)

// wideFolder says what a folder opens, where it is the root, a home or one of
// keys.
func wideFolder(folder string) (what string, severity rule.Severity, ok bool) {
	folder = strings.TrimPrefix(strings.ReplaceAll(folder, `\`, "/"), "file://")
	if driveLetter.MatchString(folder) {
		folder = "/" + strings.TrimLeft(folder[2:], "/")
	}
	if folder == "" {
		return "", 0, false
	}
	folder = path.Clean(folder)
	if folder == "/" || wholeDrive.MatchString(folder) {
		return "every file of the machine", rule.High, true
	}
	below := func(k string) bool { return folder == k || strings.HasPrefix(folder, k+"/") }
	rest, home := cutHome(folder)
	switch {
	case slices.Contains(systemFolders, folder):
		return folder, rule.High, true
	case !home:
		return "", 0, false
	case rest == "":
		return "the home folder, its keys included,", rule.High, true
	}
	folder = rest
	switch {
	case slices.ContainsFunc(keyFolders, below):
		return "the keys in ~/" + rest, rule.High, true
	case slices.Contains(anyFolders, rest):
		return "what every program keeps in ~/" + rest + ", keys included,", rule.High, true
	}
	return "", 0, false
}

// homes are ways to write the home folder.
var homes = []string{"~", "$HOME", "${HOME}", "${env:HOME}", "${userHome}", "%USERPROFILE%", "${USERPROFILE}", "${env:USERPROFILE}", "$env:USERPROFILE", "%HOMEDRIVE%%HOMEPATH%", "{env:HOME}", "/root"}

// cutHome takes a home folder off a path.
func cutHome(folder string) (rest string, ok bool) {
	for _, home := range homes {
		if rest, ok := strings.CutPrefix(folder, home); ok && (rest == "" || rest[0] == '/') {
			return strings.TrimPrefix(rest, "/"), true
		}
	}
	for _, parent := range []string{"/home/", "/Users/", "/mnt/c/Users/"} {
		if rest, ok := strings.CutPrefix(folder, parent); ok && rest != "" {
			_, rest, _ = strings.Cut(rest, "/")
			return rest, true
		}
	}
	return "", false
}

// part is a stretch of a scalar as a node of its own. Its place is the
// stretch's where the bytes of the file are the scalar's own, else the whole's.
func part(n *document.Node, start, end int) *document.Node {
	p := &document.Node{Kind: document.String, Text: n.Text[start:end], Start: n.Start, End: n.End}
	if n.End-n.Start == len(n.Text) {
		p.Start, p.End = n.Start+start, n.Start+end
	}
	return p
}

// pieces are the parts of a scalar that a pattern finds, each with its place.
func pieces(n *document.Node, pattern *regexp.Regexp) []*document.Node {
	var all []*document.Node
	for _, at := range pattern.FindAllStringIndex(n.Text, -1) {
		all = append(all, part(n, at[0], at[1]))
	}
	return all
}
