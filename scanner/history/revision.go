package history

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxTags = 100     // tags of tags
	maxStep = 1 << 30 // in ~N and ^N
	// showCandidates is how many meanings of an ambiguous id an error lists.
	showCandidates = 5
)

// Resolve returns the object that a revision names, as gitrevisions(7) has
// it: an id, at least four digits of one, HEAD or @, a reference by its whole
// or short name, each followed by any of ~N, ^N, ^{TYPE} and ^{}. The object
// is there. What a revision says of reflogs, messages and paths is not read.
func (r *Repo) Resolve(rev string) (ID, error) {
	id, err := r.resolve(rev, false)
	if err == nil {
		_, _, err = r.Header(id)
	}
	if err != nil {
		return ID{}, fmt.Errorf("revision %q: %w", rev, err)
	}
	return id, nil
}

// ResolveCommit returns the commit that a revision leads to, through tags.
func (r *Repo) ResolveCommit(rev string) (ID, error) {
	id, err := r.resolve(rev, true)
	if err == nil {
		id, err = r.peel(id, Commit)
	}
	if err != nil {
		return ID{}, fmt.Errorf("revision %q: %w", rev, err)
	}
	return id, nil
}

func (r *Repo) resolve(rev string, commit bool) (ID, error) {
	base, steps := rev, ""
	if i := strings.IndexAny(rev, "^~"); i >= 0 {
		base, steps = rev[:i], rev[i:]
	}
	if strings.Contains(base, "@{") || strings.Contains(base, ":") {
		return ID{}, errors.New("reflog entries, searches and paths are not read here; give the id that `git rev-parse` prints for it")
	}
	commit = commit || steps != "" && !strings.HasPrefix(steps, "^{") || strings.HasPrefix(steps, "^{commit}")
	id, err := r.named(base, commit)
	for err == nil && steps != "" {
		id, steps, err = r.step(id, steps)
	}
	return id, err
}

// named returns the object that a name or id without anything after it means.
func (r *Repo) named(name string, commit bool) (ID, error) {
	if name == "" {
		return ID{}, errors.New("it names nothing; give an id, a branch or a tag")
	}
	if name == "@" {
		name = "HEAD"
	}
	if len(name) == 2*r.format.Size() {
		if id, err := ParseID(name); err == nil {
			return id, nil
		}
	}
	id, err := r.reference(name)
	if !id.IsZero() || err != nil && !errors.Is(err, ErrReftable) {
		return id, err
	}
	if p, ok := parsePrefix(name, r.format); ok {
		if id, problem := r.abbreviated(p, commit); !id.IsZero() || problem != nil {
			return id, problem
		}
	}
	if err == nil {
		err = errors.New("there is no such branch, tag or object here; see `git branch --all` and `git tag`, or fetch it")
		if name == "HEAD" {
			err = errors.New("the branch that is checked out has no commit yet")
		}
	}
	return ID{}, err
}

// reference tries the places where git looks for a short name, in its order.
func (r *Repo) reference(name string) (ID, error) {
	for _, pattern := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"} {
		ref := strings.Replace(pattern, "%s", name, 1)
		if !validRef(ref) && ref != "HEAD" && !(isPseudoRef(ref) && strings.HasSuffix(ref, "_HEAD")) {
			continue
		}
		if id, err := r.follow(ref); err != nil || !id.IsZero() {
			return id, err
		}
	}
	return ID{}, nil
}

// abbreviated returns the one object whose id begins so; where a commit is
// wanted, objects that lead to none do not count. It is the zero ID when
// there is none and everything could be searched.
func (r *Repo) abbreviated(p idPrefix, commit bool) (ID, error) {
	ids, err := r.withPrefix(p)
	if len(ids) == 0 {
		return ID{}, err
	}
	var fit []ID
	for _, id := range ids {
		if _, err := r.peel(id, Commit); err == nil {
			fit = append(fit, id)
		}
	}
	if commit && len(fit) > 0 {
		ids = fit
	}
	if len(ids) == 1 {
		return ids[0], nil
	}
	var list []string
	for _, id := range ids[:min(len(ids), showCandidates)] {
		typ, _, _ := r.Header(id)
		list = append(list, fmt.Sprintf("%s (%s)", id, typ))
	}
	return ID{}, fmt.Errorf("%d objects begin so; give more digits: %s", len(ids), strings.Join(list, ", "))
}

