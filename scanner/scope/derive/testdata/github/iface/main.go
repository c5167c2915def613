// Command iface comes to the client by way of interfaces.
package main

import (
	"context"
	"log"
	"os"

	"github.com/google/go-github/v88/github"

	"example.com/programs/github/iface/bot"
)

func main() {
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	var comments bot.Comments = client.Issues
	if os.Getenv("QUIET") != "" {
		comments = bot.Quiet{}
	}
	if err := bot.Greet(context.Background(), client.PullRequests, comments, "octo", "hello"); err != nil {
		log.Fatal(err)
	}
}
