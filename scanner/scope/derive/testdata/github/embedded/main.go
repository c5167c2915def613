// Command embedded calls services of a client in a struct, in a goroutine and
// in a defer.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"

	"example.com/programs/github/embedded/forge"
)

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	f := forge.Forge{Client: client, Owner: "octo", Repo: "hello"}
	done := make(chan error)
	go func() { done <- f.Pass(ctx, os.Args[1]) }()
	defer f.Git.DeleteRef(ctx, f.Owner, f.Repo, "heads/tmp")
	log.Println(<-done)
}
