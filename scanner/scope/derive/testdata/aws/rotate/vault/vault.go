package vault

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

type Vault struct {
	sm  *secretsmanager.Client
	db  *rds.Client
	ssm *ssm.Client
	now func() time.Time
}

func Open(cfg aws.Config) *Vault {
	return &Vault{secretsmanager.NewFromConfig(cfg), rds.NewFromConfig(cfg), ssm.NewFromConfig(cfg), time.Now}
}

func (v *Vault) Rotate(ctx context.Context, id string) error {
	old, err := v.sm.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return err
	}
	pw, err := v.sm.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{})
	if err != nil {
		return err
	}
	put := &secretsmanager.PutSecretValueInput{}
	put.SecretId = aws.String(id)
	put.SecretString = pw.RandomPassword
	put.VersionStages = []string{"AWSPENDING"}
	res, err := v.sm.PutSecretValue(ctx, put)
	if err != nil {
		return err
	}
	_, err = v.db.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("orders"), MasterUserPassword: pw.RandomPassword, ApplyImmediately: aws.Bool(true)})
	if err != nil {
		return err
	}
	if err := rds.NewDBInstanceAvailableWaiter(v.db).Wait(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("orders")}, time.Hour); err != nil {
		return err
	}
	_, err = v.sm.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: &id, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: res.VersionId, RemoveFromVersionId: old.VersionId})
	return err
}

func (v *Vault) Note(ctx context.Context, what string) error {
	name := "/prod/orders/" + what
	_, err := v.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: aws.String(v.now().String()), Type: types.ParameterTypeString, Overwrite: aws.Bool(true)})
	if err != nil {
		return err
	}
	_, err = v.ssm.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: aws.String("AWS-RunShellScript"),
		InstanceIds:  []string{"i-0123456789abcdef0"},
		Parameters:   map[string][]string{"commands": {"systemctl restart orders"}},
	})
	return err
}
