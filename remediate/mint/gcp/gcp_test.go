package gcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

func quick(t *testing.T) {
	t.Helper()
	old := patience
	patience = 100 * time.Millisecond
	t.Cleanup(func() { patience = old })
}

var accounts atomic.Int32

func email() string { return fmt.Sprintf("app-%d@acme.iam.gserviceaccount.com", accounts.Add(1)) }

// found is a key as the rule for them finds it: its secret is the key's id.
func found(t *testing.T, file []byte) mint.Leaked {
	t.Helper()
	a, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return mint.Leaked{Rule: "gcp-service-account", Value: file, Secret: []byte(a.KeyID)}
}

func TestSuite(t *testing.T) {
	quick(t)
	g, token := start(t), minttest.Token(t)
	admin := g.account(t, "admin@acme.iam.gserviceaccount.com", true)
	lose := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.lose = true
	}
	request := func(t *testing.T, sealed bool) mint.Request {
		return mint.Request{HSM: token, Sealed: sealed, Settings: mint.Settings{Admin: admin, Endpoint: g.URL}, Leaked: found(t, g.account(t, email(), false))}
	}
	t.Run("held", func(t *testing.T) {
		minttest.Run(t, minttest.Case{
			Minter: Minter{}, Lose: lose,
			Leak: func(t *testing.T) mint.Request { return request(t, false) },
			Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
				a, err := parse(m.Value)
				if err != nil || m.Held != hsm.AssuranceSoftware || a.KeyID != m.ID || !strings.HasPrefix(a.Key, "software:object=remint-payments-") {
					t.Errorf("held %q, %v", m.Held, err)
				}
				same(t, r.Leaked.Value, m.Value)
			},
		})
	})
	t.Run("sealed", func(t *testing.T) {
		minttest.Run(t, minttest.Case{
			Minter: Minter{}, Lose: lose,
			Leak: func(t *testing.T) mint.Request { return request(t, true) },
			Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
				a, err := parse(m.Value)
				if err != nil || m.Held != "" || !strings.HasPrefix(a.Key, "-----BEGIN") {
					t.Errorf("held %q, %v", m.Held, err)
				}
				same(t, r.Leaked.Value, m.Value)
			},
		})
	})
	t.Run("by itself", func(t *testing.T) {
		minttest.Run(t, minttest.Case{Minter: Minter{}, Lose: lose, Leak: func(t *testing.T) mint.Request {
			r := request(t, false)
			r.Leaked, r.Settings.Admin, r.Lifetime = found(t, g.account(t, email(), true)), nil, time.Hour
			return r
		}})
	})
}

// same expects all but the key to be as it was, in the order that it was.
func same(t *testing.T, old, now []byte) {
	t.Helper()
	var a, b map[string]string
	if err := errors.Join(json.Unmarshal(old, &a), json.Unmarshal(now, &b)); err != nil {
		t.Fatal(err)
	}
	for name := range a {
		if changed := name == "private_key" || name == "private_key_id"; (a[name] != b[name]) != changed || len(a) != len(b) {
			t.Errorf("%s: changed is %v", name, !changed)
		}
	}
	if bytes.Count(old, []byte("\n")) != bytes.Count(now, []byte("\n")) || !bytes.HasPrefix(now, old[:bytes.Index(old, []byte("private_key"))]) {
		t.Error("the file is written in another form")
	}
}

func request(t *testing.T, g *google) *mint.Request {
	t.Helper()
	return &mint.Request{
		Name: "a/b", Token: "0badcafe", HSM: minttest.Token(t), Leaked: found(t, g.account(t, email(), false)),
		Settings: mint.Settings{Admin: g.account(t, email(), true), Endpoint: g.URL},
	}
}

func TestFull(t *testing.T) {
	g := start(t)
	r := request(t, g)
	a, err := parse(r.Leaked.Value)
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		g.account(t, a.Email, false)
	}
	_, err = Minter{}.Mint(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "has 10 keys") || !strings.Contains(err.Error(), a.KeyID) {
		t.Fatalf("want an error that names the keys, got %v", err)
	}
	// The token's key is what the upload left.
	ids, err := Minter{}.Orphans(t.Context(), r)
	if err != nil || len(ids) != 1 || ids[0] != r.Label(maxLabel) {
		t.Fatalf("%v, %v", ids, err)
	}
	for range 2 {
		if err := (Minter{}).Remove(t.Context(), r, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := r.HSM.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%d keys are left in the token, %v", len(keys), err)
	}
	if len(g.accounts[a.Email]) != 10 {
		t.Error("a key was deleted")
	}
}

func TestLeaves(t *testing.T) {
	g := start(t)
	r := request(t, g)
	a, err := parse(r.Leaked.Value)
	if err != nil {
		t.Fatal(err)
	}
	other := found(t, g.account(t, a.Email, false))
	for _, id := range []string{a.KeyID, string(other.Secret), "../x"} {
		if err := (Minter{}).Remove(t.Context(), r, id); err == nil {
			t.Errorf("removed %s", id)
		}
	}
	if len(g.accounts[a.Email]) != 2 {
		t.Error("a key was deleted")
	}
}

