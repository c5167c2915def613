package remediate

import (
	"context"
	"errors"
	"fmt"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
)

// Rewrap seals every version anew under a new wrapping key: of the same token,
// or of another, a pkcs11: URI or "software". All or nothing; the old wrapping
// key is left in its token, because backups need it.
func Rewrap(ctx context.Context, s Settings, o *Opened, to string) (n int, next *Opened, err error) {
	if o.File == nil {
		if to != "" {
			return 0, nil, errors.New("a vault on a server is re-wrapped in its own token: leave --to out")
		}
		return rewrapServer(ctx, o)
	}
	place := o.Header.Token
	switch to {
	case "":
	case string(hsm.AssuranceSoftware):
		s.Assurance = hsm.AssuranceSoftware
	default:
		place = to
	}
	var token hsm.Token
	if s.Assurance == hsm.AssuranceSoftware {
		token, place, _, err = s.makeSoftware(ctx)
	} else if token, err = s.openToken(ctx, place); err == nil && to != "" {
		place = placeOf(token.Info(), pinSource(to))
	}
	if err != nil {
		return 0, nil, err
	}
	next = &Opened{Token: token, File: o.File}
	if n, err = next.takeOver(ctx, o, place); err != nil {
		return 0, nil, errors.Join(err, token.Close())
	}
	return n, next, nil
}

// takeOver seals what o holds under a new key of next's token.
func (next *Opened) takeOver(ctx context.Context, o *Opened, place string) (n int, err error) {
	macKey, err := o.Key.Unwrap(ctx, o.Header.MACKey)
	if err != nil {
		return 0, fmt.Errorf("re-wrap: %w", err)
	}
	defer clear(macKey)
	if next.Key, next.Header, err = newHeader(ctx, next.Token, place, macKey); err != nil {
		return 0, err
	}
	next.Vault = vault.New(o.File, next.Key, next.Token.Info().Assurance)
	reseal := o.Reseal(ctx, next.Vault)
	err = o.File.Rewrap(ctx, next.Header, func(e vault.Entry) (vault.Entry, error) {
		n++
		return reseal(e)
	})
	return n, err
}
