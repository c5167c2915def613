// Command settings reads the configuration of a service: parameters, a secret, a data key.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

const prefix = "/shop/prod"

var (
	cfg     aws.Config
	params  *ssm.Client
	secrets *secretsmanager.Client
	keys    *kms.Client
)

type dbSecret struct{ User, Password string }

func load[T any](ctx context.Context, name string) (v T, err error) {
	out, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return v, err
	}
	err = json.Unmarshal([]byte(aws.ToString(out.SecretString)), &v)
	return v, err
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func main() {
	ctx := context.Background()
	cfg = must(config.LoadDefaultConfig(ctx))
	params, secrets, keys = ssm.NewFromConfig(cfg), secretsmanager.NewFromConfig(cfg), kms.NewFromConfig(cfg)

	dsn := must(params.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(prefix + "/db/dsn"), WithDecryption: aws.Bool(true)}))
	fmt.Println(*dsn.Parameter.Name)
	p := ssm.NewGetParametersByPathPaginator(params, &ssm.GetParametersByPathInput{Path: aws.String(fmt.Sprintf("%s/flags", prefix)), Recursive: aws.Bool(true)})
	for p.HasMorePages() {
		must(p.NextPage(ctx))
	}
	db := must(load[dbSecret](ctx, "shop/prod/db"))
	tok := must(load[string](ctx, os.Getenv("TOKEN_SECRET")))
	_, _ = db, tok

	dk := must(keys.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: aws.String("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"), KeySpec: types.DataKeySpecAes256}))
	must(keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: dk.CiphertextBlob}))
	must(keys.Sign(ctx, &kms.SignInput{KeyId: aws.String("alias/releases"), Message: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256}))
}
