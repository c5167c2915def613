// Command wrapper comes to the SDK by way of another package.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"

	"example.com/programs/github/wrapper/publish"
)

func main() {
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := publish.New(client, "octo", "hello").Release(context.Background(), os.Args[2], file); err != nil {
		log.Fatal(err)
	}
}
