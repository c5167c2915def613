package openbao

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

type stored struct {
	value, accessor string
	policies        []any
	meta            any
}

// server follows https://openbao.org/api-docs/auth/token/: create-orphan, the
// lookups, the revocations, the list of accessors; and the form of errors. The
// suite runs against a real server too (server_test.go).
type server struct {
	*minttest.API
	all []*stored
	// broken makes lookup-accessor fail for a reason of its own.
	broken bool
	// vague makes it refuse what is dead as a policy does, which OpenBao does
	// and Vault does not.
	vague bool
}

func (s *server) add(policies ...any) *stored {
	one := &stored{value: "hvs." + rand.Text(), accessor: rand.Text(), policies: policies}
	s.all = append(s.all, one)
	return one
}

func (s *server) find(is func(*stored) bool) *stored {
	if i := slices.IndexFunc(s.all, is); i >= 0 {
		return s.all[i]
	}
	return nil
}

func failure(status int, text string) minttest.Answer {
	return minttest.Answer{Status: status, Body: map[string]any{"errors": []any{text}}}
}

var (
	denial  = failure(http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
	nobody  = failure(http.StatusForbidden, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
	unknown = failure(http.StatusBadRequest, "1 error occurred:\n\t* invalid accessor\n\n")
)

func (o *stored) shown() minttest.Answer {
	return minttest.Answer{Status: 200, Body: map[string]any{"data": map[string]any{"policies": o.policies, "accessor": o.accessor, "meta": o.meta}}}
}

// on handles a path for live tokens, or for root's alone.
func (s *server) on(pattern string, root bool, handle func(who *stored, in map[string]any) minttest.Answer) {
	s.On(pattern, func(r *http.Request, in map[string]any) minttest.Answer {
		who := s.find(func(o *stored) bool { return o.value == r.Header.Get("X-Vault-Token") })
		switch {
		case who == nil && !s.vague:
			return nobody
		case who == nil, root && !slices.Contains(who.policies, any("root")):
			return denial
		}
		return handle(who, in)
	})
}

func (s *server) remove(o *stored) minttest.Answer {
	s.all = slices.DeleteFunc(s.all, func(one *stored) bool { return one == o })
	return minttest.Answer{Status: 204}
}

func fake(t *testing.T) *server {
	s := &server{API: minttest.NewAPI(t)}
	s.on("GET /v1/auth/token/lookup-self", false, func(who *stored, _ map[string]any) minttest.Answer {
		if !slices.Contains(who.policies, any("default")) && !slices.Contains(who.policies, any("root")) {
			return denial
		}
		return who.shown()
	})
	s.on("POST /v1/auth/token/lookup", true, func(_ *stored, in map[string]any) minttest.Answer {
		if o := s.find(func(o *stored) bool { return o.value == in["token"] }); o != nil {
			return o.shown()
		}
		return failure(http.StatusForbidden, "bad token")
	})
	s.on("POST /v1/auth/token/create-orphan", true, func(_ *stored, in map[string]any) minttest.Answer {
		o := s.add(append(slices.Clone(in["policies"].([]any)), "default")...)
		o.meta = in["meta"]
		auth := map[string]any{"client_token": o.value, "accessor": o.accessor}
		if ttl, ok := in["ttl"].(string); ok {
			life, _ := time.ParseDuration(ttl)
			auth["lease_duration"] = life.Seconds()
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"auth": auth}}
	})
	s.on("POST /v1/auth/token/revoke-self", false, func(who *stored, _ map[string]any) minttest.Answer {
		if !slices.Contains(who.policies, any("default")) {
			return denial
		}
		return s.remove(who)
	})
	s.on("LIST /v1/auth/token/accessors", true, func(*stored, map[string]any) minttest.Answer {
		keys := []any{"one that ended meanwhile"}
		for _, o := range s.all {
			keys = append(keys, o.accessor)
		}
		return minttest.Answer{Status: 200, Body: map[string]any{"data": map[string]any{"keys": keys}}}
	})
	for what, act := range map[string]func(*stored) minttest.Answer{"lookup": (*stored).shown, "revoke": s.remove} {
		s.on("POST /v1/auth/token/"+what+"-accessor", true, func(_ *stored, in map[string]any) minttest.Answer {
			if s.broken {
				return failure(http.StatusInternalServerError, "internal error")
			}
			if o := s.find(func(o *stored) bool { return o.accessor == in["accessor"] }); o != nil {
				return act(o)
			}
			return unknown
		})
	}
	return s
}

func TestFake(t *testing.T) {
	for _, vague := range []bool{false, true} {
		s := fake(t)
		s.vague = vague
		suite(t, s)
	}
}

func suite(t *testing.T, s *server) {
	root := s.add("root")
	minttest.Run(t, minttest.Case{
		Minter: Minter{}, Lose: s.Lose,
		Leak: func(*testing.T) mint.Request {
			v := []byte(s.add("shop-read", "shop-write", "default").value)
			return mint.Request{
				Leaked: mint.Leaked{Value: v, Secret: v}, Scope: mint.Scope{{Actions: []string{"shop-read"}}}, Lifetime: time.Hour,
				Settings: mint.Settings{Admin: []byte(root.value), Endpoint: s.URL},
			}
		},
		Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
			got, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: m.Value}, Settings: r.Settings})
			if err != nil || got.String() != "shop-read" {
				t.Errorf("the new token has %s: %v", got, err)
			}
			if left := time.Until(m.Expires); left < 59*time.Minute || left > time.Hour {
				t.Errorf("it ends in %v", left)
			}
		},
	})
}

