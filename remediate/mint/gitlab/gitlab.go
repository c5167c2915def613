// Package gitlab mints GitLab access tokens: of a project or a group, as in
// https://docs.gitlab.com/api/project_access_tokens/, where providers.gitlab
// names one and an admin; else by rotating the leaked token itself, as in
// https://docs.gitlab.com/api/personal_access_tokens/, which ends it at once.
// Scopes are GitLab's own: "read_repository,read_registry".
package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is GitLab. Of Settings.Options it knows "project" or "group" (an id or
// a path) and "access-level" (10 guest to 40 maintainer; 30 by itself).
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "gitlab" }

const (
	maxName = 100
	self    = "/personal_access_tokens/self"
	// longest is GitLab's own limit to a token's life, by itself.
	longest = 365 * 24 * time.Hour
)

func client(r *mint.Request, token []byte) *rest.Client {
	return &rest.Client{Provider: "GitLab", Base: rest.Base(r, "https://gitlab.com") + "/api/v4", Authorize: rest.Header("PRIVATE-TOKEN", token)}
}

// tokens is where tokens of a project or group are; "" where none is named.
func tokens(r *mint.Request) string {
	o := r.Settings.Options
	switch {
	case r.Settings.Admin == nil:
		return ""
	case o["project"] != "":
		return "/projects/" + url.PathEscape(o["project"]) + "/access_tokens"
	case o["group"] != "":
		return "/groups/" + url.PathEscape(o["group"]) + "/access_tokens"
	}
	return ""
}

// EndsOld implements mint.EndsOld.
func (Minter) EndsOld(r *mint.Request) bool {
	return r.Settings.Options["project"] == "" && r.Settings.Options["group"] == ""
}

type token struct {
	ID      int      `json:"id"`
	Name    string   `json:"name"`
	Scopes  []string `json:"scopes"`
	Active  bool     `json:"active"`
	Revoked bool     `json:"revoked"`
	Expires string   `json:"expires_at"`
	Token   string   `json:"token"`
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	life := longest
	if r.Lifetime > 0 {
		life = min(r.Lifetime, longest)
	}
	m := mint.Minted{Expires: time.Now().UTC().Add(life).Truncate(24 * time.Hour)}
	if m.Expires.Before(time.Now()) {
		m.Expires = m.Expires.Add(24 * time.Hour) // GitLab counts in days
	}
	in := map[string]any{"expires_at": m.Expires.Format(time.DateOnly)}
	path := tokens(r)
	c := client(r, r.Settings.Admin)
	if path == "" {
		m.EndedOld = true
		path, c = self+"/rotate", client(r, r.Leaked.Value)
	} else {
		if len(r.Scope) == 0 {
			return m, errors.New("GitLab: a new token needs scopes, such as read_repository")
		}
		level := 30
		if text := r.Settings.Options["access-level"]; text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return m, fmt.Errorf("providers.gitlab.access-level: want a number, not %q", text)
			}
			level = n
		}
		in["name"], in["scopes"], in["access_level"] = r.Label(maxName), r.Scope.Actions(), level
	}
	var made token
	err := c.Do(ctx, http.MethodPost, path, in, &made)
	if rest.Status(err) == http.StatusForbidden {
		err = fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
	}
	m.ID, m.Value = strconv.Itoa(made.ID), []byte(made.Token)
	return m, err
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	err := client(r, value).Do(ctx, http.MethodGet, self, nil, nil)
	if s := rest.APIStatus(err); s == http.StatusForbidden {
		return nil // a token without read_api may not ask, and is alive
	}
	return err
}

// Scope implements mint.Scoper.
func (Minter) Scope(ctx context.Context, r *mint.Request) (mint.Scope, error) {
	var is token
	if err := client(r, r.Leaked.Value).Do(ctx, http.MethodGet, self, nil, &is); err != nil {
		return nil, err
	}
	return mint.Scope{{Type: "gitlab", Actions: is.Scopes}}, nil
}

// Revoke implements mint.Revoker: the leaked token revokes itself.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	err := rest.Gone(client(r, r.Leaked.Value).Do(ctx, http.MethodDelete, self, nil, nil))
	if mint.Refused(err) {
		return nil
	}
	return err
}

// Orphans implements mint.OrphanFinder. A rotated token has no name of ours:
// rotating the old one again would revoke the whole family, so that a person
// has to look.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	path := tokens(r)
	if path == "" {
		return nil, fmt.Errorf("GitLab: the answer to a rotation was lost: the old token has ended and the new one is not known; make another at %s: %w",
			strings.TrimSuffix(rest.Base(r, "https://gitlab.com"), "/")+"/-/user_settings/personal_access_tokens", mint.ErrNeedsPerson)
	}
	var all []token
	err = client(r, r.Settings.Admin).Do(ctx, http.MethodGet, path+"?per_page=100", nil, &all)
	for _, t := range all {
		if t.Name == r.Label(maxName) && t.Active && !t.Revoked {
			ids = append(ids, strconv.Itoa(t.ID))
		}
	}
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	path := tokens(r)
	if path == "" {
		return fmt.Errorf("GitLab: a rotated token is taken back by a person: %w", mint.ErrNeedsPerson)
	}
	return rest.Gone(client(r, r.Settings.Admin).Do(ctx, http.MethodDelete, path+"/"+url.PathEscape(id), nil, nil))
}
