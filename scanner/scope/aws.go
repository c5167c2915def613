package scope

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Statement is one statement of an AWS policy, as in the reference of the IAM
// JSON policy language. What is not known is left out.
type Statement struct {
	Effect                  string // Allow where it is empty
	Actions, NotActions     []string
	Resources, NotResources []string
	Principals              []string // "*" or a provider's
	HasPrincipal            bool
	// NotPrincipal tells that everyone but some is meant.
	NotPrincipal bool
	// Conditional tells that a condition narrows what is reached or, where
	// there is a principal, who reaches it.
	Conditional bool
	// Federated are the identity providers that are trusted, as they stand
	// there and by the names in conditions. Subjects are what conditions ask of
	// the sub that they vouch for, and Claimed tells that they ask for more.
	Federated, Subjects []string
	Claimed             bool
}

// ParseAWS reads a policy. ok is false where the text is none.
func ParseAWS(text []byte) (all []Statement, ok bool) {
	parsed, err := document.Parse("policy.json", text, nil)
	if err != nil {
		return nil, false
	}
	for _, d := range parsed.Docs {
		for _, n := range alternatives(d.Get("Statement")) {
			if s := statementOf(n); len(s.Actions)+len(s.NotActions) > 0 {
				all = append(all, s)
			}
		}
	}
	return all, len(all) > 0
}

// Judge says what is too wide in a statement: the worst alone.
func (s *Statement) Judge() (Problem, bool) {
	all := s.Problems()
	if len(all) == 0 {
		return Problem{}, false
	}
	return slices.MaxFunc(all, func(a, b Problem) int { return int(a.Severity) - int(b.Severity) }), true
}

// Problems says what is too wide in a statement: its wildcards, and the actions
// that escalate beside them.
func (s *Statement) Problems() []Problem {
	switch {
	case strings.EqualFold(s.Effect, "Deny"):
		return nil
	case s.HasPrincipal:
		if p, ok := s.judgeTrust(); ok {
			return []Problem{p}
		}
		return nil
	case len(s.NotActions) > 0:
		return []Problem{aws(rule.High, "NotAction", "NotAction with Allow grants every action but those named, also those that AWS adds later", "an Action list of what is called")}
	case slices.ContainsFunc(s.Actions, isEvery):
		return []Problem{s.everyAction()}
	}
	var all []Problem
	services := s.wholeServices()
	if len(services) > 0 {
		all = append(all, aws(severityOf(services), services[0]+":*", fmt.Sprintf("every action of %s on every resource", awsNames(services)), "the actions that are called, on the ARNs that they are called for"))
	}
	if p, ok := s.judgeEscalation(services); ok {
		all = append(all, p)
	}
	if len(all) == 0 && len(s.NotResources) > 0 && !s.Conditional && len(s.Actions) > 0 {
		all = append(all, aws(rule.Medium, "NotResource", "NotResource with Allow grants "+s.Actions[0]+" on every resource but those named, also on those that are made later", "the ARNs that are meant, in Resource"))
	}
	return all
}

func isEvery(action string) bool { return action == "*" || action == "*:*" }

func (s *Statement) everyAction() Problem {
	value := s.Actions[slices.IndexFunc(s.Actions, isEvery)]
	if s.reach()("*") {
		return aws(rule.Critical, value, "every action on every resource: an administrator", "the actions that are called, on the ARNs that they are called for")
	}
	return aws(rule.High, value, "every action", "the actions that are called")
}

// wholeServices are the services whose every action is allowed on everything.
func (s *Statement) wholeServices() []string {
	var all []string
	everything := s.reach()
	for _, a := range s.Actions {
		service, name, _ := strings.Cut(a, ":")
		if name == "*" && !s.Conditional && everything(service) && !slices.Contains(withoutResources, service) {
			all = append(all, service)
		}
	}
	return all
}

