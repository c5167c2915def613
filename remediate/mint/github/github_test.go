package github

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// fake follows the pages that the package names: it verifies the App's JWT, and
// answers 401 "Bad credentials" and 202 as they say.
func fake(t *testing.T, app crypto.PublicKey) (*minttest.API, func(prefix string) string) {
	api := minttest.NewAPI(t)
	live := make(map[string]bool)
	add := func(prefix string) string {
		v := prefix + rand.Text() + rand.Text()[:10]
		live[v] = true
		return v
	}
	bad := minttest.Answer{Status: 401, Body: map[string]any{"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}}
	api.On("GET /rate_limit", func(r *http.Request, _ map[string]any) minttest.Answer {
		if !live[minttest.Bearer(r)] {
			return bad
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"rate": map[string]any{"limit": 5000}}}
	})
	api.On("POST /app/installations/7/access_tokens", func(r *http.Request, in map[string]any) minttest.Answer {
		signed, err := jwt.ParseSigned(minttest.Bearer(r), []jose.SignatureAlgorithm{jose.RS256})
		var claims jwt.Claims
		if err != nil || signed.Claims(app, &claims) != nil || claims.Issuer != "42" || claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > 10*time.Minute {
			return minttest.Answer{Status: 401, Body: map[string]any{"message": "A JSON web token could not be decoded"}}
		}
		if p, _ := in["permissions"].(map[string]any); p["contents"] != "read" {
			return minttest.Answer{Status: 422, Body: map[string]any{"message": "The permissions requested are not granted to this installation."}}
		}
		return minttest.Answer{Status: 201, Body: map[string]any{"token": add(installation), "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}
	})
	api.On("DELETE /installation/token", func(r *http.Request, _ map[string]any) minttest.Answer {
		if !live[minttest.Bearer(r)] {
			return bad
		}
		delete(live, minttest.Bearer(r))
		return minttest.Answer{Status: 204}
	})
	api.On("POST /credentials/revoke", func(_ *http.Request, in map[string]any) minttest.Answer {
		for _, c := range in["credentials"].([]any) {
			delete(live, c.(string))
		}
		return minttest.Answer{Status: 202}
	})
	return api, add
}

func TestSuite(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	token := minttest.Token(t)
	held, err := token.Generate(t.Context(), "github-app", hsm.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		admin  []byte
		public crypto.PublicKey
	}{"PEM": {text, key.Public()}, "in the token": {[]byte("pkcs11:object=github-app"), held.(crypto.Signer).Public()}} {
		t.Run(name, func(t *testing.T) {
			api, add := fake(t, c.public)
			for _, prefix := range []string{installation, "ghp" + "_"} {
				minttest.Run(t, minttest.Case{Minter: Minter{}, Leak: func(*testing.T) mint.Request {
					v := []byte(add(prefix))
					return mint.Request{
						Leaked: mint.Leaked{Value: v, Secret: v}, HSM: token, Scope: mint.Scope{{Actions: []string{"contents:read"}, Locations: []string{"shop"}}},
						Settings: mint.Settings{Admin: c.admin, Endpoint: api.URL, Options: map[string]string{"app": "42", "installation": "7"}},
					}
				}})
			}
		})
	}
}

// TestLostAnswer: there is nothing to remove, and asking again makes another.
func TestLostAnswer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	api, _ := fake(t, key.Public())
	r := mint.Request{
		Scope: mint.Scope{{Actions: []string{"contents:read"}, Locations: []string{"shop"}}},
		Settings: mint.Settings{
			Admin: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), Endpoint: api.URL,
			Options: map[string]string{"app": "42", "installation": "7"},
		},
	}
	api.Lose()
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Fatal("the answer was not lost")
	}
	m, err := Minter{}.Mint(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(m.Expires); left <= 0 || left > time.Hour {
		t.Errorf("it ends in %v, want an hour", left)
	}
	if err := (Minter{}).Prove(t.Context(), &r, m.Value); err != nil {
		t.Error(err)
	}
}

// TestApps: what is wrong with the App is said, and is no verdict on a key.
func TestApps(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	admin := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	api, _ := fake(t, key.Public())
	for what, c := range map[string]struct {
		admin []byte
		scope []string
		want  string
	}{
		"another App's key": {admin, []string{"contents:read"}, "providers.github.app"},
		"no key":            {[]byte("a secret that is no key"), []string{"contents:read"}, "no private key"},
		"no token":          {[]byte("pkcs11:object=github-app"), []string{"contents:read"}, "none is open"},
		"no scope":          {admin, nil, "needs a scope"},
		"no level":          {admin, []string{"contents"}, "name:read"},
	} {
		r := mint.Request{Settings: mint.Settings{Admin: c.admin, Endpoint: api.URL, Options: map[string]string{"app": "42", "installation": "7"}}}
		if c.scope != nil {
			r.Scope = mint.Scope{{Actions: c.scope}}
		}
		_, err := Minter{}.Mint(t.Context(), &r)
		switch {
		case err == nil || mint.Refused(err) || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: want an error with %q", what, c.want)
		case strings.Contains(err.Error(), string(c.admin)) && what != "no token":
			t.Errorf("%s: the error carries the admin's key", what)
		}
	}
}

func TestPersonsAndFirewalls(t *testing.T) {
	r := mint.Request{Leaked: mint.Leaked{Value: []byte("x")}}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("without an App: %v", err)
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		r.Settings.Endpoint = endpoint
		return Minter{}.Prove(t.Context(), &r, []byte("x"))
	}, mint.Refused)
}
