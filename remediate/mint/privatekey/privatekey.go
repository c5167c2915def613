// Package privatekey replaces private keys by pairs that are made in the token
// and stay there: RSA, EC and Ed25519, found as PEM, OpenSSH or JWK. The program
// gets the key's URI, and signs through remint; or, where it cannot, a new key
// in the form of the old one, which the vault seals.
package privatekey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
)

// Minter makes key pairs. Of Settings.Options it knows "certificate": "csr" or
// "self-signed", "subject", and "ssh-ca", the label of a key in the token that
// signs a certificate for "ssh-principals".
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "privatekey" }

// form is how a key was written.
type form string

const (
	formPKCS1   form = "RSA PRIVATE KEY"
	formSEC1    form = "EC PRIVATE KEY"
	formPKCS8   form = "PRIVATE KEY"
	formOpenSSH form = "OPENSSH PRIVATE KEY"
	formJWK     form = "JWK"
)

// parse reads a key as it stands in code: with real line ends or escaped ones.
func parse(value []byte) (crypto.Signer, form, error) {
	text := bytes.TrimSpace(value)
	if bytes.HasPrefix(text, []byte("{")) {
		var k jose.JSONWebKey
		if err := json.Unmarshal(text, &k); err != nil {
			return nil, "", errors.New("the private key is no JWK that can be read")
		}
		s, ok := k.Key.(crypto.Signer)
		if !ok {
			return nil, "", errors.New("the JWK is no private key")
		}
		return s, formJWK, nil
	}
	text = []byte(strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(string(text)))
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, "", errors.New("the private key is no PEM that can be read")
	}
	var key any
	var err error
	switch f := form(block.Type); f {
	case formPKCS1:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case formSEC1:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case formPKCS8:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case formOpenSSH:
		key, err = ssh.ParseRawPrivateKey(text)
		if k, ok := key.(*ed25519.PrivateKey); ok {
			key = *k
		}
	default:
		return nil, "", fmt.Errorf("a private key in the form %q cannot be replaced by itself", block.Type)
	}
	if err != nil {
		return nil, "", fmt.Errorf("the private key (%s) cannot be read: it may be damaged or encrypted", block.Type)
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, "", fmt.Errorf("the private key (%s) does not sign", block.Type)
	}
	return s, form(block.Type), nil
}

// kindOf is the kind of the new key: the old one's, and 2048 bits of RSA at least.
func kindOf(k crypto.Signer) (hsm.Kind, error) {
	switch public := k.Public().(type) {
	case *rsa.PublicKey:
		switch bits := public.N.BitLen(); {
		case bits <= 2048:
			return hsm.RSA2048, nil
		case bits <= 3072:
			return hsm.RSA3072, nil
		}
		return hsm.RSA4096, nil
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			return hsm.ECP256, nil
		case elliptic.P384():
			return hsm.ECP384, nil
		case elliptic.P521():
			return hsm.ECP521, nil
		}
		return "", fmt.Errorf("no token makes keys on the curve %s", public.Curve.Params().Name)
	case ed25519.PublicKey:
		return hsm.Ed25519, nil
	}
	return "", fmt.Errorf("no token makes keys of the type %T", k.Public())
}

// Mint implements mint.Minter. Called again for the same request it finds the
// key that it made.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	old, f, err := parse(r.Leaked.Value)
	if err != nil {
		return mint.Minted{}, err
	}
	kind, err := kindOf(old)
	if err != nil {
		return mint.Minted{}, err
	}
	if r.Sealed {
		return sealed(kind, f, r)
	}
	label := r.Label(maxLabel)
	key, err := r.HSM.Key(ctx, label)
	if errors.Is(err, hsm.ErrNotFound) {
		key, err = r.HSM.Generate(ctx, label, kind)
	}
	if err != nil {
		return mint.Minted{}, fmt.Errorf("make a %s key in the token: %w", kind, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return mint.Minted{}, fmt.Errorf("the token's key %s does not sign", label)
	}
	m := mint.Minted{ID: label, Value: []byte(key.URI()), Held: r.HSM.Info().Assurance}
	m.Notes = []string{"the key stays in the token: the program gets its URI, and signs through remint (--sdk)"}
	m.Files, err = beside(ctx, r, signer, f)
	return m, err
}