// judgeEscalation judges the actions by which a holder takes on more, of a
// statement that no condition narrows, but those of services that are judged
// as a whole.
func (s *Statement) judgeEscalation(but []string) (Problem, bool) {
	judged := make(map[string]bool)
	for _, service := range but {
		judged[service] = true
	}
	var named []string
	everything := s.reach()
	for _, a := range s.Actions {
		service, _, _ := strings.Cut(a, ":")
		if !s.Conditional && !judged[service] && everything(service) && escalates(a) {
			named = append(named, a)
		}
	}
	if len(named) == 0 {
		return Problem{}, false
	}
	lets := "lets its holder"
	if len(named) > 1 {
		lets = "each let their holder"
	}
	return Problem{
		Rule: AWSEscalationRule, Severity: rule.High, Value: named[0], Why: fmt.Sprintf("%s on every resource %s take on other permissions", awsNames(named), lets),
		Narrower: "the ARNs that are meant, in Resource; for iam:PassRole a Condition on iam:PassedToService as well",
	}, true
}

// JudgeReads says what a statement reads or writes that is worth as much as a
// key, where Judge says nothing. It wants statements that are exact: not those
// that a program puts together.
func (s *Statement) JudgeReads() (Problem, bool) {
	if strings.EqualFold(s.Effect, "Deny") || s.HasPrincipal || s.Conditional {
		return Problem{}, false
	}
	everything := s.reach()
	for _, a := range s.Actions {
		service, _, _ := strings.Cut(a, ":")
		if what := reveals(a); what != "" && everything(service) {
			return aws(rule.Medium, a, fmt.Sprintf("%s on every resource %s", a, what), "the ARNs that are meant, in Resource"), true
		}
	}
	return Problem{}, false
}

// everyName is the last part of ARNs that are all there are of a kind:
// role/*, secret:*. A bucket's name stands there too, so kinds are listed.
var everyName = regexp.MustCompile(`^(\*|/?(accelerator|agent|alarm|application|cluster|db|document|domain|function|group|identity|instance|instance-profile|key|log-group|parameter|pipeline|policy|project|repository|restapis|role|rule|secret|security-group|service|snapshot|stack|stateMachine|stream|table|task|task-definition|user|userpool|volume)[/:]\*)([/:]\*)*$`)

// filled is what a template or a variable fills in.
var filled = regexp.MustCompile(`\$\{[^}]*\}`)

// everyOf tells whether an ARN is all there is of a service, such as
// arn:aws:iam::123456789012:role/*. What a template fills in is like a word.
func everyOf(arn string) (service string, ok bool) {
	parts := strings.SplitN(filled.ReplaceAllString(arn, "x"), ":", 6)
	last := parts[len(parts)-1]
	switch {
	case parts[0] != "arn" || len(parts) < 3:
		return "", false
	case len(parts) < 6: // arn:aws:sqs:*
		return parts[2], last == "*"
	}
	return parts[2], everyName.MatchString(last)
}

// reach returns what tells whether a statement is for every resource of a
// service.
func (s *Statement) reach() (everything func(service string) bool) {
	whole := make(map[string]bool)
	for _, r := range s.Resources {
		if service, ok := everyOf(r); ok {
			whole[service] = true
		}
	}
	if len(s.NotResources) > 0 || slices.Contains(s.Resources, "*") {
		whole["*"] = true
	}
	return func(service string) bool {
		service = strings.ToLower(service)
		if service == "sts" {
			service = "iam" // whose roles it takes on
		}
		return whole["*"] || whole[service]
	}
}

// awsNames lists names, some of many.
func awsNames(all []string) string {
	const some = 12
	if len(all) <= some {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(all[:some], ", "), len(all)-some)
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

// escalates tells such actions, also where a pattern covers one.
func escalates(action string) bool {
	return slices.ContainsFunc(escalations, func(e string) bool { return covers(action, e) })
}

// covers tells whether an action of a policy, which may have stars, is or
// covers another. Actions do not heed case.
func covers(pattern, action string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return strings.EqualFold(pattern, action)
	}
	ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(action)) // no slash stands in an action
	return ok
}
