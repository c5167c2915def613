package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Tree is directories and files. Symbolic links are not followed, special
// files are skipped, and of a repository's .git folder nothing is read.
type Tree struct {
	// Roots are the paths the user named.
	Roots []string
	// Exclude tells whether a path, as items have it, is left out; for a
	// directory, with everything under it. It may be nil.
	Exclude func(path string, dir bool) bool
	// Gitignore honours .gitignore files.
	Gitignore bool
}

// Visit implements Source. A root that does not exist is an error; anything
// below that cannot be read is told to the visitor.
func (t Tree) Visit(ctx context.Context, v Visitor) error {
	for _, root := range t.Roots {
		if err := t.visitRoot(ctx, root, v); err != nil {
			return err
		}
	}
	return nil
}

func (t Tree) visitRoot(ctx context.Context, root string, v Visitor) error {
	info, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("cannot scan %s: %w", root, cause(err))
	}
	if !info.IsDir() {
		return t.file(v, root, filepath.ToSlash(filepath.Clean(root)), info)
	}
	w := walk{tree: t, ctx: ctx, v: v, prefix: prefixOf(root)}
	if t.Gitignore {
		w.ignore = newIgnore(root)
	}
	return w.dir(root, "")
}

// prefixOf is what the paths under a root start with, so that a person can
// open them from where the program was started.
func prefixOf(root string) string {
	p := filepath.ToSlash(filepath.Clean(root))
	switch p {
	case ".":
		return ""
	case "/":
		return "/"
	}
	return p + "/"
}

type walk struct {
	tree   Tree
	ctx    context.Context
	v      Visitor
	prefix string
	ignore *ignore
}

// dir visits a directory; rel is its slash path under the root, "" for the
// root itself and ending in "/" otherwise.
func (w *walk) dir(name, rel string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		w.v.Unreadable(w.prefix+strings.TrimSuffix(rel, "/"), cause(err))
	}
	w.ignore.enter(name, rel)
	for _, e := range entries {
		child, path := rel+e.Name(), w.prefix+rel+e.Name()
		if e.IsDir() && e.Name() == ".git" || e.Type()&fs.ModeSymlink != 0 {
			continue
		}
		if w.tree.Exclude != nil && w.tree.Exclude(path, e.IsDir()) || w.ignore.matches(child, e.IsDir()) {
			w.v.Skipped(path)
			continue
		}
		full := filepath.Join(name, e.Name())
		if e.IsDir() {
			err = w.dir(full, child+"/")
		} else if e.Type().IsRegular() {
			err = w.entry(full, path, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(full, path string, _ fs.DirEntry) error {
	return w.v.Item(Item{Path: path, Size: -1, Open: func() (io.ReadCloser, error) { return os.Open(full) }})
}

// file visits a file that was named by itself; the user asked for it, so a
// pipe or device is refused aloud.
func (t Tree) file(v Visitor, name, path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		v.Unreadable(path, errors.New("not a regular file; use --stdin to scan a stream"))
		return nil
	}
	return v.Item(Item{Path: path, Size: info.Size(), Modified: info.ModTime(), Open: func() (io.ReadCloser, error) { return os.Open(name) }})
}

// cause strips the operation and path off a file error, which its reader
// already has.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
