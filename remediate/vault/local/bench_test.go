package local_test

import (
	"path/filepath"
	"testing"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/remediate/vault/local"
	"github.com/remint/remint/remediate/vault/vaulttest"
)

// BenchmarkList100k opens a vault of 100,000 entries, verifies it and lists
// them all.
func BenchmarkList100k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "vault.db")
	if err := create(b, path).Fill(100000); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, _, err := local.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Unlock(b.Context(), macKey); err != nil {
			b.Fatal(err)
		}
		all, err := s.List(b.Context(), "")
		if err != nil || len(all) != 100000 {
			b.Fatal(len(all), err)
		}
		_ = s.Close()
	}
}

// BenchmarkPut and BenchmarkGet seal and open a value of 32 bytes under the
// stand-in's key.
func BenchmarkPut(b *testing.B) {
	v := vault.New(create(b, filepath.Join(b.TempDir(), "vault.db")), vaulttest.Key(b), hsm.AssuranceSoftware)
	for b.Loop() {
		if _, err := v.Put(b.Context(), "a", make([]byte, 32), vault.Metadata{}, vault.Any); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	v := vault.New(create(b, filepath.Join(b.TempDir(), "vault.db")), vaulttest.Key(b), hsm.AssuranceSoftware)
	if _, err := v.Put(b.Context(), "a", make([]byte, 32), vault.Metadata{}, vault.Any); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := v.Get(b.Context(), "a", 0); err != nil {
			b.Fatal(err)
		}
	}
}
