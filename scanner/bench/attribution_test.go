package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/bench/histories"
	"github.com/remint/remint/scanner/history/gittest"
)

// gitHistory is a history as git tells it.
type gitHistory struct {
	order   []string // parents before children
	parents map[string][]string
	kids    map[string][]string
	files   map[string]map[string]string // of each commit: path to blob
	refs    map[string]string
	head    string
}

func readHistory(t *testing.T, path string) *gitHistory {
	g := gittest.At(t, path)
	h := &gitHistory{parents: map[string][]string{}, kids: map[string][]string{}, files: map[string]map[string]string{}, refs: map[string]string{}}
	for _, line := range strings.Split(strings.TrimSpace(g.Git("rev-list", "--all", "--topo-order", "--reverse", "--parents")), "\n") {
		ids := strings.Fields(line)
		h.order = append(h.order, ids[0])
		h.parents[ids[0]] = ids[1:]
		for _, p := range ids[1:] {
			h.kids[p] = append(h.kids[p], ids[0])
		}
		h.files[ids[0]] = map[string]string{}
		for _, entry := range strings.Split(g.Git("ls-tree", "-r", "-z", ids[0]), "\x00") {
			if meta, name, ok := strings.Cut(entry, "\t"); ok {
				h.files[ids[0]][name] = strings.Fields(meta)[2]
			}
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(g.Git("for-each-ref", "--format=%(refname) %(objectname)")), "\n") {
		name, id, _ := strings.Cut(line, " ")
		h.refs[name] = id
	}
	h.head = strings.TrimSpace(g.Git("rev-parse", "HEAD"))
	return h
}

// leads tells whether one commit is another's ancestor or itself.
func (h *gitHistory) leads(from, to string) bool {
	seen := map[string]bool{}
	stack := []string{from}
	for len(stack) > 0 {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c == to {
			return true
		}
		if !seen[c] {
			seen[c] = true
			stack = append(stack, h.parents[c]...)
		}
	}
	return false
}

// TestAttribution compares who brought what, where it is and what leads to it
// with what git says of random repositories.
func TestAttribution(t *testing.T) {
	count := 60
	if testing.Short() {
		count = 10
	}
	dir := t.TempDir()
	checked := 0
	for seed := range uint64(count) {
		path, err := histories.Random(context.Background(), dir, 1000+seed)
		if err != nil {
			t.Fatal(err)
		}
		h := readHistory(t, path)
		for _, f := range scanHistory(t, path, false, 64<<20).Findings {
			if f.Git.Place == scanner.PlaceFile && f.Git.OccurrenceCount <= len(f.Git.Occurrences) {
				checked++
				if why := h.disagrees(&f); why != "" {
					t.Fatalf("seed %d: %s: %s", seed, summary(&f), why)
				}
			}
		}
	}
	if checked < count {
		t.Errorf("%d findings checked: the test tests little", checked)
	}
}

// disagrees says what git knows better of a finding.
func (h *gitHistory) disagrees(f *scanner.Finding) string {
	holding := map[string]bool{}
	for _, o := range f.Git.Occurrences {
		holding[o.Object] = true
	}
	path, _, _ := strings.Cut(f.Path, "!")
	has := func(c string) bool { return holding[h.files[c][path]] }
	var brought, last []string
	for _, c := range h.order {
		if !has(c) {
			continue
		}
		if !slices.ContainsFunc(h.parents[c], has) {
			brought = append(brought, c)
		}
		if len(h.kids[c]) == 0 || slices.ContainsFunc(h.kids[c], func(k string) bool { return !has(k) }) {
			last = append(last, c)
		}
	}
	var refs []string
	for name, id := range h.refs {
		if slices.ContainsFunc(brought, func(c string) bool { return h.leads(id, c) }) {
			refs = append(refs, name)
		}
	}
	slices.Sort(refs)
	switch {
	case !slices.Contains(brought, f.Git.Introduced.Commit):
		return fmt.Sprintf("git has it brought by %v", brought)
	case slices.ContainsFunc(brought, func(c string) bool { return c != f.Git.Introduced.Commit && h.leads(f.Git.Introduced.Commit, c) }):
		return "it was brought before"
	case f.Git.InHead != has(h.head):
		return "git does not agree about HEAD"
	case f.Git.InHead && f.Git.Last.Commit != h.head || !f.Git.InHead && !slices.Contains(last, f.Git.Last.Commit):
		return fmt.Sprintf("git has it last in %v, HEAD %s", last, h.head)
	case !slices.Equal(f.Git.Refs, refs):
		return fmt.Sprintf("git has it on %v", refs)
	}
	return ""
}
