// Package guided is the minter of providers that no program can mint at: a
// person follows the page, and the new value comes from a prompt or a pipe.
package guided

import (
	"bytes"
	"context"
	"fmt"

	"github.com/remint/remint/remediate/mint"
)

// Minter is a person.
type Minter struct {
	// URL and Steps are the catalogue's words for the rule.
	URL, Steps string
}

// ID implements mint.Minter.
func (Minter) ID() string { return "guided" }

// Mint implements mint.Minter.
func (g Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	if r.Ask == nil {
		return mint.Minted{}, fmt.Errorf("make a new one at %s, then give it: remint fix --resume: %w", g.URL, mint.ErrNeedsPerson)
	}
	value, err := r.Ask(ctx, fmt.Sprintf("%s: make a new key at %s, and paste it here (nothing: later)", r.Name, g.URL))
	if err != nil {
		return mint.Minted{}, err
	}
	if value = bytes.TrimSpace(value); len(value) == 0 {
		return mint.Minted{}, fmt.Errorf("no new value was given for %s: %w", r.Name, mint.ErrNeedsPerson)
	}
	if bytes.Equal(value, r.Leaked.Value) {
		return mint.Minted{}, fmt.Errorf("%s: that is the old value", r.Name)
	}
	return mint.Minted{ID: "guided-" + r.Token, Value: value}, nil
}
