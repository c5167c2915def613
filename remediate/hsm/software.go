package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"golang.org/x/crypto/scrypt"
)

// Software is the stand-in for a token: a file of keys that a passphrase seals.
// Its assurance is AssuranceSoftware.
type Software struct {
	path string
	mu   sync.Mutex
	seal *subtle.AESGCM
	file softwareFile
	keys map[string]softwareKey
}

// softwareFile is the file: format, scrypt's parameters, and the sealed keys.
type softwareFile struct {
	Format  string `json:"format"`
	N       int    `json:"scrypt_n"`
	R       int    `json:"scrypt_r"`
	P       int    `json:"scrypt_p"`
	Salt    []byte `json:"salt"`
	Sealed  []byte `json:"sealed"`
	Warning string `json:"warning"`
}

const (
	softwareFormat  = "remint-software-token/1"
	softwareWarning = "Keys in this file are protected by a passphrase alone: whoever has both has the keys."
	// scrypt with N = 2^15 takes some 50 ms and 32 MB; RFC 7914.
	scryptN, scryptR, scryptP = 1 << 15, 8, 1
	scryptRandomN             = 1 << 10
	maxScryptN                = 1 << 22
)

// softwareKey is a key as it is stored: raw bytes, or PKCS#8.
type softwareKey struct {
	Kind     Kind   `json:"kind"`
	Material []byte `json:"material"`
}

// CreateSoftware makes a new token file that only its owner may read. It fails
// where there is one.
func CreateSoftware(path, passphrase string) (*Software, error) {
	return createSoftware(path, passphrase, scryptN)
}

// CreateSoftwareRandom is CreateSoftware for a passphrase of at least 128
// random bits, which need not be made costly to guess: it opens at once.
func CreateSoftwareRandom(path, passphrase string) (*Software, error) {
	return createSoftware(path, passphrase, scryptRandomN)
}

func createSoftware(path, passphrase string, n int) (*Software, error) {
	salt := make([]byte, 32)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	s := &Software{
		path: path, keys: make(map[string]softwareKey),
		file: softwareFile{Format: softwareFormat, N: n, R: scryptR, P: scryptP, Salt: salt, Warning: softwareWarning},
	}
	if err := s.derive(passphrase); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("make a software token: %w: %s", os.ErrExist, path)
	}
	return s, s.save()
}

// OpenSoftware opens a token file: ErrWrongPIN where the passphrase does not
// fit.
func OpenSoftware(path, passphrase string) (*Software, error) {
	s := &Software{path: path}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.derive(passphrase); err != nil {
		return nil, err
	}
	return s, s.open()
}

func (s *Software) load() error {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("open the software token: %w", err)
	}
	s.file = softwareFile{}
	if err := json.Unmarshal(text, &s.file); err != nil {
		return fmt.Errorf("open the software token %s: %w", s.path, err)
	}
	if f := s.file; f.Format != softwareFormat || f.N < 2 || f.N > maxScryptN || f.R != scryptR || f.P < 1 || f.P > 4 || len(f.Salt) < 16 {
		return fmt.Errorf("open the software token %s: not the format %s", s.path, softwareFormat)
	}
	return nil
}

// derive makes the sealing key of the passphrase.
func (s *Software) derive(passphrase string) error {
	key, err := scrypt.Key([]byte(passphrase), s.file.Salt, s.file.N, s.file.R, s.file.P, 32)
	if err != nil {
		return err
	}
	s.seal, err = subtle.NewAESGCM(key)
	return err
}

func (s *Software) open() error {
	text, err := s.seal.Decrypt(s.file.Sealed, []byte(softwareFormat))
	if err != nil {
		return ErrWrongPIN
	}
	s.keys = make(map[string]softwareKey)
	return json.Unmarshal(text, &s.keys)
}

// save writes the file beside and renames it.
func (s *Software) save() error {
	text, err := json.Marshal(s.keys)
	if err != nil {
		return err
	}
	if s.file.Sealed, err = s.seal.Encrypt(text, []byte(softwareFormat)); err != nil {
		return err
	}
	out, err := json.MarshalIndent(s.file, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.path, append(out, '\n'))
}

// Info implements Token.
func (s *Software) Info() Info {
	return Info{Label: "software", Manufacturer: "remint", Model: "file", Serial: s.path, Assurance: AssuranceSoftware, Kinds: Kinds()}
}

// Generate implements Token.
func (s *Software) Generate(ctx context.Context, label string, kind Kind) (Key, error) {
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	material, err := generate(kind)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func() error {
		if _, ok := s.keys[label]; ok {
			return ErrExists
		}
		s.keys[label] = softwareKey{kind, material}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Key(ctx, label)
}

// change applies a change to what is in the file now, and writes it; other
// processes wait.
func (s *Software) change(ctx context.Context, apply func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := lockFile(ctx, s.path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	salt := s.file.Salt
	if err := s.load(); err != nil {
		return err
	}
	if !slices.Equal(salt, s.file.Salt) {
		return errors.New("the software token was made anew meanwhile: open it again")
	}
	if err := s.open(); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return err
	}
	return s.save()
}

func checkLabel(label string) error {
	if label == "" || len(label) > 255 || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%q is no label for a key: want 1 to 255 bytes without control characters", label)
	}
	return nil
}

