package scope

import (
	"encoding/json"
	"fmt"
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
	everything := slices.Contains(s.Resources, "*") || len(s.NotResources) > 0
	if len(s.NotActions) > 0 {
		return aws(rule.High, "NotAction", "NotAction with Allow grants every action but those named, also those that AWS adds later", "an Action list of what is called"), true
	}
	var wide, services []string
	for _, a := range s.Actions {
		service, name, _ := strings.Cut(a, ":")
		switch {
		case a == "*" || a == "*:*":
			wide = append(wide, a)
		case name == "*" && everything:
			services = append(services, service)
		case everything && escalates(a):
			return aws(rule.High, a, fmt.Sprintf("%s on every resource lets its holder become any role", a), "the ARNs of the roles that are meant, in Resource"), true
		}
	}
	switch {
	case len(wide) > 0 && everything:
		return aws(rule.Critical, "*", "every action on every resource: an administrator", "the actions that are called, on the ARNs that they are called for"), true
	case len(wide) > 0:
		return aws(rule.High, "*", "every action", "the actions that are called"), true
	case len(services) > 0:
		return aws(severityOf(services), services[0]+":*", fmt.Sprintf("every action of %s on every resource", strings.Join(services, ", ")), "the actions that are called, on the ARNs that they are called for"), true
	}
	return Problem{}, false
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

// escalates tells actions by which a holder takes on other permissions.
func escalates(action string) bool {
	switch strings.ToLower(action) {
	case "iam:passrole", "sts:assumerole", "iam:createaccesskey", "iam:attachuserpolicy", "iam:attachrolepolicy", "iam:attachgrouppolicy",
		"iam:putuserpolicy", "iam:putrolepolicy", "iam:putgrouppolicy", "iam:createpolicyversion", "iam:setdefaultpolicyversion",
		"iam:updateassumerolepolicy", "iam:createloginprofile", "iam:updateloginprofile", "iam:addusertogroup":
		return true
	}
	return false
}

// judgeTrust judges who may take on a role or use a resource.
func (s *Statement) judgeTrust() (Problem, bool) {
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
		if _, name, _ := strings.Cut(a, ":"); a == "*" || name == "*" {
			return Problem{
				Rule: AWSTrustRule, Severity: rule.Critical, Value: "*", Why: "anyone may do everything with the resource",
				Narrower: "the principals that are meant, and the actions that they call",
			}, true
		}
	}
	return Problem{}, false
}
