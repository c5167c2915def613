package staged

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/gitindex"
	"github.com/remint/remint/scanner/history/mapped"
)

// Kind is what happened to a path.
type Kind string

// The kinds of changes that leave something to look at.
const (
	Added       Kind = "added"        // HEAD has no such path
	Modified    Kind = "modified"     // the content or the permissions changed
	TypeChanged Kind = "type-changed" // a file became a symbolic link, or the reverse
	Renamed     Kind = "renamed"      // a path of HEAD is gone, and this is like it
	Unmerged    Kind = "unmerged"     // one side of a conflict
)

// Object is a blob and what the entry that names it says of it. A mode of
// history.ModeSymlink means that the content is a path.
type Object struct {
	ID   history.ID
	Mode history.Mode
}

// Change is a path whose index entry differs from HEAD.
type Change struct {
	// Path is slash-separated and relative to the work tree, in the bytes
	// that git has, which need not be UTF-8.
	Path string
	Kind Kind
	New  Object
	// Old is what HEAD has at OldPath. Its ID is zero when that is no blob,
	// or nothing.
	Old     Object
	OldPath string
	// Stage tells the sides of a conflict apart, as git does: 1 is the common
	// ancestor, 2 is ours, 3 is theirs; 0 without a conflict.
	Stage int
}

// Changes are the differences between the index and HEAD.
type Changes struct {
	// Changes are in the order of their paths, as bytes.
	Changes []Change
	// Submodules are the paths at which another commit of a submodule is
	// staged; what it holds is in that submodule's repository.
	Submodules []string
	// IntentToAdd are the paths of which `git add -N` announced the content,
	// which is not staged yet.
	IntentToAdd []string
}

// maxChanges bounds what a hostile repository can ask to be listed.
const maxChanges = 1 << 22

// Changes compares the index with HEAD; without a commit, everything is new.
// A missing index file is an empty index, as it is to git.
func (r *Repo) Changes(ctx context.Context) (c *Changes, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	x, err := gitindex.Read(r.index, r.objects.GitDir(), r.objects.Format().Size())
	if err != nil {
		return nil, err
	}
	defer x.Close()
	sums := make(chan error, 1)
	go func() { sums <- x.Verify(ctx) }()
	c, err = r.compare(ctx, x)
	if bad := <-sums; bad != nil {
		return nil, fmt.Errorf("%s: %w", r.index, bad)
	}
	return c, err
}

func (r *Repo) compare(ctx context.Context, x *gitindex.Index) (*Changes, error) {
	head, err := r.objects.Head()
	if err != nil {
		return nil, err
	}
	d := differ{ctx: ctx, repo: r.objects, entries: x.Entries, tree: x.Tree}
	if !head.IsZero() {
		if head, err = r.objects.TreeOf(head); err != nil {
			return nil, fmt.Errorf("HEAD: %w", err)
		}
	}
	if err := d.root(head); err != nil {
		return nil, err
	}
	if err := d.renames(r.Content); err != nil {
		return nil, err
	}
	return &d.out, nil
}
