package main

import (
	"context"
	"errors"
	"io"
	"log"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

type Blobs interface {
	Put(ctx context.Context, key string, r io.Reader) error
	Del(ctx context.Context, keys []string) error
}

type s3Blobs struct {
	bucket string
	api    interface {
		s3.HeadBucketAPIClient
		PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
		DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	}
}

func (b *s3Blobs) Put(ctx context.Context, key string, r io.Reader) error {
	in := b.input(key)
	in.Body = r
	in.ServerSideEncryption = s3types.ServerSideEncryptionAwsKms
	in.SSEKMSKeyId = aws.String("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
	_, err := b.api.PutObject(ctx, in)
	return err
}

func (b *s3Blobs) input(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(b.bucket), Key: aws.String("blobs/" + strings.ToLower(key))}
}

func (b *s3Blobs) Del(ctx context.Context, keys []string) error {
	objs := make([]s3types.ObjectIdentifier, 0, len(keys))
	for _, k := range keys {
		objs = append(objs, s3types.ObjectIdentifier{Key: aws.String("blobs/" + k)})
	}
	_, err := b.api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(b.bucket), Delete: &s3types.Delete{Objects: objs}})
	return err
}

type dirBlobs struct{}

func (dirBlobs) Put(context.Context, string, io.Reader) error { return errors.ErrUnsupported }
func (dirBlobs) Del(context.Context, []string) error          { return nil }

func open(kind string, c aws.Config) Blobs {
	switch kind {
	case "s3":
		return &s3Blobs{"acme-blobs", s3.NewFromConfig(c)}
	default:
		return dirBlobs{}
	}
}

func main() {
	ctx := context.Background()
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	b := open("s3", c)
	if err := errors.Join(b.Put(ctx, "x", strings.NewReader("y")), b.Del(ctx, []string{"z"})); err != nil {
		log.Fatal(err)
	}
}
