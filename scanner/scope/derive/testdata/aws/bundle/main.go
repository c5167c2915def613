// Command bundle takes objects that a table names, by wrappers in other packages.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"example.com/programs/aws/bundle/internal/blob"
	"example.com/programs/aws/bundle/internal/queue"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type event struct{ ID string }

var env = func() string {
	if e := os.Getenv("ENV"); e != "" {
		return e
	}
	return "dev"
}()

type clients struct {
	*sqs.Client
	topics *sns.Client
}

var tables = []struct {
	bucket string
	keys   []string
}{
	{"acme-raw", []string{"a.json"}},
	{"acme-clean", []string{"b.json", "c.json"}},
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	blob.Default = s3.NewFromConfig(cfg)
	c := clients{sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)}
	url, err := queue.Make(ctx, c.Client, strings.Join([]string{"events", env}, "-"))
	if err != nil {
		log.Fatal(err)
	}
	q := queue.Of[event](c, url)
	for _, t := range tables {
		get := blob.Reader(t.bucket)
		for _, k := range t.keys {
			b, err := get(ctx, k)
			if err != nil {
				log.Fatal(err)
			}
			if err := q.Send(ctx, event{string(b)}); err != nil {
				log.Fatal(err)
			}
			if err := blob.Put(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-archive-" + env), Key: &k, Tagging: aws.String("kind=raw")}, b); err != nil {
				log.Fatal(err)
			}
		}
	}
	t, err := c.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("bundles-done")})
	if err != nil {
		log.Fatal(err)
	}
	publish := c.topics.Publish
	if _, err := publish(ctx, &sns.PublishInput{TopicArn: t.TopicArn, Message: aws.String("done")}); err != nil {
		log.Fatal(err)
	}
	if _, err := c.topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: t.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("ops@shop.example")}); err != nil {
		log.Fatal(err)
	}
}
