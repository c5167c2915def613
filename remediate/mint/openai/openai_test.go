package openai

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

type account struct{ id, name, keyID, key string }

// provider is the stand-in, with what differs between accounts of OpenAI.
type provider struct {
	*minttest.API
	// between is what the list has in place of a key's middle.
	between string
	// together is whether a service account's key is deleted with it alone.
	together bool
}

const project1 = "/v1/organization/projects/p1"

var wrong = minttest.Answer{Status: 401, Body: map[string]any{"error": map[string]any{"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}}

// fake follows https://platform.openai.com/docs/api-reference/project-service-accounts,
// …/project-api-keys and …/models, and the errors of …/guides/error-codes.
func fake(t *testing.T, admin string) (*provider, func(name string) *account) {
	api := &provider{API: minttest.NewAPI(t), between: "..."}
	accounts := make(map[string]*account)
	add := func(name string) *account {
		a := &account{"svc_" + rand.Text(), name, "key_" + rand.Text(), "sk-" + "svcacct-" + rand.Text()}
		accounts[a.key] = a
		return a
	}
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
	api.On("POST "+project1+"/service_accounts", guard(func(_ *http.Request, in map[string]any) minttest.Answer {
		a := add(in["name"].(string))
		return minttest.Answer{Status: 200, Body: map[string]any{"id": a.id, "name": a.name, "role": "member", "api_key": map[string]any{"id": a.keyID, "value": a.key}}}
	}))
	api.On("GET "+project1+"/service_accounts", guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, a := range accounts {
			all = append(all, map[string]any{"id": a.id, "name": a.name})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"data": all, "has_more": false}}
	}))
	api.On("GET "+project1+"/api_keys", guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, a := range accounts {
			all = append(all, map[string]any{"id": a.keyID, "redacted_value": a.key[:8] + api.between + a.key[len(a.key)-4:],
				"owner": map[string]any{"type": "service_account", "service_account": map[string]any{"id": a.id, "name": a.name}}})
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
		api.On("DELETE "+project1+"/"+what+"/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
			if what == "api_keys" && api.together {
				return minttest.Answer{Status: 400, Body: map[string]any{"error": map[string]any{"message": "the key belongs to a service account"}}}
			}
			return remove(r.PathValue("id"))
		}))
	}
	return api, add
}

func TestSuite(t *testing.T) {
	admin := rand.Text()
	api, add := fake(t, admin)
	settings := mint.Settings{Admin: []byte(admin), Endpoint: api.URL, Options: map[string]string{"project": "p1"}}
	suite := minttest.Case{Minter: Minter{}, Lose: api.Lose, Leak: func(*testing.T) mint.Request {
		key := []byte(add("shop").key)
		return mint.Request{Leaked: mint.Leaked{Value: key, Secret: key}, Settings: settings}
	}}
	minttest.Run(t, suite)
	api.between, api.together = "********", true
	minttest.Run(t, suite)
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

// TestLookalike: of two keys that show the same none is deleted, and none for
// one that is not of the project.
func TestLookalike(t *testing.T) {
	admin := rand.Text()
	api, add := fake(t, admin)
	a, b := add("a"), add("b")
	old := a.key
	b.key = old[:8] + "another" + old[len(old)-4:]
	r := mint.Request{Leaked: mint.Leaked{Value: []byte(old)}, Settings: mint.Settings{Admin: []byte(admin), Endpoint: api.URL, Options: map[string]string{"project": "p1"}}}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) || !strings.Contains(err.Error(), page) {
		t.Errorf("two alike: %v", err)
	}
	a.key, b.key = "sk-"+"proj-"+rand.Text(), old[:8]+"the new"+old[len(old)-4:]
	r.Minted = &mint.Minted{Value: []byte(b.key)}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("the new one alone looks like it: %v", err)
	}
	for redacted, want := range map[string]bool{
		"sk-" + "abc...def": true, "sk-" + "abc***def": true, "sk-" + "abc…def": true,
		"sk-" + "...def": false, "sk-" + "abc...": false, "": false, "...": false, "sk-" + "abc...xyz": false,
	} {
		if matches(redacted, "sk-"+"abc"+strings.Repeat("0", 20)+"def") != want {
			t.Errorf("%s: want %v", redacted, want)
		}
	}
}

// TestVerdicts: what OpenAI answers to a key that lives, and what says nothing.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		status      int
		body        string
		alive, dead bool
	}{
		{401, `{"error":{"code":"invalid_api_key"}}`, false, true},
		{401, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","code":null}}`, true, false},
		{403, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read."}}`, true, false},
		{403, `{"error":{"code":"unsupported_country_region_territory"}}`, false, false},
		{401, `{"message":"Unauthorized"}`, false, false},
		{429, `{"error":{"code":"insufficient_quota"}}`, true, false},
		{429, `{"error":{"code":"rate_limit_exceeded"}}`, false, false},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		err := Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: s.URL}}, []byte("x"))
		s.Close()
		if (err == nil) != c.alive || mint.Refused(err) != c.dead {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}
