package fix

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/scanner/config"
)

// Machine carries plans out.
type Machine struct {
	Project *Project
	Vault   *remediate.Opened
	// Home has the journal.
	Home string
	// Ask asks a person for a value; nil where there is none.
	Ask func(ctx context.Context, prompt string) ([]byte, error)
	// Say tells of every step that was made; nil for nobody.
	Say func(s *State)
	// Boundary is called between any two effects; nil for nobody.
	Boundary func(name string)

	journal *journal
	states  []*State
}

// What the version of an entry is marked with that has the old value: one that
// leaked, or one that has had its time.
const (
	stateLeaked  = "leaked"
	stateRetired = "retired"
)

func (m *Machine) boundary(name string) {
	if m.Boundary != nil {
		m.Boundary(name)
	}
}

func (m *Machine) say(s *State) {
	if m.Say != nil {
		m.Say(s)
	}
}

// open locks the journal and lets the project ask for settings.
func (m *Machine) open() (err error) {
	m.Project.settings = m.settings
	m.journal, m.states, err = openJournal(m.Home, m.Project.Root)
	return err
}

// settings are what the project says of a provider, with the admin out of the
// vault.
func (m *Machine) settings(ctx context.Context, minter string) (mint.Settings, error) {
	conf := m.Project.Config.Providers[minter]
	s := mint.Settings{Endpoint: conf["endpoint"], Options: conf}
	if name := conf["admin"]; name != "" {
		value, _, err := m.Vault.Get(ctx, name, 0)
		if err != nil {
			return s, fmt.Errorf("providers.%s.admin: %w", minter, err)
		}
		s.Admin = value
	}
	return s, nil
}

// UseSettings lets a plan ask providers with what the vault has of them.
func (m *Machine) UseSettings() { m.Project.settings = m.settings }

// Apply carries out a plan. What went wrong with one key stops no other; the
// error names them all.
func (m *Machine) Apply(ctx context.Context, plan *Plan) ([]*State, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.journal.close()
	var items []*Item
	for _, i := range plan.active() {
		if m.inHand(i) {
			plan.Left = append(plan.Left, Left{i.Places[0].File, i.Places[0].Line, i.Rule, i.Places[0].Fingerprint, "it is being replaced already: go on with remint fix --resume"})
			continue
		}
		items = append(items, i)
	}
	if err := m.ready(items); err != nil {
		return nil, err
	}
	var begun []*State
	var byHand error
	for _, i := range items {
		if err := i.byHand(); err != nil {
			byHand = errors.Join(byHand, err)
			continue
		}
		s, err := m.begin(i)
		if err != nil {
			return begun, err
		}
		begun = append(begun, s)
	}
	m.boundary("begun")
	return begun, errors.Join(byHand, m.run(ctx, begun))
}

// byHand tells why nothing is minted for an item: no place of it can be
// rewritten.
func (i *Item) byHand() error {
	var why error
	for _, at := range i.Places {
		if at.Refused == "" {
			return nil
		}
		why = errors.Join(why, fmt.Errorf("%s:%d: %s", at.File, at.Line, at.Refused))
	}
	return fmt.Errorf("%s: left as it is, because its code cannot be rewritten: %w", i.Entry, why)
}

// inHand tells whether an item's key is being replaced already: that is for
// Resume to finish.
func (m *Machine) inHand(i *Item) bool {
	return slices.ContainsFunc(m.states, func(s *State) bool {
		return !s.Finished() && slices.ContainsFunc(i.fingerprints(), func(f string) bool { return slices.Contains(s.Item.fingerprints(), f) })
	})
}

// Resume goes on with what was begun.
func (m *Machine) Resume(ctx context.Context) ([]*State, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.journal.close()
	var open []*State
	var failed error
	for _, s := range m.states {
		if s.Finished() {
			continue
		}
		if err := m.recall(ctx, s); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Item.Entry, err))
			continue
		}
		open = append(open, s)
	}
	return open, errors.Join(failed, m.run(ctx, open))
}

// ready looks that nothing stands in the way of a plan before anything is done.
func (m *Machine) ready(items []*Item) error {
	if len(items) == 0 {
		return nil
	}
	entries := make(map[string]bool)
	for _, i := range items {
		if err := i.check(); err != nil {
			return fmt.Errorf("%s: %w", i.Entry, err)
		}
		if entries[i.Entry] {
			return fmt.Errorf("two keys of the plan are called %s: give one another entry", i.Entry)
		}
		entries[i.Entry] = true
		minter, err := i.minter()
		if err != nil {
			return err
		}
		if e, ok := minter.(mint.EndsOld); ok && e.EndsOld(&mint.Request{Leaked: i.leaked, Settings: mint.Settings{Options: m.Project.Config.Providers[i.Minter]}}) && i.Revoke != Now {
			return fmt.Errorf("%s: %s ends the old key when it makes the new one: say revoke: now, or skip it", i.Entry, i.Minter)
		}
	}
	if m.Project.Force {
		return nil
	}
	return m.Project.clean(items)
}

