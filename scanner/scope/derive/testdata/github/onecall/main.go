// Command onecall lists a repository's issues.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func main() {
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	issues, _, err := client.Issues.ListByRepo(context.Background(), os.Args[1], os.Args[2], nil)
	fmt.Println(len(issues), err)
}
