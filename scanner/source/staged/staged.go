// Package staged says what is about to be committed: what the git index holds
// that HEAD does not. It reads the repository's files by itself: no program is
// started, nothing is fetched, and nothing that the repository's configuration
// or attributes ask for is done.
package staged

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/remint/remint/scanner/history"
)

// ErrBare says that a repository has no work tree, and so nothing staged.
var ErrBare = errors.New("is a bare repository, in which nothing can be staged; scan its history with --git instead")

// Repo is a repository with an index.
type Repo struct {
	objects  *history.Repo
	index    string // the index file
	workTree string
}

// Open finds the repository of a directory the way git does: in it or above,
// through the .git files of linked work trees and submodules, or where the
// environment of a git hook says it is. The environment counts for its own
// repository only, not when dir belongs to another one.
func Open(ctx context.Context, dir string) (*Repo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	env := environment{os.Getenv}
	at, err := locate(dir, env)
	if err != nil {
		return nil, err
	}
	var opt history.Options
	if at.env {
		opt = env.options()
	}
	objects, err := history.Open(at.gitDir, opt)
	if err != nil {
		return nil, err
	}
	r := &Repo{objects: objects, index: filepath.Join(at.gitDir, "index")}
	if err := r.findWorkTree(at, env); err != nil {
		objects.Close()
		return nil, err
	}
	if name := env.get("GIT_INDEX_FILE"); name != "" && at.env {
		r.index = absolute(name, r.workTree)
	}
	return r, nil
}

// findWorkTree decides where the top of the work tree is, as git does.
func (r *Repo) findWorkTree(at located, env environment) error {
	if at.env {
		if dir := env.get("GIT_WORK_TREE"); dir != "" {
			var err error
			r.workTree, err = filepath.Abs(dir)
			return err
		}
	}
	switch dir := r.objects.WorkTree(); {
	case dir != "":
		r.workTree = filepath.Clean(dir)
	case r.objects.Bare():
		return fmt.Errorf("%s %w", at.gitDir, ErrBare)
	case at.workTree != "":
		r.workTree = at.workTree
	case filepath.Base(at.gitDir) == ".git":
		r.workTree = filepath.Dir(at.gitDir)
	default:
		return fmt.Errorf("%s does not say where its work tree is; run again in the work tree", at.gitDir)
	}
	return nil
}

// WorkTree is the directory that the paths of changes are relative to.
func (r *Repo) WorkTree() string { return r.workTree }

// IndexFile is the index that is read, which is not the repository's own
// while git makes a partial commit.
func (r *Repo) IndexFile() string { return r.index }

// Content returns a blob; of a symbolic link, it is the target's path.
func (r *Repo) Content(id history.ID) ([]byte, error) {
	typ, data, err := r.objects.Object(id)
	if err == nil && typ != history.Blob {
		err = fmt.Errorf("object %s is a %s where a blob should be; see `git fsck`", id, typ)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Reader reads a blob of any size, of which only a large delta is held in
// memory as a whole. The caller closes.
func (r *Repo) Reader(id history.ID) (size int64, content io.ReadCloser, err error) {
	typ, size, content, err := r.objects.Stream(id)
	if err != nil {
		return 0, nil, err
	}
	if typ != history.Blob {
		content.Close()
		return 0, nil, fmt.Errorf("object %s is a %s where a blob should be; see `git fsck`", id, typ)
	}
	return size, content, nil
}

// Close releases the repository's files.
func (r *Repo) Close() { r.objects.Close() }
