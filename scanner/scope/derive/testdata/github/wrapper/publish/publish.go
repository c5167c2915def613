// Package publish makes releases.
package publish

import (
	"context"
	"os"

	"github.com/google/go-github/v88/github"
)

// Publisher has a client of a repository.
type Publisher struct {
	repositories *github.RepositoriesService
	owner, repo  string
}

// New returns one.
func New(client *github.Client, owner, repo string) *Publisher {
	return &Publisher{client.Repositories, owner, repo}
}

// Release makes a release with a file.
func (p *Publisher) Release(ctx context.Context, tag string, file *os.File) error {
	release, _, err := p.repositories.CreateRelease(ctx, p.owner, p.repo, &github.RepositoryRelease{TagName: &tag})
	if err != nil {
		return err
	}
	return p.upload(ctx, release.GetID(), file)
}

func (p *Publisher) upload(ctx context.Context, id int64, file *os.File) error {
	_, _, err := p.repositories.UploadReleaseAsset(ctx, p.owner, p.repo, id, &github.UploadOptions{Name: file.Name()}, file)
	return err
}

// Announce is called by nobody.
func (p *Publisher) Announce(ctx context.Context) error {
	_, _, err := p.repositories.CreateHook(ctx, p.owner, p.repo, &github.Hook{})
	return err
}
