package scanner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/attribution"
)

// Range is a part of a history: the commits that lead to Include and not to
// Exclude.
type Range struct {
	Include, Exclude []history.ID
	// Since, when set, leaves out what was committed before.
	Since time.Time
	// Known are commits that were looked at before, although they are not
	// excluded, unless they lead to Kept: what they brought is no news.
	Known, Kept []history.ID
	// Tags are annotated tags to look at, and Names references' names.
	Tags  []history.ID
	Names []string
}

// ScanRange scans what the commits of a range brought: a secret that stood at
// the path, or at one that is gone, in a parent is no news. The work is in
// proportion to what is new.
func (s *Scanner) ScanRange(ctx context.Context, repo *history.Repo, r Range, opts HistoryOptions) (*Result, error) {
	start := time.Now()
	if opts.Memory <= 0 {
		opts.Memory = DefaultHistoryMemory
	}
	if opts.Progress == nil {
		opts.Progress = new(history.WalkProgress)
	}
	a := newAudit(ctx, s, repo, opts)
	n := &news{audit: a, visitor: newVisitor(a), looked: make(map[history.ID]bool), trails: make(map[newsKey]*attribution.Trail), known: make(map[newsKey]bool)}
	err := n.scan(r)
	out := &a.run.result
	if ctx.Err() != nil {
		out.Incomplete = append(out.Incomplete, Incomplete{Reason: ReasonInterrupted, Detail: "the scan was stopped before its end"})
		err = nil
	}
	sortFindings(out.Findings)
	slices.SortStableFunc(out.Incomplete, func(a, b Incomplete) int { return strings.Compare(a.Path, b.Path) })
	out.Stats.Rules = s.engine.Rules()
	out.Stats.Objects, out.Stats.Bytes = opts.Progress.Done.Load(), opts.Progress.Bytes.Load()
	out.Stats.Commits = int64(a.graph.Len())
	out.Stats.Elapsed = time.Since(start)
	return out, err
}

// news is a scan of a range under way.
type news struct {
	*audit
	visitor *visitor
	looked  map[history.ID]bool
	trails  map[newsKey]*attribution.Trail
	order   []newsKey
	known   map[newsKey]bool
	brought map[newsKey][]history.ID // by which commits
}

type newsKey struct {
	secret int32
	path   string
	inName bool
}

func (n *news) scan(r Range) error {
	n.brought = make(map[newsKey][]history.ID)
	var problems []error
	n.tips, problems = n.repo.Tips()
	for _, p := range problems {
		n.unreadableFile(p)
	}
	for _, id := range n.repo.Shallow() {
		n.shallow[id] = true
	}
	if len(r.Known) > 0 {
		old, err := n.between(r.Known, slices.Concat(r.Include, r.Kept), time.Time{})
		if err != nil {
			return stopped(n.ctx, err)
		}
		if err := n.commits(old, func(k newsKey, _ history.CommitObject, _ history.Change) { n.known[k] = true }); err != nil {
			return stopped(n.ctx, err)
		}
	}
	commits, err := n.between(r.Include, r.Exclude, r.Since)
	if err != nil {
		return stopped(n.ctx, err)
	}
	for i := range commits {
		if n.shallow[commits[i].ID] {
			n.run.incomplete(Incomplete{Path: commits[i].ID.String(), Reason: ReasonShallow,
				Detail: "a shallow clone ends at this commit, so that all it holds counts as new; fetch the rest with `git fetch --unshallow`"})
		}
		n.graph.Add(&commits[i])
		if err := n.visitor.commitTexts(&commits[i]); err != nil {
			return err
		}
	}
	if err := n.commits(commits, n.bring); err != nil {
		return stopped(n.ctx, err)
	}
	for _, id := range r.Tags {
		typ, data, err := n.repo.Object(id)
		if err == nil && typ == history.Tag {
			err = n.visitor.tag(history.Object{ID: id, Type: typ, Data: data})
		}
		if err != nil {
			n.unreadable(id, err)
		}
	}
	return n.report(r)
}

