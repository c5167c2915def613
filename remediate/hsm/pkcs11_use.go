//go:build cgo

package hsm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // OAEP with SHA-1 is not broken, and all that some tokens know
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
)

// object is a key in a token. Handles go stale, so it is found anew for each
// operation.
type object struct {
	token *token
	label string
	id    []byte
	class uint
	kind  Kind
}

func (o *object) Label() string { return o.label }
func (o *object) Kind() Kind    { return o.kind }

func (o *object) URI() string {
	i := o.token.info
	typ := "private"
	if o.class == pkcs11.CKO_SECRET_KEY {
		typ = "secret-key"
	}
	return URI{Token: i.Label, Serial: i.Serial, Object: o.label, ID: o.id, Type: typ}.String()
}

// use finds the object and runs an operation with it.
func (o *object) use(ctx context.Context, name string, op func(pkcs11.SessionHandle, pkcs11.ObjectHandle) error) error {
	return o.token.do(ctx, patience, name, func(s pkcs11.SessionHandle) error {
		found, err := o.token.find(s, o.class, o.label)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%w: %s", ErrNotFound, o.label)
		}
		return op(s, found[0])
	})
}

type (
	tokenAES    struct{ object }
	tokenMAC    struct{ object }
	tokenSigner struct {
		object
		public crypto.PublicKey
	}
	tokenRSA struct{ tokenSigner }
)

const gcmNonce, gcmTag = 12, 16

// Scheme implements Wrapper.
func (*tokenAES) Scheme() string { return "aes-gcm" }

// Wrap implements Wrapper. The result is the nonce and what C_Encrypt gives.
func (k *tokenAES) Wrap(ctx context.Context, secret []byte) (out []byte, err error) {
	err = k.use(ctx, "C_Encrypt", func(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
		nonce, err := k.token.module.ctx.GenerateRandom(s, gcmNonce)
		if err != nil {
			return err
		}
		p := pkcs11.NewGCMParams(nonce, nil, gcmTag*8)
		defer p.Free()
		if err := k.token.module.ctx.EncryptInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, p)}, o); err != nil {
			return err
		}
		sealed, err := k.token.module.ctx.Encrypt(s, secret)
		if err != nil {
			return err
		}
		if own := p.IV(); len(own) == gcmNonce { // the token may insist on its own
			nonce = own
		}
		out = append(append([]byte{}, nonce...), sealed...)
		return nil
	})
	return out, err
}

// Unwrap implements Wrapper.
func (k *tokenAES) Unwrap(ctx context.Context, wrapped []byte) (out []byte, err error) {
	if len(wrapped) < gcmNonce+gcmTag {
		return nil, errors.New("what is to be unwrapped is too short")
	}
	err = k.use(ctx, "C_Decrypt", func(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
		p := pkcs11.NewGCMParams(wrapped[:gcmNonce], nil, gcmTag*8)
		defer p.Free()
		if err := k.token.module.ctx.DecryptInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, p)}, o); err != nil {
			return err
		}
		out, err = k.token.module.ctx.Decrypt(s, wrapped[gcmNonce:])
		return err
	})
	return out, err
}

// Sum implements MAC.
func (k *tokenMAC) Sum(ctx context.Context, message []byte) (out []byte, err error) {
	err = k.use(ctx, "C_Sign", func(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
		if err := k.token.module.ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256_HMAC, nil)}, o); err != nil {
			return err
		}
		out, err = k.token.module.ctx.Sign(s, message)
		return err
	})
	return out, err
}

// Public implements crypto.Signer.
func (k *tokenSigner) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer: ECDSA in ASN.1, RSA PKCS#1 v1.5 and PSS,
// Ed25519 over the message itself.
func (k *tokenSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	m, input, err := k.mechanism(digest, opts)
	if err != nil {
		return nil, err
	}
	var signature []byte
	err = k.use(context.Background(), "C_Sign", func(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
		if err := k.token.module.ctx.SignInit(s, []*pkcs11.Mechanism{m}, o); err != nil {
			return err
		}
		signature, err = k.token.module.ctx.Sign(s, input)
		return err
	})
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_MECHANISM_INVALID)) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	if _, ok := k.public.(*ecdsa.PublicKey); ok {
		half := len(signature) / 2
		return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	}
	return signature, nil
}

// mechanism is how to sign, and what the token is to be given.
func (k *tokenSigner) mechanism(digest []byte, opts crypto.SignerOpts) (*pkcs11.Mechanism, []byte, error) {
	h := opts.HashFunc()
	if h != 0 && len(digest) != h.Size() {
		return nil, nil, fmt.Errorf("the digest has %d bytes, and %s makes %d", len(digest), h, h.Size())
	}
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil), digest, nil
	case ed25519.PublicKey:
		if h != 0 {
			return nil, nil, fmt.Errorf("%w: Ed25519 over a digest", ErrUnsupported)
		}
		return pkcs11.NewMechanism(ckmEdDSA, nil), digest, nil
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return pssMechanism(public, h, pss, digest)
		}
		prefix, ok := digestInfo[h]
		if !ok {
			return nil, nil, fmt.Errorf("%w: RSA PKCS#1 v1.5 with %s", ErrUnsupported, h)
		}
		return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil), append(append([]byte{}, prefix...), digest...), nil
	}
	return nil, nil, ErrUnsupported
}

