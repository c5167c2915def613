package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// judgeTrust judges who may take on a role or use a resource.
func (s *Statement) judgeTrust() (Problem, bool) {
	if p, ok := s.judgeFederation(); ok {
		return p, true
	}
	if s.Conditional {
		return Problem{}, false
	}
	open := func(value, why, narrower string, severity rule.Severity) (Problem, bool) {
		return Problem{Rule: AWSTrustRule, Severity: severity, Value: value, Why: why, Narrower: narrower}, true
	}
	if s.NotPrincipal {
		return open("NotPrincipal", "NotPrincipal with Allow lets in everyone but those named, people without an account among them", "the principals that are meant, in Principal", rule.Critical)
	}
	if !slices.Contains(s.Principals, "*") {
		return Problem{}, false
	}
	const narrower = "the principals that are meant, and the actions that they call"
	if len(s.NotActions) > 0 {
		return open("*", "anyone may call every action but those named on the resource", narrower, rule.Critical)
	}
	for _, a := range s.Actions {
		if strings.HasPrefix(strings.ToLower(a), "sts:assumerole") {
			return open("*", "anyone with an AWS account may take on the role", "the account or role that is meant, with a Condition on sts:ExternalId", rule.Critical)
		}
	}
	worst := slices.IndexFunc(s.Actions, changes)
	if worst >= 0 {
		return open("*", "anyone may call "+s.Actions[worst]+" on the resource", narrower, rule.Critical)
	}
	if i := slices.IndexFunc(s.Actions, func(a string) bool { return !oftenPublic(a) }); i >= 0 {
		return open("*", "anyone may call "+s.Actions[i]+" on the resource", narrower, rule.High)
	}
	return Problem{}, false
}

// changes tells an action that changes what it is called on, or all of them.
func changes(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return isEvery(action) || name == "*" || strings.HasPrefix(name, "Put") || strings.HasPrefix(name, "Delete")
}

