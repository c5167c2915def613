// Package sendgrid mints SendGrid API keys, as in
// https://www.twilio.com/docs/sendgrid/api-reference/api-keys.
// Scopes are SendGrid's own: "mail.send".
package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is SendGrid.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "sendgrid" }

func client(r *mint.Request, key []byte) *rest.Client {
	return &rest.Client{
		Provider: "SendGrid", Base: rest.Base(r, "https://api.sendgrid.com"), Authorize: rest.Bearer(key),
		Invalid: func(e *rest.Error) bool { return e.Status == http.StatusUnauthorized && own(e) },
	}
}

// own tells whether an error has the form of SendGrid's: a gateway's JSON has not.
func own(e *rest.Error) bool {
	var body struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	return json.Unmarshal(e.Body, &body) == nil && len(body.Errors) > 0
}

// narrow tells whether SendGrid itself says that a key may not do this.
func narrow(err error) bool {
	var e *rest.Error
	return errors.As(err, &e) && e.Status == http.StatusForbidden && own(e)
}

// maker is who makes keys: the admin's, or the leaked one.
func maker(r *mint.Request) *rest.Client {
	return client(r, rest.Either(r.Settings.Admin, r.Leaked.Value))
}

const (
	maxName = 100
	// maxKeys is how many keys an account may have.
	maxKeys = 100
	page    = "https://app.sendgrid.com/settings/api_keys"
)

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	if len(r.Scope) == 0 {
		return mint.Minted{}, errors.New("SendGrid: a new key needs scopes, such as mail.send: without any it would have all")
	}
	var made struct {
		Key string `json:"api_key"`
		ID  string `json:"api_key_id"`
	}
	by := maker(r)
	err := by.Do(ctx, http.MethodPost, "/v3/api_keys", map[string]any{"name": r.Label(maxName), "scopes": r.Scope.Actions()}, &made)
	if narrow(err) {
		err = forbidden(ctx, by, err)
	}
	return mint.Minted{ID: made.ID, Value: []byte(made.Key)}, err
}

// forbidden says which of two things the same status means: the account is
// full, or the key may not make others.
func forbidden(ctx context.Context, by *rest.Client, err error) error {
	if all, failed := list(ctx, by); failed == nil && len(all) >= maxKeys {
		return fmt.Errorf("SendGrid: the account has %d API keys, and takes %d at most: delete one that nobody uses at %s, and run it again: %w", len(all), maxKeys, page, err)
	}
	return fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
}

// Prove implements mint.Prover. A key that may not list its scopes is alive.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	err := client(r, value).Do(ctx, http.MethodGet, "/v3/scopes", nil, nil)
	if narrow(err) {
		return nil
	}
	return err
}

// Scope implements mint.Scoper.
func (Minter) Scope(ctx context.Context, r *mint.Request) (mint.Scope, error) {
	var has struct {
		Scopes []string `json:"scopes"`
	}
	if err := client(r, r.Leaked.Value).Do(ctx, http.MethodGet, "/v3/scopes", nil, &has); err != nil {
		return nil, err
	}
	return mint.Scope{{Type: "sendgrid", Actions: has.Scopes}}, nil
}

type key struct {
	ID   string `json:"api_key_id"`
	Name string `json:"name"`
}

func list(ctx context.Context, c *rest.Client) ([]key, error) {
	var all struct {
		Result []key `json:"result"`
	}
	err := c.Do(ctx, http.MethodGet, "/v3/api_keys?limit=200", nil, &all)
	return all.Result, err
}

// Revoke implements mint.Revoker. A key's id is its middle part, and it is
// deleted only where the account's list has exactly that id.
func (m Minter) Revoke(ctx context.Context, r *mint.Request) error {
	parts := strings.Split(string(r.Leaked.Value), ".")
	if len(parts) != 3 || parts[0] != "SG" || parts[1] == "" {
		return fmt.Errorf("SendGrid: the key does not show its id: delete it at %s: %w", page, mint.ErrNeedsPerson)
	}
	by := maker(r)
	all, err := list(ctx, by)
	if mint.Refused(err) && r.Settings.Admin == nil {
		return nil // it was the leaked key itself that listed
	}
	if narrow(err) {
		return fmt.Errorf("SendGrid: nobody here may list and delete keys: delete it at %s, or name a key that may as providers.sendgrid.admin: %w: %w", page, err, mint.ErrNeedsPerson)
	}
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == parts[1] {
			return m.delete(ctx, by, k.ID)
		}
	}
	err = m.Prove(ctx, r, r.Leaked.Value)
	switch {
	case mint.Refused(err):
		return nil
	case err != nil:
		return fmt.Errorf("SendGrid: the key is not in the account's list, and whether it works is not known: %w", err)
	}
	return fmt.Errorf("SendGrid: the key is not in the account's list and works: it is another account's; delete it at %s: %w", page, mint.ErrNeedsPerson)
}

func (Minter) delete(ctx context.Context, c *rest.Client, id string) error {
	return rest.Gone(c.Do(ctx, http.MethodDelete, "/v3/api_keys/"+url.PathEscape(id), nil, nil))
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	all, err := list(ctx, maker(r))
	for _, k := range all {
		if k.Name == r.Label(maxName) {
			ids = append(ids, k.ID)
		}
	}
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (m Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	return m.delete(ctx, maker(r), id)
}
