// Command onecall reads one object.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	out, err := s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("reports"), Key: aws.String(os.Args[1])})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, out.Body); err != nil {
		log.Fatal(err)
	}
}
