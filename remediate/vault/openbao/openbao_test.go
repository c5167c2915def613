//go:build vaultserver

package openbao_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
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

// server is a real Vault server in a process of its own, of the program that
// REMINT_TEST_VAULT names: `make test-vault` builds it.
type server struct {
	Address, Token string
	orders         io.WriteCloser
	answers        *bufio.Scanner
}

func start(t *testing.T) *server {
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
	t.Run("tls", func(t *testing.T) { overTLS(t, s) })
	t.Run("approle", func(t *testing.T) { approle(t, s) })
	t.Run("jwt", func(t *testing.T) { jwt(t, s) })
	t.Run("kubernetes", func(t *testing.T) { kubernetes(t, s) })
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

// overTLS believes a server whose authority is named, and no other.
func overTLS(t *testing.T, s *server) {
	target, err := url.Parse(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(target))
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.open(t, openbao.Config{Address: secure.URL, CACert: ca}).Get(t.Context(), "plain/entry", 0); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	if _, err := s.open(t, openbao.Config{Address: secure.URL, Retries: 1}).Get(t.Context(), "plain/entry", 0); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: %v", err)
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

// token is a JWT with claims, signed with ES256.
func token(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(text)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func publicPEM(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func enable(t *testing.T, c *api.Client, kind string, config, role map[string]any) {
	t.Helper()
	if err := c.Sys().EnableAuthWithOptions(kind, &api.EnableAuthOptions{Type: kind}); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string]map[string]any{"config": config, "role/remint": role} {
		if _, err := c.Logical().Write("auth/"+kind+"/"+path, data); err != nil {
			t.Fatal(err)
		}
	}
}

// jwt logs in with the token of a CI system.
func jwt(t *testing.T, s *server) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	enable(t, s.client(t), "jwt", map[string]any{"jwt_validation_pubkeys": publicPEM(t, key)},
		map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", "token_policies": "remint"})
	file := filepath.Join(t.TempDir(), "jwt")
	now := time.Now().Unix()
	if err := os.WriteFile(file, []byte(token(t, key, map[string]any{"sub": "repo:acme/app", "aud": "vault", "iat": now, "nbf": now, "exp": now + 600})+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := s.open(t, openbao.Config{Auth: openbao.JWT{Role: "remint", File: file}})
	if _, err := store.Get(t.Context(), "plain/entry", 0); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(token(t, key, map[string]any{"sub": "x", "aud": "others", "exp": now + 600})), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openbao.Open(t.Context(), openbao.Config{Address: s.Address, Auth: openbao.JWT{Role: "remint", File: file}}); err == nil {
		t.Error("a token for others logs in")
	}
}

// kubernetes logs in as a service account. The API server that reviews its
// token is a fake, as in the reference of authentication.k8s.io/v1 TokenReview.
func kubernetes(t *testing.T, s *server) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct{ Token string }
		}
		_ = json.NewDecoder(r.Body).Decode(&review)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{"authenticated": strings.Count(review.Spec.Token, ".") == 2, "user": map[string]any{
				"username": "system:serviceaccount:payments:app", "uid": "1", "groups": []string{"system:serviceaccounts"},
			}},
		})
	}))
	defer cluster.Close()
	enable(t, s.client(t), "kubernetes", map[string]any{"kubernetes_host": cluster.URL, "disable_local_ca_jwt": true, "token_reviewer_jwt": "reviewer"},
		map[string]any{"bound_service_account_names": "app", "bound_service_account_namespaces": "payments", "token_policies": "remint"})
	file := filepath.Join(t.TempDir(), "token")
	claims := map[string]any{
		"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:payments:app",
		"iat": time.Now().Unix() - 60, "nbf": time.Now().Unix() - 60, "exp": time.Now().Unix() + 600,
		"kubernetes.io": map[string]any{"namespace": "payments", "serviceaccount": map[string]any{"name": "app", "uid": "1"}},
	}
	if err := os.WriteFile(file, []byte(token(t, key, claims)), 0o600); err != nil {
		t.Fatal(err)
	}
	auth := openbao.Kubernetes("remint")
	auth.File = file
	store := s.open(t, openbao.Config{Auth: auth})
	if _, err := store.Get(t.Context(), "plain/entry", 0); err != nil {
		t.Error(err)
	}
	auth.Role = "nobody"
	if _, err := openbao.Open(t.Context(), openbao.Config{Address: s.Address, Auth: auth}); err == nil {
		t.Error("a role that is not there logs in")
	}
}