func TestNoAdmin(t *testing.T) {
	quick(t)
	g := start(t)
	r := request(t, g)
	admin := r.Settings.Admin
	r.Settings.Admin = nil
	if _, err := (Minter{}).Mint(t.Context(), r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("want that an admin is missing, got %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("want that an admin is missing, got %v", err)
	}
	r.Settings.Admin = admin
	a, err := parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.accounts[a.Email] = nil
	g.mu.Unlock()
	for name, err := range map[string]error{"revoke": Minter{}.Revoke(t.Context(), r), "remove": Minter{}.Remove(t.Context(), r, "abc")} {
		if err == nil || mint.Refused(err) {
			t.Errorf("%s: an admin who is refused says nothing of the leaked key: %v", name, err)
		}
	}
}

func TestTokenAnswers(t *testing.T) {
	a := account{Email: "a@b"}
	for text, want := range map[string]bool{
		`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`:                                                                         true,
		`{"error":"invalid_grant","error_description":"Invalid grant: account not found"}`:                                                               true,
		`{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ..."}`: false,
		`{"error":"invalid_scope"}`: false,
		`{}`:                        false,
		`<html>blocked</html>`:      false,
	} {
		_, err := readToken(a, http.StatusBadRequest, []byte(text))
		if err == nil || mint.Refused(err) != want {
			t.Errorf("%s: refused is %v: %v", text, !want, err)
		}
	}
	if _, err := readToken(a, http.StatusForbidden, []byte(`{"access_token":"x"}`)); err == nil {
		t.Error("a token with an error's status")
	}
}

func TestTokenURI(t *testing.T) {
	for _, c := range []struct {
		key, endpoint, option string
		ok                    bool
	}{
		{"", "", "", true},
		{"https://oauth2.googleapis.com/token", "", "", true},
		{"https://accounts.google.com/o/oauth2/token", "", "", true},
		{"http://oauth2.googleapis.com/token", "", "", false},
		{"https://oauth2.googleapis.com.example.org/token", "", "", false},
		{"https://example.org/token", "", "", false},
		{"https://example.org/token", "https://iam.example.org", "", false},
		{"https://example.org/token", "https://example.org", "", true},
		{"https://example.org/token", "", "https://oauth2.example.org/token", true},
	} {
		r := &mint.Request{Settings: mint.Settings{Endpoint: c.endpoint, Options: map[string]string{"token-uri": c.option}}}
		if _, err := tokenURI(r, account{TokenURI: c.key}); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestExtend(t *testing.T) {
	g := start(t)
	file := string(g.account(t, email(), false))
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(file)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ before, object, after string }{
		"file":    {"", file, "\n"},
		"env":     {"A={x}\nGOOGLE_CREDENTIALS='", line.String(), "'\nB=1\n"},
		"nested":  {`{"a": {"b": 1}, "c": `, file, `, "d": 2}`},
		"in code": {"func f() { var key = `", file, "` }"},
	} {
		text := []byte(c.before + c.object + c.after)
		a, err := parse([]byte(c.object))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{a.KeyID, "BEGIN PRIVATE"} {
			start := bytes.Index(text, []byte(secret))
			from, to, ok := Minter{}.Extend(text, start, start+len(secret))
			if !ok || string(text[from:to]) != c.object {
				t.Errorf("%s: from %d to %d, %v", name, from, to, ok)
			}
		}
	}
	for _, text := range []string{"", "{", `{"private_key_id": "0123"}`, `{"type": "authorized_user", "private_key_id": "0123"}`, strings.Repeat("{", 9000)} {
		if _, _, ok := (Minter{}).Extend([]byte(text), len(text), len(text)); ok {
			t.Errorf("extended %.40s", text)
		}
	}
}

func TestParseSaysNothing(t *testing.T) {
	g := start(t)
	good := g.account(t, email(), false)
	for name, set := range map[string]map[string]string{
		"type": {"type": "authorized_user"}, "email": {"client_email": "a/b"}, "id": {"private_key_id": "../x"}, "key": {"private_key": ""}, "project": {"project_id": "a/b"},
	} {
		bad, err := replace(good, set)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(bad); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	broken, err := replace(good, map[string]string{"private_key": "-----BEGIN " + "PRIVATE KEY-----\nhidden\n-----END " + "PRIVATE KEY-----\n"})
	if err != nil {
		t.Fatal(err)
	}
	r := &mint.Request{Leaked: mint.Leaked{Value: broken}, Settings: mint.Settings{Endpoint: g.URL}}
	if err := (Minter{}).Prove(t.Context(), r, broken); err == nil || mint.Refused(err) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("want an error without the key: %v", err != nil)
	}
}
