// Package remediate opens what keys are kept in: a vault, under a key of a
// token, as the project's configuration says or as this machine has it.
package remediate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/remediate/vault/local"
	"github.com/remint/remint/remediate/vault/openbao"
)

// Settings say where the vault is and what protects it.
type Settings struct {
	// Home is the user's folder for it: see Home.
	Home string
	// Vault is the vault's file; "" for the one in Home.
	Vault string
	// Server is the server that keeps the vault, nil for a file.
	Server *openbao.Config
	// Token is a pkcs11: URI, "" for the best token of this machine.
	Token string
	// Module is a PKCS#11 library.
	Module string
	// Assurance is the least that is accepted; "" for any but the stand-in
	// where there is a token.
	Assurance hsm.Assurance
	// PIN gives a token's PIN, Passphrase the stand-in's; either may be nil.
	// Ask asks a person, where nothing else has it; nil where there is none.
	PIN, Passphrase, Ask hsm.PIN
}

// Home is where remint keeps the user's vault: REMINT_HOME, or remint in
// XDG_DATA_HOME, or the system's place for such.
func Home() (string, error) {
	if dir := os.Getenv("REMINT_HOME"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "remint"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the vault: %w; set REMINT_HOME", err)
	}
	return filepath.Join(home, ".local", "share", "remint"), nil
}

// Path is the vault's file.
func (s *Settings) Path() string {
	if s.Vault != "" {
		return s.Vault
	}
	return filepath.Join(s.Home, "vault.db")
}

// Place is where the vault is, for people.
func (s *Settings) Place() string {
	if s.Server != nil {
		return cmp.Or(s.Server.Address, "the server") + ", " + cmp.Or(s.Server.Mount, "secret") + "/" + cmp.Or(s.Server.Prefix, "remint")
	}
	return s.Path()
}

// The files of Home: the stand-in, its passphrase where nobody gave one, and the
// PIN of the token that was made in SoftHSM2.
func (s *Settings) tokenFile() string      { return filepath.Join(s.Home, "token.json") }
func (s *Settings) passphraseFile() string { return filepath.Join(s.Home, "passphrase") }
func (s *Settings) pinFile() string        { return filepath.Join(s.Home, "pin") }

// Opened is an open vault with its token.
type Opened struct {
	*vault.Vault
	// File is the vault's, nil for one on a server.
	File   *local.Store
	Header local.Header
	Token  hsm.Token
	Key    hsm.Wrapper
	// Notes are what the user should know: how the token is protected.
	Notes []string
}

// Close closes both.
func (o *Opened) Close() error {
	return errors.Join(o.Store.Close(), o.Token.Close())
}

// softwareToken begins the place of a stand-in's file in a Header.
const softwareToken = "software:"

// ErrNoVault tells that there is no vault yet.
var ErrNoVault = errors.New("there is no vault yet: make one with `remint vault init`")

// Open opens the vault.
func Open(ctx context.Context, s Settings) (*Opened, error) {
	if s.Server != nil {
		return openServer(ctx, &s)
	}
	file, h, err := local.Open(ctx, s.Path())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w (%s)", ErrNoVault, s.Path())
	}
	if err != nil {
		return nil, err
	}
	o := &Opened{File: file, Header: h}
	if err := o.unlock(ctx, &s); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return o, nil
}

// openKey opens the token and the wrapping key that the header names.
func (o *Opened) openKey(ctx context.Context, s *Settings) (err error) {
	if o.Token, err = s.openToken(ctx, o.Header.Token); err != nil {
		return fmt.Errorf("open the vault %s: %w", s.Place(), err)
	}
	defer func() {
		if err != nil {
			_ = o.Token.Close()
		}
	}()
	a := o.Token.Info().Assurance
	if s.Assurance != "" && !a.AtLeast(s.Assurance) {
		return fmt.Errorf("the vault %s is protected by %s, and the configuration wants %s: move it with `remint vault rewrap --to URI`", s.Place(), a, s.Assurance)
	}
	o.Key, err = wrappingKey(ctx, o.Token, o.Header.Label)
	return err
}

func (o *Opened) unlock(ctx context.Context, s *Settings) error {
	if err := o.openKey(ctx, s); err != nil {
		return err
	}
	macKey, err := o.Key.Unwrap(ctx, o.Header.MACKey)
	if err != nil {
		err = fmt.Errorf("open the vault %s: %w: its key is not the token's: %w", s.Path(), vault.ErrTampered, err)
	} else {
		err = o.File.Unlock(ctx, macKey)
	}
	if err != nil {
		return errors.Join(err, o.Token.Close())
	}
	o.Vault = vault.New(o.File, o.Key, o.Token.Info().Assurance)
	return nil
}

