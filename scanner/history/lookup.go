package history

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Commit reads a commit.
func (r *Repo) Commit(id ID) (CommitObject, error) {
	typ, data, err := r.Object(id)
	if err != nil {
		return CommitObject{}, err
	}
	if typ != Commit {
		return CommitObject{}, &CorruptError{ID: id, File: r.own.dir, Err: errors.New("it is a " + typ.String() + " where a commit should be")}
	}
	c, err := ParseCommit(id, data)
	if err != nil {
		return CommitObject{}, &CorruptError{ID: id, File: r.own.dir, Err: err}
	}
	return c, nil
}

// Lookup returns what a tree has at a path: the zero ID where nothing.
func (r *Repo) Lookup(tree ID, path string) (Mode, ID, error) {
	for {
		name, rest, deeper := strings.Cut(path, "/")
		typ, data, err := r.Object(tree)
		if err != nil {
			return 0, ID{}, err
		}
		if typ != Tree {
			return 0, ID{}, &CorruptError{ID: tree, File: r.own.dir, Err: errors.New("it is a " + typ.String() + " where a tree should be")}
		}
		e := NewEntries(data, r.format)
		for e.Next() && string(e.Name) != name {
		}
		switch {
		case string(e.Name) != name:
			return 0, ID{}, e.Err()
		case !deeper:
			return e.Mode, e.ID(), nil
		case !e.IsTree():
			return 0, ID{}, nil
		}
		tree, path = e.ID(), rest
	}
}

// WithPrefix returns the objects of a type whose ids start with these eight
// bytes, of which there is one unless somebody made another on purpose.
func (r *Repo) WithPrefix(prefix uint64, want Type) []ID {
	p, _ := parsePrefix(fmt.Sprintf("%016x", prefix), r.format)
	all, _ := r.withPrefix(p) // what cannot be searched, the walk tells
	var ids []ID
	for _, id := range all {
		if typ, _, err := r.Header(id); err == nil && typ == want {
			ids = append(ids, id)
		}
	}
	return ids
}

// Shallow returns the commits at which a shallow clone was cut off.
func (r *Repo) Shallow() []ID {
	commits, _ := r.commitsIn(GapShallow, filepath.Join(r.commonDir, "shallow")) // what is wrong with it, Gaps tells
	return commits
}
