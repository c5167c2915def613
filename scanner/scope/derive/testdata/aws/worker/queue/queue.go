// Package queue works off jobs.
package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type config struct {
	queue, table, bucket string
	workers              int
}

// Option changes how a Worker works.
type Option func(*config)

// Bucket is where results go.
func Bucket(name string) Option { return func(c *config) { c.bucket = name } }

// Queue is where jobs come from.
func Queue(url string) Option { return func(c *config) { c.queue = url } }

// Worker works.
type Worker struct {
	config
	sqs *sqs.Client
	db  *dynamodb.Client
	s3  *s3.Client
}

// New returns a worker.
func New(cfg aws.Config, options ...Option) *Worker {
	c := config{table: "jobs", bucket: "scratch", workers: 4}
	for _, o := range options {
		o(&c)
	}
	return &Worker{c, sqs.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), s3.NewFromConfig(cfg)}
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) error {
	jobs := make(chan types.Message)
	var wait sync.WaitGroup
	for range w.workers {
		wait.Go(func() {
			for m := range jobs {
				if err := w.handle(ctx, m); err != nil {
					slog.Error("job", "error", err)
				}
			}
		})
	}
	defer wait.Wait()
	defer close(jobs)
	for ctx.Err() == nil {
		out, err := w.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(w.queue), MaxNumberOfMessages: 10})
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		for _, m := range out.Messages {
			jobs <- m
		}
	}
	return ctx.Err()
}

func (w *Worker) handle(ctx context.Context, m types.Message) error {
	var job struct{ ID string }
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &job); err != nil {
		return err
	}
	key := fmt.Sprintf("out/%s.json", job.ID)
	if _, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(w.bucket), Key: aws.String(key), Body: bytes.NewReader(nil)}); err != nil {
		return err
	}
	update := dynamodb.UpdateItemInput{TableName: &w.table}
	update.Key = map[string]dbtypes.AttributeValue{"id": &dbtypes.AttributeValueMemberS{Value: job.ID}}
	if _, err := w.db.UpdateItem(ctx, &update); err != nil {
		return err
	}
	_, err := w.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: aws.String(w.queue), Entries: []types.DeleteMessageBatchRequestEntry{{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle}},
	})
	return err
}
