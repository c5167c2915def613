// Package history reads git's object database: loose objects and packs with
// every kind of index, deltas whose bases are anywhere, alternates, both hash
// formats. Nothing is read before it is asked for, nothing is believed before
// it is checked, and no program is started.
package history

import (
	"bytes"
	"errors"
	"io"
	"runtime/debug"
	"sync"

	"github.com/remint/remint/scanner/history/mapped"
)

const (
	// maxObject is how many bytes of one object are held in memory. Git
	// makes no deltas of files over 512 MiB, so what is larger can be streamed.
	maxObject = 1 << 30
	// maxDepth is how many deltas may stand on one another; git stops at 4095.
	maxDepth = 4096
	// maxWork is how many bytes may be rebuilt on the way to one object.
	maxWork = 32 << 30
)

var (
	errDepth = errors.New("too many deltas stand on one another")
	errCycle = errors.New("its delta stands on itself")
)

// Repo is a repository's object database and references. Its methods may be
// called from several goroutines at once, Close excepted.
type Repo struct {
	layout
	own        *store
	alternates func() ([]*store, error)
	bases      baseCache
	limit      int64
}

// Open opens the repository whose .git directory, or bare directory, is
// gitDir. It reads its configuration and nothing else.
func Open(gitDir string, opt Options) (*Repo, error) {
	l, err := readLayout(gitDir, opt.CommonDir)
	if err != nil {
		return nil, err
	}
	objects := opt.ObjectDir
	if objects == "" {
		objects = l.objectDir()
	}
	r := &Repo{layout: l, own: &store{dir: objects, format: l.format}, limit: maxObject}
	r.alternates = sync.OnceValues(func() ([]*store, error) {
		return findAlternates(objects, opt.Alternates, l.format)
	})
	return r, nil
}

// Options are what git takes from its environment; the zero value is right
// for a program that git did not start.
type Options struct {
	CommonDir  string   // GIT_COMMON_DIR
	ObjectDir  string   // GIT_OBJECT_DIRECTORY
	Alternates []string // GIT_ALTERNATE_OBJECT_DIRECTORIES
}

// Close releases the files; it must not be called while another method runs.
func (r *Repo) Close() {
	r.own.close()
	stores, _ := r.alternates()
	for _, s := range stores {
		s.close()
	}
}

// Object returns an object's type and content, which is the caller's. The
// error is a *MissingError, *CorruptError or *TooLargeError.
func (r *Repo) Object(id ID) (typ Type, data []byte, err error) {
	err = r.visit(id, func(p place) (err error) {
		typ, data, err = r.read(p)
		return err
	})
	return typ, data, err
}

// Header returns an object's type and its size in bytes without rebuilding it.
func (r *Repo) Header(id ID) (typ Type, size int64, err error) {
	err = r.visit(id, func(p place) (err error) {
		typ, size, err = r.header(p)
		return err
	})
	return typ, size, err
}

// Stream returns an object's type, its size in bytes and a reader of its
// content, so that an object of any size can be read where git keeps it whole.
func (r *Repo) Stream(id ID) (typ Type, size int64, content io.ReadCloser, err error) {
	err = r.visit(id, func(p place) (err error) {
		typ, size, content, err = r.stream(id, p)
		return err
	})
	return typ, size, content, err
}

// TreeOf returns the tree of a commit.
func (r *Repo) TreeOf(commit ID) (ID, error) {
	typ, data, err := r.Object(commit)
	if err != nil {
		return ID{}, err
	}
	if typ != Commit {
		return ID{}, &CorruptError{ID: commit, File: r.own.dir, Err: errors.New("it is a " + typ.String() + " where a commit should be")}
	}
	id, err := CommitTree(data)
	if err != nil {
		return ID{}, &CorruptError{ID: commit, File: r.own.dir, Err: err}
	}
	return id, nil
}

// visit calls fn for each copy of an object until it is content with one.
func (r *Repo) visit(id ID, fn func(place) error) (err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	if id.IsZero() {
		return &MissingError{ID: id}
	}
	var bad error
	missing := r.search(id, func(p place) bool {
		err := fn(p)
		if err != nil && bad == nil {
			bad = blame(err, id, p)
		}
		return err == nil
	})
	if missing != nil && bad != nil {
		return bad
	}
	return missing
}

// blame says which object and which file an error is about.
func blame(err error, id ID, p place) error {
	var large *TooLargeError
	if errors.As(err, &large) {
		return &TooLargeError{ID: id, Size: large.Size, Limit: large.Limit}
	}
	return &CorruptError{ID: id, File: p.file(), Err: err}
}

// search calls try for every place of an object until it returns true.
func (r *Repo) search(id ID, try func(place) bool) error {
	found, problem := r.own.find(id, try)
	if found {
		return nil
	}
	stores, err := r.alternates()
	problem = errors.Join(problem, err)
	for _, s := range stores {
		found, err := s.find(id, try)
		if found {
			return nil
		}
		problem = errors.Join(problem, err)
	}
	for _, s := range append([]*store{r.own}, stores...) {
		if !s.relist() {
			continue
		}
		if found, _ := s.find(id, try); found {
			return nil
		}
	}
	return &MissingError{ID: id, Cause: problem}
}

func (r *Repo) read(p place) (Type, []byte, error) {
	if p.loose != nil {
		return readLoose(p.loose, r.limit)
	}
	return r.unpack(p)
}

func (r *Repo) header(p place) (Type, int64, error) {
	if p.loose == nil {
		return r.packedHeader(p)
	}
	l, err := openLoose(p.loose)
	if err != nil {
		return 0, 0, err
	}
	defer l.release()
	return l.typ, l.size, nil
}

func (r *Repo) stream(id ID, p place) (Type, int64, io.ReadCloser, error) {
	typ, size, err := r.header(p)
	if err != nil {
		return 0, 0, nil, err
	}
	if size > trustedSize {
		if s, err := openStream(id, p, size); s != nil || err != nil {
			return typ, size, s, err
		}
	}
	typ, data, err := r.read(p)
	return typ, int64(len(data)), io.NopCloser(bytes.NewReader(data)), err
}
