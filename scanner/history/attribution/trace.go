package attribution

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/history"
)

// Tip is what git keeps commits alive by, peeled: tags are followed to what
// they name.
type Tip = history.Tip

// Query asks where secrets came from.
type Query struct {
	Graph  *Graph
	Format history.Format
	// Tree returns a tree object's content.
	Tree func(history.ID) ([]byte, error)
	// Interesting tells whether one of what is looked for may stand below a
	// tree; nil means that any may.
	Interesting func(tree history.ID) bool
	// Blobs says which secrets, by the caller's numbers, each blob holds, and
	// Names which stand in an entry's own name.
	Blobs map[history.ID][]int32
	Names map[string][]int32
	Tips  []Tip
	Head  history.ID
	// Roots, when set, is called when all commits are done, and returns trees
	// that no commit has; visited tells whether one has a tree.
	Roots func(visited func(tree history.ID) bool) []history.ID
}

// Sight is a secret in a commit.
type Sight struct {
	Commit, Blob history.ID
}

// Trail is one secret at one path.
type Trail struct {
	Secret int32
	Path   string
	Mode   history.Mode
	InName bool
	// Introduced is where it first stood, and Last where it last does: in
	// HEAD's commit where HEAD has it. Without a commit both are zero but for
	// the blob.
	Introduced, Last Sight
	InHead           bool
	// Refs are the references that lead to a commit that brought it, at most
	// 20, in order of name; RefCount is how many there are.
	Refs     []string
	RefCount int
	// Unreachable is why no reference leads to it: "stash", "reflog" or
	// "dangling"; or "".
	Unreachable string
	// Versions are the contents that had it at the path, with the commits that
	// brought them, oldest first.
	Versions []Sight
}

// Trace finds the trails of all that is looked for. The errors are about trees
// that cannot be read; what stands below them is missing.
func Trace(ctx context.Context, q Query) ([]Trail, []error) {
	t := &tracer{Query: q, nodes: make(map[history.ID]*node), trails: make(map[trailKey]*trail)}
	t.Graph.sort()
	t.reach = t.Graph.reachability(q.Tips, q.Head)
	roots := make([]*node, len(t.Graph.commits))
	for at, c := range t.Graph.order {
		if at%1024 == 0 && ctx.Err() != nil {
			return nil, append(t.problems, ctx.Err())
		}
		roots[c] = t.tree(t.Graph.commits[c].tree, 0)
		t.commit(c, roots)
	}
	if q.Roots != nil {
		t.now = -1
		for _, id := range q.Roots(func(id history.ID) bool { _, ok := t.nodes[id]; return ok }) {
			t.root = id
			t.compare("", t.tree(id, 0), nil)
		}
	}
	return t.finish(), t.problems
}

// node is what of interest stands below a tree. Trees that are equal share
// their node.
type node struct{ entries []nodeEntry } // in order of name

type nodeEntry struct {
	name  string
	mode  history.Mode
	id    history.ID // of a blob
	tree  *node
	here  []int32 // the secrets that the blob holds
	named []int32 // those in its name
}

type trailKey struct {
	secret int32
	path   string
	inName bool
}

// trail is a Trail in the making.
type trail struct {
	key      trailKey
	mode     history.Mode
	brought  []int32 // the commits that brought it, parents first
	blob     history.ID
	versions []Sight
	last     int32
	lastBlob history.ID
	inHead   bool
	root     history.ID // the first tree without a commit that has it
}

type tracer struct {
	Query
	nodes    map[history.ID]*node
	trails   map[trailKey]*trail
	problems []error
	reach    reach
	now      int32      // the commit at hand, -1 for none
	root     history.ID // without one, the tree at hand
}

// maxTreeDepth bounds how deep directories are followed.
const maxTreeDepth = 4096

