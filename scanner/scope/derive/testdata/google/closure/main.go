// Command closure has a table of commands.
package main

import (
	"context"
	"log"
	"os"

	"google.golang.org/api/pubsub/v1"
	"google.golang.org/api/sheets/v4"
)

type command func(ctx context.Context, args []string) error

func retried(c command) command {
	return func(ctx context.Context, args []string) error {
		if err := c(ctx, args); err == nil {
			return nil
		}
		return c(ctx, args)
	}
}

var commands = map[string]command{
	"publish": retried(func(ctx context.Context, args []string) error {
		svc, err := pubsub.NewService(ctx)
		if err != nil {
			return err
		}
		_, err = svc.Projects.Topics.Publish(args[0], &pubsub.PublishRequest{}).Context(ctx).Do()
		return err
	}),
	"note": func(ctx context.Context, args []string) error {
		svc, err := sheets.NewService(ctx)
		if err != nil {
			return err
		}
		append := svc.Spreadsheets.Values.Append(args[0], "A1", &sheets.ValueRange{}).Do
		_, err = append()
		return err
	},
}

func main() {
	if err := commands[os.Args[1]](context.Background(), os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}
