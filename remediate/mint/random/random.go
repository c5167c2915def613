// Package random mints secrets that only the project's own programs check:
// passwords, signing secrets and keys, of the token's random bytes.
package random

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"

	"github.com/remint/remint/remediate/mint"
)

// Minter is the random generator.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "random" }

var (
	hexadecimal = regexp.MustCompile(`^(?:[0-9a-f]{2}){16,}$`)
	standard    = regexp.MustCompile(`^(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`)
)

// Propose implements mint.Proposer: as many bytes as the old one had, 20 at
// least, written as the old one was: in hexadecimal, base64, or letters and
// digits.
func (Minter) Propose(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	m := mint.Minted{ID: "random-" + r.Token}
	if r.HSM == nil {
		return m, errors.New("no token is open to make random bytes")
	}
	old := r.Leaked.Value
	var n int
	var write func([]byte) string
	switch {
	case hexadecimal.Match(old):
		n, write = len(old)/2, hex.EncodeToString
	case standard.Match(old) && len(old)%4 == 0:
		n, write = base64.StdEncoding.DecodedLen(len(old)), base64.StdEncoding.EncodeToString
		if old[len(old)-1] == '=' {
			n--
			if old[len(old)-2] == '=' {
				n--
			}
		}
	default:
		password, err := r.Password(ctx, max(mint.PasswordLength, min(len(old), 128)))
		m.Value = password
		return m, err
	}
	b, err := r.HSM.Random(ctx, max(n, 20))
	if err != nil {
		return m, err
	}
	m.Value = []byte(write(b))
	clear(b)
	return m, nil
}

// Mint implements mint.Minter: what was proposed is all there is.
func (Minter) Mint(_ context.Context, r *mint.Request) (mint.Minted, error) { return *r.Proposed, nil }

// Revoke implements mint.Revoker. Nobody but the project's own programs knows
// the old one, and they have the new one by the time that it is revoked.
func (Minter) Revoke(context.Context, *mint.Request) error { return nil }
