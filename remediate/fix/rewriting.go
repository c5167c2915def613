package fix

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/remint/remint/remediate/rewrite"
	"github.com/remint/remint/scanner/config"
)

// Rewritten is a file as it will be.
type Rewritten struct {
	File          string
	Before, After []byte
	Notes         []string
	// changes are what was made, for the diff.
	changes []rewrite.Change
	places  []*Place
}

// rewritten makes the edits of items' places, in memory. Places that cannot be
// rewritten are marked with the reason.
func (p *Project) rewritten(items []*Item) ([]*Rewritten, error) {
	byFile := make(map[string][]*Place)
	for _, i := range items {
		for _, at := range i.Places {
			at.entry = i.Entry
		}
		if i.Pair != nil {
			for _, at := range i.Pair.Places {
				at.entry = i.Pair.Entry
			}
		}
		for _, at := range i.places() {
			if at.Refused == "" {
				byFile[at.File] = append(byFile[at.File], at)
			}
		}
	}
	p.conflicts(items)
	files := make([]string, 0, len(byFile))
	for f := range byFile {
		files = append(files, f)
	}
	slices.Sort(files)
	if err := p.loadTypes(files); err != nil {
		return nil, err
	}
	var all []*Rewritten
	for _, f := range files {
		places := slices.DeleteFunc(byFile[f], func(at *Place) bool { return at.Refused != "" })
		if len(places) == 0 {
			continue
		}
		r, err := p.rewriteFile(f, places)
		if err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, r)
		}
	}
	return p.checked(all), nil
}

// conflicts refuses places whose variable has another entry already: a process
// has one value of a variable.
func (p *Project) conflicts(items []*Item) {
	taken := make(map[string]string)
	for name, entry := range p.Config.Inject.Env {
		taken[name] = entry
	}
	for _, i := range items {
		for _, at := range i.places() {
			if at.Refused != "" {
				continue
			}
			if other, ok := taken[at.Variable]; ok && other != at.entry {
				at.Refused = fmt.Sprintf("the variable %s has the value of %s already: give this one another in the plan", at.Variable, other)
				continue
			}
			taken[at.Variable] = at.entry
		}
	}
}

func (p *Project) rewriteFile(file string, places []*Place) (*Rewritten, error) {
	text, err := p.text(file)
	if err != nil {
		return nil, err
	}
	changes := make([]rewrite.Change, len(places))
	for n, at := range places {
		changes[n] = rewrite.Change{Start: at.Start, End: at.End, Variable: at.Variable, Entry: at.entry}
	}
	o := rewrite.Options{Style: p.Style, Expands: p.expands(file), GoType: p.types.at(p.path(file))}
	if o.Style == rewrite.SDK && !p.hasSDK() {
		o.Style = rewrite.Env
	}
	key := fmt.Sprint(file, sum(text), changes, o.Style, o.Expands)
	result, known := p.results[key]
	if !known { // a plan and its execution ask for the same
		result = rewrite.File(file, text, changes, o)
		p.results[key] = result
	}
	r := &Rewritten{File: file, Before: text, After: result.Text, Notes: result.Notes}
	for n, at := range places {
		if reason := result.Refused[n]; reason != "" {
			at.Refused = reason
			continue
		}
		r.changes, r.places = append(r.changes, changes[n]), append(r.places, at)
	}
	if len(r.changes) == 0 {
		return nil, nil
	}
	return r, nil
}

// expands tells whether the configuration says that a file's reader expands
// variables.
func (p *Project) expands(file string) bool {
	return slices.ContainsFunc([]*config.Globs{p.Config.Fix.Expand, p.Expand}, func(g *config.Globs) bool { return g != nil && g.Match(file, false) })
}

// preview fills in what cannot be rewritten.
func (p *Project) preview(plan *Plan) error {
	_, err := p.rewritten(plan.Items)
	return err
}

// Diffs are the changes of a plan's files, as a unified diff in which the old
// values are masked.
func (p *Project) Diffs(plan *Plan) (string, error) {
	for _, i := range plan.Items {
		for _, at := range i.places() {
			at.Refused = ""
		}
	}
	all, err := p.rewritten(plan.active())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range all {
		b.WriteString(r.diff(plan))
	}
	return b.String(), nil
}

const mask = "********"

// diff masks every secret of the plan in both texts, and compares them.
func (r *Rewritten) diff(plan *Plan) string {
	before, after := r.Before, r.After
	secrets := slices.Clone(plan.secrets)
	for _, i := range plan.Items {
		secrets = append(secrets, i.leaked.Value, i.leaked.Secret)
	}
	slices.SortFunc(secrets, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	for _, s := range secrets {
		if len(s) > 0 {
			before, after = bytes.ReplaceAll(before, s, []byte(mask)), bytes.ReplaceAll(after, s, []byte(mask))
		}
	}
	return udiff.Unified("a/"+r.File, "b/"+r.File, string(before), string(after))
}

// active are the items that are not skipped.
func (p *Plan) active() []*Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i *Item) bool { return i.Skip })
}

// Sum identifies a text in the journal.
func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// errChanged tells that a file is not what it was when the edit was made.
var errChanged = errors.New("it was changed meanwhile")

// replaceFile puts a text in place of a file, whole or not at all: beside,
// synced, and renamed. Mode and owner stay.
func replaceFile(name string, before, after []byte) error {
	now, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, before) {
		return fmt.Errorf("%s: %w", name, errChanged)
	}
	return writeWhole(name, after)
}

func writeWhole(name string, text []byte) error {
	mode := os.FileMode(0o644)
	info, err := os.Stat(name)
	if err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".remint-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		keepOwner(f.Name(), info)
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
