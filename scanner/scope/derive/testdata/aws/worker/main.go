// Command worker works off jobs of a queue, set up by options.
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"

	"example.com/programs/aws/worker/queue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	w := queue.New(cfg, queue.Bucket("results"), queue.Queue("https://sqs.eu-central-1.amazonaws.com/123456789012/jobs"))
	log.Fatal(w.Run(ctx))
}
