package gcp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// google stands in for the endpoints that are called, as their documentation
// says. It checks signatures by the certificates that were uploaded:
//
//	https://developers.google.com/identity/protocols/oauth2/service-account
//	https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys
//	https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/upload
//	https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/list
//	https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/get
//	https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/delete
type google struct {
	*httptest.Server
	mu       sync.Mutex
	accounts map[string][]*uploaded // by email
	tokens   map[string]string      // emails by access token
	managers map[string]bool        // emails that may manage keys
	lose     bool                   // the answer to the next upload
}

type uploaded struct {
	id          string
	certificate []byte // PEM
	parsed      *x509.Certificate
}

func start(t *testing.T) *google {
	t.Helper()
	g := &google{accounts: make(map[string][]*uploaded), tokens: make(map[string]string), managers: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	const at = "/v1/projects/{project}/serviceAccounts/{email}/"
	mux.HandleFunc("POST "+at+"keys:upload", g.managed(g.upload))
	mux.HandleFunc("GET "+at+"keys", g.managed(g.list))
	mux.HandleFunc("GET "+at+"keys/{id}", g.managed(g.get))
	mux.HandleFunc("DELETE "+at+"keys/{id}", g.managed(g.remove))
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// failure is an error of Google's APIs: google.rpc.Status.
func failure(w http.ResponseWriter, status int, name, message string) {
	answer(w, status, map[string]any{"error": map[string]any{"code": status, "message": message, "status": name}})
}

func (g *google) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	email, why := g.verify(r.FormValue("assertion"))
	if why != "" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": why})
		return
	}
	token := rand.Text()
	g.tokens[token] = email
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3599})
}

// verify returns whom a JWT logs in, or why it does not.
func (g *google) verify(jwt string) (email, why string) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return "", "Bad Request"
	}
	var head struct{ Alg, Typ, Kid string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	for i, into := range []any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return "", "Bad Request"
		}
	}
	now := time.Now().Unix()
	if claims.Iat > now+60 || claims.Exp < now || claims.Exp-claims.Iat > 3600 {
		return "", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."
	}
	if head.Alg != "RS256" || head.Typ != "JWT" || claims.Scope == "" || claims.Aud != g.URL+"/token" {
		return "", "Invalid JWT: Failed audience check."
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	k := g.find(claims.Iss, head.Kid)
	if err != nil || k == nil || time.Now().After(k.parsed.NotAfter) || time.Now().Before(k.parsed.NotBefore) {
		return "", "Invalid JWT Signature."
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(k.parsed.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) != nil {
		return "", "Invalid JWT Signature."
	}
	return claims.Iss, ""
}

func (g *google) find(email, id string) *uploaded {
	for _, k := range g.accounts[email] {
		if k.id == id {
			return k
		}
	}
	return nil
}

// managed asks for a token of somebody who may manage keys.
func (g *google) managed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		email := g.tokens[token]
		switch _, known := g.accounts[r.PathValue("email")]; {
		case email == "":
			failure(w, http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		case !g.managers[email]:
			failure(w, http.StatusForbidden, "PERMISSION_DENIED", "Permission 'iam.serviceAccountKeys.create' denied on resource (or it may not exist).")
		case !known:
			failure(w, http.StatusNotFound, "NOT_FOUND", "Unknown service account")
		default:
			next(w, r)
		}
	}
}

func (g *google) upload(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Data []byte `json:"publicKeyData"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		failure(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return
	}
	email := r.PathValue("email")
	k := parseUploaded(in.Data)
	if k == nil {
		failure(w, http.StatusBadRequest, "INVALID_ARGUMENT", "The public key must be an RSA public key wrapped in an X.509 v3 certificate.")
		return
	}
	if len(g.accounts[email]) >= 10 {
		failure(w, http.StatusBadRequest, "FAILED_PRECONDITION", "Precondition check failed.")
		return
	}
	g.accounts[email] = append(g.accounts[email], k)
	if g.lose {
		g.lose = false
		panic(http.ErrAbortHandler)
	}
	answer(w, http.StatusOK, k.listed(r))
}

// parseUploaded reads what may be uploaded; nil for anything else.
func parseUploaded(data []byte) *uploaded {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil || c.Version != 3 || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
		return nil
	}
	if _, ok := c.PublicKey.(*rsa.PublicKey); !ok {
		return nil
	}
	return &uploaded{id: newID(), certificate: data, parsed: c}
}

func newID() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func (k *uploaded) listed(r *http.Request) map[string]any {
	return map[string]any{
		"name":           "projects/acme/serviceAccounts/" + r.PathValue("email") + "/keys/" + k.id,
		"validAfterTime": k.parsed.NotBefore.Format(time.RFC3339), "validBeforeTime": k.parsed.NotAfter.Format(time.RFC3339),
		"keyAlgorithm": "KEY_ALG_RSA_2048", "keyOrigin": "USER_PROVIDED", "keyType": "USER_MANAGED",
	}
}

func (g *google) list(w http.ResponseWriter, r *http.Request) {
	all := []map[string]any{}
	for _, k := range g.accounts[r.PathValue("email")] {
		all = append(all, k.listed(r))
	}
	if len(all) == 0 {
		answer(w, http.StatusOK, map[string]any{})
		return
	}
	answer(w, http.StatusOK, map[string]any{"keys": all})
}

func (g *google) get(w http.ResponseWriter, r *http.Request) {
	k := g.find(r.PathValue("email"), r.PathValue("id"))
	if k == nil {
		failure(w, http.StatusNotFound, "NOT_FOUND", "Service account key "+r.PathValue("id")+" does not exist.")
		return
	}
	out := k.listed(r)
	if r.FormValue("publicKeyType") == "TYPE_X509_PEM_FILE" {
		out["publicKeyData"] = k.certificate
	}
	answer(w, http.StatusOK, out)
}

func (g *google) remove(w http.ResponseWriter, r *http.Request) {
	email, id := r.PathValue("email"), r.PathValue("id")
	if g.find(email, id) == nil {
		failure(w, http.StatusNotFound, "NOT_FOUND", "Service account key "+id+" does not exist.")
		return
	}
	g.accounts[email] = slices.DeleteFunc(g.accounts[email], func(k *uploaded) bool { return k.id == id })
	answer(w, http.StatusOK, map[string]any{})
}

// account makes an account with a key, and returns the key's file.
func (g *google) account(t *testing.T, email string, manages bool) []byte {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "1234567890"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	k := parseUploaded(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	g.mu.Lock()
	g.accounts[email], g.managers[email] = append(g.accounts[email], k), manages
	g.mu.Unlock()
	if der, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "acme", "private_key_id": k.id,
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": email, "client_id": "1234567890", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
		"token_uri": g.URL + "/token", "universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
