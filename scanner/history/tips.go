package history

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

// TipKind is what sort of thing names an object.
type TipKind uint8

// The kinds of tips. What a TipOther or TipReflog names may be gone without
// anything being wrong: git does not keep all of it alive.
const (
	TipHead    TipKind = iota + 1 // the HEAD of a work tree
	TipRef                        // a reference that is none of the others
	TipStash                      // refs/stash and its older entries
	TipReflog                     // what a reference was before
	TipOther                      // ORIG_HEAD, FETCH_HEAD, MERGE_HEAD, the state of a rebase …
	TipReplace                    // below refs/replace/
)

// Tip is a name from which git reaches an object.
type Tip struct {
	// Name is a reference ("HEAD", "refs/heads/main"), an older value of one
	// ("HEAD@{3}"), or a file of the repository ("rebase-merge/onto"), in the
	// bytes that git has. Those of another work tree start with
	// "worktrees/NAME/" or "main-worktree/", as git has it.
	Name string
	Kind TipKind
	// ID is zero where the name leads to nothing: a branch without a commit,
	// or a reference that cannot be read.
	ID ID
}

// Tips returns everything that names an object from outside of the database:
// references, what they were before, and what unfinished work left behind, of
// all work trees. The errors say what could not be read; the rest is returned
// all the same.
func (r *Repo) Tips() ([]Tip, []error) {
	t := r.references()
	for _, s := range t.spaces {
		t.files(s)
		t.logs(s)
	}
	return t.tips, t.problems
}

// references reads HEAD and the references of all work trees.
func (r *Repo) references() *tipReader {
	t := newTipReader(r.format)
	var err error
	t.spaces, err = r.refSpaces()
	t.failed(err)
	if err := r.checkRefStorage(); err != nil {
		t.failed(err)
		return t
	}
	t.packedRefs(filepath.Join(r.commonDir, "packed-refs"))
	for _, s := range t.spaces {
		t.looseRefs(s)
	}
	t.resolve()
	return t
}

// refSpace is a directory that references are kept in: a work tree's.
type refSpace struct {
	dir    string
	prefix string // of its own references' names; "" in the work tree that is open
}

// name is what a reference of the space is called.
func (s refSpace) name(ref string) string {
	if perWorkTree(ref) {
		return s.prefix + ref
	}
	return ref
}

// refSpaces lists the work trees, that which is open first.
func (r *Repo) refSpaces() ([]refSpace, error) {
	spaces := []refSpace{{dir: r.gitDir}}
	current := real(r.gitDir)
	if real(r.commonDir) != current {
		spaces = append(spaces, refSpace{dir: r.commonDir, prefix: "main-worktree/"})
	}
	dir := filepath.Join(r.commonDir, "worktrees")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); e.IsDir() && real(name) != current {
			spaces = append(spaces, refSpace{dir: name, prefix: "worktrees/" + e.Name() + "/"})
		}
	}
	return spaces, err
}

// refValue is what a reference holds: an object or the name of a reference.
type refValue struct {
	id     ID
	target string
	space  refSpace // where the target is looked for
}

type tipReader struct {
	format   Format
	spaces   []refSpace
	refs     map[string]refValue
	links    map[string]bool // directories that symbolic links led to
	tips     []Tip
	problems []error
}

func newTipReader(format Format) *tipReader {
	return &tipReader{format: format, refs: map[string]refValue{}, links: map[string]bool{}}
}

func (t *tipReader) failed(err error) {
	if err != nil {
		t.problems = append(t.problems, err)
	}
}

// readWhole calls fn with the content of a file, if there is one. The content
// is valid only until fn returns.
func readWhole(name string, fn func(data []byte)) (err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	file, err := mapped.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := file.Slice(0, int(file.Size()))
	if err == nil {
		fn(data)
	}
	return err
}

func (t *tipReader) packedRefs(file string) {
	bad := 0
	err := readWhole(file, func(data []byte) {
		bad = parsePackedRefs(data, t.format, func(name string, id ID) { t.refs[name] = refValue{id: id} })
	})
	t.failed(err)
	if bad > 0 {
		t.failed(fmt.Errorf("%s: %d lines hold no object id and name; see `git fsck`", file, bad))
	}
}