// TestNarrow: a token with few rights is told from one that is dead, and one
// that may make no orphan makes nothing.
func TestNarrow(t *testing.T) {
	s := fake(t)
	root, narrow := s.add("root"), s.add("shop-read")
	v := []byte(narrow.value)
	r := mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Scope: mint.Scope{{Actions: []string{"shop-read"}}}, Name: "shop/vault", Token: "0a0b0c0d", Settings: mint.Settings{Endpoint: s.URL}}
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) || len(s.all) != 2 {
		t.Errorf("without an admin: %v", err)
	}
	r.Settings.Admin = []byte(root.value)
	if err := (Minter{}).Prove(t.Context(), &r, v); err != nil {
		t.Errorf("one that may not look itself up: %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("one that may not revoke itself: %v", err)
	}
	for _, s.vague = range []bool{false, true} {
		if err := (Minter{}).Prove(t.Context(), &r, []byte("hvs."+rand.Text())); !mint.Refused(err) {
			t.Errorf("one that is dead: %v", err)
		}
	}
	// Admins that may not look others up, and that are dead themselves.
	for _, admin := range []string{s.add("default").value, "hvs." + rand.Text()} {
		r.Settings.Admin = []byte(admin)
		if err := (Minter{}).Prove(t.Context(), &r, v); err == nil || mint.Refused(err) {
			t.Errorf("a verdict of an admin who knows nothing: %v", err)
		}
	}
	if _, err := (Minter{}).Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: []byte(root.value)}, Settings: r.Settings}); err == nil {
		t.Error("root's policies were taken for a scope")
	}
}

// TestHidden: an accessor that cannot be looked up may be the orphan's.
func TestHidden(t *testing.T) {
	s := fake(t)
	s.broken = true
	r := mint.Request{Token: "0a0b0c0d", Settings: mint.Settings{Admin: []byte(s.add("root").value), Endpoint: s.URL}}
	if ids, err := (Minter{}).Orphans(t.Context(), &r); err == nil {
		t.Errorf("%d orphans, though none could be looked at", len(ids))
	}
}

func TestWithoutVerdict(t *testing.T) {
	r := mint.Request{Leaked: mint.Leaked{Value: []byte("x")}}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Error("minted a token with its maker's own policies")
	}
	prove := func(endpoint string) error {
		r.Settings.Endpoint = endpoint
		return Minter{}.Prove(t.Context(), &r, []byte("x"))
	}
	minttest.NoVerdict(t, prove, mint.Refused)
	for _, body := range []string{`{"message":"Forbidden"}`, `{"errors":["sealed"]}`, `[]`} {
		gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(body))
		}))
		if err := prove(gateway.URL); err == nil || mint.Refused(err) {
			t.Errorf("%s is no verdict: %v", strings.TrimSpace(body), err)
		}
		gateway.Close()
	}
}
