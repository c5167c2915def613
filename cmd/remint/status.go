package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/fix"
	"github.com/remint/remint/scanner/config"
)

func newStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [FOLDER]", Short: "Say how far each key of a project is on its way to being replaced", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			root := "."
			if len(args) > 0 {
				root = args[0]
			}
			home, err := remediate.Home()
			if err != nil {
				return err
			}
			p, err := fix.Open(root, &config.Config{}, fix.Options{})
			if err != nil {
				return err
			}
			states, err := fix.States(home, p.Root)
			if err != nil {
				return err
			}
			if len(states) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing was ever replaced here: remint fix shows what there is to do")
				return nil
			}
			printStates(c.OutOrStdout(), states)
			return nil
		},
	}
}

// printStates is a table of remediations. What is still leaked is in red.
func printStates(out io.Writer, states []*fix.State) {
	if len(states) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tSTATE\tBY\tOLD KEY\tSINCE")
	for _, s := range states {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Item.Entry, word(s), s.Item.Minter, oldKey(s), s.Since.Local().Format("2006-01-02 15:04"))
	}
	_ = w.Flush()
	for _, s := range states {
		if s.Why != "" && s.Step != fix.Closed {
			line := fmt.Sprintf("%s: %s", s.Item.Entry, s.Why)
			if colorful(out) {
				line = "\x1b[31m" + line + "\x1b[0m"
			}
			fmt.Fprintln(out, line)
		}
	}
}

func word(s *fix.State) string {
	switch {
	case s.Waiting:
		return "leaked"
	case s.Item.Rotation && s.Step == fix.InCode:
		return "rotated"
	}
	return string(s.Step)
}

// oldKey says what becomes of the old key.
func oldKey(s *fix.State) string {
	switch {
	case s.Step == fix.Closed:
		return "dead"
	case s.Step == fix.Undone:
		return "in use, as before"
	case s.Waiting:
		return "in use, from the vault: give the new value with remint fix --resume"
	case s.Step == fix.Revoked:
		return "revoked; not proved dead"
	case s.Step != fix.InCode:
		return "in use"
	case !s.Due.IsZero() && time.Now().Before(s.Due):
		return "alive until " + s.Due.Local().Format("2006-01-02 15:04") + " (remint revoke --due)"
	case s.Item.Revoke == fix.Never:
		return "alive"
	}
	return "alive: remint revoke " + s.Item.Entry
}

func newRevoke() *cobra.Command {
	var f fixFlags
	var o fix.RevokeOptions
	c := &cobra.Command{
		Use:   "revoke [ENTRY...]",
		Short: "Revoke old keys whose new ones are in the code",
		Long: `Revoke the old keys of entries that remint fix replaced, and look that their
providers refuse them. A new key that does not work, or code that holds the old
one still, stops it.`,
		Example: `  remint revoke shop/database-url
  remint revoke --due              those whose time has come (after=…)
  remint revoke shop/jwt-key --done   you did it by hand`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !o.Due {
				return errors.New("name the entries, or say --due; remint status lists them")
			}
			if o.Done && len(args) == 0 {
				return errors.New("--done needs the names of the entries")
			}
			m, closing, err := f.goOn(c, ".", fix.Options{})
			if err != nil {
				return err
			}
			defer closing()
			o.Entries = args
			states, err := m.Revoke(c.Context(), o)
			if err == nil && len(states) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing is due")
				return nil
			}
			return f.outcome(c, nil, states, err)
		},
	}
	f.keep.add(c)
	c.Flags().BoolVar(&o.Due, "due", false, "revoke those whose time has come")
	c.Flags().BoolVar(&o.Done, "done", false, "the old key was made useless by hand")
	return c
}
