package main

import (
	"context"
	_ "embed"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	it "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lt "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const roleName = "resize-fn"

func ensureRole(ctx context.Context, c *iam.Client) error {
	_, err := c.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String(roleName), AssumeRolePolicyDocument: aws.String("{}"),
		Tags: []it.Tag{{Key: aws.String("app"), Value: aws.String("resize")}},
	})
	if err != nil {
		return err
	}
	if _, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String(roleName), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")}); err != nil {
		return err
	}
	_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(roleName), PolicyName: aws.String("s3"), PolicyDocument: aws.String("{}")})
	return err
}

func ensureFunction(ctx context.Context, c *lambda.Client) error {
	_, err := c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("resize"), Role: aws.String("arn:aws:iam::111122223333:role/" + roleName),
		Code: &lt.FunctionCode{S3Bucket: aws.String("acme-artifacts"), S3Key: aws.String("resize.zip")}, Runtime: lt.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
	})
	if err != nil {
		return err
	}
	if err := lambda.NewFunctionActiveV2Waiter(c).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("resize")}, time.Minute); err != nil {
		return err
	}
	if _, err := c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String("resize"), StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com")}); err != nil {
		return err
	}
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("resize"), Qualifier: aws.String("live")})
	return err
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	c := cloudformation.NewFromConfig(cfg)
	name := aws.String("network")
	_, err = c.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{StackName: name, ChangeSetName: aws.String("next"), Capabilities: []cf.Capability{cf.CapabilityCapabilityIam}, RoleARN: aws.String("arn:aws:iam::111122223333:role/cfn")})
	if err != nil {
		log.Fatal(err)
	}
	if err := cloudformation.NewChangeSetCreateCompleteWaiter(c).Wait(ctx, &cloudformation.DescribeChangeSetInput{StackName: name, ChangeSetName: aws.String("next")}, time.Minute); err != nil {
		log.Fatal(err)
	}
	if _, err := c.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: name, ChangeSetName: aws.String("next")}); err != nil {
		log.Fatal(err)
	}
	if err := cloudformation.NewStackUpdateCompleteWaiter(c).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: name}, time.Hour); err != nil {
		log.Fatal(err)
	}
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return ensureRole(ctx, iam.NewFromConfig(cfg)) },
		func(ctx context.Context) error { return ensureFunction(ctx, lambda.NewFromConfig(cfg)) },
	}
	for _, s := range steps {
		if err := s(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
