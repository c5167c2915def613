package scope

import (
	"path"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// awsTerraform reads Terraform's and OpenTofu's resources of AWS.
// Source: registry.terraform.io/providers/hashicorp/aws/latest/docs.
var awsTerraform = Format{
	Name:  "aws-terraform",
	Files: "`*.tf`, `*.tofu` and their JSON, with `aws_*` or modules of AWS",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule, awsManagedRule, awsPublicRule, awsAccessKeyRule},
	Match: isTerraform,
	Hints: []string{"aws_", "arn:aws", "Statement", `/aws"`, "/aws//"},
	Read: func(f *File) {
		for _, d := range f.Docs() {
			newAWSFile(f).readTerraform(d)
		}
	},
}

func (f *awsFile) readTerraform(d *document.Node) {
	controls, values := controlPolicies(d), newTerraform(f.File, d)
	values.branches = true
	grants := func(b *document.Block) bool {
		return strings.HasPrefix(b.Name(), "aws_") && !controlsOnly(b.Name()) && !controls[b.Name()]
	}
	for _, b := range document.Blocks(d, "data", "aws_iam_policy_document", "aws_iam_policy") {
		if !grants(&b) {
			continue
		}
		for _, body := range values.filledIn(b.Body) {
			if b.Labels[0].Text == "aws_iam_policy_document" {
				readTerraformPolicy(f.File, statements(body), b.Name())
				continue
			}
			readManaged(f.File, b.Name(), body.Get("name"))
			readManaged(f.File, b.Name(), body.Get("arn"))
		}
	}
	for _, b := range document.Blocks(d, "resource") {
		if grants(&b) {
			for _, body := range values.filledIn(b.Body) {
				f.readTerraformResource(&document.Block{Labels: b.Labels, Body: body, Type: b.Type})
			}
		}
	}
	for _, m := range modules(d) {
		if !grantless(m) {
			for _, body := range values.filledIn(m.Value) {
				f.readModule(body, "module."+m.Key.Text)
			}
		}
	}
}

// modules are the modules that are called, by their names.
func modules(d *document.Node) []document.Member {
	var all []document.Member
	for _, body := range d.All("module") {
		if len(body.Labels) > 0 {
			all = append(all, document.Member{Key: body.Labels[0], Value: body})
		} else { // JSON
			all = append(all, body.Entries()...)
		}
	}
	return all
}

// grantless tells a module that makes bounds, or endpoints, whose policies
// grant nothing.
func grantless(m document.Member) bool {
	source := m.Value.Get("source").Str()
	return controlsOnly(m.Key.Text) || controlsOnly(source) || strings.Contains(source, "endpoint")
}

// controlPolicies are the policies and documents that a file uses where they
// grant nothing: as a control policy of the organisation, for an endpoint, or
// as a permissions boundary.
func controlPolicies(d *document.Node) map[string]bool {
	all := make(map[string]bool)
	add := func(n *document.Node) {
		if n != nil && n.Kind == document.Unknown {
			all[referenced(n.Text)] = true
		}
	}
	blocks := document.Blocks(d, "resource")
	for _, b := range blocks {
		add(b.Body.Get("permissions_boundary"))
		switch b.Labels[0].Text {
		case "aws_organizations_policy", "aws_vpc_endpoint", "aws_vpc_endpoint_policy":
			add(b.Body.Get("content"))
			add(b.Body.Get("policy"))
		}
	}
	for _, m := range modules(d) {
		if grantless(m) {
			m.Value.Walk(func(n *document.Node) bool {
				add(n)
				return true
			})
		}
	}
	for _, b := range blocks {
		if all[b.Name()] || controlsOnly(b.Name()) {
			add(b.Body.Get("policy"))
		}
	}
	return all
}

// referenced is the name of the block that a reference is to.
func referenced(text string) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "${"), "data.")
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return text
	}
	name, _, _ := strings.Cut(parts[1], "[")
	return parts[0] + "." + name
}

// statements are the blocks of a policy document, those that are made in a
// loop among them.
func statements(body *document.Node) []*document.Node {
	all := slices.Clone(body.All("statement"))
	for _, loop := range body.All("dynamic") {
		if len(loop.Labels) > 0 && loop.Labels[0].Text == "statement" {
			all = append(all, loop.All("content")...)
		}
	}
	return all
}

// readTerraformPolicy judges the statements of a policy document; in JSON and
// in modules' variables they are lists.
func readTerraformPolicy(f *File, all []*document.Node, subject string) {
	var policy []granted
	for _, list := range all {
		for _, n := range alternatives(list) {
			if n.Kind == document.Map {
				policy = append(policy, granted{n, terraformStatementOf(n), subjectOf(subject, n.Get("sid")), &terraformWords})
			}
		}
	}
	judgePolicy(f, policy)
}

