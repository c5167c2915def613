// Package hsmtest is the suite that every token passes.
package hsmtest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remint/remint/remediate/hsm"
)

// Run holds a token to what package hsm promises. The token may hold other
// keys; those that the suite makes are destroyed.
func Run(t *testing.T, token hsm.Token) {
	info := token.Info()
	t.Logf("%s %s %s (%s), assurance %s, kinds %v", info.Manufacturer, info.Model, info.Label, info.Module, info.Assurance, info.Kinds)
	if len(info.Kinds) == 0 || info.Assurance == "" {
		t.Fatalf("the token says nothing of itself: %+v", info)
	}
	t.Run("random", func(t *testing.T) { random(t, token) })
	for _, kind := range info.Kinds {
		if kind == hsm.RSA4096 {
			continue // takes minutes on small tokens, and differs in its size alone
		}
		t.Run(string(kind), func(t *testing.T) { keyOf(t, token, kind) })
	}
	t.Run("missing", func(t *testing.T) { missing(t, token) })
	t.Run("labels", func(t *testing.T) { labels(t, token) })
	t.Run("together", func(t *testing.T) { together(t, token) })
}

func random(t *testing.T, token hsm.Token) {
	a, err := token.Random(t.Context(), 32)
	if err != nil {
		t.Fatal(err)
	}
	b, err := token.Random(t.Context(), 32)
	if err != nil || len(a) != 32 || bytes.Equal(a, b) {
		t.Fatalf("random numbers repeat, or fail: %v", err)
	}
}

// generate makes a key, or skips where the token only says that it could.
func generate(t *testing.T, token hsm.Token, label string, kind hsm.Kind) hsm.Key {
	t.Helper()
	k, err := token.Generate(t.Context(), label, kind)
	if err != nil {
		t.Skipf("the token lists %s and does not make it: %v", kind, err)
	}
	t.Cleanup(func() {
		if err := token.Destroy(context.Background(), label); err != nil && !errors.Is(err, hsm.ErrNotFound) {
			t.Error(err)
		}
	})
	return k
}

func keyOf(t *testing.T, token hsm.Token, kind hsm.Kind) {
	label := "remint test " + string(kind)
	k := generate(t, token, label, kind)
	again, err := token.Key(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []hsm.Key{k, again} {
		if k.Label() != label || k.Kind() != kind || !strings.Contains(k.URI(), "object=") {
			t.Errorf("the key says %q, %s, %s", k.Label(), k.Kind(), k.URI())
		}
	}
	used := false
	if s, ok := again.(crypto.Signer); ok {
		used = true
		signs(t, s)
	}
	if d, ok := again.(crypto.Decrypter); ok {
		used = true
		decrypts(t, d)
	}
	if w, ok := again.(hsm.Wrapper); ok {
		used = true
		wraps(t, w)
	}
	if m, ok := again.(hsm.MAC); ok {
		used = true
		authenticates(t, m)
	}
	if !used {
		t.Error("the key is of no use")
	}
	if _, err := token.Generate(t.Context(), label, kind); !errors.Is(err, hsm.ErrExists) {
		t.Errorf("a second key of one label: %v", err)
	}
	if err := token.Destroy(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Key(t.Context(), label); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("a destroyed key: %v", err)
	}
}

func signs(t *testing.T, s crypto.Signer) {
	t.Helper()
	message := []byte("what is signed")
	digest := sha256.Sum256(message)
	switch public := s.Public().(type) {
	case *ecdsa.PublicKey:
		signature, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(public, digest[:], signature) {
			t.Errorf("ECDSA: %v", err)
		}
	case ed25519.PublicKey:
		signature, err := s.Sign(rand.Reader, message, crypto.Hash(0))
		if err != nil || !ed25519.Verify(public, message, signature) {
			t.Errorf("Ed25519: %v", err)
		}
	case *rsa.PublicKey:
		signature, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) != nil {
			t.Errorf("RSA PKCS#1 v1.5: %v", err)
		}
		o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		signature, err = s.Sign(rand.Reader, digest[:], o)
		if errors.Is(err, hsm.ErrUnsupported) {
			t.Log("the token does not sign with RSA-PSS")
		} else if err != nil || rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, o) != nil {
			t.Errorf("RSA-PSS: %v", err)
		}
	default:
		t.Errorf("a public key of type %T", public)
	}
	if _, err := s.Sign(rand.Reader, digest[:5], crypto.SHA256); err == nil {
		t.Error("a digest of the wrong length is signed")
	}
}

