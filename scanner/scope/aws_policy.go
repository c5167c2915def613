package scope

import (
	"path"
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// AWS' rules of files, beside those that Go code shares.
const (
	awsManaged   = "scope-aws-managed"
	awsPublic    = "scope-aws-public"
	awsAccessKey = "scope-aws-access-key"
)

var (
	awsManagedRule = Rule{
		ID: awsManaged, Name: "AWS managed policy of an administrator", Severity: rule.High,
		Opens: "Everything that AWS puts into the policy, also later.",
		Steps: "Write a policy of the actions that are called; IAM Access Analyzer makes one from what was used.",
		URL:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-use-aws-defined-policies",
	}
	awsPublicRule = Rule{
		ID: awsPublic, Name: "AWS resource that anyone may use", Severity: rule.High,
		Opens: "The resource, for everyone on the internet.",
		Steps: "Name who is meant, and block public access for the account.",
		URL:   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
	}
	awsAccessKeyRule = Rule{
		ID: awsAccessKey, Name: "AWS key that never ends", Severity: rule.Medium,
		Opens: "What the user may do, from anywhere, until someone deletes the key; it stands in the stack's state as well.",
		Steps: "Let the program take on a role: by its instance, by OpenID Connect, or by IAM Roles Anywhere.",
		URL:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html#securing_access-keys",
	}
)

// awsPolicy reads policies in JSON: files of their own, and whatever holds one.
// Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
var awsPolicy = Format{
	Name:  "aws-policy",
	Files: "JSON that holds an IAM, trust or resource policy",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule},
	Match: func(name string) bool { return hasExt(name, ".json") && !isTerraform(name) },
	Hints: []string{`"Statement"`},
	Read: func(f *File) {
		if controlsOnly(f.Path) {
			return
		}
		for _, d := range f.Docs() {
			if !isTemplate(d) {
				readPolicies(f, d, strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path)))
			}
		}
	},
}

// controlName is a name of what bounds permissions and grants none: a service
// control policy, a permissions boundary.
var controlName = regexp.MustCompile(`(?i)(^|[^a-z])[sr]cps?([^a-z]|$)|boundar(y|ies)|(service|resource)[-_]?control`)

// controlsOnly tells by its path or name what grants nothing.
func controlsOnly(name string) bool { return controlName.MatchString(name) }

// readPolicies reads every policy in a tree: a map that has statements.
func readPolicies(f *File, n *document.Node, subject string) {
	n.Walk(func(n *document.Node) bool {
		list := n.Get("Statement")
		if list == nil {
			return true
		}
		all := list.Values()
		if list.Kind == document.Map {
			all = []*document.Node{list}
		}
		for _, s := range all {
			readStatement(f, s, subject)
		}
		return true
	})
}

// words of a statement, in the order Effect, Action, NotAction, Resource,
// NotResource: JSON's, and those of Terraform's data source.
var (
	jsonWords      = [...]string{"Effect", "Action", "NotAction", "Resource", "NotResource"}
	terraformWords = [...]string{"effect", "actions", "not_actions", "resources", "not_resources"}
)

// readStatement judges a statement of a policy in JSON or YAML.
func readStatement(f *File, n *document.Node, subject string) {
	if n == nil || n.Kind != document.Map || n.Get("Effect") == nil {
		return
	}
	s := Statement{HasPrincipal: n.Get("Principal") != nil || n.Get("NotPrincipal") != nil, Conditional: len(n.Get("Condition").Entries()) > 0 || n.Get("Condition") != nil && n.Get("Condition").Kind == document.Unknown}
	p := n.Get("Principal")
	for _, list := range []*document.Node{p, p.Get("AWS")} {
		s.Principals = append(s.Principals, list.Texts()...)
	}
	s.Federated = known(p.Get("Federated"))
	for _, operator := range n.Get("Condition").Entries() {
		if operator.Key.Is("ForAllValues:StringLike", "ForAllValues:StringEquals") || !strings.Contains(operator.Key.Text, "String") || strings.Contains(operator.Key.Text, "Not") {
			continue
		}
		for _, m := range operator.Value.Entries() {
			if strings.HasSuffix(m.Key.Text, ":sub") || m.Key.Kind == document.Unknown {
				s.Subjects = append(s.Subjects, subjects(m.Value)...)
			}
		}
	}
	if id := n.Get("Sid").Str(); id != "" {
		subject += " " + id
	}
	judgeStatement(f, n, &s, subject, jsonWords)
}

// subjects are the values of a condition; one that is not known may be narrow.
func subjects(n *document.Node) []string {
	all := n.Texts()
	if !n.Known() || n.Kind == document.Map || len(all) == 0 {
		all = append(all, "unknown")
	}
	return all
}

// known are the texts of a string or a list, with those that hang on a
// template or a variable as they are written.
func known(n *document.Node) []string {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case document.String:
		return []string{n.Text}
	case document.Unknown:
		if strings.Contains(n.Text, "${") {
			return []string{n.Text}
		}
	case document.List:
		var all []string
		for _, i := range n.Items {
			all = append(all, known(i)...)
		}
		return all
	case document.Map: // {"Fn::Sub": "…"}
		if sub := n.Get("Fn::Sub"); sub != nil {
			return known(sub)
		}
	}
	return nil
}

