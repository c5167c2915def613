package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/history"
)

// historyFlags are those of a scan of a history.
type historyFlags struct {
	git, exhaustive, allowIncomplete bool
	memory                           string
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
func (f *scanFlags) scanHistory(ctx context.Context, arg string, stdout, stderr io.Writer) error {
	memory, err := f.budget()
	if err != nil {
		return err
	}
	dir, remote, err := localPath(arg)
	if err != nil {
		return err
	}
	if remote {
		return errors.New("remote repositories are not supported yet; clone with `git clone --mirror` and scan the clone")
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
	opts := scanner.HistoryOptions{Exhaustive: f.exhaustive, Memory: memory, WorkTree: workTree, Progress: progress}
	result, err := s.ScanHistory(ctx, repo, opts)
	if err != nil {
		return err
	}
	return f.conclude(result, p, []string{root}, stdout, stderr)
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
