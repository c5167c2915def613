package derive

import (
	"fmt"
	"strings"
	"testing"
)

// needed is a program's needs of each provider.
func needed() *Needs {
	const auth = scopeURL + "drive"
	return &Needs{
		AWS: []Action{
			{Name: "dynamodb:GetItem", Resources: []string{"arn:aws:dynamodb:*:*:table/users"}},
			{Name: "s3:GetObject", Resources: []string{"arn:aws:s3:::reports/*"}},
		},
		GitHub: []Permission{{Name: "contents", Level: "read"}, {Name: "issues", Level: "write"}, {Name: "metadata", Level: "read"}},
		Google: []Scope{{Name: auth + ".metadata.readonly"}},
		methods: []answered{{
			id: "drive.files.list", answers: []string{auth, auth + ".file", auth + ".metadata.readonly"}, enough: []string{auth, auth + ".metadata.readonly"},
		}},
	}
}

func policy(statements ...string) string {
	return `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`
}

func allow(action, resource string) string {
	return fmt.Sprintf(`{"Effect": "Allow", "Action": %q, "Resource": %q}`, action, resource)
}

func TestDiff(t *testing.T) {
	users := allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:123456789012:table/users")
	reports := allow("s3:GetObject", "arn:aws:s3:::reports/*")
	for _, c := range []struct{ title, name, text, unneeded, lacking string }{
		{"a policy that is right", "p.json", policy(users, reports), "", ""},
		{"another resource", "p.json", policy(users, allow("s3:GetObject", "arn:aws:s3:::other/*")), "s3:GetObject on arn:aws:s3:::other/*", "s3:GetObject on arn:aws:s3:::reports/*"},
		{"a wide resource", "p.json", policy(users, allow("s3:GetObject", "*")), "s3:GetObject on *, of which arn:aws:s3:::reports/* is needed", ""},
		{"a wide action", "p.json", policy(users, allow("s3:Get*", "arn:aws:s3:::reports/*")), "s3:Get* on arn:aws:s3:::reports/*, of which s3:GetObject is needed", ""},
		{"an action for nothing", "p.json", policy(users, reports, allow("iam:PassRole", "*")), "iam:PassRole on *", ""},
		{"denied", "p.json", policy(users, reports, `{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}`), "", "s3:GetObject on arn:aws:s3:::reports/*"},
		{"all but", "p.json", policy(`{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}`), "everything but iam:*, by NotAction", ""},

		{"in a role", "r.json", `{"PolicyName": "p", "PolicyDocument": ` + policy(users, reports) + `}`, "", ""},
		{"in a template", "t.yml", "Resources:\n  R:\n    Properties:\n      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Principal: '*', Action: 'sts:AssumeRole'}}\n      PolicyDocument:\n        Statement:\n          - {Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${B.Arn}/*'}\n          - {Effect: Allow, Action: 'dynamodb:*', Resource: '*'}\n", "dynamodb:* on *, of which dynamodb:GetItem is needed", ""},
		{"in Terraform", "m.tf", "data \"aws_iam_policy_document\" \"p\" {\n  statement {\n    actions   = [\"s3:GetObject\", \"s3:PutObject\"]\n    resources = [\"${aws_s3_bucket.b.arn}/*\"]\n  }\n  statement {\n    actions   = [\"dynamodb:GetItem\"]\n    resources = [aws_dynamodb_table.users.arn]\n  }\n}\n", "s3:PutObject on ${aws_s3_bucket.b.arn}/*", ""},

		{"a workflow that is right", "w.yml", "permissions:\n  contents: read\n  issues: write\n  id-token: write\n", "", ""},
		{"of a job", "w.yml", "permissions: {}\njobs:\n  a:\n    permissions:\n      contents: write\n", "contents: write, of which read is needed", "issues: write"},
		{"read-all", "w.yml", "permissions: read-all\n", "actions: read; attestations: read; checks: read; deployments: read; discussions: read; packages: read; pages: read; pull_requests: read; security_events: read; statuses: read", "issues: write"},
		{"an App", "app.json", `{"contents": "read", "issues": "write", "metadata": "read", "administration": "write"}`, "administration: write", ""},

		{"a manifest", "app.json", `{"name": "bot", "default_permissions": {"contents": "read", "issues": "admin"}}`, "issues: admin, of which write is needed", ""},

		{"the scope", "s.txt", "# ours\nhttps://www.googleapis.com/auth/drive.metadata.readonly\n", "", ""},
		{"a scope for a part", "s.txt", "https://www.googleapis.com/auth/drive.file\n", "", ""},
		{"a wide scope", "s.json", `["https://www.googleapis.com/auth/drive"]`, scopeURL + "drive: for drive.files.list " + scopeURL + "drive.metadata.readonly will do", ""},
		{"another scope", "s.json", `["https://www.googleapis.com/auth/calendar"]`, scopeURL + "calendar", "drive.files.list: one of " + scopeURL + "drive, " + scopeURL + "drive.metadata.readonly"},
	} {
		d, err := needed().Diff(c.name, []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.title, err)
			continue
		}
		if got := strings.Join(d.Unneeded, "; "); got != c.unneeded {
			t.Errorf("%s: not needed: %q, wanted %q", c.title, got, c.unneeded)
		}
		if got := strings.Join(d.Lacking, "; "); got != c.lacking {
			t.Errorf("%s: not granted: %q, wanted %q", c.title, got, c.lacking)
		}
	}
}

// TestDiffKind has a queue that the program does not name: * grants no more.
func TestDiffKind(t *testing.T) {
	n := &Needs{AWS: []Action{{Name: "sqs:SendMessage", Resources: []string{"arn:aws:sqs:*:*:*"}}}}
	for resource, unneeded := range map[string]int{"*": 0, "arn:aws:sqs:*:*:*": 0, "arn:aws:sqs:eu-west-1:123456789012:jobs": 0, "arn:aws:sns:*:*:*": 1} {
		d, err := n.Diff("p.json", []byte(policy(allow("sqs:SendMessage", resource))))
		if err != nil || len(d.Unneeded) != unneeded {
			t.Errorf("%s: %q not needed, %v", resource, d, err)
		}
	}
}

func TestDiffErrors(t *testing.T) {
	for name, text := range map[string]string{"w.yml": "on: push\n", "x.txt": "hello\n", "p.json": "{", "empty.json": ""} {
		if _, err := needed().Diff(name, []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
