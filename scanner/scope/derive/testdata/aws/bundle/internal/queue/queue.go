// Package queue wraps SQS for anything that is JSON.
package queue

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type Sender interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

type Queue[T any] struct {
	api Sender
	url string
}

func Of[T any](api Sender, url string) *Queue[T] { return &Queue[T]{api, url} }

func (q *Queue[T]) Send(ctx context.Context, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = q.api.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(string(b))})
	return err
}

func Make(ctx context.Context, c *sqs.Client, name string) (string, error) {
	out, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Tags: map[string]string{"team": "shop"}, Attributes: map[string]string{string(types.QueueAttributeNameVisibilityTimeout): "60"}})
	if err != nil {
		return "", err
	}
	return *out.QueueUrl, nil
}
