package npm

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

const user, password, code = "shop", "the account's own", "123456"

type stored struct {
	name, value, key string
	permission       any
	packages, scopes any
}

// registry follows the pages that the package names, and the client's source
// (https://github.com/npm/cli/blob/latest/lib/commands/token.js): list in pages,
// create, revoke, whoami, and the answer that asks for a one-time code.
type registry struct {
	*minttest.API
	all []*stored
	// codes is whether the account wants one-time codes.
	codes bool
	// shown is how many characters the list shows.
	shown int
}

func (s *registry) add(name string) *stored {
	one := &stored{name: name, value: "npm" + "_" + rand.Text() + rand.Text()[:10], key: rand.Text()}
	s.all = append(s.all, one)
	return one
}

func (s *registry) remove(key string) bool {
	before := len(s.all)
	s.all = slices.DeleteFunc(s.all, func(o *stored) bool { return o.key == key })
	return len(s.all) < before
}

func fake(t *testing.T) *registry {
	s := &registry{API: minttest.NewAPI(t), shown: 8}
	type handler = func(*http.Request, map[string]any) minttest.Answer
	guard := func(handle handler) handler {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			name, secret, _ := r.BasicAuth()
			token := minttest.Bearer(r)
			if (name != user || secret != password) && !slices.ContainsFunc(s.all, func(o *stored) bool { return o.value == token }) {
				return minttest.Answer{Status: 401, Body: map[string]any{"message": "Unauthorized"}}
			}
			return handle(r, in)
		}
	}
	second := func(handle handler) handler {
		return guard(func(r *http.Request, in map[string]any) minttest.Answer {
			if s.codes && r.Header.Get("npm-otp") != code {
				return minttest.Answer{Status: 401, Body: map[string]any{"error": "You must provide a one-time pass. Upgrade your client to npm@latest in order to use 2FA."}}
			}
			return handle(r, in)
		})
	}
	s.On("GET /-/whoami", guard(func(*http.Request, map[string]any) minttest.Answer {
		return minttest.Answer{Status: 200, Body: map[string]any{"username": user}}
	}))
	s.On("GET "+tokens, guard(func(r *http.Request, _ map[string]any) minttest.Answer {
		half, urls := s.all[:len(s.all)/2], map[string]any{"next": "https://registry.example" + tokens + "?page=1"}
		if r.FormValue("page") == "1" {
			half, urls = s.all[len(s.all)/2:], map[string]any{}
		}
		objects := []any{}
		for _, o := range half {
			objects = append(objects, map[string]any{"name": o.name, "token": o.value[:s.shown], "key": o.key})
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"objects": objects, "urls": urls}}
	}))
	s.On("POST "+tokens, second(func(_ *http.Request, in map[string]any) minttest.Answer {
		if in["password"] != password {
			return minttest.Answer{Status: 403, Body: map[string]any{"message": "password is wrong"}}
		}
		if in["name"] == nil || in["packages_and_scopes_permission"] == nil {
			return minttest.Answer{Status: 400, Body: map[string]any{"message": "only granular tokens are made"}}
		}
		o := s.add(in["name"].(string))
		o.permission, o.packages, o.scopes = in["packages_and_scopes_permission"], in["packages"], in["scopes"]
		answer := map[string]any{"token": o.value, "key": o.key, "name": o.name}
		if days, ok := in["expires"].(float64); ok {
			answer["expires"] = time.Now().Add(time.Duration(days) * 24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		return minttest.Answer{Status: 200, Body: answer}
	}))
	s.On("DELETE "+tokens+"/token/{key}", second(func(r *http.Request, _ map[string]any) minttest.Answer {
		if !s.remove(r.PathValue("key")) {
			return minttest.Answer{Status: 404, Body: map[string]any{"message": "not found"}}
		}
		return minttest.Answer{Status: 204}
	}))
	return s
}

func answer(_ context.Context, prompt string) ([]byte, error) {
	if strings.Contains(prompt, "one-time") {
		return []byte(code + "\n"), nil
	}
	return []byte(password + "\n"), nil
}

var scope = mint.Scope{{Actions: []string{"read-only"}, Locations: []string{"@acme", "left-pad"}}}

func TestSuite(t *testing.T) {
	for name, admin := range map[string]func(*registry) []byte{
		"asked":           func(*registry) []byte { return nil },
		"password":        func(*registry) []byte { return []byte(password) },
		"user:password":   func(*registry) []byte { return []byte(user + ":" + password) },
		"a token":         func(s *registry) []byte { return []byte(s.add("login").value) },
		"with codes":      func(s *registry) []byte { s.codes = true; return nil },
		"user with codes": func(s *registry) []byte { s.codes = true; return []byte(user + ":" + password) },
	} {
		t.Run(name, func(t *testing.T) {
			s := fake(t)
			settings := mint.Settings{Admin: admin(s), Endpoint: s.URL}
			suite := minttest.Case{Minter: Minter{}, Leak: func(*testing.T) mint.Request {
				v := []byte(s.add("ci").value)
				return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: settings, Ask: answer, Scope: scope, Lifetime: 36 * time.Hour}
			}, Check: func(t *testing.T, _ *mint.Request, m mint.Minted) {
				made := s.all[len(s.all)-1]
				if made.permission != "read-only" || made.packages.([]any)[0] != "left-pad" || made.scopes.([]any)[0] != "@acme" {
					t.Errorf("the new token may %v on %v, %v", made.permission, made.packages, made.scopes)
				}
				if left := time.Until(m.Expires); left < 47*time.Hour || left > 48*time.Hour {
					t.Errorf("it ends in %v, want two days", left)
				}
			}}
			if !s.codes { // what is lost there is the wish for a code
				suite.Lose = s.Lose
			}
			minttest.Run(t, suite)
		})
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		return Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: endpoint}}, []byte("x"))
	}, mint.Refused)
}

