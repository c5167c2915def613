package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/remint/remint/remediate/rewrite"
)

// rewrite takes the values of proved items out of the code, all files at once,
// so that a file that has several is written once.
func (m *Machine) rewrite(ctx context.Context, states []*State) error {
	if len(states) == 0 {
		return nil
	}
	items := make([]*Item, len(states))
	for n, s := range states {
		items[n] = s.Item
		m.Project.relocate(s.Item)
	}
	files, err := m.Project.rewritten(items)
	if err != nil {
		return err
	}
	if files, err = m.Project.vetted(ctx, files); err != nil {
		return err
	}
	for _, s := range states {
		if err := m.journal.write(s, record{Step: InCode, Intent: true, Waiting: s.Waiting}); err != nil {
			return err
		}
	}
	if err := m.Project.record(items, files); err != nil {
		return err
	}
	m.boundary("recorded")
	failed := make(map[string]error)
	for _, f := range files {
		if err := replaceFile(m.Project.path(f.File), f.Before, f.After); err != nil {
			failed[f.File] = err
			continue
		}
		m.Project.texts[f.File] = f.After
		m.boundary("file")
	}
	return m.written(states, files, failed)
}

// written ends the step of each item whose code has all been rewritten.
func (m *Machine) written(states []*State, files []*Rewritten, failed map[string]error) error {
	var all error
	for _, s := range states {
		for _, f := range files {
			if slices.ContainsFunc(f.places, func(at *Place) bool { return slices.Contains(s.Item.places(), at) }) {
				s.Item.addNotes(f.Notes)
			}
		}
		why := m.Project.left(s.Item)
		for _, at := range s.Item.places() {
			if err := failed[at.File]; err != nil {
				why = errors.Join(why, fmt.Errorf("%s: %w", at.File, err))
			}
		}
		if why != nil {
			all = errors.Join(all, m.failed(s, fmt.Errorf("%s: the code has the old value still: %w", s.Item.Entry, why)))
			continue
		}
		r := record{Step: InCode, Item: s.Item, Waiting: s.Waiting, Why: s.Why}
		if after, ok := s.Item.Revoke.After(); ok {
			due := time.Now().Add(after).UTC()
			r.Due = &due
		}
		if err := m.journal.write(s, r); err != nil {
			return err
		}
		m.say(s)
	}
	m.boundary("rewritten")
	return all
}

// relocate finds an item's places again in files that changed since.
func (p *Project) relocate(i *Item) {
	value := func(places []*Place, value []byte) {
		taken := make(map[string][]int)
		for _, at := range places {
			text, err := p.text(at.File)
			if err != nil || len(value) == 0 {
				continue
			}
			best := -1
			for from := 0; ; {
				n := bytes.Index(text[from:], value)
				if n < 0 {
					break
				}
				here := from + n
				if !slices.Contains(taken[at.File], here) && (best < 0 || max(here-at.Start, at.Start-here) < max(best-at.Start, at.Start-best)) {
					best = here
				}
				from = here + 1
			}
			if best < 0 { // it was rewritten before
				at.Refused = gone
				continue
			}
			at.Start, at.End = best, best+len(value)
			taken[at.File] = append(taken[at.File], best)
			if at.Refused == gone {
				at.Refused = ""
			}
		}
	}
	value(i.Places, i.leaked.Value)
	if i.Pair != nil {
		value(i.Pair.Places, []byte(i.leaked.Beside[accessKeyID]))
	}
}

// gone marks a place that has the value no more.
const gone = "the value is not there any more"

// left is where the old value still stands in the files of an item.
func (p *Project) left(i *Item) error {
	var all error
	seen := make(map[string]bool)
	for _, at := range i.places() {
		if seen[at.File] {
			continue
		}
		seen[at.File] = true
		text, err := os.ReadFile(p.path(at.File))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		if bytes.Contains(text, i.leaked.Secret) {
			all = errors.Join(all, fmt.Errorf("%s:%d: %s", at.File, at.Line, reason(i, at.File)))
		}
	}
	return all
}

// holds looks for a value in every file of the project, also in those that no
// scan looks at.
func (p *Project) holds(ctx context.Context, secret []byte) error {
	return filepath.WalkDir(p.Root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir // what was committed stays there
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > rewrite.MaxFile {
			return err
		}
		text, err := os.ReadFile(name)
		if err == nil && len(secret) > 0 && bytes.Contains(text, secret) {
			err = fmt.Errorf("%s has it", name)
		}
		return err
	})
}

// reason is why a place of a file was refused.
func reason(i *Item, file string) string {
	for _, at := range i.places() {
		if at.File == file && at.Refused != "" && at.Refused != gone {
			return at.Refused
		}
	}
	return "it is there once more, where it was not found"
}

// clean refuses to rewrite files that have changes which are not committed:
// whoever looks at the diff should see this change alone.
func (p *Project) clean(items []*Item) error {
	repo, err := git.PlainOpenWithOptions(p.Root, &git.PlainOpenOptions{DetectDotGit: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether files have changes that are not committed: %w; --force does not look", err)
	}
	head, root, err := headTree(repo)
	if err != nil || head == nil {
		return err
	}
	var dirty []string
	for _, i := range items {
		for _, at := range i.places() {
			rel, err := filepath.Rel(root, p.path(at.File))
			if err != nil || slices.Contains(dirty, at.File) {
				continue
			}
			entry, err := head.FindEntry(filepath.ToSlash(rel))
			if err != nil {
				continue // it is not committed at all
			}
			text, err := p.text(at.File)
			if err != nil {
				return err
			}
			unix := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
			if entry.Hash != plumbing.ComputeHash(plumbing.BlobObject, text) && entry.Hash != plumbing.ComputeHash(plumbing.BlobObject, unix) {
				dirty = append(dirty, at.File)
			}
		}
	}
	if len(dirty) > 0 {
		return fmt.Errorf("%d files have changes that are not committed, such as %s: commit them first, or say --force", len(dirty), dirty[0])
	}
	return nil
}

// headTree is what is committed, and the folder of the work tree; nil where
// nothing is.
func headTree(repo *git.Repository) (*object.Tree, string, error) {
	w, err := repo.Worktree()
	if err != nil {
		return nil, "", nil //nolint:nilerr // a bare repository has no files
	}
	head, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	commit, err := repo.CommitObject(head.Hash())
	if err != nil {
		return nil, "", err
	}
	tree, err := commit.Tree()
	root := w.Filesystem.Root()
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return tree, root, err
}
