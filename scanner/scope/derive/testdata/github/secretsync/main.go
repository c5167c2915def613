package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"

	"example.com/programs/github/secretsync/store"
)

func main() {
	c, err := github.NewClient(github.WithAuthToken(os.Getenv("GH_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	for _, kind := range []string{"actions", "dependabot", "env"} {
		s, err := store.New(kind, c)
		if err != nil {
			log.Fatal(err)
		}
		if err := s.Put(context.Background(), "acme", "shop", "NPM_TOKEN", os.Getenv("V")); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := c.Actions.CreateRepoVariable(context.Background(), "acme", "shop", &github.ActionsVariable{Name: "REGION", Value: "eu"}); err != nil {
		log.Fatal(err)
	}
	all, _, err := c.Actions.ListOrgSecrets(context.Background(), "acme", nil)
	log.Print(all, err)
}
