// Package minttest is the suite that every minter passes, against the real
// provider or what stands in for it.
package minttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
)

// Token is a token for tests, which ends with the test.
func Token(t testing.TB) hsm.Token {
	t.Helper()
	token, err := hsm.CreateSoftwareRandom(filepath.Join(t.TempDir(), "token.json"), rand.Text())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = token.Close() })
	return token
}

// Case is a minter with a provider that knows it.
type Case struct {
	Minter mint.Minter
	// Leak makes a credential at the provider, as it would stand in code, and
	// returns the request to replace it. Name and Token are filled in.
	Leak func(t *testing.T) mint.Request
	// Lose, where the provider can be cut off, makes the answer to the next
	// call that makes something get lost after the provider acted.
	Lose func()
	// Check looks whether a new credential may do what was asked for and no
	// more; nil where there are no scopes.
	Check func(t *testing.T, r *mint.Request, m mint.Minted)
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	t.Run("replace", c.replace)
	t.Run("orphan", c.orphan)
	if c.Lose != nil {
		t.Run("lost answer", c.lost)
	}
}

func (c *Case) request(t *testing.T) *mint.Request {
	t.Helper()
	r := c.Leak(t)
	token := make([]byte, 4)
	if _, err := rand.Read(token); err != nil {
		t.Fatal(err)
	}
	r.Name, r.Token = "payments/key-"+hex.EncodeToString(token[:2]), hex.EncodeToString(token)
	if s, ok := c.Minter.(mint.Scoper); ok && len(r.Scope) == 0 {
		scope, err := s.Scope(t.Context(), &r)
		if err != nil {
			t.Fatalf("scope: %v", err)
		}
		if r.Scope = scope; len(scope) == 0 {
			t.Fatal("the leaked credential's scope is empty")
		}
	}
	return &r
}

// mint proposes where the minter does, and mints.
func (c *Case) mint(t *testing.T, r *mint.Request) (mint.Minted, error) {
	t.Helper()
	if p, ok := c.Minter.(mint.Proposer); ok && r.Proposed == nil {
		m, err := p.Propose(t.Context(), r)
		if err != nil {
			t.Fatalf("propose: %v", err)
		}
		r.Proposed = &m
	}
	m, err := c.Minter.Mint(t.Context(), r)
	if err == nil {
		r.Minted = &m
	}
	return m, err
}

// silent fails where an error carries a secret.
func silent(t *testing.T, err error, r *mint.Request, m mint.Minted) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range [][]byte{r.Leaked.Secret, r.Leaked.Value, r.Settings.Admin, m.Value} {
		if len(secret) > 0 && strings.Contains(err.Error(), string(secret)) {
			t.Fatal("an error carries a secret")
		}
	}
}

func (c *Case) replace(t *testing.T) {
	r := c.request(t)
	prover, proves := c.Minter.(mint.Prover)
	if proves {
		if err := prover.Prove(t.Context(), r, r.Leaked.Value); err != nil {
			t.Fatalf("the leaked credential does not work to begin with: %v", err)
		}
	}
	m, err := c.mint(t, r)
	if err != nil {
		silent(t, err, r, m)
		t.Fatalf("mint: %v", err)
	}
	if len(m.Value) == 0 || m.ID == "" {
		t.Fatal("minted without a value or an id")
	}
	if bytes.Equal(m.Value, r.Leaked.Value) || bytes.Contains(m.Value, r.Leaked.Secret) {
		t.Fatal("the new credential has the old secret in it")
	}
	if c.Check != nil {
		c.Check(t, r, m)
	}
	if proves {
		c.proved(t, r, m, prover)
	}
}

// proved proves both, revokes the old one, and looks that only the new one works.
func (c *Case) proved(t *testing.T, r *mint.Request, m mint.Minted, prover mint.Prover) {
	t.Helper()
	if err := prover.Prove(t.Context(), r, m.Value); err != nil {
		silent(t, err, r, m)
		t.Fatalf("the new credential does not work: %v", err)
	}
	ended := m.EndedOld
	if !ended {
		if err := prover.Prove(t.Context(), r, r.Leaked.Value); err != nil {
			t.Fatalf("the old credential stopped working before it was revoked: %v", err)
		}
	}
	revoker, ok := c.Minter.(mint.Revoker)
	if !ok {
		return
	}
	for range 2 { // the second finds it gone, which is success
		if err := revoker.Revoke(t.Context(), r); err != nil {
			silent(t, err, r, m)
			t.Fatalf("revoke: %v", err)
		}
	}
	err := prover.Prove(t.Context(), r, r.Leaked.Value)
	silent(t, err, r, m)
	if !mint.Refused(err) {
		t.Fatalf("the old credential is not refused after it was revoked: %v", err)
	}
	if err := prover.Prove(t.Context(), r, m.Value); err != nil {
		t.Fatalf("the new credential stopped working: %v", err)
	}
}

func (c *Case) orphan(t *testing.T) {
	finder, ok := c.Minter.(mint.OrphanFinder)
	if !ok {
		t.Skip("it finds no orphans")
	}
	r := c.request(t)
	if ids, err := finder.Orphans(t.Context(), r); err != nil || len(ids) != 0 {
		t.Fatalf("orphans of a request that was not sent: %v, %v", ids, err)
	}
	m, err := c.mint(t, r)
	if err != nil {
		t.Fatalf("mint: %v", err)
	}
	c.removed(t, r, finder)
	if prover, ok := c.Minter.(mint.Prover); ok {
		if err := prover.Prove(t.Context(), r, m.Value); !mint.Refused(err) {
			t.Fatalf("an orphan that was removed is not refused: %v", err)
		}
	}
}

// removed expects one orphan, and none after it was removed.
func (c *Case) removed(t *testing.T, r *mint.Request, finder mint.OrphanFinder) {
	t.Helper()
	ids, err := finder.Orphans(t.Context(), r)
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d orphans, want 1: %v", len(ids), err)
	}
	for range 2 {
		if err := finder.Remove(t.Context(), r, ids[0]); err != nil {
			t.Fatalf("remove: %v", err)
		}
	}
	if ids, err = finder.Orphans(t.Context(), r); err != nil || len(ids) != 0 {
		t.Fatalf("orphans after they were removed: %v, %v", ids, err)
	}
}

// lost loses the answer after the provider acted: a Proposer repeats the call,
// of any other what was made is found, removed, and made again.
func (c *Case) lost(t *testing.T) {
	r := c.request(t)
	c.Lose()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, ok := c.Minter.(mint.Proposer); ok {
		if _, err := c.mint(t, r); err == nil {
			t.Fatal("the answer was not lost")
		}
	} else {
		m, err := c.Minter.Mint(ctx, r)
		silent(t, err, r, m)
		if err == nil {
			t.Fatal("the answer was not lost")
		}
		c.removed(t, r, c.Minter.(mint.OrphanFinder))
	}
	m, err := c.mint(t, r)
	if err != nil {
		t.Fatalf("mint again: %v", err)
	}
	if prover, ok := c.Minter.(mint.Prover); ok {
		if err := prover.Prove(ctx, r, m.Value); err != nil {
			t.Fatalf("the new credential does not work: %v", err)
		}
	}
	if finder, ok := c.Minter.(mint.OrphanFinder); ok {
		if ids, err := finder.Orphans(ctx, r); err != nil || len(ids) != 1 {
			t.Fatalf("%d live new credentials, want 1: %v", len(ids), err)
		}
	}
}
