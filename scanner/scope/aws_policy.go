package scope

import (
	"path"
	"regexp"
	"slices"
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
	Files: "JSON that holds an IAM, trust or resource policy, and templates of it (`*.json.tpl`, `*.json.tftpl`)",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule, awsManagedRule},
	Match: func(name string) bool { return hasExt(name, ".json") && !isTerraform(name) || isPolicyTemplate(name) },
	Hints: []string{`"Statement"`, `\"Statement\"`, `:aws:policy/`},
	Read: func(f *File) {
		if controlsOnly(f.Path) {
			return
		}
		docs := f.Docs
		if isPolicyTemplate(f.Path) {
			docs = func() []*document.Node { return templatedPolicy(f) }
		}
		for _, d := range docs() {
			if !isTemplate(d) {
				subject := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
				newAWSFile(f).readPolicies(d, subject)
				readAttached(f, d, subject)
			}
		}
	},
}

// isPolicyTemplate tells a policy that Terraform fills in: policy.json.tpl.
func isPolicyTemplate(name string) bool {
	return hasExt(name, ".tpl", ".tftpl", ".tmpl") && hasExt(strings.TrimSuffix(name, path.Ext(name)), ".json")
}

// templatedPolicy reads such a policy, with what is filled in left out. What
// is no JSON then has parts that only the program which fills it in can read.
func templatedPolicy(f *File) []*document.Node {
	if len(f.Text) > maxTemplate {
		f.Fault(document.ErrTooLarge)
		return nil
	}
	tree := templateJSON(f.Text)
	if tree == nil {
		f.Unknown(nil)
		return nil
	}
	return []*document.Node{tree}
}

// maxTemplate is how many bytes a template of a policy may have: more than AWS
// takes, many times over.
const maxTemplate = 1 << 20

// readAttached reads what AWS' command line lists of managed policies.
// Source: docs.aws.amazon.com/IAM/latest/APIReference/API_AttachedPolicy.html.
func readAttached(f *File, d *document.Node, subject string) {
	d.Walk(func(n *document.Node) bool {
		for _, key := range []string{"AttachedManagedPolicies", "AttachedPolicies"} {
			for _, p := range n.Get(key).Values() {
				readManaged(f, subject, p.Get("PolicyArn"))
			}
		}
		return true
	})
}

// controlName is a name of what bounds permissions and grants none: a service
// control policy, a permissions boundary.
var controlName = regexp.MustCompile(`(?i)(^|[^a-z])[sr]cps?([^a-z]|$)|boundar(y|ies)|(service|resource)[-_]?control`)

// controlsOnly tells by its path or name what grants nothing.
func controlsOnly(name string) bool { return controlName.MatchString(name) }

// awsFile is a file with policies in it.
type awsFile struct {
	*File
	// strings are those that were read as policies, by their place: aliases
	// may stand for one again and again.
	strings map[int]bool
}

func newAWSFile(f *File) *awsFile { return &awsFile{f, make(map[int]bool)} }

// readPolicies reads every policy in a tree: a map that has statements, or a
// string with one in JSON. Examples of documentation grant nothing.
func (f *awsFile) readPolicies(n *document.Node, subject string) {
	if n == nil {
		return
	}
	if holdsPolicy(n) && !f.strings[n.Start] {
		f.strings[n.Start] = true
		f.readPolicies(embeddedJSON(f.Text, n), subject)
	}
	if list := n.Get("Statement"); list != nil {
		readStatements(f.File, alternatives(list), subject)
	}
	for _, i := range n.Items {
		f.readPolicies(i, subject)
	}
	for _, m := range n.Members {
		if !m.Key.Is("example", "examples", "documentation", "description") {
			f.readPolicies(m.Value, subject)
		}
	}
}

