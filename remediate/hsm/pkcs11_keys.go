//go:build cgo

package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/miekg/pkcs11"
)

// Random implements Token.
func (t *token) Random(ctx context.Context, n int) (out []byte, err error) {
	err = t.do(ctx, patience, "C_GenerateRandom", func(s pkcs11.SessionHandle) error {
		out, err = t.module.ctx.GenerateRandom(s, n)
		return err
	})
	return out, err
}

// attributes of what stays in the token.
func kept(label string, id []byte) []*pkcs11.Attribute {
	return []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
}

// Generate implements Token. What the token made is read back, and destroyed
// where it could leave.
func (t *token) Generate(ctx context.Context, label string, kind Kind) (Key, error) {
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	if !slices.Contains(t.info.Kinds, kind) {
		return nil, fmt.Errorf("%w: token %s makes no %s keys; it makes %v", ErrUnsupported, t.info.Label, kind, t.info.Kinds)
	}
	if _, err := t.Key(ctx, label); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrExists, label)
	} else if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	err := t.do(ctx, patienceGenerate, "C_GenerateKey", func(s pkcs11.SessionHandle) error {
		private, public, err := t.generate(s, label, id, kind)
		if err != nil {
			return err
		}
		if err := t.readBack(s, private); err != nil {
			_ = t.module.ctx.DestroyObject(s, private)
			if public != 0 {
				_ = t.module.ctx.DestroyObject(s, public)
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make a %s key in the token %s: %w", kind, t.info.Label, err)
	}
	k, err := t.Key(ctx, label)
	if errors.Is(err, ErrNotFound) { // it was made, and what the token says of it cannot be read
		return nil, errors.Join(fmt.Errorf("%w: the token %s makes %s keys, and does not say their public half as it should", ErrUnsupported, t.info.Label, kind),
			t.destroy(ctx, label))
	}
	return k, err
}

func (t *token) generate(s pkcs11.SessionHandle, label string, id []byte, kind Kind) (private, public pkcs11.ObjectHandle, err error) {
	attribute := pkcs11.NewAttribute
	mechanism := func(m uint) []*pkcs11.Mechanism { return []*pkcs11.Mechanism{pkcs11.NewMechanism(m, nil)} }
	open := []*pkcs11.Attribute{
		attribute(pkcs11.CKA_TOKEN, true), attribute(pkcs11.CKA_VERIFY, true), attribute(pkcs11.CKA_LABEL, label), attribute(pkcs11.CKA_ID, id),
	}
	secret := kept(label, id)
	switch kind {
	case AES256:
		secret = append(secret, attribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), attribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
			attribute(pkcs11.CKA_VALUE_LEN, 32), attribute(pkcs11.CKA_ENCRYPT, true), attribute(pkcs11.CKA_DECRYPT, true))
		private, err = t.module.ctx.GenerateKey(s, mechanism(pkcs11.CKM_AES_KEY_GEN), secret)
		return private, 0, err
	case HMACSHA256:
		secret = append(secret, attribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), attribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
			attribute(pkcs11.CKA_VALUE_LEN, 32), attribute(pkcs11.CKA_SIGN, true), attribute(pkcs11.CKA_VERIFY, true))
		private, err = t.module.ctx.GenerateKey(s, mechanism(pkcs11.CKM_GENERIC_SECRET_KEY_GEN), secret)
		return private, 0, err
	case RSA2048, RSA3072, RSA4096:
		open = append(open, attribute(pkcs11.CKA_ENCRYPT, true), attribute(pkcs11.CKA_MODULUS_BITS, rsaBits(kind)), attribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
		secret = append(secret, attribute(pkcs11.CKA_SIGN, true), attribute(pkcs11.CKA_DECRYPT, true))
		public, private, err = t.module.ctx.GenerateKeyPair(s, mechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN), open, secret)
		return private, public, err
	}
	parameters, err := asn1.Marshal(curveOIDs[kind])
	if err != nil {
		return 0, 0, err
	}
	m := uint(pkcs11.CKM_EC_KEY_PAIR_GEN)
	if kind == Ed25519 {
		m = ckmEdwards
		parameters, err = asn1.MarshalWithParams("edwards25519", "printable")
		if err != nil {
			return 0, 0, err
		}
	}
	open = append(open, attribute(pkcs11.CKA_EC_PARAMS, parameters))
	secret = append(secret, attribute(pkcs11.CKA_SIGN, true))
	public, private, err = t.module.ctx.GenerateKeyPair(s, mechanism(m), open, secret)
	return private, public, err
}

