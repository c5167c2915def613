package staged

import (
	"bytes"
	"context"
	"hash/maphash"
	"path"
	"slices"

	"github.com/remint/remint/scanner/history"
)

// Bounds on the search for renames with edits. Beyond them a file counts as
// new, which reports more and never less.
const (
	maxGone   = 1 << 17  // files of HEAD that are gone
	maxPairs  = 1 << 18  // of files compared; beyond, only those of the same name are
	maxRename = 16 << 20 // bytes of a file that is compared
	maxLoaded = 1 << 28  // bytes of all files that are compared
	maxLines  = 1 << 22  // lines of all files that are compared
)

// renames finds for new paths what they were called in HEAD: the same
// content, or at least half of it, line by line. Each path that is gone
// serves one new path.
func (d *differ) renames(content func(history.ID) ([]byte, error)) error {
	if len(d.gone)+len(d.goneDir) == 0 {
		return nil
	}
	var fresh []*Change
	for i := range d.out.Changes {
		if c := &d.out.Changes[i]; c.Kind == Added {
			fresh = append(fresh, c)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := d.readGone(); err != nil {
		return err
	}
	fresh, gone := exactRenames(fresh, d.gone)
	s := similar{repo: d.repo, content: content, seed: maphash.MakeSeed(), lines: map[history.ID][]uint64{}}
	pairs, err := s.pairs(d.ctx, fresh, gone)
	assign(pairs, fresh, gone)
	return err
}

// exactRenames finds the paths whose content did not change, those of the
// same file name first, and returns the others.
func exactRenames(fresh []*Change, gone []file) ([]*Change, []file) {
	byID := map[history.ID][]int{}
	for i, f := range gone {
		byID[f.ID] = append(byID[f.ID], i)
	}
	used := make([]bool, len(gone))
	match := func(sameName bool) {
		for _, c := range fresh {
			if c.Kind == Renamed {
				continue
			}
			for _, i := range byID[c.New.ID] {
				f := gone[i]
				if !used[i] && f.Mode.Kind() == c.New.Mode.Kind() && (!sameName || path.Base(f.path) == path.Base(c.Path)) {
					used[i] = true
					c.rename(f)
					break
				}
			}
		}
	}
	match(true)
	match(false)
	fresh = slices.DeleteFunc(fresh, func(c *Change) bool { return c.Kind == Renamed || c.New.Mode.Kind() != history.ModeFile })
	var rest []file
	for i, f := range gone {
		if !used[i] && f.Mode.Kind() == history.ModeFile {
			rest = append(rest, f)
		}
	}
	return fresh, rest
}

func (c *Change) rename(from file) {
	c.Kind, c.Old, c.OldPath = Renamed, from.Object, from.path
}

// pair is a new file and one that is gone, and how much they have in common.
type pair struct {
	fresh, gone, score int
	sameName           bool
}

// assign gives each new file the best of those that are gone, once.
func assign(pairs []pair, fresh []*Change, gone []file) {
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if a.sameName != b.sameName && a.score == b.score {
			if a.sameName {
				return -1
			}
			return 1
		}
		return b.score - a.score
	})
	used := make([]bool, len(gone))
	for _, p := range pairs {
		if c := fresh[p.fresh]; c.Kind == Added && !used[p.gone] {
			used[p.gone] = true
			c.rename(gone[p.gone])
		}
	}
}

// similar tells how much two files have in common.
type similar struct {
	repo    *history.Repo
	content func(history.ID) ([]byte, error)
	seed    maphash.Seed
	lines   map[history.ID][]uint64
	loaded  int64 // bytes
	counted int   // lines
}

// pairs finds the new files and those that are gone which are alike.
func (s *similar) pairs(ctx context.Context, fresh []*Change, gone []file) ([]pair, error) {
	byName := map[string][]int{}
	all := make([]int, len(gone))
	for i, f := range gone {
		all[i] = i
		byName[path.Base(f.path)] = append(byName[path.Base(f.path)], i)
	}
	var pairs []pair
	compared := 0
	for i, c := range fresh {
		name := path.Base(c.Path)
		candidates := all
		if len(fresh)*len(gone) > maxPairs {
			candidates = byName[name]
		}
		for _, k := range candidates {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if compared++; compared > maxPairs {
				return pairs, nil
			}
			if score := s.score(c.New, gone[k].Object); score >= half {
				pairs = append(pairs, pair{i, k, score, name == path.Base(gone[k].path)})
			}
		}
	}
	return pairs, nil
}

const (
	whole = 100
	half  = whole / 2
)

// score is the share of the lines that both have, in percent of the longer one.
func (s *similar) score(a, b Object) int {
	x, y := s.load(a.ID), s.load(b.ID)
	longer := max(len(x), len(y))
	if 2*min(len(x), len(y)) < longer || longer == 0 {
		return 0
	}
	common := 0
	for i, k := 0, 0; i < len(x) && k < len(y); {
		switch {
		case x[i] < y[k]:
			i++
		case x[i] > y[k]:
			k++
		default:
			i, k, common = i+1, k+1, common+1
		}
	}
	return common * whole / longer
}

// load returns hashes of a file's lines, sorted; none of a file that is too
// large to compare, or that cannot be read, which is said when it is scanned.
func (s *similar) load(id history.ID) []uint64 {
	if lines, ok := s.lines[id]; ok {
		return lines
	}
	s.lines[id] = nil
	_, size, err := s.repo.Header(id)
	if err != nil || size > maxRename || s.loaded+size > maxLoaded {
		return nil
	}
	data, err := s.content(id)
	if err != nil {
		return nil
	}
	s.loaded += size
	count := bytes.Count(data, []byte{'\n'}) + 1
	if s.counted += count; s.counted > maxLines {
		return nil
	}
	lines := make([]uint64, 0, count)
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		lines = append(lines, maphash.Bytes(s.seed, bytes.TrimSuffix(line, []byte{'\r'})))
		data = rest
	}
	slices.Sort(lines)
	s.lines[id] = lines
	return lines
}
