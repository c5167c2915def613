package scanner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/history/attribution"
)

// HistoryOptions say how a repository's history is scanned.
type HistoryOptions struct {
	// Exhaustive scans every object whole, which finds the same and takes
	// longer: it is there to prove that.
	Exhaustive bool
	// Memory bounds about how much memory the content of objects takes, in
	// bytes; 0 means DefaultHistoryMemory.
	Memory int64
	// Progress, when set, is kept up to date.
	Progress *history.WalkProgress
}

// DefaultHistoryMemory is how much memory objects take by default, in bytes.
const DefaultHistoryMemory = 256 << 20

// ScanHistory scans everything that a repository's object database holds,
// reachable or not, the names in it and those of its references, and says of
// each finding who brought it, and when. What is written of Scan holds.
func (s *Scanner) ScanHistory(ctx context.Context, repo *history.Repo, opts HistoryOptions) (*Result, error) {
	if opts.Memory <= 0 {
		opts.Memory = DefaultHistoryMemory
	}
	if opts.Progress == nil {
		opts.Progress = new(history.WalkProgress)
	}
	start := time.Now()
	r := &Result{}
	err := s.scanRepository(ctx, repo, opts, "", r)
	if ctx.Err() != nil {
		r.Incomplete = append(r.Incomplete, Incomplete{Reason: ReasonInterrupted, Detail: "the scan was stopped before its end"})
		err = nil
	}
	sortFindings(r.Findings)
	slices.SortStableFunc(r.Incomplete, func(a, b Incomplete) int { return strings.Compare(a.Path, b.Path) })
	r.Stats.Rules = s.engine.Rules()
	r.Stats.Objects, r.Stats.Bytes = opts.Progress.Done.Load(), opts.Progress.Bytes.Load()
	r.Stats.Elapsed = time.Since(start)
	return r, err
}

// scanRepository scans a repository, and those of its submodules. The prefix
// is put before the paths of a submodule's files; it ends in a slash.
func (s *Scanner) scanRepository(ctx context.Context, repo *history.Repo, opts HistoryOptions, prefix string, total *Result) error {
	a := newAudit(ctx, s, repo, opts)
	a.prefix = prefix
	err := a.scan()
	switch {
	case err != nil:
	case ctx.Err() != nil:
		a.salvage()
	default:
		err = a.report()
	}
	total.Findings = append(total.Findings, a.run.result.Findings...)
	total.Incomplete = append(total.Incomplete, a.run.result.Incomplete...)
	total.Stats.Files += a.run.result.Stats.Files
	total.Stats.Silenced += a.run.result.Stats.Silenced
	total.Stats.Commits += int64(a.graph.Len())
	if err != nil || ctx.Err() != nil || prefix != "" {
		return err
	}
	modules, err := repo.Modules(ctx)
	if err != nil {
		total.Incomplete = append(total.Incomplete, Incomplete{Path: repo.GitDir(), Reason: ReasonUnreadable, Detail: err.Error()})
	}
	for _, m := range modules {
		path := m.Path
		if path == "" {
			path = ".git/modules/" + m.Name
		}
		sub, err := history.Open(m.GitDir, history.Options{})
		if err != nil {
			total.Incomplete = append(total.Incomplete, Incomplete{Path: path, Reason: ReasonUnreadable, Detail: err.Error()})
			continue
		}
		err = s.scanRepository(ctx, sub, opts, path+"/", total)
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// salvageTime is how long a stopped scan goes on to tell what it found.
const salvageTime = 400 * time.Millisecond

// salvage reports, of a scan that was stopped, the contents that hold a
// secret, without a path: there is no time to look for who brought them.
func (a *audit) salvage() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), salvageTime)
	defer cancel()
	a.ctx = ctx
	blobs := make([]history.ID, 0, len(a.blobs))
	for id := range a.blobs {
		blobs = append(blobs, id)
	}
	slices.SortFunc(blobs, func(x, y history.ID) int { return strings.Compare(x.String(), y.String()) })
	l := &looker{audit: a, seen: make(map[lookKey][]Finding)}
	l.orphan(PlaceObject.noFile(), history.ModeFile, "", blobs, nil)
}

