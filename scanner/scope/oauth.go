package scope

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/remint/remint/scanner/rule"
)

//go:embed vocabulary.txt
var vocabulary string

// entry is a row of the vocabulary.
type entry struct {
	provider, scope string
	narrower        string
	opens           string
}

// words is the vocabulary: rows by scope, and those with a "*" in it.
type words struct {
	exact    map[string][]entry
	patterns []pattern
}

type pattern struct {
	entry
	match *regexp.Regexp
}

var parsed = sync.OnceValue(func() *words {
	w := &words{exact: make(map[string][]entry)}
	for _, line := range strings.Split(vocabulary, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " | ")
		if len(fields) != 4 {
			continue // a test asserts that there is none
		}
		e := entry{fields[0], fields[1], fields[2], fields[3]}
		if strings.Contains(e.scope, "*") {
			parts := strings.Split(e.scope, "*")
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			w.patterns = append(w.patterns, pattern{e, regexp.MustCompile(`^` + strings.Join(parts, `[A-Za-z._:-]+`) + `$`)})
			continue
		}
		w.exact[e.scope] = append(w.exact[e.scope], e)
	}
	return w
})

// microsoftPrefixes may stand before a Microsoft scope.
var microsoftPrefixes = []string{"https://graph.microsoft.com/", "https://outlook.office.com/", "https://outlook.office365.com/", "https://microsoftgraph.chinacloudapi.cn/", "https://graph.microsoft.us/"}

// OAuth judges an OAuth scope. provider is who grants it, a word of the
// vocabulary, or "" where that is not known: then only scopes that no one else
// would name alike are judged.
func OAuth(provider, text string) (Problem, bool) {
	if text == "*" || text == "*:*" {
		return Problem{
			Rule: OAuthRule, Severity: rule.High, Value: text,
			Why: "opens everything that the provider can grant", Narrower: "the scopes of the calls that are made",
		}, true
	}
	name := text
	for _, p := range microsoftPrefixes {
		if rest, ok := strings.CutPrefix(text, p); ok {
			name, provider = rest, "microsoft"
		}
	}
	e, ok := lookup(provider, name)
	if !ok {
		return Problem{}, false
	}
	p := Problem{Rule: OAuthRule, Severity: rule.Medium, Value: text, Why: e.opens, Narrower: e.narrower}
	for _, n := range strings.Split(e.narrower, ", ") {
		if !strings.Contains(n, " ") {
			p.Scopes = append(p.Scopes, strings.TrimSuffix(text, name)+n)
		}
	}
	return p, true
}

func lookup(provider, name string) (entry, bool) {
	w := parsed()
	for _, e := range w.exact[name] {
		if e.provider == provider || provider == "" && distinctive(name) {
			return e, true
		}
	}
	for _, p := range w.patterns {
		if (p.provider == provider || provider == "" && p.provider != "slack" && p.provider != "zoom") && p.match.MatchString(name) {
			return p.entry, true
		}
	}
	return entry{}, false
}

// distinctive tells whether a scope alone says whose it is: a plain word, such
// as admin, may be anybody's.
func distinctive(name string) bool {
	return strings.ContainsAny(name, ":/.") && name != "all:read" && !strings.HasPrefix(name, "users:") && !strings.HasPrefix(name, "search:")
}

// Providers are the providers of the vocabulary and the hosts and package
// names by which code tells them.
var Providers = map[string][]string{
	"google":       {"google", "googleapis.com", "accounts.google.com", "google.golang.org", "cloud.google.com"},
	"github":       {"github", "github.com"},
	"gitlab":       {"gitlab", "gitlab.com"},
	"slack":        {"slack", "slack.com"},
	"microsoft":    {"microsoft", "microsoftonline", "microsoftgraph", "azure", "azuread", "azureadv2", "login.microsoftonline.com", "graph.microsoft.com"},
	"atlassian":    {"atlassian", "jira", "auth.atlassian.com"},
	"bitbucket":    {"bitbucket", "bitbucket.org"},
	"discord":      {"discord", "discord.com", "discordapp.com"},
	"okta":         {"okta", "okta.com", "oktapreview.com"},
	"heroku":       {"heroku", "heroku.com"},
	"fastly":       {"fastly", "fastly.com"},
	"tailscale":    {"tailscale", "tailscale.com"},
	"digitalocean": {"digitalocean", "digitalocean.com"},
	"salesforce":   {"salesforce", "salesforce.com"},
	"stripe":       {"stripe", "stripe.com"},
	"linear":       {"linear", "linear.app"},
	"hubspot":      {"hubspot", "hubspot.com"},
	"zoom":         {"zoom", "zoom.us"},
	"spotify":      {"spotify", "spotify.com"},
	"dropbox":      {"dropbox", "dropbox.com"},
}

// oauthHost is a host of a provider.
type oauthHost struct{ provider, name string }

// oauthNames are the providers by each of their names, and their hosts.
var oauthNames = sync.OnceValues(func() (map[string]string, []oauthHost) {
	byName, hosts := make(map[string]string), []oauthHost(nil)
	for _, provider := range slices.Sorted(maps.Keys(Providers)) {
		for _, n := range Providers[provider] {
			byName[n] = provider
			if strings.Contains(n, ".") {
				hosts = append(hosts, oauthHost{provider, n})
			}
		}
	}
	return byName, hosts
})

// ProviderOf returns the provider that a host, address or package name is of,
// or "".
func ProviderOf(text string) string {
	lower := strings.ToLower(text)
	byName, hosts := oauthNames()
	if p := byName[lower]; p != "" || !strings.Contains(lower, ".") {
		return p
	}
	for _, h := range hosts {
		if namesHost(lower, h.name) {
			return h.provider
		}
	}
	return ""
}

// namesHost tells whether an address has a host, or one below it.
func namesHost(text, host string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], host)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(host)
		if (i == 0 || text[i-1] == '.' || text[i-1] == '/' || text[i-1] == '@') && (end == len(text) || strings.IndexByte("/:?#", text[end]) >= 0) {
			return true
		}
		at = end
	}
}
