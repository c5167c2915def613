// Package vaulttest is the suite that every store passes.
package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
)

// Key is a wrapping key of a software token, for tests.
func Key(t testing.TB) hsm.Wrapper {
	t.Helper()
	token, err := hsm.CreateSoftware(filepath.Join(t.TempDir(), "token.json"), "for a test") // remint:allow[go-hardcoded-pw] for tests
	if err != nil {
		t.Fatal(err)
	}
	k, err := token.Generate(t.Context(), "wrapping", hsm.AES256)
	if err != nil {
		t.Fatal(err)
	}
	return k.(hsm.Wrapper)
}

// Run holds a store to what package vault promises. open returns a new handle
// on the same empty store each time.
func Run(t *testing.T, open func(testing.TB) vault.Store) {
	first, second := open(t), open(t)
	key := Key(t)
	v, other := vault.New(first, key, hsm.AssuranceSoftware), vault.New(second, key, hsm.AssuranceSoftware)
	t.Run("versions", func(t *testing.T) { versions(t, v, other) })
	t.Run("metadata", func(t *testing.T) { metadata(t, v) })
	t.Run("values", func(t *testing.T) { values(t, v) })
	t.Run("delete", func(t *testing.T) { remove(t, v) })
	t.Run("binding", func(t *testing.T) { binding(t, v) })
	t.Run("names", func(t *testing.T) { names(t, v) })
	t.Run("together", func(t *testing.T) { together(t, v, other) })
}

func put(t *testing.T, v *vault.Vault, name, value string, expect int) int {
	t.Helper()
	n, err := v.Put(t.Context(), name, []byte(value), vault.Metadata{}, expect)
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	return n
}

func versions(t *testing.T, v, other *vault.Vault) {
	const name = "suite/versions"
	if _, _, err := v.Get(t.Context(), name, 0); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
	if n := put(t, v, name, "one", 0); n != 1 {
		t.Errorf("the first version is %d", n)
	}
	var conflict *vault.ConflictError
	if _, err := v.Put(t.Context(), name, []byte("x"), vault.Metadata{}, 0); !errors.As(err, &conflict) || conflict.Current != 1 {
		t.Errorf("a new entry over one that is there: %v", err)
	}
	if n := put(t, other, name, "two", 1); n != 2 {
		t.Errorf("the second version is %d", n)
	}
	if _, err := v.Put(t.Context(), name, []byte("x"), vault.Metadata{}, 1); !errors.As(err, &conflict) {
		t.Errorf("a version that is not current any more: %v", err)
	}
	put(t, v, name, "three", vault.Any)
	for version, want := range map[int]string{0: "three", 1: "one", 2: "two", 3: "three"} {
		got, e, err := other.Get(t.Context(), name, version)
		if err != nil || string(got) != want || version > 0 && e.Version != version {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, _, err := v.Get(t.Context(), name, 4); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a version that is not there: %v", err)
	}
	all, err := v.Store.Versions(t.Context(), name)
	if err != nil || len(all) != 3 || all[0].Version != 1 || all[2].Version != 3 || all[0].Created.IsZero() {
		t.Errorf("versions: %+v, %v", all, err)
	}
}

func metadata(t *testing.T, v *vault.Vault) {
	want := vault.Metadata{Scope: []byte(`[{"type":"payments","actions":["read"]}]`), Provider: "stripe", Policy: "every 30d", Origin: "0123", State: "leaked"}
	if _, err := v.Put(t.Context(), "suite/metadata", []byte("value"), want, 0); err != nil {
		t.Fatal(err)
	}
	all, err := v.Store.List(t.Context(), "suite/meta")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	got := all[0].Metadata
	if string(got.Scope) != string(want.Scope) || got.Provider != want.Provider || got.Policy != want.Policy || got.Origin != want.Origin || got.State != want.State {
		t.Errorf("metadata: %+v", got)
	}
	if got.Assurance != hsm.AssuranceSoftware || got.WrappedBy == "" || got.Scheme == "" {
		t.Errorf("how it is sealed is not said: %+v", got)
	}
	if len(all[0].Sealed) > 0 {
		t.Error("a list holds what is sealed")
	}
}

func values(t *testing.T, v *vault.Vault) {
	for i, value := range [][]byte{{0}, []byte("a\x00b\nc\xff"), bytes.Repeat([]byte{'x'}, 100000)} {
		name := fmt.Sprintf("suite/values/%d", i)
		if _, err := v.Put(t.Context(), name, value, vault.Metadata{}, 0); err != nil {
			t.Fatal(err)
		}
		got, _, err := v.Get(t.Context(), name, 0)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("a value of %d bytes comes back otherwise: %v", len(value), err)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, vault.MaxSecret+1)} {
		if _, err := v.Put(t.Context(), "suite/values/bad", bad, vault.Metadata{}, 0); err == nil {
			t.Errorf("a value of %d bytes is taken", len(bad))
		}
	}
}