// between returns the commits of a part of the history, parents first.
func (n *news) between(include, exclude []history.ID, since time.Time) ([]history.CommitObject, error) {
	ids, err := n.repo.CommitsBetween(n.ctx, include, exclude)
	if n.ctx.Err() != nil {
		return nil, n.ctx.Err()
	}
	for _, err := range eachError(err) {
		n.unreadable(errorID(err, history.ID{}), err)
	}
	var commits []history.CommitObject
	for _, id := range ids {
		c, err := n.repo.Commit(id)
		if err != nil {
			n.unreadable(id, err)
			continue
		}
		if !c.Committer.When.Before(since) {
			commits = append(commits, c)
		}
	}
	return commits, nil
}

// eachError takes joined errors apart.
func eachError(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}

// commits looks at what each commit changed, parents first, and calls fn for
// every secret that it brought.
func (n *news) commits(commits []history.CommitObject, fn func(newsKey, history.CommitObject, history.Change)) error {
	for i := range commits {
		c := &commits[i]
		var changes []history.Change
		err := n.repo.Changes(n.ctx, c.ID, func(ch history.Change) error {
			changes = append(changes, ch)
			return nil
		})
		if err != nil {
			if n.ctx.Err() != nil {
				return n.ctx.Err()
			}
			n.unreadable(errorID(err, c.ID), err)
		}
		if err := n.commit(c, changes, fn); err != nil {
			return err
		}
	}
	return nil
}

// errorID is the object that an error is about, or the one that led to it.
func errorID(err error, at history.ID) history.ID {
	var missing *history.MissingError
	var corrupt *history.CorruptError
	switch {
	case errors.As(err, &missing):
		return missing.ID
	case errors.As(err, &corrupt):
		return corrupt.ID
	}
	return at
}

// commit looks at what one commit changed.
func (n *news) commit(c *history.CommitObject, changes []history.Change, fn func(newsKey, history.CommitObject, history.Change)) error {
	old := make(map[int32]bool)
	for _, ch := range changes {
		if n.excluded(ch.Path) {
			continue // what it held was never told
		}
		for _, o := range ch.Old {
			if isFile(o.Mode, o.ID) {
				for _, k := range n.keysOf(o.ID) {
					old[n.secretOf(k)] = true
				}
			}
		}
	}
	for _, ch := range changes {
		if n.ctx.Err() != nil {
			return n.ctx.Err()
		}
		n.gone(c, ch)
		if !isFile(ch.Mode, ch.ID) {
			continue
		}
		for _, k := range n.keysOf(ch.ID) {
			key := newsKey{secret: k, path: ch.Path}
			if t := n.trails[key]; t != nil {
				n.version(t, c, ch)
			}
			if !old[n.secretOf(k)] && !n.known[key] {
				fn(key, *c, ch)
			}
		}
		if err := n.names(c, ch, fn); err != nil {
			return err
		}
	}
	return nil
}

// isFile tells whether an entry has content of this repository.
func isFile(mode history.Mode, id history.ID) bool {
	return !id.IsZero() && mode.Kind() != history.ModeGitlink
}

// secretOf returns a number that is the same for a secret however it stands
// in a file. Silenced, it counts as another one: without its comment it is news.
func (n *news) secretOf(k int32) int32 {
	key := n.keys.keys[k]
	key.bare = false
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.keys.of(key)
}

// keysOf returns the secrets of a blob.
func (n *news) keysOf(id history.ID) []int32 {
	if n.looked[id] {
		return n.blobs[id]
	}
	n.looked[id] = true
	if err := n.lookAt(id); err != nil {
		n.unreadable(id, err)
	}
	return n.blobs[id]
}

func (n *news) lookAt(id history.ID) error {
	typ, size, err := n.repo.Header(id)
	if err != nil {
		return err
	}
	n.opts.Progress.Done.Add(1)
	n.opts.Progress.Bytes.Add(size)
	if size > n.opts.Memory/4 {
		return n.visitor.Large(id, typ, size)
	}
	typ, data, err := n.repo.Object(id)
	if err != nil {
		return err
	}
	if _, err = n.visitor.blob(history.Object{ID: id, Type: typ, Data: data}, nil); err != nil {
		return err
	}
	if oid, ok := n.lfs[id]; ok {
		n.lookAtLFS(id, oid)
	}
	return nil
}

// isNew tells whether no parent has anything at the path.
func isNew(ch history.Change) bool {
	return !slices.ContainsFunc(ch.Old, func(o history.Old) bool { return !o.ID.IsZero() })
}

