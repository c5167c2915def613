// Package fix turns findings into keys that are kept: it plans, mints, seals,
// proves, rewrites the code and revokes the old key. Every effect is written to
// a journal before and after, so that a run that was killed anywhere goes on.
package fix

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/rewrite"
	"github.com/remint/remint/remediate/vault"
	"github.com/remint/remint/scanner/config"
)

// Revocation says when the old key is revoked: "now", "on-deploy" (when
// `remint revoke` says that the new code runs), "never", or "after=24h".
type Revocation string

// The revocations that have no time.
const (
	Now      Revocation = "now"
	OnDeploy Revocation = "on-deploy"
	Never    Revocation = "never"
)

// After is how long the old key lives on; ok is false for the others.
func (r Revocation) After() (d time.Duration, ok bool) {
	text, timed := strings.CutPrefix(string(r), "after=")
	if !timed {
		return 0, false
	}
	d, err := config.Duration(text)
	return d, err == nil
}

// Plan is what will be done. It holds no secret and may be edited: entry,
// minter, scope, custody, lifetime, rotate, revoke, skip, and the variables of
// places.
type Plan struct {
	// Version of the format: 1.
	Version int           `yaml:"version"`
	Style   rewrite.Style `yaml:"style"`
	Items   []*Item       `yaml:"items"`
	// Left are findings that nothing is done about, and why.
	Left []Left `yaml:"left,omitempty"`

	// secrets are those of all findings, which no diff shows.
	secrets [][]byte
}

// Item is one key: all the places of one secret.
type Item struct {
	// Entry is its name in the vault.
	Entry string `yaml:"entry"`
	// Rule found it, Minter replaces it.
	Rule   string `yaml:"rule"`
	Minter string `yaml:"minter"`
	// Scope is what the new key may do, as mint.ParseScope reads it.
	Scope string `yaml:"scope,omitempty"`
	// Custody is "hsm" where the token keeps the key itself, "vault" where the
	// vault seals it.
	Custody string `yaml:"custody"`
	// Assurance is that of the token which keeps or seals it.
	Assurance string `yaml:"assurance,omitempty"`
	// Lifetime is how long the new key lives, Rotate how often it is to be
	// replaced; "" for no end and never.
	Lifetime string     `yaml:"lifetime,omitempty"`
	Rotate   string     `yaml:"rotate,omitempty"`
	Revoke   Revocation `yaml:"revoke"`
	Skip     bool       `yaml:"skip,omitempty"`
	Places   []*Place   `yaml:"places"`
	// Pair is the other half of a credential that has two, such as an access
	// key's id: it has an entry of its own.
	Pair  *Pair    `yaml:"pair,omitempty"`
	Notes []string `yaml:"notes,omitempty"`
	// Rotation tells that the old key is not leaked, but has had its time.
	Rotation bool `yaml:"-"`

	leaked mint.Leaked
	// url and steps are the catalogue's words for what a person does.
	url, steps string
}

// Pair is the other half of a credential.
type Pair struct {
	Entry  string   `yaml:"entry"`
	Places []*Place `yaml:"places"`
}

// Place is where a credential stands.
type Place struct {
	File        string `yaml:"file"`
	Line        int    `yaml:"line"`
	Variable    string `yaml:"variable"`
	Fingerprint string `yaml:"fingerprint"`
	// Refused is why it cannot be rewritten; a person has to.
	Refused string `yaml:"refused,omitempty"`

	// Start and End are its bytes when it was found.
	Start int `yaml:"-"`
	End   int `yaml:"-"`

	entry string
}

// Left is a finding that is left.
type Left struct {
	File        string `yaml:"file"`
	Line        int    `yaml:"line"`
	Rule        string `yaml:"rule"`
	Fingerprint string `yaml:"fingerprint"`
	Why         string `yaml:"why"`
}

// places are those of both halves.
func (i *Item) places() []*Place {
	if i.Pair == nil {
		return i.Places
	}
	return slices.Concat(i.Places, i.Pair.Places)
}

// fingerprints are those of the item's findings, each once.
func (i *Item) fingerprints() []string {
	var all []string
	for _, p := range i.places() {
		if !slices.Contains(all, p.Fingerprint) {
			all = append(all, p.Fingerprint)
		}
	}
	return all
}

const planHead = `# What remint fix will do. Nothing has been done yet, and no secret is in here.
# Edit entry, minter, scope, custody, lifetime, rotate, revoke, skip and the
# variables of places; then: remint fix --apply --plan THIS-FILE
`

// Write writes a plan for a person to edit. A file that is there stays.
func (p *Plan) Write(name string) error {
	var b bytes.Buffer
	b.WriteString(planHead)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(p), e.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: carry it out with --apply, or take it away", name)
	}
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	_, err = f.Write(b.Bytes())
	return errors.Join(err, f.Sync(), f.Close())
}

// Edited reads a plan that a person may have edited and puts its words over
// those of a plan that was made now of what is there now. What is not in the
// file is left out; what is in it and not there any more is an error.
func (p *Plan) Edited(name string) error {
	text, err := config.ReadFile(name, 8<<20)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	var edited Plan
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&edited); err != nil {
		return fmt.Errorf("the plan %s: %w", name, err)
	}
	if edited.Version != 1 {
		return fmt.Errorf("the plan %s is of version %d: this remint knows 1", name, edited.Version)
	}
	byPrint := make(map[string]*Item)
	for _, i := range p.Items {
		for _, f := range i.fingerprints() {
			byPrint[f] = i
		}
	}
	var items []*Item
	for _, e := range edited.Items {
		var now *Item
		for _, f := range e.fingerprints() {
			now = cmp.Or(now, byPrint[f])
		}
		if now == nil {
			return fmt.Errorf("the plan %s: %s is not found any more: make the plan anew", name, e.Entry)
		}
		if err := e.check(); err != nil {
			return fmt.Errorf("the plan %s: %s: %w", name, e.Entry, err)
		}
		now.take(e)
		if !slices.Contains(items, now) {
			items = append(items, now)
		}
	}
	p.Items, p.Style = items, cmp.Or(edited.Style, p.Style)
	return nil
}

func (i *Item) check() error {
	if err := vault.CheckName(i.Entry); err != nil {
		return err
	}
	if i.Custody != custodyHSM && i.Custody != custodyVault {
		return fmt.Errorf("custody %q: want hsm or vault", i.Custody)
	}
	for _, d := range []string{i.Lifetime, i.Rotate} {
		if d == "" {
			continue
		}
		if _, err := config.Duration(d); err != nil {
			return err
		}
	}
	if i.Scope != "" {
		if _, err := mint.ParseScope(i.Minter, i.Scope); err != nil {
			return err
		}
	}
	return config.CheckRevoke(string(i.Revoke))
}

// take takes over what a person may edit.
func (i *Item) take(e *Item) {
	i.Entry, i.Minter, i.Scope, i.Custody, i.Lifetime, i.Rotate, i.Revoke, i.Skip = e.Entry, e.Minter, e.Scope, e.Custody, e.Lifetime, e.Rotate, e.Revoke, e.Skip
	if i.Pair != nil && e.Pair != nil {
		i.Pair.Entry = e.Pair.Entry
	}
	for _, p := range i.places() {
		for _, q := range e.places() {
			if p.File == q.File && p.Line == q.Line && p.Fingerprint == q.Fingerprint {
				p.Variable = q.Variable
			}
		}
	}
}

// The custodies.
const (
	custodyHSM   = "hsm"
	custodyVault = "vault"
)
