package scope

import (
	_ "embed"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	Files: "`appsscript.json`, manifests of Slack, GitHub and Microsoft apps, of Chrome extensions, of Forge and Connect (Atlassian), links that add Discord bots, Spring's `application.yml`, Terraform's `azuread_application`",
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
		return hasExt(name, ".json", ".yaml", ".yml") || isTerraform(name)
	},
	Hints: []string{"oauthScopes", "oauth_config", "default_permissions", "requiredResourceAccess", "required_resource_access", "ecosystem", "authentication", "executeAs", "oauth2/authorize", "registration", `"oauth2"`},
	Read:  readOAuthClient,
}

func readOAuthClient(f *File) {
	base := path.Base(f.Path)
	for _, d := range f.Docs() {
		if isTerraform(f.Path) {
			for _, b := range document.Blocks(d, "resource", "azuread_application", "azuread_application_registration") {
				for _, r := range b.Body.All("required_resource_access") {
					for _, a := range r.All("resource_access") {
						readMicrosoft(f, b.Name(), a)
					}
				}
			}
			continue
		}
		readGoogle(f, d, base)
		readSlack(f, d)
		readGithubApp(f, d)
		for _, list := range []*document.Node{d.Get("requiredResourceAccess"), d.Get("properties", "requiredResourceAccess")} {
			for _, r := range list.Values() {
				for _, a := range r.Get("resourceAccess").Values() {
					readMicrosoft(f, word(d.Get("displayName").Str(), "app"), a)
				}
			}
		}
		readAtlassian(f, d, base)
		readDiscord(f, d)
		if strings.HasPrefix(base, "application") || strings.HasPrefix(base, "bootstrap") {
			readSpring(f, d)
		}
	}
}

// readGoogle reads Apps Script's manifest, add-ons and Chrome extensions.
func readGoogle(f *File, d *document.Node, base string) {
	readScopes(f, "script", "google", d.Get("oauthScopes"))
	if base == "manifest.json" && d.Get("manifest_version") != nil {
		readScopes(f, "extension", "google", d.Get("oauth2", "scopes"))
	}
	for _, m := range append(d.Get("entryPoints").Values(), d) {
		w := m.Get("webapp")
		if who := w.Get("access"); who.Is("ANYONE_ANONYMOUS") && w.Get("executeAs").Is("USER_DEPLOYING") {
			f.Report(who, Problem{Rule: oauthAnyone, Subject: "script", Why: "everyone who has the address runs the script with its owner's rights", Narrower: `"executeAs": "USER_ACCESSING", or "access": "DOMAIN"`})
		}
	}
}

func readSlack(f *File, d *document.Node) {
	scopes := d.Get("oauth_config", "scopes")
	readScopes(f, "bot", "slack", scopes.Get("bot"))
	readScopes(f, "user", "slack", scopes.Get("user"))
}

// administering are permissions of GitHub Apps by which settings, members and
// secrets are changed, and what they open.
var administering = map[string]string{
	"administration": "changes settings, deletes repositories and lifts protection", "organization_administration": "changes the organisation's settings",
	"members": "adds and removes members", "secrets": "replaces the repositories' secrets", "organization_secrets": "replaces the organisation's secrets",
	"organization_hooks": "sends everything that happens elsewhere", "organization_self_hosted_runners": "adds machines that run every workflow",
	"workflows": "changes workflows, and by them reads every secret", "organization_custom_roles": "hands out roles", "organization_personal_access_tokens": "approves tokens",
}

func readGithubApp(f *File, d *document.Node) {
	for _, m := range d.Get("default_permissions").Entries() {
		if opens := administering[m.Key.Text]; opens != "" && m.Value.Is("write", "admin") {
			severity := rule.High
			if m.Key.Is("workflows", "secrets") {
				severity = rule.Medium
			}
			f.Report(m.Value, Problem{Rule: oauthGithub, Severity: severity, Subject: word(d.Get("name").Str(), "app"), Value: m.Key.Text + ": " + m.Value.Text, Why: opens, Narrower: m.Key.Text + ": read, or nothing"})
		}
	}
}

//go:embed microsoft.txt
var microsoftTable string

// microsoftPermissions are the names of permissions by their ids and types.
var microsoftPermissions = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for line := range strings.Lines(microsoftTable) {
		if fields := strings.Split(strings.TrimSpace(line), " | "); len(fields) == 3 {
			names[fields[0]+" "+fields[2]] = fields[1]
		}
	}
	return names
})