// tree returns the node of a tree, nil where nothing is below it.
func (t *tracer) tree(id history.ID, depth int) *node {
	if n, ok := t.nodes[id]; ok {
		return n
	}
	if t.Interesting != nil && !t.Interesting(id) || depth > maxTreeDepth {
		return nil
	}
	t.nodes[id] = nil // should a tree hold itself
	data, err := t.Tree(id)
	if err != nil {
		t.problems = append(t.problems, err)
		return nil
	}
	n := &node{}
	for e := history.NewEntries(data, t.Format); e.Next(); {
		entry := nodeEntry{mode: e.Mode}
		if len(t.Names) > 0 {
			entry.named = t.Names[string(e.Name)]
		}
		switch {
		case e.IsTree():
			entry.tree = t.tree(e.ID(), depth+1)
		case e.Mode.Kind() != history.ModeGitlink:
			entry.id = e.ID()
			entry.here = t.Blobs[entry.id]
		}
		if entry.tree != nil || len(entry.here) > 0 || len(entry.named) > 0 {
			entry.name = string(e.Name)
			n.entries = append(n.entries, entry)
		}
	}
	if len(n.entries) == 0 {
		return nil
	}
	slices.SortFunc(n.entries, func(a, b nodeEntry) int { return strings.Compare(a.name, b.name) })
	t.nodes[id] = n
	return n
}

// commit compares a commit's tree with those of its parents, and its parents'
// with what is left of them in it.
func (t *tracer) commit(c int32, roots []*node) {
	t.now = c
	var parents []*node
	for _, p := range t.Graph.commits[c].parents {
		if k, ok := t.Graph.number[p]; ok {
			parents = append(parents, roots[k])
		}
	}
	t.compare("", roots[c], parents)
	for i, p := range parents {
		parent := t.Graph.number[t.known(c, i)]
		t.gone("", p, roots[c], parent)
	}
	if len(t.Graph.kids[c]) == 0 || t.Graph.commits[c].id == t.Head {
		t.gone("", roots[c], nil, c)
	}
}

// known returns the i-th parent of those that are in the graph.
func (t *tracer) known(c int32, i int) history.ID {
	for _, p := range t.Graph.commits[c].parents {
		if _, ok := t.Graph.number[p]; ok {
			if i == 0 {
				return p
			}
			i--
		}
	}
	return history.ID{}
}

