package scanner

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/attribution"
	"github.com/remint/remint/scanner/source"
)

// scanLFS looks at what git-lfs keeps on this disk, and gives it to the blobs
// that stand for it.
func (a *audit) scanLFS() {
	holds := make(map[string][]int32)
	v := newVisitor(a)
	var orphans []history.LFSFile
	pointed := make(map[string]bool)
	for _, oid := range a.lfs {
		pointed[oid] = true
	}
	for f, err := range a.repo.LFSObjects() {
		if err == nil && a.ctx.Err() == nil {
			err = v.lfsFile(f, holds)
		}
		if err != nil {
			a.run.unreadable(f.Path, err)
		}
		if len(holds[f.OID]) > 0 && !pointed[f.OID] {
			orphans = append(orphans, f)
		}
	}
	for blob, oid := range a.lfs {
		keys := holds[oid]
		if _, here := a.repo.LFSObject(oid); !here {
			keys, _ = a.number([]foundKey{{secretKey: secretKey{problem: true}}})
		}
		if len(keys) > 0 {
			a.blobs[blob] = append(a.blobs[blob], keys...)
		}
	}
	for _, f := range orphans {
		a.orphanLFS(f)
	}
}

// lfsFile looks at one of git-lfs' files.
func (v *visitor) lfsFile(f history.LFSFile, holds map[string][]int32) error {
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	id, _ := history.ParseID(f.OID)
	if err := v.stream(id, "", file, f.Size); err != nil {
		return err
	}
	holds[f.OID] = v.blobs[id]
	delete(v.blobs, id)
	return nil
}

// lookAtLFS gives a blob what the LFS object that it stands for holds.
func (n *news) lookAtLFS(blob history.ID, oid string) {
	name, here := n.repo.LFSObject(oid)
	if !here {
		n.keep(blob, []foundKey{{secretKey: secretKey{problem: true}}})
		return
	}
	holds := make(map[string][]int32)
	if err := n.visitor.lfsFile(history.LFSFile{OID: oid, Path: name, Size: -1}, holds); err != nil {
		n.run.unreadable(name, err)
	}
	n.blobs[blob] = append(n.blobs[blob], holds[oid]...)
}

// orphanLFS reports what an LFS object holds that no file stands for.
func (a *audit) orphanLFS(file history.LFSFile) {
	findings := a.look("git:lfs/"+file.OID, func() (io.ReadCloser, error) { return os.Open(file.Path) }, file.Size)
	for _, f := range findings {
		f.Git = &Git{Place: PlaceLFS, Object: file.OID, Unreachable: "dangling", Occurrences: []Occurrence{{Object: file.OID, Line: f.Line}}, OccurrenceCount: 1}
		a.run.result.Findings = append(a.run.result.Findings, f)
	}
}

// look scans a file as it would be scanned in a work tree, and counts what
// could not be read of it and what is silenced.
func (a *audit) look(path string, open func() (io.ReadCloser, error), size int64) []Finding {
	r := &run{scanner: a.Scanner, ctx: a.ctx}
	w := newWorker(r)
	w.item(source.Item{Path: path, Size: size, Open: open})
	a.run.result.Incomplete = append(a.run.result.Incomplete, r.result.Incomplete...)
	a.run.result.Stats.Silenced += w.result.Stats.Silenced
	return w.result.Findings
}

// report turns what was noted into findings.
func (a *audit) report() error {
	if a.ctx.Err() != nil {
		return nil
	}
	a.run.result.Stats.Files = int64(len(a.blobs))
	peeled := a.peel()
	a.looseTexts(peeled)
	a.refNames()
	a.forest.spread()
	head, err := a.repo.Head()
	if err != nil {
		a.run.incomplete(Incomplete{Path: a.repo.GitDir(), Reason: ReasonUnreadable, Detail: err.Error()})
	}
	trails, problems := attribution.Trace(a.ctx, attribution.Query{
		Graph: a.graph, Format: a.repo.Format(), Tree: a.tree, Interesting: a.forest.interesting,
		Blobs: a.blobs, Names: a.names, Tips: peeled, Head: head, Roots: a.rootsLeft,
	})
	for _, p := range problems {
		a.traceProblem(p)
	}
	a.trails(trails)
	a.nameless(trails, peeled)
	return nil
}

// rootsLeft returns the trees of interest that no commit leads to, and no
// other tree.
func (a *audit) rootsLeft(visited func(history.ID) bool) []history.ID {
	seen := make(map[uint64]bool)
	var roots []history.ID
	for _, id := range a.forest.wanted {
		if visited(id) {
			continue
		}
		for _, top := range a.forest.tops(id) {
			if !seen[top] {
				seen[top] = true
				roots = append(roots, a.repo.WithPrefix(top, history.Tree)...)
			}
		}
	}
	slices.SortFunc(roots, func(x, y history.ID) int { return strings.Compare(x.String(), y.String()) })
	return roots
}

func (a *audit) traceProblem(err error) {
	if a.ctx.Err() != nil {
		return
	}
	a.run.incomplete(Incomplete{Path: a.repo.GitDir(), Reason: ReasonUnreadable, Detail: err.Error()})
}

// peel follows the tips that name tags.
func (a *audit) peel() []history.Tip {
	tags := make(map[history.ID]history.ID, len(a.forest.tags))
	for _, t := range a.forest.tags {
		tags[t.ID] = t.Object
	}
	out := slices.Clone(a.tips)
	for i := range out {
		for range len(tags) {
			to, ok := tags[out[i].ID]
			if !ok {
				break
			}
			out[i].ID = to
		}
	}
	return out
}

