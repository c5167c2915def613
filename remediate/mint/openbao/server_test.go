//go:build vaultserver

package openbao

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openbao/openbao/api/v2"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// start runs the real server that REMINT_TEST_VAULT names (make test-vault), and
// a proxy that can lose the answer to a creation.
func start(t *testing.T) (c *api.Client, endpoint string, lose func()) {
	t.Helper()
	cmd := exec.Command(os.Getenv("REMINT_TEST_VAULT"))
	orders, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = orders.Close(); _ = cmd.Wait() })
	var s struct{ Address, Token string }
	if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || json.Unmarshal(line, &s) != nil {
		t.Fatal("the server says nothing", err)
	}
	conf := api.DefaultConfig()
	conf.Address = s.Address
	if c, err = api.NewClient(conf); err != nil {
		t.Fatal(err)
	}
	c.SetToken(s.Token)
	target, err := url.Parse(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	var armed atomic.Bool
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/create-orphan") && armed.CompareAndSwap(true, false) {
			forward.ServeHTTP(httptest.NewRecorder(), r)
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = conn.Close()
			}
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return c, proxy.URL, func() { armed.Store(true) }
}

func TestSuite(t *testing.T) {
	c, endpoint, lose := start(t)
	if err := c.Sys().PutPolicy("shop-read", `path "secret/data/shop/*" { capabilities = ["read"] }`); err != nil {
		t.Fatal(err)
	}
	if err := c.Sys().PutPolicy("shop-write", `path "secret/data/shop/*" { capabilities = ["update"] }`); err != nil {
		t.Fatal(err)
	}
	minttest.Run(t, minttest.Case{
		Minter: Minter{}, Lose: lose,
		Leak: func(t *testing.T) mint.Request {
			made, err := c.Auth().Token().CreateOrphan(&api.TokenCreateRequest{Policies: []string{"shop-read", "shop-write"}, DisplayName: rand.Text()})
			if err != nil {
				t.Fatal(err)
			}
			v := []byte(made.Auth.ClientToken)
			return mint.Request{
				Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Admin: []byte(c.Token()), Endpoint: endpoint},
				Scope: mint.Scope{{Actions: []string{"shop-read"}}}, Lifetime: 3600e9,
			}
		},
		Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
			got, err := Minter{}.Scope(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: m.Value}, Settings: r.Settings})
			if err != nil || got.String() != "shop-read" {
				t.Errorf("the new token has %s: %v", got, err)
			}
			if m.Expires.IsZero() {
				t.Error("the new token does not end")
			}
		},
	})
}

// TestNarrowOnServer: what a real server says of few rights and of no token.
func TestNarrowOnServer(t *testing.T) {
	c, endpoint, _ := start(t)
	made, err := c.Auth().Token().CreateOrphan(&api.TokenCreateRequest{Policies: []string{"nothing"}, NoDefaultPolicy: true})
	if err != nil {
		t.Fatal(err)
	}
	v := []byte(made.Auth.ClientToken)
	r := mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, Settings: mint.Settings{Admin: []byte(c.Token()), Endpoint: endpoint}}
	if err := (Minter{}).Prove(t.Context(), &r, v); err != nil {
		t.Errorf("one that may not look itself up: %v", err)
	}
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("one that may not revoke itself: %v", err)
	}
	for _, r.Settings.Admin = range [][]byte{nil, []byte(c.Token())} {
		if err := (Minter{}).Prove(t.Context(), &r, []byte("hvs."+rand.Text())); !mint.Refused(err) {
			t.Errorf("one that is none: %v", err)
		}
	}
}
