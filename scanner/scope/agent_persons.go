package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// personTokens are beginnings of tokens that are of a person.
// Sources: github.blog/2021-04-05-behind-githubs-new-authentication-token-formats, docs.slack.dev/authentication/tokens,
// linear.app/developers/graphql, developers.figma.com/docs/rest-api/authentication.
var personTokens = []struct{ prefix, why, narrower string }{
	{"ghp_", "acts as a person, in every repository of theirs", "a GitHub App's token, or a fine-grained one (github_pat_) for the repositories that are meant"},
	{"gho_", "acts as a person, in every repository of theirs", "a GitHub App's token, or a fine-grained one (github_pat_) for the repositories that are meant"},
	{"xoxp-", "acts as a person, in every channel of theirs", "a bot's token (xoxb-) with the scopes of the tools that are used"},
	{"xoxc-", "acts as a person, with the session of their browser", "a bot's token (xoxb-) with the scopes of the tools that are used"},
	{"xoxd-", "acts as a person, with the session of their browser", "a bot's token (xoxb-) with the scopes of the tools that are used"},
	{"lin_api_", "acts as a person, in every team of theirs", "an OAuth application's token with actor=app and the scope read"},
	{"figd_", "acts as a person, on every file of theirs", "a token of an account for the agent, with the scope file_content:read"},
}

// reportPerson reports a token that is of a person by how it begins, at the
// name that it is given to.
func reportPerson(f *File, s *server, name *document.Node, token string) {
	for _, t := range personTokens {
		if strings.HasPrefix(token, t.prefix) {
			f.Report(name, Problem{Rule: agentPerson, Subject: s.subject(), Value: t.prefix + "…", Why: t.why, Narrower: t.narrower})
		}
	}
}

// personNames are the variables of Slack's servers for tokens of a person, and
// how those begin.
// Source: github.com/korotovsky/slack-mcp-server.
var personNames = map[string]string{
	"SLACK_MCP_XOXP_TOKEN": "xoxp-", "SLACK_MCP_XOXC_TOKEN": "xoxc-", "SLACK_MCP_XOXD_TOKEN": "xoxd-",
	"SLACK_XOXP_TOKEN": "xoxp-", "SLACK_XOXC_TOKEN": "xoxc-", "SLACK_XOXD_TOKEN": "xoxd-",
	"SLACK_USER_TOKEN": "xoxp-",
}

// personLogin prints the token of whoever is logged in.
var personLogin = regexp.MustCompile(`(?:\$\(|\x60)\s*(?:gh auth token|gcloud auth (?:application-default )?print-access-token)\b`)

// readServerPersons reports what makes a server act as a person, though the
// token itself is not in the file.
func readServerPersons(f *File, s *server) {
	for _, m := range s.variables() {
		switch {
		case m.Value.Str() == "":
		case personNames[m.Key.Text] != "":
			reportPerson(f, s, m.Key, personNames[m.Key.Text])
		case m.Key.Is("GOOGLE_APPLICATION_CREDENTIALS") && strings.HasSuffix(m.Value.Text, "application_default_credentials.json"):
			f.Report(m.Value, Problem{Rule: agentPerson, Subject: s.subject(), Why: "acts as the person who is logged in to gcloud", Narrower: "gcloud auth application-default login --impersonate-service-account=ACCOUNT, with an account of the agent's own"})
		}
	}
	for _, n := range slices.Concat(s.Get("command").Strings(), s.Get("args").Strings()) {
		for _, login := range pieces(n, personLogin) {
			f.Report(login, Problem{Rule: agentPerson, Subject: s.subject(), Why: "acts as the person who is logged in", Narrower: "a variable with the token of an account, or of an app, of the agent's own"})
		}
	}
}

// readServerAgent reports a server that is an agent itself, and never asks.
func readServerAgent(f *File, s *server) {
	var line strings.Builder
	ends := make([]int, len(s.words))
	for i, w := range s.words {
		line.WriteString(w.Text + " ")
		ends[i] = line.Len()
	}
	at := neverAsks.FindStringIndex(line.String())
	if at == nil {
		return
	}
	i, _ := slices.BinarySearch(ends, at[1])
	f.Report(s.words[i], Problem{Rule: agentBypass, Subject: s.subject(), Why: "starts an agent that never asks", Narrower: "the server without the flag, with the tools that are used allowed by name"})
}
