package staged

import (
	"context"
	"io"
	"strings"

	"github.com/remint/remint/scanner/source"
)

// Source yields what is staged, each item with what HEAD had before it. The
// repository must stay open until the items were read.
type Source struct {
	Repo *Repo
	// Exclude tells whether a path is left out; for a directory, with
	// everything under it. It may be nil.
	Exclude func(path string, dir bool) bool
}

// Visit implements source.Source. An object that is not there is told to the
// visitor; an index that cannot be read is an error.
func (s Source) Visit(ctx context.Context, v source.Visitor) error {
	changes, err := s.Repo.Changes(ctx)
	if err != nil {
		return err
	}
	for _, c := range changes.Changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.excluded(c.Path) {
			v.Skipped(c.Path)
			continue
		}
		_, size, err := s.Repo.objects.Header(c.New.ID)
		if err != nil {
			v.Unreadable(c.Path, err)
			continue
		}
		if err := v.Item(s.item(c, size)); err != nil {
			return err
		}
	}
	return nil
}

func (s Source) item(c Change, size int64) source.Item {
	item := source.Item{Path: c.Path, Size: size, Open: func() (io.ReadCloser, error) {
		_, content, err := s.Repo.Reader(c.New.ID)
		return content, err
	}}
	// What was found at a path that is left out was never told, so that it
	// is news where it comes out.
	if !c.Old.ID.IsZero() && (c.OldPath == c.Path || !s.excluded(c.OldPath)) {
		item.Before = func() ([]byte, error) { return s.Repo.Content(c.Old.ID) }
	}
	return item
}

// excluded tells whether a path or a directory above it is left out.
func (s Source) excluded(path string) bool {
	if s.Exclude == nil {
		return false
	}
	for i := strings.IndexByte(path, '/'); i >= 0; {
		if s.Exclude(path[:i], true) {
			return true
		}
		next := strings.IndexByte(path[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return s.Exclude(path, false)
}
