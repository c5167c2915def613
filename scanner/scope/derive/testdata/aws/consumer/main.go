// Command consumer takes jobs off a queue that it asks for by name, and tells a topic of the environment.
package main

import (
	"context"
	"log"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var queueName = "thumbnail-jobs"

type worker struct {
	q     *sqs.Client
	n     *sns.Client
	url   string
	topic string
}

func (w *worker) handle(ctx context.Context, m types.Message, wg *sync.WaitGroup) {
	defer wg.Done()
	if _, err := w.n.Publish(ctx, &sns.PublishInput{TopicArn: &w.topic, Message: m.Body}); err != nil {
		w.q.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &w.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
		return
	}
	w.q.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &w.url, ReceiptHandle: m.ReceiptHandle})
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	w := &worker{q: sqs.NewFromConfig(cfg), n: sns.NewFromConfig(cfg), topic: os.Getenv("TOPIC_ARN")}
	res, err := w.q.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queueName)})
	if err != nil {
		log.Fatal(err)
	}
	w.url = *res.QueueUrl
	var wg sync.WaitGroup
	for {
		out, err := w.q.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &w.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
		if err != nil {
			log.Print(err)
			continue
		}
		for _, m := range out.Messages {
			wg.Add(1)
			go w.handle(ctx, m, &wg)
		}
		wg.Wait()
		// dead letters
		_, err = w.q.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
			QueueUrl: aws.String("https://sqs.eu-west-1.amazonaws.com/123456789012/thumbnail-dead"),
			Entries:  []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("x")}},
		})
		if err != nil {
			log.Print(err)
		}
	}
}
