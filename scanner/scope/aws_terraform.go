package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// awsTerraform reads Terraform's and OpenTofu's resources of AWS.
// Source: registry.terraform.io/providers/hashicorp/aws/latest/docs.
var awsTerraform = Format{
	Name:  "aws-terraform",
	Files: "`*.tf`, `*.tofu` and their JSON, with `aws_*`",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule, awsManagedRule, awsPublicRule, awsAccessKeyRule},
	Match: isTerraform,
	Hints: []string{"aws_"},
	Read: func(f *File) {
		for _, d := range f.Docs() {
			controls := controlPolicies(d)
			for _, b := range document.Blocks(d, "data", "aws_iam_policy_document") {
				if slices.Contains(controls, b.Name()) || controlsOnly(b.Name()) {
					continue
				}
				for _, s := range statements(b.Body) {
					readTerraformStatement(f, s, b.Name())
				}
			}
			for _, b := range document.Blocks(d, "resource") {
				if strings.HasPrefix(b.Name(), "aws_") && !controlsOnly(b.Name()) {
					readTerraformResource(f, &b)
				}
			}
		}
	},
}

// controlPolicies are the documents that a file uses where they grant nothing:
// as a control policy of the organisation, or for an endpoint.
func controlPolicies(d *document.Node) []string {
	var all []string
	for _, b := range document.Blocks(d, "resource", "aws_organizations_policy", "aws_vpc_endpoint", "aws_vpc_endpoint_policy") {
		for _, key := range []string{"content", "policy"} {
			if text := b.Body.Get(key); text != nil && strings.HasPrefix(text.Text, "data.") {
				all = append(all, strings.TrimSuffix(strings.TrimPrefix(text.Text, "data."), ".json"))
			}
		}
	}
	return all
}

// statements are the blocks of a policy document; in JSON they are a list.
func statements(body *document.Node) []*document.Node {
	var all []*document.Node
	for _, s := range body.All("statement") {
		if s.Kind == document.List {
			all = append(all, s.Items...)
		} else {
			all = append(all, s)
		}
	}
	return all
}

func readTerraformStatement(f *File, n *document.Node, subject string) {
	s := Statement{Conditional: n.Get("condition") != nil}
	for _, p := range n.All("principals") {
		s.HasPrincipal = true
		if p.Get("type").Is("Federated") {
			s.Federated = append(s.Federated, known(p.Get("identifiers"))...)
		} else if p.Get("type").Is("*", "AWS") {
			s.Principals = append(s.Principals, p.Get("identifiers").Texts()...)
		}
	}
	s.HasPrincipal = s.HasPrincipal || n.Get("not_principals") != nil
	for _, c := range n.All("condition") {
		variable := c.Get("variable")
		if strings.HasSuffix(variable.Str(), ":sub") || variable != nil && variable.Kind == document.Unknown {
			s.Subjects = append(s.Subjects, subjects(c.Get("values"))...)
		}
	}
	if n.Get("dynamic") != nil { // blocks that are not written out
		s.Conditional = true
		s.Subjects = append(s.Subjects, "unknown")
	}
	if id := n.Get("sid").Str(); id != "" {
		subject += " " + id
	}
	judgeStatement(f, n, &s, subject, terraformWords)
}

func readTerraformResource(f *File, b *document.Block) {
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
		readManaged(f, name, body.Get("policy_arn"))
		readManaged(f, name, body.Get("managed_policy_arn"))
	case "aws_iam_role":
		readManaged(f, name, body.Get("managed_policy_arns"))
	case "aws_iam_role_policy_attachments_exclusive":
		readManaged(f, name, body.Get("policy_arns"))
	case "aws_s3_bucket", "aws_s3_bucket_acl":
		readBucketACL(f, name, body.Get("acl"))
	case "aws_lambda_function_url":
		readFunctionURL(f, name, body.Get("authorization_type"))
	case "aws_lambda_permission":
		if who := body.Get("principal"); who.Is("*") && body.Get("source_arn") == nil && body.Get("source_account") == nil && body.Get("principal_org_id") == nil && body.Get("function_url_auth_type") == nil {
			f.Report(who, publicFunction(name))
		}
	}
	readPolicies(f, body, name)
}
