package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The reasons of gaps.
const (
	GapShallow   = "shallow"
	GapPartial   = "partial-clone"
	GapReplaced  = "replaced"
	GapGrafted   = "grafted"
	GapSubmodule = "submodule"
	GapMissing   = "missing"
	GapCorrupt   = "corrupt"
)

// maxGaps is how many gaps of one kind are named; more are counted.
const maxGaps = 1000

// Gap is something that the history has and this clone has not, or that the
// repository shows otherwise than it is.
type Gap struct {
	Reason string
	// Path is an object's id, a submodule's path, or a file or directory.
	Path string
	// Detail says what is wrong and what to do about it.
	Detail string
}

// Gaps returns what a look at every object that is here would still not have
// seen. Objects that are named and missing are left to whoever follows names.
// When ctx ends, the list is not complete.
func (r *Repo) Gaps(ctx context.Context) []Gap {
	var all []Gap
	for _, find := range []func(context.Context) []Gap{r.shallow, r.partial, r.replaced, r.grafted, r.alternateGaps, r.submodules} {
		gaps := find(ctx)
		if more := len(gaps) - maxGaps; more > 0 {
			last := gaps[maxGaps]
			last.Detail = fmt.Sprintf("and %d more like this; %s", more-1, last.Detail)
			gaps = append(gaps[:maxGaps:maxGaps], last)
		}
		all = append(all, gaps...)
	}
	return all
}

// parseGrafts calls fn for each line of commits: one, and for a graft the
// parents it is given. It returns how many lines are something else.
func parseGrafts(data []byte, format Format, fn func(commit ID)) (bad int) {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		ids := 0
		var first ID
		words := bytes.Fields(line)
		for _, word := range words {
			id := hexID(word, format)
			if id.IsZero() {
				break
			}
			if ids == 0 {
				first = id
			}
			ids++
		}
		if ids < len(words) {
			bad++
		}
		if ids > 0 {
			fn(first)
		}
	}
	return bad
}

// commitsIn reads a file of grafts; the gap is about the file itself.
func (r *Repo) commitsIn(reason, file string) (commits []ID, gaps []Gap) {
	bad := 0
	err := readWhole(file, func(data []byte) {
		bad = parseGrafts(data, r.format, func(id ID) { commits = append(commits, id) })
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d lines name no commit; see `git fsck`", bad)
	}
	if err != nil {
		gaps = append(gaps, Gap{reason, file, err.Error()})
	}
	return commits, gaps
}

// shallow names the commits where the history was cut. One whose parents have
// come since is none any more.
func (r *Repo) shallow(ctx context.Context) []Gap {
	commits, gaps := r.commitsIn(GapShallow, filepath.Join(r.commonDir, "shallow"))
	for _, id := range commits {
		if ctx.Err() != nil {
			break
		}
		parents, err := r.parents(id)
		if errors.Is(err, ErrMissing) {
			continue // nothing leads there
		}
		cut := err != nil
		for _, p := range parents {
			_, _, err := r.Header(p)
			cut = cut || err != nil
		}
		if cut {
			gaps = append(gaps, Gap{GapShallow, id.String(), "the history before this commit is not here; get it with `git fetch --unshallow`"})
		}
	}
	return gaps
}

// partial tells whether objects may have been left out on purpose.
func (r *Repo) partial(context.Context) []Gap {
	const advice = "; get them with `git fetch --refetch --no-filter`, or scan a whole clone"
	if name := r.settings.promisor; name != "" {
		return []Gap{{GapPartial, name, "this is a partial clone: the remote " + name + " has objects that may not be here" + advice}}
	}
	stores, _ := r.alternates()
	for _, s := range append([]*store{r.own}, stores...) {
		dir := filepath.Join(s.dir, "pack")
		entries, _ := os.ReadDir(dir) // that it cannot be read, its objects tell
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".promisor") {
				return []Gap{{GapPartial, filepath.Join(dir, e.Name()), "the pack came from a partial clone, which leaves out objects" + advice}}
			}
		}
	}
	return nil
}