// gone notes the last commit before a secret left its path.
func (n *news) gone(c *history.CommitObject, ch history.Change) {
	if isNew(ch) {
		return
	}
	for _, key := range n.order {
		t := n.trails[key]
		if key.path != ch.Path || key.inName || isFile(ch.Mode, ch.ID) && slices.Contains(n.keysOf(ch.ID), key.secret) {
			continue
		}
		for _, p := range c.Parents {
			tree, err := n.repo.TreeOf(p)
			if err != nil {
				continue
			}
			if _, id, err := n.repo.Lookup(tree, ch.Path); err == nil && !id.IsZero() && slices.Contains(n.keysOf(id), key.secret) {
				t.Last = attribution.Sight{Commit: p, Blob: id}
			}
		}
	}
}

// bring notes that a commit brought a secret.
func (n *news) bring(key newsKey, c history.CommitObject, ch history.Change) {
	n.brought[key] = append(n.brought[key], c.ID)
	if n.trails[key] != nil {
		return
	}
	s := attribution.Sight{Commit: c.ID, Blob: ch.ID}
	n.trails[key] = &attribution.Trail{
		Secret: key.secret, Path: key.path, InName: key.inName, Mode: ch.Mode, Introduced: s, Versions: []attribution.Sight{s},
	}
	n.order = append(n.order, key)
}

func (n *news) version(t *attribution.Trail, c *history.CommitObject, ch history.Change) {
	if !slices.ContainsFunc(t.Versions, func(v attribution.Sight) bool { return v.Blob == ch.ID }) {
		t.Versions = append(t.Versions, attribution.Sight{Commit: c.ID, Blob: ch.ID})
	}
}

// names looks at the names of a path that is new.
func (n *news) names(c *history.CommitObject, ch history.Change, fn func(newsKey, history.CommitObject, history.Change)) error {
	if !isNew(ch) {
		return nil
	}
	for end := 0; end < len(ch.Path); end++ {
		next := strings.IndexByte(ch.Path[end:], '/')
		if next < 0 {
			next = len(ch.Path) - end
		}
		name := ch.Path[end : end+next]
		end += next
		dirty, seen := n.visitor.names[name]
		if !seen {
			var err error
			if dirty, err = n.visitor.name([]byte(name)); err != nil {
				return err
			}
		}
		if !dirty || end < len(ch.Path) && n.hadFolder(c, ch.Path[:end]) {
			continue
		}
		for _, k := range n.audit.names[name] {
			key := newsKey{secret: k, path: ch.Path[:end], inName: true}
			if !n.known[key] {
				fn(key, *c, ch)
			}
		}
	}
	return nil
}

// hadFolder tells whether a parent has something at a path.
func (n *news) hadFolder(c *history.CommitObject, path string) bool {
	for _, p := range c.Parents {
		if tree, err := n.repo.TreeOf(p); err == nil {
			if _, id, err := n.repo.Lookup(tree, path); err == nil && !id.IsZero() {
				return true
			}
		}
	}
	return false
}

// report turns what was noted into findings.
func (n *news) report(r Range) error {
	peeled := n.peel()
	n.looseTexts(peeled)
	n.namesOf(r.Names)
	head, err := n.repo.Head()
	n.unreadableFile(err)
	var headTree history.ID
	if !head.IsZero() {
		headTree, err = n.repo.TreeOf(head)
		n.unreadableFile(err)
	}
	groups := make([][]history.ID, len(n.order))
	for i, key := range n.order {
		groups[i] = n.brought[key]
	}
	standings := n.graph.Stand(groups, peeled, head)
	trails := make([]attribution.Trail, 0, len(n.order))
	for i, key := range n.order {
		t := n.trails[key]
		t.Refs, t.RefCount, t.Unreachable = standings[i].Refs, standings[i].RefCount, standings[i].Unreachable
		if t.Unreachable == "dangling" {
			t.Unreachable = "" // a reference leads to the range, from further on
		}
		if _, id, err := n.repo.Lookup(headTree, key.path); err == nil && !headTree.IsZero() && !id.IsZero() && (key.inName || slices.Contains(n.keysOf(id), key.secret)) {
			t.InHead, t.Last = true, attribution.Sight{Commit: head, Blob: id}
		}
		if t.Last.Commit.IsZero() {
			t.Last = t.Versions[len(t.Versions)-1]
		}
		trails = append(trails, *t)
	}
	n.audit.trails(trails)
	return nil
}