const maxLabel = 64

// sealed makes a key of the same kind and form in memory.
func sealed(kind hsm.Kind, f form, r *mint.Request) (mint.Minted, error) {
	m := mint.Minted{ID: r.Label(maxLabel)}
	key, err := generate(kind)
	if err != nil {
		return m, err
	}
	if m.Value, err = write(key, f, r.Leaked.Value); err != nil {
		return m, err
	}
	m.Files, err = beside(context.Background(), r, key, f)
	return m, err
}

func generate(kind hsm.Kind) (crypto.Signer, error) {
	switch kind {
	case hsm.RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case hsm.RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case hsm.RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case hsm.ECP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case hsm.ECP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case hsm.ECP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// write writes a key as the old one was written, down to escaped line ends.
func write(key crypto.Signer, f form, old []byte) ([]byte, error) {
	var block *pem.Block
	var der []byte
	var err error
	switch f {
	case formJWK:
		var k jose.JSONWebKey
		if err := json.Unmarshal(old, &k); err != nil {
			return nil, errors.New("the private key is no JWK that can be read")
		}
		k.Key, k.Certificates, k.CertificateThumbprintSHA1, k.CertificateThumbprintSHA256 = key, nil, nil, nil
		return k.MarshalJSON()
	case formPKCS1:
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	case formSEC1:
		der, err = x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	case formOpenSSH:
		block, err = ssh.MarshalPrivateKey(key, "")
	default:
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		return nil, err
	}
	if block == nil {
		block = &pem.Block{Type: string(f), Bytes: der}
	}
	text := pem.EncodeToMemory(block)
	if !bytes.HasSuffix(old, []byte("\n")) && !bytes.HasSuffix(old, []byte(`\n`)) {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	if bytes.Contains(old, []byte(`\n`)) {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte(`\n`))
	}
	return text, nil
}

// Prove implements mint.Prover: the key signs, and its public half agrees.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	signer, err := open(ctx, r, value)
	if err != nil {
		return err
	}
	message := []byte("remint proves that this key signs")
	digest, hash := message, crypto.Hash(0)
	if _, ok := signer.Public().(ed25519.PublicKey); !ok {
		sum := sha256.Sum256(message)
		digest, hash = sum[:], crypto.SHA256
	}
	signature, err := signer.Sign(rand.Reader, digest, hash)
	if err != nil {
		return fmt.Errorf("the new key does not sign: %w", err)
	}
	ok := false
	switch public := signer.Public().(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(public, digest, signature)
	case ed25519.PublicKey:
		ok = ed25519.Verify(public, message, signature)
	}
	if !ok {
		return errors.New("what the new key signs does not agree with its public half")
	}
	return nil
}

// open returns the key that a value is or names.
func open(ctx context.Context, r *mint.Request, value []byte) (crypto.Signer, error) {
	if r.Minted != nil && !r.Sealed && bytes.Equal(value, r.Minted.Value) {
		key, err := r.HSM.Key(ctx, r.Minted.ID)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("the token's key %s does not sign", key.Label())
		}
		return signer, nil
	}
	signer, _, err := parse(value)
	return signer, err
}

// Orphans implements mint.OrphanFinder: the token's key of the request.
func (Minter) Orphans(ctx context.Context, r *mint.Request) ([]string, error) {
	if r.Sealed {
		return nil, nil
	}
	_, err := r.HSM.Key(ctx, r.Label(maxLabel))
	if errors.Is(err, hsm.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{r.Label(maxLabel)}, nil
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	if r.Sealed {
		return nil
	}
	if err := r.HSM.Destroy(ctx, id); !errors.Is(err, hsm.ErrNotFound) {
		return err
	}
	return nil
}
