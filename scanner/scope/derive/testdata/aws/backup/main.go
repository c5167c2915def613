// Command backup uploads a dump in parts and removes old versions.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

const bucket = "backups"

func secretFor(env string) string {
	switch env {
	case "prod":
		return "prod/dump"
	default:
		return "dev/dump"
	}
}

type app struct {
	s3 *s3.Client
}

func (a *app) upload(ctx context.Context, r io.Reader) (err error) {
	key := aws.String(fmt.Sprintf("db/%s.dump", time.Now().Format(time.DateOnly)))
	up, err := a.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: key})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, abort := a.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: key, UploadId: up.UploadId})
			err = errors.Join(err, abort)
		}
	}()
	var parts []types.CompletedPart
	for n := int32(1); ; n++ {
		part := make([]byte, 5<<20)
		size, readErr := io.ReadFull(r, part)
		if size == 0 {
			break
		}
		out, err := a.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(bucket), Key: key, UploadId: up.UploadId, PartNumber: &n, Body: bytes.NewReader(part[:size])})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(n)})
		if readErr != nil {
			break
		}
	}
	_, err = a.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return err
}

func (a *app) prune(ctx context.Context) error {
	pages := s3.NewListObjectVersionsPaginator(a.s3, &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: aws.String("db/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var old []types.ObjectIdentifier
		for _, v := range page.Versions {
			if !aws.ToBool(v.IsLatest) {
				old = append(old, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
			}
		}
		if _, err := a.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: old}}); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(secretFor(os.Getenv("ENV")))}); err != nil {
		log.Fatal(err)
	}
	if _, err := kms.NewFromConfig(cfg).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: aws.String("alias/backup")}); err != nil {
		log.Fatal(err)
	}
	if _, err := ssm.NewFromConfig(cfg).GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String("/backup/")}); err != nil {
		log.Fatal(err)
	}
	a := &app{s3.NewFromConfig(cfg)}
	for _, step := range []func(context.Context) error{func(ctx context.Context) error { return a.upload(ctx, bufio.NewReader(os.Stdin)) }, a.prune} {
		if err := step(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
