// Command pages lists buckets and what is in them, page by page.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"google.golang.org/api/storage/v1"
)

func main() {
	ctx := context.Background()
	svc, err := storage.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = svc.Buckets.List(os.Args[1]).Pages(ctx, func(buckets *storage.Buckets) error {
		for _, b := range buckets.Items {
			err := svc.Objects.List(b.Name).Pages(ctx, func(objects *storage.Objects) error {
				fmt.Println(len(objects.Items))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
