package scope

import (
	"bytes"
	"path"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// awsTemplate reads stacks: CloudFormation, SAM, Serverless and what the CDK
// writes out.
// Sources: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference,
// docs.aws.amazon.com/serverless-application-model, serverless.com/framework/docs/providers/aws/guide/iam.
var awsTemplate = Format{
	Name:  "aws-cloudformation",
	Files: "CloudFormation and SAM templates in YAML and JSON (also `*.template`), `serverless.yml`, `cdk.out/*.template.json`",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule, awsManagedRule, awsPublicRule, awsAccessKeyRule},
	Match: func(name string) bool {
		return hasExt(name, ".yaml", ".yml", ".json", ".template") && !isTerraform(name)
	},
	Hints: []string{"AWS::", "iamRoleStatements", "iamManagedPolicies", "statements", "managedPolicies", "functions:"},
	Read: func(f *File) {
		serverless := strings.HasPrefix(path.Base(f.Path), "serverless.")
		if !serverless && !bytes.Contains(f.Text, []byte("AWS::")) {
			return
		}
		stack := newAWSFile(f)
		for _, d := range stackDocs(f) {
			switch {
			case serverless:
				readServerless(f, d)
				for _, r := range alternatives(d.Get("resources")) {
					stack.readStack(r.Get("Resources"))
				}
			case isTemplate(d):
				stack.readStack(d.Get("Resources"))
			}
		}
	},
}

// stackDocs are the documents of a file; .template says nothing of the syntax.
func stackDocs(f *File) []*document.Node {
	if !hasExt(f.Path, ".template") {
		return f.Docs()
	}
	name := "stack.yaml"
	if text := bytes.TrimLeft(f.Text, "\xef\xbb\xbf \t\r\n"); len(text) > 0 && text[0] == '{' {
		name = "stack.json"
	}
	parsed, err := document.Parse(name, f.Text, nil)
	if err != nil {
		f.Fault(err)
	}
	return parsed.Docs
}

// isTemplate tells a stack's template.
func isTemplate(d *document.Node) bool { return hasResources(d.Get("Resources")) }

func hasResources(resources *document.Node) bool {
	for _, m := range resources.Entries() {
		if loop := loopOf(m); loop != nil && hasResources(loop) {
			return true
		}
		if t := m.Value.Get("Type").Str(); strings.HasPrefix(t, "AWS::") || strings.HasPrefix(t, "Custom::") {
			return true
		}
	}
	return false
}

// loopOf are the resources that Fn::ForEach makes: its third argument.
func loopOf(m document.Member) *document.Node {
	if strings.HasPrefix(m.Key.Text, "Fn::ForEach::") && len(m.Value.Values()) == 3 {
		return m.Value.Items[2]
	}
	return nil
}

func (f *awsFile) readStack(resources *document.Node) {
	for _, m := range resources.Entries() {
		if loop := loopOf(m); loop != nil {
			f.readStack(loop)
			continue
		}
		p := m.Value.Get("Properties")
		name := m.Key.Text
		if controlsOnly(name) {
			continue
		}
		switch t := m.Value.Get("Type").Str(); t {
		case "AWS::EC2::VPCEndpoint", "AWS::Organizations::Policy": // they grant nothing by themselves
			continue
		case "AWS::IAM::AccessKey":
			f.Report(m.Value.Get("Type"), Problem{Rule: awsAccessKey, Subject: name, Why: "makes a key that never ends, and shows it to whoever reads the stack", Narrower: "a role, which the program takes on"})
		case "AWS::S3::Bucket":
			readBucketACL(f.File, name, p.Get("AccessControl"))
		case "AWS::Lambda::Permission":
			if who := p.Get("Principal"); who.Is("*") && p.Get("SourceArn") == nil && p.Get("SourceAccount") == nil && p.Get("PrincipalOrgID") == nil && p.Get("FunctionUrlAuthType") == nil {
				f.Report(who, publicFunction(name))
			}
		case "AWS::Lambda::Url":
			readFunctionURL(f.File, name, p.Get("AuthType"))
		case "AWS::Serverless::Function":
			readFunctionURL(f.File, name, p.Get("FunctionUrlConfig", "AuthType"))
			readManaged(f.File, name, p.Get("Policies"))
			readPolicyTemplates(f.File, name, p.Get("Policies"))
		case "AWS::Serverless::StateMachine":
			readManaged(f.File, name, p.Get("Policies"))
			readPolicyTemplates(f.File, name, p.Get("Policies"))
		case "AWS::SSO::PermissionSet":
			readManaged(f.File, name, p.Get("ManagedPolicies"))
		default:
			readManaged(f.File, name, p.Get("ManagedPolicyArns"))
		}
		f.readPolicies(p, name)
	}
}

