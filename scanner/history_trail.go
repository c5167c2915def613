package scanner

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/attribution"
)

// trails reports what stands in files and in their names, one finding for one
// secret at one path.
func (a *audit) trails(trails []attribution.Trail) {
	groups := make(map[trailGroup][]*attribution.Trail)
	var order []trailGroup
	for i := range trails {
		t := &trails[i]
		k := a.keys.keys[t.Secret]
		g := trailGroup{path: t.Path, inName: t.InName, sum: k.sum, problem: k.problem}
		if k.rule != nil {
			g.rule = k.rule.ID
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], t)
	}
	l := &looker{audit: a, seen: make(map[lookKey][]Finding)}
	for _, g := range order {
		if a.ctx.Err() != nil {
			return
		}
		l.group(g, groups[g])
	}
}

// excluded tells whether the configuration leaves out a path or a folder above.
func (a *audit) excluded(path string) bool {
	p := a.Scanner.opts.Policy
	if p == nil {
		return false
	}
	path = a.prefix + path
	for i := range path {
		if path[i] == '/' && p.Excludes(path[:i], true) {
			return true
		}
	}
	return p.Excludes(path, false)
}

// trailGroup is a secret at a path, however it stands there.
type trailGroup struct {
	path    string
	inName  bool
	rule    string
	sum     [16]byte
	problem bool
}

// looker scans the versions of files, each once.
type looker struct {
	*audit
	seen map[lookKey][]Finding
}

type lookKey struct {
	path string
	blob history.ID
}

// group reports a secret at a path.
func (l *looker) group(g trailGroup, trails []*attribution.Trail) {
	path := l.prefix + g.path
	if l.excluded(g.path) {
		return
	}
	if g.inName {
		l.inName(g, path, trails[0])
		return
	}
	var best *attribution.Trail
	silenced := false
	for _, t := range trails {
		k := l.keys.keys[t.Secret]
		switch {
		case k.marked:
			silenced = true
			continue
		case k.bare && isCode(path):
			continue
		}
		if best == nil {
			best = t
		} else {
			best = l.merge(best, t)
		}
	}
	if best == nil {
		if silenced {
			l.run.result.Stats.Silenced++
		}
		return
	}
	if g.problem {
		l.problem(path, best)
		return
	}
	l.file(g, path, best)
}

// merge makes one trail of two of the same secret at the same path, which
// differ in how it stands there.
func (l *looker) merge(a, b *attribution.Trail) *attribution.Trail {
	if l.graph.Has(a.Introduced.Commit) && l.graph.Has(b.Introduced.Commit) && l.graph.Compare(b.Introduced.Commit, a.Introduced.Commit) < 0 {
		a, b = b, a
	}
	m := *a
	m.InHead = a.InHead || b.InHead
	if !a.InHead && (b.InHead || l.graph.Has(b.Last.Commit) && l.graph.Compare(b.Last.Commit, a.Last.Commit) > 0) {
		m.Last = b.Last
	}
	if a.Unreachable != "" {
		m.Unreachable = b.Unreachable
	}
	m.Refs = append(slices.Clone(a.Refs), b.Refs...)
	slices.Sort(m.Refs)
	m.Refs = slices.Compact(m.Refs)
	m.RefCount = max(a.RefCount, b.RefCount, len(m.Refs))
	m.Refs = m.Refs[:min(len(m.Refs), maxListedRefs)]
	m.Versions = slices.Clone(a.Versions)
	for _, v := range b.Versions {
		if !slices.ContainsFunc(m.Versions, func(o attribution.Sight) bool { return o.Blob == v.Blob }) {
			m.Versions = append(m.Versions, v)
		}
	}
	return &m
}

// maxTries bounds how many versions of a file are looked at for the first that
// has the secret in a way that counts at its path.
const maxTries = 50

