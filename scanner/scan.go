// Package scanner is the library's front door: it scans sources for hardcoded
// keys and returns findings. It never writes, never executes anything of what
// it scans, and never uses the network.
package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/silence"
	"github.com/remint/remint/scanner/source"
)

// Options say what to look for and how. The zero value looks for nothing:
// Rules is usually rule.Catalogue().
type Options struct {
	Rules []rule.Rule
	// Scopes are the rules by which grants are judged; none judges none.
	Scopes []rule.Rule
	// Gitleaks gives the rules gitleaks' meaning (see engine.Options).
	Gitleaks bool
	// Allow are conditions under which a match of any rule is no finding.
	Allow []rule.Allow
	// Severity overrides rules' severities by rule id.
	Severity map[string]rule.Severity
	// Salt keys the fingerprints; empty means a fixed salt.
	Salt []byte
	// Policy, when set, silences findings and knows the project's folder.
	Policy *Policy
	// MaskOnly has keys looked for to be masked beside grants, and not
	// reported by their own rules.
	MaskOnly bool
	// MaxFileSize leaves out larger files, in bytes, and counts them as
	// incomplete; 0 means no limit.
	MaxFileSize int64
	// Workers is how many texts are scanned at once; 0 means one a processor.
	Workers int
	// Progress, when set, is kept up to date.
	Progress *Progress
	// Trace, when set, is told of every candidate that is not reported, and
	// why. Calls come one at a time.
	Trace func(Trace)
}

// Trace is a candidate that was not reported.
type Trace struct {
	Rule *rule.Rule
	Location
	// Filter is why it was turned down; empty where it was silenced.
	Filter   string
	Silenced silence.Decision
}

// Progress counts what has been done so far; it may be read at any time.
type Progress struct {
	Files, Bytes atomic.Int64
}

// Scanner scans sources. It is safe for concurrent use.
type Scanner struct {
	opts   Options
	engine *engine.Engine
	prints *fingerprinter
	scopes map[string]*rule.Rule
	trace  sync.Mutex
}

// New prepares a scanner.
func New(opts Options) (*Scanner, error) {
	e, err := engine.New(opts.Rules, engine.Options{Gitleaks: opts.Gitleaks, Allow: opts.Allow})
	if err != nil {
		return nil, err
	}
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	return &Scanner{opts: opts, engine: e, prints: newFingerprinter(opts.Salt), scopes: byID(opts.Scopes)}, nil
}

// Scan scans everything the source yields. The result is whole even where err
// is not nil: what was found until then, and what was not looked at.
func (s *Scanner) Scan(ctx context.Context, src source.Source) (*Result, error) {
	start := time.Now()
	run := &run{scanner: s, ctx: ctx, items: make(chan source.Item, 256)}
	var workers sync.WaitGroup
	for range s.opts.Workers {
		workers.Add(1)
		go func() {
			defer workers.Done()
			newWorker(run).work()
		}()
	}
	err := src.Visit(ctx, run)
	close(run.items)
	workers.Wait()
	if ctx.Err() != nil {
		run.incomplete(Incomplete{Reason: ReasonInterrupted, Detail: "the scan was stopped before its end"})
		err = nil
	}
	r := &run.result
	sortFindings(r.Findings)
	slices.SortStableFunc(r.Incomplete, func(a, b Incomplete) int { return strings.Compare(a.Path, b.Path) })
	r.Stats.Rules = s.engine.Rules() + len(s.scopes)
	slices.SortFunc(r.Stats.Unjudged, func(a, b Unjudged) int { return strings.Compare(a.Path, b.Path) })
	r.Stats.Elapsed = time.Since(start)
	return r, err
}

// sortFindings puts findings in order of path, then place, then rule.
func sortFindings(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return cmp.Or(strings.Compare(a.Rule.ID, b.Rule.ID), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
}

// run is one scan under way.
type run struct {
	scanner *Scanner
	ctx     context.Context
	items   chan source.Item
	mu      sync.Mutex
	result  Result
}

// Item implements source.Visitor.
func (r *run) Item(it source.Item) error {
	select {
	case r.items <- it:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// Unreadable implements source.Visitor.
func (r *run) Unreadable(path string, err error) {
	r.incomplete(Incomplete{Path: path, Reason: ReasonUnreadable, Detail: err.Error()})
}

// Skipped implements source.Visitor.
func (r *run) Skipped(string) {
	r.mu.Lock()
	r.result.Stats.Skipped++
	r.mu.Unlock()
}

func (r *run) incomplete(i Incomplete) {
	r.mu.Lock()
	r.result.Incomplete = append(r.result.Incomplete, i)
	r.mu.Unlock()
}

// unreadable counts an item that could not be opened or read.
func (r *run) unreadable(path string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	r.incomplete(Incomplete{Path: path, Reason: ReasonUnreadable, Detail: err.Error()})
}

// traced hands a candidate that is not reported to whoever asked.
func (s *Scanner) traced(t Trace) {
	if s.opts.Trace == nil {
		return
	}
	s.trace.Lock()
	defer s.trace.Unlock()
	s.opts.Trace(t)
}

// tooLarge is the detail of a file over the limit.
func tooLarge(size, limit int64) string {
	return fmt.Sprintf("%d bytes, over the limit of %d", size, limit)
}
