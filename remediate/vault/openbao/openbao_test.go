package openbao_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openbao/openbao/api/v2"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/remediate/vault/openbao"
	"github.com/remint/remint/remediate/vault/vaulttest"
)

// server is a real Vault server in a process of its own: what
// `make vaultserver` builds.
type server struct {
	Address, Token string
	orders         io.WriteCloser
	answers        *bufio.Scanner
}

func start(t *testing.T) *server {
	t.Helper()
	binary := os.Getenv("REMINT_TEST_VAULT")
	if binary == "" {
		t.Skip("no Vault server: `make test-vault` builds one and runs this test")
	}
	cmd := exec.Command(binary)
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
	t.Cleanup(func() {
		_ = orders.Close()
		_ = cmd.Wait()
	})
	s := &server{orders: orders, answers: bufio.NewScanner(out)}
	if !s.answers.Scan() {
		t.Fatal("the server says nothing")
	}
	if err := json.Unmarshal(s.answers.Bytes(), s); err != nil {
		t.Fatal(err)
	}
	c := s.client(t)
	if err := c.Sys().Mount("secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the engine upgrades itself at first
		if _, err := c.Logical().Write("secret/data/ready", map[string]any{"data": map[string]any{"a": "b"}}); err == nil {
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the engine does not become ready")
	return nil
}

func (s *server) order(t *testing.T, what string) {
	t.Helper()
	if _, err := io.WriteString(s.orders, what+"\n"); err != nil || !s.answers.Scan() {
		t.Fatalf("%s: %v", what, err)
	}
}

func (s *server) client(t *testing.T) *api.Client {
	t.Helper()
	conf := api.DefaultConfig()
	conf.Address = s.Address
	c, err := api.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(s.Token)
	return c
}

func (s *server) open(t testing.TB, c openbao.Config) *openbao.Store {
	t.Helper()
	if c.Address == "" {
		c.Address = s.Address
	}
	store, err := openbao.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	s := start(t)
	t.Setenv("BAO_TOKEN", s.Token)
	t.Setenv("VAULT_TOKEN", s.Token)
	vaulttest.Run(t, func(t testing.TB) vault.Store { return s.open(t, openbao.Config{}) })
	t.Run("plain", func(t *testing.T) { plain(t, s) })
	t.Run("sealed", func(t *testing.T) { sealed(t, s) })
	t.Run("faults", func(t *testing.T) { faults(t, s) })
	t.Run("approle", func(t *testing.T) { approle(t, s) })
}

// plain reads an entry with the KV API alone: it shows what is documented, and
// no value.
func plain(t *testing.T, s *server) {
	v := vault.New(s.open(t, openbao.Config{}), vaulttest.Key(t), hsm.AssuranceSoftware)
	if _, err := v.Put(t.Context(), "plain/entry", []byte("s3cret value"), vault.Metadata{Provider: "stripe"}, 0); err != nil {
		t.Fatal(err)
	}
	got, err := s.client(t).Logical().Read("secret/data/remint/plain/entry")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got.Data)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := got.Data["data"].(map[string]any)
	if data["sealed"] == "" || !strings.Contains(data["metadata"].(string), `"provider":"stripe"`) || strings.Contains(string(text), "s3cret") {
		t.Errorf("the KV API shows %s", text)
	}
}

// sealed asks a server that is sealed, and once more when it is not.
func sealed(t *testing.T, s *server) {
	store := s.open(t, openbao.Config{Retries: 1})
	s.order(t, "seal")
	start := time.Now()
	_, err := store.Get(t.Context(), "plain/entry", 0)
	if err == nil || !strings.Contains(err.Error(), "sealed or not ready") || time.Since(start) > 20*time.Second {
		t.Errorf("a sealed server, after %s: %v", time.Since(start), err)
	}
	s.order(t, "unseal")
	if _, err := store.Get(t.Context(), "plain/entry", 0); err != nil {
		t.Errorf("after it was unsealed: %v", err)
	}
}

// faults stands between the store and the server, and answers some requests
// otherwise: they are repeated, and nothing is written twice.
func faults(t *testing.T, s *server) {
	target, err := url.Parse(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var fault atomic.Value
	fault.Store("")
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch fault.Swap("") {
		case "busy":
			w.WriteHeader(http.StatusTooManyRequests)
			return
		case "standby":
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case "slow":
			time.Sleep(2 * time.Second)
		case "cut":
			if h, ok := w.(http.Hijacker); ok {
				if conn, _, err := h.Hijack(); err == nil {
					_ = conn.Close()
				}
			}
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	v := vault.New(s.open(t, openbao.Config{Address: between.URL}), vaulttest.Key(t), hsm.AssuranceSoftware)
	if _, err := v.Put(t.Context(), "faults/a", []byte("one"), vault.Metadata{}, 0); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"busy", "standby", "cut", "slow"} {
		fault.Store(name)
		if got, _, err := v.Get(t.Context(), "faults/a", 0); err != nil || string(got) == "" {
			t.Errorf("%s: get: %v", name, err)
		}
		fault.Store(name)
		if n, err := v.Put(t.Context(), "faults/a", []byte("more"), vault.Metadata{}, vault.Any); err != nil || n != i+2 {
			t.Errorf("%s: put makes version %d, %v", name, n, err)
		}
	}
	hurried := s.open(t, openbao.Config{Address: between.URL, Timeout: 500 * time.Millisecond})
	fault.Store("slow")
	if _, err := hurried.Get(t.Context(), "faults/a", 0); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a server that is slower than the timeout: %v", err)
	}
	between.Close()
	gone := s.open(t, openbao.Config{Address: between.URL, Retries: 1})
	if _, err := gone.Get(t.Context(), "faults/a", 0); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a server that is gone: %v", err)
	}
}

// approle logs in with a token that ends at once: each use logs in again.
func approle(t *testing.T, s *server) {
	c := s.client(t)
	if err := c.Sys().EnableAuthWithOptions("approle", &api.EnableAuthOptions{Type: "approle"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Sys().PutPolicy("remint", `path "secret/*" { capabilities = ["create", "read", "update", "list", "delete"] }`); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Logical().Write("auth/approle/role/remint", map[string]any{"token_policies": "remint", "token_num_uses": 2}); err != nil {
		t.Fatal(err)
	}
	id, err := c.Logical().Read("auth/approle/role/remint/role-id")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := c.Logical().Write("auth/approle/role/remint/secret-id", nil)
	if err != nil {
		t.Fatal(err)
	}
	store := s.open(t, openbao.Config{Auth: openbao.AppRole{RoleID: id.Data["role_id"].(string), SecretID: secret.Data["secret_id"].(string)}})
	for range 6 {
		if _, err := store.Get(t.Context(), "plain/entry", 0); err != nil {
			t.Fatalf("a token that has ended: %v", err)
		}
	}
	if _, err := openbao.Open(t.Context(), openbao.Config{Address: s.Address, Auth: openbao.AppRole{RoleID: "nobody", SecretID: "wrong"}}); err == nil {
		t.Error("a wrong role logs in")
	}
	t.Setenv("BAO_TOKEN", "s.wrong")
	t.Setenv("VAULT_TOKEN", "s.wrong")
	bad := s.open(t, openbao.Config{Retries: 1})
	if _, err := bad.Get(t.Context(), "plain/entry", 0); err == nil || !strings.Contains(err.Error(), "refuses") || errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a wrong token: %v", err)
	}
}