// curveOIDs are those of RFC 5480 and RFC 8410.
var curveOIDs = map[Kind]asn1.ObjectIdentifier{
	ECP256: {1, 2, 840, 10045, 3, 1, 7}, ECP384: {1, 3, 132, 0, 34}, ECP521: {1, 3, 132, 0, 35}, Ed25519: {1, 3, 101, 112},
}

// readBack asks the token whether it keeps a key as it was told to.
func (t *token) readBack(s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
	got, err := t.module.ctx.GetAttributeValue(s, o, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, nil),
	})
	if err != nil {
		return fmt.Errorf("read back what was made: %w", err)
	}
	for i, want := range []bool{true, false, true} {
		if len(got[i].Value) != 1 || (got[i].Value[0] != 0) != want {
			return errors.New("the token does not keep the key to itself (CKA_SENSITIVE, CKA_EXTRACTABLE or CKA_TOKEN is not as asked), so it was destroyed")
		}
	}
	return nil
}

// find returns the objects of a class; label may be empty.
func (t *token) find(s pkcs11.SessionHandle, class uint, label string) ([]pkcs11.ObjectHandle, error) {
	want := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}
	if label != "" {
		want = append(want, pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
	}
	if err := t.module.ctx.FindObjectsInit(s, want); err != nil {
		return nil, err
	}
	var all []pkcs11.ObjectHandle
	for {
		found, _, err := t.module.ctx.FindObjects(s, 64)
		if err != nil {
			_ = t.module.ctx.FindObjectsFinal(s)
			return nil, err
		}
		if len(found) == 0 {
			break
		}
		all = append(all, found...)
	}
	return all, t.module.ctx.FindObjectsFinal(s)
}

// Key implements Token.
func (t *token) Key(ctx context.Context, label string) (Key, error) {
	if label == "" {
		return nil, fmt.Errorf("%w: a key without a label", ErrNotFound)
	}
	all, err := t.keys(ctx, label)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, fmt.Errorf("%w: %s in %s", ErrNotFound, label, t.info.Label)
	case len(all) > 1:
		return nil, fmt.Errorf("the token %s has %d keys labelled %s: one must be renamed", t.info.Label, len(all), label)
	}
	return all[0], nil
}

// Keys implements Token.
func (t *token) Keys(ctx context.Context) ([]Key, error) { return t.keys(ctx, "") }

func (t *token) keys(ctx context.Context, label string) (all []Key, err error) {
	err = t.do(ctx, patience, "C_FindObjects", func(s pkcs11.SessionHandle) error {
		all = nil
		for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_SECRET_KEY} {
			found, err := t.find(s, class, label)
			if err != nil {
				return err
			}
			for _, o := range found {
				k, err := t.key(s, class, o)
				if err != nil {
					return err
				}
				if k != nil {
					all = append(all, k)
				}
			}
		}
		return nil
	})
	return all, err
}

// key reads what an object is; nil for what is of no known kind.
func (t *token) key(s pkcs11.SessionHandle, class uint, o pkcs11.ObjectHandle) (Key, error) {
	got, err := t.module.ctx.GetAttributeValue(s, o, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil), pkcs11.NewAttribute(pkcs11.CKA_ID, nil), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, nil),
	})
	if err != nil {
		return nil, err
	}
	k := object{token: t, label: string(got[0].Value), id: got[1].Value, class: class}
	switch number(got[2].Value) {
	case pkcs11.CKK_AES:
		k.kind = AES256
		return &tokenAES{k}, nil
	case pkcs11.CKK_GENERIC_SECRET, pkcs11.CKK_SHA256_HMAC:
		k.kind = HMACSHA256
		return &tokenMAC{k}, nil
	case pkcs11.CKK_RSA, pkcs11.CKK_EC, ckkEdwards:
		public, err := t.public(s, &k, o)
		if err != nil || public == nil {
			return nil, err
		}
		switch public := public.(type) {
		case *rsa.PublicKey:
			k.kind = Kind(fmt.Sprintf("rsa-%d", public.N.BitLen()))
			return &tokenRSA{tokenSigner{k, public}}, nil
		case *ecdsa.PublicKey:
			k.kind = map[elliptic.Curve]Kind{elliptic.P256(): ECP256, elliptic.P384(): ECP384, elliptic.P521(): ECP521}[public.Curve]
		case ed25519.PublicKey:
			k.kind = Ed25519
		}
		return &tokenSigner{k, public}, nil
	}
	return nil, nil
}

