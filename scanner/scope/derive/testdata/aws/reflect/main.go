// Command reflect calls a method by its name, others in goroutines and defers.
package main

import (
	"context"
	"log"
	"os"
	"reflect"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("resize")})
		log.Println(err)
	}()
	keys := kms.NewFromConfig(cfg)
	defer keys.Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String("arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"), CiphertextBlob: []byte(os.Args[1])})
	reflect.ValueOf(s3.NewFromConfig(cfg)).MethodByName("DeleteObject").Call([]reflect.Value{
		reflect.ValueOf(ctx), reflect.ValueOf(&s3.DeleteObjectInput{Bucket: aws.String("old"), Key: aws.String(os.Args[2])}),
	})
	wait.Wait()
}
