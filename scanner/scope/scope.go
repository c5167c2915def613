// Package scope knows which permissions open more than most programs need, and
// what is narrower: OAuth scopes, AWS policies, Kubernetes roles. It judges
// what it is given, and reads the grants of configuration files itself: one
// Format a kind of file. Who reads them from code is elsewhere.
package scope

import "github.com/remint/remint/scanner/rule"

// Problem is a grant that is too wide.
type Problem struct {
	// Rule is the rule's id: see Rules.
	Rule     string
	Severity rule.Severity
	// Why is a clause: "opens everything in the account".
	Why string
	// Narrower is what would do: a scope, or a sentence. It is never empty.
	Narrower string
	// Scopes are the narrower scopes alone, the best first; none where only a
	// sentence can say what would do.
	Scopes []string
	// Value is the part that is too wide: "*" of an action list, a scope.
	Value string
	// Subject is who or what is granted it, "ClusterRole ops"; "" where it is
	// the whole file.
	Subject string
}

// The rules.
const (
	OAuthRule = "scope-oauth-broad"
	AWSRule   = "scope-aws-broad"
	// AWSEscalationRule is for actions by which a holder takes on more.
	AWSEscalationRule = "scope-aws-escalation"
	AWSTrustRule      = "scope-aws-trust"
	KubernetesRule    = "scope-kubernetes-broad"
)
