// Command backup keeps copies of objects, and tells by a topic.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/pubsub/v1"
	"google.golang.org/api/storage/v1"
)

type bucket struct {
	objects *storage.ObjectsService
	name    string
}

func (b bucket) each(ctx context.Context, do func(*storage.Object) error) error {
	return b.objects.List(b.name).Projection("noAcl").Pages(ctx, func(page *storage.Objects) error {
		for _, o := range page.Items {
			if err := do(o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b bucket) copyTo(ctx context.Context, to bucket) func(*storage.Object) error {
	return func(o *storage.Object) error {
		resp, err := b.objects.Get(b.name, o.Name).Context(ctx).Download()
		if e := (*googleapi.Error)(nil); errors.As(err, &e) && e.Code == 404 {
			return nil
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = to.objects.Insert(to.name, &storage.Object{Name: o.Name}).Media(io.LimitReader(resp.Body, 1<<30)).Do()
		return err
	}
}

func main() {
	ctx := context.Background()
	svc, err := storage.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	from, to := bucket{svc.Objects, os.Args[1]}, bucket{svc.Objects, os.Args[2]}
	if err := from.each(ctx, from.copyTo(ctx, to)); err != nil {
		log.Fatal(err)
	}
	topics, err := pubsub.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := topics.Projects.Topics.Publish("projects/p/topics/done", &pubsub.PublishRequest{}).Do(); err != nil {
		log.Fatal(err)
	}
}
