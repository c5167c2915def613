// Package gitlab mints GitLab access tokens: of a project or a group, as in
// https://docs.gitlab.com/api/project_access_tokens/ and …/group_access_tokens/,
// where providers.gitlab names one and an admin; else by rotating the leaked
// token itself, as in https://docs.gitlab.com/api/personal_access_tokens/, which
// ends it at once.
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
	usual   = "https://gitlab.com"
	perPage = 100
)

func client(r *mint.Request, token []byte) *rest.Client {
	return &rest.Client{
		Provider: "GitLab", Base: rest.Base(r, usual) + "/api/v4", Authorize: rest.Header("PRIVATE-TOKEN", token),
		Invalid: func(e *rest.Error) bool {
			return e.Status == http.StatusUnauthorized && (strings.Contains(e.Word("message"), "Unauthorized") || e.Word("error") == "invalid_token")
		},
	}
}

// page is where a person makes tokens.
func page(r *mint.Request) string {
	return rest.Base(r, usual) + "/-/user_settings/personal_access_tokens"
}

// tokens is where tokens of a project or group are; "" where none is named, and
// the leaked token is rotated.
func tokens(r *mint.Request) string {
	o := r.Settings.Options
	switch {
	case o["project"] != "":
		return "/projects/" + url.PathEscape(o["project"]) + "/access_tokens"
	case o["group"] != "":
		return "/groups/" + url.PathEscape(o["group"]) + "/access_tokens"
	}
	return ""
}

// EndsOld implements mint.EndsOld.
func (Minter) EndsOld(r *mint.Request) bool { return tokens(r) == "" }

type token struct {
	ID      int      `json:"id"`
	Name    string   `json:"name"`
	Scopes  []string `json:"scopes"`
	Active  bool     `json:"active"`
	Revoked bool     `json:"revoked"`
	Expires string   `json:"expires_at"`
	Token   string   `json:"token"`
}

// Mint implements mint.Minter. A rotation is sent once: GitLab takes a second one
// with the old token for a theft, and revokes the new one too.
func (m Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	out := mint.Minted{Expires: expiry(r.Lifetime), EndedOld: m.EndsOld(r)}
	in := map[string]any{"expires_at": out.Expires.Format(time.DateOnly)}
	path, c := self+"/rotate", client(r, r.Leaked.Value)
	if !out.EndedOld {
		// Without the admin it is not rotated instead: that would end the old
		// token before anybody expects it.
		if r.Settings.Admin == nil {
			return mint.Minted{}, fmt.Errorf("GitLab: a token of a project or group is made by another: %w", mint.ErrNoAdmin)
		}
		path, c = tokens(r), client(r, r.Settings.Admin)
		if err := ask(r, in); err != nil {
			return mint.Minted{}, err
		}
	}
	var made token
	err := c.Do(ctx, http.MethodPost, path, in, &made)
	if rest.APIStatus(err) == http.StatusForbidden {
		err = fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
	}
	if err != nil {
		return mint.Minted{}, err
	}
	// An instance may set a shorter life than was asked for.
	if day, err := time.Parse(time.DateOnly, made.Expires); err == nil {
		out.Expires = day
	}
	out.ID, out.Value = strconv.Itoa(made.ID), []byte(made.Token)
	return out, nil
}

// expiry is the day on which a token ends: GitLab has none without, and counts
// in days of UTC.
func expiry(life time.Duration) time.Time {
	if life <= 0 || life > longest {
		life = longest
	}
	end := time.Now().UTC().Add(life)
	day := end.Truncate(24 * time.Hour)
	if tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); day.Before(tomorrow) {
		return tomorrow
	}
	return day
}

// ask adds what a project's or group's token is to be.
func ask(r *mint.Request, in map[string]any) error {
	if len(r.Scope) == 0 {
		return errors.New("GitLab: a new token needs scopes, such as read_repository")
	}
	level := 30
	if text := r.Settings.Options["access-level"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("providers.gitlab.access-level: want a number, not %q", text)
		}
		level = n
	}
	in["name"], in["scopes"], in["access_level"] = r.Label(maxName), r.Scope.Actions(), level
	return nil
}

// Prove implements mint.Prover. A token whose scopes do not let it ask is alive.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	err := client(r, value).Do(ctx, http.MethodGet, self, nil, nil)
	var e *rest.Error
	if errors.As(err, &e) && e.Status == http.StatusForbidden && e.Word("error") == "insufficient_scope" {
		return nil
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
	if rest.APIStatus(err) == http.StatusForbidden {
		return fmt.Errorf("GitLab: the token may not revoke itself: revoke it at %s: %w: %w", page(r), err, mint.ErrNeedsPerson)
	}
	return err
}

// Orphans implements mint.OrphanFinder. A rotated token has no name of ours, so
// that a person has to look.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	path := tokens(r)
	if path == "" {
		return nil, fmt.Errorf("GitLab: the answer to a rotation was lost: where it was done, the old token has ended, the new one is not known, and rotating again would revoke the whole family; look at %s, and make another there: %w", page(r), mint.ErrNeedsPerson)
	}
	for n := 1; ; n++ {
		var all []token
		if err := client(r, r.Settings.Admin).Do(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", path, perPage, n), nil, &all); err != nil {
			return nil, err
		}
		for _, t := range all {
			if t.Name == r.Label(maxName) && t.Active && !t.Revoked {
				ids = append(ids, strconv.Itoa(t.ID))
			}
		}
		if len(all) < perPage {
			return ids, nil
		}
	}
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	path := tokens(r)
	if path == "" {
		return fmt.Errorf("GitLab: a rotated token is taken back by a person, at %s: %w", page(r), mint.ErrNeedsPerson)
	}
	return rest.Gone(client(r, r.Settings.Admin).Do(ctx, http.MethodDelete, path+"/"+url.PathEscape(id), nil, nil))
}
