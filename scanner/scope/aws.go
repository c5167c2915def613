package scope

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// Statement is one statement of an AWS policy, as in the reference of the IAM
// JSON policy language. What is not known is left out.
type Statement struct {
	Effect                    string // Allow where it is empty
	Actions, NotActions       []string
	Resources, NotResources   []string
	Principals                []string // "*" or a provider's
	HasPrincipal, Conditional bool
	// Federated are the identity providers that are trusted, and Subjects what
	// conditions ask of the sub that they vouch for.
	Federated, Subjects []string
}

// ParseAWS reads a policy. ok is false where the text is none.
func ParseAWS(text []byte) (all []Statement, ok bool) {
	var doc struct {
		Statement json.RawMessage
	}
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Statement) == 0 {
		return nil, false
	}
	type raw struct {
		Effect                                   string
		Action, NotAction, Resource, NotResource stringOrList
		Principal                                json.RawMessage
		Condition                                json.RawMessage
	}
	var list []raw
	if err := json.Unmarshal(doc.Statement, &list); err != nil {
		var one raw
		if err := json.Unmarshal(doc.Statement, &one); err != nil {
			return nil, false
		}
		list = []raw{one}
	}
	for _, r := range list {
		if len(r.Action)+len(r.NotAction) == 0 {
			continue
		}
		all = append(all, Statement{
			Effect: r.Effect, Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource,
			Principals: principals(r.Principal), HasPrincipal: len(r.Principal) > 0, Conditional: len(r.Condition) > len("{}"),
		})
	}
	return all, len(all) > 0
}

// stringOrList is a string, or a list of them.
type stringOrList []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		var list []any
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		for _, v := range list {
			if one, ok := v.(string); ok {
				*s = append(*s, one)
			}
		}
		return nil
	}
	var one string
	if json.Unmarshal(text, &one) == nil {
		*s = stringOrList{one}
	}
	return nil // a template's function: it is not known
}

func principals(text json.RawMessage) []string {
	var one stringOrList
	if len(text) > 0 && text[0] != '{' {
		_ = one.UnmarshalJSON(text)
		return one
	}
	var byKind map[string]stringOrList
	if json.Unmarshal(text, &byKind) != nil {
		return nil
	}
	return byKind["AWS"]
}

// Judge says what is too wide in a statement: the worst alone.
func (s *Statement) Judge() (Problem, bool) {
	if strings.EqualFold(s.Effect, "Deny") {
		return Problem{}, false
	}
	if s.HasPrincipal {
		return s.judgeTrust()
	}
	if len(s.NotActions) > 0 {
		return aws(rule.High, "NotAction", "NotAction with Allow grants every action but those named, also those that AWS adds later", "an Action list of what is called"), true
	}
	var wide, services []string
	for _, a := range s.Actions {
		service, name, _ := strings.Cut(a, ":")
		switch {
		case a == "*" || a == "*:*":
			wide = append(wide, a)
		case name == "*" && s.everything(service):
			services = append(services, service)
		}
	}
	switch {
	case len(wide) > 0 && s.everything("*"):
		return aws(rule.Critical, wide[0], "every action on every resource: an administrator", "the actions that are called, on the ARNs that they are called for"), true
	case len(wide) > 0:
		return aws(rule.High, wide[0], "every action", "the actions that are called"), true
	case len(services) > 0:
		return aws(severityOf(services), services[0]+":*", fmt.Sprintf("every action of %s on every resource", strings.Join(services, ", ")), "the actions that are called, on the ARNs that they are called for"), true
	}
	return s.judgeActions()
}

// judgeActions judges the actions that are named, of a statement that no
// condition narrows.
func (s *Statement) judgeActions() (Problem, bool) {
	for _, a := range s.Actions {
		service, _, _ := strings.Cut(a, ":")
		if !s.Conditional && escalates(a) && s.everything(service) {
			return Problem{
				Rule: AWSEscalationRule, Severity: rule.High, Value: a, Why: fmt.Sprintf("%s on every resource lets its holder take on other permissions", a),
				Narrower: "the ARNs that are meant, in Resource; for iam:PassRole a Condition on iam:PassedToService as well",
			}, true
		}
	}
	return Problem{}, false
}

// JudgeReads says what a statement reads or writes that is worth as much as a
// key, where Judge says nothing. It wants statements that are exact: not those
// that a program puts together.
func (s *Statement) JudgeReads() (Problem, bool) {
	if strings.EqualFold(s.Effect, "Deny") || s.HasPrincipal || s.Conditional {
		return Problem{}, false
	}
	for _, a := range s.Actions {
		service, _, _ := strings.Cut(a, ":")
		if what := reveals(a); what != "" && s.everything(service) {
			return aws(rule.Medium, a, fmt.Sprintf("%s on every resource %s", a, what), "the ARNs that are meant, in Resource"), true
		}
	}
	return Problem{}, false
}

// allOf are resources that are all there are of a service: arn:aws:s3:::*,
// arn:aws:iam::123456789012:role/*. What a template fills in is like a word.
var allOf = regexp.MustCompile(`^arn:[\w*-]+:([\w*-]+):[\w*-]*:[\w*-]*:(\*|(role|user|group|policy|instance-profile|secret|parameter|key|table|function|stack|log-group|instance|repository|cluster|document)[/:]\*)(/\*)?$`)

