// Command wrapper comes to the SDK by way of another package.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/programs/aws/wrapper/store"
)

const bucket = "team-notes"

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	if store.Exists(ctx, client, bucket, "lock") {
		return
	}
	s := store.New(client, bucket)
	if err := s.Put(ctx, "2026", os.Args[1], "hello"); err != nil {
		log.Fatal(err)
	}
}
