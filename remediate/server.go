package remediate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/remint/remint/remediate/hsm"
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
	o.Locate = o.older
	return o, nil
}

// older finds a wrapping key of before, in the same token.
func (o *Opened) older(ctx context.Context, uri string) (hsm.Wrapper, error) {
	label, ok := strings.CutPrefix(uri, "software:object=")
	if !ok {
		u, err := hsm.ParseURI(uri)
		if err != nil {
			return nil, err
		}
		label = u.Object
	}
	return wrappingKey(ctx, o.Token, label)
}

// rewrapServer writes the current version of every entry anew under a new key
// of the same token, and then says that this is the vault's. Older versions
// stay under the key of before. What is interrupted is begun again: both keys
// open what they wrapped.
func rewrapServer(ctx context.Context, o *Opened) (n int, next *Opened, err error) {
	store, ok := o.Store.(*openbao.Store)
	if !ok {
		return 0, nil, fmt.Errorf("re-wrap: %T is no server", o.Store)
	}
	next = &Opened{Token: o.Token}
	if next.Key, err = newWrappingKey(ctx, o.Token); err != nil {
		return 0, nil, err
	}
	next.Header = local.Header{Token: o.Header.Token, Label: next.Key.Label()}
	next.Vault = vault.New(store, next.Key, o.Token.Info().Assurance)
	next.Locate = next.older
	all, err := store.List(ctx, "")
	if err != nil {
		return 0, nil, err
	}
	for _, e := range all {
		value, e, err := o.Get(ctx, e.Name, 0)
		if err != nil {
			return n, nil, err
		}
		_, err = next.Put(ctx, e.Name, value, e.Metadata, e.Version)
		clear(value)
		if err != nil {
			return n, nil, err
		}
		n++
	}
	return n, next, store.ReplaceHeader(ctx, openbao.Header{Token: next.Header.Token, Label: next.Header.Label})
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
	if o.Key, err = newWrappingKey(ctx, t); err == nil {
		o.Header = local.Header{Token: place, Label: o.Key.Label()}
		err = store.WriteHeader(ctx, openbao.Header{Token: o.Header.Token, Label: o.Header.Label})
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	o.Vault = vault.New(store, o.Key, t.Info().Assurance)
	return o, nil
}
