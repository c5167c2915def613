package scope

import (
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
	Files: "CloudFormation and SAM templates in YAML and JSON, `serverless.yml`, `cdk.out/*.template.json`",
	Rules: []Rule{awsRule, awsTrustRule, awsEscalationRule, awsManagedRule, awsPublicRule, awsAccessKeyRule},
	Match: func(name string) bool {
		return hasExt(name, ".yaml", ".yml", ".json") && !isTerraform(name)
	},
	Hints: []string{"AWS::", "iamRoleStatements", "iamManagedPolicies", "iam:"},
	Read: func(f *File) {
		serverless := strings.HasPrefix(path.Base(f.Path), "serverless.")
		for _, d := range f.Docs() {
			switch {
			case serverless:
				readServerless(f, d)
				readStack(f, d.Get("resources", "Resources"))
			case isTemplate(d):
				readStack(f, d.Get("Resources"))
			}
		}
	},
}

// isTemplate tells a stack's template.
func isTemplate(d *document.Node) bool {
	for _, m := range d.Get("Resources").Entries() {
		if t := m.Value.Get("Type").Str(); strings.HasPrefix(t, "AWS::") || strings.HasPrefix(t, "Custom::") {
			return true
		}
	}
	return false
}

func readStack(f *File, resources *document.Node) {
	for _, m := range resources.Entries() {
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
			readBucketACL(f, name, p.Get("AccessControl"))
		case "AWS::Lambda::Permission":
			if who := p.Get("Principal"); who.Is("*") && p.Get("SourceArn") == nil && p.Get("SourceAccount") == nil && p.Get("PrincipalOrgID") == nil && p.Get("FunctionUrlAuthType") == nil {
				f.Report(who, publicFunction(name))
			}
		case "AWS::Lambda::Url":
			readFunctionURL(f, name, p.Get("AuthType"))
		case "AWS::Serverless::Function":
			readFunctionURL(f, name, p.Get("FunctionUrlConfig", "AuthType"))
			readManaged(f, name, p.Get("Policies"))
		default:
			readManaged(f, name, p.Get("ManagedPolicyArns"))
		}
		readPolicies(f, p, name)
	}
}

// publicFunction is a function that every account of AWS may call.
func publicFunction(subject string) Problem {
	return Problem{Rule: awsPublic, Subject: subject, Why: "lets every account of AWS call the function", Narrower: "the service or account that is meant, with SourceArn"}
}

func readFunctionURL(f *File, subject string, auth *document.Node) {
	if auth.Is("NONE") {
		f.Report(auth, Problem{Rule: awsPublic, Severity: rule.Medium, Subject: subject, Why: "lets everyone on the internet call the function", Narrower: "AWS_IAM, or an API with an authorizer"})
	}
}

// readBucketACL reports a canned ACL that lets others in, as CloudFormation or
// Terraform write it. To read is often meant, and to write never.
func readBucketACL(f *File, subject string, acl *document.Node) {
	switch {
	case acl.Is("PublicReadWrite", "public-read-write"):
		f.Report(acl, Problem{Rule: awsPublic, Severity: rule.Critical, Subject: subject, Why: "lets everyone on the internet write into the bucket", Narrower: "Private, with a policy for who is meant"})
	case acl.Is("PublicRead", "public-read"):
		f.Report(acl, Problem{Rule: awsPublic, Severity: rule.Medium, Subject: subject, Why: "lets everyone on the internet list and read the bucket", Narrower: "Private, behind CloudFront with origin access control"})
	case acl.Is("AuthenticatedRead", "authenticated-read"):
		f.Report(acl, Problem{Rule: awsPublic, Severity: rule.High, Subject: subject, Why: "lets every account of AWS list and read the bucket", Narrower: "Private, with a policy for the accounts that are meant"})
	}
}

// readServerless reads the statements of Serverless' own keys.
func readServerless(f *File, d *document.Node) {
	provider := d.Get("provider")
	for _, list := range []*document.Node{provider.Get("iam", "role", "statements"), provider.Get("iamRoleStatements")} {
		for _, s := range list.Values() {
			readStatement(f, s, "provider")
		}
	}
	for _, list := range []*document.Node{provider.Get("iam", "role", "managedPolicies"), provider.Get("iamManagedPolicies")} {
		readManaged(f, "provider", list)
	}
	for _, m := range d.Get("functions").Entries() {
		for _, key := range []string{"iamRoleStatements", "iamRoleStatementsInherit"} {
			for _, s := range m.Value.Get(key).Values() {
				readStatement(f, s, "function "+m.Key.Text)
			}
		}
		if isTrue(m.Value.Get("url")) {
			f.Report(m.Value.Key("url"), Problem{Rule: awsPublic, Severity: rule.Medium, Subject: "function " + m.Key.Text, Why: "lets everyone on the internet call the function", Narrower: "url: { authorizer: aws_iam }"})
		}
	}
}
