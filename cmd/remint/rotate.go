package main

import (
	"github.com/spf13/cobra"
)

func newRotate() *cobra.Command {
	var f fixFlags
	c := &cobra.Command{
		Use:   "rotate ENTRY...",
		Short: "Mint a new key in place of one that remint minted",
		Long: `Mint a new key with the same scope in place of an entry's current one, prove it,
and make it current. Programs that 'remint run --on-rotate' watches get it at once.
The old one is revoked as --revoke says: with on-deploy, by remint revoke ENTRY.`,
		Example: `  remint rotate shop/database-url
  remint rotate shop/database-url --revoke=after=1h`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			m, closing, err := f.goOn(c, ".", o)
			if err != nil {
				return err
			}
			defer closing()
			states, err := m.Rotate(c.Context(), args)
			return f.outcome(c, nil, states, err)
		},
	}
	f.keep.add(c)
	c.Flags().StringVar(&f.revoke, "revoke", "", "when the old keys are revoked: now, on-deploy, never or after=24h (default: that of .remint.yaml, else on-deploy)")
	return c
}
