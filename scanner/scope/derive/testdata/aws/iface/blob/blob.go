// Package blob has three places for bytes.
package blob

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Blob is a place.
type Blob interface {
	Write(ctx context.Context, name string) error
}

// Putter is what S3 needs of a client.
type Putter interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// S3 is a bucket.
type S3 struct{ Client Putter }

// Write implements Blob.
func (b S3) Write(ctx context.Context, name string) error {
	_, err := b.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("blobs"), Key: aws.String("in/" + name)})
	return err
}

// Table is a table, which this program never makes.
type Table struct{ Client *dynamodb.Client }

// Write implements Blob.
func (b *Table) Write(ctx context.Context, name string) error {
	_, err := b.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("blobs"), Item: map[string]types.AttributeValue{}})
	return err
}

// File is a file.
type File struct{}

// Write implements Blob.
func (File) Write(_ context.Context, name string) error { return os.WriteFile(name, nil, 0o600) }