// ckkEdwards is CKK_EC_EDWARDS of PKCS#11 3.0.
const ckkEdwards = 0x40

// number reads a CK_ULONG in the machine's byte order, little endian on all
// that remint runs on.
func number(b []byte) (n uint) {
	for i, c := range b {
		n |= uint(c) << (8 * i)
	}
	return n
}

// public reads a private key's public half: from the public object of the same
// ID, or from what the private one tells.
func (t *token) public(s pkcs11.SessionHandle, k *object, private pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	source := private
	found, err := t.find(s, pkcs11.CKO_PUBLIC_KEY, k.label)
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		if got, err := t.module.ctx.GetAttributeValue(s, o, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, nil)}); err == nil && slices.Equal(got[0].Value, k.id) {
			source = o
		}
	}
	if got, err := t.module.ctx.GetAttributeValue(s, source, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
	}); err == nil && len(got[0].Value) > 0 {
		return &rsa.PublicKey{N: new(big.Int).SetBytes(got[0].Value), E: int(new(big.Int).SetBytes(got[1].Value).Int64())}, nil
	}
	got, err := t.module.ctx.GetAttributeValue(s, source, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, nil), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil),
	})
	if err != nil {
		return nil, nil //nolint:nilerr // a key without its public half is of no use here
	}
	return parsePoint(got[0].Value, got[1].Value), nil
}

// parsePoint reads CKA_EC_PARAMS and CKA_EC_POINT; nil where the curve is not
// known.
func parsePoint(parameters, point []byte) crypto.PublicKey {
	var raw []byte
	if rest, err := asn1.Unmarshal(point, &raw); err != nil || len(rest) > 0 {
		raw = point // some tokens leave the octet string's header out
	}
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(parameters, &oid); err != nil || oid.Equal(curveOIDs[Ed25519]) {
		if len(raw) == ed25519.PublicKeySize {
			return ed25519.PublicKey(raw)
		}
		return nil
	}
	for kind, known := range curveOIDs {
		if !oid.Equal(known) {
			continue
		}
		raw := padded(raw, (curveOf(kind).Params().BitSize+7)/8)
		if public, err := ecdsa.ParseUncompressedPublicKey(curveOf(kind), raw); err == nil {
			return public
		}
	}
	return nil
}

// padded gives an uncompressed point's coordinates their full length, which
// some TPMs leave out where they begin with zeros.
func padded(point []byte, size int) []byte {
	if len(point)%2 == 0 || len(point) < 3 || len(point) >= 1+2*size || point[0] != 4 {
		return point
	}
	half := len(point) / 2
	out := make([]byte, 1+2*size)
	out[0] = 4
	copy(out[1+size-half:], point[1:1+half])
	copy(out[1+2*size-half:], point[1+half:])
	return out
}

// Destroy implements Token.
func (t *token) Destroy(ctx context.Context, label string) error {
	if _, err := t.Key(ctx, label); err != nil {
		return err
	}
	err := t.destroy(ctx, label)
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_FUNCTION_FAILED)) && t.module.restart(ctx) {
		// tpm2-pkcs11 holds on to a key with which something failed, until its end.
		t.forget()
		err = t.destroy(ctx, label)
	}
	return err
}

func (t *token) destroy(ctx context.Context, label string) error {
	return t.do(ctx, patience, "C_DestroyObject", func(s pkcs11.SessionHandle) error {
		for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_SECRET_KEY, pkcs11.CKO_PUBLIC_KEY} {
			found, err := t.find(s, class, label)
			if err != nil {
				return err
			}
			for _, o := range found {
				if err := t.module.ctx.DestroyObject(s, o); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
