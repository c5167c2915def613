package scope

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

var (
	// serverWord is a word of a shell's command.
	serverWord = regexp.MustCompile(`(?:[^\s'"]|'[^']*'|"[^"]*")+`)
	// shellCommand is the flag before a shell's command.
	shellCommand = regexp.MustCompile(`(?i)^(/c|-[a-z]?[a-z]?c|-command)$`)
	assignment   = regexp.MustCompile(`^\w+=`)
)

// shellPrograms run the command that stands behind their flag.
var shellPrograms = []string{"sh", "bash", "zsh", "dash", "ash", "fish", "cmd", "powershell", "pwsh"}

// wrappers start the program that stands behind their flags, or behind --.
var wrappers = []string{"env", "sudo", "doas", "exec", "nohup", "time", "wsl", "cross-env", "dotenv", "dotenvx", "op", "doppler", "infisical", "mise", "aws-vault", "chamber"}

// unwrapped takes off what only starts another program: sh -c, cmd /c,
// env NAME=value, op run --. all are every word, a shell's command taken
// apart, and own those of the program that is meant.
func unwrapped(words []*document.Node) (all, own []*document.Node) {
	all, own = words, words
	for range 5 { // wrappers within wrappers
		if len(own) == 0 {
			break
		}
		name := program(own[0].Text)
		switch {
		case slices.Contains(shellPrograms, name):
			i := 1 + slices.IndexFunc(own, func(w *document.Node) bool { return shellCommand.MatchString(w.Text) })
			if i == 0 || i == len(own) {
				return all, own
			}
			command := slices.Concat(pieces(own[i], serverWord), own[i+1:])
			all = slices.Concat(all[:len(all)-len(own)+i], command)
			own = command
			for j, w := range command { // cd tools && npx -y server
				if w.Is("&&", ";", "||") {
					own = command[j+1:]
				}
			}
		case assignment.MatchString(own[0].Text):
			own = own[1:]
		case slices.Contains(wrappers, name):
			own = behind(own[1:])
		default:
			return all, own
		}
	}
	return all, own
}

// behind leaves out a wrapper's own words.
func behind(words []*document.Node) []*document.Node {
	if i := slices.IndexFunc(words, func(w *document.Node) bool { return w.Text == "--" }); i >= 0 {
		return words[i+1:]
	}
	if i := slices.IndexFunc(words, func(w *document.Node) bool { _, ok := runners[program(w.Text)]; return ok }); i >= 0 {
		return words[i:]
	}
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") {
		words = words[1:]
	}
	return words
}

