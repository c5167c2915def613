// Package blob is S3 with less to say.
package blob

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var Default *s3.Client

type Get func(ctx context.Context, key string) ([]byte, error)

func Reader(bucket string) Get {
	return func(ctx context.Context, key string) ([]byte, error) {
		out, err := Default.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		if err != nil {
			return nil, err
		}
		defer out.Body.Close()
		return io.ReadAll(out.Body)
	}
}

type input interface{ *s3.PutObjectInput }

func Put[I input](ctx context.Context, in I, b []byte) error {
	p := (*s3.PutObjectInput)(in)
	p.Body = bytes.NewReader(b)
	_, err := Default.PutObject(ctx, p)
	return err
}
