package gitlab

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

type fakeToken struct {
	id      int
	name    string
	value   string
	scopes  any
	revoked bool
	// family are those that came of one by rotation.
	family *[]*fakeToken
}

// server follows https://docs.gitlab.com/api/project_access_tokens/ and
// https://docs.gitlab.com/api/personal_access_tokens/ (self, rotate, revoke).
// Rotating a token that was rotated before revokes its family.
type server struct {
	*minttest.API
	all       []*fakeToken
	rotations int
	latest    string
}

func (s *server) add(name string, scopes ...any) *fakeToken {
	t := &fakeToken{len(s.all) + 1, name, "glpat" + "-" + rand.Text()[:20], scopes, false, new([]*fakeToken)}
	*t.family = append(*t.family, t)
	s.all = append(s.all, t)
	return t
}

// day is when a token ends: an instance may allow less than was asked for.
func (s *server) day(asked string) string {
	if s.latest != "" {
		return min(s.latest, asked)
	}
	return asked
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

func (s *server) rotate(r *http.Request, in map[string]any) minttest.Answer {
	who := s.who(r)
	if who == nil {
		for _, t := range s.all { // one that was rotated: its family ends
			if t.value == r.Header.Get("PRIVATE-TOKEN") {
				for _, f := range *t.family {
					f.revoked = true
				}
			}
		}
		return minttest.Answer{Status: 401, Body: map[string]any{"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize from the user."}}
	}
	s.rotations++
	who.revoked = true
	made := s.add(who.name)
	made.scopes, made.family = who.scopes, who.family
	*made.family = append(*made.family, made)
	body := made.shown()
	body["token"], body["expires_at"] = made.value, in["expires_at"]
	return minttest.Answer{Status: 200, Body: body}
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
	s.On("POST "+own+"/rotate", s.rotate)
	s.On("POST "+project, guard(func(_ *http.Request, in map[string]any, _ *fakeToken) minttest.Answer {
		if in["expires_at"] == nil {
			return minttest.Answer{Status: 400, Body: map[string]any{"message": "expires_at is missing"}}
		}
		made := s.add(in["name"].(string), in["scopes"].([]any)...)
		body := made.shown()
		body["token"], body["expires_at"] = made.value, s.day(in["expires_at"].(string))
		return minttest.Answer{Status: 201, Body: body}
	}))
	s.On("GET "+project, guard(func(r *http.Request, _ map[string]any, _ *fakeToken) minttest.Answer {
		size, _ := strconv.Atoi(r.FormValue("per_page"))
		page, _ := strconv.Atoi(cmp.Or(r.FormValue("page"), "1"))
		all := []any{}
		for _, t := range s.all[min((page-1)*size, len(s.all)):min(page*size, len(s.all))] {
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
	for i := range perPage {
		s.add("other-"+strconv.Itoa(i), "read_api") // the list has two pages
	}
	minttest.Run(t, minttest.Case{Minter: Minter{}, Lose: s.Lose, Leak: func(*testing.T) mint.Request {
		v := []byte(s.add("shop", "read_repository").value)
		return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Admin: []byte(admin.value), Endpoint: s.URL, Options: map[string]string{"project": "acme/shop"}}}
	}, Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
		got, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: m.Value}, Settings: r.Settings})
		if err != nil || got.String() != "read_repository" {
			t.Errorf("the new token may %s: %v", got, err)
		}
		if left := time.Until(m.Expires); left < 363*24*time.Hour || left > 365*24*time.Hour {
			t.Errorf("it ends in %v", left)
		}
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

// TestLostRotation: one rotation is sent, and its loss is a person's.
func TestLostRotation(t *testing.T) {
	s := fake(t)
	v := []byte(s.add("shop", "read_repository").value)
	r := mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Endpoint: s.URL}, Name: "shop/gitlab", Token: "0a0b0c0d"}
	s.Lose()
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Fatal("the answer was not lost")
	}
	if err := (Minter{}).Prove(t.Context(), &r, v); !mint.Refused(err) || s.rotations != 1 {
		t.Fatalf("%d rotations: %v", s.rotations, err)
	}
	if _, err := (Minter{}).Orphans(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) || !strings.Contains(err.Error(), "whole family") {
		t.Errorf("a lost rotation: %v", err)
	}
	if s.rotations != 1 || s.all[len(s.all)-1].revoked {
		t.Error("looking for orphans rotated again")
	}
}

// TestNoRotationByMistake: where a project is named and the admin is missing, the
// leaked token is not ended in passing.
func TestNoRotationByMistake(t *testing.T) {
	s := fake(t)
	v := []byte(s.add("shop", "read_repository").value)
	r := mint.Request{
		Leaked: mint.Leaked{Value: v, Secret: v}, Scope: mint.Scope{{Actions: []string{"read_repository"}}}, Name: "shop/gitlab", Token: "0a0b0c0d",
		Settings: mint.Settings{Endpoint: s.URL, Options: map[string]string{"project": "acme/shop"}},
	}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) || s.rotations != 0 {
		t.Errorf("%d rotations: %v", s.rotations, err)
	}
}

// TestDays: an instance's own limit is what is told, and a day the least.
func TestDays(t *testing.T) {
	s := fake(t)
	admin := []byte(s.add("admin", "api").value)
	s.latest = time.Now().UTC().Add(10 * 24 * time.Hour).Format(time.DateOnly)
	r := mint.Request{Scope: mint.Scope{{Actions: []string{"read_repository"}}}, Settings: mint.Settings{Admin: admin, Endpoint: s.URL, Options: map[string]string{"project": "acme/shop"}}}
	if m, err := (Minter{}).Mint(t.Context(), &r); err != nil || m.Expires.Format(time.DateOnly) != s.latest {
		t.Errorf("ends at %v: %v", m.Expires, err)
	}
	if got := expiry(time.Minute); time.Until(got) <= 0 || time.Until(got) > 24*time.Hour {
		t.Errorf("a minute is %v", got)
	}
}

// TestVerdicts: GitLab's own words are a verdict, a gateway's are not.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		status      int
		body        string
		alive, dead bool
	}{
		{401, `{"message":"401 Unauthorized"}`, false, true},
		{401, `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`, false, true},
		{401, `{"detail":"sign in"}`, false, false},
		{403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token."}`, true, false},
		{403, `{"message":"403 Forbidden"}`, false, false},
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
