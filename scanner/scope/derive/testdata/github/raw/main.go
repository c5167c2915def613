// Command raw makes requests by itself.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func send(ctx context.Context, client *github.Client, method, path string, body any) error {
	req, err := client.NewRequest(ctx, method, path, body)
	if err != nil {
		return err
	}
	_, err = client.Do(req, nil)
	return err
}

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	owner, repo := os.Args[1], os.Args[2]
	if err := send(ctx, client, "PUT", fmt.Sprintf("repos/%s/%s/pages", owner, repo), nil); err != nil {
		log.Fatal(err)
	}
	req, err := client.NewRequest(ctx, "GET", os.Args[3], nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.BareDo(req); err != nil {
		log.Fatal(err)
	}
}
