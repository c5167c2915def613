// Package symmetric makes HMAC and AES keys that stay in the token: the program
// gets the key's URI, and authenticates through remint (inject.MAC).
package symmetric

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
)

// Minter makes keys. Of Settings.Options it knows "kind": hmac-sha256, which it
// is by itself, or aes-256.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "symmetric" }

const maxLabel = 64

// Mint implements mint.Minter. Called again it finds the key that it made.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	kind := hsm.HMACSHA256
	if text := r.Settings.Options["kind"]; text != "" {
		k, err := hsm.ParseKind(text)
		if err != nil || k != hsm.HMACSHA256 && k != hsm.AES256 {
			return mint.Minted{}, fmt.Errorf("providers.symmetric.kind: want %s or %s, not %q", hsm.HMACSHA256, hsm.AES256, text)
		}
		kind = k
	}
	label := r.Label(maxLabel)
	key, err := r.HSM.Key(ctx, label)
	if errors.Is(err, hsm.ErrNotFound) {
		key, err = r.HSM.Generate(ctx, label, kind)
	}
	if err != nil {
		return mint.Minted{}, fmt.Errorf("make a %s key in the token: %w", kind, err)
	}
	return mint.Minted{ID: label, Value: []byte(key.URI()), Held: r.HSM.Info().Assurance}, nil
}

// Prove implements mint.Prover: the key does what it is for. The leaked one is
// whatever its programs take.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	if r.Minted == nil || !bytes.Equal(value, r.Minted.Value) {
		return nil
	}
	key, err := r.HSM.Key(ctx, r.Minted.ID)
	if err != nil {
		return err
	}
	message := []byte("remint proves that this key works")
	switch k := key.(type) {
	case hsm.MAC:
		one, err := k.Sum(ctx, message)
		if err != nil {
			return fmt.Errorf("the new key does not authenticate: %w", err)
		}
		if two, err := k.Sum(ctx, message); err != nil || !bytes.Equal(one, two) || len(one) == 0 {
			return fmt.Errorf("the new key does not authenticate the same twice: %w", err)
		}
	case hsm.Wrapper:
		sealed, err := k.Wrap(ctx, message)
		if err != nil {
			return fmt.Errorf("the new key does not encrypt: %w", err)
		}
		if back, err := k.Unwrap(ctx, sealed); err != nil || !bytes.Equal(back, message) {
			return fmt.Errorf("the new key does not decrypt what it encrypted: %w", err)
		}
	default:
		return fmt.Errorf("the token's key %s is of no use here (%s)", key.Label(), key.Kind())
	}
	return nil
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) ([]string, error) {
	_, err := r.HSM.Key(ctx, r.Label(maxLabel))
	if errors.Is(err, hsm.ErrNotFound) {
		return nil, nil
	}
	return []string{r.Label(maxLabel)}, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	if err := r.HSM.Destroy(ctx, id); !errors.Is(err, hsm.ErrNotFound) {
		return err
	}
	return nil
}
