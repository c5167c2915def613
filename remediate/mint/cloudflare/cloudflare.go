// Package cloudflare mints Cloudflare API tokens, as in
// https://developers.cloudflare.com/api/resources/user/subresources/tokens/ and
// …/accounts/subresources/tokens/. Scopes are names of permission groups on
// resources: "DNS Read on com.cloudflare.api.account.zone.<id>".
package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is Cloudflare. Of Settings.Options it knows "account", whose own
// tokens are minted then, and not those of a person.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "cloudflare" }

const maxName = 100

func client(r *mint.Request, token []byte) *rest.Client {
	return &rest.Client{
		Provider: "Cloudflare", Base: rest.Base(r, "https://api.cloudflare.com/client/v4"), Authorize: rest.Bearer(token), Invalid: invalid,
	}
}

func maker(r *mint.Request) *rest.Client {
	return client(r, rest.Either(r.Settings.Admin, r.Leaked.Value))
}

// invalid tells whether Cloudflare says that the token is not valid: 1000
// "Invalid API Token", 6003 and 6111 for one of a wrong form.
func invalid(e *rest.Error) bool {
	var body struct {
		Errors []struct{ Code int }
	}
	if json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	for _, one := range body.Errors {
		if one.Code == 1000 || one.Code == 6003 || one.Code == 6111 {
			return true
		}
	}
	return false
}

// tokens is where tokens are.
func tokens(r *mint.Request) string {
	if a := r.Settings.Options["account"]; a != "" {
		return "/accounts/" + a + "/tokens"
	}
	return "/user/tokens"
}

type group struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type policy struct {
	Effect    string            `json:"effect"`
	Resources map[string]string `json:"resources"`
	Groups    []group           `json:"permission_groups"`
}

type token struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Value    string   `json:"value"`
	Status   string   `json:"status"`
	Policies []policy `json:"policies"`
}

// call sends a request and reads "result".
func call[T any](ctx context.Context, c *rest.Client, method, path string, in any) (T, error) {
	var out struct {
		Result T `json:"result"`
	}
	err := c.Do(ctx, method, path, in, &out)
	return out.Result, err
}

// policies are a scope as Cloudflare takes it.
func policies(ctx context.Context, c *rest.Client, r *mint.Request) ([]policy, error) {
	if len(r.Scope) == 0 {
		return nil, errors.New("cloudflare: a new token needs a scope, such as \"DNS Read on com.cloudflare.api.account.zone.<id>\"")
	}
	known, err := call[[]group](ctx, c, http.MethodGet, tokens(r)+"/permission_groups", nil)
	if err != nil {
		return nil, fmt.Errorf("list the permission groups: %w", err)
	}
	byName := make(map[string]string)
	for _, g := range known {
		byName[strings.ToLower(g.Name)] = g.ID
	}
	var out []policy
	for _, g := range r.Scope {
		p := policy{Effect: "allow", Resources: make(map[string]string)}
		if len(g.Locations) == 0 {
			return nil, fmt.Errorf("cloudflare: the scope %q does not say on which resources", g.Actions)
		}
		for _, l := range g.Locations {
			p.Resources[l] = "*"
		}
		for _, a := range g.Actions {
			id := byName[strings.ToLower(a)]
			if id == "" {
				return nil, fmt.Errorf("cloudflare: there is no permission group %q", a)
			}
			p.Groups = append(p.Groups, group{ID: id})
		}
		out = append(out, p)
	}
	return out, nil
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	c := maker(r)
	list, err := policies(ctx, c, r)
	if err != nil {
		return mint.Minted{}, err
	}
	in := map[string]any{"name": r.Label(maxName), "policies": list}
	m := mint.Minted{}
	if r.Lifetime > 0 {
		m.Expires = time.Now().Add(r.Lifetime).UTC().Truncate(time.Second)
		in["expires_on"] = m.Expires.Format(time.RFC3339)
	}
	made, err := call[token](ctx, c, http.MethodPost, tokens(r), in)
	if rest.Status(err) == http.StatusForbidden {
		err = fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
	}
	m.ID, m.Value = made.ID, []byte(made.Value)
	return m, err
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	is, err := call[token](ctx, client(r, value), http.MethodGet, tokens(r)+"/verify", nil)
	if err == nil && is.Status != "active" {
		return &mint.RefusedError{Provider: "Cloudflare", Answer: "the token is " + is.Status}
	}
	return err
}

// Scope implements mint.Scoper.
func (Minter) Scope(ctx context.Context, r *mint.Request) (scope mint.Scope, err error) {
	is, err := call[token](ctx, client(r, r.Leaked.Value), http.MethodGet, tokens(r)+"/verify", nil)
	if err != nil {
		return nil, err
	}
	full, err := call[token](ctx, maker(r), http.MethodGet, tokens(r)+"/"+is.ID, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range full.Policies {
		if p.Effect != "allow" {
			continue
		}
		g := mint.Grant{Type: "cloudflare"}
		for _, one := range p.Groups {
			g.Actions = append(g.Actions, one.Name)
		}
		for l := range p.Resources {
			g.Locations = append(g.Locations, l)
		}
		scope = append(scope, g)
	}
	return scope, nil
}

// Revoke implements mint.Revoker. The token itself says which it is.
func (m Minter) Revoke(ctx context.Context, r *mint.Request) error {
	is, err := call[token](ctx, client(r, r.Leaked.Value), http.MethodGet, tokens(r)+"/verify", nil)
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Remove(ctx, r, is.ID)
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	all, err := call[[]token](ctx, maker(r), http.MethodGet, tokens(r)+"?per_page=50&direction=desc", nil)
	for _, t := range all {
		if t.Name == r.Label(maxName) {
			ids = append(ids, t.ID)
		}
	}
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	return rest.Gone(maker(r).Do(ctx, http.MethodDelete, tokens(r)+"/"+id, nil, nil))
}
