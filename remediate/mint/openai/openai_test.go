package openai

import (
	"crypto/rand"
	"errors"
	"net/http"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

type account struct{ id, name, keyID, key string }

// fake follows https://platform.openai.com/docs/api-reference/project-service-accounts,
// …/project-api-keys and …/models, and the errors of …/guides/error-codes.
func fake(t *testing.T, admin string) (*minttest.API, func(name string) *account) {
	api := minttest.NewAPI(t)
	accounts := make(map[string]*account)
	add := func(name string) *account {
		a := &account{"svc_" + rand.Text(), name, "key_" + rand.Text(), "sk-" + "svcacct-" + rand.Text()}
		accounts[a.key] = a
		return a
	}
	wrong := minttest.Answer{Status: 401, Body: map[string]any{"error": map[string]any{"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}}
	guard := func(handle func(*http.Request, map[string]any) minttest.Answer) func(*http.Request, map[string]any) minttest.Answer {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			if minttest.Bearer(r) != admin {
				return wrong
			}
			return handle(r, in)
		}
	}
	api.On("GET /v1/models", func(r *http.Request, _ map[string]any) minttest.Answer {
		if accounts[minttest.Bearer(r)] == nil {
			return wrong
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"data": []any{}}}
	})
	const project = "/v1/organization/projects/p1"
	api.On("POST "+project+"/service_accounts", guard(func(_ *http.Request, in map[string]any) minttest.Answer {
		a := add(in["name"].(string))
		return minttest.Answer{Status: 200, Body: map[string]any{"id": a.id, "name": a.name, "role": "member", "api_key": map[string]any{"id": a.keyID, "value": a.key}}}
	}))
	api.On("GET "+project+"/service_accounts", guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, a := range accounts {
			all = append(all, map[string]any{"id": a.id, "name": a.name})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"data": all, "has_more": false}}
	}))
	api.On("GET "+project+"/api_keys", guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, a := range accounts {
			all = append(all, map[string]any{"id": a.keyID, "redacted_value": a.key[:8] + "********" + a.key[len(a.key)-4:]})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"data": all, "has_more": false}}
	}))
	remove := func(id string) minttest.Answer {
		for key, a := range accounts {
			if a.id == id || a.keyID == id {
				delete(accounts, key)
				return minttest.Answer{Status: 200, Body: map[string]any{"id": id, "deleted": true}}
			}
		}
		return minttest.Answer{Status: 404, Body: map[string]any{"error": map[string]any{"message": "not found"}}}
	}
	for _, what := range []string{"service_accounts", "api_keys"} {
		api.On("DELETE "+project+"/"+what+"/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer { return remove(r.PathValue("id")) }))
	}
	return api, add
}

func TestSuite(t *testing.T) {
	admin := rand.Text()
	api, add := fake(t, admin)
	settings := mint.Settings{Admin: []byte(admin), Endpoint: api.URL, Options: map[string]string{"project": "p1"}}
	minttest.Run(t, minttest.Case{Minter: Minter{}, Lose: api.Lose, Leak: func(*testing.T) mint.Request {
		key := []byte(add("shop").key)
		return mint.Request{Leaked: mint.Leaked{Value: key, Secret: key}, Settings: settings}
	}})
	r := mint.Request{Settings: mint.Settings{Endpoint: api.URL}}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("without an admin: %v", err)
	}
	key := []byte(add("other").key)
	r = mint.Request{Leaked: mint.Leaked{Value: append(key[:12:12], "another one"...)}, Settings: settings}
	if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
		t.Errorf("one that nobody knows is dead: %v", err)
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		r.Settings.Endpoint = endpoint
		return Minter{}.Prove(t.Context(), &r, key)
	}, mint.Refused)
}
