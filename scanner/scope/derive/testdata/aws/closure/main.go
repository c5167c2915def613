// Command closure has handlers in a table, and one behind an HTTP server.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type settings struct {
	queue, topic string
}

var production = settings{
	queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs",
	topic: "arn:aws:sns:eu-central-1:123456789012:alerts",
}

type server struct {
	settings
	queue  *sqs.Client
	alerts *sns.Client
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := s.alerts.Publish(r.Context(), &sns.PublishInput{TopicArn: aws.String(s.topic), Message: aws.String("called")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (s *server) commands() map[string]func(context.Context) error {
	url := s.settings.queue
	return map[string]func(context.Context) error{
		"receive": func(ctx context.Context) error {
			_, err := s.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
			return err
		},
		"send": func(ctx context.Context) error {
			_, err := s.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("job")})
			return err
		},
	}
}

func purge(s *server) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.queue.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &s.settings.queue})
		return err
	}
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{settings: production, queue: sqs.NewFromConfig(cfg), alerts: sns.NewFromConfig(cfg)}
	if run := s.commands()[os.Args[1]]; run != nil {
		log.Fatal(run(ctx))
	}
	http.Handle("/alert", s)
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}
