// Package openai mints keys of service accounts of OpenAI projects, as in
// https://platform.openai.com/docs/api-reference/project-service-accounts.
// It takes an admin key, and the project as providers.openai.project.
package openai

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

// Minter is OpenAI. A key may do what its project may: there are no scopes.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "openai" }

const (
	maxName = 60
	page    = "https://platform.openai.com/api-keys"
)

func client(r *mint.Request, key []byte) *rest.Client {
	return &rest.Client{Provider: "OpenAI", Base: rest.Base(r, "https://api.openai.com"), Authorize: rest.Bearer(key), Invalid: func(e *rest.Error) bool {
		c := code(e)
		return e.Status == http.StatusUnauthorized && (c == "invalid_api_key" || c == "account_deactivated")
	}}
}

// code is error.code of an error in OpenAI's own form; "" where it says none.
func code(e *rest.Error) string {
	var body struct {
		Error struct{ Code any } // null, a word, and numbers of gateways
	}
	_ = json.Unmarshal(e.Body, &body)
	word, _ := body.Error.Code.(string)
	return word
}

// project is the path of the project's things, for the admin.
func project(r *mint.Request) (*rest.Client, string, error) {
	id := r.Settings.Options["project"]
	switch {
	case r.Settings.Admin == nil:
		return nil, "", fmt.Errorf("OpenAI: %w (an admin key: https://platform.openai.com/settings/organization/admin-keys)", mint.ErrNoAdmin)
	case id == "":
		return nil, "", errors.New("OpenAI: name the project as providers.openai.project (proj_…)")
	}
	return client(r, r.Settings.Admin), "/v1/organization/projects/" + url.PathEscape(id), nil
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	c, path, err := project(r)
	if err != nil {
		return mint.Minted{}, err
	}
	var made struct {
		ID     string `json:"id"`
		APIKey struct {
			Value string `json:"value"`
		} `json:"api_key"`
	}
	err = c.Do(ctx, http.MethodPost, path+"/service_accounts", map[string]any{"name": r.Label(maxName)}, &made)
	return mint.Minted{ID: made.ID, Value: []byte(made.APIKey.Value)}, err
}

// Prove implements mint.Prover: a key that may not list models, or has no money
// left, is alive. A country that is refused says nothing of the key.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	err := client(r, value).Do(ctx, http.MethodGet, "/v1/models", nil, nil)
	var e *rest.Error
	if !errors.As(err, &e) || e.Body == nil {
		return err
	}
	var body struct {
		Error struct{ Message string }
	}
	_ = json.Unmarshal(e.Body, &body)
	switch {
	case (e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized) && strings.Contains(body.Error.Message, "Missing scopes"),
		e.Status == http.StatusTooManyRequests && code(e) == "insufficient_quota":
		return nil
	}
	return err
}

type item struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Redacted string `json:"redacted_value"`
	Owner    struct {
		Account struct {
			ID string `json:"id"`
		} `json:"service_account"`
	} `json:"owner"`
}

// list reads all pages of a list.
func list(ctx context.Context, c *rest.Client, path string) (all []item, err error) {
	after := ""
	for {
		var page struct {
			Data    []item `json:"data"`
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		if err := c.Do(ctx, http.MethodGet, path+"?limit=100"+after, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore || page.LastID == "" {
			return all, nil
		}
		after = "&after=" + url.QueryEscape(page.LastID)
	}
}

// Revoke implements mint.Revoker. A key is found by what the list shows of it,
// where that is of one key alone, and not of the new one too.
func (m Minter) Revoke(ctx context.Context, r *mint.Request) error {
	c, path, err := project(r)
	if err != nil {
		return err
	}
	// A key that is dead already is not looked for: another may look like it.
	if mint.Refused(m.Prove(ctx, r, r.Leaked.Value)) {
		return nil
	}
	keys, err := list(ctx, c, path+"/api_keys")
	if err != nil {
		return err
	}
	var found []item
	for _, k := range keys {
		if matches(k.Redacted, string(r.Leaked.Value)) {
			found = append(found, k)
		}
	}
	if len(found) != 1 || r.Minted != nil && matches(found[0].Redacted, string(r.Minted.Value)) {
		return fmt.Errorf("OpenAI: %d keys of the project look like the old one, and only one that is surely it is deleted here: delete it at %s: %w", len(found), page, mint.ErrNeedsPerson)
	}
	err = rest.Gone(c.Do(ctx, http.MethodDelete, path+"/api_keys/"+url.PathEscape(found[0].ID), nil, nil))
	if s := rest.APIStatus(err); s == http.StatusBadRequest || s == http.StatusForbidden {
		return deleteOwner(ctx, c, path, keys, found[0], err)
	}
	return err
}

// deleteOwner deletes the service account of a key where OpenAI deletes such keys
// only with it, which older accounts see. One that has other keys is left.
func deleteOwner(ctx context.Context, c *rest.Client, path string, keys []item, old item, why error) error {
	owner, has := old.Owner.Account.ID, 0
	for _, k := range keys {
		if k.Owner.Account.ID == owner {
			has++
		}
	}
	if owner == "" || has != 1 {
		return fmt.Errorf("OpenAI: the key %s is not deleted by the API: delete it at %s: %w: %w", old.ID, page, why, mint.ErrNeedsPerson)
	}
	return rest.Gone(c.Do(ctx, http.MethodDelete, path+"/service_accounts/"+url.PathEscape(owner), nil, nil))
}

// kinds begin keys. They say nothing of which key it is.
var kinds = []string{"sk-svcacct-", "sk-proj-", "sk-admin-", "sk-None-", "sk-"}

// matches tells whether a key may be the one of which a list shows the beginning
// and the end: "sk-abc...def", or with stars. Fewer than four characters that are
// its own tell nothing; of two keys that show the same, the caller deletes none.
func matches(redacted, key string) bool {
	first, last := strings.IndexAny(redacted, "*…"), strings.LastIndexAny(redacted, "*…")
	head, tail := "", ""
	if at := strings.Index(redacted, "..."); at >= 0 {
		head, tail = redacted[:at], strings.TrimLeft(redacted[at:], ".")
	} else if first >= 0 {
		head, tail = redacted[:first], strings.TrimLeft(redacted[last:], "*…")
	} else {
		return redacted != "" && redacted == key
	}
	own := head
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(head, k); ok {
			own = rest
			break
		}
	}
	return len(tail) >= 3 && len(own)+len(tail) >= 4 && len(key) > len(head)+len(tail) && strings.HasPrefix(key, head) && strings.HasSuffix(key, tail)
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	c, path, err := project(r)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, c, path+"/service_accounts")
	for _, a := range all {
		if a.Name == r.Label(maxName) {
			ids = append(ids, a.ID)
		}
	}
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	c, path, err := project(r)
	if err != nil {
		return err
	}
	return rest.Gone(c.Do(ctx, http.MethodDelete, path+"/service_accounts/"+url.PathEscape(id), nil, nil))
}
