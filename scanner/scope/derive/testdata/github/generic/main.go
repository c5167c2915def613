// Command generic has a function for all lists.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func all[T any](list func(github.ListOptions) ([]T, *github.Response, error)) (found []T, err error) {
	for page := 1; page != 0; {
		some, resp, err := list(github.ListOptions{Page: page})
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		page = resp.NextPage
	}
	return found, nil
}

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	members, err := all(func(o github.ListOptions) ([]*github.User, *github.Response, error) {
		return client.Organizations.ListMembers(ctx, "octo", &github.ListMembersOptions{ListOptions: o})
	})
	fmt.Println(len(members), err)
	files, err := all(func(o github.ListOptions) ([]*github.CommitFile, *github.Response, error) {
		return client.PullRequests.ListFiles(ctx, "octo", "hello", 1, &o)
	})
	fmt.Println(len(files), err)
}