// file reports a secret in a file's content.
func (l *looker) file(g trailGroup, path string, t *attribution.Trail) {
	versions := l.firstVersion(t)
	for _, v := range versions[:min(len(versions), maxTries)] {
		findings := l.version(path, v.Blob)
		var paths []string // of a file, or of members of an archive
		for _, f := range findings {
			if f.Rule.ID != g.rule || f.Rule.Pattern != "" && sumOf(f.Secret.Reveal()) != g.sum || slices.Contains(paths, f.Path) {
				continue
			}
			paths = append(paths, f.Path)
			f.Git = l.git(t, v, path, f.Line)
			if f.Git.Introduced != nil {
				f.Modified = f.Git.Introduced.Date
			}
			l.run.result.Findings = append(l.run.result.Findings, f)
		}
		if len(paths) > 0 {
			return
		}
	}
}

// firstVersion puts the version that brought the secret first.
func (l *looker) firstVersion(t *attribution.Trail) []attribution.Sight {
	versions := []attribution.Sight{t.Introduced}
	for _, v := range t.Versions {
		if v.Blob != t.Introduced.Blob {
			versions = append(versions, v)
		}
	}
	return versions
}

// version returns what a scan of a version of a file finds.
func (l *looker) version(path string, blob history.ID) []Finding {
	key := lookKey{path, blob}
	if found, ok := l.seen[key]; ok {
		return found
	}
	found := l.look(path, func() (io.ReadCloser, error) {
		if oid, ok := l.lfs[blob]; ok {
			if name, here := l.repo.LFSObject(oid); here {
				return os.Open(name)
			}
		}
		_, _, content, err := l.repo.Stream(blob)
		return content, err
	}, -1)
	l.seen[key] = found
	return found
}

// git says where a trail leads.
func (l *looker) git(t *attribution.Trail, first attribution.Sight, path string, line int) *Git {
	key := l.keys.keys[t.Secret]
	g := &Git{
		Place: l.placeOf(t, first.Blob), Object: first.Blob.String(), InHead: t.InHead, Refs: t.Refs, RefCount: t.RefCount, Unreachable: t.Unreachable,
		OccurrenceCount: len(t.Versions),
	}
	if !first.Commit.IsZero() {
		g.Introduced = l.sighting(first.Commit, path)
	}
	if !t.Last.Commit.IsZero() {
		g.Last = l.sighting(t.Last.Commit, path)
	}
	for _, v := range t.Versions[:min(len(t.Versions), maxOccurrences)] {
		o := Occurrence{Object: v.Blob.String()}
		if !v.Commit.IsZero() {
			o.Commit = v.Commit.String()
		}
		if v.Blob == first.Blob {
			o.Line = line
		} else {
			o.Line = l.lineIn(v.Blob, func(k secretKey) bool { return k.rule == key.rule && k.sum == key.sum })
		}
		g.Occurrences = append(g.Occurrences, o)
	}
	return g
}

func (l *looker) placeOf(t *attribution.Trail, blob history.ID) Place {
	if _, ok := l.lfs[blob]; ok {
		return PlaceLFS
	}
	switch {
	case t.Mode.Kind() == history.ModeSymlink:
		return PlaceSymlink
	case len(t.Refs) > 0 && !slices.ContainsFunc(t.Refs, func(name string) bool { return !strings.HasPrefix(name, "refs/notes/") }):
		return PlaceNote
	}
	return PlaceFile
}

