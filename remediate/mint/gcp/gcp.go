// Package gcp replaces keys of Google Cloud's service accounts by keys that are
// made here: only the public half is uploaded, in a certificate. The private
// half stays in the token, and the program signs through remint; or, where it
// cannot, it gets the usual file, which the vault seals.
//
// A key may do what its account may: there are no scopes of keys.
package gcp

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Minter is Google Cloud IAM. Settings.Admin is the file of a service account
// that may manage keys (roles/iam.serviceAccountKeyAdmin). Of Settings.Options
// it knows "token-uri", where tokens are not got from Google.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "gcp" }

const (
	provider        = "GCP"
	defaultEndpoint = "https://iam.googleapis.com"
	maxLabel        = 64
	maxKeys         = 10 // of one account
	// A certificate has to end; this one does where no lifetime is asked for.
	longest = 10 * 365 * 24 * time.Hour
)

// patience is how long Google may take to know a new key: "60 seconds or more".
var patience = 90 * time.Second

// manager is the account that manages keys: the admin, or else the leaked one.
func manager(ctx context.Context, r *mint.Request) (*rest.Client, error) {
	file := r.Settings.Admin
	if file == nil {
		file = r.Leaked.Value
	}
	a, err := parse(file)
	if err != nil {
		return nil, err
	}
	token, err := accessToken(ctx, r, a)
	if err != nil {
		if r.Settings.Admin != nil && mint.Refused(err) { // says nothing of the leaked key
			return nil, fmt.Errorf("GCP: the admin's key %s is refused: see providers.gcp.admin", a.KeyID)
		}
		return nil, err
	}
	base := strings.TrimSuffix(cmp.Or(r.Settings.Endpoint, defaultEndpoint), "/")
	return &rest.Client{
		Provider: provider, Base: base, Authorize: rest.Bearer(token),
		// Only the token's endpoint says that a key is not valid.
		Invalid: func(*rest.Error) bool { return false },
	}, nil
}

// key is a key as the API lists it.
type key struct {
	Name      string `json:"name"`
	ValidFrom string `json:"validAfterTime"`
	// Public is a certificate in PEM, in what is got one by one.
	Public []byte `json:"publicKeyData"`
}

func (k key) id() string { return k.Name[strings.LastIndex(k.Name, "/")+1:] }

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	old, err := parse(r.Leaked.Value)
	if err != nil {
		return mint.Minted{}, err
	}
	api, err := manager(ctx, r)
	if err != nil {
		return mint.Minted{}, err
	}
	signer, private, err := generate(ctx, r)
	if err != nil {
		return mint.Minted{}, err
	}
	public, ends, err := certificate(r, signer)
	if err != nil {
		return mint.Minted{}, err
	}
	var made key
	if err := api.Do(ctx, http.MethodPost, old.path()+"/keys:upload", map[string][]byte{"publicKeyData": public}, &made); err != nil {
		return mint.Minted{}, refusedUpload(ctx, r, api, old, err)
	}
	if !keyForm.MatchString(made.id()) {
		return mint.Minted{}, errors.New("GCP: the answer to the upload does not name the key")
	}
	m := mint.Minted{ID: made.id(), Expires: ends}
	m.Notes = []string{
		"the new key may do what " + old.Email + " may: a key has no scope of its own, so narrow the account's roles",
		"the new key ends on " + ends.Format(time.DateOnly) + ", with its certificate",
		"tokens that were got with the old key live on for up to an hour after it is deleted: disable the account to end them",
	}
	if !r.Sealed {
		m.Held = r.HSM.Info().Assurance
		m.Notes = append(m.Notes, "the key stays in the token: the program gets its URI as private_key, and signs through remint (--sdk)")
	}
	m.Value, err = replace(r.Leaked.Value, map[string]string{"private_key_id": m.ID, "private_key": private})
	return m, err
}

// generate makes the key, and what stands as private_key for it.
func generate(ctx context.Context, r *mint.Request) (crypto.Signer, string, error) {
	if r.Sealed {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, "", err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		return private, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
	}
	label := r.Label(maxLabel)
	made, err := r.HSM.Key(ctx, label) // of an upload that failed
	if errors.Is(err, hsm.ErrNotFound) {
		made, err = r.HSM.Generate(ctx, label, hsm.RSA2048)
	}
	if err != nil {
		return nil, "", fmt.Errorf("make an RSA key in the token: %w", err)
	}
	signer, ok := made.(crypto.Signer)
	if !ok {
		return nil, "", fmt.Errorf("the token's key %s does not sign", label)
	}
	return signer, made.URI(), nil
}

