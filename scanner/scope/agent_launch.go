package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// pinned tells a package or image that names what it is: a version, a digest,
// a path, a commit.
var pinned = regexp.MustCompile(`.@[v^~=]?\d|==\d|@sha256:|@[0-9a-f]{7,40}$|#[0-9a-f]{7,40}$|#v?\d|@git\+|\.(tgz|whl|tar\.gz|js|py|mjs|ts)$`)

// readPackage reports a server that is fetched in whatever version is newest.
func readPackage(f *File, s *server) {
	args := s.args
	verb := map[string][]string{"uv": {"tool", "x"}, "pnpm": {"dlx"}, "yarn": {"dlx"}, "npm": {"exec", "x"}, "bun": {"x"}, "pipx": {"run"}}[s.command]
	if verb != nil {
		if len(args) == 0 || !slices.Contains(verb, args[0].Text) {
			return
		}
		args = args[1:]
		if s.command == "uv" && len(args) > 0 && args[0].Is("run") {
			args = args[1:]
		}
	}
	p := packageOf(args)
	if p == nil || pinned.MatchString(p.Text) || strings.ContainsAny(p.Text, "${}\\") || strings.HasPrefix(p.Text, ".") || strings.HasPrefix(p.Text, "/") || strings.HasPrefix(p.Text, "~") || strings.HasPrefix(p.Text, "file:") {
		return
	}
	name := p.Text
	for _, tag := range []string{"@latest", "@next", "@beta", "@canary"} {
		name = strings.TrimSuffix(name, tag)
	}
	version := "@VERSION"
	if s.command == "uvx" || s.command == "uv" || s.command == "pipx" {
		version = "==VERSION"
	}
	f.Report(p, Problem{Rule: serverUnpinned, Subject: s.subject(), Why: "runs whatever " + name + "'s newest release is", Narrower: name + version})
}

// packageOf is the package that a runner's arguments name: what follows --from
// or -p, else the first that is no flag.
func packageOf(args []*document.Node) *document.Node {
	for i := 0; i < len(args); i++ {
		text := args[i].Text
		switch {
		case slices.Contains([]string{"--from", "-p", "--package", "--spec"}, text):
			if i+1 < len(args) {
				return args[i+1]
			}
			return nil
		case strings.HasPrefix(text, "--package="), strings.HasPrefix(text, "--from="):
			return part(args[i], strings.IndexByte(text, '=')+1, len(text))
		case slices.Contains([]string{"--python", "--with", "--index-url", "--registry", "--directory", "--prefix", "--cache", "--index", "--extra-index-url", "--default-index", "--cwd"}, text):
			i++
		case !strings.HasPrefix(text, "-"):
			return args[i]
		}
	}
	return nil
}

// containerFlags of `docker run` have a value of their own.
var containerFlags = []string{"-e", "--env", "-v", "--volume", "--mount", "--name", "-p", "--publish", "--network", "--net", "-w", "--workdir", "-u", "--user", "--entrypoint", "--env-file", "--add-host", "--platform", "--label", "-l", "--memory", "-m", "--cpus", "--cap-add", "--cap-drop", "--security-opt", "--pull", "--hostname", "-h", "--gpus", "--tmpfs", "--shm-size", "--dns", "--restart", "--runtime", "--log-driver"}

// readContainer reports an image without a version, and what of the machine is
// mounted into it.
func readContainer(f *File, s *server) {
	if len(s.args) == 0 || !s.args[0].Is("run") {
		return
	}
	for i := 1; i < len(s.args); i++ {
		a := s.args[i]
		name, value, joined := strings.Cut(a.Text, "=")
		if strings.HasPrefix(a.Text, "-") {
			at := a
			switch {
			case joined && strings.HasPrefix(name, "--"):
				at = part(a, len(name)+1, len(a.Text))
			case slices.Contains(containerFlags, a.Text) && i+1 < len(s.args):
				i++
				at, name, value = s.args[i], a.Text, s.args[i].Text
			}
			readContainerFlag(f, s, at, name, value)
			continue
		}
		image := a.Text
		last := image[strings.LastIndexByte(image, '/')+1:]
		if tag := last[strings.IndexByte(last, ':')+1:]; !strings.Contains(image, "@sha256:") && !strings.ContainsAny(image, "${") && (!strings.Contains(last, ":") || tag == "latest" || tag == "main" || tag == "edge") {
			f.Report(a, Problem{Rule: serverUnpinned, Subject: s.subject(), Why: "runs whatever " + strings.TrimSuffix(image, ":"+tag) + "'s newest image is", Narrower: "the image's digest: @sha256:…"})
		}
		return
	}
}

