// Package cloudflare mints Cloudflare API tokens, as in
// https://developers.cloudflare.com/api/resources/user/subresources/tokens/ and
// …/accounts/subresources/tokens/. Scopes are names of permission groups on
// resources: "DNS Read on com.cloudflare.api.account.zone.<id>"; of a resource
// within another, "com.cloudflare.api.account.<id>/com.cloudflare.api.account.zone.*".
package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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

const (
	maxName = 100
	perPage = 50
	dash    = "https://dash.cloudflare.com/profile/api-tokens"
)

func client(r *mint.Request, token []byte) *rest.Client {
	return &rest.Client{
		Provider: "Cloudflare", Base: rest.Base(r, "https://api.cloudflare.com/client/v4"), Authorize: rest.Bearer(token), Invalid: invalid,
	}
}

func maker(r *mint.Request) *rest.Client {
	return client(r, rest.Either(r.Settings.Admin, r.Leaked.Value))
}

// codes are those of an error in Cloudflare's own form.
func codes(body json.RawMessage) (all []int) {
	var b struct {
		Success *bool
		Errors  []struct{ Code int }
	}
	if json.Unmarshal(body, &b) != nil || b.Success == nil {
		return nil
	}
	for _, one := range b.Errors {
		all = append(all, one.Code)
	}
	return all
}

// invalid tells whether Cloudflare says that the token is not valid: 1000
// "Invalid API Token", 6003 and 6111 for one of a wrong form, or status 401.
func invalid(e *rest.Error) bool {
	all := codes(e.Body)
	return len(all) > 0 && (e.Status == http.StatusUnauthorized || slices.ContainsFunc(all, func(c int) bool { return c == 1000 || c == 6003 || c == 6111 }))
}

const users = "/user/tokens"

// tokens is where new tokens are made.
func tokens(r *mint.Request) string {
	if a := r.Settings.Options["account"]; a != "" {
		return "/accounts/" + url.PathEscape(a) + "/tokens"
	}
	return users
}

