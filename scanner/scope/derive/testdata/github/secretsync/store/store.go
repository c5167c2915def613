package store

import (
	"context"
	"fmt"

	"github.com/google/go-github/v88/github"
)

type Store interface {
	Put(ctx context.Context, owner, repo, name, value string) error
}

type actions struct{ *github.ActionsService }

func (a actions) Put(ctx context.Context, owner, repo, name, value string) error {
	k, _, err := a.GetRepoPublicKey(ctx, owner, repo)
	if err != nil {
		return err
	}
	_, err = a.CreateOrUpdateRepoSecret(ctx, owner, repo, &github.EncryptedSecret{Name: name, KeyID: k.GetKeyID(), EncryptedValue: value})
	return err
}

type dependabot struct{ s *github.DependabotService }

func (d dependabot) Put(ctx context.Context, owner, repo, name, value string) error {
	_, err := d.s.CreateOrUpdateRepoSecret(ctx, owner, repo, &github.DependabotEncryptedSecret{Name: name, EncryptedValue: value})
	return err
}

type env struct{ c *github.Client }

func (e env) Put(ctx context.Context, owner, repo, name, value string) error {
	if _, _, err := e.c.Actions.GetEnvPublicKey(ctx, 1, "prod"); err != nil {
		return err
	}
	_, err := e.c.Actions.CreateOrUpdateEnvSecret(ctx, 1, "prod", &github.EncryptedSecret{Name: name, EncryptedValue: value})
	return err
}

var makers = map[string]func(*github.Client) Store{
	"actions":    func(c *github.Client) Store { return actions{c.Actions} },
	"dependabot": func(c *github.Client) Store { return dependabot{c.Dependabot} },
	"env":        func(c *github.Client) Store { return env{c} },
}

func New(kind string, c *github.Client) (Store, error) {
	if m, ok := makers[kind]; ok {
		return m(c), nil
	}
	return nil, fmt.Errorf("no store %q", kind)
}
