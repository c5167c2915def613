package sendgrid

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// stored is a key as the stand-in has it.
type stored struct {
	id, name, value string
	scopes          []any
}

// fake follows https://www.twilio.com/docs/sendgrid/api-reference/api-keys and
// …/api-key-permissions: create, list, delete, scopes, and the form of errors.
func fake(t *testing.T) (*minttest.API, func(name string, scopes ...any) *stored) {
	api := minttest.NewAPI(t)
	keys := make(map[string]*stored)
	add := func(name string, scopes ...any) *stored {
		id := rand.Text()[:22]
		k := &stored{id, name, "SG." + id + "." + (rand.Text() + rand.Text())[:43], scopes}
		keys[k.value] = k
		return k
	}
	guard := func(handle func(r *http.Request, in map[string]any) minttest.Answer) func(*http.Request, map[string]any) minttest.Answer {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			if keys[minttest.Bearer(r)] == nil {
				return minttest.Answer{Status: 401, Body: map[string]any{"errors": []any{map[string]any{"field": nil, "message": "The provided authorization grant is invalid, expired, or revoked"}}}}
			}
			return handle(r, in)
		}
	}
	api.On("GET /v3/scopes", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		return minttest.Answer{Status: 200, Body: map[string]any{"scopes": keys[minttest.Bearer(r)].scopes}}
	}))
	api.On("POST /v3/api_keys", guard(func(_ *http.Request, in map[string]any) minttest.Answer {
		k := add(in["name"].(string), in["scopes"].([]any)...)
		return minttest.Answer{Status: 201, Body: map[string]any{"api_key": k.value, "api_key_id": k.id, "name": k.name, "scopes": k.scopes}}
	}))
	api.On("GET /v3/api_keys", guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, k := range keys {
			all = append(all, map[string]any{"api_key_id": k.id, "name": k.name})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"result": all}}
	}))
	api.On("DELETE /v3/api_keys/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		for value, k := range keys {
			if k.id == r.PathValue("id") {
				delete(keys, value)
				return minttest.Answer{Status: 204}
			}
		}
		return minttest.Answer{Status: 404, Body: map[string]any{"errors": []any{map[string]any{"message": "unable to find API Key"}}}}
	}))
	return api, add
}

func TestSuite(t *testing.T) {
	api, add := fake(t)
	admin := add("admin", "api_keys.create")
	for _, by := range [][]byte{[]byte(admin.value), nil} {
		minttest.Run(t, minttest.Case{
			Minter: Minter{}, Lose: api.Lose,
			Leak: func(*testing.T) mint.Request {
				k := add("shop", "mail.send", "stats.read")
				return mint.Request{Leaked: mint.Leaked{Value: []byte(k.value), Secret: []byte(k.value)}, Settings: mint.Settings{Admin: by, Endpoint: api.URL}, Scope: mint.Scope{{Actions: []string{"mail.send"}}}}
			},
		})
	}
}

func TestScopesAndVerdicts(t *testing.T) {
	api, add := fake(t)
	k := add("shop", "mail.send")
	r := mint.Request{Leaked: mint.Leaked{Value: []byte(k.value)}, Settings: mint.Settings{Endpoint: api.URL}}
	if s, err := (Minter{}).Scope(t.Context(), &r); err != nil || s.String() != "mail.send" {
		t.Errorf("%s, %v", s, err)
	}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil || !strings.Contains(err.Error(), "scopes") {
		t.Errorf("minted without a scope: %v", err)
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		r.Settings.Endpoint = endpoint
		return Minter{}.Prove(t.Context(), &r, r.Leaked.Value)
	}, mint.Refused)
}
