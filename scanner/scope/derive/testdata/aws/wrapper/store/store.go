// Package store keeps texts in buckets.
package store

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Store is a bucket.
type Store struct {
	client *s3.Client
	bucket string
}

// New returns a store in a bucket.
func New(client *s3.Client, bucket string) *Store { return &Store{client: client, bucket: bucket} }

// Put keeps a text below a folder.
func (s *Store) Put(ctx context.Context, folder, name, text string) error {
	return s.put(ctx, folder+"/"+name, text)
}

func (s *Store) put(ctx context.Context, key, text string) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(key), Body: strings.NewReader(text)})
	return err
}

// Delete is called by nobody.
func (s *Store) Delete(ctx context.Context, key string) error {
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	return err
}

// Exists asks for an object's head.
func Exists(ctx context.Context, client *s3.Client, bucket, key string) bool {
	_, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	return err == nil
}
