// Command iface calls through two interfaces.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/programs/aws/iface/blob"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var b blob.Blob = blob.File{}
	if len(os.Args) > 1 {
		b = blob.S3{Client: s3.NewFromConfig(cfg)}
	}
	if err := b.Write(ctx, os.Args[0]); err != nil {
		log.Fatal(err)
	}
}
