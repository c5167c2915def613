// Command transfer uses the managers of S3, a presigned address and a copy.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	_, err = manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{Bucket: aws.String("films"), Key: aws.String("new.mp4"), Body: file, Tagging: aws.String("state=raw")})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := manager.NewDownloader(client).Download(ctx, file, &s3.GetObjectInput{Bucket: aws.String("films"), Key: aws.String("old.mp4")}); err != nil {
		log.Fatal(err)
	}
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shared"), Key: aws.String(os.Args[2])})
	fmt.Println(signed, err)
	_, err = client.CopyObject(ctx, &s3.CopyObjectInput{CopySource: aws.String("films/new.mp4"), Bucket: aws.String("backup"), Key: aws.String("new.mp4")})
	if err != nil {
		log.Fatal(err)
	}
}