// audit is a scan of a history under way.
type audit struct {
	*Scanner
	ctx   context.Context
	repo  *history.Repo
	opts  HistoryOptions
	run   *run // what is found, and what was not looked at
	tips  []history.Tip
	graph *attribution.Graph
	walk  *history.Walk
	// prefix is put before paths.
	prefix  string
	staged  []history.IndexEntry
	shallow map[history.ID]bool
	partial bool // missing objects were left with a remote

	mu     sync.Mutex
	keys   keyTable
	blobs  map[history.ID][]int32 // the secrets that a blob holds
	lines  map[history.ID][]int32 // on which lines, in the same order
	names  map[string][]int32     // those in the names of files and folders
	loose  []looseText            // texts outside of files that hold secrets
	lfs    map[history.ID]string  // blobs that stand for an LFS object
	absent map[history.ID]bool    // objects that are named and not there
	forest treeIndex
}

// looseText is a text that is no file: a message, a person's name.
type looseText struct {
	place  Place
	object history.ID
	when   time.Time
	text   string
	keys   []int32
}

func newAudit(ctx context.Context, s *Scanner, repo *history.Repo, opts HistoryOptions) *audit {
	return &audit{
		Scanner: s, ctx: ctx, repo: repo, opts: opts, run: &run{scanner: s, ctx: ctx}, graph: attribution.NewGraph(),
		keys: keyTable{number: make(map[secretKey]int32)}, blobs: make(map[history.ID][]int32), lines: make(map[history.ID][]int32), names: make(map[string][]int32),
		lfs: make(map[history.ID]string), absent: make(map[history.ID]bool), shallow: make(map[history.ID]bool),
	}
}

// scan looks at every object: the contents first, because only then is it
// known which trees are of interest.
func (a *audit) scan() error {
	var problems []error
	a.tips, problems = a.repo.Tips()
	for _, p := range problems {
		a.run.incomplete(Incomplete{Path: a.repo.GitDir(), Reason: ReasonUnreadable, Detail: p.Error()})
	}
	w, err := a.repo.NewWalk(a.ctx, history.WalkOptions{
		Workers: a.Scanner.opts.Workers, Memory: a.opts.Memory, Unreadable: a.unreadable, Progress: a.opts.Progress,
	})
	if err != nil {
		return stopped(a.ctx, err)
	}
	a.walk = w
	a.gaps()
	newVisitor := func() history.Visitor { return newVisitor(a) }
	if err := w.Visit(a.ctx, []history.Type{history.Blob, history.Commit, history.Tag}, newVisitor); err != nil {
		return stopped(a.ctx, err)
	}
	a.scanLFS()
	if err := w.Visit(a.ctx, []history.Type{history.Tree}, newVisitor); err != nil {
		return stopped(a.ctx, err)
	}
	a.absentObjects()
	return nil
}

// stopped leaves out the error of a scan that was asked to stop: the result
// says it.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// unreadable counts an object that could not be read.
func (a *audit) unreadable(id history.ID, err error) {
	i := Incomplete{Path: id.String(), Reason: ReasonCorrupt, Detail: err.Error()}
	if id.IsZero() {
		i.Path = a.repo.GitDir()
	}
	var large *history.TooLargeError
	switch {
	case errors.Is(err, history.ErrMissing):
		i.Reason = ReasonMissing
		if a.partial {
			i.Reason = ReasonPartial
		}
	case errors.As(err, &large):
		i.Reason = ReasonTooLarge
	}
	a.run.incomplete(i)
}

// tree returns a tree's content.
func (a *audit) tree(id history.ID) ([]byte, error) {
	typ, data, err := a.repo.Object(id)
	if err == nil && typ != history.Tree {
		err = fmt.Errorf("object %s is a %s where a tree should be; see `git fsck`", id, typ)
	}
	return data, err
}
