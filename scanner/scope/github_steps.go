package scope

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/remint/remint/scanner/scope/document"
)

//go:embed actions.txt
var actionsTable string

// actionNeed is what an action needs where an input says so, or always.
type actionNeed struct {
	input, text string // the input is there, and has the text
	permissions []string
}

// actionNeeds are the permissions that actions need, by their names.
var actionNeeds = sync.OnceValue(func() map[string][]actionNeed {
	needs := make(map[string][]actionNeed)
	for line := range strings.Lines(actionsTable) {
		action, permissions, ok := strings.Cut(strings.TrimSpace(line), " | ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		var n actionNeed
		name, condition, _ := strings.Cut(strings.ToLower(action), " if ")
		n.input, n.text, _ = strings.Cut(condition, "~")
		if permissions != "none" {
			n.permissions = strings.Split(permissions, ", ")
		}
		needs[name] = append(needs[name], n)
	}
	return needs
})

// holds tells whether a step's inputs are such that the need is there.
func (n *actionNeed) holds(with *document.Node) bool {
	if n.input == "" {
		return true
	}
	value := with.Get(n.input)
	if value == nil || value.Text == "false" || value.Str() == "" && value.Kind == document.String {
		return false
	}
	return strings.Contains(value.Text, n.text) || strings.Contains(value.Text, "${{")
}

// needOf returns what a step's action needs: owner/name@version, also of a
// folder below it.
func needOf(step *document.Node) (needs []string, known bool) {
	uses := step.Get("uses").Str()
	name := actionName(uses)
	if name == "actions/github-script" {
		return nil, scriptReads(step.Get("with", "script").Str())
	}
	for {
		if listed, ok := actionNeeds()[name]; ok {
			for i := range listed {
				if listed[i].holds(step.Get("with")) {
					needs = append(needs, listed[i].permissions...)
				}
			}
			return needs, true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return nil, false
		}
		name = name[:i]
	}
}

// Patterns of github-script: the API's methods, and what reaches beyond them.
var (
	scriptMethod = regexp.MustCompile(`\b(?:github|octokit)\.(?:rest\.)?\w+\.(\w+)`)
	scriptBeyond = regexp.MustCompile(`\brequire\(|\bimport\b|\bexec\b|\bfetch\(|\.(?:request|graphql)\b|\b(?:github|octokit)\b\s*[,)\[]`)
)

// scriptReads tells whether a script of actions/github-script only reads.
func scriptReads(script string) bool {
	if script == "" || scriptBeyond.MatchString(script) {
		return false
	}
	return !slices.ContainsFunc(scriptMethod.FindAllStringSubmatch(script, -1), func(m []string) bool {
		return !strings.HasPrefix(m[1], "get") && !strings.HasPrefix(m[1], "list") && !strings.HasPrefix(m[1], "check")
	})
}

// jobNeeds returns the permissions that a job's steps need; known is false
// where that cannot be told.
func jobNeeds(w *workflow, job *document.Node) (needs []string, known bool) {
	steps := job.Get("steps").Values()
	if len(steps) == 0 {
		return nil, false
	}
	everywhere := w.tokens || mentionsToken(job.Get("env"))
	for _, s := range steps {
		token := everywhere || mentionsToken(s.Get("env"))
		if s.Get("uses") != nil {
			more, ok := needOf(s)
			if !ok || token && len(more) == 0 && len(s.Get("env").Entries()) > 0 {
				return nil, false // a program that an action starts has the token
			}
			needs = append(needs, more...)
		}
		if run := s.Get("run"); run != nil {
			more, ok := scriptNeeds(run.Str(), token || mentionsToken(run))
			if !ok {
				return nil, false
			}
			needs = append(needs, more...)
		}
	}
	return needs, true
}

// mentionsToken tells whether something holds a token.
func mentionsToken(n *document.Node) bool {
	found := false
	n.Walk(func(n *document.Node) bool {
		found = found || strings.Contains(n.Text, "secrets.") || strings.Contains(n.Text, "github.token") || strings.Contains(n.Text, "GITHUB_TOKEN")
		return !found
	})
	return found
}

// looksAtFiles are programs that run nothing of the working folder and do not
// use a token in the environment.
var looksAtFiles = []string{"echo", "printf", "ls", "cat", "cd", "pwd", "mkdir", "cp", "mv", "rm", "chmod", "touch", "head", "tail", "grep", "sort", "uniq", "wc", "cut", "tr", "sed", "jq", "diff", "find",
	"test", "[", "[[", "true", "exit", "set", "export", "unset", "uname", "date", "sleep", "which", "df", "tar", "zip", "unzip", "sha256sum", "git", "gh", "for", "}", "{"}

// readingCommands are the beginnings of commands that do not use the job's
// token unless it is handed to them, for each program what may follow it; none:
// anything.
var readingCommands = map[string][]string{
	"go": {"test", "vet", "build", "mod", "version", "fmt", "env", "list", "generate", "install", "tool"}, "gofmt": nil, "staticcheck": nil, "golangci-lint": nil, "gosec": nil, "govulncheck": nil,
	"node": {"--version", "-v"}, "corepack": nil, "tsc": nil, "eslint": nil, "prettier": nil, "jest": nil, "vitest": nil,
	"npm":  append([]string{"ci", "install", "i", "test", "t", "audit", "--version", "-v"}, readingScripts("run ")...),
	"yarn": append(append([]string{"install", "--frozen-lockfile", "--version"}, readingScripts("")...), readingScripts("run ")...),
	"pnpm": append(append([]string{"install", "i", "--version"}, readingScripts("")...), readingScripts("run ")...),
	"bun":  append([]string{"install", "test"}, readingScripts("run ")...),
	"npx":  {"tsc", "eslint", "prettier", "jest", "vitest", "mocha", "playwright install", "playwright test", "cypress run"},
	"deno": {"lint", "test", "check", "fmt", "cache"}, "cargo": {"test", "nextest run", "build", "check", "clippy", "fmt", "bench", "doc", "install", "audit", "deny"}, "rustup": nil,
	"pip": nil, "pip3": nil, "pipx": {"install"}, "pytest": nil, "tox": nil, "nox": nil, "ruff": nil, "mypy": nil, "black": nil, "isort": nil, "flake8": nil, "pylint": nil, "pre-commit": {"run", "install"},
	"python": pythonReads, "python3": pythonReads, "poetry": {"install", "check", "run pytest", "run ruff", "run mypy", "run black"}, "pipenv": {"install", "sync", "run pytest"}, "uv": {"sync", "run pytest", "run ruff", "run mypy", "pip"},
	"bundle": {"install", "exec rspec", "exec rubocop", "exec rake test", "exec rake spec"}, "rake": {"test", "spec"}, "rspec": nil, "rubocop": nil, "composer": {"install", "validate"}, "vendor/bin/phpunit": nil, "vendor/bin/phpstan": nil,
	"mvn": mavenReads, "./mvnw": mavenReads, "gradle": gradleReads, "./gradlew": gradleReads, "dotnet": {"test", "build", "restore", "format"},
	"make": {"test", "build", "lint", "check", "vet", "all", "fmt"}, "cmake": nil, "ctest": nil, "ninja": nil, "mix": {"deps.get", "compile", "test", "format", "credo"}, "swift": {"build", "test"}, "flutter": {"pub get", "analyze", "test"}, "dart": {"pub get", "analyze", "test", "format"},
	"shellcheck": nil, "yamllint": nil, "docker": {"build", "buildx build", "images", "compose build", "version", "info"}, "sudo": {"apt-get", "apt"}, "apt-get": nil, "helm": {"lint", "template"},
	"terraform": {"fmt", "validate", "init", "plan", "show", "version"}, "tofu": {"fmt", "validate", "init", "plan", "show", "version"},
}

// What follows programs that have two names.
var (
	pythonReads = []string{"-m pip", "-m pytest", "-m build", "-m unittest", "-m mypy", "-m venv", "-m tox", "-m compileall", "--version"}
	mavenReads  = []string{"test", "verify", "package", "compile", "install", "clean test", "clean verify", "clean package", "clean install"}
	gradleReads = []string{"test", "build", "check", "assemble", "lint", "clean test", "clean build", "clean check"}
)

// readingScripts are a package's scripts that by their names only look at the
// code, behind what a package manager runs them by.
func readingScripts(run string) []string {
	var all []string
	for _, name := range []string{"test", "lint", "build", "typecheck", "type-check", "check", "format", "format:check", "test:unit", "test:ci", "test:coverage", "lint:check"} {
		all = append(all, run+name)
	}
	return all
}

// leadingOptions stand before what a program is to do.
var leadingOptions = regexp.MustCompile(`^(?:-\S+\s+)+`)

// onlyReads tells whether a command does not use the job's token unless it is
// handed to it.
func onlyReads(program, rest string) bool {
	may, listed := readingCommands[program]
	if !listed || strings.Contains(rest, "--push") {
		return false
	}
	bare := leadingOptions.ReplaceAllString(rest, "")
	return may == nil || rest == "" && program == "make" || slices.ContainsFunc(may, func(m string) bool {
		return strings.HasPrefix(rest+" ", m+" ") || strings.HasPrefix(bare+" ", m+" ")
	})
}

// scriptNeeds returns what the commands of a script need. With a token at hand
// only those are known that are GitHub's own or do not look at it.
func scriptNeeds(script string, token bool) (needs []string, known bool) {
	if strings.Contains(script, "<<") {
		return nil, false
	}
	for _, command := range scriptCommands(script) {
		program, rest, _ := strings.Cut(command, " ")
		rest = strings.TrimSpace(rest)
		more, ok := []string(nil), false
		switch {
		case program == "gh":
			more, ok = ghNeeds(rest)
		case program == "git":
			more, ok = gitNeeds(rest), true
		case program == "docker" && dockerVerbs[firstWord(rest)] != "":
			more, ok = []string{dockerVerbs[firstWord(rest)]}, true
		case slices.Contains(looksAtFiles, program):
			ok = true
		case !token:
			ok = onlyReads(program, rest)
		}
		if !ok {
			return nil, false
		}
		needs = append(needs, more...)
	}
	return needs, true
}

// gitNeeds is what a command of git needs.
func gitNeeds(rest string) []string {
	if strings.Contains(" "+rest+" ", " push ") {
		return []string{"contents: write"}
	}
	return []string{"contents: read"}
}

// dockerVerbs are commands of docker that neither build nor run, and what they
// need.
var dockerVerbs = map[string]string{"push": "packages: write", "manifest": "packages: write", "pull": "packages: read", "login": "packages: read", "logout": "packages: read", "tag": "packages: read", "images": "packages: read", "inspect": "packages: read"}

// firstWord is a command's first word.
func firstWord(command string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	return word
}

// ghNouns are the permissions of gh's commands.
// Source: cli.github.com/manual.
var ghNouns = map[string][]string{"pr": {"pull-requests", "issues", "contents"}, "issue": {"issues", "pull-requests"}, "label": {"issues", "pull-requests"}, "release": {"contents"}, "run": {"actions"}, "workflow": {"actions"}, "cache": {"actions"}, "repo": {"contents"}}

// ghReads are verbs of gh that only read.
var ghReads = []string{"list", "view", "status", "diff", "checks", "checkout", "download", "watch", "clone", "verify", "verify-asset"}

// ghWrites tells of a call of the API that it may write.
var ghWrites = regexp.MustCompile(`(^|\s)(-X|--method|-f|-F|--field|--raw-field|--input|graphql)\b`)

// ghNeeds is what a command of GitHub's own program needs.
func ghNeeds(rest string) (needs []string, known bool) {
	noun, more, _ := strings.Cut(rest, " ")
	if noun == "api" {
		return nil, !ghWrites.MatchString(more)
	}
	permissions, known := ghNouns[noun]
	level := ": write"
	if slices.Contains(ghReads, firstWord(more)) {
		level = ": read"
	}
	for _, p := range permissions {
		needs = append(needs, p+level)
	}
	return needs, known
}

// Patterns by which a script falls into commands.
var (
	splitCommands     = regexp.MustCompile(`\n|&&|\|\||;|\|`)
	shellSubstitution = regexp.MustCompile("\\$\\(([^()]*)\\)|`([^`]*)`")
	shellArithmetic   = regexp.MustCompile(`\$\(\([^()]*\)\)`)
	anExpression      = regexp.MustCompile(`\$\{\{[^{}]*\}\}`)
	shellQuoted       = regexp.MustCompile(`'[^'\n]*'|"[^"\n]*"`)
	commandPrefix     = regexp.MustCompile(`^(?:(?:if|then|else|elif|do|while|until|!|time)\s+|[A-Za-z_]\w*=[^\s'"]*\s*)+`)
)

// maxSubstitutions is how deep commands may stand in commands.
const maxSubstitutions = 10

// shellKeywords are words of a shell that stand where a command may, and run
// none.
var shellKeywords = []string{"fi", "done", "then", "else", "do", "esac", "in"}

// scriptCommands parts a script into commands, those whose output is a part of
// others among them. What is quoted is no command.
func scriptCommands(script string) []string {
	script = strings.ReplaceAll(strings.ReplaceAll(script, "\\\r\n", " "), "\\\n", " ")
	script = shellArithmetic.ReplaceAllString(anExpression.ReplaceAllString(script, "0"), "0")
	var all []string
	for depth := 0; shellSubstitution.MatchString(script); depth++ {
		if depth == maxSubstitutions {
			return []string{"$("} // no command that anybody knows
		}
		for _, m := range shellSubstitution.FindAllStringSubmatch(script, -1) {
			all = append(all, scriptCommands(m[1]+m[2])...)
		}
		script = shellSubstitution.ReplaceAllString(script, "0")
	}
	lines := strings.Split(script, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "#") })
	script = shellQuoted.ReplaceAllString(strings.Join(lines, "\n"), "0")
	for _, command := range splitCommands.Split(script, -1) {
		command = strings.TrimSpace(commandPrefix.ReplaceAllString(strings.TrimSpace(command), ""))
		if command != "" && !slices.Contains(shellKeywords, command) {
			all = append(all, command)
		}
	}
	return all
}
