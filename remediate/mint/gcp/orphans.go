package gcp

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
)

// Orphans implements mint.OrphanFinder: keys of the account whose certificate
// is the request's, or whose public half is that of the token's key; and that
// key where it was not uploaded.
func (Minter) Orphans(ctx context.Context, r *mint.Request) ([]string, error) {
	a, err := parse(r.Leaked.Value)
	if err != nil {
		return nil, err
	}
	public, err := ownPublic(ctx, r)
	if err != nil {
		return nil, err
	}
	api, err := manager(ctx, r)
	if err != nil {
		return nil, err
	}
	keys, err := list(ctx, api, a)
	if err != nil {
		return nil, denied(r, err)
	}
	var ids []string
	for _, k := range keys {
		if k.id() == a.KeyID || !keyForm.MatchString(k.id()) {
			continue
		}
		ours, err := isOurs(ctx, r, api, a, k.id(), public)
		if err != nil {
			return nil, err
		}
		if ours {
			ids = append(ids, k.id())
		}
	}
	if len(ids) == 0 && public != nil {
		ids = []string{r.Label(maxLabel)}
	}
	return ids, nil
}

// ownPublic is the public half of the token's key of the request; nil for none.
func ownPublic(ctx context.Context, r *mint.Request) (*rsa.PublicKey, error) {
	if r.Sealed {
		return nil, nil
	}
	k, err := r.HSM.Key(ctx, r.Label(maxLabel))
	if errors.Is(err, hsm.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the token's key %s does not sign", k.Label())
	}
	public, ok := signer.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the token's key %s is none of RSA", k.Label())
	}
	return public, nil
}

// isOurs gets a key's certificate and looks whether it was made for the request.
func isOurs(ctx context.Context, r *mint.Request, api *rest.Client, a account, id string, public *rsa.PublicKey) (bool, error) {
	var k key
	err := api.Do(ctx, http.MethodGet, a.path()+"/keys/"+id+"?publicKeyType=TYPE_X509_PEM_FILE", nil, &k)
	if rest.Status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, denied(r, err)
	}
	block, _ := pem.Decode(k.Public)
	if block == nil {
		return false, fmt.Errorf("GCP: the public half of the key %s is no PEM", id)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, fmt.Errorf("GCP: the certificate of the key %s: %w", id, err)
	}
	return c.Subject.CommonName == mark(r) || public != nil && public.Equal(c.PublicKey), nil
}

// Remove implements mint.OrphanFinder. id is a key's at Google, or the label of
// the token's where it was not uploaded; the token's key goes with either.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	a, err := parse(r.Leaked.Value)
	if err != nil {
		return err
	}
	if id != r.Label(maxLabel) {
		if err := removeUploaded(ctx, r, a, id); err != nil {
			return err
		}
	}
	if r.Sealed {
		return nil
	}
	if err := r.HSM.Destroy(ctx, r.Label(maxLabel)); err != nil && !errors.Is(err, hsm.ErrNotFound) {
		return fmt.Errorf("destroy the token's key: %w", err)
	}
	return nil
}

// removeUploaded deletes what was minted, and nothing else.
func removeUploaded(ctx context.Context, r *mint.Request, a account, id string) error {
	if id == a.KeyID || !keyForm.MatchString(id) {
		return fmt.Errorf("GCP: %s is not the new key, and is left", id)
	}
	api, err := manager(ctx, r)
	if err != nil {
		return err
	}
	if r.Minted == nil || r.Minted.ID != id {
		public, err := ownPublic(ctx, r)
		if err != nil {
			return err
		}
		ours, err := isOurs(ctx, r, api, a, id, public)
		if err != nil {
			return err
		}
		if !ours {
			return gone(ctx, r, api, a, id)
		}
	}
	return remove(ctx, r, api, a, id)
}

// gone is an error where a key that is not the request's is there.
func gone(ctx context.Context, r *mint.Request, api *rest.Client, a account, id string) error {
	err := api.Do(ctx, http.MethodGet, a.path()+"/keys/"+id, nil, nil)
	switch {
	case rest.Status(err) == http.StatusNotFound:
		return nil
	case err != nil:
		return denied(r, err)
	}
	return fmt.Errorf("GCP: the key %s was not made for this request, and is left", id)
}
