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

// actionNeeds are the permissions that actions need, by their names.
var actionNeeds = sync.OnceValue(func() map[string][]string {
	needs := make(map[string][]string)
	for line := range strings.Lines(actionsTable) {
		name, permissions, ok := strings.Cut(strings.TrimSpace(line), " | ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if permissions == "none" {
			needs[strings.ToLower(name)] = nil
			continue
		}
		needs[strings.ToLower(name)] = strings.Split(permissions, ", ")
	}
	return needs
})

// readingCommands are the beginnings of commands that do not use the job's
// token, for each program what may follow it; none: anything.
var readingCommands = map[string][]string{
	"go": {"test", "vet", "build", "mod", "version", "fmt", "env", "list"}, "gofmt": nil, "staticcheck": nil, "golangci-lint": nil,
	"npm": {"ci", "install", "test", "run lint", "run build", "run test", "t"}, "yarn": {"install", "test", "lint", "build", "--frozen-lockfile"}, "pnpm": {"install", "test", "lint", "build", "i"},
	"cargo": {"test", "build", "check", "clippy", "fmt", "bench", "doc"}, "rustup": nil, "pip": nil, "pip3": nil, "pytest": nil, "tox": nil, "nox": nil, "ruff": nil, "mypy": nil, "black": nil, "flake8": nil, "eslint": nil,
	"python": {"-m pip", "-m pytest", "-m build", "-m unittest", "-m mypy", "-m venv", "--version"}, "bundle": {"install", "exec rspec", "exec rubocop"}, "rake": {"test", "spec"},
	"mvn": {"test", "verify", "package", "-B"}, "./mvnw": {"test", "verify", "package"}, "gradle": {"test", "build", "check"}, "./gradlew": {"test", "build", "check"}, "dotnet": {"test", "build", "restore", "format"},
	"make": {"test", "build", "lint", "check", "vet", "all", "fmt"}, "cmake": nil, "ctest": nil, "ninja": nil, "composer": {"install", "validate"}, "vendor/bin/phpunit": nil, "shellcheck": nil, "yamllint": nil,
	"echo": nil, "ls": nil, "cat": nil, "cd": nil, "mkdir": nil, "sudo": {"apt-get", "apt"}, "apt-get": nil, "test": nil, "export": nil, "uname": nil, "env": nil, "terraform": {"fmt", "validate", "init -backend=false"}, "helm": {"lint", "template"}, "uv": {"sync", "run pytest", "run ruff", "run mypy", "pip"},
}

// stepNeeds returns the permissions that a job's steps need; known is false
// where that cannot be told.
func stepNeeds(job *document.Node) (needs []string, known bool) {
	steps := job.Get("steps").Values()
	if len(steps) == 0 {
		return nil, false
	}
	for _, s := range steps {
		if mentionsToken(s) {
			return nil, false
		}
		if uses := s.Get("uses"); uses != nil {
			more, ok := actionNeed(uses.Str())
			if !ok {
				return nil, false
			}
			needs = append(needs, more...)
		}
		if run := s.Get("run"); run != nil && !onlyReads(run.Str()) {
			return nil, false
		}
	}
	return needs, true
}

// mentionsToken tells whether a step is handed a token by its own words.
func mentionsToken(step *document.Node) bool {
	found := false
	for _, key := range []string{"env", "with", "run"} {
		step.Get(key).Walk(func(n *document.Node) bool {
			found = found || strings.Contains(n.Text, "secrets.") || strings.Contains(n.Text, "github.token") || strings.Contains(n.Text, "GITHUB_TOKEN")
			return !found
		})
	}
	return found
}

// actionNeed returns what an action needs: owner/name@version, also of a
// folder below it.
func actionNeed(uses string) (needs []string, known bool) {
	name, _, _ := strings.Cut(strings.ToLower(uses), "@")
	for {
		if needs, ok := actionNeeds()[name]; ok {
			return needs, true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return nil, false
		}
		name = name[:i]
	}
}

// splitCommands parts a script into commands.
var splitCommands = regexp.MustCompile(`\n|&&|\|\||;|\|`)

// onlyReads tells whether every command of a script is known not to use the
// job's token.
func onlyReads(script string) bool {
	if strings.Contains(script, "<<") {
		return false
	}
	script = strings.ReplaceAll(script, "\\\n", " ")
	for _, command := range splitCommands.Split(script, -1) {
		command = strings.TrimSpace(command)
		if command == "" || strings.HasPrefix(command, "#") {
			continue
		}
		if strings.Contains(command, "$(") || strings.Contains(command, "`") {
			return false
		}
		first, rest, _ := strings.Cut(command, " ")
		may, ok := readingCommands[first]
		rest = strings.TrimSpace(rest)
		if !ok || may != nil && rest != "" && !slices.ContainsFunc(may, func(m string) bool { return rest == m || strings.HasPrefix(rest, m+" ") }) || may != nil && rest == "" && first != "make" {
			return false
		}
	}
	return true
}