type group struct {
	ID     string   `json:"id"`
	Name   string   `json:"name,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
}

type policy struct {
	Effect string `json:"effect"`
	// Resources are names with "*", or with resources within them.
	Resources map[string]any `json:"resources"`
	Groups    []group        `json:"permission_groups"`
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

// verify asks for a token where it may belong, and says where it does. A token
// of an account is "1000 Invalid API Token" at the address for users and the
// other way round, so that one refusal alone means nothing.
func verify(ctx context.Context, r *mint.Request, value []byte) (is token, at string, err error) {
	c := client(r, value)
	for _, at = range slices.Compact([]string{tokens(r), users}) {
		is, err = call[token](ctx, c, http.MethodGet, at+"/verify", nil)
		if !mint.Refused(err) && rest.APIStatus(err) != http.StatusForbidden {
			return is, at, err
		}
	}
	var e *rest.Error
	other := c.Do(ctx, http.MethodGet, "/accounts?per_page=1", nil, nil)
	switch {
	case other == nil, errors.As(other, &e) && slices.Contains(codes(e.Body), 1001): // 1001: not for an account's tokens
		return is, "", errors.New("cloudflare: the token works, and is an account's: name that account as providers.cloudflare.account")
	case mint.Refused(other), errors.As(other, &e) && len(codes(e.Body)) > 0:
		return is, "", err
	}
	return is, "", other // no word of Cloudflare's
}

// kind is what a location is one of: a zone, an account.
func kind(location string) string {
	_, last, nested := strings.Cut(location, "/")
	if !nested {
		last = location
	}
	return last[:max(strings.LastIndexByte(last, '.'), 0)]
}

// groupID finds a permission group by its name. Some names are those of two, one
// for zones and one for accounts.
func groupID(known []group, name string, locations []string) (string, error) {
	named := slices.DeleteFunc(slices.Clone(known), func(g group) bool { return !strings.EqualFold(g.Name, name) })
	if len(named) > 1 {
		named = slices.DeleteFunc(named, func(g group) bool {
			return slices.ContainsFunc(locations, func(l string) bool { return !slices.Contains(g.Scopes, kind(l)) })
		})
	}
	if len(named) != 1 {
		return "", fmt.Errorf("cloudflare has %d permission groups %q on %s: the names are at https://developers.cloudflare.com/fundamentals/api/reference/permissions/", len(named), name, strings.Join(locations, ","))
	}
	return named[0].ID, nil
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
	var out []policy
	for _, g := range r.Scope {
		if len(g.Locations) == 0 {
			return nil, fmt.Errorf("cloudflare: the scope %q does not say on which resources", g.Actions)
		}
		p := policy{Effect: "allow", Resources: resources(g.Locations)}
		for _, a := range g.Actions {
			id, err := groupID(known, a, g.Locations)
			if err != nil {
				return nil, err
			}
			p.Groups = append(p.Groups, group{ID: id})
		}
		out = append(out, p)
	}
	return out, nil
}

func resources(locations []string) map[string]any {
	all := make(map[string]any)
	for _, l := range locations {
		outer, inner, nested := strings.Cut(l, "/")
		if !nested {
			all[outer] = "*"
			continue
		}
		within, ok := all[outer].(map[string]any)
		if !ok {
			within = make(map[string]any)
			all[outer] = within
		}
		within[inner] = "*"
	}
	return all
}

// locations are resources as a scope has them, sorted.
func locations(resources map[string]any) (all []string) {
	for outer, what := range resources {
		within, nested := what.(map[string]any)
		if !nested {
			all = append(all, outer)
		}
		for inner := range within {
			all = append(all, outer+"/"+inner)
		}
	}
	slices.Sort(all)
	return all
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
	if rest.APIStatus(err) == http.StatusForbidden {
		err = fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
	}
	m.ID, m.Value = made.ID, []byte(made.Value)
	return m, err
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	is, _, err := verify(ctx, r, value)
	if err == nil && is.Status != "active" {
		return &mint.RefusedError{Provider: "Cloudflare", Answer: "the token is " + is.Status}
	}
	return err
}

// Scope implements mint.Scoper.
func (Minter) Scope(ctx context.Context, r *mint.Request) (scope mint.Scope, err error) {
	is, at, err := verify(ctx, r, r.Leaked.Value)
	if err != nil {
		return nil, err
	}
	full, err := call[token](ctx, maker(r), http.MethodGet, at+"/"+url.PathEscape(is.ID), nil)
	if err != nil {
		return nil, err
	}
	for _, p := range full.Policies {
		if p.Effect != "allow" {
			return nil, errors.New("cloudflare: the old token has a policy that denies, which a scope cannot say: without it the new one could do more; write the scope yourself")
		}
		g := mint.Grant{Type: "cloudflare", Locations: locations(p.Resources)}
		for _, one := range p.Groups {
			g.Actions = append(g.Actions, one.Name)
		}
		scope = append(scope, g)
	}
	return scope, nil
}

// Revoke implements mint.Revoker. The token itself says which it is.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	is, at, err := verify(ctx, r, r.Leaked.Value)
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if is.ID == "" {
		return fmt.Errorf("cloudflare: the token does not say its id: delete it at %s: %w", dash, mint.ErrNeedsPerson)
	}
	err = remove(ctx, maker(r), at, is.ID)
	if rest.APIStatus(err) == http.StatusForbidden {
		return fmt.Errorf("cloudflare: nobody here may delete the token %s: delete it at %s: %w: %w", is.ID, dash, err, mint.ErrNeedsPerson)
	}
	return err
}

func remove(ctx context.Context, c *rest.Client, at, id string) error {
	return rest.Gone(c.Do(ctx, http.MethodDelete, at+"/"+url.PathEscape(id), nil, nil))
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	for page := 1; ; page++ {
		all, err := call[[]token](ctx, maker(r), http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", tokens(r), perPage, page), nil)
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			if t.Name == r.Label(maxName) {
				ids = append(ids, t.ID)
			}
		}
		if len(all) < perPage {
			return ids, nil
		}
	}
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	return remove(ctx, maker(r), tokens(r), id)
}
