// Command triage labels and assigns new issues, by rules.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"

	"example.com/programs/github/triage/rules"
)

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	repo := rules.Repo{Client: client, Owner: "octo", Name: "hello"}
	all := []rules.Rule{rules.Label{Repo: repo, Name: "new"}}
	if slug := os.Getenv("TEAM"); slug != "" {
		all = append(all, rules.Team{Repo: repo, Slug: slug})
	}
	opts := &github.IssueListByRepoOptions{State: "open"}
	for {
		issues, resp, err := client.Issues.ListByRepo(ctx, repo.Owner, repo.Name, opts)
		if err != nil {
			log.Fatal(err)
		}
		for _, i := range issues {
			for _, r := range all {
				if err := r.Apply(ctx, i); err != nil {
					log.Print(err)
				}
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.ListOptions.Page = resp.NextPage
	}
}
