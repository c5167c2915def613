package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
)

func newKey() *cobra.Command {
	var f keepFlags
	var in string
	c := &cobra.Command{
		Use:   "key",
		Short: "Make, list and destroy keys that do not leave their token",
		Example: `  remint key generate payments-signer --kind ec-p256
  remint key list
  remint key show payments-signer > payments-signer.pub`,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if in != "hsm" {
				return fmt.Errorf("unknown --in %s: want hsm", in)
			}
			return nil
		},
	}
	f.add(c)
	c.PersistentFlags().StringVar(&in, "in", "hsm", "where: hsm, the token that protects the vault or that --token names")
	c.AddCommand(newKeyGenerate(&f), newKeyList(&f), newKeyShow(&f), newKeyDestroy(&f))
	return c
}

// withToken opens the token that --token names, or the vault's; where a key is to
// be made, perhaps a new one.
func (f *keepFlags) withToken(ctx context.Context, toMake bool, do func(hsm.Token) error) error {
	s, _, err := f.settings()
	if err != nil {
		return err
	}
	t, err := remediate.Token(ctx, s, toMake)
	if err != nil {
		return err
	}
	return errors.Join(do(t), t.Close())
}

func newKeyGenerate(f *keepFlags) *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use: "generate LABEL", Short: "Make a key in the token", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := hsm.ParseKind(kind)
			if err != nil {
				return err
			}
			return f.withToken(c.Context(), true, func(t hsm.Token) error {
				made, err := t.Generate(c.Context(), args[0], k)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s\nassurance %s\n", made.URI(), t.Info().Assurance)
				return nil
			})
		},
	}
	c.Flags().StringVar(&kind, "kind", string(hsm.ECP256), fmt.Sprintf("one of %v", hsm.Kinds()))
	return c
}

func newKeyList(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the token's keys", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.withToken(c.Context(), false, func(t hsm.Token) error {
				all, err := t.Keys(c.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "LABEL\tKIND\tASSURANCE\tURI")
				for _, k := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.Label(), k.Kind(), t.Info().Assurance, k.URI())
				}
				return w.Flush()
			})
		},
	}
}

func newKeyShow(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show LABEL", Short: "Show a key's public half, in PEM", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.withToken(c.Context(), false, func(t hsm.Token) error {
				k, err := t.Key(c.Context(), args[0])
				if err != nil {
					return err
				}
				s, ok := k.(crypto.Signer)
				if !ok {
					fmt.Fprintf(c.OutOrStdout(), "%s\n%s key: it has no public half\n", k.URI(), k.Kind())
					return nil
				}
				der, err := x509.MarshalPKIXPublicKey(s.Public())
				if err != nil {
					return err
				}
				return pem.Encode(c.OutOrStdout(), &pem.Block{Type: "PUBLIC KEY", Bytes: der})
			})
		},
	}
}

func newKeyDestroy(f *keepFlags) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "destroy LABEL", Short: "Destroy a key: what it sealed or proved is lost", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				return fmt.Errorf("a destroyed key does not come back, and what it sealed is lost: say --yes if %s is meant", args[0])
			}
			return f.withToken(c.Context(), false, func(t hsm.Token) error { return t.Destroy(c.Context(), args[0]) })
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	return c
}
