package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// condition is one test of a statement's condition.
type condition struct {
	operator    string
	key, values *document.Node
}

// bind takes in a condition, after what the statement is for.
func (s *Statement) bind(c condition) {
	if s.webIdentity() && c.key != nil {
		s.bindClaim(c)
	}
	s.Conditional = s.Conditional || c.narrows(s.HasPrincipal)
}

// bindClaim takes in what is asked of an identity provider's token.
func (s *Statement) bindClaim(c condition) {
	i := strings.LastIndexByte(c.key.Text, ':')
	host, claim := c.key.Text[:max(i, 0)], c.key.Text[i+1:]
	if c.negative() || strings.EqualFold(host, "aws") || strings.EqualFold(host, "sts") {
		return
	}
	s.Federated = append(s.Federated, host)
	switch claim {
	case "aud", "oaud":
		s.Claimed = s.Claimed || issuerOf([]string{host}).audience
	case "iss":
	case "sub":
		s.Subjects = append(s.Subjects, c.subjects()...)
	default:
		s.Claimed = true
	}
}

// subjects are the patterns of a sub. One that is exact, or is not known, may
// be narrow.
func (c *condition) subjects() []string {
	if !strings.Contains(c.operator, "Like") && c.operator != "" {
		return []string{"exact"}
	}
	all := known(c.values)
	if len(all) == 0 {
		return []string{"unknown"}
	}
	return all
}

func (c *condition) negative() bool {
	return strings.Contains(c.operator, "Not") || strings.HasPrefix(c.operator, "Null")
}

// Keys of conditions, in lower case, that do not narrow what is reached (of a
// policy of a role's), or who reaches it (of a resource's or a trust policy).
// Keys that are not listed are taken to narrow.
// Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
var (
	narrowNothing = []string{"aws:securetransport", "s3:tlsversion", "aws:currenttime", "aws:epochtime", "aws:useragent", "aws:referer", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:requestedregion"}
	narrowWho     = []string{"aws:principal", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:userid", "aws:username", "aws:federatedprovider", "aws:tokenissuetime", "aws:resourceaccount", "aws:resourceorg"}
	narrowWhat    = []string{"s3:x-amz-", "s3:prefix", "s3:delimiter", "s3:max-keys", "sns:protocol", "lambda:functionurlauthtype", "kms:viaservice", "kms:grantisforawsresource", "sts:rolesessionname"}
)

// narrows tells whether a condition narrows who reaches something, or else what
// is reached.
func (c *condition) narrows(who bool) bool {
	if strings.HasPrefix(c.operator, "Null") || who && c.negative() || c.anything() {
		return false
	}
	idle := narrowWho
	if who {
		idle = narrowWhat
	}
	key := ""
	if c.key != nil {
		key = strings.ToLower(c.key.Text)
	}
	return !slices.Contains(narrowNothing, key) && !slices.ContainsFunc(idle, func(p string) bool { return strings.HasPrefix(key, p) })
}

// anything tells that one of the values lets everything pass. Of a resource's
// tag * asks that there is one.
func (c *condition) anything() bool {
	if c.key != nil && strings.Contains(strings.ToLower(c.key.Text), "resourcetag/") {
		return false
	}
	return !c.negative() && slices.ContainsFunc(known(c.values), func(v string) bool { return v == "*" || v == "0.0.0.0/0" || v == "::/0" })
}