func (r *Repo) replaced(context.Context) (gaps []Gap) {
	const below = "refs/replace/"
	t := newTipReader(r.format)
	t.packedRefs(filepath.Join(r.commonDir, "packed-refs"))
	t.walk(r.commonDir, strings.TrimSuffix(below, "/"), func(name string) { t.looseRef(refSpace{dir: r.commonDir}, name) })
	for name := range t.refs {
		if id, ok := strings.CutPrefix(name, below); ok {
			gaps = append(gaps, Gap{GapReplaced, id, "git shows another object instead of this one; both are read as they are; see `git replace --list`"})
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return strings.Compare(a.Path, b.Path) })
	return gaps
}

func (r *Repo) grafted(context.Context) []Gap {
	commits, gaps := r.commitsIn(GapGrafted, filepath.Join(r.commonDir, "info", "grafts"))
	for _, id := range commits {
		gaps = append(gaps, Gap{GapGrafted, id.String(), "info/grafts gives this commit other parents; those that it names are followed"})
	}
	return gaps
}

// alternateGaps names the object directories that are borrowed from and
// cannot be.
func (r *Repo) alternateGaps(context.Context) (gaps []Gap) {
	_, err := r.alternates()
	for _, err := range unjoin(err) {
		path := filepath.Join(r.own.dir, "info", "alternates")
		var gone *alternateError
		if errors.As(err, &gone) {
			path = gone.dir
		}
		gaps = append(gaps, Gap{GapMissing, path, err.Error() + "; put it back, or make the clone whole with `git repack -a -d` where it is"})
	}
	return gaps
}

// unjoin takes the errors apart that errors.Join put together.
func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, unjoin(e)...)
	}
	return all
}

// submodules names the submodules of HEAD and the index that are not here, or
// not up to the commit that is wanted.
func (r *Repo) submodules(ctx context.Context) (gaps []Gap) {
	links, paths, err := r.gitlinks(ctx)
	found := r.findModules(ctx, links, paths)
	for _, err := range append(found.problems, unjoin(err)...) {
		gaps = append(gaps, r.problemGap(err))
	}
	last := ""
	for _, l := range links { // HEAD and the index can want two commits at one path
		if l.path == last || ctx.Err() != nil {
			continue
		}
		if detail := found.lacks(l); detail != "" {
			gaps = append(gaps, Gap{GapSubmodule, l.path, detail})
			last = l.path
		}
	}
	return gaps
}

// problemGap is a gap about something that should be readable.
func (r *Repo) problemGap(err error) Gap {
	var missing *MissingError
	var corrupt *CorruptError
	var file *fs.PathError
	switch {
	case errors.As(err, &missing):
		return Gap{GapMissing, missing.ID.String(), err.Error()}
	case errors.As(err, &corrupt):
		return Gap{GapCorrupt, corrupt.ID.String(), err.Error()}
	case errors.As(err, &file):
		return Gap{GapCorrupt, file.Path, err.Error()}
	}
	return Gap{GapCorrupt, r.gitDir, err.Error()}
}

// lacks says what is not here of a submodule's commit; "" when it is.
func (f *moduleFinder) lacks(l gitlink) string {
	i := slices.IndexFunc(f.modules, func(m Module) bool { return m.Path == l.path || f.paths[m.Name] == l.path })
	if i < 0 {
		return "the submodule's repository is not here; get it with `git submodule update --init`"
	}
	m := f.modules[i]
	repo, err := Open(m.GitDir, Options{})
	if err == nil {
		defer repo.Close()
		_, _, err = repo.Header(l.commit)
	}
	if err != nil {
		return fmt.Sprintf("commit %s of the submodule cannot be read in %s: %v; get it with `git submodule update`", l.commit, m.GitDir, err)
	}
	return ""
}
