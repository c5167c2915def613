// Package bot greets on pull requests.
package bot

import (
	"context"

	"github.com/google/go-github/v88/github"
)

// Pulls is what it needs to list them.
type Pulls interface {
	List(ctx context.Context, owner, repo string, opts *github.PullRequestListOptions) ([]*github.PullRequest, *github.Response, error)
}

// Comments is what it needs to write.
type Comments interface {
	CreateComment(ctx context.Context, owner, repo string, number int, comment *github.IssueComment) (*github.IssueComment, *github.Response, error)
}

// Quiet writes nothing.
type Quiet struct{}

// CreateComment implements Comments.
func (Quiet) CreateComment(context.Context, string, string, int, *github.IssueComment) (*github.IssueComment, *github.Response, error) {
	return nil, nil, nil
}

// Greet comments on every open pull request.
func Greet(ctx context.Context, pulls Pulls, comments Comments, owner, repo string) error {
	all, _, err := pulls.List(ctx, owner, repo, nil)
	if err != nil {
		return err
	}
	for _, p := range all {
		if _, _, err := comments.CreateComment(ctx, owner, repo, p.GetNumber(), &github.IssueComment{Body: github.Ptr("hello")}); err != nil {
			return err
		}
	}
	return nil
}

// Close is called by nobody.
func Close(ctx context.Context, client *github.Client, owner, repo string) error {
	_, err := client.Repositories.Delete(ctx, owner, repo)
	return err
}
