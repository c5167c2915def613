package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/bench/histories"
	"github.com/remint/remint/scanner/history"
)

// scanHistory scans a repository by deltas, or every object whole.
func scanHistory(t *testing.T, path string, exhaustive bool, memory int64) *scanner.Result {
	t.Helper()
	p, err := scanner.LoadPolicy(path, scanner.PolicyFiles{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := scanner.New(p.Options())
	if err != nil {
		t.Fatal(err)
	}
	repo, err := history.Open(path, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	r, err := s.ScanHistory(context.Background(), repo, scanner.HistoryOptions{Exhaustive: exhaustive, Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// summary says everything of a finding but the secret.
func summary(f *scanner.Finding) string {
	g := f.Git
	text := fmt.Sprintf("%s %s at %s:%d:%d-%d:%d %d-%d %v %s in %s, head %v, refs %v, %s, %v", f.Rule.ID, f.Fingerprint, f.Path, f.Line, f.Column,
		f.EndLine, f.EndColumn, f.Offset, f.EndOffset, f.Encodings, g.Place, g.Object, g.InHead, g.Refs, g.Unreachable, g.Occurrences)
	for _, s := range []*scanner.Sighting{g.Introduced, g.Last} {
		if s != nil {
			text += " " + s.Commit
		}
	}
	return text
}

// sameFindings compares two scans.
func sameFindings(t *testing.T, name string, got, want *scanner.Result) {
	t.Helper()
	if len(got.Incomplete)+len(want.Incomplete) > 0 {
		t.Errorf("%s: not complete: %v %v", name, got.Incomplete, want.Incomplete)
	}
	for i := range max(len(got.Findings), len(want.Findings)) {
		switch {
		case i >= len(got.Findings):
			t.Errorf("%s: missed %s", name, summary(&want.Findings[i]))
		case i >= len(want.Findings):
			t.Errorf("%s: made up %s", name, summary(&got.Findings[i]))
		case summary(&got.Findings[i]) != summary(&want.Findings[i]):
			t.Errorf("%s: has\n  %s\nwhere the exhaustive scan has\n  %s", name, summary(&got.Findings[i]), summary(&want.Findings[i]))
		default:
			continue
		}
		return
	}
}

// TestHistoryExact asserts that a scan by deltas finds what a scan of every
// whole object does, in random repositories; fewer with -short.
func TestHistoryExact(t *testing.T) {
	count := 200
	if testing.Short() {
		count = 20
	}
	dir := t.TempDir()
	found := 0
	for seed := range uint64(count) {
		path, err := histories.Random(context.Background(), dir, seed)
		if err != nil {
			t.Fatal(err)
		}
		memory := int64(64 << 20)
		if seed%4 == 0 {
			memory = 1
		}
		got, want := scanHistory(t, path, false, memory), scanHistory(t, path, true, 64<<20)
		sameFindings(t, fmt.Sprintf("seed %d", seed), got, want)
		found += len(want.Findings)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if found < 10*count {
		t.Errorf("%d findings in %d repositories: the test tests little", found, count)
	}
}

var realHistories = flag.String("histories", "", "folder in which real histories are made and compared")

// TestRealHistoriesExact asserts the same of real histories, which it makes in
// the folder that -histories names.
func TestRealHistoriesExact(t *testing.T) {
	if *realHistories == "" {
		t.Log("give -args -histories FOLDER to compare real histories")
		return
	}
	for _, spec := range histories.Small() {
		path, err := histories.Real(context.Background(), *realHistories, spec)
		if err != nil {
			t.Fatal(err)
		}
		got, want := scanHistory(t, path, false, 256<<20), scanHistory(t, path, true, 256<<20)
		sameFindings(t, spec.Name, got, want)
		if len(want.Findings) == 0 {
			t.Errorf("%s: nothing is found, although keys were planted", spec.Name)
		}
		t.Logf("%-10s %6d objects %8.1f MB %4d findings, %v by deltas, %v whole", strings.TrimSuffix(filepath.Base(path), ".git"),
			got.Stats.Objects, float64(got.Stats.Bytes)/1e6, len(got.Findings), got.Stats.Elapsed, want.Stats.Elapsed)
	}
}
