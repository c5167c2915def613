package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
)

func newVaultRewrap(f *keepFlags) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "rewrap", Short: "Seal every version anew, under a new key or another token: all or nothing", Args: cobra.NoArgs,
		Example: `  remint vault rewrap                                  a new wrapping key in the same token
  remint vault rewrap --to 'pkcs11:token=production'   move to another token
  remint vault rewrap --to software                    to a file under a passphrase`,
		RunE: func(c *cobra.Command, _ []string) error {
			s, _, err := f.settings()
			if err != nil {
				return err
			}
			s.Assurance = "" // what is there may be less than what is wanted: that is why it moves
			o, err := remediate.Open(c.Context(), s)
			if err != nil {
				return err
			}
			defer o.Close()
			n, next, err := remediate.Rewrap(c.Context(), s, o, to)
			if err != nil {
				return err
			}
			if next.Token != o.Token {
				defer next.Token.Close()
			}
			fmt.Fprintf(c.OutOrStdout(), "%d versions sealed anew\n", n)
			protection(c.OutOrStdout(), next)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "another token: a pkcs11: URI, or software")
	return c
}

func newVaultExport(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "export FILE", Short: "Copy the vault, sealed as it is, for a backup", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), func(o *remediate.Opened) error {
				if o.File == nil {
					return errors.New("the vault is on a server, which makes backups itself")
				}
				if err := o.File.Backup(c.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: sealed; to open it needs the token %s\n", args[0], o.Token.Info().Label)
				return nil
			})
		},
	}
}

func newVaultImport(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "import FILE", Short: "Put a backup in the place of the vault, which must not be there", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, _, err := f.settings()
			if err != nil {
				return err
			}
			if _, err := os.Lstat(s.Path()); err == nil {
				return fmt.Errorf("there is a vault already: %s; move it away first", s.Path())
			}
			target := s.Path()
			s.Server = nil
			s.Vault = args[0]
			o, err := remediate.Open(c.Context(), s)
			if err != nil {
				return err
			}
			defer o.Close()
			if err := o.File.Backup(c.Context(), target); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "vault %s\n", target)
			return nil
		},
	}
}
