package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/vault"
)

func newVault() *cobra.Command {
	var f keepFlags
	c := &cobra.Command{
		Use:   "vault",
		Short: "Keep secrets sealed under a key that does not leave its token",
		Long: `Keep secrets in a vault: one file, in which each version of each entry is sealed
under a data key of its own, which a key of a PKCS#11 token wraps. Values come in
on standard input or a prompt, never as arguments.

Without a token the keys are in a file under a passphrase (assurance "software").`,
		Example: `  remint vault init
  printf s3cret | remint vault put payments/stripe
  remint vault list
  remint vault show payments/stripe --reveal
  remint run --env STRIPE_KEY=payments/stripe -- ./app`,
	}
	f.add(c)
	c.AddCommand(newVaultInit(&f), newVaultStatus(&f), newVaultPut(&f), newVaultList(&f), newVaultShow(&f), newVaultRemove(&f), newVaultRestore(&f),
		newVaultRewrap(&f), newVaultExport(&f), newVaultImport(&f), newVaultDoctor(&f))
	return c
}

func newVaultInit(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Make a vault, under the best token of this machine", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, _, err := f.settings()
			if err != nil {
				return err
			}
			o, err := remediate.Init(c.Context(), s)
			if err != nil {
				return err
			}
			defer o.Close()
			for _, n := range o.Notes {
				fmt.Fprintf(c.ErrOrStderr(), "remint: note: %s\n", n)
			}
			fmt.Fprintf(c.OutOrStdout(), "vault %s\n", s.Place())
			protection(c.OutOrStdout(), o)
			return nil
		},
	}
}

// protection says what protects a vault.
func protection(w io.Writer, o *remediate.Opened) {
	i := o.Token.Info()
	fmt.Fprintf(w, "token %s %s (%s %s)\nassurance %s: %s\nwrapping key %s, %s\n", i.Label, i.Module, i.Manufacturer, i.Model,
		i.Assurance, meaning[string(i.Assurance)], o.Key.URI(), o.Key.Scheme())
}

// meaning says what an assurance is worth.
var meaning = map[string]string{
	"hsm": "keys do not leave the hardware module", "tpm": "keys do not leave the platform module",
	"emulated": "the module is a program; its keys are files on this machine",
	"software": "keys are in a file; the passphrase alone protects them",
}

func newVaultStatus(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say where the vault is and what protects it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), func(o *remediate.Opened) error {
				all, err := o.Store.List(c.Context(), "")
				if err != nil {
					return err
				}
				s, _, err := f.settings()
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "vault %s\n%d entries\n", s.Place(), len(all))
				protection(c.OutOrStdout(), o)
				return nil
			})
		},
	}
}

