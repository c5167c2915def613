// Package npm mints granular access tokens of the npm registry, as npm's own
// client does (https://docs.npmjs.com/cli/v11/commands/npm-token,
// https://docs.npmjs.com/about-access-tokens): the registry makes no others
// since November 2025. Lists and revocations are those of
// https://github.com/npm/registry/blob/main/docs/user/authentication.md.
//
// Scopes are "read-only" or "read-write" on packages, "@scope", or "*" for all of
// the account's, and on networks in CIDR: "read-only on @acme,203.0.113.0/24".
package npm

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is the npm registry. Settings.Admin is "user:password" of the account,
// a token of it that may make others (npm_…, npm login makes one), or its
// password alone, beside the leaked token. A password that is missing is asked.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "npm" }

const (
	tokens  = "/-/npm/v1/tokens"
	page    = "https://www.npmjs.com/settings/~/tokens"
	maxName = 60
	// most is how many tokens an account may have.
	most = 1000
)

func client(r *mint.Request, authorize func(*http.Request), code []byte) *rest.Client {
	return &rest.Client{
		Provider: "npm", Base: rest.Base(r, "https://registry.npmjs.org"),
		Authorize: func(req *http.Request) {
			authorize(req)
			if len(code) > 0 {
				req.Header.Set("npm-otp", string(code))
			}
		},
		// The registry asks for a one-time code with the same status.
		Invalid: func(e *rest.Error) bool { return e.Status == http.StatusUnauthorized && !asksCode(e) },
	}
}

func asksCode(e *rest.Error) bool {
	return e.Status == http.StatusUnauthorized && bytes.Contains(bytes.ToLower(e.Body), []byte("one-time pass"))
}

// account is who makes and revokes tokens.
type account struct {
	authorize func(*http.Request)
	// password is the account's, nil where it is not known.
	password []byte
	// own is whether it is the leaked token that acts.
	own bool
}

func maker(r *mint.Request) account {
	admin := bytes.TrimSpace(r.Settings.Admin)
	user, password, pair := bytes.Cut(admin, []byte(":"))
	switch {
	case bytes.HasPrefix(admin, []byte("npm_")):
		return account{authorize: rest.Bearer(admin)}
	case pair:
		return account{authorize: func(req *http.Request) { req.SetBasicAuth(string(user), string(password)) }, password: password}
	}
	return account{authorize: rest.Bearer(r.Leaked.Value), password: admin, own: true}
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	in, err := permissions(r.Scope)
	if err != nil {
		return mint.Minted{}, err
	}
	in["name"] = r.Label(maxName)
	if r.Lifetime > 0 {
		const day = 24 * time.Hour
		in["expires"] = int((r.Lifetime + day - 1) / day)
	}
	by := maker(r)
	if len(by.password) == 0 && r.Ask != nil {
		if by.password, err = r.Ask(ctx, "npm: the password of the account that has the token"); err != nil {
			return mint.Minted{}, err
		}
	}
	if len(by.password) == 0 {
		return mint.Minted{}, fmt.Errorf("npm: a new token needs the account's password: %w", mint.ErrNoAdmin)
	}
	in["password"] = strings.TrimSpace(string(by.password))
	before, err := list(ctx, r, by)
	if err != nil {
		return mint.Minted{}, fmt.Errorf("list the account's tokens: %w", err)
	}
	if len(before) >= most {
		return mint.Minted{}, fmt.Errorf("npm: the account has %d tokens, and takes no more: revoke some at %s", len(before), page)
	}
	var made object
	err = send(ctx, r, by, http.MethodPost, tokens, in, &made)
	if rest.APIStatus(err) == http.StatusForbidden {
		err = fmt.Errorf("%w: %w", err, mint.ErrNoAdmin)
	}
	if err != nil {
		return mint.Minted{}, err
	}
	return mint.Minted{ID: made.Key, Value: []byte(made.Token), Expires: made.ends()}, nil
}

// permissions are a scope as the registry takes it: one permission for all of a
// token's packages and scopes.
func permissions(scope mint.Scope) (map[string]any, error) {
	permission := ""
	var packages, scopes, networks []string
	in := make(map[string]any)
	for _, g := range scope {
		for _, a := range g.Actions {
			if a == "publish" {
				a = "read-write"
			}
			if a != "read-only" && a != "read-write" {
				return nil, fmt.Errorf("npm: the scope %q: want read-only or read-write", a)
			}
			if permission != "" && permission != a {
				return nil, errors.New("npm: a token has one permission for all its packages: say read-only or read-write, not both")
			}
			permission = a
		}
		for _, l := range g.Locations {
			network, err := netip.ParsePrefix(l)
			switch {
			case err == nil && !network.Addr().Is4():
				return nil, fmt.Errorf("npm: the network %s: the registry takes IPv4 alone", l)
			case err == nil:
				networks = append(networks, l)
			case l == "*":
				in["packages_all"] = true
			case strings.HasPrefix(l, "@") && !strings.Contains(l, "/"):
				scopes = append(scopes, l)
			default:
				packages = append(packages, l)
			}
		}
	}
	for name, all := range map[string][]string{"packages": packages, "scopes": scopes, "cidr_whitelist": networks} {
		if len(all) > 0 {
			in[name] = all
		}
	}
	if permission == "" || len(packages)+len(scopes) == 0 && in["packages_all"] == nil {
		return nil, errors.New("npm: a new token needs a scope, such as \"read-only on @acme\": the packages or scopes that it is for, * for all of the account's")
	}
	in["packages_and_scopes_permission"] = permission
	return in, nil
}