// oftenPublic tells what is meant to be public as often as not: the pages of a
// site, and an API, which has authorizers of its own.
func oftenPublic(action string) bool {
	return slices.ContainsFunc([]string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAcl", "s3:GetObjectTagging", "execute-api:Invoke"}, func(a string) bool { return strings.EqualFold(a, action) })
}

// issuer is an identity provider whose every user or job has an identity, so
// that the sub must be asked for.
type issuer struct {
	host, everyone, sub string
	// own tells that the provider's address is of one organisation or cluster.
	own bool
	// audience tells that the aud says which application a token is for, so
	// that it is what must be asked for; sub is an example of it.
	audience bool
}

// Source: docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
// and the providers' pages on AWS.
var issuers = []issuer{
	{host: "token.actions.githubusercontent.com", everyone: "every account of token.actions.githubusercontent.com", sub: "repo:OWNER/REPOSITORY:ref:refs/heads/main"},
	{host: "oidc.circleci.com", everyone: "every project of the CircleCI organisation", sub: "org/ORGANIZATION/project/PROJECT/user/*", own: true},
	{host: "gitlab.", everyone: "every account of GitLab", sub: "project_path:GROUP/PROJECT:ref_type:branch:ref:main"},
	{host: "app.terraform.io", everyone: "every account of app.terraform.io", sub: "organization:ORGANIZATION:project:PROJECT:workspace:WORKSPACE:run_phase:apply"},
	{host: "agent.buildkite.com", everyone: "every account of agent.buildkite.com", sub: "organization:ORGANIZATION:pipeline:PIPELINE:*"},
	{host: "api.bitbucket.org", everyone: "every repository of the Bitbucket workspace", sub: "{REPOSITORY_UUID}:*", own: true},
	{host: "vstoken.dev.azure.com", everyone: "every service connection of the Azure DevOps organisation", sub: "sc://ORGANIZATION/PROJECT/CONNECTION", own: true},
	{host: "oidc.vercel.com", everyone: "every project of Vercel", sub: "owner:TEAM:project:PROJECT:environment:production"},
	{host: "oidc.eks.", everyone: "every service account of the cluster", sub: "system:serviceaccount:NAMESPACE:NAME", own: true},
	{host: "oidc.op1.openshiftapps.com", everyone: "every service account of the cluster", sub: "system:serviceaccount:NAMESPACE:NAME", own: true},
	{host: "cognito-identity.amazonaws.com", everyone: "every user of any Cognito identity pool", sub: "REGION:POOL", audience: true},
	{host: "accounts.google.com", everyone: "every Google account, by any application", sub: "CLIENT.apps.googleusercontent.com", audience: true},
}

// webIdentity tells that a statement is for tokens of OpenID Connect.
func (s *Statement) webIdentity() bool {
	return slices.ContainsFunc(s.Actions, func(a string) bool { return covers(a, "sts:AssumeRoleWithWebIdentity") })
}

// judgeFederation judges a role that an identity provider's users take on.
func (s *Statement) judgeFederation() (Problem, bool) {
	if !s.webIdentity() || s.Claimed {
		return Problem{}, false
	}
	by := issuerOf(s.Federated)
	claim := ":sub"
	if by.audience {
		claim = ":aud"
	}
	p := Problem{Rule: AWSTrustRule, Severity: rule.Critical, Narrower: "a Condition with StringEquals on " + by.host + claim + ", such as " + by.sub}
	if by.own {
		p.Severity = rule.High
	}
	if len(s.Subjects) == 0 {
		p.Value, p.Why = "Federated", by.everyone+" may take on the role"
		return p, by.everyone != ""
	}
	for _, sub := range s.Subjects {
		w, ok := widthOf(sub, by.own)
		if !ok {
			continue
		}
		p.Value = sub
		switch {
		case w.why != "":
			p.Severity, p.Why = w.severity, w.why+" may take on the role"
		case by.everyone != "":
			p.Why = by.everyone + " may take on the role"
		default:
			p.Why = "everyone whom the provider vouches for may take on the role"
		}
		if by.host == "" {
			p.Narrower = "the one subject that is meant, with StringEquals"
		}
		return p, true
	}
	return Problem{}, false
}

// issuerOf is who vouches, as far as it is known.
func issuerOf(federated []string) issuer {
	for _, i := range issuers {
		if slices.ContainsFunc(federated, func(f string) bool { return strings.Contains(f, i.host) }) {
			return i
		}
	}
	return issuer{}
}

// width is whom a pattern of a sub lets in: everyone where why is empty.
type width struct {
	severity rule.Severity
	why      string
}

// subjectForms are the forms of a sub: what stands before the owner, and what its
// parts are called.
var subjectForms = []struct{ prefix, ends, owners, parts string }{
	{"repo:", "/:", "every account", "every repository of "},
	{"project_path:", "/:", "every group", "every project of "},
	{"organization:", ":", "every organisation", "every workspace of "},
	{"owner:", ":", "every team", "every project of "},
	{"org/", "/", "every organisation", "every project of "},
	{"system:serviceaccount:", ":", "every namespace", "every service account of "},
}

// widthOf judges a pattern of a sub. ok is false where it is narrow. own tells
// that everyone whom the provider vouches for is of one house.
func widthOf(sub string, own bool) (w width, ok bool) {
	if strings.Trim(sub, "*?:") == "" || !own && strings.HasPrefix(sub, "*") {
		return width{}, true
	}
	for _, f := range subjectForms {
		if bare, star := strings.CutSuffix(sub, "*"); star && strings.HasPrefix(f.prefix, bare) {
			return width{}, true // repo*
		}
		rest, found := strings.CutPrefix(sub, f.prefix)
		if !found {
			continue
		}
		named := rest
		owner, rest := cutOwner(rest, f.ends)
		part, _, _ := strings.Cut(rest, ":")
		switch {
		case strings.Contains(owner, "${") && strings.HasPrefix(f.ends, "/") && strings.HasPrefix(named[len(owner):], ":"):
			return width{}, false // what is filled in may name the repository too
		case strings.Trim(owner, "*?") == "" && own:
			return width{rule.High, f.owners}, true
		case strings.HasPrefix(owner, "*"):
			return width{}, true
		case strings.HasSuffix(owner, "*") && !own && !strings.Contains(owner, "${"):
			return width{rule.High, f.owners + " whose name begins with " + strings.TrimRight(owner, "*")}, true
		case part != "" && strings.Trim(part, "*") == "", strings.HasPrefix(rest, "project:*:workspace:*"), strings.HasPrefix(rest, "project/*"):
			return width{rule.Medium, f.parts + owner}, true
		}
	}
	return width{}, false
}

// cutOwner cuts after the first part; what is to be filled in is a word.
func cutOwner(text, ends string) (owner, rest string) {
	words := filled.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("x", len(s)) })
	if i := strings.IndexAny(words, ends); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}
