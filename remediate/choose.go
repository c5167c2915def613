package remediate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/remint/remint/remediate/hsm"
)

// chooseToken opens the token that is named; else the best of this machine for
// which there is a PIN; else it makes a token in SoftHSM2 where that is
// installed; else the stand-in. A token that is there and cannot be opened is
// an error, unless the stand-in was asked for.
func (s *Settings) chooseToken(ctx context.Context) (t hsm.Token, place string, notes []string, err error) {
	if err := os.MkdirAll(s.Home, 0o700); err != nil {
		return nil, "", nil, fmt.Errorf("make a folder for the token: %w", err)
	}
	if s.Assurance == hsm.AssuranceSoftware {
		return s.makeSoftware(ctx)
	}
	if s.Token != "" {
		t, err = s.openToken(ctx, s.Token)
		if err != nil {
			return nil, "", nil, err
		}
		return t, placeOf(t.Info(), pinSource(s.Token)), nil, nil
	}
	found, failed := hsm.Tokens(ctx)
	for _, err := range failed {
		notes = append(notes, "a PKCS#11 module did not answer: "+err.Error())
	}
	slices.SortStableFunc(found, func(a, b hsm.Found) int {
		switch {
		case a.Assurance == b.Assurance:
			return 0
		case a.Assurance.AtLeast(b.Assurance):
			return -1
		}
		return 1
	})
	for _, f := range found {
		if s.Assurance != "" && !f.Assurance.AtLeast(s.Assurance) {
			continue
		}
		if f.Initialized {
			t, place, err := s.tryToken(ctx, f, "")
			if err != nil {
				return nil, "", nil, err
			}
			return t, place, notes, nil
		}
		if f.Assurance == hsm.AssuranceEmulated && f.Manufacturer == "SoftHSM project" {
			t, place, note, err := s.makeToken(ctx, f)
			return t, place, append(notes, note), err
		}
		notes = append(notes, fmt.Sprintf("a token (%s %s) is there and not initialized", f.Manufacturer, f.Model))
	}
	if s.Assurance != "" {
		return nil, "", nil, fmt.Errorf("%w with the assurance %s; `remint doctor` says what is there", hsm.ErrNoToken, s.Assurance)
	}
	t, place, more, err := s.makeSoftware(ctx)
	return t, place, append(notes, more...), err
}

// placeOf is how a header names a token, and where its PIN is, if anywhere.
func placeOf(i hsm.Info, pinSource string) string {
	return hsm.URI{Token: i.Label, Serial: i.Serial, ModulePath: i.Module, PINSource: pinSource}.String()
}

// pinSource is where a URI says that the PIN is.
func pinSource(uri string) string {
	u, err := hsm.ParseURI(uri)
	if err != nil {
		return "" // it was parsed when the token was opened
	}
	return u.PINSource
}

// tryToken opens a token and asks it for something, so that a wrong PIN is
// noticed now.
func (s *Settings) tryToken(ctx context.Context, f hsm.Found, pinSource string) (hsm.Token, string, error) {
	place := placeOf(f.Info, pinSource)
	t, err := s.openToken(ctx, place)
	if err != nil {
		return nil, "", err
	}
	if _, err := t.Keys(ctx); err != nil {
		_ = t.Close()
		if errors.Is(err, hsm.ErrNoPIN) {
			return nil, "", fmt.Errorf("the token %q (%s) is there: give its PIN in REMINT_PIN or in a terminal, name another with --token, or take a software token with --assurance=software", f.Label, f.Assurance)
		}
		return nil, "", err
	}
	return t, place, nil
}

// makeToken initializes a token of our own in an emulated module. Where nobody
// gave a PIN, one is made and kept beside, and the token's place says where.
func (s *Settings) makeToken(ctx context.Context, f hsm.Found) (t hsm.Token, place, note string, err error) {
	note = fmt.Sprintf("a token \"remint\" was made in %s", f.Module)
	var pin, source string
	if s.PIN != nil {
		pin, err = s.PIN(ctx, "PIN of the new token")
	} else if pin, err = s.keptSecret(s.pinFile()); err == nil {
		source, err = filepath.Abs(s.pinFile())
		note += fmt.Sprintf("; its PIN is in %s, readable by you alone", source)
	}
	if err != nil {
		return nil, "", "", err
	}
	made, err := hsm.InitToken(ctx, f, "remint", pin)
	if err != nil {
		return nil, "", "", err
	}
	t, place, err = s.tryToken(ctx, made, source)
	return t, place, note, err
}

// makeSoftware makes the stand-in, or opens the one that is there.
func (s *Settings) makeSoftware(ctx context.Context) (hsm.Token, string, []string, error) {
	path := s.tokenFile()
	place := softwareToken + filepath.Base(path)
	if _, err := os.Stat(path); err == nil {
		t, err := s.openToken(ctx, place)
		return t, place, nil, err
	}
	var notes []string
	var passphrase string
	var err error
	create := hsm.CreateSoftware
	if s.Passphrase != nil || s.Ask != nil {
		passphrase, err = hsm.FirstPIN(s.Passphrase, s.Ask)(ctx, "New passphrase of the software token (none: one is made and kept in a file)")
	}
	if err == nil && passphrase == "" && s.Passphrase == nil {
		create = hsm.CreateSoftwareRandom
		passphrase, err = s.keptSecret(s.passphraseFile())
		notes = append(notes, fmt.Sprintf("nobody gave a passphrase, so one was made and kept in %s: whoever reads your files reads your keys", s.passphraseFile()))
	}
	if err != nil {
		return nil, "", nil, err
	}
	if passphrase == "" {
		return nil, "", nil, errors.New("an empty passphrase protects nothing: give another")
	}
	t, err := create(path, passphrase)
	if err != nil {
		return nil, "", nil, err
	}
	return t, place, notes, nil
}

// keptSecret reads a file of Home, or makes it with something random.
func (s *Settings) keptSecret(name string) (string, error) {
	if pin := existing(name); pin != nil {
		return pin(context.Background(), "")
	}
	text := rand.Text()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("keep a PIN: %w", err)
	}
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("keep a PIN: %w", err)
	}
	return text, nil
}

// Token opens the token that is named, else the vault's, else, where it is to
// make keys, the one that a new vault would take. The stand-in is taken only
// where the vault is under it or Assurance asks for it.
func Token(ctx context.Context, s Settings, toMake bool) (hsm.Token, error) {
	if s.Token != "" {
		return s.openToken(ctx, s.Token)
	}
	_, err := os.Stat(s.Path())
	if err == nil || s.Server != nil {
		o, err := Open(ctx, s)
		if err != nil {
			return nil, err
		}
		return o.Token, o.Store.Close()
	}
	if !toMake {
		return nil, fmt.Errorf("%w is named and there is no vault: say --token, or make a key first with remint key generate", hsm.ErrNoToken)
	}
	if s.Assurance == "" {
		s.Assurance = hsm.AssuranceEmulated
	}
	t, _, _, err := s.chooseToken(ctx)
	if errors.Is(err, hsm.ErrNoToken) {
		err = fmt.Errorf("%w; --assurance=software makes keys in a file instead", err)
	}
	return t, err
}
