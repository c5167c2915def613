package staged

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
	"runtime/debug"

	"github.com/remint/remint/scanner/history"
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

// maxIndex is how large an index may be, in bytes: some 20 million files.
const maxIndex = 2 << 30

// Changes compares the index with HEAD; without a commit, everything is new.
// A missing index file is an empty index, as it is to git.
func (r *Repo) Changes(ctx context.Context) (c *Changes, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	files, x, err := r.readIndex()
	for _, f := range files {
		defer f.Close()
	}
	if err != nil {
		return nil, err
	}
	sums := make(chan error, 1)
	go func() { sums <- x.verify(ctx, r.objects.Format()) }()
	c, err = r.compare(ctx, x)
	if bad := <-sums; bad != nil {
		return nil, fmt.Errorf("%s: %w", r.index, bad)
	}
	return c, err
}

func (r *Repo) compare(ctx context.Context, x *index) (*Changes, error) {
	head, err := r.objects.Head()
	if err != nil {
		return nil, err
	}
	d := differ{ctx: ctx, repo: r.objects, entries: x.entries, tree: x.tree}
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

// readIndex maps and parses the index and, when it is split, the file that it
// shares; the files must stay open as long as the index is used.
func (r *Repo) readIndex() ([]*mapped.File, *index, error) {
	format := r.objects.Format()
	file, x, err := openIndex(r.index, format)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &index{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	files := []*mapped.File{file}
	name, err := x.sharedName(format.Size())
	if err != nil {
		return files, nil, fmt.Errorf("%s: %w", r.index, err)
	}
	if name == "" {
		return files, x, nil
	}
	name = filepath.Join(r.objects.GitDir(), name)
	file, shared, err := openIndex(name, format)
	if err != nil {
		return files, nil, fmt.Errorf("the shared part of the split index %s: %w", r.index, err)
	}
	files = append(files, file)
	if string(shared.sum) != string(x.link[:format.Size()]) {
		return files, nil, fmt.Errorf("%s: %w", name, ErrCorrupt)
	}
	if err := x.merge(shared, format.Size()); err != nil {
		return files, nil, fmt.Errorf("%s: %w", r.index, err)
	}
	return files, x, nil
}

func openIndex(name string, format history.Format) (*mapped.File, *index, error) {
	file, err := mapped.Open(name)
	if err != nil {
		return nil, nil, err
	}
	var data []byte
	if file.Size() > maxIndex {
		err = fmt.Errorf("%s has %d bytes, more than an index can have", name, file.Size())
	} else {
		data, err = file.Slice(0, int(file.Size()))
	}
	if err == nil {
		var x *index
		if x, err = parseIndex(data, format); err == nil {
			return file, x, nil
		}
		err = fmt.Errorf("%s: %w", name, err)
	}
	file.Close()
	return nil, nil, err
}

// verify makes sure that the file is what git wrote; git can be told to leave
// the hash out, which is then zero.
func (x *index) verify(ctx context.Context, format history.Format) (err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	var zero [32]byte
	if string(x.sum) == string(zero[:len(x.sum)]) {
		return nil
	}
	h := newHash(format)
	for b := x.body; len(b) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(b), 1<<20)
		h.Write(b[:n])
		b = b[n:]
	}
	if string(h.Sum(nil)) != string(x.sum) {
		return ErrCorrupt
	}
	return nil
}

func newHash(format history.Format) hash.Hash {
	if format == history.SHA256 {
		return sha256.New()
	}
	return sha1.New()
}
