package scope

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Rules of OAuth clients, beside OAuthRule.
const (
	oauthApp       = "scope-oauth-app"
	oauthAnyone    = "scope-oauth-anyone"
	oauthGithub    = "scope-github-app"
	oauthDiscord   = "scope-discord-admin"
	oauthAtlassian = "scope-atlassian-app"
)

// oauthClient reads the manifests by which OAuth clients say what they want.
// Sources: developers.google.com/apps-script/manifest, docs.slack.dev/reference/app-manifest,
// docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest,
// learn.microsoft.com/entra/identity-platform/reference-app-manifest,
// developer.atlassian.com/platform/forge/manifest-reference, discord.com/developers/docs/topics/permissions,
// docs.spring.io/spring-security/reference/servlet/oauth2/login.
var oauthClient = Format{
	Name:  "oauth-client",
	Files: "`appsscript.json`, manifests of Slack, GitHub and Microsoft apps, of Chrome extensions, of Forge and Connect (Atlassian), Discord's install parameters and links that add its bots, clients in YAML, JSON, `application*.properties` and `.env` (Spring, Quarkus, Keycloak, Auth0 and others: an id with scopes beside it), Terraform's `azuread` resources",
	Rules: []Rule{
		oauthRule,
		{
			ID: oauthApp, Name: "Microsoft app with a permission of its own that is too wide", Severity: rule.High,
			Opens: "The data of every user of the organisation, without any of them, for whoever holds the app's credential.",
			Steps: "Ask for the narrower permission, for a delegated one, or for a part alone: Sites.Selected, application access policies.",
			URL:   "https://learn.microsoft.com/graph/permissions-overview#best-practices-for-requesting-permissions",
		},
		{
			ID: oauthAnyone, Name: "Web app that anyone runs with its owner's rights", Severity: rule.High,
			Opens: "What the script may do in its owner's account, for everyone who has the address.",
			Steps: "Run it as the user who calls it, or let only the domain in.",
			URL:   "https://developers.google.com/apps-script/manifest/web-app-api-executable",
		},
		{
			ID: oauthGithub, Name: "GitHub App that administers", Severity: rule.High,
			Opens: "The settings, members or secrets of every repository and organisation that installs the app.",
			Steps: "Ask for read, or leave the permission out; ask for what is needed when it is needed.",
			URL:   "https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/choosing-permissions-for-a-github-app",
		},
		{
			ID: oauthDiscord, Name: "Discord bot that administers", Severity: rule.High,
			Opens: "Every channel, role and member of each server that the bot is added to.",
			Steps: "Add up the permissions that the bot's commands use.",
			URL:   "https://discord.com/developers/docs/topics/permissions",
		},
		{
			ID: oauthAtlassian, Name: "Atlassian app that administers, or talks to anyone", Severity: rule.High,
			Opens: "The settings or the users of each site that installs the app, or its data for any address.",
			Steps: "Ask for READ and WRITE, for granular scopes, and name the addresses that the app calls.",
			URL:   "https://developer.atlassian.com/platform/forge/manifest-reference/permissions/",
		},
	},
	Match: func(name string) bool {
		return hasExt(name, ".json", ".yaml", ".yml") || isTerraform(name) || isOAuthProperties(name) || isOAuthVariables(name)
	},
	Hints: append(slices.Clone(oauthManifests), "client-id", "client_id", "clientId", "clientID", "ClientId", "CLIENT_ID", "client.registration", "registration:"),
	Read:  readOAuthClient,
}

// oauthManifests are hints of manifests, which may hold permissions that are
// not called scopes.
var oauthManifests = []string{"oauthScopes", "oauth_config", "default_permissions", "resourceAppId", "azuread_", "cloud:ecosystem", `"authentication"`, "executeAs", "oauth2/authorize", "install_params"}

func readOAuthClient(f *File) {
	switch {
	case isOAuthProperties(f.Path):
		readRegistrations(f, oauthPropertyTree(f.Text), registration{})
		return
	case isOAuthVariables(f.Path):
		readRegistrations(f, oauthVariableTree(f.Text), registration{})
		return
	}
	if !hasHint(f.Text, oauthManifests) && !hasHint(f.Text, []string{"scope", "Scope", "SCOPE"}) {
		return // a client that asks for nothing
	}
	base := path.Base(f.Path)
	for _, d := range f.Docs() {
		if isTerraform(f.Path) {
			readAzureAD(f, d)
			continue
		}
		readGoogle(f, d)
		readSlack(f, d)
		readGithubApp(f, d)
		readResourceAccess(f, d)
		readAtlassian(f, d, base)
		readDiscord(f, d)
		if !agentServersFormat.Match(f.Path) && d.Get("openapi") == nil && d.Get("swagger") == nil {
			readRegistrations(f, d, registration{})
		}
	}
}

// readGoogle reads Apps Script's manifest, and add-ons.
func readGoogle(f *File, d *document.Node) {
	readScopes(f, "script", "google", d.Get("oauthScopes"))
	for _, m := range append(d.Get("entryPoints").Values(), d) {
		w := m.Get("webapp")
		who := w.Get("access")
		if !who.Is("ANYONE", "ANYONE_ANONYMOUS") || !w.Get("executeAs").Is("USER_DEPLOYING") {
			continue
		}
		p := Problem{Rule: oauthAnyone, Subject: "script", Why: "everyone who has the address runs the script with its owner's rights", Narrower: `"executeAs": "USER_ACCESSING", or "access": "DOMAIN"`}
		if who.Is("ANYONE") {
			p.Severity, p.Why = rule.Medium, "everyone who has the address and any Google account runs the script with its owner's rights"
		}
		f.Report(who, p)
	}
}

