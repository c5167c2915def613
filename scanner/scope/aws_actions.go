package scope

import (
	"path"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// withoutResources are services whose actions take no resource and reach
// nothing of the account's: * is all that can be written.
// Source: docs.aws.amazon.com/service-authorization/latest/reference.
var withoutResources = []string{"ec2messages", "ssmmessages", "pricing", "health"}

// escalations are actions by which a holder takes on other permissions: each
// by itself is enough, on a resource that has more.
// Source: docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html,
// docs.aws.amazon.com/service-authorization/latest/reference ("Permissions management").
var escalations = []string{
	"iam:PassRole", "sts:AssumeRole", "iam:CreateAccessKey", "iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy",
	"iam:PutUserPolicy", "iam:PutRolePolicy", "iam:PutGroupPolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
	"iam:UpdateAssumeRolePolicy", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:AddUserToGroup",
	"iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary",
	"iam:UpdateSAMLProvider", "sso:PutInlinePolicyToPermissionSet", "sso:AttachManagedPolicyToPermissionSet", "sso:CreateAccountAssignment",
	"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:AddPermission", "glue:UpdateDevEndpoint", "codestar:AssociateTeamMember",
	"sagemaker:CreatePresignedNotebookInstanceUrl", "ssm:SendCommand", "ssm:StartSession", "ec2-instance-connect:SendSSHPublicKey", "ecs:ExecuteCommand",
	"kms:PutKeyPolicy", "kms:CreateGrant", "s3:PutBucketPolicy", "secretsmanager:PutResourcePolicy",
}

// maker is an action that starts something under a role that the caller picks,
// and the service that the role is passed to.
type maker struct{ action, service string }

// Source: docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and the services' pages of the service authorization reference.
var makers = []maker{
	{"lambda:CreateFunction", "lambda.amazonaws.com"},
	{"ec2:RunInstances", "ec2.amazonaws.com"},
	{"ecs:RegisterTaskDefinition", "ecs-tasks.amazonaws.com"},
	{"cloudformation:CreateStack", "cloudformation.amazonaws.com"},
	{"glue:CreateJob", "glue.amazonaws.com"},
	{"glue:CreateDevEndpoint", "glue.amazonaws.com"},
	{"datapipeline:CreatePipeline", "datapipeline.amazonaws.com"},
	{"codebuild:CreateProject", "codebuild.amazonaws.com"},
	{"codestar:CreateProject", "codestar.amazonaws.com"},
	{"sagemaker:CreateNotebookInstance", "sagemaker.amazonaws.com"},
	{"sagemaker:CreateTrainingJob", "sagemaker.amazonaws.com"},
	{"sagemaker:CreateProcessingJob", "sagemaker.amazonaws.com"},
	{"states:CreateStateMachine", "states.amazonaws.com"},
	{"apprunner:CreateService", "tasks.apprunner.amazonaws.com"},
}

// revealing are actions that on every resource open, change or destroy for good
// what is worth as much as a key, data or the images that run; and what that
// is. All are on resources whose ARNs somebody names before the program runs, so
// that the ARNs can be listed. Machines and disks are made at run time, and what
// starts, stops or deletes them is as often as not meant for all of them; what
// is deployed again, as functions and stacks, is not lost.
var revealing = [...][2]string{
	{"secretsmanager:GetSecretValue", "reads every secret of the account"},
	{"secretsmanager:BatchGetSecretValue", "reads every secret of the account"},
	{"secretsmanager:PutSecretValue", "changes every secret of the account"},
	{"secretsmanager:DeleteSecret", "deletes every secret of the account"},
	{"ssm:GetParameter", "reads every parameter of the account, keys among them"},
	{"ssm:GetParameters", "reads every parameter of the account, keys among them"},
	{"ssm:GetParametersByPath", "reads every parameter of the account, keys among them"},
	{"ssm:PutParameter", "changes every parameter of the account"},
	{"kms:Decrypt", "decrypts with every key whose policy leaves it to IAM"},
	{"kms:ScheduleKeyDeletion", "destroys every key of the account, and what it encrypts"},
	{"s3:GetObject", "reads every object of the account"},
	{"s3:GetObjectVersion", "reads every object of the account"},
	{"s3:DeleteObject", "deletes every object of the account"},
	{"s3:PutObject", "writes into every bucket of the account"},
	{"dynamodb:GetItem", "reads every table of the account"},
	{"dynamodb:BatchGetItem", "reads every table of the account"},
	{"dynamodb:Query", "reads every table of the account"},
	{"dynamodb:Scan", "reads every table of the account"},
	{"dynamodb:PutItem", "writes into every table of the account"},
	{"dynamodb:UpdateItem", "writes into every table of the account"},
	{"dynamodb:BatchWriteItem", "writes into every table of the account"},
	{"dynamodb:DeleteItem", "deletes from every table of the account"},
	{"dynamodb:DeleteTable", "deletes every table of the account"},
	{"lambda:InvokeFunction", "calls every function of the account"},
	{"sqs:ReceiveMessage", "reads every queue of the account"},
	{"sqs:SendMessage", "writes into every queue of the account"},
	{"sqs:DeleteMessage", "deletes from every queue of the account"},
	{"kinesis:GetRecords", "reads every stream of the account"},
	{"rds:DeleteDBInstance", "deletes every database of the account"},
	{"rds:DeleteDBCluster", "deletes every database of the account"},
	{"rds-data:ExecuteStatement", "runs SQL in every cluster of the account"},
	{"rds-db:connect", "logs in to every database of the account"},
	{"redshift:GetClusterCredentials", "logs in to every cluster of the account"},
	{"ecr:PutImage", "puts images into every repository of the account"},
}

// reveals says what an action opens on every resource, "" where it is little.
func reveals(action string) string {
	for _, r := range revealing {
		if covers(action, r[0]) {
			return r[1]
		}
	}
	return ""
}

// administrator is a managed policy that is too wide for most.
type administrator struct {
	severity rule.Severity
	opens    string
}

// administrators are such policies whose names do not say it, or that open more
// than one service.
// Source: docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html.
var administrators = map[string]administrator{
	"AdministratorAccess":                  {rule.Critical, "opens everything in the account"},
	"AdministratorAccess-Amplify":          {rule.High, "administers what Amplify makes, roles among them"},
	"IAMFullAccess":                        {rule.Critical, "hands out every permission of the account, also to itself"},
	"PowerUserAccess":                      {rule.High, "opens everything in the account but its users and roles"},
	"job-function/SystemAdministrator":     {rule.High, "changes most of the account"},
	"job-function/NetworkAdministrator":    {rule.Medium, "changes every network"},
	"job-function/DatabaseAdministrator":   {rule.Medium, "changes every database, and hands roles to them"},
	"job-function/DataScientist":           {rule.Medium, "changes every cluster of data, and hands roles to them"},
	"AWSLambda_FullAccess":                 {rule.Medium, "changes every function, and hands roles to them"},
	"AmazonS3FullAccess":                   {rule.Medium, "reads, changes and deletes every bucket"},
	"AmazonEC2FullAccess":                  {rule.Medium, "changes every machine and network"},
	"AmazonDynamoDBFullAccess":             {rule.Medium, "reads, changes and deletes every table"},
	"AmazonRDSFullAccess":                  {rule.Medium, "changes and deletes every database"},
	"AmazonSQSFullAccess":                  {rule.Medium, "reads, changes and deletes every queue"},
	"AmazonSNSFullAccess":                  {rule.Medium, "changes every topic"},
	"SecretsManagerReadWrite":              {rule.High, "reads and changes every secret"},
	"AmazonSSMFullAccess":                  {rule.High, "runs commands on every machine"},
	"AmazonSSMAutomationRole":              {rule.Medium, "changes every machine and stack"},
	"CloudWatchFullAccess":                 {rule.Low, "changes every alarm and dashboard"},
	"CloudWatchFullAccessV2":               {rule.Low, "changes every alarm and dashboard"},
	"CloudWatchLogsFullAccess":             {rule.Low, "reads and deletes every log"},
	"AWSXrayFullAccess":                    {rule.Low, "reads and changes every trace"},
	"AWSCloudFormationFullAccess":          {rule.High, "changes every stack"},
	"AmazonSageMakerFullAccess":            {rule.High, "changes everything of SageMaker, and hands roles to it"},
	"AWSCodeBuildAdminAccess":              {rule.Medium, "changes every build, and so what it may do"},
	"AmazonAPIGatewayAdministrator":        {rule.Medium, "changes every API"},
	"AmazonCognitoPowerUser":               {rule.Medium, "changes every pool of users"},
	"AmazonEC2ContainerRegistryPowerUser":  {rule.Low, "pushes to every repository of images"},
	"AWSKeyManagementServicePowerUser":     {rule.Medium, "uses and makes keys of the whole account"},
	"AWSOrganizationsFullAccess":           {rule.Critical, "administers every account of the organisation"},
	"AmazonECS_FullAccess":                 {rule.Medium, "changes every service and hands roles to it"},
	"AmazonEC2ContainerRegistryFullAccess": {rule.Medium, "changes every image"},
}

// administratorOf looks up a managed policy by its name or ARN.
func administratorOf(name string) (a administrator, short string, ok bool) {
	short = strings.Trim(name, `"`)
	if _, rest, found := strings.Cut(short, ":aws:policy/"); found {
		short = rest
	} else if strings.Contains(short, ":") {
		return a, short, false // an account's own
	}
	if a, ok = administrators[short]; ok {
		return a, short, true
	}
	service, full := strings.CutSuffix(strings.TrimRight(path.Base(short), "_vV0123456789"), "FullAccess")
	if !full || service == "" || strings.ContainsAny(service, "${} ") {
		return a, short, false
	}
	service = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(service, "_"), "Amazon"), "AWS")
	return administrator{rule.Medium, "opens everything of " + service + " in the account"}, short, true
}