// looseTexts reports what stands in messages and names of people: one finding
// for one secret and kind of place.
func (a *audit) looseTexts(tips []history.Tip) {
	type group struct {
		place Place
		rule  string
		sum   [16]byte
	}
	byKey := make(map[group][]*looseText)
	var order []group
	slices.SortStableFunc(a.loose, func(x, y looseText) int {
		return cmp.Or(x.when.Compare(y.when), strings.Compare(x.object.String(), y.object.String()))
	})
	for i := range a.loose {
		t := &a.loose[i]
		for _, n := range t.keys {
			k := a.keys.keys[n]
			g := group{t.place, k.rule.ID, k.sum}
			if k.marked {
				a.run.result.Stats.Silenced++
				continue
			}
			if byKey[g] == nil {
				order = append(order, g)
			}
			byKey[g] = append(byKey[g], t)
		}
	}
	head, _ := a.repo.Head()
	for _, g := range order {
		a.looseFinding(g.place, g.rule, g.sum, byKey[g], tips, head)
	}
}

// looseFinding reports one secret in the texts of one kind of place.
func (a *audit) looseFinding(place Place, rule string, sum [16]byte, texts []*looseText, tips []history.Tip, head history.ID) {
	first := texts[0]
	if a.graph.Has(first.object) {
		// In the order of history rather than of clocks.
		slices.SortStableFunc(texts, func(x, y *looseText) int { return a.graph.Compare(x.object, y.object) })
		first = texts[0]
	}
	f, ok := a.pick(a.look(place.noFile(), openText([]byte(first.text)), int64(len(first.text))), rule, sum)
	if !ok {
		return
	}
	g := &Git{Place: place, Object: first.object.String(), OccurrenceCount: len(texts)}
	var commits []history.ID
	for _, t := range texts {
		o := Occurrence{Object: t.object.String()}
		if a.graph.Has(t.object) {
			o.Commit = o.Object
		}
		commits = append(commits, a.commitsOf(t.object)...)
		if len(g.Occurrences) < maxOccurrences {
			g.Occurrences = append(g.Occurrences, o)
		}
	}
	standing := a.graph.Stand([][]history.ID{commits}, tips, head)[0]
	g.InHead, g.Refs, g.RefCount, g.Unreachable = standing.InHead, standing.Refs, standing.RefCount, standing.Unreachable
	if a.graph.Has(first.object) {
		g.Introduced = a.sighting(first.object, f.Path)
		g.Last = a.sighting(texts[len(texts)-1].object, f.Path)
		f.Modified = g.Introduced.Date
	} else {
		a.tagStanding(g, texts)
	}
	f.Git = g
	a.run.result.Findings = append(a.run.result.Findings, f)
}

// commitsOf returns the commit that an object is.
func (a *audit) commitsOf(id history.ID) []history.ID {
	if a.graph.Has(id) {
		return []history.ID{id}
	}
	return nil
}

// tagStanding says which references lead to annotated tags.
func (a *audit) tagStanding(g *Git, texts []*looseText) {
	g.InHead, g.Refs, g.Unreachable = false, nil, "dangling"
	inner := make(map[history.ID]history.ID) // of tags of tags
	for _, t := range a.forest.tags {
		inner[t.ID] = t.Object
	}
	for _, tip := range a.tips {
		for id, steps := tip.ID, 0; steps <= len(inner) && !id.IsZero(); id, steps = inner[id], steps+1 {
			if !slices.ContainsFunc(texts, func(t *looseText) bool { return t.object == id }) {
				continue
			}
			switch {
			case tip.Kind == history.TipRef:
				g.Refs = append(g.Refs, tip.Name)
				g.Unreachable = ""
			case g.Unreachable == "dangling":
				g.Unreachable = "reflog"
			}
			break
		}
	}
	slices.Sort(g.Refs)
	g.Refs = slices.Compact(g.Refs)
	g.RefCount = len(g.Refs)
	g.Refs = g.Refs[:min(len(g.Refs), maxListedRefs)]
	if len(g.Refs) > 0 {
		g.Unreachable = ""
	}
}

const maxListedRefs = 20

// refNames looks at the names of all references.
func (a *audit) refNames() {
	var names []string
	for _, t := range a.tips {
		name, _, _ := strings.Cut(t.Name, "@{")
		names = append(names, name)
	}
	a.namesOf(names)
}

// namesOf looks at names of references, each once.
func (a *audit) namesOf(names []string) {
	seen := make(map[string]bool)
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, f := range a.look(PlaceRefName.noFile(), openText([]byte(name)), int64(len(name))) {
			g := &Git{Place: PlaceRefName, Refs: []string{name}, RefCount: 1, OccurrenceCount: 1}
			if i := slices.IndexFunc(a.tips, func(t history.Tip) bool { return t.Name == name }); i >= 0 {
				g.Object = a.tips[i].ID.String()
			}
			g.Occurrences = []Occurrence{{Object: g.Object, Line: f.Line}}
			f.Git = g
			a.run.result.Findings = append(a.run.result.Findings, f)
		}
	}
}

func openText(text []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
}

// pick returns the finding of a secret by a rule.
func (a *audit) pick(findings []Finding, rule string, sum [16]byte) (Finding, bool) {
	for _, f := range findings {
		if f.Rule.ID == rule && sumOf(f.Secret.Reveal()) == sum {
			return f, true
		}
	}
	return Finding{}, false
}

// sighting says who made a commit.
func (a *audit) sighting(commit history.ID, path string) *Sighting {
	p := a.graph.Author(commit)
	return &Sighting{Commit: commit.String(), Author: strings.ToValidUTF8(p.Name, "\uFFFD"), Email: strings.ToValidUTF8(p.Email, "\uFFFD"), Date: p.When, Path: path}
}
