package cloudflare

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

const zone = "com.cloudflare.api.account.zone.z1"

func failure(status, code int, message string) minttest.Answer {
	return minttest.Answer{Status: status, Body: map[string]any{"success": false, "errors": []any{map[string]any{"code": code, "message": message}}, "result": nil}}
}

func success(result any) minttest.Answer {
	return minttest.Answer{Status: 200, Body: map[string]any{"success": true, "errors": []any{}, "result": result}}
}

// fake follows https://developers.cloudflare.com/api/resources/user/subresources/tokens/:
// verify, list, create, get, delete, permission_groups; and the envelope of
// https://developers.cloudflare.com/fundamentals/api/troubleshooting/.
func fake(t *testing.T, under string) (*minttest.API, func(name string) string) {
	api := minttest.NewAPI(t)
	byValue := make(map[string]map[string]any)
	add := func(name string, policies any) map[string]any {
		tok := map[string]any{"id": rand.Text(), "name": name, "value": rand.Text(), "status": "active", "policies": policies}
		byValue[tok["value"].(string)] = tok
		return tok
	}
	guard := func(handle func(*http.Request, map[string]any) minttest.Answer) func(*http.Request, map[string]any) minttest.Answer {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			if byValue[minttest.Bearer(r)] == nil {
				return failure(http.StatusUnauthorized, 1000, "Invalid API Token")
			}
			return handle(r, in)
		}
	}
	shown := func(tok map[string]any) map[string]any {
		return map[string]any{"id": tok["id"], "name": tok["name"], "status": tok["status"], "policies": tok["policies"]}
	}
	api.On("GET "+under+"/verify", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		tok := byValue[minttest.Bearer(r)]
		return success(map[string]any{"id": tok["id"], "status": tok["status"]})
	}))
	api.On("GET "+under+"/permission_groups", guard(func(*http.Request, map[string]any) minttest.Answer {
		return success([]any{map[string]any{"id": "g1", "name": "DNS Read"}, map[string]any{"id": "g2", "name": "DNS Write"}})
	}))
	api.On("GET "+under, guard(func(*http.Request, map[string]any) minttest.Answer {
		all := []any{}
		for _, tok := range byValue {
			all = append(all, shown(tok))
		}
		return success(all)
	}))
	api.On("POST "+under, guard(func(_ *http.Request, in map[string]any) minttest.Answer {
		return success(add(in["name"].(string), in["policies"]))
	}))
	api.On("GET "+under+"/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		for _, tok := range byValue {
			if tok["id"] == r.PathValue("id") {
				return success(shown(tok))
			}
		}
		return failure(404, 1001, "not found")
	}))
	api.On("DELETE "+under+"/{id}", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		for value, tok := range byValue {
			if tok["id"] == r.PathValue("id") {
				delete(byValue, value)
				return success(map[string]any{"id": tok["id"]})
			}
		}
		return failure(404, 1001, "not found")
	}))
	return api, func(name string) string {
		return add(name, []any{map[string]any{"effect": "allow", "resources": map[string]any{zone: "*"}, "permission_groups": []any{map[string]any{"id": "g1", "name": "DNS Read"}}}})["value"].(string)
	}
}

func TestSuite(t *testing.T) {
	for under, options := range map[string]map[string]string{"/user/tokens": nil, "/accounts/a1/tokens": {"account": "a1"}} {
		t.Run(under, func(t *testing.T) {
			api, add := fake(t, under)
			admin := add("admin")
			minttest.Run(t, minttest.Case{
				Minter: Minter{}, Lose: api.Lose,
				Leak: func(*testing.T) mint.Request {
					value := []byte(add("shop"))
					scope, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: value}, Settings: mint.Settings{Admin: []byte(admin), Endpoint: api.URL, Options: options}})
					if err != nil || scope.String() != "DNS Read on "+zone {
						t.Fatalf("scope %s: %v", scope, err)
					}
					return mint.Request{Leaked: mint.Leaked{Value: value, Secret: value}, Settings: mint.Settings{Admin: []byte(admin), Endpoint: api.URL, Options: options}, Scope: scope}
				},
			})
		})
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		return Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: endpoint}}, []byte("x"))
	}, mint.Refused)
}
