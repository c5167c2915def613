package gitlab

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

type fakeToken struct {
	id      int
	name    string
	value   string
	scopes  any
	revoked bool
}

// server follows https://docs.gitlab.com/api/project_access_tokens/ and
// https://docs.gitlab.com/api/personal_access_tokens/ (self, rotate, revoke).
// Rotating a token that was rotated before revokes its family.
type server struct {
	*minttest.API
	all []*fakeToken
}

func (s *server) add(name string, scopes ...any) *fakeToken {
	t := &fakeToken{len(s.all) + 1, name, "glpat" + "-" + rand.Text()[:20], scopes, false}
	s.all = append(s.all, t)
	return t
}

func (s *server) who(r *http.Request) *fakeToken {
	for _, t := range s.all {
		if t.value == r.Header.Get("PRIVATE-TOKEN") && !t.revoked {
			return t
		}
	}
	return nil
}

func (t *fakeToken) shown() map[string]any {
	return map[string]any{"id": t.id, "name": t.name, "scopes": t.scopes, "active": !t.revoked, "revoked": t.revoked}
}

func fake(t *testing.T) *server {
	s := &server{API: minttest.NewAPI(t)}
	guard := func(handle func(*http.Request, map[string]any, *fakeToken) minttest.Answer) func(*http.Request, map[string]any) minttest.Answer {
		return func(r *http.Request, in map[string]any) minttest.Answer {
			who := s.who(r)
			if who == nil {
				return minttest.Answer{Status: 401, Body: map[string]any{"message": "401 Unauthorized"}}
			}
			return handle(r, in, who)
		}
	}
	const own, project = "/api/v4/personal_access_tokens/self", "/api/v4/projects/{p}/access_tokens"
	s.On("GET "+own, guard(func(_ *http.Request, _ map[string]any, who *fakeToken) minttest.Answer {
		return minttest.Answer{Status: 200, Body: who.shown()}
	}))
	s.On("DELETE "+own, guard(func(_ *http.Request, _ map[string]any, who *fakeToken) minttest.Answer {
		who.revoked = true
		return minttest.Answer{Status: 204}
	}))
	s.On("POST "+own+"/rotate", guard(func(_ *http.Request, _ map[string]any, who *fakeToken) minttest.Answer {
		who.revoked = true
		made := s.add(who.name, who.scopes)
		made.scopes = who.scopes
		body := made.shown()
		body["token"] = made.value
		return minttest.Answer{Status: 200, Body: body}
	}))
	s.On("POST "+project, guard(func(_ *http.Request, in map[string]any, _ *fakeToken) minttest.Answer {
		if in["expires_at"] == nil {
			return minttest.Answer{Status: 400, Body: map[string]any{"message": "expires_at is missing"}}
		}
		made := s.add(in["name"].(string), in["scopes"].([]any)...)
		body := made.shown()
		body["token"] = made.value
		return minttest.Answer{Status: 201, Body: body}
	}))
	s.On("GET "+project, guard(func(*http.Request, map[string]any, *fakeToken) minttest.Answer {
		all := []any{}
		for _, t := range s.all {
			all = append(all, t.shown())
		}
		return minttest.Answer{Status: 200, Body: all}
	}))
	s.On("DELETE "+project+"/{id}", guard(func(r *http.Request, _ map[string]any, _ *fakeToken) minttest.Answer {
		id, _ := strconv.Atoi(r.PathValue("id"))
		for _, t := range s.all {
			if t.id == id && !t.revoked {
				t.revoked = true
				return minttest.Answer{Status: 204}
			}
		}
		return minttest.Answer{Status: 404, Body: map[string]any{"message": "404 Token Not Found"}}
	}))
	return s
}

func TestProjectTokens(t *testing.T) {
	s := fake(t)
	admin := s.add("admin", "api")
	minttest.Run(t, minttest.Case{Minter: Minter{}, Lose: s.Lose, Leak: func(*testing.T) mint.Request {
		v := []byte(s.add("shop", "read_repository").value)
		return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Admin: []byte(admin.value), Endpoint: s.URL, Options: map[string]string{"project": "acme/shop"}}}
	}})
	minttest.NoVerdict(t, func(endpoint string) error {
		return Minter{}.Prove(t.Context(), &mint.Request{Settings: mint.Settings{Endpoint: endpoint}}, []byte("x"))
	}, mint.Refused)
}

func TestRotation(t *testing.T) {
	s := fake(t)
	v := []byte(s.add("shop", "read_repository").value)
	r := mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Endpoint: s.URL}, Name: "shop/gitlab", Token: "0a0b0c0d"}
	if !(Minter{}).EndsOld(&r) {
		t.Fatal("a rotation ends the old token, and the minter does not say so")
	}
	m, err := Minter{}.Mint(t.Context(), &r)
	if err != nil || !m.EndedOld {
		t.Fatal(err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, m.Value); err != nil {
		t.Error(err)
	}
	if err := (Minter{}).Prove(t.Context(), &r, v); !mint.Refused(err) {
		t.Errorf("the old token: %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
		t.Errorf("revoking what has ended: %v", err)
	}
	if _, err := (Minter{}).Orphans(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("a lost rotation needs a person: %v", err)
	}
}
