// Command settings reads and changes how a repository is set up.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

type step func(context.Context, *github.RepositoriesService) error

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	steps := []step{
		func(ctx context.Context, r *github.RepositoriesService) error {
			_, _, err := r.Get(ctx, "octo", "hello")
			return err
		},
		func(ctx context.Context, r *github.RepositoriesService) error {
			_, _, err := r.GetBranchProtection(ctx, "octo", "hello", "main")
			return err
		},
		func(ctx context.Context, r *github.RepositoriesService) error {
			_, _, err := r.ListHooks(ctx, "octo", "hello", nil)
			return err
		},
	}
	for _, s := range steps {
		if err := s(ctx, client.Repositories); err != nil {
			log.Fatal(err)
		}
	}
	if _, _, err := client.Activity.SetRepositorySubscription(ctx, "octo", "hello", &github.Subscription{}); err != nil {
		log.Fatal(err)
	}
}