func remove(t *testing.T, v *vault.Vault) {
	const name = "suite/delete"
	for _, value := range []string{"one", "two"} {
		put(t, v, name, value, vault.Any)
	}
	if err := v.Store.Delete(t.Context(), name, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Get(t.Context(), name, 1); !errors.Is(err, vault.ErrDeleted) {
		t.Errorf("a deleted version: %v", err)
	}
	if got, _, err := v.Get(t.Context(), name, 0); err != nil || string(got) != "two" {
		t.Errorf("the version beside it: %v", err)
	}
	if err := v.Store.Delete(t.Context(), name, 0); err != nil {
		t.Fatal(err)
	}
	if all, err := v.Store.List(t.Context(), name); err != nil || len(all) != 0 {
		t.Errorf("a deleted entry is listed: %v, %v", all, err)
	}
	if n := put(t, v, name, "three", vault.Any); n != 3 {
		t.Errorf("after a deletion the version is %d", n)
	}
	if err := v.Store.Delete(t.Context(), "suite/nobody", 0); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("delete what is not there: %v", err)
	}
}

// binding writes what is sealed for one place at another.
func binding(t *testing.T, v *vault.Vault) {
	put(t, v, "suite/bound/a", "value of a", 0)
	put(t, v, "suite/bound/b", "value of b", 0)
	a, err := v.Store.Get(t.Context(), "suite/bound/a", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*vault.Entry){
		func(e *vault.Entry) { e.Name, e.Version = "suite/bound/b", 2 },
		func(e *vault.Entry) { e.Version = 2 },
		func(e *vault.Entry) { e.Version, e.Metadata.Scope = 3, []byte(`{"wider":true}`) },
		func(e *vault.Entry) { e.Version = 4; e.Sealed = append([]byte(nil), e.Sealed[:len(e.Sealed)-1]...) },
	} {
		e := a
		change(&e)
		if err := v.Store.Put(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Get(t.Context(), e.Name, e.Version); !errors.Is(err, vault.ErrTampered) {
			t.Errorf("what was sealed elsewhere opens as %s, version %d: %v", e.Name, e.Version, err)
		}
	}
}

func names(t *testing.T, v *vault.Vault) {
	for _, bad := range []string{"", "/a", "a/", "a//b", "../a", "a b", "a\nb", "ä", ".hidden"} {
		if _, err := v.Put(t.Context(), bad, []byte("x"), vault.Metadata{}, 0); err == nil {
			t.Errorf("the name %q is taken", bad)
		}
	}
	for _, n := range []string{"suite/list/b", "suite/list/a", "suite/listed"} {
		put(t, v, n, "x", 0)
	}
	all, err := v.Store.List(t.Context(), "suite/list/")
	if err != nil || len(all) != 2 || all[0].Name != "suite/list/a" || all[1].Name != "suite/list/b" {
		t.Errorf("list: %+v, %v", all, err)
	}
}

// together writes one entry from two handles at once: no version is lost.
func together(t *testing.T, v, other *vault.Vault) {
	const name, each = "suite/together", 10
	var all sync.WaitGroup
	for _, w := range []*vault.Vault{v, other} {
		all.Go(func() {
			for i := range each {
				if _, err := w.Put(t.Context(), name, fmt.Appendf(nil, "%d", i), vault.Metadata{}, vault.Any); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := v.Store.Versions(t.Context(), name)
	if err != nil || len(got) != 2*each {
		t.Errorf("%d versions of %d, %v", len(got), 2*each, err)
	}
}
