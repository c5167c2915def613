// Command releasebot tags, merges, waits for checks, and starts a workflow.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"github.com/google/go-github/v88/github"
)

type bot struct {
	gh          *github.Client
	owner, repo string
}

func (b *bot) green(ctx context.Context, ref string) (bool, error) {
	runs, _, err := b.gh.Checks.ListCheckRunsForRef(ctx, b.owner, b.repo, ref, nil)
	if err != nil {
		return false, err
	}
	status, _, err := b.gh.Repositories.GetCombinedStatus(ctx, b.owner, b.repo, ref, nil)
	return err == nil && runs.GetTotal() > 0 && status.GetState() == "success", err
}

func poll(ctx context.Context, every time.Duration, done func(context.Context) (bool, error)) error {
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	gh, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	b := &bot{gh, "octo", "hello"}
	pr, _, err := gh.PullRequests.Get(ctx, b.owner, b.repo, 7)
	if err != nil {
		log.Fatal(err)
	}
	sha := pr.GetHead().GetSHA()
	if err := poll(ctx, time.Minute, func(ctx context.Context) (bool, error) { return b.green(ctx, sha) }); err != nil {
		log.Fatal(err)
	}
	merged, _, err := gh.PullRequests.Merge(ctx, b.owner, b.repo, 7, "", nil)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = gh.Git.CreateRef(ctx, b.owner, b.repo, github.CreateRef{Ref: "refs/tags/" + os.Args[1], SHA: merged.GetSHA()})
	if err := errors.Join(err); err != nil {
		log.Fatal(err)
	}
	runs, _, err := gh.Actions.ListWorkflowRunsByFileName(ctx, b.owner, b.repo, "release.yml", nil)
	log.Println(runs, err)
}
