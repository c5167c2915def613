package fix

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/rest"
	"github.com/remint/remint/remediate/vault"
)

// mintAndProve takes a state from Begun to Proved. One that waits for a person
// goes on with the old value in the vault, so that its code can be rewritten.
func (m *Machine) mintAndProve(ctx context.Context, s *State) error {
	r, minter, err := m.request(ctx, s)
	if err != nil {
		return err
	}
	if err := m.keep(ctx, s); err != nil {
		return err
	}
	m.boundary("kept")
	minted, err := m.mint(ctx, s, r, minter)
	switch {
	case err == nil:
	case errors.Is(err, vault.ErrDeleted): // it was being taken back when the process ended
		return m.journal.write(s, record{Step: Undone, Why: "the new key was taken back"})
	case s.Item.Minter == guidedID && errors.Is(err, mint.ErrNeedsPerson):
		return m.journal.write(s, record{Step: s.Step, Waiting: true, Why: err.Error()})
	default:
		return m.taken(ctx, s, r, minter, err)
	}
	r.Minted = &minted
	m.boundary("minted")
	if p, ok := minter.(mint.Prover); ok {
		if err := p.Prove(ctx, r, minted.Value); err != nil {
			return m.undo(ctx, s, r, minter, fmt.Errorf("the new key is not proved: %w", err))
		}
	}
	if err := m.journal.write(s, record{Step: Proved}); err != nil {
		return err
	}
	m.say(s)
	m.boundary("proved")
	return nil
}

// taken takes back what a failed call to mint may have left. Where that cannot
// be known the state stays, for a resume.
func (m *Machine) taken(ctx context.Context, s *State, r *mint.Request, minter mint.Minter, why error) error {
	if ctx.Err() != nil {
		return m.failed(s, why)
	}
	if !errors.Is(why, mint.ErrNoAdmin) && s.minting {
		if err := m.removeOrphans(ctx, r, minter); err != nil {
			return m.failed(s, fmt.Errorf("%w (and what it may have left could not be looked for: remint fix --resume does)", why))
		}
	}
	return m.undone(ctx, s, why)
}

// undone deletes the new value, which is of no use, and ends the remediation.
func (m *Machine) undone(ctx context.Context, s *State, why error) error {
	version, err := m.version(ctx, s.Item.Entry, s.Token, false)
	if err == nil && version > 0 {
		err = m.Vault.Store.Delete(ctx, s.Item.Entry, version)
	}
	if err != nil {
		return m.failed(s, errors.Join(why, err))
	}
	return errors.Join(why, m.journal.write(s, record{Step: Undone, Why: why.Error()}))
}

// failed writes down what went wrong; the state stays where it is.
func (m *Machine) failed(s *State, err error) error {
	return errors.Join(err, m.journal.write(s, record{Step: s.Step, Waiting: s.Waiting, Why: err.Error()}))
}

// keep seals the old value before anything else is done.
func (m *Machine) keep(ctx context.Context, s *State) error {
	version, err := m.version(ctx, s.Item.Entry, s.Token, true)
	if err != nil || version > 0 {
		return err
	}
	meta := m.metadata(s)
	meta.State = stateLeaked
	if s.Item.Rotation {
		meta.State = stateRetired
	}
	_, err = m.Vault.Put(ctx, s.Item.Entry, s.Item.leaked.Value, meta, vault.Any)
	return err
}

func (m *Machine) metadata(s *State) vault.Metadata {
	meta := vault.Metadata{Provider: s.Item.Minter, Policy: s.Item.Rotate, Remediation: s.Token}
	if prints := s.Item.fingerprints(); len(prints) > 0 {
		meta.Origin = prints[0]
	}
	return meta
}

// sealed is the new value, where it is in the vault already.
func (m *Machine) sealed(ctx context.Context, s *State) (*mint.Minted, error) {
	version, err := m.version(ctx, s.Item.Entry, s.Token, false)
	if err != nil || version == 0 {
		return nil, err
	}
	value, e, err := m.Vault.Get(ctx, s.Item.Entry, version)
	if err != nil {
		return nil, err
	}
	out := &mint.Minted{ID: e.Metadata.ID, Value: value}
	if e.Metadata.Expires != "" {
		out.Expires, err = time.Parse(time.RFC3339, e.Metadata.Expires)
	}
	return out, err
}

// seal puts the new value into the vault.
func (m *Machine) seal(ctx context.Context, s *State, r *mint.Request, minted *mint.Minted) error {
	meta := m.metadata(s)
	meta.ID, meta.Scope = minted.ID, r.Scope.JSON()
	if !minted.Expires.IsZero() {
		meta.Expires = minted.Expires.Format(time.RFC3339)
	}
	_, err := m.Vault.Put(ctx, s.Item.Entry, minted.Value, meta, vault.Any)
	return err
}

// mint makes the new key, once, and seals it.
func (m *Machine) mint(ctx context.Context, s *State, r *mint.Request, minter mint.Minter) (mint.Minted, error) {
	sealed, err := m.sealed(ctx, s)
	if err != nil {
		return mint.Minted{}, err
	}
	if sealed != nil && s.Step == Minted {
		return *sealed, m.pairEntry(ctx, s, sealed)
	}
	if p, ok := minter.(mint.Proposer); ok {
		sealed, err = m.propose(ctx, s, r, p, minter, sealed)
	} else if sealed == nil {
		sealed, err = m.mintAndSeal(ctx, s, r, minter)
	}
	if err != nil {
		return mint.Minted{}, err
	}
	if err := m.pairEntry(ctx, s, sealed); err != nil {
		return mint.Minted{}, err
	}
	return *sealed, m.journal.write(s, record{Step: Minted, ID: sealed.ID})
}