// digestInfo are the ASN.1 prefixes of RFC 8017, section 9.2.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

func pssMechanism(public *rsa.PublicKey, h crypto.Hash, o *rsa.PSSOptions, digest []byte) (*pkcs11.Mechanism, []byte, error) {
	ids := map[crypto.Hash][2]uint{
		crypto.SHA256: {pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256}, crypto.SHA384: {pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384}, crypto.SHA512: {pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512},
	}
	id, ok := ids[h]
	if !ok {
		return nil, nil, fmt.Errorf("%w: RSA-PSS with %s", ErrUnsupported, h)
	}
	salt := o.SaltLength
	switch salt {
	case rsa.PSSSaltLengthEqualsHash:
		salt = h.Size()
	case rsa.PSSSaltLengthAuto:
		salt = (public.N.BitLen()-1+7)/8 - 2 - h.Size()
	}
	return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_PSS, pkcs11.NewPSSParams(id[0], id[1], uint(salt))), digest, nil
}

// Decrypt implements crypto.Decrypter: PKCS#1 v1.5, and OAEP with SHA-1 or
// SHA-256.
func (k *tokenRSA) Decrypt(_ io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	m := pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil)
	if o, ok := opts.(*rsa.OAEPOptions); ok {
		p, err := oaep(o.Hash, o.Label)
		if err != nil {
			return nil, err
		}
		m = p
	}
	return k.decrypt(context.Background(), m, message)
}

func (k *tokenRSA) decrypt(ctx context.Context, m *pkcs11.Mechanism, message []byte) (out []byte, err error) {
	err = k.use(ctx, "C_Decrypt", func(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
		if err := k.token.module.ctx.DecryptInit(s, []*pkcs11.Mechanism{m}, o); err != nil {
			return err
		}
		out, err = k.token.module.ctx.Decrypt(s, message)
		return err
	})
	return out, err
}

func oaep(h crypto.Hash, label []byte) (*pkcs11.Mechanism, error) {
	ids := map[crypto.Hash][2]uint{crypto.SHA1: {pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1}, crypto.SHA256: {pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256}}
	id, ok := ids[h]
	if !ok {
		return nil, fmt.Errorf("%w: RSA-OAEP with %s", ErrUnsupported, h)
	}
	return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_OAEP, pkcs11.NewOAEPParams(id[0], id[1], pkcs11.CKZ_DATA_SPECIFIED, label)), nil
}

// The first byte of what a tokenRSA wraps says which hash OAEP took, because
// tokens differ in what they know.
const oaepSHA256, oaepSHA1 = 1, 2

// Scheme implements Wrapper.
func (k *tokenRSA) Scheme() string {
	if scheme, err := k.scheme(context.Background()); err == nil && scheme == oaepSHA256 {
		return "rsa-oaep-sha256"
	}
	return "rsa-oaep-sha1"
}

// scheme is the hash that the token's OAEP knows, which a round trip tells once.
func (k *tokenRSA) scheme(ctx context.Context) (byte, error) {
	k.token.mu.Lock()
	known := k.token.oaep
	k.token.mu.Unlock()
	if known != 0 {
		return known, nil
	}
	var err error
	for _, scheme := range []byte{oaepSHA256, oaepSHA1} {
		if err = k.proves(ctx, scheme); err == nil {
			k.token.mu.Lock()
			k.token.oaep = scheme
			k.token.mu.Unlock()
			return scheme, nil
		}
	}
	return 0, fmt.Errorf("the token's RSA-OAEP does not give back what it was given, neither with SHA-256 nor with SHA-1: %w", err)
}

func (k *tokenRSA) proves(ctx context.Context, scheme byte) error {
	message := []byte("round trip")
	sealed, err := k.wrap(scheme, message)
	if err != nil {
		return err
	}
	back, err := k.Unwrap(ctx, sealed)
	if err == nil && !bytes.Equal(back, message) {
		err = errors.New("it gives something else")
	}
	return err
}

// Wrap implements Wrapper. The public half needs no token.
func (k *tokenRSA) Wrap(ctx context.Context, secret []byte) ([]byte, error) {
	scheme, err := k.scheme(ctx)
	if err != nil {
		return nil, err
	}
	return k.wrap(scheme, secret)
}

func (k *tokenRSA) wrap(scheme byte, secret []byte) ([]byte, error) {
	h := map[byte]func() hash.Hash{oaepSHA256: sha256.New, oaepSHA1: sha1.New}[scheme]
	sealed, err := rsa.EncryptOAEP(h(), rand.Reader, k.public.(*rsa.PublicKey), secret, nil)
	return append([]byte{scheme}, sealed...), err
}

// Unwrap implements Wrapper.
func (k *tokenRSA) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 2 || wrapped[0] != oaepSHA256 && wrapped[0] != oaepSHA1 {
		return nil, errors.New("what is to be unwrapped was not wrapped by a key of this kind")
	}
	m, err := oaep(map[byte]crypto.Hash{oaepSHA256: crypto.SHA256, oaepSHA1: crypto.SHA1}[wrapped[0]], nil)
	if err != nil {
		return nil, err
	}
	return k.decrypt(ctx, m, wrapped[1:])
}