func wrappingKey(ctx context.Context, t hsm.Token, label string) (hsm.Wrapper, error) {
	k, err := t.Key(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("the vault's wrapping key: %w", err)
	}
	w, ok := k.(hsm.Wrapper)
	if !ok {
		return nil, fmt.Errorf("the vault's wrapping key %s is a %s key, which does not wrap", label, k.Kind())
	}
	return w, nil
}

// openToken opens the token that a header names.
func (s *Settings) openToken(ctx context.Context, place string) (hsm.Token, error) {
	if path, ok := strings.CutPrefix(place, softwareToken); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.Home, path)
		}
		passphrase, err := hsm.FirstPIN(s.Passphrase, existing(s.passphraseFile()), s.Ask)(ctx, "Passphrase of the software token")
		if err != nil {
			return nil, err
		}
		return hsm.OpenSoftware(path, passphrase)
	}
	u, err := hsm.ParseURI(place)
	if err != nil {
		return nil, err
	}
	if s.Module != "" {
		u.ModulePath = s.Module
	}
	return hsm.Open(ctx, hsm.Options{URI: u, PIN: s.tokenPIN(u)})
}

// tokenPIN asks whoever has the PIN.
func (s *Settings) tokenPIN(u hsm.URI) hsm.PIN {
	var named hsm.PIN
	if u.PINSource != "" {
		named = hsm.PINFromFile(u.PINSource)
	}
	return hsm.FirstPIN(s.PIN, named, s.Ask)
}

// existing is a file's PIN, where there is the file.
func existing(name string) hsm.PIN {
	if _, err := os.Stat(name); err != nil {
		return nil
	}
	return hsm.PINFromFile(name)
}

// Init makes a vault. The token is the one that is named, else the best that
// can be opened, else the stand-in.
func Init(ctx context.Context, s Settings) (*Opened, error) {
	if err := os.MkdirAll(s.Home, 0o700); err != nil {
		return nil, fmt.Errorf("make a vault: %w", err)
	}
	if s.Server != nil {
		return initServer(ctx, &s)
	}
	if _, err := os.Lstat(s.Path()); err == nil {
		return nil, fmt.Errorf("there is a vault already: %s", s.Path())
	}
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
		return nil, fmt.Errorf("make a vault: %w", err)
	}
	t, place, notes, err := s.chooseToken(ctx)
	if err != nil {
		return nil, err
	}
	o := &Opened{Token: t, Notes: notes}
	macKey := make([]byte, 32)
	if _, err := rand.Read(macKey); err != nil {
		return nil, err
	}
	if o.Key, o.Header, err = newHeader(ctx, t, place, macKey); err == nil {
		o.File, err = local.Create(ctx, s.Path(), o.Header, macKey)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	o.Vault = vault.New(o.File, o.Key, t.Info().Assurance)
	return o, nil
}

// newHeader makes a wrapping key, and wraps the key of the MACs under it.
func newHeader(ctx context.Context, t hsm.Token, place string, macKey []byte) (hsm.Wrapper, local.Header, error) {
	w, err := newWrappingKey(ctx, t)
	if err != nil {
		return nil, local.Header{}, err
	}
	h := local.Header{Token: place, Label: w.Label()}
	h.MACKey, err = w.Wrap(ctx, macKey)
	return w, h, err
}

// newWrappingKey makes a wrapping key and proves it by a round trip.
func newWrappingKey(ctx context.Context, t hsm.Token) (hsm.Wrapper, error) {
	kind := hsm.RSA3072
	if slices.Contains(t.Info().Kinds, hsm.AES256) {
		kind = hsm.AES256
	}
	random := make([]byte, 4+32)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	label, probe := "remint-vault-"+hex.EncodeToString(random[:4]), random[4:]
	_, err := t.Generate(ctx, label, kind)
	if err != nil && kind == hsm.AES256 { // some list what they cannot do
		_, err = t.Generate(ctx, label, hsm.RSA3072)
	}
	if err != nil {
		return nil, err
	}
	w, err := wrappingKey(ctx, t, label)
	if err != nil {
		return nil, err
	}
	sealed, err := w.Wrap(ctx, probe)
	if err != nil {
		return nil, fmt.Errorf("the token's wrapping key does not wrap: %w", err)
	}
	back, err := w.Unwrap(ctx, sealed)
	if err == nil && !slices.Equal(back, probe) {
		err = errors.New("it gives something else")
	}
	if err != nil {
		return nil, fmt.Errorf("the token's wrapping key does not give back what it wrapped: %w", err)
	}
	return w, nil
}
