package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// containerFlags of `docker run` have a value of their own.
var containerFlags = []string{"-e", "--env", "-v", "--volume", "--mount", "--name", "-p", "--publish", "--network", "--net", "-w", "--workdir", "-u", "--user", "--entrypoint", "--env-file", "--add-host", "--platform", "--label", "-l", "--memory", "-m", "--cpus", "--cap-add", "--cap-drop", "--security-opt", "--pull", "--hostname", "-h", "--gpus", "--tmpfs", "--shm-size", "--dns", "--restart", "--runtime", "--log-driver", "--pid", "--ipc", "--userns", "--cgroupns", "--device", "--group-add", "--ulimit", "--sysctl", "--expose", "--link", "--volumes-from", "--annotation", "--stop-signal", "--ip", "--cidfile"}

// engineFlags stand before the subcommand, with a value of their own.
var engineFlags = []string{"--context", "-c", "--host", "-H", "--config", "--log-level", "--url", "--connection"}

// readContainer reports an image without a version, and what of the machine is
// mounted into it.
func readContainer(f *File, s *server) {
	verb, _, args := subcommand(s.args, engineFlags)
	if verb == "container" {
		verb, _, args = subcommand(args, engineFlags)
	}
	if verb != "run" {
		return
	}
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, value, joined := strings.Cut(a.Text, "=")
		if !strings.HasPrefix(a.Text, "-") {
			readImage(f, s, a)
			return
		}
		at := a
		switch {
		case joined:
			at = part(a, len(name)+1, len(a.Text))
		case slices.Contains(containerFlags, a.Text) && i+1 < len(args):
			i++
			at, value = args[i], args[i].Text
		}
		readContainerFlag(f, s, at, name, value)
	}
}

// readImage reports an image whose tag moves, or that has none.
func readImage(f *File, s *server, at *document.Node) {
	image := at.Text
	if strings.Contains(image, "@sha256:") {
		return
	}
	if variablePart.MatchString(image) {
		f.Unknown(at)
		return
	}
	last := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, tagged := strings.Cut(last, ":")
	if !tagged || slices.Contains([]string{"latest", "main", "master", "edge", "nightly", "dev"}, tag) {
		f.Report(at, Problem{Rule: serverUnpinned, Subject: s.subject(), Why: "runs whatever " + strings.TrimSuffix(image, ":"+tag) + "'s newest image is", Narrower: "the image's digest: @sha256:…"})
	}
}

// readContainerFlag reports what of the machine a container is given.
func readContainerFlag(f *File, s *server, at *document.Node, name, value string) {
	host := func(why, narrower string) {
		f.Report(at, Problem{Rule: serverHost, Subject: s.subject(), Value: word(value, name), Why: why, Narrower: narrower})
	}
	var from string
	switch name {
	case "--privileged":
		if value != "false" {
			host("runs as root of the machine", "leave --privileged out")
		}
	case "--pid":
		if value == "host" {
			host("sees and signals every process of the machine", "leave --pid out")
		}
	case "--cap-add":
		if c := strings.TrimPrefix(strings.ToUpper(value), "CAP_"); c == "ALL" || c == "SYS_ADMIN" {
			host("may do what root of the machine may", "the one capability that is needed, or none")
		}
	case "-v", "--volume":
		from = mounted(value)
	case "--mount":
		for _, option := range strings.Split(value, ",") {
			if k, v, _ := strings.Cut(option, "="); k == "src" || k == "source" {
				from = v
			}
		}
	}
	if strings.HasSuffix(from, "docker.sock") || strings.HasSuffix(from, "podman.sock") || strings.HasSuffix(from, "containerd.sock") {
		f.Report(at, Problem{Rule: serverHost, Subject: s.subject(), Value: from, Why: "commands the container engine, which is as much as root", Narrower: "a proxy of the socket that lets only reading through"})
	} else if what, severity, ok := wideFolder(from); ok {
		f.Report(at, Problem{Rule: serverHost, Severity: severity, Subject: s.subject(), Value: from, Why: "mounts " + strings.TrimSuffix(what, ",") + " into the container", Narrower: "the folder that is meant, with :ro"})
	}
}

