// Package github mints installation tokens of a GitHub App, as in
// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app,
// signed for by the App's private key, which may stay in the token. Personal
// access tokens are made by a person, and revoked by
// https://docs.github.com/en/rest/credentials/revoke.
// Scopes are permissions on repositories: "contents:read,issues:write on shop".
//
// It is no mint.OrphanFinder: GitHub lists no installation tokens and revokes none
// by an id. One of which the answer was lost was seen by nobody, and ends by
// itself within an hour; Mint may just be called again.
package github

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/crypto/ssh"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is GitHub. Of Settings.Options it knows "app" (an id) and
// "installation"; Settings.Admin is the App's private key then, in PEM or as a
// pkcs11: URI.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "github" }

func client(r *mint.Request, token []byte) *rest.Client {
	c := &rest.Client{Provider: "GitHub", Base: rest.Base(r, "https://api.github.com"), Invalid: func(e *rest.Error) bool {
		return e.Status == http.StatusUnauthorized && e.Word("message") == "Bad credentials"
	}}
	if token != nil {
		c.Authorize = rest.Bearer(token)
	}
	return c
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	o := r.Settings.Options
	if o["app"] == "" || o["installation"] == "" || r.Settings.Admin == nil {
		return mint.Minted{}, fmt.Errorf("GitHub: only a person makes personal access tokens (https://github.com/settings/personal-access-tokens/new); with an App, name providers.github.app, installation and admin: %w", mint.ErrNeedsPerson)
	}
	in, err := permissions(r.Scope)
	if err != nil {
		return mint.Minted{}, err
	}
	assertion, err := appJWT(ctx, r)
	if err != nil {
		return mint.Minted{}, err
	}
	var made struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	err = client(r, []byte(assertion)).Do(ctx, http.MethodPost, "/app/installations/"+url.PathEscape(o["installation"])+"/access_tokens", in, &made)
	if err != nil {
		return mint.Minted{}, explain(err)
	}
	return mint.Minted{ID: "installation-" + o["installation"] + "-" + r.Token, Value: []byte(made.Token), Expires: made.Expires}, nil
}

// explain says what to do where GitHub does not make a token.
func explain(err error) error {
	switch rest.APIStatus(err) {
	case http.StatusUnauthorized:
		return fmt.Errorf("GitHub does not take the App's signature: look whether providers.github.app is the id of the App whose key admin is, and at the clock: %w", err)
	case http.StatusNotFound:
		return fmt.Errorf("GitHub: the App has no such installation: providers.github.installation is the number at the end of the installation's address: %w", err)
	case http.StatusUnprocessableEntity:
		return fmt.Errorf("GitHub: the installation does not have those permissions or repositories: narrow the scope, or grant them to the App: %w", err)
	}
	return err
}

// permissions are a scope as GitHub takes it.
func permissions(scope mint.Scope) (map[string]any, error) {
	if len(scope) == 0 {
		return nil, errors.New("GitHub: a new token needs a scope, such as \"contents:read on shop\": without one it may do what the whole App may")
	}
	perms, repos := make(map[string]string), []string{}
	for _, g := range scope {
		for _, a := range g.Actions {
			name, level, ok := strings.Cut(a, ":")
			if !ok {
				return nil, fmt.Errorf("GitHub: the permission %q: want name:read or name:write", a)
			}
			perms[name] = level
		}
		repos = append(repos, g.Locations...)
	}
	in := map[string]any{"permissions": perms}
	if len(repos) > 0 {
		in["repositories"] = repos
	}
	return in, nil
}

// appJWT is what an App shows: RS256, ten minutes at most.
func appJWT(ctx context.Context, r *mint.Request) (string, error) {
	key, err := appKey(ctx, r)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: cryptosigner.Opaque(key)}, nil)
	if err != nil {
		return "", errors.New("GitHub: the App's private key is no RSA key")
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: r.Settings.Options["app"], IssuedAt: jwt.NewNumericDate(now.Add(-time.Minute)), Expiry: jwt.NewNumericDate(now.Add(9 * time.Minute)),
	}).Serialize()
}

func appKey(ctx context.Context, r *mint.Request) (crypto.Signer, error) {
	admin := bytes.TrimSpace(r.Settings.Admin)
	if bytes.HasPrefix(admin, []byte("pkcs11:")) {
		u, err := hsm.ParseURI(string(admin))
		if err != nil {
			return nil, err
		}
		if r.HSM == nil {
			return nil, fmt.Errorf("GitHub: the App's key %s is in a token, and none is open: name the token in .remint.yaml", u.Object)
		}
		k, err := r.HSM.Key(ctx, u.Object)
		if err != nil {
			return nil, fmt.Errorf("GitHub: the App's key: %w", err)
		}
		signer, ok := k.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("GitHub: the token's key %s does not sign", u.Object)
		}
		return signer, nil
	}
	key, err := ssh.ParseRawPrivateKey(admin) // PKCS #1 and #8 too
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, errors.New("GitHub: providers.github.admin is no private key in PEM, and no pkcs11: URI")
	}
	return signer, nil
}

// Prove implements mint.Prover: any token may ask for its rate limit.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	return client(r, value).Do(ctx, http.MethodGet, "/rate_limit", nil, nil)
}

// installation begins installation tokens.
const installation = "ghs_"

// Revoke implements mint.Revoker. GitHub answers before it has revoked.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	if bytes.HasPrefix(r.Leaked.Value, []byte(installation)) {
		err := client(r, r.Leaked.Value).Do(ctx, http.MethodDelete, "/installation/token", nil, nil)
		if mint.Refused(err) {
			return nil
		}
		return err
	}
	return client(r, nil).Do(ctx, http.MethodPost, "/credentials/revoke", map[string]any{"credentials": []string{string(r.Leaked.Value)}}, nil)
}
