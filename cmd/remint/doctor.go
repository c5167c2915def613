package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
)

func newDoctor() *cobra.Command {
	var f keepFlags
	c := &cobra.Command{
		Use: "doctor", Short: "Say what tokens and vault there are, what is missing, and what helps", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, _, err := f.settings()
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			tokens(c, w)
			o, err := remediate.Open(c.Context(), s)
			switch {
			case errors.Is(err, remediate.ErrNoVault):
				fmt.Fprintf(w, "\nvault: none (%s)\n  remint vault init\n", s.Place())
				return nil
			case err != nil:
				fmt.Fprintf(w, "\nvault %s cannot be opened\n", s.Place())
				return err
			}
			defer o.Close()
			fmt.Fprintf(w, "\nvault %s\n", s.Place())
			protection(w, o)
			if o.Token.Info().Assurance == hsm.AssuranceSoftware {
				fmt.Fprintln(w, "  with a token: remint vault rewrap --to 'pkcs11:token=NAME'")
			}
			return nil
		},
	}
	f.add(c)
	return c
}

// tokens lists the modules and tokens of this machine.
func tokens(c *cobra.Command, w io.Writer) {
	if !hsm.Available {
		fmt.Fprintln(w, "PKCS#11: this remint was built without cgo\n  CGO_ENABLED=1 go install github.com/remint/remint/cmd/remint@latest")
		return
	}
	modules := hsm.Modules()
	if len(modules) == 0 {
		fmt.Fprintln(w, "PKCS#11: no module found; install the one of your token, or SoftHSM2 for a trial, or name it in REMINT_PKCS11_MODULE")
		return
	}
	found, failed := hsm.Tokens(c.Context())
	for _, m := range modules {
		fmt.Fprintf(w, "module %s\n", m)
		for _, t := range found {
			if t.Module != m {
				continue
			}
			fmt.Fprintf(w, "  token %q: %s %s, assurance %s\n", t.Label, t.Manufacturer, t.Model, t.Assurance)
			if !t.Initialized {
				fmt.Fprintln(w, "    not initialized")
				continue
			}
			fmt.Fprintf(w, "    makes %v\n", t.Kinds)
		}
	}
	for _, err := range failed {
		fmt.Fprintf(w, "  failed: %v\n", err)
	}
}