// driveLetter begins a path of Windows.
var driveLetter = regexp.MustCompile(`^[A-Za-z]:([/\\]|$)`)

// mounted is the folder of the machine in a volume: C:\work:/work, ~/x:/x:ro.
func mounted(volume string) string {
	drive := 0
	if driveLetter.MatchString(volume) {
		drive = 2
	}
	from, _, _ := strings.Cut(volume[drive:], ":/")
	return volume[:drive] + from
}

// fileServers are servers whose arguments are the folders that they open.
var fileServers = regexp.MustCompile(`(?i)filesystem|file-system|\bmcp-(server-)?(fs|files)\b|desktop-commander`)

// readServerFolders reports the folders that a server of files opens: in its
// arguments, and in its variables but those that every program has.
func readServerFolders(f *File, s *server) {
	is := func(n *document.Node) bool { return fileServers.MatchString(n.Text) }
	if s.command == "docker" || s.command == "podman" || !fileServers.MatchString(s.name) && !fileServers.MatchString(s.command) && !slices.ContainsFunc(s.args, is) {
		return
	}
	var folders []*document.Node
	for _, a := range s.args {
		folders = append(folders, splitFolders(a)...)
	}
	for _, m := range s.variables() {
		if !m.Key.Is("HOME", "USERPROFILE", "PATH", "PWD", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA") {
			folders = append(folders, splitFolders(m.Value)...)
		}
	}
	for _, w := range folders {
		if what, severity, ok := wideFolder(w.Text); ok {
			f.Report(w, Problem{Rule: agentFiles, Severity: severity, Subject: s.subject(), Why: "opens " + what + " to the agent", Narrower: "the project's folder"})
		}
	}
}

// folderWord is a folder of a list such as PATH's, or of a flag.
var folderWord = regexp.MustCompile(`(?:[A-Za-z]:[/\\]|\$?\{[^}]*\}|[^,;:=])[^,;:=]*`)

// splitFolders are the folders of a list, or of a flag: --root=/data.
func splitFolders(n *document.Node) []*document.Node {
	if n.Str() == "" || strings.Contains(n.Text, "://") {
		return nil
	}
	return pieces(n, folderWord)
}

// superusers are the accounts of databases that may do everything.
var superusers = []string{"postgres", "root", "sa", "admin", "system", "sys", "neo4j", "elastic"}

// readServerRights reports servers that could have been started with less.
// Sources: the servers' own pages, named in the sentences.
func readServerRights(f *File, s *server) {
	report := func(at *document.Node, why, narrower string) {
		f.Report(at, Problem{Rule: serverBroad, Subject: s.subject(), Why: why, Narrower: narrower})
	}
	started := func(with string) bool {
		return slices.ContainsFunc(s.args, func(a *document.Node) bool { return strings.Contains(a.Text, with) })
	}
	readOnly, awslabs := started("--read-only") || s.on("GITHUB_READ_ONLY"), started("awslabs.")
	mongo := started("--readOnly") || s.on("MDB_MCP_READ_ONLY")
	cluster := s.on("ALLOW_ONLY_NON_DESTRUCTIVE_TOOLS") || s.on("ALLOW_ONLY_READONLY_TOOLS")
	for i, a := range s.args {
		switch {
		case a.Is("--access-mode=unrestricted"):
			report(a, "changes and drops tables at the agent's word", "--access-mode=restricted")
		case !readOnly && (a.Is("--toolsets=all") || a.Is("all") && i > 0 && s.args[i-1].Is("--toolsets")):
			report(a, "offers every tool of GitHub, also those that delete", "--read-only, with --toolsets=repos,issues,pull_requests")
		case strings.HasPrefix(a.Text, "@supabase/mcp-server-supabase") && !readOnly:
			report(a, "changes the database at the agent's word", "--read-only --project-ref=PROJECT")
		case strings.HasPrefix(a.Text, "mongodb-mcp-server") && !mongo:
			report(a, "changes and drops collections at the agent's word", "--readOnly")
		case strings.HasPrefix(a.Text, "mcp-server-kubernetes") && !cluster:
			report(a, "deletes what the cluster has with the rights of the person's kubeconfig", "ALLOW_ONLY_READONLY_TOOLS=true in env, and a kubeconfig of a ServiceAccount")
		case a.Is("--allow-write", "--allow-sensitive-data-access") && awslabs:
			report(a, "changes what the account has, or reads its secrets and logs, at the agent's word", "leave "+a.Text+" out, with a role that only reads")
		case superuser(a):
			reportSuperuser(f, s, a)
		}
	}
	readVariableRights(f, s, readOnly, report)
}