func readContainerFlag(f *File, s *server, at *document.Node, name, value string) {
	var from string
	switch name {
	case "--privileged":
		f.Report(at, Problem{Rule: serverHost, Subject: s.subject(), Why: "runs as root of the machine", Narrower: "leave --privileged out"})
		return
	case "-v", "--volume":
		from, _, _ = strings.Cut(value, ":")
	case "--mount":
		for _, part := range strings.Split(value, ",") {
			if k, v, _ := strings.Cut(part, "="); k == "src" || k == "source" {
				from = v
			}
		}
	default:
		return
	}
	if strings.HasSuffix(from, "docker.sock") || strings.HasSuffix(from, "podman.sock") || strings.HasSuffix(from, "containerd.sock") {
		f.Report(at, Problem{Rule: serverHost, Subject: s.subject(), Value: from, Why: "commands the container engine, which is as much as root", Narrower: "a proxy of the socket that lets only reading through"})
	} else if what, severity, ok := wideFolder(from); ok {
		f.Report(at, Problem{Rule: serverHost, Severity: severity, Subject: s.subject(), Value: from, Why: "mounts " + strings.TrimSuffix(what, ",") + " into the container", Narrower: "the folder that is meant, with :ro"})
	}
}

// fileServers are servers whose arguments are the folders that they open.
var fileServers = regexp.MustCompile(`(?i)filesystem|file-system|\bmcp-(server-)?(fs|files)\b|desktop-commander`)

// readServerFolders reports the folders that a server of files opens.
func readServerFolders(f *File, s *server) {
	is := fileServers.MatchString(s.name) || fileServers.MatchString(s.command)
	for _, a := range s.args {
		is = is || fileServers.MatchString(a.Text)
	}
	if !is || s.command == "docker" || s.command == "podman" {
		return
	}
	for _, a := range append(s.args, s.Get("env", "ALLOWED_DIRECTORIES"), s.Get("env", "ALLOWED_DIRS"), s.Get("env", "ROOT_DIR")) {
		if a == nil {
			continue
		}
		for _, w := range splitFolders(a) {
			if what, severity, ok := wideFolder(w.Text); ok {
				f.Report(w, Problem{Rule: agentFiles, Severity: severity, Subject: s.subject(), Why: "opens " + what + " to the agent", Narrower: "the project's folder"})
			}
		}
	}
}

// splitFolders are the folders of a list such as PATH's.
func splitFolders(n *document.Node) []*document.Node {
	if !strings.Contains(n.Text, ",") {
		return []*document.Node{n}
	}
	var all []*document.Node
	start := 0
	for i := range strings.SplitSeq(n.Text, ",") {
		all = append(all, part(n, start, start+len(i)))
		start += len(i) + 1
	}
	return all
}

// superusers are the accounts of databases that may do everything.
var superusers = []string{"postgres", "root", "sa", "admin", "system", "sys", "neo4j", "elastic"}

// readServerRights reports servers that could have been started with less.
// Sources: the servers' own pages, named in the sentences.
func readServerRights(f *File, s *server) {
	report := func(at *document.Node, why, narrower string) {
		f.Report(at, Problem{Rule: serverBroad, Subject: s.subject(), Why: why, Narrower: narrower})
	}
	all := s.command
	for _, a := range s.args {
		all += " " + a.Text
	}
	for i, a := range s.args {
		switch {
		case a.Is("--access-mode=unrestricted"):
			report(a, "changes and drops tables at the agent's word", "--access-mode=restricted")
		case a.Is("--toolsets=all") || a.Is("all") && i > 0 && s.args[i-1].Is("--toolsets"):
			report(a, "offers every tool of GitHub, also those that delete", "--read-only, with --toolsets=repos,issues,pull_requests")
		case strings.HasPrefix(a.Text, "@supabase/mcp-server-supabase") && !strings.Contains(all, "--read-only"):
			report(a, "changes the database at the agent's word", "--read-only --project-ref=PROJECT")
		case strings.HasPrefix(a.Text, "mongodb-mcp-server") && !strings.Contains(all, "--readOnly") && s.Get("env", "MDB_MCP_READ_ONLY") == nil:
			report(a, "changes and drops collections at the agent's word", "--readOnly")
		case strings.HasPrefix(a.Text, "mcp-server-kubernetes") && s.Get("env", "ALLOW_ONLY_NON_DESTRUCTIVE_TOOLS") == nil && s.Get("env", "ALLOW_ONLY_READONLY_TOOLS") == nil:
			report(a, "deletes what the cluster has with the rights of the person's kubeconfig", "ALLOW_ONLY_READONLY_TOOLS=true in env, and a kubeconfig of a ServiceAccount")
		case superuser(a):
			reportSuperuser(f, s, a)
		}
	}
	for _, key := range []string{"env", "environment"} {
		for _, m := range s.Get(key).Entries() {
			switch {
			case m.Key.Is("GITHUB_TOOLSETS") && m.Value.Is("all") && !s.Get(key, "GITHUB_READ_ONLY").Is("1", "true"):
				report(m.Value, "offers every tool of GitHub, also those that delete", "GITHUB_READ_ONLY=1, with GITHUB_TOOLSETS=repos,issues,pull_requests")
			case superuser(m.Value):
				reportSuperuser(f, s, m.Value)
			}
		}
	}
}

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