// mark is by which a certificate is known to be of a request. Anybody can read
// certificates of service accounts, so that the entry's name is not in it.
func mark(r *mint.Request) string { return "remint-" + r.Token }

// certificate wraps the public half, for the API and for the end of its life.
func certificate(r *mint.Request, signer crypto.Signer) ([]byte, time.Time, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, time.Time{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: mark(r)}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(cmp.Or(r.Lifetime, longest)).UTC().Truncate(time.Second),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("make the certificate to upload: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), template.NotAfter, nil
}

// refusedUpload says why an upload failed. Of a full account Google says no
// more than RESOURCE_EXHAUSTED, or "Precondition check failed".
func refusedUpload(ctx context.Context, r *mint.Request, api *rest.Client, a account, err error) error {
	switch rest.Status(err) {
	case http.StatusBadRequest, http.StatusTooManyRequests:
		keys, failed := list(ctx, api, a)
		if failed != nil || len(keys) < maxKeys {
			return err
		}
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.id()+" (of "+k.ValidFrom+")")
		}
		return fmt.Errorf("GCP: %s has %d keys, and more there cannot be: delete one that nothing uses: %s: %w", a.Email, len(keys), strings.Join(ids, ", "), err)
	case http.StatusForbidden:
		return denied(r, err)
	}
	return err
}

// denied says that an admin is missing where the leaked key did not suffice.
func denied(r *mint.Request, err error) error {
	if rest.Status(err) == http.StatusForbidden && r.Settings.Admin == nil {
		return fmt.Errorf("%w: %w", mint.ErrNoAdmin, err)
	}
	return err
}

func list(ctx context.Context, api *rest.Client, a account) ([]key, error) {
	var answer struct {
		Keys []key `json:"keys"`
	}
	err := api.Do(ctx, http.MethodGet, a.path()+"/keys?keyTypes=USER_MANAGED", nil, &answer)
	return answer.Keys, err
}

// Prove implements mint.Prover: it gets a token with the key. Only a new key
// gets time to become known.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	a, err := parse(value)
	if err != nil {
		return err
	}
	fresh := !bytes.Equal(value, r.Leaked.Value)
	end := time.Now().Add(patience)
	for pause := time.Second; ; pause = min(2*pause, 10*time.Second) {
		token, err := accessToken(ctx, r, a)
		clear(token)
		if fresh && errors.Is(err, hsm.ErrNotFound) {
			return destroyed(ctx, r, a, err)
		}
		if !fresh || !mint.Refused(err) || time.Now().Add(pause).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("GCP: the new key is not known yet"), ctx.Err())
		case <-time.After(pause):
		}
	}
}

// destroyed asks Google of a key that cannot be tried, because the token has it
// no more.
func destroyed(ctx context.Context, r *mint.Request, a account, why error) error {
	api, err := manager(ctx, r)
	if err != nil {
		return errors.Join(why, err)
	}
	err = api.Do(ctx, http.MethodGet, a.path()+"/keys/"+a.KeyID, nil, nil)
	if rest.Status(err) == http.StatusNotFound {
		return &mint.RefusedError{Provider: provider, Answer: err.Error()}
	}
	return errors.Join(why, denied(r, err))
}

// Revoke implements mint.Revoker. A leaked key that is refused already, and is
// all that there is to delete it with, is useless.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	old, err := parse(r.Leaked.Value)
	if err != nil {
		return err
	}
	api, err := manager(ctx, r)
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return remove(ctx, r, api, old, old.KeyID)
}

// remove deletes a key at Google. One that is gone is no error.
func remove(ctx context.Context, r *mint.Request, api *rest.Client, a account, id string) error {
	err := api.Do(ctx, http.MethodDelete, a.path()+"/keys/"+id, nil, nil)
	if rest.Status(err) == http.StatusNotFound {
		return nil
	}
	return denied(r, err)
}
