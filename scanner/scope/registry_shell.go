package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// registryWords are one of the words of every command that is judged.
var registryWords = []string{"token create", "repo:admin", "hub.docker.com", "applied-permissions/admin", "grant-admin"}

// readRegistryCommands reads the commands in a scalar: a step's script, an npm
// script, a shell script as a whole.
func readRegistryCommands(f *File, n *document.Node) {
	if !slices.ContainsFunc(registryWords, func(w string) bool { return strings.Contains(n.Text, w) }) {
		return
	}
	for _, words := range commandsOf(f, n) {
		readRegistryCommand(f, words)
	}
}

func readRegistryCommand(f *File, words []*document.Node) {
	for i, w := range words {
		if i+2 < len(words) && w.Is("npm", "pnpm") && follows(words[i:], "token", "create") {
			readNpmCreate(f, words[i:])
			return
		}
		switch w.Text[strings.LastIndexByte(w.Text, '/')+1:] {
		case "curl", "http", "https", "wget":
			readRegistryRequest(f, words[i:])
			return
		case "jf", "jfrog":
			readJFrog(f, words[i:])
			return
		}
	}
}

func readNpmCreate(f *File, words []*document.Node) {
	p, wide, unknown := npmCreate(words)
	at := slices.IndexFunc(words, func(w *document.Node) bool { return w.Text == "token" })
	switch {
	case unknown:
		f.Unknown(words[at])
	case wide:
		p.Value, p.Subject = "npm token create", "token"
		f.Report(&document.Node{Kind: document.String, Text: p.Value, Start: words[at].Start, End: words[at+1].End}, p)
	}
}

// teamAdmin makes a team the administrator of a repository of Docker Hub.
var teamAdmin = regexp.MustCompile(`\\?"permission\\?"\s*:\s*\\?"(admin)\b`)

// readRegistryRequest reads a request to Docker Hub or Artifactory.
func readRegistryRequest(f *File, words []*document.Node) {
	hub := slices.ContainsFunc(words, func(w *document.Node) bool { return strings.Contains(w.Text, "hub.docker.com") })
	for _, w := range words {
		if i := strings.Index(w.Text, "repo:admin"); hub && i >= 0 {
			f.Report(part(w, i, i+len("repo:admin")), dockerHubAdmin("token"))
		}
		if m := teamAdmin.FindStringSubmatchIndex(w.Text); hub && m != nil {
			f.Report(part(w, m[2], m[3]), dockerTeamAdmin("team"))
		}
		reportArtifactory(f, w)
	}
}

// readJFrog reads the commands of JFrog's own program.
func readJFrog(f *File, words []*document.Node) {
	for _, w := range words {
		switch {
		case w.Is("--grant-admin", "--grant-admin=true"):
			f.Report(w, artifactoryAdmin("token"))
		case w.Is("--expiry=0"):
			f.Report(w, Problem{Rule: registryForever, Severity: rule.Medium, Subject: "token", Why: "makes a token that never ends", Narrower: "--expiry=3600"})
		}
		reportArtifactory(f, w)
	}
}

func reportArtifactory(f *File, w *document.Node) {
	const admin = "applied-permissions/admin"
	if i := strings.Index(w.Text, admin); i >= 0 {
		f.Report(part(w, i, i+len(admin)), artifactoryAdmin("token"))
	}
}
