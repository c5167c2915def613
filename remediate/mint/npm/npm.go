// Package npm mints access tokens of the npm registry, as in
// https://github.com/npm/registry/blob/main/docs/user/authentication.md and
// https://docs.npmjs.com/cli/commands/npm-token. It takes the account's
// password as the admin, or asks for it, and for a one-time code where the
// registry wants one. Scopes are "read-only" or "publish", on networks in CIDR:
// "read-only on 203.0.113.0/24".
package npm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is the npm registry.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "npm" }

const tokens = "/-/npm/v1/tokens"

func client(r *mint.Request, token, code []byte) *rest.Client {
	return &rest.Client{Provider: "npm", Base: rest.Base(r, "https://registry.npmjs.org"), Authorize: func(req *http.Request) {
		rest.Bearer(token)(req)
		if len(code) > 0 {
			req.Header.Set("npm-otp", string(code))
		}
	}}
}

// Mint implements mint.Minter.
func (m Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	in := map[string]any{"readonly": true, "cidr_whitelist": []string{}}
	for _, g := range r.Scope {
		for _, a := range g.Actions {
			switch a {
			case "read-only":
			case "publish":
				in["readonly"] = false
			default:
				return mint.Minted{}, fmt.Errorf("npm: the scope %q: want read-only or publish", a)
			}
		}
		if len(g.Locations) > 0 {
			in["cidr_whitelist"] = g.Locations
		}
	}
	password := r.Settings.Admin
	if password == nil && r.Ask != nil {
		var err error
		if password, err = r.Ask(ctx, "npm: the password of the account that has the token"); err != nil {
			return mint.Minted{}, err
		}
	}
	if len(password) == 0 {
		return mint.Minted{}, fmt.Errorf("npm: a new token needs the account's password: %w", mint.ErrNoAdmin)
	}
	in["password"] = strings.TrimSpace(string(password))
	before, err := list(ctx, r)
	if err != nil {
		return mint.Minted{}, err
	}
	if len(before) >= most {
		return mint.Minted{}, fmt.Errorf("npm: the account has %d tokens, and takes no more: revoke some", len(before))
	}
	return m.create(ctx, r, in)
}

// most is how many tokens an account may have.
const most = 1000

func (Minter) create(ctx context.Context, r *mint.Request, in map[string]any) (mint.Minted, error) {
	var made object
	err := client(r, r.Leaked.Value, nil).Do(ctx, http.MethodPost, tokens, in, &made)
	if wantsCode(err) && r.Ask != nil {
		code, asked := r.Ask(ctx, "npm: the one-time code of the account")
		if asked != nil {
			return mint.Minted{}, asked
		}
		err = client(r, r.Leaked.Value, []byte(strings.TrimSpace(string(code)))).Do(ctx, http.MethodPost, tokens, in, &made)
	}
	if wantsCode(err) {
		err = fmt.Errorf("npm: the account wants a one-time code: run it on a terminal: %w", mint.ErrNeedsPerson)
	}
	return mint.Minted{ID: made.Key, Value: []byte(made.Token)}, err
}

// wantsCode tells whether the registry asks for a one-time code, which it does
// with 401 too.
func wantsCode(err error) bool {
	var refused *mint.RefusedError
	return errors.As(err, &refused) && strings.Contains(strings.ToLower(refused.Answer), "one-time pass")
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	return client(r, value, nil).Do(ctx, http.MethodGet, "/-/whoami", nil, nil)
}

// object is a token as the registry shows it: its first and last characters,
// and the key that it is revoked by.
type object struct {
	Token string `json:"token"`
	Key   string `json:"key"`
}

// list reads all pages as the leaked token's account.
func list(ctx context.Context, r *mint.Request) (all []object, err error) {
	next := tokens
	for next != "" {
		var page struct {
			Objects []object `json:"objects"`
			URLs    struct {
				Next string `json:"next"`
			} `json:"urls"`
		}
		if err := client(r, r.Leaked.Value, nil).Do(ctx, http.MethodGet, next, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Objects...)
		u, err := url.Parse(page.URLs.Next)
		if err != nil || page.URLs.Next == "" {
			break
		}
		next = u.RequestURI()
	}
	return all, nil
}

// shows tells whether a list's "npm_abcd...wxyz" may be a token.
func shows(shown, token string) bool {
	head, tail, cut := strings.Cut(shown, "...")
	if !cut {
		return len(shown) >= 6 && strings.HasPrefix(token, shown)
	}
	return len(head) >= 4 && strings.HasPrefix(token, head) && strings.HasSuffix(token, tail)
}

// Revoke implements mint.Revoker: the new token revokes the old, where the list
// shows which it is.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	all, err := list(ctx, r)
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var found []string
	for _, o := range all {
		if shows(o.Token, string(r.Leaked.Value)) {
			found = append(found, o.Key)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("npm: %d tokens of the account look like the old one: delete it at https://www.npmjs.com/settings/~/tokens: %w", len(found), mint.ErrNeedsPerson)
	}
	err = rest.Gone(client(r, r.Leaked.Value, nil).Do(ctx, http.MethodDelete, tokens+"/token/"+url.PathEscape(found[0]), nil, nil))
	if mint.Refused(err) {
		return nil
	}
	return err
}