// readSlack reads the scopes of a bot and of users, those that are optional
// too.
func readSlack(f *File, d *document.Node) {
	for _, m := range d.Get("oauth_config", "scopes").Entries() {
		readScopes(f, strings.TrimSuffix(m.Key.Text, "_optional"), "slack", m.Value)
	}
}

// administering are permissions of GitHub Apps by which settings, members and
// secrets are changed, and what they open.
var administering = map[string]string{
	"administration": "changes settings, deletes repositories and lifts protection", "organization_administration": "changes the organisation's settings",
	"members": "adds and removes members", "secrets": "replaces the repositories' secrets", "organization_secrets": "replaces the organisation's secrets",
	"dependabot_secrets": "replaces the secrets that Dependabot is given", "organization_dependabot_secrets": "replaces the secrets that Dependabot is given",
	"codespaces_secrets": "replaces the secrets of codespaces", "organization_codespaces_secrets": "replaces the secrets of codespaces",
	"organization_hooks": "sends everything that happens elsewhere", "organization_self_hosted_runners": "adds machines that run every workflow",
	"workflows": "changes workflows, and by them reads every secret", "organization_custom_roles": "hands out roles", "organization_custom_org_roles": "hands out roles",
	"organization_personal_access_tokens": "revokes tokens", "organization_personal_access_token_requests": "approves tokens",
}

// ofRepositories tells the permissions on parts of repositories alone.
func ofRepositories(permission string) bool {
	return permission == "workflows" || strings.HasSuffix(permission, "secrets") && !strings.HasPrefix(permission, "organization")
}

func readGithubApp(f *File, d *document.Node) {
	for _, m := range d.Get("default_permissions").Entries() {
		if opens := administering[m.Key.Text]; opens != "" && m.Value.Is("write", "admin") {
			severity := rule.High
			if ofRepositories(m.Key.Text) {
				severity = rule.Medium
			}
			narrower := m.Key.Text + ": read, or nothing"
			if m.Key.Is("workflows") {
				narrower = "leave it out: it has no read" // docs.github.com: workflows is write alone
			}
			f.Report(m.Value, Problem{Rule: oauthGithub, Severity: severity, Subject: word(d.Get("name").Str(), "app"), Value: m.Key.Text + ": " + m.Value.Text, Why: opens, Narrower: narrower})
		}
	}
}

// readAtlassian reads manifests of Forge and descriptors of Connect.
func readAtlassian(f *File, d *document.Node, base string) {
	if strings.HasPrefix(d.Get("app", "id").Str(), "ari:cloud:ecosystem") {
		p := d.Get("permissions")
		readScopes(f, "app", "atlassian", p.Get("scopes"))
		fetch := p.Get("external", "fetch")
		readAddresses(f, fetch.Get("backend"), "sends what it reads to any address")
		readAddresses(f, fetch.Get("client"), "sends what it reads to any address")
		readAddresses(f, p.Get("external", "scripts"), "runs the code of any address")
	}
	if strings.HasPrefix(base, "atlassian-connect") {
		for _, n := range d.Get("scopes").Strings() {
			switch strings.ToUpper(n.Text) {
			case "ADMIN", "PROJECT_ADMIN", "SPACE_ADMIN":
				f.Report(n, Problem{Rule: oauthAtlassian, Subject: "app", Why: "administers each site that installs the app", Narrower: "READ and WRITE"})
			case "ACCESS_EMAIL_ADDRESSES":
				f.Report(n, Problem{Rule: oauthAtlassian, Severity: rule.Medium, Subject: "app", Why: "reads the address of every user, whatever they hide", Narrower: "READ, by which users have an accountId"})
			case "ACT_AS_USER":
				f.Report(n, Problem{Rule: oauthAtlassian, Subject: "app", Why: "acts as any user of each site that installs the app", Narrower: "the app's own user, with READ and WRITE"})
			}
		}
	}
}

// readAddresses looks for wildcards among the addresses of a Forge app, each a
// string or a map with an address.
func readAddresses(f *File, list *document.Node, why string) {
	for _, n := range list.Values() {
		if a := n.Get("address"); a != nil {
			n = a
		}
		if n.Is("*", "https://*", "http://*") {
			f.Report(n, Problem{Rule: oauthAtlassian, Severity: rule.Medium, Subject: "app", Why: why, Narrower: "the addresses that the app calls"})
		}
	}
}

// discordLink is the address by which a bot is added to a server.
var discordLink = regexp.MustCompile(`https://(?:\w+\.)?discord(?:app)?\.com/(?:api/)?(?:v\d+/)?oauth2/authorize\?[^\s"'<>)]+`)

// readDiscord reads what a bot asks for when it is added: in a link, and in
// the parameters of an application.
func readDiscord(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		for _, key := range []string{"install_params", "oauth2_install_params"} {
			if p := n.Get(key, "permissions"); p != nil {
				judgeDiscord(f, p, p.Text)
			}
		}
		if n.Kind != document.String || !strings.Contains(n.Text, "oauth2/authorize") {
			return true
		}
		for _, link := range pieces(n, discordLink) {
			if u, err := url.Parse(link.Text); err == nil {
				judgeDiscord(f, link, u.Query().Get("permissions"))
			}
		}
		return true
	})
}

// discordAdministrator is the bit of the permission ADMINISTRATOR.
const discordAdministrator = 1 << 3

func judgeDiscord(f *File, at *document.Node, permissions string) {
	if bits, err := strconv.ParseUint(permissions, 10, 64); err == nil && bits&discordAdministrator != 0 {
		f.Report(at, Problem{Rule: oauthDiscord, Subject: "bot", Value: "permissions=" + permissions, Why: "administers each server that it is added to", Narrower: "permissions=2048 (Send Messages), with the bits of what its commands use"})
	}
}