// generate makes key material.
func generate(kind Kind) ([]byte, error) {
	switch kind {
	case AES256, HMACSHA256:
		b := make([]byte, 32)
		_, err := rand.Read(b)
		return b, err
	case RSA2048, RSA3072, RSA4096:
		k, err := rsa.GenerateKey(rand.Reader, rsaBits(kind))
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(k)
	case ECP256, ECP384, ECP521:
		k, err := ecdsa.GenerateKey(curveOf(kind), rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(k)
	case Ed25519:
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(k)
	}
	return nil, fmt.Errorf("%w: make a key of kind %s", ErrUnsupported, kind)
}

func rsaBits(kind Kind) int {
	return map[Kind]int{RSA2048: 2048, RSA3072: 3072, RSA4096: 4096}[kind]
}

func curveOf(kind Kind) elliptic.Curve {
	return map[Kind]elliptic.Curve{ECP256: elliptic.P256(), ECP384: elliptic.P384(), ECP521: elliptic.P521()}[kind]
}

// Key implements Token.
func (s *Software) Key(_ context.Context, label string) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[label]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, label)
	}
	return newSoftwareKey(label, k)
}

// Keys implements Token.
func (s *Software) Keys(ctx context.Context) ([]Key, error) {
	s.mu.Lock()
	var labels []string
	for label := range s.keys {
		labels = append(labels, label)
	}
	s.mu.Unlock()
	slices.Sort(labels)
	var all []Key
	for _, label := range labels {
		k, err := s.Key(ctx, label)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// Destroy implements Token.
func (s *Software) Destroy(ctx context.Context, label string) error {
	return s.change(ctx, func() error {
		if _, ok := s.keys[label]; !ok {
			return fmt.Errorf("%w: %s", ErrNotFound, label)
		}
		delete(s.keys, label)
		return nil
	})
}

// Random implements Token.
func (s *Software) Random(_ context.Context, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return b, err
}

// Close implements Token.
func (s *Software) Close() error { return nil }

// The keys of the stand-in.
type (
	named struct {
		label string
		kind  Kind
	}
	softwareAES struct {
		named
		aead *subtle.AESGCM
	}
	softwareMAC struct {
		named
		key []byte
	}
	softwareSigner struct {
		named
		crypto.Signer
	}
	softwareRSA struct {
		named
		*rsa.PrivateKey
	}
)

func (n named) Label() string { return n.label }
func (n named) Kind() Kind    { return n.kind }
func (n named) URI() string   { return "software:object=" + escape(n.label) }

func newSoftwareKey(label string, k softwareKey) (Key, error) {
	n := named{label, k.Kind}
	switch k.Kind {
	case AES256:
		aead, err := subtle.NewAESGCM(k.Material)
		return &softwareAES{n, aead}, err
	case HMACSHA256:
		return &softwareMAC{n, k.Material}, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(k.Material)
	if err != nil {
		return nil, fmt.Errorf("key %s of the software token: %w", label, err)
	}
	switch private := private.(type) {
	case *rsa.PrivateKey:
		return &softwareRSA{n, private}, nil
	case crypto.Signer:
		return &softwareSigner{n, private}, nil
	}
	return nil, fmt.Errorf("key %s of the software token: %T is no key that signs", label, private)
}

func (*softwareAES) Scheme() string { return "aes-gcm" }

func (k *softwareAES) Wrap(_ context.Context, secret []byte) ([]byte, error) {
	return k.aead.Encrypt(secret, nil)
}

func (k *softwareAES) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	return k.aead.Decrypt(wrapped, nil)
}

// Sign implements crypto.Signer; a digest must be as long as its hash makes it.
func (k *softwareSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if h := opts.HashFunc(); h != 0 && len(digest) != h.Size() {
		return nil, fmt.Errorf("the digest has %d bytes, and %s makes %d", len(digest), h, h.Size())
	}
	return k.Signer.Sign(random, digest, opts)
}

func (k *softwareMAC) Sum(_ context.Context, message []byte) ([]byte, error) {
	m := hmac.New(sha256.New, k.key)
	m.Write(message)
	return m.Sum(nil), nil
}

func (*softwareRSA) Scheme() string { return "rsa-oaep-sha256" }

func (k *softwareRSA) Wrap(_ context.Context, secret []byte) ([]byte, error) {
	return rsa.EncryptOAEP(sha256.New(), rand.Reader, &k.PublicKey, secret, nil)
}

func (k *softwareRSA) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	return rsa.DecryptOAEP(sha256.New(), nil, k.PrivateKey, wrapped, nil)
}
