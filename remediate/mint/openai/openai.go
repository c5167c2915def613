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
	"strings"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is OpenAI. A key may do what its project may: there are no scopes.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "openai" }

const maxName = 60

func client(r *mint.Request, key []byte) *rest.Client {
	return &rest.Client{Provider: "OpenAI", Base: rest.Base(r, "https://api.openai.com"), Authorize: rest.Bearer(key), Invalid: func(e *rest.Error) bool {
		var body struct {
			Error struct{ Code string }
		}
		return json.Unmarshal(e.Body, &body) == nil && (body.Error.Code == "invalid_api_key" || body.Error.Code == "account_deactivated")
	}}
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
	return client(r, r.Settings.Admin), "/v1/organization/projects/" + id, nil
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

// Prove implements mint.Prover: a key that may not list models is alive.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	err := client(r, value).Do(ctx, http.MethodGet, "/v1/models", nil, nil)
	if s := rest.APIStatus(err); s == http.StatusForbidden || s == http.StatusTooManyRequests {
		return nil
	}
	return err
}

type item struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Redacted string `json:"redacted_value"`
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
		after = "&after=" + page.LastID
	}
}

// Revoke implements mint.Revoker. A key is found by what the list shows of it,
// where that is of one key alone.
func (m Minter) Revoke(ctx context.Context, r *mint.Request) error {
	c, path, err := project(r)
	if err != nil {
		return err
	}
	keys, err := list(ctx, c, path+"/api_keys")
	if err != nil {
		return err
	}
	var found []string
	for _, k := range keys {
		if matches(k.Redacted, string(r.Leaked.Value)) {
			found = append(found, k.ID)
		}
	}
	if len(found) == 1 {
		return rest.Gone(c.Do(ctx, http.MethodDelete, path+"/api_keys/"+found[0], nil, nil))
	}
	if err := m.Prove(ctx, r, r.Leaked.Value); mint.Refused(err) {
		return nil
	}
	return fmt.Errorf("OpenAI: %d keys of the project look like the old one: delete it at https://platform.openai.com/api-keys: %w", len(found), mint.ErrNeedsPerson)
}

// matches tells whether a key may be the one of which a list shows the
// beginning and the end.
func matches(redacted, key string) bool {
	first := strings.IndexByte(redacted, '*')
	last := strings.LastIndexByte(redacted, '*')
	if first < 0 {
		return redacted == key
	}
	head, tail := redacted[:first], redacted[last+1:]
	return len(head)+len(tail) >= 4 && len(key) > len(head)+len(tail) && strings.HasPrefix(key, head) && strings.HasSuffix(key, tail)
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
	return rest.Gone(c.Do(ctx, http.MethodDelete, path+"/service_accounts/"+id, nil, nil))
}
