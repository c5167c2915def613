// Command closure has a table of commands, among them values of methods.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

type command func(ctx context.Context, client *github.Client, owner, repo string) error

var commands = map[string]command{
	"dispatch": func(ctx context.Context, client *github.Client, owner, repo string) error {
		_, _, err := client.Actions.CreateWorkflowDispatchEventByFileName(ctx, owner, repo, "build.yml", github.CreateWorkflowDispatchEventRequest{Ref: "main"})
		return err
	},
	"secret": func(ctx context.Context, client *github.Client, owner, repo string) error {
		read := client.Actions.GetRepoPublicKey
		key, _, err := read(ctx, owner, repo)
		if err != nil {
			return err
		}
		_, err = client.Actions.CreateOrUpdateRepoSecret(ctx, owner, repo, &github.EncryptedSecret{Name: "KEY", KeyID: key.GetKeyID()})
		return err
	},
}

func remove(ctx context.Context, client *github.Client, owner, repo string) error {
	_, err := client.Actions.DeleteRepoVariable(ctx, owner, repo, "OLD")
	return err
}

var _ command = remove

func main() {
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	if err := commands[os.Args[1]](context.Background(), client, "octo", "hello"); err != nil {
		log.Fatal(err)
	}
}
