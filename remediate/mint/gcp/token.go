package gcp

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

const (
	defaultTokenURI = "https://oauth2.googleapis.com/token"
	grantType       = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523
	cloudPlatform   = "https://www.googleapis.com/auth/cloud-platform"
)

var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// tokenURI is where an account's tokens are got. A file that was found may name
// any address: only Google's, or that of the configured API, is called.
func tokenURI(r *mint.Request, a account) (string, error) {
	if at := r.Settings.Options["token-uri"]; at != "" {
		return at, nil
	}
	at := cmp.Or(a.TokenURI, defaultTokenURI)
	u, err := url.Parse(at)
	if err != nil {
		return "", errors.New("GCP: the key's token_uri is no address")
	}
	google := u.Scheme == "https" && u.Port() == "" && (strings.HasSuffix(u.Hostname(), ".googleapis.com") || u.Hostname() == "accounts.google.com")
	api, err := url.Parse(r.Settings.Endpoint)
	if !google && (err != nil || r.Settings.Endpoint == "" || api.Scheme != u.Scheme || api.Host != u.Host) {
		return "", fmt.Errorf("GCP: the key's token_uri is at %q, which is not Google: name it as providers.gcp.token-uri if it is right", u.Host)
	}
	return at, nil
}

// assertion is a JWT that the account signs for itself, for five minutes.
func assertion(a account, key crypto.Signer, audience string) (string, error) {
	now := time.Now()
	head, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.KeyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": a.Email, "scope": cloudPlatform, "aud": audience, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("GCP: the key %s does not sign: %w", a.KeyID, err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// accessToken logs an account in. The error is a RefusedError where Google says
// that the key is not valid.
func accessToken(ctx context.Context, r *mint.Request, a account) ([]byte, error) {
	at, err := tokenURI(r, a)
	if err != nil {
		return nil, err
	}
	key, err := a.signer(ctx, r)
	if err != nil {
		return nil, err
	}
	jwt, err := assertion(a, key, at)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {grantType}, "assertion": {jwt}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("GCP: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GCP: log %s in: %w", a.Email, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, rest.MaxBody))
	if err != nil {
		return nil, fmt.Errorf("GCP: log %s in: %w", a.Email, err)
	}
	return readToken(a, resp.StatusCode, text)
}

// readToken reads the answer of RFC 6749, sections 5.1 and 5.2.
func readToken(a account, status int, text []byte) ([]byte, error) {
	var answer struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("GCP: log %s in: status %d without the API's own answer", a.Email, status)
	}
	switch {
	case status == http.StatusOK && answer.Token != "":
		return []byte(answer.Token), nil
	case answer.Error == "invalid_grant" && strings.Contains(answer.Description, "reasonable timeframe"):
		return nil, fmt.Errorf("GCP: log %s in: the time is not accepted: set this machine's clock", a.Email)
	case answer.Error == "invalid_grant":
		return nil, &mint.RefusedError{Provider: provider, Answer: "invalid_grant: " + answer.Description}
	}
	return nil, fmt.Errorf("GCP: log %s in: status %d: %s: %s", a.Email, status, answer.Error, answer.Description)
}
