package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func main() {
	ctx := context.Background()
	c, err := github.NewClient(github.WithAuthToken(os.Getenv("T")))
	if err != nil {
		log.Fatal(err)
	}
	entries := []*github.TreeEntry{{Path: github.Ptr("README.md")}}
	for _, n := range os.Args {
		entries = append(entries, &github.TreeEntry{Path: github.Ptr(".github/workflows/ci.yml"), Content: &n})
	}
	t, _, err := c.Git.CreateTree(ctx, "o", "r", "main", entries)
	log.Print(t, err)
}
