package scope

import (
	"slices"

	"github.com/remint/remint/scanner/rule"
)

// PolicyRule is a rule of a Kubernetes Role or ClusterRole: what of it is
// known.
type PolicyRule struct {
	Verbs, Groups, Resources, Names, URLs []string
}

// readVerbs change nothing.
var readVerbs = []string{"get", "list", "watch"}

// Judge says what is too wide: the worst alone.
func (r *PolicyRule) Judge() (Problem, bool) {
	verbs, resources := slices.Contains(r.Verbs, "*"), slices.Contains(r.Resources, "*")
	reads := len(r.Verbs) > 0 && !slices.ContainsFunc(r.Verbs, func(v string) bool { return !slices.Contains(readVerbs, v) })
	core := slices.Contains(r.Groups, "*") || slices.Contains(r.Groups, "")
	switch {
	case verbs && resources && slices.Contains(r.Groups, "*"):
		return kubernetes(rule.Critical, "every verb on every resource of every group: cluster-admin", "the verbs and resources that are used")
	case verbs && resources:
		return kubernetes(rule.High, "every verb on every resource of the group, also on those that are added later", "the verbs and resources that are used")
	case resources && len(r.Verbs) > 0 && !reads:
		return kubernetes(rule.High, "writes to every resource of the group", "the resources that are written")
	case resources && reads && core:
		return kubernetes(rule.High, "reads every resource of the core group, and so every Secret", "the resources that are read")
	case verbs && len(r.Names) == 0 && slices.ContainsFunc(r.Resources, escalating):
		return kubernetes(rule.High, "every verb, also escalate, bind or impersonate, on resources that hand out permissions", "the verbs that are used")
	case verbs && len(r.Resources) > 0:
		return kubernetes(rule.Medium, "every verb, also deletecollection and those that are added later", "the verbs that are used")
	case verbs && slices.Contains(r.URLs, "*"):
		return kubernetes(rule.High, "every verb on every URL of the API server", "the URLs that are used")
	case len(r.Verbs) > 0 && slices.Contains(r.URLs, "*"):
		return kubernetes(rule.Medium, "every URL of the API server, also those for debugging", "the URLs that are used")
	case len(r.Verbs) > 0 && len(r.Resources) > 0 && slices.Contains(r.Groups, "*"):
		severity := rule.Medium
		if reads {
			severity = rule.Low
		}
		return kubernetes(severity, "resources of these names in every group, also in those that are added later", "the groups that the resources are of")
	}
	return Problem{}, false
}

func kubernetes(s rule.Severity, why, narrower string) (Problem, bool) {
	return Problem{Rule: KubernetesRule, Severity: s, Value: "*", Why: why, Narrower: narrower}, true
}

// escalating tells resources by which a holder takes on other permissions.
func escalating(resource string) bool {
	switch resource {
	case "roles", "clusterroles", "rolebindings", "clusterrolebindings", "secrets", "serviceaccounts", "users", "groups", "pods/exec",
		"serviceaccounts/token", "certificatesigningrequests", "validatingwebhookconfigurations", "mutatingwebhookconfigurations":
		return true
	}
	return false
}