func TestWithoutAPerson(t *testing.T) {
	s := fake(t)
	r := mint.Request{Leaked: mint.Leaked{Value: []byte(s.add("ci").value)}, Settings: mint.Settings{Endpoint: s.URL}, Scope: scope}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("without a password: %v", err)
	}
	s.codes, r.Settings.Admin = true, []byte(password)
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("mint without a code: %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("revoke without a code: %v", err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); err != nil {
		t.Errorf("a wish for a code was taken for a revocation: %v", err)
	}
	r.Settings.Admin, s.codes = []byte("wrong"), false
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("with a wrong password: %v", err)
	}
}

// TestRevokeExactly: of tokens that look alike none is revoked, but for the hash.
func TestRevokeExactly(t *testing.T) {
	s := fake(t)
	s.shown = 4
	old := s.add("ci")
	s.add("another")
	r := mint.Request{Leaked: mint.Leaked{Value: []byte(old.value)}, Settings: mint.Settings{Endpoint: s.URL}}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) || len(s.all) != 2 {
		t.Errorf("two alike, %d left: %v", len(s.all), err)
	}
	sum := sha512.Sum512([]byte(old.value))
	old.key = hex.EncodeToString(sum[:])
	if err := (Minter{}).Revoke(t.Context(), &r); err != nil || len(s.all) != 1 {
		t.Errorf("by its hash, %d left: %v", len(s.all), err)
	}
	// Another account's admin lists other tokens.
	theirs := minttest.NewAPI(t)
	theirs.On("GET /-/whoami", func(r *http.Request, _ map[string]any) minttest.Answer {
		name := "alice"
		if strings.HasSuffix(minttest.Bearer(r), "admin") {
			name = "bob"
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"username": name}}
	})
	r = mint.Request{Leaked: mint.Leaked{Value: []byte("npm" + "_leaked")}, Settings: mint.Settings{Admin: []byte("npm" + "_admin"), Endpoint: theirs.URL}}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) || !strings.Contains(err.Error(), "alice") {
		t.Errorf("of another account: %v", err)
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string]string{
		"read-only":                      "needs a scope",
		"read-only on 203.0.113.0/24":    "needs a scope",
		"write on left-pad":              "want read-only",
		"read-only on a; publish on b":   "one permission",
		"read-only on a,2001:db8::/32":   "IPv4",
		"publish on *":                   "",
		"read-write on @acme/tool,@acme": "",
		"read-only on *,203.0.113.0/24":  "",
	} {
		s, err := mint.ParseScope("npm", text)
		if err != nil {
			t.Fatal(err)
		}
		in, err := permissions(s)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", text, in, err)
		}
	}
	in, _ := permissions(mint.Scope{{Actions: []string{"publish"}, Locations: []string{"@acme/tool", "@acme", "203.0.113.0/24"}}})
	if in["packages_and_scopes_permission"] != "read-write" || in["packages"].([]string)[0] != "@acme/tool" || in["scopes"].([]string)[0] != "@acme" || in["cidr_whitelist"].([]string)[0] != "203.0.113.0/24" || in["packages_all"] != nil {
		t.Errorf("%v", in)
	}
}
