// Command paginate waits for a bucket, lists it, and lists the account's.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)
	if err := s3.NewBucketExistsWaiter(client).Wait(ctx, &s3.HeadBucketInput{Bucket: aws.String("incoming")}, time.Minute); err != nil {
		log.Fatal(err)
	}
	in := &s3.ListObjectsV2Input{Bucket: aws.String("archive")}
	in.Prefix = aws.String("2026/")
	for pages := s3.NewListObjectsV2Paginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(page.Contents))
	}
	if _, err := client.ListBuckets(ctx, nil); err != nil {
		log.Fatal(err)
	}
	events := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(cfg), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/app/web")})
	if _, err := events.NextPage(ctx); err != nil {
		log.Fatal(err)
	}
}