func (m *Machine) begin(i *Item) (*State, error) {
	token := make([]byte, 4)
	if _, err := rand.Read(token); err != nil {
		return nil, err
	}
	l := &i.leaked
	k := known{bytes.Index(l.Value, l.Secret), len(l.Secret), l.Beside, make(map[string]string), i.url, i.steps}
	for _, at := range i.Places {
		if text, err := m.Project.text(at.File); err == nil {
			k.Files[at.File] = sum(text)
		}
	}
	s := &State{Item: i, Token: hex.EncodeToString(token), known: k}
	return s, m.journal.write(s, record{Step: Begun, Item: i, Known: &s.known})
}

// recall gets an item's leaked value back: from the vault, or from the code
// where it was not kept yet.
func (m *Machine) recall(ctx context.Context, s *State) error {
	i := s.Item
	i.url, i.steps = s.known.URL, s.known.Steps
	version, err := m.version(ctx, i.Entry, s.Token, true)
	if err != nil {
		return err
	}
	var value []byte
	if version > 0 {
		value, _, err = m.Vault.Get(ctx, i.Entry, version)
		if errors.Is(err, vault.ErrDeleted) && s.Step == Revoked {
			return nil
		}
	} else if i.Rotation {
		value, _, err = m.Vault.Get(ctx, i.Entry, 0)
	} else {
		value, err = m.fromCode(s)
	}
	if err != nil {
		return err
	}
	at := max(s.known.SecretAt, 0)
	i.leaked = mint.Leaked{Rule: i.Rule, Value: value, Secret: value[at:min(at+s.known.SecretLen, len(value))], Beside: s.known.Beside}
	return nil
}

// fromCode reads the value where it was found, if the file is as it was.
func (m *Machine) fromCode(s *State) ([]byte, error) {
	for _, at := range s.Item.Places {
		text, err := m.Project.text(at.File)
		if err == nil && at.End <= len(text) && at.Start < at.End && sum(text) == s.known.Files[at.File] {
			return bytes.Clone(text[at.Start:at.End]), nil
		}
	}
	return nil, errors.New("nothing was done yet, and the code is not what it was: make the plan anew")
}

// version is the version of an entry that a remediation made: of the old value,
// or of the new one; 0 for none.
func (m *Machine) version(ctx context.Context, entry, token string, old bool) (int, error) {
	all, err := m.Vault.Store.Versions(ctx, entry)
	if errors.Is(err, vault.ErrNotFound) {
		return 0, nil
	}
	for _, e := range all {
		if e.Metadata.Remediation == token && old == (e.Metadata.State == stateLeaked || e.Metadata.State == stateRetired) {
			return e.Version, nil
		}
	}
	return 0, err
}

// run takes every state as far as it goes.
func (m *Machine) run(ctx context.Context, states []*State) error {
	var failed error
	fail := func(s *State, err error) {
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Item.Entry, err))
		}
	}
	for _, s := range states {
		if err := ctx.Err(); err != nil {
			return errors.Join(failed, fmt.Errorf("stopped: go on with remint fix --resume: %w", err))
		}
		if s.Step == Begun || s.Step == Minted || s.Waiting {
			fail(s, m.mintAndProve(ctx, s))
		}
	}
	ready := slices.DeleteFunc(slices.Clone(states), func(s *State) bool { return s.Step != Proved && !(s.Waiting && s.Step == Begun) })
	failed = errors.Join(failed, m.rewrite(ctx, ready))
	for _, s := range states {
		if s.Step == Revoked || s.Step == InCode && s.Item.Revoke == Now && !s.Waiting {
			fail(s, m.revoke(ctx, s))
		}
	}
	return failed
}

// request is what a state asks of its minter.
func (m *Machine) request(ctx context.Context, s *State) (*mint.Request, mint.Minter, error) {
	i := s.Item
	minter, err := i.minter()
	if err != nil {
		return nil, nil, err
	}
	r := &mint.Request{Leaked: i.leaked, Name: i.Entry, Token: s.Token, HSM: m.Vault.Token, Sealed: i.Custody == custodyVault, Ask: m.Ask}
	if r.Settings, err = m.settings(ctx, i.Minter); err != nil {
		return nil, nil, err
	}
	if i.Scope != "" {
		if r.Scope, err = mint.ParseScope(i.Minter, i.Scope); err != nil {
			return nil, nil, err
		}
	}
	if i.Lifetime != "" {
		if r.Lifetime, err = config.Duration(i.Lifetime); err != nil {
			return nil, nil, err
		}
	}
	return r, minter, nil
}