// send sends a call that may want a one-time code. One that was asked for a code
// did nothing, so that it is sent again with it, once.
func send(ctx context.Context, r *mint.Request, by account, method, path string, in, out any) error {
	err := client(r, by.authorize, nil).Do(ctx, method, path, in, out)
	if wantsCode(err) && r.Ask != nil {
		code, asked := r.Ask(ctx, "npm: the one-time code of the account")
		if asked != nil {
			return asked
		}
		err = client(r, by.authorize, bytes.TrimSpace(code)).Do(ctx, method, path, in, out)
	}
	if wantsCode(err) {
		return fmt.Errorf("npm: the account wants a one-time code, or another one: run it on a terminal, or act at %s: %w", page, mint.ErrNeedsPerson)
	}
	return err
}

// wantsCode tells whether the registry asks for a one-time code.
func wantsCode(err error) bool {
	var e *rest.Error
	return errors.As(err, &e) && asksCode(e)
}

func whoami(ctx context.Context, r *mint.Request, authorize func(*http.Request)) (string, error) {
	var is struct {
		Username string `json:"username"`
	}
	err := client(r, authorize, nil).Do(ctx, http.MethodGet, "/-/whoami", nil, &is)
	return is.Username, err
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	_, err := whoami(ctx, r, rest.Bearer(value))
	return err
}

// object is a token as the registry shows it: its first characters, or the last
// ones too, and the key that it is revoked by.
type object struct {
	Name    string `json:"name"`
	Token   string `json:"token"`
	Key     string `json:"key"`
	Expires string `json:"expires"`
	Expiry  string `json:"expiry"`
}

// ends is when a token ends; zero where the registry does not say.
func (o object) ends() time.Time {
	for _, text := range []string{o.Expires, o.Expiry} {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// list reads all pages.
func list(ctx context.Context, r *mint.Request, by account) (all []object, err error) {
	next := tokens
	for next != "" {
		var page struct {
			Objects []object `json:"objects"`
			URLs    struct {
				Next string `json:"next"`
			} `json:"urls"`
		}
		if err := client(r, by.authorize, nil).Do(ctx, http.MethodGet, next, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Objects...)
		u, err := url.Parse(page.URLs.Next)
		if err != nil || page.URLs.Next == "" {
			break
		}
		next = u.RequestURI() // never another host, which would get the credential
	}
	return all, nil
}

// shows tells whether what a list shows, "npm_ab" or "npm_ab...yz", may be of a
// token. What shows nothing may be any.
func shows(shown, token string) bool {
	head, tail, _ := strings.Cut(strings.ReplaceAll(shown, "…", "..."), "...")
	return strings.HasPrefix(token, head) && strings.HasSuffix(token, tail)
}

// Revoke implements mint.Revoker. The token is found in its own account's list:
// by its hash, or where one alone looks like it.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	mine, err := whoami(ctx, r, rest.Bearer(r.Leaked.Value))
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	by := maker(r)
	if !by.own {
		// The list of another account has not the token, but may have one that
		// looks like it.
		if theirs, err := whoami(ctx, r, by.authorize); err != nil || theirs != mine {
			return errors.Join(fmt.Errorf("npm: the token is of the account %q, and providers.npm.admin is not: revoke it at %s: %w", mine, page, mint.ErrNeedsPerson), err)
		}
	}
	all, err := list(ctx, r, by)
	if rest.APIStatus(err) == http.StatusForbidden {
		return fmt.Errorf("npm: the token may not list the account's: revoke it at %s, or name one that may as providers.npm.admin: %w: %w", page, err, mint.ErrNeedsPerson)
	}
	if err != nil {
		return err
	}
	found := find(all, r.Leaked.Value)
	if len(found) != 1 {
		return fmt.Errorf("npm: %d tokens of the account look like the old one: revoke it at %s: %w", len(found), page, mint.ErrNeedsPerson)
	}
	return remove(ctx, r, by, found[0])
}

func find(all []object, token []byte) (keys []string) {
	sum := sha512.Sum512(token)
	hash := hex.EncodeToString(sum[:]) // the key of older tokens
	for _, o := range all {
		if o.Key == hash {
			return []string{hash}
		}
		if shows(o.Token, string(token)) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

func remove(ctx context.Context, r *mint.Request, by account, key string) error {
	return rest.Gone(send(ctx, r, by, http.MethodDelete, tokens+"/token/"+url.PathEscape(key), nil, nil))
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	all, err := list(ctx, r, maker(r))
	for _, o := range all {
		if o.Name == r.Label(maxName) {
			ids = append(ids, o.Key)
		}
	}
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	return remove(ctx, r, maker(r), id)
}
