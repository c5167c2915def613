package scope

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Rules of the servers that an AI agent starts or calls.
const (
	serverSecret   = "scope-agent-server-secret"
	serverUnpinned = "scope-agent-server-unpinned"
	serverApproved = "scope-agent-server-approved"
	serverPlain    = "scope-agent-server-plain"
	serverHost     = "scope-agent-server-host"
	serverBroad    = "scope-agent-server-broad"
)

// agentServersFormat reads the lists of servers of the Model Context Protocol (MCP).
// Sources: modelcontextprotocol.io/docs/tutorials/security, code.claude.com/docs/en/mcp,
// code.visualstudio.com/docs/copilot/reference/mcp-configuration, the servers' own pages.
var agentServersFormat = Format{
	Name:  "agent-servers",
	Files: "`.mcp.json`, `mcp.json`, `claude_desktop_config.json`, `.claude.json`, `mcp_config.json`, `cline_mcp_settings.json`, and the servers in `.codex/config.toml`, `.gemini/settings.json`, `.vscode/settings.json`, `opencode.json`, `.zed/settings.json`",
	Rules: []Rule{
		agentFilesRule, agentPersonRule, oauthRule,
		{
			ID: serverSecret, Name: "Key in an AI agent's list of servers", Severity: rule.High, Secret: true,
			Opens: "What the key opens, for everyone who reads the file; lists of servers are shared and committed.",
			Steps: "Revoke the key, and name a variable in its place: ${TOKEN}, ${env:TOKEN} or ${input:token}, as the agent has it.",
			URL:   "https://code.claude.com/docs/en/mcp#environment-variable-expansion-in-mcp-json",
		},
		{
			ID: serverUnpinned, Name: "AI agent's server without a version", Severity: rule.Medium,
			Opens: "The keys and files that the server has, for whoever publishes the package's next release.",
			Steps: "Name the version that was looked at: package@1.2.3, or an image's digest.",
			URL:   "https://modelcontextprotocol.io/docs/tutorials/security/security_best_practices",
		},
		{
			ID: serverApproved, Name: "AI agent's server whose every tool is approved", Severity: rule.High,
			Opens: "Every tool of the server, also those that it adds later, without a person seeing the call.",
			Steps: "List the tools that only read.",
			URL:   "https://modelcontextprotocol.io/specification/2025-06-18/server/tools",
		},
		{
			ID: serverPlain, Name: "AI agent's server without TLS", Severity: rule.Medium,
			Opens: "What the agent sends, its token included, for everyone on the way; and the answers can be changed to prompts.",
			Steps: "Use https.",
			URL:   "https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization#communication-security",
		},
		{
			ID: serverHost, Name: "AI agent's server in a container that is none", Severity: rule.High,
			Opens: "The machine: its files, or its container engine, which is as much as root.",
			Steps: "Mount the folder that is meant, read-only, and leave the socket and --privileged out.",
			URL:   "https://docs.docker.com/engine/security/#docker-daemon-attack-surface",
		},
		{
			ID: serverBroad, Name: "AI agent's server that may do more than need be", Severity: rule.Medium,
			Opens: "Changes and deletions where reading would do, at the word of whoever writes what the agent reads.",
			Steps: "Start the server read-only, and give it an account that may only do what is meant.",
			URL:   "https://modelcontextprotocol.io/docs/tutorials/security/security_best_practices#scope-minimization",
		},
	},
	Match: isAgentServers,
	Hints: []string{"command", "url", "Url", "httpUrl"},
	Read:  readAgentServers,
}

func isAgentServers(name string) bool {
	base := path.Base(name)
	switch base {
	case ".mcp.json", "mcp.json", "claude_desktop_config.json", ".claude.json", "mcp_config.json", "cline_mcp_settings.json", "mcp-servers.json", "mcp_servers.json", "mcp_settings.json", "mcp-config.json", "opencode.json", "opencode.jsonc":
		return true
	case "settings.json":
		return slices.Contains([]string{".gemini", ".qwen", ".vscode", ".zed", ".claude"}, path.Base(path.Dir(name)))
	case "config.toml":
		return path.Base(path.Dir(name)) == ".codex"
	}
	return false
}

// server is a server that an agent starts or calls.
type server struct {
	*document.Node
	name    string
	command string
	args    []*document.Node // the command's own word left out

}

func (s *server) subject() string { return "server " + s.name }

