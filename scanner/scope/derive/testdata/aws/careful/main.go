// Command careful has names that look constant and are not: each bucket may be
// another one when it runs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

type place struct{ Bucket string }

type settings struct {
	Storage  place
	Archive  *place
	Fallback string
}

type raw struct{ Bucket string }

type converted struct{ Bucket string }

var global = "global"

func get(ctx context.Context, client *s3.Client, bucket string) {
	if _, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("get")}); err != nil {
		log.Print(err)
	}
}

func redirect(in *s3.HeadObjectInput) { in.Bucket = aws.String(os.Getenv("BUCKET")) }

type builder struct{ in *s3.DeleteObjectInput }

func (b builder) bucket(name string) builder {
	b.in.Bucket = &name
	return b
}

func set(p *string) { *p = os.Args[2] }

func serve(client *s3.Client) func(http.ResponseWriter, *http.Request) {
	return func(_ http.ResponseWriter, r *http.Request) { get(r.Context(), client, r.URL.Path) }
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(cfg)

	// A flag's variable, and a decoded file's fields.
	flag.StringVar(&global, "bucket", global, "")
	flag.Parse()
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &global})
	log.Print(err)
	s := settings{Storage: place{Bucket: "storage"}, Archive: &place{Bucket: "archive"}}
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		log.Fatal(err)
	}
	_, err = client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &s.Storage.Bucket, Key: aws.String("storage")})
	log.Print(err)
	_, err = client.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: aws.String(s.Archive.Bucket), Key: aws.String("archive")})
	log.Print(err)

	// One caller of several, a default, and a callback.
	get(ctx, client, "constant")
	http.HandleFunc("/", serve(client))

	// An input that others change.
	head := &s3.HeadObjectInput{Bucket: aws.String("head"), Key: aws.String("head")}
	redirect(head)
	_, err = client.HeadObject(ctx, head)
	log.Print(err)
	b := builder{&s3.DeleteObjectInput{Bucket: aws.String("delete"), Key: aws.String("delete")}}.bucket(os.Args[3])
	_, err = client.DeleteObject(ctx, b.in)
	log.Print(err)

	// A variable that others change, and a struct of another type.
	name := "name"
	set(&name)
	_, err = client.RestoreObject(ctx, &s3.RestoreObjectInput{Bucket: &name, Key: aws.String("restore")})
	log.Print(err)
	log.Print(converted{"converted"})
	c := converted(raw{os.Args[4]})
	_, err = client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &c.Bucket, Key: aws.String("converted")})
	log.Print(err)
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}
