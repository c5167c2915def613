package sendgrid

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
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
	forbidden := minttest.Answer{Status: 403, Body: map[string]any{"errors": []any{map[string]any{"field": nil, "message": "access forbidden"}}}}
	api.On("GET /v3/scopes", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		if len(keys[minttest.Bearer(r)].scopes) == 0 {
			return forbidden
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"scopes": keys[minttest.Bearer(r)].scopes}}
	}))
	api.On("POST /v3/api_keys", guard(func(r *http.Request, in map[string]any) minttest.Answer {
		if !slices.Contains(keys[minttest.Bearer(r)].scopes, "api_keys.create") || len(keys) >= maxKeys {
			return forbidden
		}
		k := add(in["name"].(string), in["scopes"].([]any)...)
		return minttest.Answer{Status: 201, Body: map[string]any{"api_key": k.value, "api_key_id": k.id, "name": k.name, "scopes": k.scopes}}
	}))
	api.On("GET /v3/api_keys", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		if !slices.Contains(keys[minttest.Bearer(r)].scopes, "api_keys.create") {
			return forbidden
		}
		all := []any{}
		for _, k := range keys {
			all = append(all, map[string]any{"api_key_id": k.id, "name": k.name})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"result": all}}
	}))
	api.On("DELETE /v3/api_keys/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		for value, k := range keys {
			if strings.EqualFold(k.id, r.PathValue("id")) { // so that only an exact match is safe
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
				k := add("shop", "mail.send", "stats.read", "api_keys.create")
				return mint.Request{Leaked: mint.Leaked{Value: []byte(k.value), Secret: []byte(k.value)}, Settings: mint.Settings{Admin: by, Endpoint: api.URL}, Scope: mint.Scope{{Actions: []string{"mail.send"}}}}
			},
			Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
				got, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: m.Value}, Settings: r.Settings})
				if err != nil || got.String() != "mail.send" {
					t.Errorf("the new key may %s: %v", got, err)
				}
			},
		})
	}
}

func TestFullAndNarrow(t *testing.T) {
	api, add := fake(t)
	admin, narrow, none := add("admin", "api_keys.create"), add("shop", "mail.send"), add("none")
	r := mint.Request{
		Leaked: mint.Leaked{Value: []byte(narrow.value)}, Settings: mint.Settings{Endpoint: api.URL},
		Name: "shop/mail", Token: "0a0b0c0d", Scope: mint.Scope{{Actions: []string{"mail.send"}}},
	}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("a key that may not make others: %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("a key that may not delete itself: %v", err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, []byte(none.value)); err != nil {
		t.Errorf("a key that may not list its scopes is alive: %v", err)
	}
	r.Settings.Admin = []byte(admin.value)
	for range maxKeys - 3 {
		add("other", "mail.send")
	}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil || errors.Is(err, mint.ErrNoAdmin) || !strings.Contains(err.Error(), "100 at most") {
		t.Errorf("a full account: %v", err)
	}
}

// TestRevokeExactly: an id that differs in case alone is another key, and one
// that another account has is not deleted here.
func TestRevokeExactly(t *testing.T) {
	mine, add := fake(t)
	admin, near := add("admin", "api_keys.create"), add("near", "mail.send")
	r := mint.Request{Settings: mint.Settings{Admin: []byte(admin.value), Endpoint: mine.URL}}
	r.Leaked.Value = []byte("SG." + strings.ToLower(near.id) + "." + strings.Repeat("x", 43))
	if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
		t.Errorf("one that is dead: %v", err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, []byte(near.value)); err != nil {
		t.Errorf("another key was deleted: %v", err)
	}
	// The list is of one account, the key of another, and it works.
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"result":[],"scopes":["mail.send"]}`))
	}))
	defer other.Close()
	r.Settings.Endpoint = other.URL
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("one of another account: %v", err)
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
