package scope

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

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
	Files: "`.mcp.json`, `mcp.json`, `claude_desktop_config.json`, `.claude.json`, `mcp_config.json`, `cline_mcp_settings.json`, and the servers in `.codex/config.toml`, `.gemini/settings.json`, `gemini-extension.json`, `.vscode/settings.json`, `*.code-workspace`, `devcontainer.json`, `opencode.json`, `.zed/settings.json`, `.claude-plugin/plugin.json`, `.kiro/agents/*.json`, `.amazonq/cli-agents/*.json`, and sub-agents' front matter",
	Rules: []Rule{
		agentFilesRule, agentPersonRule, agentBypassRule, oauthRule,
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

// serverFiles are the lists of servers that their names alone tell.
var serverFiles = []string{
	".mcp.json", "mcp.json", "claude_desktop_config.json", ".claude.json", "mcp_config.json", "cline_mcp_settings.json", "mcp-servers.json", "mcp_servers.json", "mcp_settings.json", "mcp-config.json",
	"managed-mcp.json", "gemini-extension.json", "opencode.json", "opencode.jsonc", "devcontainer.json", ".devcontainer.json",
}

func isAgentServers(name string) bool {
	dir, base := path.Split(name)
	switch base {
	case "settings.json":
		return slices.Contains([]string{".gemini", ".qwen", ".claude"}, path.Base(dir)) || isEditorSettings(name) || isZedSettings(name)
	case "config.toml":
		return path.Base(dir) == ".codex"
	case "plugin.json":
		return path.Base(dir) == ".claude-plugin"
	}
	return slices.Contains(serverFiles, base) || isEditorSettings(name) || isKiroAgent(name) || isSubAgent(name)
}

// server is a server that an agent starts or calls.
type server struct {
	*document.Node
	name    string
	command string
	words   []*document.Node // of the whole command line
	args    []*document.Node // the command's, without what only starts it
}

func (s *server) subject() string { return "server " + s.name }

// settings are the variables that the server's environment is given apart from
// its command line.
func (s *server) settings() []document.Member {
	return slices.Concat(s.Get("env").Entries(), s.Get("environment").Entries(), s.Get("command", "env").Entries())
}

// variables are what the server's environment is given, also on its command
// line: docker run -e NAME=value, env NAME=value.
func (s *server) variables() []document.Member {
	all := s.settings()
	for _, w := range s.words {
		if m := variableWord.FindStringSubmatchIndex(w.Text); m != nil {
			all = append(all, document.Member{Key: part(w, m[2], m[3]), Value: part(w, m[4], m[5])})
		}
	}
	return all
}

// variableWord is a word of a command line that sets a variable.
var variableWord = regexp.MustCompile(`^(?:--env=|-e)?([A-Z][A-Z0-9_]*)=(.*)$`)

// variable is the value of a variable, or nil.
func (s *server) variable(name string) *document.Node {
	for _, m := range s.variables() {
		if m.Key.Text == name {
			return m.Value
		}
	}
	return nil
}

// serverLists are where lists of servers stand.
var serverLists = [][]string{
	{"mcpServers"}, {"servers"}, {"mcp_servers"}, {"mcp", "servers"}, {"context_servers"}, {"mcp"}, {"projects", "*", "mcpServers"}, {"powers", "mcpServers"},
	{"mcp-servers"}, {"amp.mcpServers"}, {"settings", "amp.mcpServers"}, {"customizations", "vscode", "mcp", "servers"}, {"customizations", "vscode", "settings", "mcp", "servers"}, {"settings", "mcp", "servers"},
}

func readAgentServers(f *File) {
	for _, d := range f.Docs() {
		for _, keys := range serverLists {
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
	for _, i := range list.Values() { // front matter has lists of them
		readServerList(f, i)
	}
	for _, m := range list.Entries() {
		if m.Value == nil || m.Value.Kind != document.Map {
			continue
		}
		s := server{Node: m.Value, name: m.Key.Text}
		command := s.Get("command")
		words := command.Strings()
		if command != nil && command.Kind == document.Map { // Zed, of old
			words = slices.Concat(command.Get("path").Strings(), command.Get("args").Strings())
		}
		words = slices.Concat(words, s.Get("args").Strings())
		if len(words) == 1 && oneLine.MatchString(words[0].Text) {
			words = pieces(words[0], serverWord)
		}
		var own []*document.Node
		if s.words, own = unwrapped(words); len(own) > 0 {
			s.command, s.args = program(own[0].Text), own[1:]
		}
		readServerKeys(f, &s)
		if enabled, said := s.Get("enabled").Bool(); isTrue(s.Get("disabled")) || said && !enabled {
			continue
		}
		readServer(f, &s)
	}
}

// oneLine is a command with its arguments: a path may have blanks as well.
var oneLine = regexp.MustCompile(`^[\w.-]+\s`)

func readServer(f *File, s *server) {
	readServerAddress(f, s)
	readServerApproval(f, s)
	readPackages(f, s)
	if s.command == "docker" || s.command == "podman" {
		readContainer(f, s)
	}
	readServerRights(f, s)
	readServerScopes(f, s)
	readServerPersons(f, s)
	if s.command != "" {
		readServerFolders(f, s)
		readServerAgent(f, s)
	}
}

// readServerKeys reports keys that stand in the file, and tokens of a person.
func readServerKeys(f *File, s *server) {
	given := slices.Concat(s.settings(), s.Get("headers").Entries(), s.Get("http_headers").Entries(), s.Get("requestInit", "headers").Entries(), s.Get("auth").Entries(), s.Get("oauth").Entries())
	for _, m := range given {
		reportKey(f, s, m.Key, m.Value, "", "${"+variable(m.Key.Text)+"}")
	}
	reportKey(f, s, s.Key("bearer_token"), s.Get("bearer_token"), "", `bearer_token_env_var = "TOKEN"`)
	for _, key := range addressKeys {
		reportKey(f, s, s.Key(key), s.Get(key), ", which logs on the way keep", "a header: ${API_KEY}")
	}
	for i, a := range s.words {
		const shown = ", which every process list shows"
		name, value := a, a
		if m := namedWord.FindStringSubmatchIndex(a.Text); m != nil {
			name, value = part(a, m[2], m[3]), part(a, m[4], m[5])
		}
		if reportKey(f, s, name, value, shown, "a variable in env: ${"+variable(name.Text)+"}") || i == 0 {
			continue
		}
		if flag := s.words[i-1]; strings.HasPrefix(flag.Text, "-") && !strings.Contains(flag.Text, "=") {
			reportKey(f, s, flag, a, shown, "a variable in env: ${"+variable(flag.Text)+"}")
		}
	}
}

// addressKeys hold a server's address.
var addressKeys = []string{"url", "httpUrl", "serverUrl", "sse_url"}

// namedWord is a word of a command line with a name in it: TOKEN=x,
// --token=x, "Authorization: Bearer x".
var namedWord = regexp.MustCompile(`^(?:--header[= ]|-H ?)?([\w.-]+)(?:=|: ?)((?:[A-Za-z]+ +)?\S+)$`)

// reportKey reports a value that is a key by its name, or has one in an
// address; how adds to what is said of it.
func reportKey(f *File, s *server, name, value *document.Node, how, narrower string) bool {
	at := keyInURL(value)
	switch {
	case value == nil || name == nil:
		return false
	case name != value && literalKey(value) && namesKey(name.Text):
		at = afterScheme(value)
	case at == nil:
		return false
	case name == value:
		narrower = "a variable in env, or ${DATABASE_URL} as the argument"
	}
	f.Report(at, Problem{Rule: serverSecret, Subject: s.subject(), Why: "holds the key itself" + how, Narrower: narrower})
	reportPerson(f, s, name, at.Text)
	return true
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

func readServerAddress(f *File, s *server) {
	for _, key := range addressKeys {
		n := s.Get(key)
		if n.Str() == "" {
			continue
		}
		u, err := url.Parse(n.Text)
		if err != nil {
			continue
		}
		readPlain(f, s, n)
		if u.Hostname() == "mcp.supabase.com" && u.Query().Get("read_only") != "true" {
			f.Report(n, Problem{Rule: serverBroad, Subject: s.subject(), Value: "mcp.supabase.com", Why: "changes every project of the account", Narrower: "?read_only=true&project_ref=PROJECT"})
		}
	}
	if slices.ContainsFunc(s.args, func(a *document.Node) bool { return strings.HasPrefix(a.Text, "mcp-remote") }) {
		for _, a := range s.args { // it calls the server for agents that cannot
			readPlain(f, s, a)
		}
	}
}

// readPlain reports an address without TLS.
func readPlain(f *File, s *server, n *document.Node) {
	u, err := url.Parse(n.Text)
	if err == nil && (u.Scheme == "http" || u.Scheme == "ws") && !local(u.Hostname()) {
		f.Report(n, Problem{Rule: serverPlain, Subject: s.subject(), Value: u.Scheme + "://" + u.Host, Why: "calls " + u.Hostname() + " without TLS", Narrower: u.Scheme + "s://" + u.Host})
	}
}

// scopeName is the name of a variable or flag that holds OAuth scopes.
var scopeName = regexp.MustCompile(`(?i)(^|[_-])scopes?$`)

// readServerScopes reports the OAuth scopes that a server is started with.
func readServerScopes(f *File, s *server) {
	own := sync.OnceValue(func() string { return word(s.host(), providerIn(strings.ReplaceAll(s.name, " ", "-"))) })
	read := func(name string, list *document.Node) {
		readScopes(f, s.subject(), word(providerIn(name), own()), list)
	}
	for _, list := range []*document.Node{s.Get("oauth", "scopes"), s.Get("oauth", "scope"), s.Get("auth", "scopes"), s.Get("scopes")} {
		if list != nil {
			readScopes(f, s.subject(), own(), list)
		}
	}
	for _, m := range s.variables() {
		if scopeName.MatchString(m.Key.Text) {
			read(m.Key.Text, m.Value)
		}
	}
	for i, a := range s.args {
		name, _, joined := strings.Cut(a.Text, "=")
		switch {
		case joined && scopeName.MatchString(name):
			read(name, part(a, len(name)+1, len(a.Text)))
		case i > 0 && strings.HasPrefix(s.args[i-1].Text, "-") && scopeName.MatchString(s.args[i-1].Text):
			read(s.args[i-1].Text, a)
		}
	}
}

// host is the provider that a server's address is of, or "".
func (s *server) host() string {
	for _, key := range addressKeys {
		if u, err := url.Parse(s.Get(key).Str()); err == nil && ProviderOf(u.Hostname()) != "" {
			return ProviderOf(u.Hostname())
		}
	}
	return ""
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
		all := s.Get(key).Strings()
		if n := s.Get(key); len(all) == 0 && isTrue(n) {
			all = []*document.Node{n}
		}
		for _, t := range all {
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
