package history

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrRevision is what errors.Is finds in an error about a revision that names
// nothing.
var ErrRevision = errors.New("is no revision of this repository; see `git log --oneline --all` and `git branch --all`, or `git fetch` what is missing")

// minAbbreviation is how many digits an abbreviated id has at least, as git
// has it.
const minAbbreviation = 4

// Resolve returns the commit that a revision names, as gitrevisions(7) has
// it: an id or its first digits, HEAD or @, a branch, tag or other reference,
// and behind it any number of ~N, ^N, ^{commit} and ^{}.
func (r *Repo) Resolve(rev string) (ID, error) {
	base := rev
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		base = rev[:i]
	}
	id, err := r.resolveName(base)
	if err == nil {
		id, err = r.commitOf(id)
	}
	for rest := rev[len(base):]; err == nil && rest != ""; {
		id, rest, err = r.step(id, rest)
	}
	if err != nil {
		return ID{}, fmt.Errorf("%q: %w", rev, err)
	}
	return id, nil
}

// step goes from a commit to the one that ~N or ^N names.
func (r *Repo) step(id ID, rest string) (ID, string, error) {
	kind, rest := rest[0], rest[1:]
	if kind == '^' && strings.HasPrefix(rest, "{") {
		what, after, ok := strings.Cut(rest[1:], "}")
		if !ok || what != "" && what != "commit" {
			return ID{}, "", ErrRevision
		}
		return id, after, nil
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	n := 1
	if digits > 0 {
		var err error
		if n, err = strconv.Atoi(rest[:digits]); err != nil {
			return ID{}, "", ErrRevision
		}
	}
	rest = rest[digits:]
	if kind == '^' {
		if n == 0 {
			return id, rest, nil
		}
		id, err := r.parent(id, n)
		return id, rest, err
	}
	for range n {
		var err error
		if id, err = r.parent(id, 1); err != nil {
			return ID{}, "", err
		}
	}
	return id, rest, nil
}

// parent returns a commit's n-th parent, counted from 1.
func (r *Repo) parent(id ID, n int) (ID, error) {
	c, err := r.Commit(id)
	if err != nil {
		return ID{}, err
	}
	if n > len(c.Parents) {
		return ID{}, fmt.Errorf("commit %s has %d parents; it %w", id, len(c.Parents), ErrRevision)
	}
	return c.Parents[n-1], nil
}

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

// commitOf follows tags to a commit.
func (r *Repo) commitOf(id ID) (ID, error) {
	for range refDepth {
		typ, data, err := r.Object(id)
		if err != nil {
			return ID{}, err
		}
		switch typ {
		case Commit:
			return id, nil
		case Tag:
			t, err := ParseTag(id, data)
			if err != nil {
				return ID{}, &CorruptError{ID: id, File: r.own.dir, Err: err}
			}
			id = t.Object
		default:
			return ID{}, fmt.Errorf("it names a %s where a commit should be", typ)
		}
	}
	return ID{}, fmt.Errorf("it leads through more than %d tags", refDepth)
}

// resolveName looks a name up where git does, in its order.
func (r *Repo) resolveName(name string) (ID, error) {
	if id, err := ParseID(name); err == nil && len(name) == 2*r.format.Size() {
		if _, _, err := r.Header(id); err != nil {
			return ID{}, fmt.Errorf("%w: %w", err, ErrRevision)
		}
		return id, nil
	}
	switch name {
	case "":
		return ID{}, ErrRevision
	case "@", "HEAD":
		id, err := r.Head()
		if err == nil && id.IsZero() {
			err = fmt.Errorf("the branch has no commit yet; it %w", ErrRevision)
		}
		return id, err
	}
	for _, form := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"} {
		full := fmt.Sprintf(form, name)
		if !validRef(full) {
			continue
		}
		id, err := r.follow(full)
		if err != nil {
			return ID{}, err
		}
		if !id.IsZero() {
			return id, nil
		}
	}
	if len(name) >= minAbbreviation && strings.Trim(name, "0123456789abcdefABCDEF") == "" {
		return r.expand(strings.ToLower(name))
	}
	return ID{}, ErrRevision
}

// expand finds the one commit or tag whose id starts with these digits.
func (r *Repo) expand(prefix string) (ID, error) {
	found := map[ID]bool{}
	stores, _ := r.alternates()
	for _, s := range append([]*store{r.own}, stores...) {
		s.startingWith(prefix, func(id ID) {
			if typ, _, err := r.Header(id); err == nil && (typ == Commit || typ == Tag) {
				found[id] = true
			}
		})
	}
	switch len(found) {
	case 0:
		return ID{}, ErrRevision
	case 1:
		for id := range found {
			return id, nil
		}
	}
	return ID{}, fmt.Errorf("%d objects have ids that start so; give more digits", len(found))
}

// WithPrefix returns the objects of a type whose ids start with these eight
// bytes, of which there is one unless somebody made another on purpose.
func (r *Repo) WithPrefix(prefix uint64, want Type) []ID {
	var ids []ID
	stores, _ := r.alternates()
	for _, s := range append([]*store{r.own}, stores...) {
		s.startingWith(fmt.Sprintf("%016x", prefix), func(id ID) {
			if typ, _, err := r.Header(id); err == nil && typ == want && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		})
	}
	return ids
}

// startingWith calls fn for the objects whose ids start with these digits.
func (s *store) startingWith(prefix string, fn func(ID)) {
	entries, _ := os.ReadDir(filepath.Join(s.dir, prefix[:2]))
	for _, e := range entries {
		if id, err := ParseID(prefix[:2] + e.Name()); err == nil && strings.HasPrefix(id.String(), prefix) {
			fn(id)
		}
	}
	low, _ := hex.DecodeString((prefix + strings.Repeat("0", 2*s.format.Size()))[:2*s.format.Size()])
	for _, p := range s.list().packs() {
		if p.ensureIndex() != nil {
			continue
		}
		for i := p.index.lower(NewID(low)); i < p.index.count(); i++ {
			id, err := p.index.name(i)
			if err != nil || !strings.HasPrefix(id.String(), prefix) {
				break
			}
			fn(id)
		}
	}
}
