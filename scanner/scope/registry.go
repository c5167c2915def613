package scope

import (
	"path"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Package registries' rules.
const (
	npmToken        = "scope-npm-token"
	dockerAdmin     = "scope-docker-hub-admin"
	registryAdmin   = "scope-registry-admin"
	registryPublic  = "scope-registry-public"
	registryForever = "scope-registry-token-forever"
)

// registryFormat reads what tokens and accounts of package registries may do.
// Sources: docs.npmjs.com/cli/commands/npm-token,
// docs.docker.com/reference/api/hub/latest, docs.docker.com/security/access-tokens/reference,
// jfrog.com/help (access tokens), goharbor.io/docs (robot accounts),
// verdaccio.org/docs/packages, and the providers' pages for Terraform.
var registryFormat = Format{
	Name:  "package-registry",
	Files: "npm's tokens and Docker Hub's in JSON, YAML and shell scripts; `docker_*`, `dockerhub_*`, `artifactory_*`, `harbor_*`, `nexus_*` in `*.tf`; Verdaccio's configuration",
	Rules: []Rule{
		{
			ID: npmToken, Name: "npm token that publishes from anywhere", Severity: rule.Medium,
			Opens: "The next release of the packages, for whoever reads the token once, from any address.",
			Steps: "Publish from CI by trusted publishing, which needs no token; else name packages, addresses (--cidr) and an end (--expires).",
			URL:   "https://docs.npmjs.com/about-access-tokens",
		},
		{
			ID: dockerAdmin, Name: "Docker Hub access that deletes", Severity: rule.High,
			Opens: "Every repository of the account or organisation: images are replaced and deleted, settings changed.",
			Steps: "Take repo:write to push and repo:read to pull; better an organisation's token for the one repository.",
			URL:   "https://docs.docker.com/security/access-tokens/reference/",
		},
		{
			ID: registryAdmin, Name: "Registry account that administers", Severity: rule.High,
			Opens: "Every repository of the registry, its users and its settings; what is published there runs wherever it is installed.",
			Steps: "Name the repository and the actions that are used.",
			URL:   "https://owasp.org/www-project-non-human-identities-top-10/2025/5-overprivileged-nhi/",
		},
		{
			ID: registryPublic, Name: "Registry where anyone publishes", Severity: rule.High,
			Opens: "The packages, for whoever reaches the port: a release of theirs is installed as one of yours.",
			Steps: "Let $authenticated publish, or a group, and bound who may register (max_users).",
			URL:   "https://verdaccio.org/docs/packages",
		},
		{
			ID: registryForever, Name: "Registry token without an end", Severity: rule.Low,
			Opens: "What the token may do, for ever, for whoever reads it once.",
			Steps: "Give the token an end, and make a new one before it.",
			URL:   "https://owasp.org/www-project-non-human-identities-top-10/2025/7-long-lived-secrets/",
		},
	},
	Match: func(name string) bool {
		return isTerraform(name) || isScript(name) || hasExt(name, ".json", ".yaml", ".yml")
	},
	Hints: []string{"token create", "cidr_whitelist", "bypass_2fa", `"automation"`, "token_type", "repo:admin", "docker_", "dockerhub_", "TYPE_REPO", "TYPE_ORG", "hub.docker.com", "applied-permissions", "grant-admin", "artifactory_", "harbor_", "nexus_", "uplinks"},
	Read:  readRegistry,
}

func isScript(name string) bool { return hasExt(name, ".sh", ".bash") }

func readRegistry(f *File) {
	if isScript(f.Path) {
		readRegistryCommands(f, &document.Node{Kind: document.String, Text: string(f.Text), End: len(f.Text)})
		return
	}
	for _, d := range f.Docs() {
		if isTerraform(f.Path) {
			readRegistryTerraform(f, d)
			continue
		}
		readVerdaccio(f, d)
		d.Walk(func(n *document.Node) bool {
			switch n.Kind {
			case document.Map:
				readNpmToken(f, n)
				readDockerToken(f, n)
			case document.String:
				readRegistryCommands(f, n)
			}
			return true
		})
	}
}

// readDockerToken reads a token of Docker Hub as its API, and Ansible's
// modules, have it: scopes, or resources with scopes of their own.
func readDockerToken(f *File, n *document.Node) {
	subject := "token " + word(firstOf(n, "token_label", "label", "name").Str(), "of Docker Hub")
	if firstOf(n, "token_label") != nil {
		readDockerScopes(f, subject, n.Get("scopes"))
	}
	for _, r := range n.Get("resources").Values() {
		readDockerResource(f, subject, r)
	}
}

func readDockerScopes(f *File, subject string, scopes *document.Node) (admin bool) {
	for _, s := range scopes.Strings() {
		if s.Is("repo:admin") {
			f.Report(s, dockerHubAdmin(subject))
			admin = true
		}
	}
	return admin
}

func dockerHubAdmin(subject string) Problem {
	return Problem{Rule: dockerAdmin, Subject: subject, Why: "deletes images and changes every repository that its owner may", Narrower: "repo:write to push, repo:read to pull"}
}

func dockerTeamAdmin(subject string) Problem {
	return Problem{Rule: dockerAdmin, Severity: rule.Medium, Subject: subject, Why: "lets the team delete the repository and change its settings", Narrower: "write to push, read to pull"}
}

// readDockerResource reads what an organisation's token may do to a path.
func readDockerResource(f *File, subject string, r *document.Node) {
	at, kind := r.Get("path"), r.Get("type")
	if at == nil || !kind.Is("TYPE_REPO", "TYPE_ORG") {
		return
	}
	for _, s := range r.Get("scopes").Strings() {
		writes := strings.HasSuffix(s.Text, "-push") || strings.HasSuffix(s.Text, "-edit") || strings.HasSuffix(s.Text, "-delete") || strings.HasSuffix(s.Text, "-admin")
		switch {
		case !writes:
			continue
		case kind.Is("TYPE_ORG"):
			f.Report(s, Problem{Rule: dockerAdmin, Subject: subject, Why: "changes the organisation itself, not a repository", Narrower: "TYPE_REPO, with the path of the repository that is pushed to"})
		case strings.HasSuffix(at.Str(), "*"):
			f.Report(at, Problem{Rule: dockerAdmin, Severity: rule.Medium, Subject: subject, Why: "pushes to every repository of the organisation", Narrower: "the path of the repository that is pushed to"})
		default:
			continue
		}
		return
	}
}

// readVerdaccio reads who may publish at a registry of one's own.
func readVerdaccio(f *File, d *document.Node) {
	if d.Get("uplinks") == nil && d.Get("storage") == nil {
		return
	}
	for _, m := range d.Get("packages").Entries() {
		for _, key := range []string{"publish", "unpublish", "allow_publish", "allow_unpublish"} {
			for _, w := range m.Value.Get(key).Strings() {
				for _, who := range pieces(w, splitWords) {
					if who.Is("$all", "$anonymous", "@all", "@anonymous", "all", "anonymous", "undefined") {
						f.Report(who, Problem{Rule: registryPublic, Subject: "packages " + m.Key.Text, Value: key + ": " + who.Text, Why: "anyone who reaches the registry may " + strings.TrimPrefix(key, "allow_") + " without a login", Narrower: "$authenticated, or the group that publishes"})
					}
				}
			}
		}
	}
}

// readRegistryTerraform reads the registries' resources.
func readRegistryTerraform(f *File, d *document.Node) {
	for _, b := range document.Blocks(d, "resource") {
		name, body := b.Name(), b.Body
		switch b.Labels[0].Text {
		case "docker_access_token", "dockerhub_access_token", "dockerhub_token":
			if !readDockerScopes(f, name, body.Get("scopes")) && writesDocker(body.Get("scopes")) && b.Labels[0].Text == "docker_access_token" {
				readForever(f, name, b.Labels[0], body.Get("expires_at"), "expires_at")
			}
		case "docker_org_access_token":
			for _, list := range body.All("resources") {
				for _, r := range append(list.Values(), list) {
					readDockerResource(f, name, r)
				}
			}
			readForever(f, name, b.Labels[0], body.Get("expires_at"), "expires_at")
		case "docker_hub_repository_team_permission", "docker_repository_team_permission", "dockerhub_repository_team_permission", "dockerhub_repositorygroup":
			if p := body.Get("permission"); p.Is("admin") {
				f.Report(p, dockerTeamAdmin(name))
			}
		case "artifactory_scoped_token", "artifactory_access_token":
			readArtifactory(f, name, body)
		case "harbor_robot_account":
			readHarbor(f, name, body)
		case "nexus_security_role", "nexus_security_user":
			readNexus(f, name, body)
		}
	}
}

func writesDocker(scopes *document.Node) bool {
	for _, s := range scopes.Strings() {
		if s.Is("repo:write") {
			return true
		}
	}
	return false
}

// readForever reports a token that was not given an end.
func readForever(f *File, subject string, at, end *document.Node, key string) {
	if end == nil || end.Kind == document.Null {
		f.Report(at, Problem{Rule: registryForever, Subject: subject, Why: "makes a token that does not end, and keeps it in Terraform's state", Narrower: key + " within months"})
	}
}

func readArtifactory(f *File, subject string, body *document.Node) {
	for _, s := range body.Get("scopes").Strings() {
		if s.Is("applied-permissions/admin") {
			f.Report(s, artifactoryAdmin(subject))
		}
	}
	if admin := body.Key("admin_token"); admin != nil {
		f.Report(admin, artifactoryAdmin(subject))
	}
	if end := body.Get("expires_in"); end != nil && end.Text == "0" {
		f.Report(end, Problem{Rule: registryForever, Severity: rule.Medium, Subject: subject, Why: "makes a token that never ends", Narrower: "expires_in = 2592000 (30 days) or less"})
	}
}

func artifactoryAdmin(subject string) Problem {
	return Problem{Rule: registryAdmin, Subject: subject, Why: "administers the whole platform", Narrower: "applied-permissions/groups:GROUP, of a group that reaches the repositories that are meant"}
}

// readHarbor reads a robot's permissions; pulling everywhere is let pass.
func readHarbor(f *File, subject string, body *document.Node) {
	for _, p := range body.All("permissions") {
		everywhere := p.Get("kind").Is("project") && p.Get("namespace").Is("*")
		for _, a := range p.All("access") {
			action, resource := a.Get("action"), a.Get("resource")
			switch {
			case action.Is("*") || resource.Is("*"):
				at := action
				if !action.Is("*") {
					at = resource
				}
				f.Report(at, Problem{Rule: registryAdmin, Subject: subject, Why: "may do everything that a robot can", Narrower: "the actions that are used, such as push and pull on repository"})
			case everywhere && !action.Is("pull", "read", "list"):
				f.Report(p.Get("namespace"), Problem{Rule: registryAdmin, Subject: subject, Why: "may " + word(action.Str(), "write") + " in every project", Narrower: "the projects that are meant, a permissions block for each"})
			default:
				continue
			}
			break
		}
	}
	if d := body.Get("duration"); d != nil && d.Text == "-1" {
		f.Report(d, Problem{Rule: registryForever, Subject: subject, Why: "makes a robot whose secret never ends", Narrower: "duration = 90 (days) or less"})
	}
}

// readNexus reads roles that hold every privilege, and who is given them.
func readNexus(f *File, subject string, body *document.Node) {
	if body.Get("userid").Is("admin") {
		return
	}
	for _, key := range []string{"privileges", "roles"} {
		for _, s := range body.Get(key).Strings() {
			if s.Is("nx-all", "nx-admin", "nx-repository-admin-*-*-*", "nx-repository-view-*-*-*") {
				f.Report(s, Problem{Rule: registryAdmin, Subject: subject, Why: "may do everything with " + map[bool]string{true: "the registry", false: "every repository"}[s.Is("nx-all", "nx-admin")], Narrower: "nx-repository-view-FORMAT-NAME-read, and -add for who publishes"})
			}
		}
	}
}

// npmFile tells by its path that a file is about npm.
func npmFile(name string) bool { return strings.Contains(strings.ToLower(path.Base(name)), "npm") }