func readAgentServers(f *File) {
	for _, d := range f.Docs() {
		for _, keys := range [][]string{{"mcpServers"}, {"servers"}, {"mcp_servers"}, {"mcp", "servers"}, {"context_servers"}, {"mcp"}, {"projects", "*", "mcpServers"}} {
			for _, list := range at(d, keys) {
				readServerList(f, list)
			}
		}
		if base := path.Base(f.Path); base == ".mcp.json" && d.Get("mcpServers") == nil {
			readServerList(f, d)
		}
	}
}

// at returns the values at a path, in which a star is any key.
func at(n *document.Node, keys []string) []*document.Node {
	for i, k := range keys {
		if k != "*" {
			n = n.Get(k)
			continue
		}
		var all []*document.Node
		for _, m := range n.Entries() {
			all = append(all, at(m.Value, keys[i+1:])...)
		}
		return all
	}
	return []*document.Node{n}
}

func readServerList(f *File, list *document.Node) {
	for _, m := range list.Entries() {
		if m.Value == nil || m.Value.Kind != document.Map || isTrue(m.Value.Get("disabled")) {
			continue
		}
		s := server{Node: m.Value, name: m.Key.Text}
		if enabled, said := m.Value.Get("enabled").Bool(); said && !enabled {
			continue
		}
		words := m.Value.Get("command").Strings()
		if c := m.Value.Get("command"); c != nil && c.Kind == document.Map { // Zed
			words = c.Get("path").Strings()
			s.args = c.Get("args").Strings()
		}
		if len(words) > 0 {
			s.command = strings.TrimSuffix(strings.TrimSuffix(path.Base(strings.ReplaceAll(words[0].Text, `\`, "/")), ".exe"), ".cmd")
			s.args = append(slices.Clone(words[1:]), s.args...)
		}
		s.args = append(s.args, m.Value.Get("args").Strings()...)
		if s.command == "cmd" && len(s.args) > 1 && strings.EqualFold(s.args[0].Text, "/c") {
			s.command, s.args = s.args[1].Text, s.args[2:]
		}
		readServer(f, &s)
	}
}

func readServer(f *File, s *server) {
	readServerKeys(f, s)
	readServerAddress(f, s)
	readServerApproval(f, s)
	switch s.command {
	case "npx", "bunx", "pnpx", "uvx", "pipx", "uv", "pnpm", "yarn", "npm", "bun":
		readPackage(f, s)
	case "docker", "podman":
		readContainer(f, s)
	}
	if s.command != "" {
		readServerFolders(f, s)
		readServerRights(f, s)
	}
}

// readServerKeys reports keys that stand in the file, and tokens of a person.
func readServerKeys(f *File, s *server) {
	for _, key := range []string{"env", "headers", "environment", "http_headers", "requestInit"} {
		list := s.Get(key)
		if key == "requestInit" {
			list = list.Get("headers")
		}
		for _, m := range list.Entries() {
			switch {
			case holdsKey(m.Key.Text) && literalKey(m.Value):
				f.Report(afterScheme(m.Value), Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself", Narrower: "${" + variable(m.Key.Text) + "}"})
				readPerson(f, s, m.Key, m.Value.Text)
			case keyInURL(m.Value) != nil:
				f.Report(keyInURL(m.Value), Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself", Narrower: "${" + variable(m.Key.Text) + "}"})
			}
		}
	}
	for i, a := range s.args {
		name, value, joined := strings.Cut(a.Text, "=")
		switch {
		case joined && (strings.HasPrefix(name, "-") || !strings.Contains(name, "/")) && holdsKey(name) && literalKey(&document.Node{Kind: document.String, Text: value}):
			f.Report(part(a, len(name)+1, len(a.Text)), Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself, which every process list shows", Narrower: "a variable in env: ${" + variable(name) + "}"})
		case i > 0 && strings.HasPrefix(s.args[i-1].Text, "-") && !strings.Contains(s.args[i-1].Text, "=") && holdsKey(s.args[i-1].Text) && literalKey(a):
			f.Report(a, Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself, which every process list shows", Narrower: "a variable in env: ${" + variable(s.args[i-1].Text) + "}"})
		case i > 0 && slices.Contains([]string{"--header", "-H"}, s.args[i-1].Text):
			if name, value, ok := strings.Cut(a.Text, ":"); ok && holdsKey(name) && literalKey(&document.Node{Kind: document.String, Text: strings.TrimSpace(value)}) {
				f.Report(part(a, strings.LastIndexAny(a.Text, ": ")+1, len(a.Text)), Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself, which every process list shows", Narrower: name + ":${AUTH_HEADER}"})
			}
		case keyInURL(a) != nil:
			f.Report(keyInURL(a), Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself, which every process list shows", Narrower: "a variable in env, or ${DATABASE_URL} as the argument"})
		}
	}
}

// afterScheme is a header's value without its scheme.
func afterScheme(n *document.Node) *document.Node {
	if i := strings.LastIndexByte(n.Text, ' '); i > 0 {
		return part(n, i+1, len(n.Text))
	}
	return n
}

// variable is a variable's name made of a header's or a flag's.
func variable(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(strings.TrimLeft(name, "-")))
}

// readPerson reports tokens that are of a person, by their prefixes.
// Sources: github.blog/2021-04-05-behind-githubs-new-authentication-token-formats, docs.slack.dev/authentication/tokens.
func readPerson(f *File, s *server, at *document.Node, token string) {
	var why, narrower string
	switch {
	case strings.HasPrefix(token, "ghp_"), strings.HasPrefix(token, "gho_"):
		why, narrower = "acts as a person, in every repository of theirs", "a GitHub App's token, or a fine-grained one (github_pat_) for the repositories that are meant"
	case strings.HasPrefix(token, "xoxp-"):
		why, narrower = "acts as a person, in every channel of theirs", "a bot's token (xoxb-) with the scopes of the tools that are used"
	default:
		return
	}
	f.Report(at, Problem{Rule: agentPerson, Subject: s.subject(), Why: why, Narrower: narrower})
}

func readServerAddress(f *File, s *server) {
	for _, key := range []string{"url", "httpUrl", "serverUrl", "sse_url"} {
		n := s.Get(key)
		if n.Str() == "" {
			continue
		}
		if k := keyInURL(n); k != nil {
			f.Report(k, Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself, which logs on the way keep", Narrower: "a header: ${API_KEY}"})
		}
		u, err := url.Parse(n.Text)
		if err != nil {
			continue
		}
		if u.Scheme == "http" && !local(u.Hostname()) {
			f.Report(n, Problem{Rule: serverPlain, Subject: s.subject(), Value: u.Scheme + "://" + u.Host, Why: "calls " + u.Hostname() + " without TLS", Narrower: "https://" + u.Host})
		}
		for _, list := range []*document.Node{s.Get("oauth", "scopes"), s.Get("scopes"), s.Get("oauth", "scope")} {
			readScopes(f, s.subject(), ProviderOf(u.Hostname()), list)
		}
		if u.Hostname() == "mcp.supabase.com" && !u.Query().Has("read_only") {
			f.Report(n, Problem{Rule: serverBroad, Subject: s.subject(), Value: "mcp.supabase.com", Why: "changes every project of the account", Narrower: "?read_only=true&project_ref=PROJECT"})
		}
	}
}

// readScopes reports the OAuth scopes of a list, or of a string of several,
// that are too wide.
func readScopes(f *File, subject, provider string, list *document.Node) {
	for _, n := range list.Strings() {
		for _, w := range pieces(n, splitWords) {
			if p, ok := OAuth(provider, w.Text); ok {
				p.Subject = subject
				f.Report(w, p)
			}
		}
	}
}

// splitWords finds words between commas and blanks.
var splitWords = regexp.MustCompile(`[^\s,]+`)

func readServerApproval(f *File, s *server) {
	for _, key := range []string{"autoApprove", "alwaysAllow", "autoApproveTools"} {
		n := s.Get(key)
		for _, t := range n.Strings() {
			if t.Is("*") || isTrue(t) {
				f.Report(t, Problem{Rule: serverApproved, Subject: s.subject(), Why: "calls every tool without asking", Narrower: "the names of the tools that only read"})
			}
		}
	}
	if isTrue(s.Get("trust")) {
		f.Report(s.Key("trust"), Problem{Rule: serverApproved, Subject: s.subject(), Why: "calls every tool without asking", Narrower: `"trust": false, with "includeTools" for those that are used`})
	}
	if m := s.Get("default_tools_approval_mode"); m.Is("approve") {
		f.Report(m, Problem{Rule: serverApproved, Subject: s.subject(), Why: "calls every tool without asking", Narrower: `"prompt", and "approve" for the tools that only read`})
	}
}
