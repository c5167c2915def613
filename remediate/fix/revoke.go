package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/vault"
)

// RevokeOptions say which old keys to revoke.
type RevokeOptions struct {
	// Entries are names; empty, with Due, for those whose time has come.
	Entries []string
	Due     bool
	// Done tells that a person has made the old keys useless, where no program
	// can.
	Done bool
}

// Revoke revokes old keys of which the new ones are in the code.
func (m *Machine) Revoke(ctx context.Context, o RevokeOptions) ([]*State, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.journal.close()
	var chosen []*State
	var failed error
	for _, s := range m.states {
		named := slices.Contains(o.Entries, s.Item.Entry)
		due := o.Due && s.Step == InCode && !s.Due.IsZero() && !time.Now().Before(s.Due)
		if s.Finished() || !named && !due {
			continue
		}
		chosen = append(chosen, s)
	}
	for _, name := range o.Entries {
		if !slices.ContainsFunc(chosen, func(s *State) bool { return s.Item.Entry == name }) {
			failed = errors.Join(failed, fmt.Errorf("%s: nothing of it is to be revoked: see remint status", name))
		}
	}
	for _, s := range chosen {
		err := m.mayRevoke(s)
		if err == nil {
			err = m.recall(ctx, s)
		}
		if err == nil && o.Done {
			err = m.closed(ctx, s)
		} else if err == nil {
			err = m.revoke(ctx, s)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Item.Entry, err))
		}
	}
	return chosen, failed
}

// mayRevoke is the rule that holds whatever was asked for: never before the new
// key is proved and in the code.
func (m *Machine) mayRevoke(s *State) error {
	switch {
	case s.Waiting:
		return errors.New("there is no new key yet: give it with remint fix --resume")
	case s.Step == InCode || s.Step == Revoked:
		return nil
	}
	return fmt.Errorf("the new key is not in the code yet (%s): go on with remint fix --resume", s.Step)
}

// revoke makes the old key useless at its provider and looks that it is.
func (m *Machine) revoke(ctx context.Context, s *State) error {
	r, minter, err := m.request(ctx, s)
	if err != nil {
		return err
	}
	if s.Step == Revoked && len(s.Item.leaked.Value) == 0 {
		return m.closed(ctx, s) // the old value was deleted, which is done after it was proved dead
	}
	minted, err := m.sealed(ctx, s)
	if err != nil || minted == nil {
		return errors.Join(errors.New("the vault has no new key"), err)
	}
	r.Minted = minted
	if s.Step == InCode {
		if err := m.stillGood(ctx, s, r, minter); err != nil {
			return m.failed(s, err)
		}
		if err := m.revokeOnce(ctx, s, r, minter); err != nil {
			return m.failed(s, err)
		}
	}
	if p, ok := minter.(mint.Prover); ok {
		if err := m.dead(ctx, r, p); err != nil {
			return m.failed(s, err)
		}
	}
	return m.closed(ctx, s)
}

// stillGood looks once more before what cannot be taken back: the code holds
// the old key nowhere, and the new one works.
func (m *Machine) stillGood(ctx context.Context, s *State, r *mint.Request, minter mint.Minter) error {
	if err := errors.Join(m.Project.left(s.Item), m.Project.holds(ctx, s.Item.leaked.Secret)); err != nil {
		return fmt.Errorf("the code has the old value still: %w", err)
	}
	if p, ok := minter.(mint.Prover); ok {
		if err := p.Prove(ctx, r, r.Minted.Value); err != nil {
			return fmt.Errorf("the new key does not work, so the old one is left: %w", err)
		}
	}
	return nil
}

func (m *Machine) revokeOnce(ctx context.Context, s *State, r *mint.Request, minter mint.Minter) error {
	revoker, ok := minter.(mint.Revoker)
	if !ok {
		how := s.Item.steps
		if s.Item.url != "" {
			how += " (" + s.Item.url + ")"
		}
		return fmt.Errorf("no program can revoke it. %s Then say: remint revoke %s --done: %w", how, s.Item.Entry, mint.ErrNeedsPerson)
	}
	if err := m.journal.write(s, record{Step: Revoked, Intent: true}); err != nil {
		return err
	}
	m.boundary("revoking")
	if err := revoker.Revoke(ctx, r); err != nil {
		return err
	}
	m.boundary("gone")
	return m.journal.write(s, record{Step: Revoked})
}

// lag is how long a provider may take until a revoked key is refused.
const lag = 20 * time.Second

// dead waits until the provider itself refuses the old key.
func (m *Machine) dead(ctx context.Context, r *mint.Request, p mint.Prover) error {
	for deadline := time.Now().Add(lag); ; {
		err := p.Prove(ctx, r, r.Leaked.Value)
		if mint.Refused(err) {
			return nil
		}
		if time.Now().After(deadline) {
			if err == nil {
				return errors.New("the old key was revoked and still works: look at its provider")
			}
			return fmt.Errorf("the old key was revoked, and that it is dead is not proved: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// closed ends a remediation: the old value leaves the vault, and the project's
// configuration knows that it is dead.
func (m *Machine) closed(ctx context.Context, s *State) error {
	if s.Step == InCode {
		if err := m.Project.left(s.Item); err != nil {
			return fmt.Errorf("the code has the old value still: %w", err)
		}
	}
	m.boundary("dead")
	if s.Item.Rotation {
		return m.retired(ctx, s)
	}
	pairs := make(map[string]string)
	for _, f := range s.Item.fingerprints() {
		pairs[f] = time.Now().UTC().Format(time.DateOnly) + ", replaced by " + s.Item.Entry
	}
	for f := range m.Project.Config.Revoked {
		delete(pairs, f)
	}
	if err := m.Project.editConfig(func(text []byte) ([]byte, error) { return addPairs(text, []string{"revoked"}, pairs) }); err != nil {
		return m.failed(s, err)
	}
	if m.Project.Config.Revoked == nil {
		m.Project.Config.Revoked = make(map[string]string)
	}
	for f, text := range pairs {
		m.Project.Config.Revoked[f] = text
	}
	m.boundary("noted")
	return m.retired(ctx, s)
}

// retired deletes the old value from the vault: every version before the new one.
func (m *Machine) retired(ctx context.Context, s *State) error {
	all, err := m.Vault.Store.Versions(ctx, s.Item.Entry)
	if err != nil {
		return m.failed(s, err)
	}
	for _, e := range all {
		if e.Metadata.Remediation == s.Token && e.Metadata.State != stateLeaked && e.Metadata.State != stateRetired {
			break
		}
		if err := m.Vault.Store.Delete(ctx, s.Item.Entry, e.Version); err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, vault.ErrDeleted) {
			return m.failed(s, err)
		}
	}
	m.boundary("deleted")
	if err := m.journal.write(s, record{Step: Closed}); err != nil {
		return err
	}
	m.say(s)
	return nil
}
