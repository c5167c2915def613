// Command generic calls through functions with type parameters.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

func ptr[T any](v T) *T { return &v }

func retry[In, Out any](ctx context.Context, in In, do func(context.Context, In) (Out, error)) (out Out, err error) {
	for range 3 {
		if out, err = do(ctx, in); err == nil {
			break
		}
	}
	return out, err
}

type cache[K comparable, V any] struct {
	load func(K) (V, error)
	all  map[K]V
}

func (c *cache[K, V]) get(k K) (V, error) {
	if v, ok := c.all[k]; ok {
		return v, nil
	}
	return c.load(k)
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	secrets := secretsmanager.NewFromConfig(cfg)
	out, err := retry(ctx, &secretsmanager.GetSecretValueInput{SecretId: ptr("prod/db")}, func(ctx context.Context, in *secretsmanager.GetSecretValueInput) (*secretsmanager.GetSecretValueOutput, error) {
		return secrets.GetSecretValue(ctx, in)
	})
	fmt.Println(out, err)
	parameters := ssm.NewFromConfig(cfg)
	c := &cache[string, *ssm.GetParameterOutput]{load: func(name string) (*ssm.GetParameterOutput, error) {
		return parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: ptr("/app/" + name), WithDecryption: ptr(true)})
	}}
	fmt.Println(c.get("url"))
	fmt.Println(c.get("port"))
}
