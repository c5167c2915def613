// Command iterator ranges over iterators of the SDK.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func main() {
	ctx := context.Background()
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("GITHUB_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	for release, err := range client.Repositories.ListReleasesIter(ctx, "octo", "hello", nil) {
		if err != nil {
			log.Fatal(err)
		}
		for alert, err := range client.Dependabot.ListRepoAlertsIter(ctx, "octo", "hello", nil) {
			fmt.Println(release.GetTagName(), alert.GetNumber(), err)
		}
	}
	for deployment, err := range client.Repositories.ListDeploymentsIter(ctx, "octo", "hello", nil) {
		if err == nil {
			_, _, err = client.Repositories.CreateDeploymentStatus(ctx, "octo", "hello", deployment.GetID(), &github.DeploymentStatusRequest{State: github.Ptr("inactive")})
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}