// readStatements judges the statements of a policy in JSON or YAML.
func readStatements(f *File, all []*document.Node, subject string) {
	var policy []granted
	for _, n := range all {
		switch {
		case n.Kind == document.Unknown && n.Tag != "!Ref":
			f.Unknown(n)
		case n.Kind == document.Map && n.Get("Effect") != nil:
			policy = append(policy, granted{n, statementOf(n), subjectOf(subject, n.Get("Sid")), &jsonWords})
		}
	}
	judgePolicy(f, policy)
}

func subjectOf(subject string, id *document.Node) string {
	if id.Str() != "" {
		subject += " " + id.Str()
	}
	return subject
}

// granted is a statement where it stands.
type granted struct {
	node *document.Node
	Statement
	subject string
	words   *awsWords
}

// awsWords are the keys of a statement: JSON's, or those of Terraform's data
// source.
type awsWords struct{ effect, action, notAction, resource, notResource, principal, notPrincipal, condition string }

var (
	jsonWords      = awsWords{"Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
	terraformWords = awsWords{"effect", "actions", "not_actions", "resources", "not_resources", "principals", "not_principals", "condition"}
)

// fill takes from a statement's node what both have.
func (s *Statement) fill(n *document.Node, w *awsWords) {
	s.Effect = n.Get(w.effect).Str()
	s.Actions, s.NotActions = distinct(known(n.Get(w.action))), known(n.Get(w.notAction))
	s.Resources, s.NotResources = known(n.Get(w.resource)), known(n.Get(w.notResource))
	if n.Get(w.notResource) != nil && len(s.NotResources) == 0 {
		s.NotResources = []string{"unknown"}
	}
	s.NotPrincipal = n.Get(w.notPrincipal) != nil
	s.HasPrincipal = s.NotPrincipal || n.Get(w.principal) != nil
}

// statementOf reads a statement of a policy in JSON or YAML.
func statementOf(n *document.Node) Statement {
	var s Statement
	s.fill(n, &jsonWords)
	for _, p := range alternatives(n.Get("Principal")) {
		for _, list := range []*document.Node{p, p.Get("AWS"), p.Get("Service"), p.Get("*")} {
			s.Principals = append(s.Principals, known(list)...)
		}
		s.Federated = append(s.Federated, known(p.Get("Federated"))...)
	}
	c := n.Get("Condition")
	if c != nil && c.Kind != document.Map && c.Kind != document.Null || intrinsic(c, "If") != nil {
		s.Conditional, s.Claimed = true, true
		return s
	}
	for _, operator := range c.Entries() {
		for _, m := range operator.Value.Entries() {
			s.bind(condition{operator.Key.Text, m.Key, m.Value})
		}
	}
	return s
}

// judgePolicy judges the statements of a policy and reports what is too wide.
func judgePolicy(f *File, all []granted) {
	made := makersIn(all)
	for i := range all {
		g := &all[i]
		if g.unclear() {
			f.Unknown(g.node)
			continue
		}
		problems := g.Problems()
		if len(problems) == 0 {
			if p, ok := g.JudgeReads(); ok {
				problems = append(problems, p)
			} else if p, ok := g.passes(made); ok {
				problems = append(problems, p)
			}
		}
		if len(problems) == 0 && g.hangs() {
			f.Unknown(g.node)
		}
		for _, p := range problems {
			p.Subject = g.subject
			f.Report(g.placeOf(&p), p)
		}
	}
}

// unclear tells that it is not known whether a statement allows or denies.
func (g *granted) unclear() bool { return g.Effect == "" && g.node.Get(g.words.effect) != nil }

// makersIn are the makers that a policy allows.
func makersIn(all []granted) []maker {
	var made []maker
	for _, m := range makers {
		if slices.ContainsFunc(all, func(g granted) bool { return !g.unclear() && g.allows(m.action) }) {
			made = append(made, m)
		}
	}
	return made
}

// allows tells whether a statement allows an action by its name.
func (s *Statement) allows(action string) bool {
	return !strings.EqualFold(s.Effect, "Deny") && !s.HasPrincipal && slices.ContainsFunc(s.Actions, func(a string) bool { return covers(a, action) })
}

// passes judges iam:PassRole that is bound to a service, where the policy lets
// its holder start something of that service under any role.
func (g *granted) passes(made []maker) (Problem, bool) {
	if !g.allows("iam:PassRole") || !g.reach()("iam") {
		return Problem{}, false
	}
	for _, m := range made {
		if !slices.ContainsFunc(g.node.All(g.words.condition), func(c *document.Node) bool { return find(c, m.service) != nil }) {
			continue
		}
		i := slices.IndexFunc(g.Actions, func(a string) bool { return covers(a, "iam:PassRole") })
		return Problem{
			Rule: AWSEscalationRule, Severity: rule.Medium, Value: g.Actions[i],
			Why:      "with " + m.action + " beside it its holder takes on every role that trusts " + m.service,
			Narrower: "the ARNs of the roles that are passed, in Resource",
		}, true
	}
	return Problem{}, false
}

// hangs tells whether it is a value outside of the file that says whether a
// statement is too wide.
func (g *granted) hangs() bool {
	if strings.EqualFold(g.Effect, "Deny") {
		return false
	}
	if unresolved(g.node.Get(g.words.action)) {
		return true
	}
	if g.HasPrincipal {
		return g.webIdentity() && !g.Claimed && (slices.Contains(g.Subjects, "unknown") || len(g.Federated)+len(g.Subjects) == 0)
	}
	if !unresolved(g.node.Get(g.words.resource)) {
		return false
	}
	wide := g.Statement
	wide.Resources = []string{"*"}
	return len(wide.Problems()) > 0
}

// placeOf is the value that is too wide, or the key above it.
func (g *granted) placeOf(p *Problem) *document.Node {
	n, w := g.node, g.words
	for _, not := range []struct{ value, key string }{{"NotAction", w.notAction}, {"NotResource", w.notResource}, {"NotPrincipal", w.notPrincipal}} {
		if p.Value == not.value {
			return n.Key(not.key)
		}
	}
	keys := []string{w.action, w.notAction}
	if p.Rule == AWSTrustRule {
		keys = []string{w.principal, w.notPrincipal}
		if slices.Contains(g.Subjects, p.Value) {
			keys = []string{w.condition, "conditions"}
		}
	}
	for _, key := range keys {
		for _, v := range n.All(key) {
			if at := findGranted(v, p.Value); at != nil {
				return at
			}
		}
	}
	for _, key := range append(keys, w.effect) {
		if k := n.Key(key); k != nil {
			return k
		}
	}
	return n
}

// findGranted finds a value of a statement: of Terraform's principals among
// their identifiers, and of a provider's the provider.
func findGranted(v *document.Node, value string) *document.Node {
	for _, i := range alternatives(v) {
		if ids := i.Get("identifiers"); ids != nil {
			if value == "Federated" && i.Get("type").Is(value) && len(alternatives(ids)) > 0 {
				return alternatives(ids)[0]
			}
			i = ids
		}
		if provider := i.Get(value); provider != nil && len(alternatives(provider)) > 0 {
			return alternatives(provider)[0]
		}
		if at := find(i, value); at != nil {
			return at
		}
	}
	return nil
}

// find is the first string below a node that reads so.
func find(n *document.Node, text string) (found *document.Node) {
	n.Walk(func(n *document.Node) bool {
		if found == nil && (n.Kind == document.String || n.Kind == document.Unknown) && n.Text == text {
			found = n
		}
		return found == nil
	})
	return found
}

// readManaged reports managed policies of a list that are too wide.
func readManaged(f *File, subject string, list *document.Node) {
	list.Walk(func(n *document.Node) bool {
		if n.Kind != document.String && n.Kind != document.Unknown {
			return true
		}
		if a, name, ok := administratorOf(n.Text); ok {
			f.Report(n, Problem{Rule: awsManaged, Severity: a.severity, Subject: subject, Value: name, Why: a.opens, Narrower: "a policy of the actions that are called, on the ARNs that they are called for"})
		}
		return true
	})
}