func decrypts(t *testing.T, d crypto.Decrypter) {
	t.Helper()
	public, ok := d.Public().(*rsa.PublicKey)
	if !ok {
		t.Fatalf("a decrypter of type %T", d.Public())
	}
	// SHA-1, because some tokens know no other for OAEP.
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA1})
	if err != nil || string(got) != "secret" {
		t.Errorf("OAEP: %q, %v", got, err)
	}
}

func wraps(t *testing.T, w hsm.Wrapper) {
	t.Helper()
	if w.Scheme() == "" {
		t.Error("the scheme is not said")
	}
	longest := hsm.MaxWrap
	if w.Kind() == hsm.RSA2048 {
		longest = 190
	}
	for _, n := range []int{0, 1, 32, longest} {
		secret := bytes.Repeat([]byte{7}, n)
		wrapped, err := w.Wrap(t.Context(), secret)
		if err != nil {
			t.Fatalf("wrap %d bytes: %v", n, err)
		}
		if n >= 16 && bytes.Contains(wrapped, secret) {
			t.Error("the secret stands in what was wrapped")
		}
		got, err := w.Unwrap(t.Context(), wrapped)
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("unwrap %d bytes (%s): %v", n, w.Scheme(), err)
		}
		for _, at := range []int{0, len(wrapped) / 2, len(wrapped) - 1} {
			bad := slices.Clone(wrapped)
			bad[at] ^= 1
			if got, err := w.Unwrap(t.Context(), bad); err == nil && (n > 0 || len(got) > 0) {
				t.Errorf("what was changed at %d is unwrapped", at)
			}
		}
		if _, err := w.Unwrap(t.Context(), wrapped[:len(wrapped)/2]); err == nil {
			t.Error("what was cut is unwrapped")
		}
	}
	if _, err := w.Unwrap(t.Context(), nil); err == nil {
		t.Error("nothing is unwrapped")
	}
}

func authenticates(t *testing.T, m hsm.MAC) {
	t.Helper()
	a, err := m.Sum(t.Context(), []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Sum(t.Context(), []byte("message"))
	c, errC := m.Sum(t.Context(), []byte("another"))
	if err != nil || errC != nil || len(a) != 32 || !bytes.Equal(a, b) || bytes.Equal(a, c) {
		t.Errorf("HMAC-SHA-256: %v %v", err, errC)
	}
}

func missing(t *testing.T, token hsm.Token) {
	if _, err := token.Key(t.Context(), "remint test nobody"); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
	if err := token.Destroy(t.Context(), "remint test nobody"); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("destroy a key that is not there: %v", err)
	}
}

func labels(t *testing.T, token hsm.Token) {
	for _, bad := range []string{"", "a\nb", strings.Repeat("x", 256)} {
		if _, err := token.Generate(t.Context(), bad, token.Info().Kinds[0]); err == nil {
			t.Errorf("the label %q is taken", bad)
		}
	}
	kind := token.Info().Kinds[0]
	if slices.Contains(token.Info().Kinds, hsm.ECP256) {
		kind = hsm.ECP256 // the quickest
	}
	for _, good := range []string{"remint test a/b c;d=e", "remint test ü"} {
		generate(t, token, good, kind)
		if k, err := token.Key(t.Context(), good); err != nil || k.Label() != good {
			t.Errorf("the label %q: %v", good, err)
		}
	}
}

// together uses one key from many goroutines.
func together(t *testing.T, token hsm.Token) {
	kind := token.Info().Kinds[0]
	label := "remint test together"
	generate(t, token, label, kind)
	k, err := token.Key(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	w, ok := k.(hsm.Wrapper)
	if !ok {
		t.Skip("the first kind does not wrap")
	}
	var all sync.WaitGroup
	failed := make(chan error, 64)
	for i := range 32 {
		all.Go(func() {
			secret := fmt.Appendf(nil, "secret %d", i)
			wrapped, err := w.Wrap(t.Context(), secret)
			if err == nil {
				var got []byte
				if got, err = w.Unwrap(t.Context(), wrapped); err == nil && !bytes.Equal(got, secret) {
					err = errors.New("another's secret came out")
				}
			}
			if err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}
