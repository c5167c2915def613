package remediate

import (
	"context"
	"errors"
	"fmt"

	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/remediate/vault/local"
	"github.com/remint/remint/remediate/vault/openbao"
)

// openServer opens a vault on a server.
func openServer(ctx context.Context, s *Settings) (*Opened, error) {
	store, err := openbao.Open(ctx, *s.Server)
	if err != nil {
		return nil, err
	}
	h, err := store.ReadHeader(ctx)
	if errors.Is(err, vault.ErrNotFound) {
		return nil, fmt.Errorf("%w (%s)", ErrNoVault, s.Place())
	}
	if err != nil {
		return nil, err
	}
	o := &Opened{Header: local.Header{Token: h.Token, Label: h.Label}}
	if err := o.openKey(ctx, s); err != nil {
		return nil, err
	}
	o.Vault = vault.New(store, o.Key, o.Token.Info().Assurance)
	return o, nil
}

// initServer makes a vault on a server: a wrapping key, and where it is.
func initServer(ctx context.Context, s *Settings) (*Opened, error) {
	store, err := openbao.Open(ctx, *s.Server)
	if err != nil {
		return nil, err
	}
	if _, err := store.ReadHeader(ctx); !errors.Is(err, vault.ErrNotFound) {
		if err == nil {
			err = fmt.Errorf("there is a vault already: %s", s.Place())
		}
		return nil, err
	}
	t, place, notes, err := s.chooseToken(ctx)
	if err != nil {
		return nil, err
	}
	o := &Opened{Token: t, Notes: notes}
	if o.Key, o.Header, err = newHeader(ctx, t, place, []byte(place)); err == nil {
		err = store.WriteHeader(ctx, openbao.Header{Token: o.Header.Token, Label: o.Header.Label})
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	o.Vault = vault.New(store, o.Key, t.Info().Assurance)
	return o, nil
}