// program is the name of a program without its folder and Windows' ending.
func program(text string) string {
	name := path.Base(strings.ReplaceAll(text, `\`, "/"))
	for _, ext := range []string{".exe", ".cmd", ".bat"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// runners fetch a package and run it: the subcommands by which they do, none
// where they do nothing else.
var runners = map[string][]string{
	"npx": nil, "bunx": nil, "pnpx": nil, "uvx": nil, "dnx": nil,
	"uv": {"tool", "x", "run"}, "pnpm": {"dlx"}, "yarn": {"dlx"}, "npm": {"exec", "x"}, "bun": {"x"}, "pipx": {"run"}, "deno": {"run", "x"}, "go": {"run"},
}

// readPackages reports a server that is fetched in whatever version is newest.
func readPackages(f *File, s *server) {
	verbs, ok := runners[s.command]
	if !ok {
		return
	}
	verb, args := "", s.args
	if verbs != nil {
		var before, after []*document.Node
		if verb, before, after = subcommand(s.args, runnerFlags); !slices.Contains(verbs, verb) {
			return
		}
		args = slices.Concat(before, after)
	}
	for _, p := range packagesOf(s.command, verb, args) {
		readPackage(f, s, p)
	}
}

// subcommand is the first word that is no flag of a program's arguments, and
// what stands before and after it; valued are flags with a value of their own.
func subcommand(args []*document.Node, valued []string) (verb string, before, after []*document.Node) {
	for i := 0; i < len(args); i++ {
		switch text := args[i].Text; {
		case slices.Contains(valued, text):
			i++
		case !strings.HasPrefix(text, "-"):
			return text, args[:i], args[i+1:]
		}
	}
	return "", args, nil
}

// packagesOf are the packages that a runner's arguments name.
func packagesOf(command, verb string, args []*document.Node) []*document.Node {
	if verb == "tool" { // uv tool run
		_, _, args = subcommand(args, runnerFlags)
	}
	project := command == "uv" && verb == "run" // what is run lies in the project
	switch {
	case project:
		return flagValues(args, "--with")
	case command == "deno":
		return slices.DeleteFunc(slices.Clone(args), func(a *document.Node) bool {
			return !strings.HasPrefix(a.Text, "npm:") && !strings.HasPrefix(a.Text, "jsr:")
		})
	case command == "dnx" && slices.ContainsFunc(args, func(a *document.Node) bool { return a.Is("--version") }):
		return nil
	}
	if named := flagValues(args, "--from", "-p", "--package", "--spec"); len(named) > 0 {
		return named
	}
	for i := 0; i < len(args); i++ {
		switch text := args[i].Text; {
		case slices.Contains(runnerFlags, text):
			i++
		case !strings.HasPrefix(text, "-"):
			if command == "go" && !strings.Contains(text, "@") {
				return nil // its version is go.mod's
			}
			return args[i : i+1]
		}
	}
	return nil
}

// runnerFlags have a value of their own.
var runnerFlags = []string{"--python", "--with", "--index-url", "--registry", "--directory", "--prefix", "--cache", "--index", "--extra-index-url", "--default-index", "--cwd", "--with-editable", "--with-requirements", "--project", "--env-file", "--refresh-package", "--userconfig", "--source", "--filter", "-C", "--dir"}

// flagValues are the values of flags, up to the program's own arguments.
func flagValues(args []*document.Node, flags ...string) []*document.Node {
	var all []*document.Node
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i].Text, "=")
		switch {
		case !strings.HasPrefix(name, "-") || name == "--":
			return all
		case joined && slices.Contains(flags, name):
			all = append(all, part(args[i], len(name)+1, len(args[i].Text)))
		case !joined && slices.Contains(flags, name) && i+1 < len(args):
			i++
			all = append(all, args[i])
		case slices.Contains(runnerFlags, name) && !joined:
			i++
		}
	}
	return all
}

var (
	exactVersion = regexp.MustCompile(`^[v=]*\d+\.\d+\.\d+`)
	rangeVersion = regexp.MustCompile(`^[v=~^<>*]*\d`)
	gitCommit    = regexp.MustCompile(`^([0-9a-f]{7,40}|v?\d[\w.-]*)$`)
	// gitFragment says where in a repository a Python package lies.
	gitFragment = regexp.MustCompile(`#(subdirectory|egg)=.*$`)
	// notFetched is a file or a folder of the machine.
	notFetched = regexp.MustCompile(`^[./~]|^file:|\\|\.(tgz|whl|tar\.gz|js|py|mjs|ts)$`)
	// pythonVersion is what stands behind a Python package's name.
	pythonVersion = regexp.MustCompile(`^[\w.-]+(?:\[[^\]]*\])?\s*(===?|[~<>!]=|[<>@])\s*(.*)$`)
)

// fromGit is a package that is fetched from a repository: an address, or
// npm's owner/name.
var fromGit = regexp.MustCompile(`git\+|^(github|gitlab|bitbucket):|^git://|^[\w-]+/[\w.-]+(#.*)?$`)

// versionOf takes a package apart: its name, the version that is asked for,
// and whether that is the only one that will do.
func versionOf(text string, python bool) (name, version string, exact bool) {
	switch {
	case fromGit.MatchString(text):
		text = gitFragment.ReplaceAllString(text, "")
		at := max(strings.LastIndexByte(text, '#'), strings.LastIndexByte(text, '@'))
		if at <= strings.LastIndex(text, "/") {
			return text, "", false
		}
		return text[:at], text[at+1:], gitCommit.MatchString(text[at+1:])
	case python:
		m := pythonVersion.FindStringSubmatchIndex(text)
		if m == nil {
			return text, "", false
		}
		sign, version := text[m[2]:m[3]], text[m[4]:m[5]]
		exact = rangeVersion.MatchString(version) && !strings.Contains(version, "*")
		return text[:m[2]], strings.TrimPrefix(sign, "@") + version, exact && (sign[0] == '=' || sign == "@")
	}
	at := strings.LastIndexByte(text, '@')
	if at <= 0 {
		return text, "", false
	}
	return text[:at], text[at+1:], exactVersion.MatchString(text[at+1:])
}

func readPackage(f *File, s *server, p *document.Node) {
	text := p.Text
	if notFetched.MatchString(text) || strings.Contains(text, "://") && !fromGit.MatchString(text) {
		return
	}
	python := s.command == "uvx" || s.command == "uv" || s.command == "pipx"
	equals, mark := "@", "#"
	if python {
		equals, mark = "==", "@"
	}
	name, version, exact := versionOf(text, python)
	switch {
	case exact:
	case variablePart.MatchString(text):
		f.Unknown(p)
	case fromGit.MatchString(text):
		f.Report(p, Problem{Rule: serverUnpinned, Subject: s.subject(), Why: "runs whatever stands in " + name + " on the day", Narrower: "the commit that was looked at: " + name + mark + "COMMIT"})
	case rangeVersion.MatchString(version) && version != "":
		f.Report(p, Problem{Rule: serverUnpinned, Severity: rule.Low, Subject: s.subject(), Why: "runs the newest release of " + name + " that " + version + " lets in", Narrower: name + equals + "VERSION, with all its numbers"})
	default:
		f.Report(p, Problem{Rule: serverUnpinned, Subject: s.subject(), Why: "runs whatever " + name + "'s newest release is", Narrower: name + equals + "VERSION"})
	}
}

// variablePart is a part that is filled in where the file is used.
var variablePart = regexp.MustCompile(`\$\w|\$?\{|%\w+%|<[A-Za-z]`)