// parsePackedRefs calls fn for each reference, with the zero ID for one whose
// id is not one, and returns how many lines make no sense. What the tags lead
// to, in lines of their own, is left out.
func parsePackedRefs(data []byte, format Format, fn func(name string, id ID)) (bad int) {
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || line[0] == '#' || line[0] == '^' {
			continue
		}
		hex, name, ok := bytes.Cut(line, []byte{' '})
		id := hexID(hex, format)
		if id.IsZero() {
			bad++
		}
		if ok && len(name) > 0 {
			fn(string(name), id)
		} else if !id.IsZero() {
			bad++
		}
	}
	return bad
}

// hexID reads an id of the repository's own length; anything else, and the
// id of nothing but zeros that git writes for no object, is the zero ID.
func hexID(hex []byte, format Format) ID {
	if len(hex) != 2*format.Size() {
		return ID{}
	}
	id, err := ParseID(string(hex))
	if err != nil || id.sum == [maxIDSize]byte{} {
		return ID{}
	}
	return id
}

// looseRefs reads HEAD and every file below refs/.
func (t *tipReader) looseRefs(s refSpace) {
	t.looseRef(s, "HEAD")
	t.walk(s.dir, "refs", func(name string) { t.looseRef(s, name) })
}

func (t *tipReader) looseRef(s refSpace, ref string) {
	name := s.name(ref)
	id, target, err := readRef(filepath.Join(s.dir, filepath.FromSlash(ref)), t.format)
	if err != nil {
		t.failed(err)
		if _, packed := t.refs[name]; packed {
			return // git would refuse; what is packed was alive once
		}
	}
	t.refs[name] = refValue{id: id, target: target, space: s}
}

// walk calls fn for every file below a directory of dir, by its path from
// dir. What git passes over is left out: lock files and names with a dot.
func (t *tipReader) walk(dir, name string, fn func(name string)) {
	full := filepath.Join(dir, filepath.FromSlash(name))
	entries, err := os.ReadDir(full)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.failed(err)
	}
	for _, e := range entries {
		below := name + "/" + e.Name()
		switch {
		case strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".lock"):
		case e.IsDir():
			t.walk(dir, below, fn)
		case e.Type()&fs.ModeSymlink != 0 && isDir(filepath.Join(full, e.Name())):
			t.walkLink(dir, below, fn)
		default:
			fn(below)
		}
	}
}

// walkLink follows a symbolic link to a directory, once, as long as it stays
// in the repository.
func (t *tipReader) walkLink(dir, name string, fn func(name string)) {
	target, top := real(filepath.Join(dir, filepath.FromSlash(name))), real(dir)
	if !strings.HasPrefix(target, top+string(filepath.Separator)) {
		t.failed(fmt.Errorf("%s is a symbolic link that leaves the repository, and is not followed", filepath.Join(dir, name)))
		return
	}
	if !t.links[target] {
		t.links[target] = true
		t.walk(dir, name, fn)
	}
}

// resolve makes tips of the references, in the order of their names.
func (t *tipReader) resolve() {
	names := make([]string, 0, len(t.refs))
	for name := range t.refs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v, steps := t.refs[name], 0
		for ; v.target != "" && steps < refDepth; steps++ {
			v = t.refs[v.space.name(v.target)]
		}
		if v.target != "" {
			t.failed(fmt.Errorf("reference %q leads through more than %d references", name, refDepth))
		}
		t.tips = append(t.tips, Tip{Name: name, Kind: refKind(name), ID: v.id})
	}
}

func refKind(name string) TipKind {
	switch {
	case name == "HEAD" || strings.HasSuffix(name, "/HEAD") && !strings.HasPrefix(name, "refs/"):
		return TipHead
	case name == "refs/stash":
		return TipStash
	case strings.HasPrefix(name, "refs/replace/"):
		return TipReplace
	}
	return TipRef
}
