// Command content reads a file and writes two, one of them a workflow.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

const workflow = ".github/workflows/build.yml"

func write(ctx context.Context, client *github.Client, path string, text []byte) error {
	_, _, err := client.Repositories.CreateFile(ctx, "octo", "hello", path, &github.RepositoryContentFileOptions{Message: github.Ptr("update"), Content: text})
	return err
}

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	file, _, err := client.Repositories.DownloadContents(ctx, "octo", "templates", "build.yml", nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"docs/build.md", workflow} {
		if err := write(ctx, client, path, text); err != nil {
			log.Fatal(err)
		}
	}
}
