package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/charmbracelet/huh"

	"github.com/remint/remint/remediate/fix"
	"github.com/remint/remint/scanner/config"
)

// choose walks a person through a plan, one key after the other.
func choose(plan *fix.Plan) error {
	for n, i := range plan.Items {
		var what strings.Builder
		showItem(&what, i)
		take, revoke := true, string(i.Revoke)
		fields := []huh.Field{
			huh.NewNote().Title(fmt.Sprintf("Key %d of %d", n+1, len(plan.Items))).Description(plain(what.String())),
			huh.NewConfirm().Title("Replace this key?").Affirmative("Yes").Negative("Leave it").Value(&take),
			huh.NewInput().Title("Name in the vault").Value(&i.Entry),
			huh.NewInput().Title("What the new key may do (empty: what its provider gives)").Value(&i.Scope),
			huh.NewInput().Title("When to revoke the old key").Description("now, on-deploy, never or after=24h").Value(&revoke).Validate(config.CheckRevoke),
		}
		if err := huh.NewForm(huh.NewGroup(fields...)).Run(); err != nil {
			if errors.Is(err, huh.ErrUserAborted) {
				return errors.New("stopped: nothing was changed")
			}
			return fmt.Errorf("--interactive needs a terminal: %w", err)
		}
		i.Skip, i.Revoke = !take, fix.Revocation(revoke)
	}
	return nil
}

// plain takes out what a note would read as markup.
func plain(s string) string { return strings.NewReplacer("_", `\_`, "*", `\*`, "`", "'").Replace(s) }
