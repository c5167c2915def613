// Package gitindex reads git's index: which files the next commit will have.
package gitindex

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

	"github.com/remint/remint/scanner/history/mapped"
)

// maxIndex is how large an index may be, in bytes: some 20 million files.
const maxIndex = 2 << 30

// Read maps and parses an index file and, when it is split, the file of dir
// that it shares with others. Ids have so many bytes. What is in the entries
// is valid until Close, and a function that touches it must have
//
//	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
//
// A missing file is an empty index, as it is to git.
func Read(name, dir string, size int) (x *Index, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	x, err = open(name, size)
	if errors.Is(err, fs.ErrNotExist) {
		return &Index{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := x.readShared(name, dir, size); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

func open(name string, size int) (*Index, error) {
	file, err := mapped.Open(name)
	if err != nil {
		return nil, err
	}
	var data []byte
	if file.Size() > maxIndex {
		err = fmt.Errorf("%s has %d bytes, more than an index can have", name, file.Size())
	} else {
		data, err = file.Slice(0, int(file.Size()))
	}
	if err == nil {
		var x *Index
		if x, err = Parse(data, size); err == nil {
			x.files = []*mapped.File{file}
			return x, nil
		}
		err = fmt.Errorf("%s: %w", name, err)
	}
	file.Close()
	return nil, err
}

// readShared completes a split index.
func (x *Index) readShared(name, dir string, size int) error {
	part, err := x.sharedName(size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if part == "" {
		return nil
	}
	part = filepath.Join(dir, part)
	shared, err := open(part, size)
	if err != nil {
		return fmt.Errorf("the shared part of the split index %s: %w", name, err)
	}
	x.files = append(x.files, shared.files...)
	if string(shared.sum) != string(x.link[:size]) {
		return fmt.Errorf("%s: %w", part, ErrCorrupt)
	}
	if err := x.merge(shared, size); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Close releases the files.
func (x *Index) Close() {
	for _, f := range x.files {
		f.Close()
	}
	x.files = nil
}

// Verify makes sure that the file is what git wrote; git can be told to leave
// the hash out, which is then zero.
func (x *Index) Verify(ctx context.Context) (err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	var zero [sha256.Size]byte
	if string(x.sum) == string(zero[:len(x.sum)]) {
		return nil
	}
	h := newHash(len(x.sum))
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

func newHash(size int) hash.Hash {
	if size == sha256.Size {
		return sha256.New()
	}
	return sha1.New()
}
