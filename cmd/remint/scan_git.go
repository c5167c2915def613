package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/report"
	"github.com/remint/remint/scanner/source/clone"
)

// historyFlags are those of a scan of a history.
type historyFlags struct {
	git, exhaustive, allowIncomplete bool
	memory, since, span, watermark   string
	branches                         []string
}

// defaultWatermark stands for the watermark file of the repository itself.
const defaultWatermark = "in the repository"

// ranged tells whether a part of the history is asked for.
func (h *historyFlags) ranged() bool {
	return h.since != "" || h.span != "" || h.watermark != "" || len(h.branches) > 0
}

// memoryShare is how much of the machine's memory a history may take by
// default, and memoryMost the bound, in bytes.
const (
	memoryShare = 4
	memoryMost  = 1 << 30
)

// budget is the memory for objects, in bytes.
func (h *historyFlags) budget() (int64, error) {
	if h.memory == "" {
		total := machineMemory()
		if total <= 0 {
			return scanner.DefaultHistoryMemory, nil
		}
		return min(total/memoryShare, memoryMost), nil
	}
	n, err := humanize.ParseBytes(h.memory)
	if err != nil || n == 0 || n > 1<<40 {
		return 0, fmt.Errorf("--memory %q: want a size such as 512MB", h.memory)
	}
	return int64(n), nil
}

// localPath turns a file:// URL into a path; other URLs are remote.
func localPath(arg string) (path string, remote bool, err error) {
	u, err := url.Parse(arg)
	if err != nil || u.Scheme == "" || len(u.Scheme) == 1 {
		if host, _, scp := strings.Cut(arg, ":"); scp && strings.Contains(host, "@") && !strings.ContainsAny(host, `/\`) {
			return "", true, nil
		}
		return arg, false, nil
	}
	if u.Scheme != "file" {
		return "", true, nil
	}
	path = u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.FromSlash(path), false, nil
}

// scanHistory scans the history that arg names.
func (f *scanFlags) scanHistory(ctx context.Context, arg string, stdout, stderr io.Writer) (failed error) {
	memory, err := f.budget()
	if err != nil {
		return err
	}
	dir, remote, err := localPath(arg)
	if err != nil {
		return err
	}
	if remote {
		clone, remove, err := clone.Temporary(ctx, arg, cloneProgress(stderr))
		defer func() { failed = errors.Join(failed, remove()) }()
		if err != nil {
			return err
		}
		dir = clone
	}
	gitDir, workTree, err := history.Find(dir, nil)
	if err != nil {
		return err
	}
	root := workTree
	if root == "" {
		root = gitDir
	}
	p, err := scanner.LoadPolicy(root, scanner.PolicyFiles{Config: f.config, Baseline: f.baseline, NoBaseline: f.newBaseline != ""})
	if err != nil {
		return err
	}
	p.PathsFrom(root)
	s, err := scanner.New(p.Options())
	if err != nil {
		return err
	}
	repo, err := history.Open(gitDir, history.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	progress := new(history.WalkProgress)
	opts := scanner.HistoryOptions{Exhaustive: f.exhaustive, Memory: memory, Progress: progress}
	stop := showWalk(stderr, progress)
	result, finish, err := f.scanPart(ctx, s, repo, opts)
	stop()
	if err != nil {
		return err
	}
	outcome := f.conclude(result, p, []string{root}, stdout, stderr)
	if len(result.Incomplete) == 0 && (outcome == nil || errors.Is(outcome, errFindings)) {
		if err := finish(); err != nil {
			return err
		}
	}
	return outcome
}

// cloneProgress is where the server's progress goes: to a terminal.
func cloneProgress(stderr io.Writer) io.Writer {
	if _, ok := terminal(stderr); ok {
		return stderr
	}
	return nil
}

// scanPart scans the part of the history that the flags ask for. finish is to
// be called when the report of a complete scan is written.
func (f *scanFlags) scanPart(ctx context.Context, s *scanner.Scanner, repo *history.Repo, opts scanner.HistoryOptions) (r *scanner.Result, finish func() error, err error) {
	finish = func() error { return nil }
	if !f.ranged() {
		r, err = s.ScanHistory(ctx, repo, opts)
		return r, finish, err
	}
	if f.watermark != "" {
		return f.scanSinceLast(ctx, s, repo, opts)
	}
	part, err := f.part(repo)
	if err != nil {
		return nil, nil, err
	}
	r, err = s.ScanRange(ctx, repo, part, opts)
	return r, finish, err
}

// scanSinceLast scans what came since the last complete scan.
func (f *scanFlags) scanSinceLast(ctx context.Context, s *scanner.Scanner, repo *history.Repo, opts scanner.HistoryOptions) (r *scanner.Result, finish func() error, err error) {
	name := f.watermark
	if name == defaultWatermark {
		name = filepath.Join(repo.CommonDir(), "remint-watermark.json")
	}
	last, err := scanner.ReadWatermark(name)
	if err != nil {
		return nil, nil, err
	}
	next := s.NewWatermark(repo) // what comes while the scan runs is for the next one
	finish = func() error {
		return report.WriteFile(name, false, func(w io.Writer) error {
			_, err := w.Write(next.Bytes())
			return err
		})
	}
	if part, ok := s.Since(repo, last); ok {
		r, err = s.ScanRange(ctx, repo, part, opts)
	} else {
		r, err = s.ScanHistory(ctx, repo, opts)
	}
	return r, finish, err
}

// part turns --range, --since and --branch into commits.
func (f *scanFlags) part(repo *history.Repo) (r scanner.Range, err error) {
	switch {
	case f.span != "":
		from, to, ok := strings.Cut(f.span, "..")
		if !ok || strings.HasPrefix(to, ".") || from == "" && to == "" {
			return r, fmt.Errorf("--range %q: want A..B, such as HEAD~1..HEAD or origin/main..HEAD", f.span)
		}
		if err := resolveInto(repo, &r.Exclude, cmp.Or(from, "HEAD"), "--range"); err != nil {
			return r, err
		}
		if err := resolveInto(repo, &r.Include, cmp.Or(to, "HEAD"), "--range"); err != nil {
			return r, err
		}
	case len(f.branches) > 0:
		for _, name := range f.branches {
			if err := resolveInto(repo, &r.Include, name, "--branch"); err != nil {
				return r, err
			}
		}
	default:
		tips, _ := repo.Tips()
		for _, t := range tips {
			if t.Kind == history.TipRef || t.Kind == history.TipHead {
				if id, err := repo.ResolveCommit(t.ID.String()); err == nil {
					r.Include = append(r.Include, id)
				}
			}
		}
	}
	if f.since == "" {
		return r, nil
	}
	if r.Since, err = date(f.since); err == nil {
		return r, nil
	}
	if id, err := repo.ResolveCommit(f.since); err == nil {
		r.Exclude = append(r.Exclude, id)
		return r, nil
	}
	return r, fmt.Errorf("--since %q is neither a date, such as 2024-12-31 or 2024-12-31T23:59:59Z, nor a commit; see `git log --oneline --all`", f.since)
}

func resolveInto(repo *history.Repo, ids *[]history.ID, rev, flag string) error {
	id, err := repo.ResolveCommit(rev)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	*ids = append(*ids, id)
	return nil
}

// date reads a day or a time; without a zone it is local.
func date(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no date")
}

// machineMemory is how much memory the machine has, in bytes, or 0.
func machineMemory() int64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemTotal: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
