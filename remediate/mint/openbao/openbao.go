// Package openbao mints tokens of OpenBao and HashiCorp Vault, as in
// https://openbao.org/api-docs/auth/token/. Scopes are names of policies:
// "shop-read". The address is providers.vault.endpoint, or VAULT_ADDR's usual.
package openbao

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is OpenBao.
type Minter struct{}

// ID implements mint.Minter: rules call it vault.
func (Minter) ID() string { return "vault" }

func client(r *mint.Request, token []byte) *rest.Client {
	return &rest.Client{
		Provider: "Vault", Base: rest.Base(r, "http://127.0.0.1:8200"), Authorize: rest.Header("X-Vault-Token", token),
		Invalid: func(*rest.Error) bool { return false }, // Prove tells: a policy refuses with the same status
	}
}

// denied tells whether the server itself refuses: its 403 has errors of its own.
func denied(err error) bool { return says(err, http.StatusForbidden, "permission denied") }

// ended tells whether the server says that a token is none. Vault adds "invalid
// token" to its refusal; OpenBao does not, and says "bad token" to an admin alone.
func ended(err error) bool { return says(err, http.StatusForbidden, "invalid token", "bad token") }

// says tells whether an error is the server's own, of a status and with one of
// these words.
func says(err error, status int, words ...string) bool {
	var e *rest.Error
	var body struct {
		Errors []string `json:"errors"`
	}
	if !errors.As(err, &e) || e.Status != status || json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	text := strings.Join(body.Errors, " ")
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

func maker(r *mint.Request) *rest.Client {
	return client(r, rest.Either(r.Settings.Admin, r.Leaked.Value))
}

// Mint implements mint.Minter. The token is an orphan: it does not end with the
// one that made it.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	if len(r.Scope) == 0 {
		return mint.Minted{}, errors.New("vault: a new token needs policies: without any it would have its maker's")
	}
	in := map[string]any{"policies": r.Scope.Actions(), "no_default_policy": false, "display_name": r.Label(60), "meta": map[string]string{"remint": r.Token}}
	if r.Lifetime > 0 {
		in["ttl"] = r.Lifetime.String()
	}
	var made struct {
		Auth struct {
			Token    string `json:"client_token"`
			Accessor string `json:"accessor"`
			Lease    int    `json:"lease_duration"`
		} `json:"auth"`
	}
	err := maker(r).Do(ctx, http.MethodPost, "/v1/auth/token/create-orphan", in, &made)
	if denied(err) {
		err = fmt.Errorf("vault: an orphan is made with sudo on auth/token/create-orphan alone, and a token that is none would end with the one that made it: %w: %w", err, mint.ErrNoAdmin)
	}
	if err != nil {
		return mint.Minted{}, err
	}
	m := mint.Minted{ID: made.Auth.Accessor, Value: []byte(made.Auth.Token)}
	if made.Auth.Lease > 0 {
		m.Expires = time.Now().Add(time.Duration(made.Auth.Lease) * time.Second).UTC().Truncate(time.Second)
	}
	return m, nil
}

type entry struct {
	Policies []string          `json:"policies"`
	Accessor string            `json:"accessor"`
	Meta     map[string]string `json:"meta"`
}

func lookup(ctx context.Context, c *rest.Client) (entry, error) {
	var out struct {
		Data entry `json:"data"`
	}
	err := c.Do(ctx, http.MethodGet, "/v1/auth/token/lookup-self", nil, &out)
	return out.Data, err
}

// Prove implements mint.Prover. Every live token with the default policy may
// look itself up; where one without it cannot be told from a dead one, the admin
// is asked about it.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	_, err := lookup(ctx, client(r, value))
	switch {
	case ended(err), denied(err) && r.Settings.Admin == nil:
		return &mint.RefusedError{Provider: "Vault", Answer: err.Error()}
	case !denied(err):
		return err
	}
	asked := maker(r).Do(ctx, http.MethodPost, "/v1/auth/token/lookup", map[string]string{"token": string(value)}, nil)
	if !ended(asked) && rest.APIStatus(asked) != http.StatusNotFound {
		if denied(asked) {
			return fmt.Errorf("vault: whether the token is dead or has few rights only an admin knows that may update auth/token/lookup: %w", asked)
		}
		return asked
	}
	// A dead admin is answered alike, and knows nothing of others.
	if _, self := lookup(ctx, maker(r)); self != nil {
		return fmt.Errorf("vault: providers.vault.admin does not work: %w", self)
	}
	return &mint.RefusedError{Provider: "Vault", Answer: asked.Error()}
}

// Scope implements mint.Scoper: its policies, without default and root.
func (Minter) Scope(ctx context.Context, r *mint.Request) (mint.Scope, error) {
	e, err := lookup(ctx, client(r, r.Leaked.Value))
	if err != nil {
		return nil, err
	}
	policies := slices.DeleteFunc(e.Policies, func(p string) bool { return p == "default" || p == "root" })
	if len(policies) == 0 {
		return nil, errors.New("vault: the old token is root's: name the policies that the new one is to have")
	}
	return mint.Scope{{Type: "vault", Actions: policies}}, nil
}

// Revoke implements mint.Revoker. What the old token made ends with it.
func (m Minter) Revoke(ctx context.Context, r *mint.Request) error {
	err := client(r, r.Leaked.Value).Do(ctx, http.MethodPost, "/v1/auth/token/revoke-self", map[string]any{}, nil)
	if denied(err) || ended(err) {
		if alive := m.Prove(ctx, r, r.Leaked.Value); mint.Refused(alive) {
			return nil
		}
		return fmt.Errorf("vault: the token works, and may not revoke itself: revoke it with an admin's, by its accessor: %w: %w", err, mint.ErrNeedsPerson)
	}
	return err
}

// Orphans implements mint.OrphanFinder: tokens whose metadata names the request.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	c := maker(r)
	var list struct {
		Data struct {
			Keys []string `json:"keys"`
		} `json:"data"`
	}
	if err := c.Do(ctx, "LIST", "/v1/auth/token/accessors", nil, &list); err != nil {
		return nil, err
	}
	for _, a := range list.Data.Keys {
		var one struct {
			Data entry `json:"data"`
		}
		err := c.Do(ctx, http.MethodPost, "/v1/auth/token/lookup-accessor", map[string]string{"accessor": a}, &one)
		if gone(err) {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		if one.Data.Meta["remint"] == r.Token {
			ids = append(ids, a)
		}
	}
	return ids, nil
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	err := maker(r).Do(ctx, http.MethodPost, "/v1/auth/token/revoke-accessor", map[string]string{"accessor": id}, nil)
	if gone(err) {
		return nil
	}
	return err
}

// gone tells whether the server says that it has no such accessor, for which
// its versions use three statuses. Any other failure hides a token perhaps.
func gone(err error) bool {
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} {
		if says(err, status, "invalid accessor") {
			return true
		}
	}
	return false
}