// filled is what a template or a variable fills in.
var filled = regexp.MustCompile(`\$\{[^}]*\}`)

// everything tells whether a statement is for every resource of a service.
func (s *Statement) everything(service string) bool {
	if len(s.NotResources) > 0 {
		return true
	}
	if service == "sts" {
		service = "iam" // whose roles it takes on
	}
	return slices.ContainsFunc(s.Resources, func(r string) bool {
		if r == "*" {
			return true
		}
		m := allOf.FindStringSubmatch(filled.ReplaceAllString(r, "x"))
		return m != nil && (m[1] == service || m[1] == "*")
	})
}

func aws(s rule.Severity, value, why, narrower string) Problem {
	return Problem{Rule: AWSRule, Severity: s, Value: value, Why: why, Narrower: narrower}
}

// severityOf is high for services that hand out permissions or keys.
func severityOf(services []string) rule.Severity {
	for _, s := range services {
		switch s {
		case "iam", "sts", "kms", "organizations", "secretsmanager", "sso", "ssm", "lambda", "ec2", "cloudformation":
			return rule.High
		}
	}
	return rule.Medium
}

// escalations are actions by which a holder takes on other permissions: each
// by itself is enough, on a resource that has more.
// Source: docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html.
var escalations = []string{
	"iam:PassRole", "sts:AssumeRole", "iam:CreateAccessKey", "iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy",
	"iam:PutUserPolicy", "iam:PutRolePolicy", "iam:PutGroupPolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
	"iam:UpdateAssumeRolePolicy", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:AddUserToGroup", "lambda:UpdateFunctionCode", "ssm:SendCommand", "ssm:StartSession",
}

// escalates tells such actions, also where a pattern covers one.
func escalates(action string) bool {
	return slices.ContainsFunc(escalations, func(e string) bool { return covers(action, e) })
}

// covers tells whether an action of a policy, which may have stars, is or
// covers another. Actions do not heed case.
func covers(pattern, action string) bool {
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == action
	}
	ok, _ := path.Match(pattern, action) // no slash stands in an action
	return ok
}

// reveals says what an action opens that is worth as much as a key.
func reveals(action string) string {
	for _, r := range [][2]string{
		{"secretsmanager:GetSecretValue", "reads every secret of the account"},
		{"ssm:GetParameter", "reads every parameter of the account, keys among them"},
		{"kms:Decrypt", "decrypts with every key whose policy leaves it to IAM"},
		{"s3:GetObject", "reads every object of the account"},
		{"s3:DeleteObject", "deletes every object of the account"},
		{"s3:PutObject", "writes into every bucket of the account"},
		{"dynamodb:GetItem", "reads every table of the account"},
	} {
		if covers(action, r[0]) {
			return r[1]
		}
	}
	return ""
}

// judgeTrust judges who may take on a role or use a resource.
func (s *Statement) judgeTrust() (Problem, bool) {
	if p, ok := s.judgeFederation(); ok {
		return p, true
	}
	if !slices.Contains(s.Principals, "*") || s.Conditional {
		return Problem{}, false
	}
	for _, a := range s.Actions {
		if strings.HasPrefix(strings.ToLower(a), "sts:assumerole") {
			return Problem{
				Rule: AWSTrustRule, Severity: rule.Critical, Value: "*", Why: "anyone with an AWS account may take on the role",
				Narrower: "the account or role that is meant, with a Condition on sts:ExternalId",
			}, true
		}
		if _, name, _ := strings.Cut(a, ":"); a == "*" || name == "*" || strings.HasPrefix(name, "Put") || strings.HasPrefix(name, "Delete") {
			return Problem{
				Rule: AWSTrustRule, Severity: rule.Critical, Value: "*", Why: "anyone may call " + a + " on the resource",
				Narrower: "the principals that are meant, and the actions that they call",
			}, true
		}
	}
	return Problem{}, false
}

// anySubject are identity providers whose every user or job has an identity,
// so that the sub must be asked for.
// Source: docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html.
var anySubject = []string{"token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io", "oidc.circleci.com", "agent.buildkite.com", "api.bitbucket.org", "vstoken.dev.azure.com", "oidc.vercel.com"}

// judgeFederation judges a role that an identity provider's users take on.
func (s *Statement) judgeFederation() (Problem, bool) {
	for _, f := range s.Federated {
		i := slices.IndexFunc(anySubject, func(host string) bool { return strings.Contains(f, host) })
		if i < 0 {
			continue
		}
		p := Problem{Rule: AWSTrustRule, Severity: rule.Critical, Value: f, Narrower: "a Condition with StringEquals on " + anySubject[i] + ":sub, such as repo:OWNER/REPOSITORY:ref:refs/heads/main"}
		if len(s.Subjects) == 0 {
			p.Why = "every account of " + anySubject[i] + " may take on the role"
			return p, true
		}
		for _, sub := range s.Subjects {
			owner, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(sub, "repo:"), "project_path:"), "/")
			switch {
			case strings.Trim(sub, "*:") == "" || strings.HasPrefix(owner, "*"):
				p.Why, p.Value = "every account of "+anySubject[i]+" may take on the role", sub
				return p, true
			case strings.HasPrefix(rest, "*"):
				p.Severity, p.Why, p.Value = rule.Medium, "every repository of "+owner+" may take on the role", sub
				return p, true
			}
		}
	}
	return Problem{}, false
}
