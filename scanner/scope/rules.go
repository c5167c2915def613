package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// The rules that configuration files and Go code share.
var (
	oauthRule = Rule{
		ID: OAuthRule, Name: "OAuth scope that is broader than need be", Severity: rule.Medium,
		Opens: "Whatever the scope names, for whoever holds a token of this client.",
		Steps: "Ask for the narrower scope that the message names, and ask users to consent anew: tokens that were granted keep the old one.",
		URL:   "https://datatracker.ietf.org/doc/html/rfc9700#section-2.3",
	}
	awsRule = Rule{
		ID: AWSRule, Name: "AWS policy that is broader than need be", Severity: rule.High,
		Opens: "Every action and resource that the wildcard covers, also those that AWS adds later.",
		Steps: "List the actions that are called, on the ARNs that they are called for; IAM Access Analyzer makes such a policy from what was used.",
		URL:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
	}
	awsTrustRule = Rule{
		ID: AWSTrustRule, Name: "AWS trust policy that is open to anyone", Severity: rule.Critical,
		Opens: "The role or resource, for every AWS account there is.",
		Steps: "Name the account or role that is meant, and put a Condition on it.",
		URL:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
	}
	awsEscalationRule = Rule{
		ID: AWSEscalationRule, Name: "AWS policy by which its holder takes on other permissions", Severity: rule.High,
		Opens: "The permissions of every role or user that the action reaches, administrators among them.",
		Steps: "Name the ARNs that are meant in Resource, and add a Condition or a permissions boundary.",
		URL:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
	}
	kubernetesRule = Rule{
		ID: KubernetesRule, Name: "Kubernetes rule that is broader than need be", Severity: rule.High,
		Opens: "Every verb and resource that the wildcard covers, and through some of them the whole cluster.",
		Steps: "List the verbs and resources that are used; kubectl auth can-i --list shows what is granted.",
		URL:   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
	}
	shared = []Rule{oauthRule, awsRule, awsTrustRule, awsEscalationRule, kubernetesRule}
)

// Shared returns the rules by which Go code is judged as well.
func Shared() []rule.Rule {
	var all []rule.Rule
	for _, r := range shared {
		all = append(all, r.rule())
	}
	return all
}

// Rules returns every rule of every format, each once.
func Rules() []rule.Rule {
	all := Shared()
	for _, f := range formats {
		for _, r := range f.Rules {
			if !slices.ContainsFunc(all, func(o rule.Rule) bool { return o.ID == r.ID }) {
				all = append(all, r.rule())
			}
		}
	}
	return all
}

// rule is a rule as scans and reports have them. CWE-250 is execution with
// unnecessary privileges, CWE-798 a hardcoded credential; NHI5 and NHI2 of
// OWASP's Non-Human Identities Top 10 are overprivileged and leaked ones.
func (r *Rule) rule() rule.Rule {
	made := rule.Rule{
		ID: r.ID, Name: r.Name, Provider: r.provider(), Severity: r.Severity, CWE: "CWE-250", NHI: "NHI5:2025", Pattern: ".", Scope: !r.Secret,
		Opens: r.Opens, Revoke: rule.Revoke{URL: r.URL, Steps: r.Steps},
	}
	if r.Secret {
		made.CWE, made.NHI = "CWE-798", "NHI2:2025"
	}
	return made
}

// provider is who grants what a rule is about: the second word of its id.
func (r *Rule) provider() string {
	switch p := strings.Split(r.ID, "-")[1]; p {
	case "actions":
		return "github"
	case "agent":
		return "ai-agent"
	default:
		return p
	}
}