// inName reports a secret in the name of a file or folder, or a file whose
// name alone says that it holds one.
func (l *looker) inName(g trailGroup, path string, t *attribution.Trail) {
	k := l.keys.keys[t.Secret]
	if k.rule.Pattern == "" {
		for _, v := range l.firstVersion(t) {
			l.file(g, path, &attribution.Trail{
				Path: t.Path, Mode: t.Mode, Introduced: v, Last: t.Last, InHead: t.InHead, Refs: t.Refs, RefCount: t.RefCount,
				Unreachable: t.Unreachable, Versions: []attribution.Sight{v},
			})
		}
		return
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	f, ok := l.pick(l.look(PlaceFileName.noFile(), openText([]byte(name)), int64(len(name))), g.rule, g.sum)
	if !ok {
		return
	}
	f.Path = path
	f.Git = l.git(t, t.Introduced, path, 1)
	f.Git.Place = PlaceFileName
	if f.Git.Introduced != nil {
		f.Modified = f.Git.Introduced.Date
	}
	l.run.result.Findings = append(l.run.result.Findings, f)
}

// problem counts a file that could not be looked at to its end.
func (l *looker) problem(path string, t *attribution.Trail) {
	for _, v := range l.firstVersion(t) {
		if oid, ok := l.lfs[v.Blob]; ok {
			if _, here := l.repo.LFSObject(oid); !here {
				l.run.incomplete(Incomplete{Path: path, Reason: ReasonLFS, Detail: fmt.Sprintf("the content of %s is not on this disk; fetch it with `git lfs fetch --all`", short12(oid))})
				continue
			}
		}
		l.version(path, v.Blob)
	}
}

func short12(id string) string { return id[:min(12, len(id))] }

// nameless reports what stands in blobs that no tree names: staged only, or
// left over.
func (a *audit) nameless(trails []attribution.Trail, tips []history.Tip) {
	named := make(map[history.ID]bool)
	for i := range trails {
		for _, v := range trails[i].Versions {
			named[v.Blob] = true
		}
	}
	l := &looker{audit: a, seen: make(map[lookKey][]Finding)}
	for _, s := range a.staged {
		if len(a.blobs[s.ID]) > 0 && !l.atPath(trails, s) {
			named[s.ID] = true
			l.orphan(s.Path, s.Mode, "index", []history.ID{s.ID}, nil)
		}
	}
	var rest []history.ID
	for id := range a.blobs {
		if !named[id] {
			rest = append(rest, id)
		}
	}
	slices.SortFunc(rest, func(x, y history.ID) int { return strings.Compare(x.String(), y.String()) })
	refs := make(map[history.ID][]string)
	for _, t := range tips {
		if t.Kind == history.TipRef || t.Kind == history.TipReplace {
			refs[t.ID] = append(refs[t.ID], t.Name)
		}
	}
	l.orphan(PlaceObject.noFile(), history.ModeFile, "dangling", rest, refs)
}

// atPath tells whether a staged blob stands at its path in a commit too.
func (l *looker) atPath(trails []attribution.Trail, s history.IndexEntry) bool {
	for i := range trails {
		if trails[i].Path != s.Path {
			continue
		}
		for _, v := range trails[i].Versions {
			if v.Blob == s.ID && !v.Commit.IsZero() {
				return true
			}
		}
	}
	return false
}

// orphan reports what stands in blobs that have no commit, each secret once.
func (l *looker) orphan(path string, mode history.Mode, why string, blobs []history.ID, refs map[history.ID][]string) {
	type group struct {
		rule string
		sum  [16]byte
	}
	at := make(map[group]int)
	all := l.run.result.Findings
	if path != PlaceObject.noFile() {
		if l.excluded(path) {
			return
		}
		path = l.prefix + path
	}
	for _, id := range blobs {
		if l.ctx.Err() != nil {
			break
		}
		for _, f := range l.version(path, id) {
			o := Occurrence{Object: id.String(), Line: f.Line}
			key := group{f.Rule.ID, sumOf(f.Secret.Reveal())}
			if i, ok := at[key]; ok {
				g := all[i].Git
				g.OccurrenceCount++
				if len(g.Occurrences) < maxOccurrences {
					g.Occurrences = append(g.Occurrences, o)
				}
				continue
			}
			f.Git = &Git{Place: PlaceObject, Object: id.String(), Unreachable: why, Occurrences: []Occurrence{o}, OccurrenceCount: 1}
			switch {
			case len(refs[id]) > 0:
				f.Git.Refs, f.Git.RefCount, f.Git.Unreachable = refs[id], len(refs[id]), ""
			case why == "index" && mode.Kind() == history.ModeSymlink:
				f.Git.Place = PlaceSymlink
			case why == "index":
				f.Git.Place = PlaceFile
			}
			at[key] = len(all)
			all = append(all, f)
		}
	}
	l.run.result.Findings = all
}
