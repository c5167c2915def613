package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/vault/openbao"
	"github.com/remint/remint/scanner/config"
)

// keepFlags say where the vault is and what protects it: of every command that
// opens one.
type keepFlags struct {
	vault, token, module, assurance, pinFile string
	pinFD                                    int
}

func (f *keepFlags) add(c *cobra.Command) {
	fl := c.PersistentFlags()
	fl.StringVar(&f.vault, "vault", "", "the vault's file (default: that of .remint.yaml, else the user's own)")
	fl.StringVar(&f.token, "token", "", "the token, as a pkcs11: URI (default: that of .remint.yaml, else the best of this machine)")
	fl.StringVar(&f.module, "module", "", "the token's PKCS#11 library")
	fl.StringVar(&f.assurance, "assurance", "", "the least that is accepted: hsm, tpm, emulated or software")
	fl.StringVar(&f.pinFile, "pin-file", "", "file that holds the PIN or passphrase (else REMINT_PIN, REMINT_PASSPHRASE, a prompt)")
	fl.IntVar(&f.pinFD, "pin-fd", -1, "open file descriptor to read the PIN or passphrase from")
}

// settings are the flags over the configuration.
func (f *keepFlags) settings() (remediate.Settings, config.Config, error) { return f.settingsOf(".") }

// settingsOf is settings for a project's folder.
func (f *keepFlags) settingsOf(root string) (remediate.Settings, config.Config, error) {
	c, err := config.Discover(root, "")
	if err != nil {
		return remediate.Settings{}, c, err
	}
	s := remediate.Settings{Vault: cmp.Or(f.vault, c.Vault.Path), Token: cmp.Or(f.token, c.HSM.URI), Module: cmp.Or(f.module, c.HSM.Module)}
	if f.vault == "" {
		if s.Server, err = server(&c.Vault); err != nil {
			return s, c, err
		}
	}
	if s.Home, err = remediate.Home(); err != nil {
		return s, c, err
	}
	if a := cmp.Or(f.assurance, c.HSM.Assurance); a != "" {
		if s.Assurance, err = hsm.ParseAssurance(a); err != nil {
			return s, c, err
		}
	}
	var given hsm.PIN
	switch {
	case f.pinFD >= 0:
		given = hsm.PINFromDescriptor(uintptr(f.pinFD))
	case f.pinFile != "":
		given = hsm.PINFromFile(f.pinFile)
	}
	s.PIN, s.Passphrase, s.Ask = given, given, askOnTerminal()
	if given == nil {
		s.PIN, s.Passphrase = hsm.PINFromEnvironment("REMINT_PIN"), hsm.PINFromEnvironment("REMINT_PASSPHRASE")
	}
	return s, c, nil
}

// server is the server of the configuration; nil where it names none.
func server(v *config.Vault) (*openbao.Config, error) {
	if v.Address == "" {
		return nil, nil
	}
	c := &openbao.Config{Address: v.Address, Namespace: v.Namespace, Mount: v.Mount, Prefix: v.Prefix, CACert: v.CACert}
	switch v.Auth.Method {
	case "", "token":
	case "approle":
		secret, err := os.ReadFile(v.Auth.SecretIDFile)
		if err != nil {
			return nil, fmt.Errorf("vault.auth.secret_id_file: %w", err)
		}
		c.Auth = openbao.AppRole{Mount: v.Auth.Mount, RoleID: v.Auth.RoleID, SecretID: strings.TrimSpace(string(secret))}
	case "jwt":
		c.Auth = openbao.JWT{Mount: v.Auth.Mount, Role: v.Auth.Role, File: v.Auth.JWTFile}
	case "kubernetes":
		k := openbao.Kubernetes(v.Auth.Role)
		k.Mount = cmp.Or(v.Auth.Mount, k.Mount)
		c.Auth = k
	}
	return c, nil
}

// open opens the vault.
func (f *keepFlags) open(ctx context.Context) (*remediate.Opened, config.Config, error) {
	s, c, err := f.settings()
	if err != nil {
		return nil, c, err
	}
	o, err := remediate.Open(ctx, s)
	return o, c, err
}

// with opens the vault for a command and closes it.
func (f *keepFlags) with(ctx context.Context, do func(*remediate.Opened) error) error {
	o, _, err := f.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(o), o.Close())
}

// askOnTerminal asks without echo on the process's terminal, whatever standard
// input is; nil where there is none.
func askOnTerminal() hsm.PIN {
	if !term.IsTerminal(int(os.Stdin.Fd())) && !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(_ context.Context, prompt string) (string, error) {
		tty, err := openTerminal()
		if err != nil {
			return "", hsm.ErrNoPIN
		}
		defer tty.Close()
		fmt.Fprintf(tty, "%s: ", prompt)
		text, err := term.ReadPassword(int(tty.Fd()))
		fmt.Fprintln(tty)
		return string(text), err
	}
}

// readValue reads a secret from a pipe, or asks for it without echo. A line
// end that closes it is left out.
func readValue(stdin io.Reader, name string) ([]byte, error) {
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(os.Stderr, "Value of %s: ", name)
		value, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(os.Stderr)
		return value, err
	}
	value, err := io.ReadAll(io.LimitReader(stdin, maxValue+1))
	if err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	if n := len(value); n > 0 && value[n-1] == '\n' {
		value = value[:n-1]
		if n := len(value); n > 0 && value[n-1] == '\r' {
			value = value[:n-1]
		}
	}
	return value, nil
}

// maxValue is more than the vault takes, in bytes.
const maxValue = 2 << 20

// versionArg reads a version's number.
func versionArg(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no version: want a number from 1", s)
	}
	return n, nil
}