// judgeStatement fills in what a statement is for, judges it and reports it
// where it stands.
func judgeStatement(f *File, n *document.Node, s *Statement, subject string, words [5]string) {
	s.Effect = n.Get(words[0]).Str()
	s.Actions, s.NotActions = known(n.Get(words[1])), known(n.Get(words[2]))
	s.Resources, s.NotResources = known(n.Get(words[3])), known(n.Get(words[4]))
	if n.Get(words[4]) != nil && len(s.NotResources) == 0 {
		s.NotResources = []string{"unknown"}
	}
	if s.Effect == "" && n.Get(words[0]) != nil {
		f.Unknown(n)
		return
	}
	p, ok := s.Judge()
	if !ok {
		p, ok = s.JudgeReads()
	}
	if !ok {
		if hangs(n, s, words) {
			f.Unknown(n)
		}
		return
	}
	p.Subject = subject
	f.Report(placeOf(n, &p, words), p)
}

// hangs tells whether it is a value outside of the file that says whether a
// statement is too wide.
func hangs(n *document.Node, s *Statement, words [5]string) bool {
	if strings.EqualFold(s.Effect, "Deny") {
		return false
	}
	if a := n.Get(words[1]); a != nil && a.Kind == document.Unknown {
		return true
	}
	if r := n.Get(words[3]); len(s.Resources) > 0 || r == nil || r.Kind != document.Unknown {
		return false
	}
	wide := *s
	wide.Resources = []string{"*"}
	p, ok := wide.Judge()
	return ok && (strings.HasSuffix(p.Value, ":*") || p.Rule == AWSEscalationRule)
}

// placeOf is the value that is too wide, or the key above it.
func placeOf(n *document.Node, p *Problem, words [5]string) *document.Node {
	var found *document.Node
	look := func(n *document.Node) bool {
		if found == nil && (n.Kind == document.String || n.Kind == document.Unknown) && n.Text == p.Value {
			found = n
		}
		return found == nil
	}
	lists := []string{words[1], words[3]}
	if p.Rule == AWSTrustRule {
		lists = []string{"Condition", "condition", "Principal", "principals"}
	}
	for _, key := range lists {
		for _, v := range n.All(key) {
			v.Walk(look)
		}
	}
	if found != nil {
		return found
	}
	for _, key := range []string{words[2], words[1], "Principal", "NotPrincipal", words[0]} {
		if k := n.Key(key); k != nil {
			return k
		}
	}
	return n
}

// administrators are managed policies that are too wide for most, and what
// they open.
// Source: docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html.
var administrators = map[string]struct {
	severity rule.Severity
	opens    string
}{
	"AdministratorAccess":                  {rule.Critical, "opens everything in the account"},
	"AdministratorAccess-Amplify":          {rule.High, "administers what Amplify makes, roles among them"},
	"IAMFullAccess":                        {rule.Critical, "hands out every permission of the account, also to itself"},
	"PowerUserAccess":                      {rule.High, "opens everything in the account but its users and roles"},
	"job-function/SystemAdministrator":     {rule.High, "changes most of the account"},
	"AWSLambda_FullAccess":                 {rule.Medium, "changes every function, and hands roles to them"},
	"AmazonS3FullAccess":                   {rule.Medium, "reads, changes and deletes every bucket"},
	"AmazonEC2FullAccess":                  {rule.Medium, "changes every machine and network"},
	"AmazonDynamoDBFullAccess":             {rule.Medium, "reads, changes and deletes every table"},
	"AmazonRDSFullAccess":                  {rule.Medium, "changes and deletes every database"},
	"AmazonSQSFullAccess":                  {rule.Medium, "reads, changes and deletes every queue"},
	"AmazonSNSFullAccess":                  {rule.Medium, "changes every topic"},
	"SecretsManagerReadWrite":              {rule.High, "reads and changes every secret"},
	"AmazonSSMFullAccess":                  {rule.High, "runs commands on every machine"},
	"CloudWatchFullAccess":                 {rule.Low, "changes every alarm and dashboard"},
	"AWSCloudFormationFullAccess":          {rule.High, "changes every stack"},
	"AmazonVPCFullAccess":                  {rule.Medium, "changes every network"},
	"AmazonRoute53FullAccess":              {rule.Medium, "changes every name"},
	"AWSKeyManagementServicePowerUser":     {rule.Medium, "uses and makes keys of the whole account"},
	"AWSOrganizationsFullAccess":           {rule.Critical, "administers every account of the organisation"},
	"AmazonECS_FullAccess":                 {rule.Medium, "changes every service and hands roles to it"},
	"AmazonEC2ContainerRegistryFullAccess": {rule.Medium, "changes every image"},
}

// readManaged reports managed policies of a list that are too wide.
func readManaged(f *File, subject string, list *document.Node) {
	var all []*document.Node
	list.Walk(func(n *document.Node) bool {
		all = append(all, n)
		return true
	})
	for _, n := range all {
		if n.Kind != document.String && n.Kind != document.Unknown {
			continue
		}
		name := n.Text
		if _, rest, ok := strings.Cut(name, ":policy/"); ok {
			name = rest
		}
		if a, ok := administrators[strings.Trim(name, `"`)]; ok {
			f.Report(n, Problem{Rule: awsManaged, Severity: a.severity, Subject: subject, Value: name, Why: a.opens, Narrower: "a policy of the actions that are called, on the ARNs that they are called for"})
		}
	}
}
