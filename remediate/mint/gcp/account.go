package gcp

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
)

// account is a service account's key, as Google writes it into a file.
type account struct {
	Type     string `json:"type"`
	Project  string `json:"project_id"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	Email    string `json:"client_email"`
	TokenURI string `json:"token_uri"`
}

const serviceAccount = "service_account"

// Names that become parts of addresses.
var (
	emailForm   = regexp.MustCompile(`^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$`)
	keyForm     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	projectForm = regexp.MustCompile(`^[a-z0-9.:-]+$`)
)

// parse reads a key's file. Its errors say nothing of what is in it.
func parse(text []byte) (account, error) {
	var a account
	if err := json.Unmarshal(text, &a); err != nil || a.Type != serviceAccount {
		return a, errors.New("GCP: the credential is no JSON of a service account's key")
	}
	if !emailForm.MatchString(a.Email) || !keyForm.MatchString(a.KeyID) || a.Key == "" {
		return a, errors.New("GCP: the service account's key lacks its client_email, private_key_id or private_key")
	}
	if a.Project != "" && !projectForm.MatchString(a.Project) {
		return a, errors.New("GCP: the service account's project_id is no project's")
	}
	return a, nil
}

// path is the account's in the API. Without a project Google answers 403 for
// what is not there.
func (a account) path() string {
	return "/v1/projects/" + url.PathEscape(cmp.Or(a.Project, "-")) + "/serviceAccounts/" + url.PathEscape(a.Email)
}

// signer is what signs for a key: the PEM in it, or the token's key that it names.
func (a account) signer(ctx context.Context, r *mint.Request) (crypto.Signer, error) {
	if strings.HasPrefix(a.Key, "software:") || strings.HasPrefix(a.Key, "pkcs11:") {
		return held(ctx, r, a.Key)
	}
	block, _ := pem.Decode([]byte(a.Key))
	if block == nil {
		return nil, errors.New("GCP: the private_key is no PEM that can be read")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, errors.New("GCP: the private_key cannot be read: it may be damaged")
		}
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("GCP: the private_key is none of RSA")
	}
	return private, nil
}

// held is the token's key of a URI.
func held(ctx context.Context, r *mint.Request, uri string) (crypto.Signer, error) {
	_, path, _ := strings.Cut(uri, ":")
	u, err := hsm.ParseURI("pkcs11:" + path)
	if err != nil {
		return nil, fmt.Errorf("GCP: %w", err)
	}
	key, err := r.HSM.Key(ctx, u.Object)
	if err != nil {
		return nil, fmt.Errorf("GCP: the key %q of the token: %w", u.Object, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("GCP: the token's key %q does not sign", u.Object)
	}
	return signer, nil
}

// replace sets members of a JSON object and leaves all else of its text as it is.
func replace(text []byte, set map[string]string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []byte
	done := 0
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var old json.RawMessage
		if err := d.Decode(&old); err != nil {
			return nil, err
		}
		value, ok := set[fmt.Sprint(name)]
		if !ok {
			continue
		}
		written, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		out = append(append(out, text[done:end-len(old)]...), written...)
		done = end
	}
	return append(out, text[done:]...), nil
}

// maxObject is how far around a secret its object is looked for, in bytes.
const maxObject = 16 << 10

// Extend implements mint.Extender: the secret's whole is the JSON object around
// it, which has the key's id, the private key and the account.
func (Minter) Extend(text []byte, start, end int) (int, int, bool) {
	least := max(0, start-maxObject)
	for from := start; from >= least; from-- {
		if from >= len(text) || text[from] != '{' {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(text[from:min(len(text), end+maxObject)]))
		var object json.RawMessage
		if d.Decode(&object) != nil {
			continue
		}
		to := from + int(d.InputOffset())
		if _, err := parse(object); err == nil && to >= end {
			return from, to, true
		}
	}
	return 0, 0, false
}
