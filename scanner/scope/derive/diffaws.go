package derive

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope"
)

// diffAWS holds the statements of a policy against the actions that are needed.
// A condition counts as met, where it allows as where it denies. A * of a needed
// resource is what is not known, so that a narrower grant may well be enough; a
// granted one that is not in the file may be the needed one.
func (n *Needs) diffAWS(d *Difference, statements []scope.Statement) {
	for _, a := range n.AWS {
		for _, r := range a.Resources {
			if !allowed(statements, a.Name, r) {
				d.Lacking = append(d.Lacking, a.Name+" on "+r)
			}
		}
	}
	for _, s := range statements {
		if denies(&s) {
			continue
		}
		for _, pattern := range s.NotActions {
			d.Unneeded = append(d.Unneeded, "everything but "+pattern+", by NotAction")
		}
		for _, pattern := range s.Actions {
			if u := n.unneeded(&s, pattern); u != "" {
				d.Unneeded = append(d.Unneeded, u)
			}
		}
	}
}

func denies(s *scope.Statement) bool { return strings.EqualFold(s.Effect, "Deny") }

// allowed tells whether statements allow an action on a resource, and none
// denies it.
func allowed(statements []scope.Statement, action, resource string) bool {
	allows := false
	for _, s := range statements {
		wide := speaksOf(&s, action, func(p string) bool { return covers(fromElsewhere.ReplaceAllString(p, "*"), resource) })
		if denies(&s) && wide {
			return false
		}
		narrow := len(s.NotResources) == 0 && speaksOf(&s, action, func(p string) bool { return covers(resource, p) })
		allows = allows || !denies(&s) && (wide || narrow)
	}
	return allows
}

// speaksOf tells whether a statement is about an action, and about the resource
// that its patterns are held against.
func speaksOf(s *scope.Statement, action string, resource func(pattern string) bool) bool {
	isAction := func(p string) bool { return covers(strings.ToLower(p), strings.ToLower(action)) }
	return (slices.ContainsFunc(s.Actions, isAction) || len(s.NotActions) > 0 && !slices.ContainsFunc(s.NotActions, isAction)) &&
		(slices.ContainsFunc(s.Resources, resource) || len(s.NotResources) > 0 && !slices.ContainsFunc(s.NotResources, resource))
}

// meets tells whether a statement is about any of some resources, as far as the
// file tells.
func meets(s *scope.Statement, resources []string) bool {
	return len(s.NotResources) > 0 || slices.ContainsFunc(s.Resources, func(granted string) bool {
		granted = fromElsewhere.ReplaceAllString(granted, "*")
		return slices.ContainsFunc(resources, func(r string) bool { return covers(granted, r) || covers(r, granted) })
	})
}

// wholeKind is the ARN of every resource of a kind, which * says as well.
var wholeKind = regexp.MustCompile(`^arn:aws:(?:s3:::\*(?:/\*)?|iam::\*:[\w-]+/\*|[\w-]+:\*:\*?:(?:[\w-]+[:/])?\*)$`)

// unneeded says in which way an action of a statement is more than is needed,
// "" where it is not.
func (n *Needs) unneeded(s *scope.Statement, pattern string) string {
	var actions, resources []string
	for _, a := range n.AWS {
		if !covers(strings.ToLower(pattern), strings.ToLower(a.Name)) || !meets(s, a.Resources) {
			continue
		}
		actions = append(actions, a.Name)
		resources = append(resources, a.Resources...)
	}
	on := strings.Join(s.Resources, ", ")
	if len(actions) == 0 {
		return pattern + " on " + on
	}
	if strings.ContainsAny(pattern, "*?") {
		return fmt.Sprintf("%s on %s, of which %s is needed", pattern, on, strings.Join(actions, ", "))
	}
	slices.Sort(resources)
	resources = slices.Compact(resources)
	for _, granted := range s.Resources {
		if slices.Contains(resources, granted) || fromElsewhere.MatchString(granted) || granted == "*" && slices.ContainsFunc(resources, wholeKind.MatchString) {
			continue
		}
		var of []string
		for _, r := range resources {
			if covers(granted, r) {
				of = append(of, r)
			}
		}
		switch {
		case len(of) > 0 && strings.ContainsAny(granted, "*?"):
			return fmt.Sprintf("%s on %s, of which %s is needed", pattern, granted, strings.Join(of, ", "))
		case len(of) == 0 && !slices.ContainsFunc(resources, func(r string) bool { return covers(r, granted) }):
			return pattern + " on " + granted
		}
	}
	return ""
}