func terraformStatementOf(n *document.Node) Statement {
	var s Statement
	s.fill(n, &terraformWords)
	for _, list := range n.All("principals") {
		for _, p := range alternatives(list) {
			if p.Get("type").Is("Federated") {
				s.Federated = append(s.Federated, known(p.Get("identifiers"))...)
			} else {
				s.Principals = append(s.Principals, known(p.Get("identifiers"))...)
			}
		}
	}
	for _, list := range append(n.All("condition"), n.All("conditions")...) {
		for _, c := range alternatives(list) {
			s.bind(condition{c.Get("test").Str(), c.Get("variable"), c.Get("values")})
		}
	}
	for _, loop := range n.All("dynamic") { // blocks that are not written out
		switch {
		case len(loop.Labels) == 0 || loop.Labels[0].Text == "condition":
			s.Conditional, s.Claimed = true, true
		case loop.Labels[0].Text == "principals":
			s.HasPrincipal = true
		}
	}
	return s
}

func (f *awsFile) readTerraformResource(b *document.Block) {
	body, name := b.Body, b.Name()
	switch b.Labels[0].Text {
	case "aws_organizations_policy", "aws_vpc_endpoint", "aws_vpc_endpoint_policy":
		return
	case "aws_iam_access_key":
		if body.Get("status").Is("Inactive") {
			return
		}
		f.Report(b.Labels[0], Problem{Rule: awsAccessKey, Subject: name, Why: "makes a key that never ends, and keeps it in Terraform's state", Narrower: "aws_iam_role, which the program takes on"})
	case "aws_iam_role_policy_attachment", "aws_iam_user_policy_attachment", "aws_iam_group_policy_attachment", "aws_iam_policy_attachment", "aws_ssoadmin_managed_policy_attachment":
		for _, key := range []string{"policy_arn", "managed_policy_arn"} {
			readManaged(f.File, name, body.Get(key))
		}
	case "aws_iam_role":
		readManaged(f.File, name, body.Get("managed_policy_arns"))
	case "aws_iam_role_policy_attachments_exclusive":
		readManaged(f.File, name, body.Get("policy_arns"))
	case "aws_s3_bucket", "aws_s3_bucket_acl":
		readBucketACL(f.File, name, body.Get("acl"))
		readBucketGrants(f.File, name, body)
	case "aws_lambda_function_url":
		readFunctionURL(f.File, name, body.Get("authorization_type"))
	case "aws_lambda_permission":
		if who := body.Get("principal"); who.Is("*") && body.Get("source_arn") == nil && body.Get("source_account") == nil && body.Get("principal_org_id") == nil && body.Get("function_url_auth_type") == nil {
			f.Report(who, publicFunction(name))
		}
	}
	f.readPolicies(body, name)
}

// readBucketGrants reports grants to Amazon S3's groups of everyone.
// Source: docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html.
func readBucketGrants(f *File, subject string, body *document.Node) {
	body.Walk(func(n *document.Node) bool {
		switch group := path.Base(n.Get("uri").Str()); group {
		case "AllUsers", "AuthenticatedUsers":
			f.Report(n.Get("uri"), Problem{Rule: awsPublic, Subject: subject, Value: group, Why: "lets everyone on the internet or with an AWS account use the bucket", Narrower: "the account that is meant, by its canonical id, or a bucket policy"})
		}
		return true
	})
}

// readModule reads what is handed to a module: policies in JSON, statements in
// the words of the data source, ARNs of managed policies.
func (f *awsFile) readModule(body *document.Node, name string) {
	f.readPolicies(body, name)
	for key, policy := range map[string]string{"attach_admin_policy": "AdministratorAccess", "attach_poweruser_policy": "PowerUserAccess"} {
		if a, _, _ := administratorOf(policy); isTrue(body.Get(key)) {
			f.Report(body.Key(key), Problem{Rule: awsManaged, Severity: a.severity, Subject: name, Value: policy, Why: a.opens, Narrower: "a policy of the actions that are called, on the ARNs that they are called for"})
		}
	}
	for _, who := range alternatives(body.Get("trusted_role_arns")) {
		if who.Is("*") {
			f.Report(who, Problem{Rule: AWSTrustRule, Severity: rule.Critical, Subject: name, Why: "anyone with an AWS account may take on the role", Narrower: "the ARN of the account or role that is meant"})
		}
	}
	for _, m := range body.Entries() {
		if !controlsOnly(m.Key.Text) {
			readModuleValue(f.File, m.Value, name)
		}
	}
}

// says tells whether a map has one of the keys.
func says(n *document.Node, keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return n.Get(k) != nil })
}

func readModuleValue(f *File, n *document.Node, subject string) {
	switch {
	case n.Kind == document.String || n.Kind == document.Unknown:
		if strings.HasPrefix(n.Text, "arn:") {
			readManaged(f, subject, n)
		}
	case says(n, "actions", "not_actions") && says(n, "resources", "not_resources", "principals"):
		readTerraformPolicy(f, []*document.Node{n}, subject)
	}
	for _, i := range alternatives(n) {
		if i != n {
			readModuleValue(f, i, subject)
		}
	}
	for _, m := range n.Entries() {
		if !controlsOnly(m.Key.Text) {
			readModuleValue(f, m.Value, subject)
		}
	}
}