// readPolicyTemplates reports SAM's policy templates for every resource of a
// kind: S3CrudPolicy with the bucket's name *.
// Source: docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html.
func readPolicyTemplates(f *File, subject string, list *document.Node) {
	for _, n := range alternatives(list) {
		for _, m := range n.Entries() {
			if !strings.HasSuffix(m.Key.Text, "Policy") {
				continue
			}
			for _, parameter := range m.Value.Entries() {
				if parameter.Value.Is("*") {
					f.Report(parameter.Value, Problem{
						Rule: AWSRule, Severity: rule.Medium, Subject: subject, Why: m.Key.Text + " with * for " + parameter.Key.Text + " is for every one of the account",
						Narrower: parameter.Key.Text + ": !Ref of the one that is meant",
					})
				}
			}
		}
	}
}

// publicFunction is a function that every account of AWS may call.
func publicFunction(subject string) Problem {
	return Problem{Rule: awsPublic, Subject: subject, Why: "lets every account of AWS call the function", Narrower: "the service or account that is meant, with SourceArn"}
}

func readFunctionURL(f *File, subject string, auth *document.Node) {
	for _, a := range alternatives(auth) {
		if a.Is("NONE") {
			f.Report(a, Problem{Rule: awsPublic, Severity: rule.Medium, Subject: subject, Why: "lets everyone on the internet call the function", Narrower: "AWS_IAM, or an API with an authorizer"})
		}
	}
}

// readBucketACL reports a canned ACL that lets others in, as CloudFormation or
// Terraform write it. To read is often meant, and to write never.
func readBucketACL(f *File, subject string, canned *document.Node) {
	for _, acl := range alternatives(canned) {
		switch {
		case acl.Is("PublicReadWrite", "public-read-write"):
			f.Report(acl, Problem{Rule: awsPublic, Severity: rule.Critical, Subject: subject, Why: "lets everyone on the internet write into the bucket", Narrower: "Private, with a policy for who is meant"})
		case acl.Is("PublicRead", "public-read"):
			f.Report(acl, Problem{Rule: awsPublic, Severity: rule.Medium, Subject: subject, Why: "lets everyone on the internet list and read the bucket", Narrower: "Private, behind CloudFront with origin access control"})
		case acl.Is("AuthenticatedRead", "authenticated-read"):
			f.Report(acl, Problem{Rule: awsPublic, Severity: rule.High, Subject: subject, Why: "lets every account of AWS list and read the bucket", Narrower: "Private, with a policy for the accounts that are meant"})
		}
	}
}

// readServerless reads the statements of Serverless' own keys.
func readServerless(f *File, d *document.Node) {
	readServerlessRole(f, d.Get("provider"), "provider")
	for _, list := range alternatives(d.Get("functions")) {
		for _, m := range list.Entries() {
			name := "function " + m.Key.Text
			readServerlessRole(f, m.Value, name)
			if url := m.Value.Get("url"); isTrue(url) || url.Get("authorizer").Is("none") {
				f.Report(m.Value.Key("url"), Problem{Rule: awsPublic, Severity: rule.Medium, Subject: name, Why: "lets everyone on the internet call the function", Narrower: "url: { authorizer: aws_iam }"})
			}
		}
	}
}

// readServerlessRole reads what the provider or a function is granted: older
// versions and the plugin of roles by function have keys of their own.
func readServerlessRole(f *File, n *document.Node, subject string) {
	for _, list := range []*document.Node{n.Get("iam", "role", "statements"), n.Get("iamRoleStatements")} {
		readStatements(f, alternatives(list), subject)
	}
	for _, list := range []*document.Node{n.Get("iam", "role", "managedPolicies"), n.Get("iamManagedPolicies")} {
		readManaged(f, subject, list)
	}
}