// compare notes what stands in n and in none of the parents.
func (t *tracer) compare(path string, n *node, parents []*node) {
	if n == nil || slices.Contains(parents, n) {
		return
	}
	for i := range n.entries {
		e := &n.entries[i]
		full := join(path, e.name)
		var trees []*node
		var others []*nodeEntry
		for _, p := range parents {
			if o := p.find(e.name); o != nil {
				others = append(others, o)
				trees = append(trees, o.tree)
			}
		}
		if e.tree != nil {
			t.compare(full, e.tree, trees)
		}
		t.entry(full, e, others)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

func (n *node) find(name string) *nodeEntry {
	if n == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(n.entries, name, func(e nodeEntry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return nil
	}
	return &n.entries[i]
}

// entry notes what an entry holds that none of the parents' entries of that
// name does, and new versions of what they hold too.
func (t *tracer) entry(path string, e *nodeEntry, others []*nodeEntry) {
	newBlob := !slices.ContainsFunc(others, func(o *nodeEntry) bool { return o.id == e.id })
	for _, s := range e.here {
		key := trailKey{secret: s, path: path}
		if !slices.ContainsFunc(others, func(o *nodeEntry) bool { return slices.Contains(o.here, s) }) {
			t.bring(key, e)
		}
		if newBlob {
			t.version(key, e)
		}
	}
	if newName := len(others) == 0; newName {
		for _, s := range e.named {
			key := trailKey{secret: s, path: path, inName: true}
			t.bring(key, e)
			t.version(key, e)
		}
	}
}

func (t *tracer) bring(key trailKey, e *nodeEntry) {
	tr, ok := t.trails[key]
	if !ok {
		tr = &trail{key: key, mode: e.mode, blob: e.id, last: -1}
		t.trails[key] = tr
	}
	if t.now >= 0 {
		if len(tr.brought) == 0 {
			tr.mode, tr.blob = e.mode, e.id
		}
		tr.brought = append(tr.brought, t.now)
	} else if tr.root.IsZero() {
		tr.root = t.root
	}
}

func (t *tracer) version(key trailKey, e *nodeEntry) {
	tr := t.trails[key]
	if tr == nil || slices.ContainsFunc(tr.versions, func(v Sight) bool { return v.Blob == e.id }) {
		return
	}
	v := Sight{Blob: e.id}
	if t.now >= 0 {
		v.Commit = t.Graph.commits[t.now].id
	}
	tr.versions = append(tr.versions, v)
}

// gone notes that what stands in n, of a commit, does not in after.
func (t *tracer) gone(path string, n, after *node, commit int32) {
	if n == nil || n == after {
		return
	}
	for i := range n.entries {
		e := &n.entries[i]
		full := join(path, e.name)
		o := after.find(e.name)
		if e.tree != nil {
			var tree *node
			if o != nil {
				tree = o.tree
			}
			t.gone(full, e.tree, tree, commit)
		}
		for _, s := range e.here {
			if o == nil || !slices.Contains(o.here, s) {
				t.seen(trailKey{secret: s, path: full}, e, commit)
			}
		}
		for _, s := range e.named {
			if o == nil {
				t.seen(trailKey{secret: s, path: full, inName: true}, e, commit)
			}
		}
	}
}

// seen notes a commit that may be the last to have a secret.
func (t *tracer) seen(key trailKey, e *nodeEntry, c int32) {
	tr := t.trails[key]
	if tr == nil || tr.inHead {
		return
	}
	g := t.Graph
	tr.inHead = g.commits[c].id == t.Head
	if tr.last < 0 || tr.inHead || cmp.Or(cmp.Compare(g.commits[c].date, g.commits[tr.last].date), cmp.Compare(g.rank[c], g.rank[tr.last])) > 0 {
		tr.last, tr.lastBlob = c, e.id
	}
}

// finish turns what was noted into trails, in order of path and secret.
func (t *tracer) finish() []Trail {
	all := make([]*trail, 0, len(t.trails))
	for _, tr := range t.trails {
		all = append(all, tr)
	}
	slices.SortFunc(all, func(a, b *trail) int {
		return cmp.Or(strings.Compare(a.key.path, b.key.path), cmp.Compare(a.key.secret, b.key.secret), compareBools(a.key.inName, b.key.inName))
	})
	groups := make([][]int32, len(all))
	for i, tr := range all {
		groups[i] = tr.brought
	}
	refs, counts := t.Graph.refsOf(groups, t.Tips)
	out := make([]Trail, len(all))
	for i, tr := range all {
		o := Trail{
			Secret: tr.key.secret, Path: tr.key.path, InName: tr.key.inName, Mode: tr.mode, InHead: tr.inHead,
			Introduced: Sight{Blob: tr.blob}, Last: Sight{Blob: tr.blob}, Versions: tr.versions,
			Refs: refs[i], RefCount: counts[i], Unreachable: "dangling",
		}
		why := uint8(dangling)
		for _, c := range tr.brought {
			why = max(why, t.reach.why[c])
		}
		if len(tr.brought) == 0 {
			for _, tip := range t.Tips {
				if tip.ID == tr.root && isRef(tip) {
					o.Refs, o.RefCount, why = append(o.Refs, tip.Name), o.RefCount+1, byReference
				}
			}
		}
		o.Unreachable = reasons[why]
		if len(tr.brought) > 0 {
			// What a reference leads to comes before what was thrown away.
			first := tr.brought[0]
			for _, c := range tr.brought {
				if t.reach.why[c] > t.reach.why[first] && t.reach.why[first] < byReference {
					first = c
				}
			}
			o.Introduced.Commit = t.Graph.commits[first].id
			for _, v := range tr.versions {
				if v.Commit == o.Introduced.Commit {
					o.Introduced.Blob = v.Blob
				}
			}
		}
		if tr.last >= 0 {
			o.Last = Sight{t.Graph.commits[tr.last].id, tr.lastBlob}
		}
		out[i] = o
	}
	return out
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Standing is where a commit stands among the references.
type Standing struct {
	InHead      bool // HEAD leads to it
	Refs        []string
	RefCount    int
	Unreachable string
}

// Stand returns where groups of commits stand: of each group, the best.
func (g *Graph) Stand(groups [][]history.ID, tips []Tip, head history.ID) []Standing {
	r := g.reachability(tips, head)
	numbers := make([][]int32, len(groups))
	out := make([]Standing, len(groups))
	for i, group := range groups {
		why := uint8(dangling)
		for _, id := range group {
			if n, ok := g.number[id]; ok {
				numbers[i] = append(numbers[i], n)
				why = max(why, r.why[n])
				out[i].InHead = out[i].InHead || r.head[n]
			}
		}
		out[i].Unreachable = reasons[why]
	}
	refs, counts := g.refsOf(numbers, tips)
	for i := range out {
		out[i].Refs, out[i].RefCount = refs[i], counts[i]
	}
	return out
}
