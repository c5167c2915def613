package npm

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

const password, code = "the account's own", "123456"

// fake follows the two pages that the package names: list, create, revoke,
// whoami, and the answer that asks for a one-time code.
func fake(t *testing.T, wantCode bool) (*minttest.API, func() string) {
	api := minttest.NewAPI(t)
	live := make(map[string]string) // key by token
	add := func() string {
		v := "npm" + "_" + rand.Text() + rand.Text()[:10]
		live[v] = rand.Text()
		return v
	}
	guard := func(handle func(*http.Request, map[string]any) minttest.Answer) func(*http.Request, map[string]any) minttest.Answer {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			if live[minttest.Bearer(r)] == "" {
				return minttest.Answer{Status: 401, Body: map[string]any{"message": "Unauthorized"}}
			}
			return handle(r, in)
		}
	}
	shown := func(v string) map[string]any {
		return map[string]any{"token": v[:8] + "..." + v[len(v)-4:], "key": live[v], "readonly": true}
	}
	api.On("GET /-/whoami", guard(func(*http.Request, map[string]any) minttest.Answer {
		return minttest.Answer{Status: 200, Body: map[string]any{"username": "shop"}}
	}))
	api.On("GET "+tokens, guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for v := range live {
			all = append(all, shown(v))
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"objects": all, "urls": map[string]any{}}}
	}))
	api.On("POST "+tokens, guard(func(r *http.Request, in map[string]any) minttest.Answer {
		if in["password"] != password {
			return minttest.Answer{Status: 403, Body: map[string]any{"message": "password is wrong"}}
		}
		if wantCode && r.Header.Get("npm-otp") != code {
			return minttest.Answer{Status: 401, Body: map[string]any{"error": "You must provide a one-time pass. Upgrade your client to npm@latest in order to use 2FA."}}
		}
		v := add()
		return minttest.Answer{Status: 200, Body: map[string]any{"token": v, "key": live[v], "readonly": in["readonly"]}}
	}))
	api.On("DELETE "+tokens+"/token/{key}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		for v, key := range live {
			if key == r.PathValue("key") {
				delete(live, v)
				return minttest.Answer{Status: 204}
			}
		}
		return minttest.Answer{Status: 404, Body: map[string]any{"message": "not found"}}
	}))
	return api, add
}

func TestSuite(t *testing.T) {
	for _, wantCode := range []bool{false, true} {
		api, add := fake(t, wantCode)
		ask := func(_ context.Context, prompt string) ([]byte, error) {
			if strings.Contains(prompt, "one-time") {
				return []byte(code + "\n"), nil
			}
			return []byte(password + "\n"), nil
		}
		minttest.Run(t, minttest.Case{Minter: Minter{}, Leak: func(*testing.T) mint.Request {
			v := []byte(add())
			return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Endpoint: api.URL}, Ask: ask}
		}})
		r := mint.Request{Leaked: mint.Leaked{Value: []byte(add())}, Settings: mint.Settings{Endpoint: api.URL}}
		if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
			t.Errorf("without a password: %v", err)
		}
		if r.Settings.Admin = []byte(password); wantCode {
			if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
				t.Errorf("without a code: %v", err)
			}
		}
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		return Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: endpoint}}, []byte("x"))
	}, mint.Refused)
}