// namedPermission is a permission's name in an index.
var namedPermission = regexp.MustCompile(`\["([A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)+)"\]`)

// selfMade are permissions by which an app gives itself every other.
var selfMade = []string{"RoleManagement.ReadWrite.Directory", "AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"}

// readMicrosoft reads a permission of Entra ID: its id, and whether it is the
// app's own (Role) or its user's (Scope).
func readMicrosoft(f *File, subject string, access *document.Node) {
	id, kind := access.Get("id"), access.Get("type")
	if id == nil {
		return
	}
	name, ok := microsoftPermissions()[strings.ToLower(id.Str())+" "+kind.Str()]
	if m := namedPermission.FindStringSubmatch(id.Text); m != nil && id.Kind == document.Unknown {
		name, ok = m[1], true // Terraform looks the id up by its name
	}
	if !ok {
		return
	}
	p, ok := OAuth("microsoft", name)
	if !ok {
		return
	}
	p.Subject, p.Value = subject, name
	p.Why = name + " " + p.Why
	if kind.Is("Role") {
		p.Rule, p.Severity = oauthApp, rule.High
		p.Why += ", without a user"
		switch {
		case slices.Contains(selfMade, name):
			p.Severity = rule.Critical
		case strings.Contains(name, ".Read.") || strings.HasSuffix(name, ".Read"):
			p.Severity = rule.Medium
		}
	}
	f.Report(id, p)
}

// readAtlassian reads manifests of Forge and descriptors of Connect.
func readAtlassian(f *File, d *document.Node, base string) {
	if strings.HasPrefix(d.Get("app", "id").Str(), "ari:cloud:ecosystem") {
		p := d.Get("permissions")
		readScopes(f, "app", "atlassian", p.Get("scopes"))
		for _, keys := range [][]string{{"external", "fetch", "backend"}, {"external", "fetch", "client"}} {
			for _, n := range p.Get(keys...).Strings() {
				if n.Is("*", "https://*", "http://*") {
					f.Report(n, Problem{Rule: oauthAtlassian, Severity: rule.Medium, Subject: "app", Why: "sends what it reads to any address", Narrower: "the addresses that the app calls"})
				}
			}
		}
	}
	if strings.HasPrefix(base, "atlassian-connect") {
		for _, n := range d.Get("scopes").Strings() {
			switch strings.ToUpper(n.Text) {
			case "ADMIN", "PROJECT_ADMIN", "SPACE_ADMIN":
				f.Report(n, Problem{Rule: oauthAtlassian, Subject: "app", Why: "administers each site that installs the app", Narrower: "READ and WRITE"})
			case "ACT_AS_USER":
				f.Report(n, Problem{Rule: oauthAtlassian, Subject: "app", Why: "acts as any user of each site that installs the app", Narrower: "the app's own user, with READ and WRITE"})
			}
		}
	}
}

// discordLink is the address by which a bot is added to a server.
var discordLink = regexp.MustCompile(`https://(?:\w+\.)?discord(?:app)?\.com/(?:api/)?oauth2/authorize\?[^\s"'<>)]+`)

// discordAdministrator is the bit of the permission ADMINISTRATOR.
const discordAdministrator = 1 << 3

func readDiscord(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		if n.Kind != document.String || !strings.Contains(n.Text, "oauth2/authorize") {
			return true
		}
		for _, link := range pieces(n, discordLink) {
			u, err := url.Parse(link.Text)
			if err != nil {
				continue
			}
			permissions, err := strconv.ParseUint(u.Query().Get("permissions"), 10, 64)
			if err == nil && permissions&discordAdministrator != 0 {
				f.Report(link, Problem{Rule: oauthDiscord, Subject: "bot", Value: "permissions=" + u.Query().Get("permissions"), Why: "administers each server that it is added to", Narrower: "permissions=2048 (Send Messages), with the bits of what its commands use"})
			}
		}
		return true
	})
}

// readSpring reads the clients of Spring Security; a registration's name, or
// its provider, says whose scopes they are.
func readSpring(f *File, d *document.Node) {
	for _, m := range d.Get("spring", "security", "oauth2", "client", "registration").Entries() {
		provider := ProviderOf(word(m.Value.Get("provider").Str(), m.Key.Text))
		readScopes(f, "client "+m.Key.Text, provider, m.Value.Get("scope"))
	}
}
