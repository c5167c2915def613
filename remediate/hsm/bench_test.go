package hsm_test

import (
	"crypto"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"testing"

	"github.com/remint/remint/remediate/hsm"
)

// benchToken measures wrapping, unwrapping and signing in a token.
func benchToken(b *testing.B, token hsm.Token) {
	for _, kind := range []hsm.Kind{hsm.AES256, hsm.RSA3072} {
		if !slices.Contains(token.Info().Kinds, kind) {
			continue
		}
		k, err := token.Generate(b.Context(), "bench "+string(kind), kind)
		if err != nil {
			b.Fatal(err)
		}
		w := k.(hsm.Wrapper)
		wrapped, err := w.Wrap(b.Context(), make([]byte, 34))
		if err != nil {
			b.Fatal(err)
		}
		b.Run("wrap/"+string(kind), func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Wrap(b.Context(), make([]byte, 34)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("unwrap/"+string(kind), func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Unwrap(b.Context(), wrapped); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, kind := range []hsm.Kind{hsm.ECP256, hsm.RSA3072} {
		k, err := token.Generate(b.Context(), "bench sign "+string(kind), kind)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256(nil)
		b.Run("sign/"+string(kind), func(b *testing.B) {
			for b.Loop() {
				if _, err := k.(crypto.Signer).Sign(nil, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSoftware(b *testing.B) {
	s, err := hsm.CreateSoftware(filepath.Join(b.TempDir(), "token.json"), "for a test")
	if err != nil {
		b.Fatal(err)
	}
	benchToken(b, s)
}
