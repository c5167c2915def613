package history

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/remint/remint/scanner/history/gitindex"
	"github.com/remint/remint/scanner/history/mapped"
)

// IndexEntry is one entry of an index.
type IndexEntry struct {
	// Path is slash-separated, in the bytes that git has. A directory of a
	// sparse index ends in a slash, and has the mode of a tree.
	Path string
	Mode Mode
	ID   ID
	// Stage tells the sides of a conflict apart: 1 is the common ancestor, 2
	// is ours, 3 is theirs; 0 without a conflict.
	Stage int
	// Resolved is set for the sides of a conflict that git keeps although it
	// was resolved.
	Resolved bool
	// Index is whose index it is: "index", or "worktrees/NAME/index".
	Index string
}

// IndexEntries returns what is staged, changed or not, in the work tree that
// is open and in all others. Where an index cannot be read, the error says so
// and the entries of the others are returned.
func (r *Repo) IndexEntries() ([]IndexEntry, error) {
	spaces, err := r.refSpaces()
	problems := []error{err}
	var all []IndexEntry
	for _, s := range spaces {
		entries, err := readIndexEntries(s, r.format)
		if err != nil {
			problems = append(problems, fmt.Errorf("%sindex: %w", s.prefix, err))
			continue
		}
		all = append(all, entries...)
	}
	return all, errors.Join(problems...)
}

func readIndexEntries(s refSpace, format Format) (all []IndexEntry, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	x, err := gitindex.Read(filepath.Join(s.dir, "index"), s.dir, format.Size())
	if err != nil {
		return nil, err
	}
	defer x.Close()
	if err := x.Verify(context.Background()); err != nil {
		return nil, err
	}
	all = make([]IndexEntry, 0, len(x.Entries))
	for i := range x.Entries {
		e := &x.Entries[i]
		if e.Later {
			continue // there is no content yet
		}
		all = append(all, IndexEntry{Path: string(e.Name), Mode: Mode(e.Mode()), ID: NewID(e.RawID()), Stage: int(e.Stage), Index: s.prefix + "index"})
	}
	for _, e := range x.Resolved {
		all = append(all, IndexEntry{Path: string(e.Name), Mode: Mode(e.Mode), ID: NewID(e.RawID), Stage: int(e.Stage), Resolved: true, Index: s.prefix + "index"})
	}
	return all, nil
}
