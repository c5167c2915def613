// Package silent holds what other analyzers are known to report falsely.
package silent

import (
	"fmt"
	"go/token"
	"net/http"
	"net/url"
	"os"
)

const (
	route          = "public_tokens.route"
	SnmpView       = "Snmp Group Write View"
	secretType     = "kubernetes.io/dockercfg"
	objectID       = "507f1f77bcf86cd799439011"
	tokenEnvVar    = "OPENAI_API_KEY"
	passwordLabel  = "Your password"
	passwordURL    = "/account/password/reset"
	passwordRegexp = `^[A-Za-z0-9]{8,}$`
	passwordKey    = "password"
	passwordColumn = "users.password_hash"
	passwordHelp   = "the password must have eight characters or more"
)

// A sample: http://user:user@example.com/
var tokens = map[token.Token]string{token.ADD: "plus", token.IDENT: "identifier"}

type form struct{ Password, Token string }

// Each call has its own default.
func envOr(name, other string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return other
}

func hide(u *url.URL) {
	u.User = url.UserPassword("me", "--- REDACTED ---")
	fmt.Println(envOr("HOST", "a.host:8080"), url.UserPassword("me", envOr("PASSWORD", "")))
	r, _ := http.NewRequest("GET", "/", nil)
	r.Header.Set("X-Api-Key", "https://example.com/keys")
}

func use(r *http.Request) {
	_ = form{Password: "Enter your password", Token: "token"}
	password := r.FormValue("password")
	if password == "letmein" {
		return
	}
	r.Header.Set("X-Request-Id", "req-0123456789")
	r.Header.Get("Authorization")
	_ = os.Getenv(tokenEnvVar)
	_ = []string{route, SnmpView, secretType, objectID, passwordLabel, passwordURL, passwordRegexp, passwordKey, passwordColumn, passwordHelp}
	_ = tokens
}
