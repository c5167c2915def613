package fix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/remint/remint/remediate/mint"
)

// Rotate replaces the current value of entries by a new one of the same minter
// and scope: mint, seal, prove, and revoke the old one as the option says.
// Programs get the new one when they ask again, or are started again.
func (m *Machine) Rotate(ctx context.Context, entries []string) ([]*State, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.journal.close()
	var begun []*State
	for _, entry := range entries {
		i, err := m.rotation(ctx, entry)
		if err != nil {
			return begun, fmt.Errorf("%s: %w", entry, err)
		}
		s, err := m.begin(i)
		if err != nil {
			return begun, err
		}
		begun = append(begun, s)
	}
	m.boundary("begun")
	return begun, m.run(ctx, begun)
}

// rotation is the item of an entry's current value.
func (m *Machine) rotation(ctx context.Context, entry string) (*Item, error) {
	value, e, err := m.Vault.Get(ctx, entry, 0)
	if err != nil {
		return nil, err
	}
	i := &Item{Entry: entry, Minter: e.Metadata.Provider, Custody: custodyVault, Rotate: e.Metadata.Policy, Revoke: m.Project.Revoke, Rotation: true}
	beside := make(map[string]string)
	for _, s := range m.states {
		if s.Item.Entry != entry {
			continue
		}
		if !s.Finished() && (s.Step != InCode || s.Waiting) {
			return nil, errors.New("it is being replaced: go on with remint fix --resume")
		}
		i.Rule, i.Custody, i.Lifetime, i.Pair, i.url, i.steps, beside = s.Item.Rule, s.Item.Custody, s.Item.Lifetime, s.Item.Pair, s.known.URL, s.known.Steps, s.known.Beside
	}
	if i.Pair != nil {
		i.Pair = &Pair{Entry: i.Pair.Entry}
		id, _, err := m.Vault.Get(ctx, i.Pair.Entry, 0)
		if err != nil {
			return nil, err
		}
		beside[accessKeyID] = string(id)
	}
	minter, err := i.minter()
	if err != nil {
		return nil, fmt.Errorf("remint did not mint it, so that it cannot mint another: %w", err)
	}
	if len(e.Metadata.Scope) > 0 {
		var scope mint.Scope
		if err := json.Unmarshal(e.Metadata.Scope, &scope); err != nil {
			return nil, fmt.Errorf("its scope cannot be read: %w", err)
		}
		i.Scope = scope.String()
	}
	if _, ok := minter.(mint.Revoker); !ok && i.Minter != guidedID {
		i.Revoke = Never // there is nobody to revoke it at
	}
	i.leaked = mint.Leaked{Rule: i.Rule, Value: value, Secret: value, Beside: beside}
	return i, nil
}
