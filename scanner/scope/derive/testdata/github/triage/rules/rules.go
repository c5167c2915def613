// Package rules says what is to be done with an issue.
package rules

import (
	"context"

	"github.com/google/go-github/v88/github"
)

// Rule is one.
type Rule interface {
	Apply(ctx context.Context, issue *github.Issue) error
}

// Repo is where rules work.
type Repo struct {
	Client      *github.Client
	Owner, Name string
}

// Label labels issues.
type Label struct {
	Repo
	Name string
}

// Apply implements Rule.
func (l Label) Apply(ctx context.Context, issue *github.Issue) error {
	_, _, err := l.Client.Issues.AddLabelsToIssue(ctx, l.Owner, l.Repo.Name, issue.GetNumber(), []string{l.Name})
	return err
}

// Team asks a team's members.
type Team struct {
	Repo
	Slug string
}

// Apply implements Rule.
func (t Team) Apply(ctx context.Context, issue *github.Issue) error {
	members, _, err := t.Client.Teams.ListTeamMembersBySlug(ctx, t.Owner, t.Slug, nil)
	if err != nil || len(members) == 0 {
		return err
	}
	_, _, err = t.Client.Issues.AddAssignees(ctx, t.Owner, t.Name, issue.GetNumber(), []string{members[0].GetLogin()})
	return err
}

// Ban removes a user, and is never made.
type Ban struct{ Repo }

// Apply implements Rule.
func (b *Ban) Apply(ctx context.Context, issue *github.Issue) error {
	_, err := b.Client.Organizations.BlockUser(ctx, b.Owner, issue.GetUser().GetLogin())
	return err
}
