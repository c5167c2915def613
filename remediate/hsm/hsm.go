// Package hsm holds keys that do not leave their token: through PKCS#11 (cgo),
// or in a software stand-in that says what it is.
//
// Keys are named by RFC 7512 URIs. What a token can do differs: callers ask a
// Key for crypto.Signer, crypto.Decrypter, Wrapper or MAC, and Info for what
// there is.
package hsm

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Assurance says how well key material is protected.
type Assurance string

// The assurances, the best first.
const (
	AssuranceHSM      Assurance = "hsm"      // a hardware module
	AssuranceTPM      Assurance = "tpm"      // a platform module
	AssuranceEmulated Assurance = "emulated" // a module in software: SoftHSM, an emulated TPM
	AssuranceSoftware Assurance = "software" // a file
)

// AtLeast tells whether an assurance is as good as another.
func (a Assurance) AtLeast(other Assurance) bool {
	order := []Assurance{AssuranceSoftware, AssuranceEmulated, AssuranceTPM, AssuranceHSM}
	return slices.Index(order, a) >= slices.Index(order, other)
}

// ParseAssurance reads hsm, tpm, emulated or software.
func ParseAssurance(s string) (Assurance, error) {
	switch a := Assurance(s); a {
	case AssuranceHSM, AssuranceTPM, AssuranceEmulated, AssuranceSoftware:
		return a, nil
	}
	return "", fmt.Errorf("unknown assurance %q: want hsm, tpm, emulated or software", s)
}

// Kind is what a key is for and how long it is.
type Kind string

// The kinds.
const (
	AES256     Kind = "aes-256"
	HMACSHA256 Kind = "hmac-sha256"
	RSA2048    Kind = "rsa-2048"
	RSA3072    Kind = "rsa-3072"
	RSA4096    Kind = "rsa-4096"
	ECP256     Kind = "ec-p256"
	ECP384     Kind = "ec-p384"
	ECP521     Kind = "ec-p521"
	Ed25519    Kind = "ed25519"
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{AES256, HMACSHA256, RSA2048, RSA3072, RSA4096, ECP256, ECP384, ECP521, Ed25519}
}

// ParseKind reads a kind.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); slices.Contains(Kinds(), k) {
		return k, nil
	}
	return "", fmt.Errorf("unknown kind of key %q: want one of %v", s, Kinds())
}

// Info is what a token says of itself.
type Info struct {
	Label, Manufacturer, Model, Serial string
	Module                             string // the library's path; "" for the stand-in
	Assurance                          Assurance
	// Kinds are the kinds of key that the token says it can make.
	Kinds []Kind
}

// Token is a device, or what stands in for one. It may be used by several
// goroutines.
type Token interface {
	Info() Info
	// Generate makes a key that does not leave the token. The label must be
	// new.
	Generate(ctx context.Context, label string, kind Kind) (Key, error)
	// Key finds a key by its label: ErrNotFound where there is none.
	Key(ctx context.Context, label string) (Key, error)
	Keys(ctx context.Context) ([]Key, error)
	Destroy(ctx context.Context, label string) error
	// Random returns n bytes of the token's own random numbers.
	Random(ctx context.Context, n int) ([]byte, error)
	Close() error
}

// Options say how to open a token.
type Options struct {
	// URI names the token, and its module where it is not found by itself.
	URI URI
	PIN PIN
}

// Found is a token of this machine.
type Found struct {
	Info
	URI         URI
	Initialized bool
}

// Key is a key in a token. What it can do is asked for with crypto.Signer,
// crypto.Decrypter, Wrapper and MAC.
type Key interface {
	Label() string
	Kind() Kind
	// URI names the key as in RFC 7512; the stand-in's begin with "software:".
	URI() string
}

// Wrapper is a key that seals small secrets: data keys.
type Wrapper interface {
	Key
	// Scheme is how: "aes-gcm", "rsa-oaep-sha256" or "rsa-oaep-sha1". It is
	// written beside what was wrapped.
	Scheme() string
	Wrap(ctx context.Context, secret []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// MAC is a key that authenticates: HMAC-SHA-256.
type MAC interface {
	Key
	Sum(ctx context.Context, message []byte) ([]byte, error)
}

// MaxWrap is the longest secret that every Wrapper takes, in bytes: what
// RSA-3072 with OAEP and SHA-256 does.
const MaxWrap = 318

// Errors that callers tell apart.
var (
	ErrNotFound    = errors.New("no such key in the token")
	ErrExists      = errors.New("the token has a key of that label already")
	ErrUnsupported = errors.New("the token cannot do that")
	ErrWrongPIN    = errors.New("the PIN is wrong; it was tried once and is not tried again, because tokens lock")
	ErrNoToken     = errors.New("no token")
)
