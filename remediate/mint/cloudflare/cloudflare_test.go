package cloudflare

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// groups are permission groups: a name, and what they are of.
var groups = map[string][2]string{
	"g1": {"DNS Read", "com.cloudflare.api.account.zone"}, "g2": {"DNS Write", "com.cloudflare.api.account.zone"},
	"g3": {"Logs Read", "com.cloudflare.api.account"}, "g4": {"Logs Read", "com.cloudflare.api.account.zone"},
}

// allow is a policy that reads DNS.
func allow(resources map[string]any) []any {
	return []any{map[string]any{"effect": "allow", "resources": resources, "permission_groups": []any{map[string]any{"id": "g1", "name": groups["g1"][0]}}}}
}

// permissionGroups is their list.
func permissionGroups(*http.Request, map[string]any) minttest.Answer {
	all := []any{}
	for id, g := range groups {
		all = append(all, map[string]any{"id": id, "name": g[0], "scopes": []any{g[1]}})
	}
	return success(all)
}

func shown(tok map[string]any) map[string]any {
	return map[string]any{"id": tok["id"], "name": tok["name"], "status": tok["status"], "policies": tok["policies"]}
}

// listed is one page.
func listed(r *http.Request, tokens map[string]map[string]any) minttest.Answer {
	size, _ := strconv.Atoi(r.FormValue("per_page"))
	page, _ := strconv.Atoi(cmp.Or(r.FormValue("page"), "1"))
	sorted := slices.SortedFunc(maps.Values(tokens), func(a, b map[string]any) int { return cmp.Compare(a["name"].(string), b["name"].(string)) })
	all := []any{}
	for _, tok := range sorted[min((page-1)*size, len(sorted)):min(page*size, len(sorted))] {
		all = append(all, shown(tok))
	}
	return success(all)
}

// other answers for what belongs elsewhere, as the documentation's pages on
// account-owned tokens and users' reports say: the verification of one kind
// calls the other kind "Invalid API Token", and /accounts tells them apart.
func other(api *minttest.API, under, elsewhere string, alive func(*http.Request) bool) {
	api.On("GET "+elsewhere+"/verify", func(*http.Request, map[string]any) minttest.Answer {
		return failure(http.StatusUnauthorized, 1000, "Invalid API Token")
	})
	api.On("GET /accounts", func(r *http.Request, _ map[string]any) minttest.Answer {
		switch {
		case !alive(r):
			return failure(http.StatusForbidden, 9109, "Invalid access token")
		case under != users:
			return failure(http.StatusBadRequest, 1001, "List accounts endpoint does not support account owned tokens.")
		}
		return success([]any{})
	})
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
	api.On("GET "+under+"/verify", guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		tok := byValue[minttest.Bearer(r)]
		return success(map[string]any{"id": tok["id"], "status": tok["status"]})
	}))
	api.On("GET "+under+"/permission_groups", guard(permissionGroups))
	api.On("GET "+under, guard(func(r *http.Request, _ map[string]any) minttest.Answer { return listed(r, byValue) }))
	api.On("POST "+under, guard(func(_ *http.Request, in map[string]any) minttest.Answer {
		for _, p := range in["policies"].([]any) {
			for _, g := range p.(map[string]any)["permission_groups"].([]any) {
				g.(map[string]any)["name"] = groups[g.(map[string]any)["id"].(string)][0]
			}
		}
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
	elsewhere := users
	if under == users {
		elsewhere = "/accounts/a1/tokens"
	}
	other(api, under, elsewhere, func(r *http.Request) bool { return byValue[minttest.Bearer(r)] != nil })
	for i := range 2 * perPage { // more than a page, some of the nested kind
		add("a-"+strconv.Itoa(i), allow(map[string]any{"com.cloudflare.api.account.a1": map[string]any{"com.cloudflare.api.account.zone.*": "*"}}))
	}
	return api, func(name string) string {
		return add(name, allow(map[string]any{zone: "*"}))["value"].(string)
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
				Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
					got, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: m.Value}, Settings: r.Settings})
					if err != nil || got.String() != r.Scope.String() {
						t.Errorf("the new token may %s: %v", got, err)
					}
				},
			})
		})
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		return Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: endpoint}}, []byte("x"))
	}, mint.Refused)
}

// TestOtherKind: a token of an account is not taken for dead where no account
// is named, and is found where another kind is minted.
func TestOtherKind(t *testing.T) {
	api, add := fake(t, "/accounts/a1/tokens")
	value := []byte(add("shop"))
	r := mint.Request{Leaked: mint.Leaked{Value: value, Secret: value}, Settings: mint.Settings{Endpoint: api.URL}}
	for what, err := range map[string]error{"prove": Minter{}.Prove(t.Context(), &r, value), "revoke": Minter{}.Revoke(t.Context(), &r)} {
		if err == nil || mint.Refused(err) || !strings.Contains(err.Error(), "providers.cloudflare.account") {
			t.Errorf("%s of an account's token without the account: %v", what, err)
		}
	}
	api, add = fake(t, users)
	value = []byte(add("shop"))
	r = mint.Request{Leaked: mint.Leaked{Value: value, Secret: value}, Settings: mint.Settings{Endpoint: api.URL, Options: map[string]string{"account": "a1"}}}
	if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
		t.Errorf("revoke a user's token where an account is named: %v", err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, value); !mint.Refused(err) {
		t.Errorf("it was not deleted: %v", err)
	}
}

// TestScopes: what a scope cannot say is refused, and names that two groups have
// are told apart by what they are on.
func TestScopes(t *testing.T) {
	known := []group{{ID: "g3", Name: "Logs Read", Scopes: []string{"com.cloudflare.api.account"}}, {ID: "g4", Name: "Logs Read", Scopes: []string{"com.cloudflare.api.account.zone"}}}
	for location, want := range map[string]string{zone: "g4", "com.cloudflare.api.account.a1": "g3", "com.cloudflare.api.account.a1/com.cloudflare.api.account.zone.*": "g4", "elsewhere": ""} {
		if id, err := groupID(known, "logs read", []string{location}); id != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", location, id, err)
		}
	}
	nested := []string{"com.cloudflare.api.account.a1/com.cloudflare.api.account.zone.*", zone}
	if got := locations(resources(nested)); !slices.Equal(got, nested) {
		t.Errorf("locations: %v", got)
	}
	api := minttest.NewAPI(t)
	api.On("GET /user/tokens/verify", func(*http.Request, map[string]any) minttest.Answer {
		return success(map[string]any{"id": "t1", "status": "active"})
	})
	api.On("GET /user/tokens/t1", func(*http.Request, map[string]any) minttest.Answer {
		return success(map[string]any{"id": "t1", "policies": []any{map[string]any{"effect": "deny", "resources": map[string]any{zone: "*"}}}})
	})
	if _, err := (Minter{}).Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: []byte("x")}, Settings: mint.Settings{Endpoint: api.URL}}); err == nil {
		t.Error("a policy that denies was left out")
	}
}