// step takes one ~N, ^N or ^{TYPE} from the front of steps.
func (r *Repo) step(id ID, steps string) (ID, string, error) {
	if typ, ok := strings.CutPrefix(steps, "^{"); ok {
		typ, rest, ok := strings.Cut(typ, "}")
		if !ok {
			return ID{}, "", errors.New("a } is missing")
		}
		if rest != "" && rest[0] != '^' && rest[0] != '~' {
			return ID{}, "", errStep(rest)
		}
		id, err := r.peelTo(id, typ)
		return id, rest, err
	}
	digits := len(steps) - 1 - len(strings.TrimLeft(steps[1:], "0123456789"))
	n, rest := 1, steps[1+digits:]
	if rest != "" && rest[0] != '^' && rest[0] != '~' {
		return ID{}, "", errStep(steps)
	}
	if digits > 0 {
		var err error
		if n, err = strconv.Atoi(steps[1 : 1+digits]); err != nil || n > maxStep {
			return ID{}, "", fmt.Errorf("the number in %q is too large", steps)
		}
	}
	if steps[0] == '^' {
		id, err := r.parent(id, n)
		return id, rest, err
	}
	id, err := r.peel(id, Commit)
	for ; err == nil && n > 0; n-- {
		id, err = r.parent(id, 1)
	}
	return id, rest, err
}

func errStep(steps string) error {
	return fmt.Errorf("%q cannot be read; ~N, ^N, ^{TYPE} and ^{} can follow a name", steps)
}

func (r *Repo) peelTo(id ID, typ string) (ID, error) {
	if typ == "" {
		return r.peel(id, 0)
	}
	if typ == "object" {
		return id, nil
	}
	t, ok := parseType(typ)
	if !ok {
		return ID{}, fmt.Errorf("^{%s} is not read; commit, tree, blob, tag, object or nothing can stand in the braces", typ)
	}
	return r.peel(id, t)
}

// peel follows tags, and a commit where its tree is wanted, until it comes to
// an object of a type; 0 is any that is not a tag.
func (r *Repo) peel(id ID, want Type) (ID, error) {
	for range maxTags {
		typ, _, err := r.Header(id)
		switch {
		case err != nil:
			return ID{}, err
		case typ == want || want == 0 && typ != Tag:
			return id, nil
		case typ == Commit && want == Tree:
			return r.TreeOf(id)
		case typ != Tag:
			return ID{}, fmt.Errorf("it is the %s %s where a %s is needed", typ, id, want)
		}
		_, data, err := r.Object(id)
		if err != nil {
			return ID{}, err
		}
		if id, err = tagTarget(id, data); err != nil {
			return ID{}, err
		}
	}
	return ID{}, fmt.Errorf("it leads through more than %d tags", maxTags)
}

// tagTarget returns the object that a tag's content names.
func tagTarget(tag ID, data []byte) (ID, error) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	name, ok := bytes.CutPrefix(line, []byte("object "))
	id, err := ParseID(string(name))
	if !ok || err != nil {
		return ID{}, fmt.Errorf("tag %s does not begin with its object; see `git fsck`", tag)
	}
	return id, nil
}

// parent returns a commit's nth parent, counted from 1; 0 is the commit.
func (r *Repo) parent(id ID, n int) (ID, error) {
	id, err := r.peel(id, Commit)
	if err != nil || n == 0 {
		return id, err
	}
	parents, err := r.parents(id)
	if err == nil && n > len(parents) {
		err = fmt.Errorf("commit %s has %d parents, so there is none to go back to", id, len(parents))
	}
	if err != nil {
		return ID{}, err
	}
	return parents[n-1], nil
}

// parents returns the commits that a commit names as its parents.
func (r *Repo) parents(id ID) ([]ID, error) {
	typ, data, err := r.Object(id)
	if err == nil && typ != Commit {
		err = fmt.Errorf("object %s is a %s where a commit should be; see `git fsck`", id, typ)
	}
	if err != nil {
		return nil, err
	}
	return commitParents(data), nil
}

// commitParents reads the lines after that of the tree.
func commitParents(data []byte) (parents []ID) {
	_, data, _ = bytes.Cut(data, []byte("\n"))
	for {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		name, ok := bytes.CutPrefix(line, []byte("parent "))
		id, err := ParseID(string(name))
		if !ok || err != nil {
			return parents
		}
		parents, data = append(parents, id), rest
	}
}