// on tells whether a variable is set, and not to no.
func (s *server) on(name string) bool {
	n := s.variable(name)
	return n != nil && !n.Is("", "0", "false")
}

// readVariableRights reports what variables and headers give a server.
func readVariableRights(f *File, s *server, readOnly bool, report func(at *document.Node, why, narrower string)) {
	for _, m := range s.variables() {
		switch {
		case m.Key.Is("GITHUB_TOOLSETS") && m.Value.Is("all") && !readOnly:
			report(m.Value, "offers every tool of GitHub, also those that delete", "GITHUB_READ_ONLY=1, with GITHUB_TOOLSETS=repos,issues,pull_requests")
		case writing.MatchString(m.Key.Text) && m.Value.Str() != "" && (isTrue(m.Value) || m.Value.Is("1")):
			report(m.Value, "changes or drops what the database holds at the agent's word", m.Key.Text+"=false, with a role that may only SELECT")
		case superuser(m.Value):
			reportSuperuser(f, s, m.Value)
		case databaseUser.MatchString(m.Key.Text) && m.Value.Is(superusers...):
			report(m.Value, "connects to the database as "+m.Value.Text+", who may do everything in it", "a role that may SELECT what the agent is to read")
		}
	}
	headers := s.Get("headers").Entries()
	reads := slices.ContainsFunc(headers, func(m document.Member) bool {
		return strings.EqualFold(m.Key.Text, "X-MCP-Readonly") && isTrue(m.Value)
	})
	for _, m := range headers {
		if strings.EqualFold(m.Key.Text, "X-MCP-Toolsets") && m.Value.Is("all") && !reads {
			report(m.Value, "offers every tool of GitHub, also those that delete", `"X-MCP-Readonly": "true", with "repos,issues,pull_requests"`)
		}
	}
}

// writing is a variable by which servers of databases write; none of them does
// so of itself.
// Sources: github.com/benborla/mcp-server-mysql, and the pages of its kin.
var writing = regexp.MustCompile(`^(?:MYSQL_)?ALLOW_(?:INSERT|UPDATE|DELETE|DDL|WRITE)_OPERATIONS?$`)

// databaseUser is a variable that holds the name of a database's user.
var databaseUser = regexp.MustCompile(`^(DB|DATABASE|PG|POSTGRES|POSTGRESQL|MYSQL|MARIADB|MSSQL|SQL|MONGODB?)_?(DB_)?USER(NAME)?$`)

func reportSuperuser(f *File, s *server, at *document.Node) {
	m := databaseURL.FindStringSubmatchIndex(at.Text)
	user := at.Text[m[2]:m[3]]
	f.Report(part(at, m[2], m[3]), Problem{Rule: serverBroad, Subject: s.subject(), Value: user, Why: "connects to the database as " + user + ", who may do everything in it", Narrower: "a role that may SELECT what the agent is to read"})
}

// databaseURL is the address of a database and its user's name.
var databaseURL = regexp.MustCompile(`^(?:postgres|postgresql|mysql|mariadb|mongodb|mongodb\+srv|rediss?|neo4j(?:\+s)?|mssql|sqlserver)://([^:@/$]+)[:@]`)

// superuser tells an address of a database with a superuser's name.
func superuser(n *document.Node) bool {
	if n == nil || n.Kind == document.List || n.Kind == document.Map {
		return false
	}
	m := databaseURL.FindStringSubmatch(n.Text)
	return m != nil && slices.Contains(superusers, m[1])
}
