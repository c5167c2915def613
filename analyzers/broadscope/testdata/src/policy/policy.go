package policy

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

const all = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}` // want `AWS policy is broad: every action on every resource: an administrator`

var trust = "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"sts:AssumeRole\"}}" // want `anyone with an AWS account may take on the role`

func bucket(name string) string {
	return fmt.Sprintf(`{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::%s/*"}]}`, name)
}

func wide(name string) string {
	return fmt.Sprintf(`{"Statement": [{"Sid": %q, "Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}]}`, name) // want `every action of s3 on every resource`
}

// Statement is a program's own type.
type Statement struct {
	Effect   string
	Action   []string
	Resource string
}

func typed() {
	_ = Statement{"Allow", []string{"*"}, "*"}
	_ = Statement{Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: "*"}
	_ = Statement{Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: "arn:aws:s3:::logs/*"}
	_ = Statement{Effect: "Deny", Action: []string{"*"}, Resource: "*"}
	_ = Statement{Effect: "Allow", Action: []string{"iam:*"}, Resource: "*"}                           // want `every action of iam on every resource`
	_ = map[string]any{"Effect": "Allow", "Action": []string{"*"}, "Resource": "*"}                    // want `every action on every resource`
	_ = awsiam.PolicyStatementProps{Actions: jsii.Strings("dynamodb:*"), Resources: jsii.Strings("*")} // want `every action of dynamodb`
	_ = awsiam.PolicyStatementProps{Effect: awsiam.Effect_DENY, Actions: jsii.Strings("dynamodb:*"), Resources: jsii.Strings("*")}
	_ = map[string]any{"action": "*", "resource": "*"}
	_ = map[string]any{"effect": "allow", "action": "read", "resource": "*"}
}