func newVaultPut(f *keepFlags) *cobra.Command {
	var m vault.Metadata
	var scope string
	expect := vault.Any
	c := &cobra.Command{
		Use: "put NAME", Short: "Write a new version of an entry, from standard input", Args: cobra.ExactArgs(1),
		Example: `  printf s3cret | remint vault put payments/stripe
  remint vault put payments/stripe --provider stripe < key.txt`,
		RunE: func(c *cobra.Command, args []string) error {
			if scope != "" {
				if !json.Valid([]byte(scope)) {
					return errors.New("--scope: want JSON, as authorization_details of RFC 9396")
				}
				m.Scope = json.RawMessage(scope)
			}
			value, err := readValue(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer clear(value)
			return f.with(c.Context(), func(o *remediate.Opened) error {
				n, err := o.Put(c.Context(), args[0], value, m, expect)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s version %d, assurance %s\n", args[0], n, o.Token.Info().Assurance)
				return nil
			})
		},
	}
	c.Flags().StringVar(&m.Provider, "provider", "", "who made the key: an id of `remint rules list`")
	c.Flags().StringVar(&m.Policy, "policy", "", "how it rotates, such as 30d")
	c.Flags().StringVar(&scope, "scope", "", "what it may do, as JSON (authorization_details of RFC 9396)")
	c.Flags().IntVar(&expect, "expect", vault.Any, "write only if this version is current; 0 for a new entry")
	return c
}

// entryJSON is an entry as machines read it.
type entryJSON struct {
	Name     string         `json:"name"`
	Version  int            `json:"version"`
	Created  time.Time      `json:"created"`
	Deleted  bool           `json:"deleted,omitempty"`
	Metadata vault.Metadata `json:"metadata"`
}

func newVaultList(f *keepFlags) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "list [PREFIX]", Short: "List the entries", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("unknown format %q: want text or json", format)
			}
			return f.with(c.Context(), func(o *remediate.Opened) error {
				all, err := o.Store.List(c.Context(), strings.Join(args, ""))
				if err != nil {
					return err
				}
				if format == "json" {
					return writeEntries(c.OutOrStdout(), all)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tVERSION\tAGE\tASSURANCE\tPROVIDER\tSTATE")
				for _, e := range all {
					fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", e.Name, e.Version, age(e.Created), e.Metadata.Assurance, cmp.Or(e.Metadata.Provider, "-"), cmp.Or(e.Metadata.State, "active"))
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	return c
}

// age is how long ago something was, in the unit that a person would take.
func age(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

func writeEntries(w io.Writer, all []vault.Entry) error {
	out := make([]entryJSON, 0, len(all))
	for _, e := range all {
		out = append(out, entryJSON{e.Name, e.Version, e.Created, false, e.Metadata})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func newVaultShow(f *keepFlags) *cobra.Command {
	var reveal bool
	var version int
	c := &cobra.Command{
		Use: "show NAME", Short: "Show what is known of an entry; its value with --reveal", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if reveal && strings.EqualFold(os.Getenv("CI"), "true") {
				return errors.New("--reveal is refused where CI=true: the value would stay in the build's log; use `remint run`")
			}
			return f.with(c.Context(), func(o *remediate.Opened) error {
				if !reveal {
					return showEntry(c, o, args[0])
				}
				value, _, err := o.Get(c.Context(), args[0], version)
				if err != nil {
					return err
				}
				defer clear(value)
				if _, err := c.OutOrStdout().Write(value); err != nil {
					return err
				}
				if _, ok := terminal(c.OutOrStdout()); ok {
					fmt.Fprintln(c.OutOrStdout())
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&reveal, "reveal", false, "print the value, and nothing else (never when CI=true)")
	c.Flags().IntVar(&version, "version", 0, "the version (default: the current one)")
	return c
}

func showEntry(c *cobra.Command, o *remediate.Opened, name string) error {
	all, err := o.Store.Versions(c.Context(), name)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	m := all[len(all)-1].Metadata
	fmt.Fprintf(w, "name\t%s\nassurance\t%s\nwrapped by\t%s, %s\n", name, m.Assurance, m.WrappedBy, m.Scheme)
	for _, p := range [][2]string{{"provider", m.Provider}, {"policy", m.Policy}, {"scope", string(m.Scope)}, {"origin", m.Origin}, {"state", m.State}} {
		if p[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", p[0], p[1])
		}
	}
	for _, e := range all {
		fmt.Fprintf(w, "version %d\t%s\n", e.Version, e.Created.Format(time.RFC3339))
	}
	return w.Flush()
}

func newVaultRemove(f *keepFlags) *cobra.Command {
	var version int
	c := &cobra.Command{
		Use: "rm NAME", Short: "Delete an entry's values for good", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), func(o *remediate.Opened) error { return o.Store.Delete(c.Context(), args[0], version) })
		},
	}
	c.Flags().IntVar(&version, "version", 0, "delete this version alone")
	return c
}

func newVaultRestore(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "restore NAME VERSION", Short: "Make an older version the current one, as a new version", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			version, err := versionArg(args[1])
			if err != nil {
				return err
			}
			return f.with(c.Context(), func(o *remediate.Opened) error {
				value, e, err := o.Get(c.Context(), args[0], version)
				if err != nil {
					return err
				}
				defer clear(value)
				n, err := o.Put(c.Context(), args[0], value, e.Metadata, vault.Any)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s version %d, which is version %d once more\n", args[0], n, version)
				return nil
			})
		},
	}
}

func newVaultDoctor(f *keepFlags) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Prove that every version of every listed entry can be opened", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), func(o *remediate.Opened) error {
				opened, broken, err := o.Check(c.Context())
				if err != nil {
					return err
				}
				for _, err := range broken {
					fmt.Fprintf(c.ErrOrStderr(), "remint: %v\n", err)
				}
				fmt.Fprintf(c.OutOrStdout(), "%d versions can be opened, %d cannot\n", opened, len(broken))
				if len(broken) > 0 {
					return errReported
				}
				return nil
			})
		},
	}
}