// propose seals what a Proposer makes up, and then tells the provider.
func (m *Machine) propose(ctx context.Context, s *State, r *mint.Request, p mint.Proposer, minter mint.Minter, sealed *mint.Minted) (*mint.Minted, error) {
	if sealed == nil {
		proposed, err := p.Propose(ctx, r)
		if err != nil {
			return nil, err
		}
		sealed = &proposed
		if err := m.seal(ctx, s, r, sealed); err != nil {
			return nil, err
		}
	}
	m.boundary("sealed")
	r.Proposed = sealed
	if err := m.journal.write(s, record{Step: Minted, Intent: true}); err != nil {
		return nil, err
	}
	m.boundary("minting")
	minted, err := minter.Mint(ctx, r)
	if err != nil && ctx.Err() == nil && !definite(err) {
		minted, err = minter.Mint(ctx, r) // the answer may have been lost, and again it does the same
	}
	if err != nil {
		return nil, err
	}
	s.Item.addNotes(minted.Notes)
	m.boundary("made")
	return &minted, nil
}

// mintAndSeal mints where the provider makes up the value. What an earlier call
// may have left is removed first.
func (m *Machine) mintAndSeal(ctx context.Context, s *State, r *mint.Request, minter mint.Minter) (*mint.Minted, error) {
	if s.minting {
		if err := m.removeOrphans(ctx, r, minter); err != nil {
			return nil, err
		}
	}
	if err := m.journal.write(s, record{Step: Minted, Intent: true}); err != nil {
		return nil, err
	}
	m.boundary("minting")
	minted, err := minter.Mint(ctx, r)
	if finder, ok := minter.(mint.OrphanFinder); err != nil && ok && ctx.Err() == nil && !definite(err) {
		if err := m.removeOrphans(ctx, r, finder.(mint.Minter)); err != nil {
			return nil, err
		}
		minted, err = minter.Mint(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	m.boundary("made")
	s.Item.addNotes(minted.Notes)
	if err := m.writeBeside(s, minted.Files); err != nil {
		return nil, err
	}
	if minted.Held != "" {
		s.Item.Assurance = string(minted.Held)
	}
	if err := m.seal(ctx, s, r, &minted); err != nil {
		return nil, err
	}
	m.boundary("sealed")
	return &minted, nil
}

// definite tells whether an error is an answer, so that asking again is useless.
func definite(err error) bool {
	return mint.Refused(err) || errors.Is(err, mint.ErrNoAdmin) || errors.Is(err, mint.ErrNeedsPerson) || rest.Status(err) != 0
}

func (i *Item) addNotes(notes []string) {
	for _, n := range notes {
		if !slices.Contains(i.Notes, n) {
			i.Notes = append(i.Notes, n)
		}
	}
}

func (m *Machine) removeOrphans(ctx context.Context, r *mint.Request, minter mint.Minter) error {
	finder, ok := minter.(mint.OrphanFinder)
	if !ok {
		if e, ends := minter.(mint.EndsOld); ends && e.EndsOld(r) {
			return fmt.Errorf("the answer of %s was lost, and asking again could end the key that it made: look there: %w", minter.ID(), mint.ErrNeedsPerson)
		}
		return nil
	}
	ids, err := finder.Orphans(ctx, r)
	if err != nil {
		return fmt.Errorf("look for what a lost answer left: %w", err)
	}
	for _, id := range ids {
		if err := finder.Remove(ctx, r, id); err != nil {
			return fmt.Errorf("remove what a lost answer left: %w", err)
		}
	}
	return nil
}

// pairEntry seals the other half: the new one's id.
func (m *Machine) pairEntry(ctx context.Context, s *State, minted *mint.Minted) error {
	if s.Item.Pair == nil {
		return nil
	}
	version, err := m.version(ctx, s.Item.Pair.Entry, s.Token, false)
	if err != nil || version > 0 {
		return err
	}
	_, err = m.Vault.Put(ctx, s.Item.Pair.Entry, []byte(minted.ID), m.metadata(s), vault.Any)
	return err
}

// writeBeside writes what is published of a key beside the first place of it.
func (m *Machine) writeBeside(s *State, files map[string][]byte) error {
	for ending, text := range files {
		dir := ""
		if len(s.Item.Places) > 0 {
			dir = filepath.Dir(filepath.FromSlash(s.Item.Places[0].File))
		}
		name := filepath.Join(m.Project.Root, dir, path.Base(s.Item.Entry)+ending)
		if err := writeWhole(name, text); err != nil {
			return err
		}
		s.Item.addNotes([]string{"wrote " + filepath.ToSlash(filepath.Join(dir, filepath.Base(name))) + ": publish it where the old public key is trusted"})
	}
	return nil
}

// undo takes a new key back that is not proved. The old one was not touched.
func (m *Machine) undo(ctx context.Context, s *State, r *mint.Request, minter mint.Minter, why error) error {
	ctx = context.WithoutCancel(ctx)
	if finder, ok := minter.(mint.OrphanFinder); ok {
		if err := finder.Remove(ctx, r, r.Minted.ID); err != nil {
			return m.failed(s, errors.Join(why, fmt.Errorf("and it could not be taken back: %w", err)))
		}
	}
	m.boundary("removed")
	return m.undone(ctx, s, why)
}
