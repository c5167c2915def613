package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

type op[I, O, Opt any] func(context.Context, I, ...func(Opt)) (O, error)

func call[I, O, Opt any](ctx context.Context, f op[I, O, Opt], in I) O {
	out, err := f(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	return out
}

type uploader interface {
	Upload(context.Context, *s3.PutObjectInput, ...func(*manager.Uploader)) (*manager.UploadOutput, error)
}

func save(ctx context.Context, u uploader, b []byte) error {
	_, err := u.Upload(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-archive"), Key: aws.String("dump.gz"), Body: bytes.NewReader(b), ACL: types.ObjectCannedACLBucketOwnerFullControl})
	return err
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	c, k := s3.NewFromConfig(cfg), kms.NewFromConfig(cfg)
	enc := call(ctx, k.Encrypt, &kms.EncryptInput{KeyId: aws.String("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"), Plaintext: []byte("x")})
	if err := save(ctx, manager.NewUploader(c), enc.CiphertextBlob); err != nil {
		log.Fatal(err)
	}
	day := os.Args[1]
	call(ctx, c.CopyObject, &s3.CopyObjectInput{Bucket: aws.String("acme-cold"), Key: aws.String("dump/" + day), CopySource: aws.String(url.PathEscape("acme-archive/dump.gz"))})
	tm := transfermanager.New(c)
	if _, err := tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String("acme-tm"), Key: aws.String("a"), Body: bytes.NewReader(nil)}); err != nil {
		log.Fatal(err)
	}
	f, _ := os.CreateTemp("", "")
	if _, err := manager.NewDownloader(c).Download(ctx, f, &s3.GetObjectInput{Bucket: aws.String("acme-archive"), Key: aws.String("dump.gz")}); err != nil {
		log.Fatal(err)
	}
	var ids []types.ObjectIdentifier
	for i := range 3 {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(fmt.Sprintf("tmp/%d", i))})
	}
	call(ctx, c.DeleteObjects, &s3.DeleteObjectsInput{Bucket: aws.String("acme-archive"), Delete: &types.Delete{Objects: ids}})
	lifecycle := c.PutBucketLifecycleConfiguration
	call(ctx, lifecycle, &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String("acme-archive")})
	enc2 := func(in *kms.DecryptInput) ([]byte, error) {
		out, err := k.Decrypt(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Plaintext, nil
	}
	_, _ = enc2(&kms.DecryptInput{CiphertextBlob: enc.CiphertextBlob})
	_, _ = c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: aws.String("acme-archive")})
}
