package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// tangle makes a history of random changes and merges, in which clocks are
// wrong, and a branch for each commit.
func tangle(r *gittest.Repo, rnd *rand.Rand, commits int) {
	names := []string{"a", "a/b", "a/b/c", "a.b", "a-b", "b", "b/x", "b/y", "b/y/z", "c0", "c/d", "d/e/f/g", "d/e/f.g", "d/e"}
	var s strings.Builder
	for i := range commits {
		date := 1700000000 + int64(i)*60
		if rnd.IntN(8) == 0 {
			date = rnd.Int64N(2_000_000_000)
		}
		fmt.Fprintf(&s, "commit refs/heads/c%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata 1\nx\n", i, i+1, date)
		if i > 0 && rnd.IntN(30) > 0 {
			seen := map[int]bool{}
			for p := range 1 + max(0, rnd.IntN(8)-4) {
				parent := max(0, i-1-rnd.IntN(6))
				if seen[parent] {
					continue
				}
				seen[parent] = true
				word := "from"
				if p > 0 {
					word = "merge"
				}
				fmt.Fprintf(&s, "%s :%d\n", word, parent+1)
			}
		}
		for range rnd.IntN(4) {
			name := names[rnd.IntN(len(names))]
			switch rnd.IntN(5) {
			case 0:
				fmt.Fprintf(&s, "D %s\n", name)
			case 1:
				fmt.Fprintf(&s, "M 120000 inline %s\ndata 1\n%d\n", name, rnd.IntN(3))
			default:
				fmt.Fprintf(&s, "M 100644 inline %s\ndata 1\n%d\n", name, rnd.IntN(9))
			}
		}
		s.WriteByte('\n')
	}
	r.GitInput(s.String(), "fast-import", "--quiet")
}

func parentsOf(t *testing.T, repo *Repo, commit ID) []ID {
	t.Helper()
	parents, err := repo.parents(commit)
	if err != nil {
		t.Fatal(err)
	}
	return parents
}

func TestBetween(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	r := gittest.New(t)
	const commits = 150
	tangle(r, rnd, commits)
	repo := open(t, r)
	pick := func(most int) (refs []string, ids []ID) {
		for range rnd.IntN(most + 1) {
			ref := fmt.Sprintf("c%d", rnd.IntN(commits))
			id, err := repo.Resolve(ref)
			if err != nil {
				t.Fatal(err)
			}
			refs, ids = append(refs, ref), append(ids, id)
		}
		return refs, ids
	}
	reach := func(refs []string) map[string]bool {
		set := map[string]bool{}
		if len(refs) > 0 {
			for _, id := range strings.Fields(r.Git(append([]string{"rev-list"}, refs...)...)) {
				set[id] = true
			}
		}
		return set
	}
	for range 40 {
		in, include := pick(3)
		out, exclude := pick(3)
		got, err := repo.CommitsBetween(context.Background(), include, exclude)
		if err != nil {
			t.Fatal(err)
		}
		want, without := reach(in), reach(out)
		for id := range without {
			delete(want, id)
		}
		seen := map[string]bool{}
		for _, id := range got {
			if !want[id.String()] || seen[id.String()] {
				t.Errorf("%v without %v: %s is listed", in, out, id)
			}
			for _, p := range parentsOf(t, repo, id) {
				if want[p.String()] && !seen[p.String()] {
					t.Errorf("%v without %v: %s comes before its parent", in, out, id)
				}
			}
			seen[id.String()] = true
		}
		if len(seen) != len(want) {
			t.Errorf("%v without %v: %d commits, want %d", in, out, len(seen), len(want))
		}
	}
}

// What is new costs what is new, not what was there.
func TestBetweenReadsLittle(t *testing.T) {
	r := gittest.New(t)
	var s strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&s, "commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n\n", 1700000000+i*60)
	}
	r.GitInput(s.String(), "fast-import", "--quiet")
	repo := open(t, r)
	head, err := repo.Resolve("main")
	if err != nil {
		t.Fatal(err)
	}
	parent, err := repo.Resolve("main~3")
	if err != nil {
		t.Fatal(err)
	}
	w := newWalker(context.Background(), repo)
	ids, err := w.between([]ID{head}, []ID{parent})
	if err != nil || len(ids) != 3 || len(w.nodes) > slop+10 {
		t.Errorf("%d commits, %d read, %v", len(ids), len(w.nodes), err)
	}
}

func TestBetweenMissing(t *testing.T) {
	r := gittest.New(t)
	grow(r, 5)
	shallow := clone(t, r, "--depth=2")
	repo := open(t, shallow)
	head, err := repo.Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := repo.CommitsBetween(context.Background(), []ID{head}, nil); err != nil || len(got) != 2 {
		t.Errorf("of a shallow clone: %d commits, %v", len(got), err)
	}
	gone := revParse(r, "HEAD~2")
	if err := os.Remove(filepath.Join(r.GitDir(), "objects", gone[:2], gone[2:])); err != nil {
		t.Fatal(err)
	}
	repo = open(t, r)
	tag, err := repo.Resolve("v1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := repo.CommitsBetween(context.Background(), []ID{tag}, nil)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), gone) || len(got) != 2 {
		t.Errorf("with a commit missing: %d commits, %v", len(got), err)
	}
	parent := parentsOf(t, repo, got[0])[0]
	id, err := ParseID(gone)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := repo.CommitsBetween(context.Background(), []ID{head}, []ID{parent, id}); err != nil || len(got) != 2 {
		t.Errorf("with a missing commit excluded: %d commits, %v", len(got), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := repo.CommitsBetween(ctx, []ID{head}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// diffTree asks git for the paths that differ from all parents, as lines of
// modes and ids, the parents' first.
func diffTree(r *gittest.Repo, commit string, parents int) []string {
	fields := strings.Split(r.Git("diff-tree", "-r", "-c", "--root", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id", "-z", commit), "\x00")
	var lines []string
	for i := 0; i+1 < len(fields); i += 2 {
		words := strings.Fields(strings.TrimLeft(fields[i], ":"))
		n := max(parents, 1)
		line := words[n] + " " + words[2*n+1]
		for p := range parents {
			line += " " + words[p] + " " + words[n+1+p]
		}
		lines = append(lines, line+" "+fields[i+1])
	}
	slices.Sort(lines)
	return lines
}

func TestChanges(t *testing.T) {
	for seed := range uint64(3) {
		r := gittest.New(t)
		tangle(r, rand.New(rand.NewPCG(seed, 6)), 120)
		repo := open(t, r)
		var tips []ID
		for i := range 120 {
			id, err := repo.Resolve(fmt.Sprintf("c%d", i))
			if err != nil {
				t.Fatal(err)
			}
			tips = append(tips, id)
		}
		commits, err := repo.CommitsBetween(context.Background(), tips, nil)
		if err != nil || len(commits) != 120 {
			t.Fatalf("%d commits, %v", len(commits), err)
		}
		object := func(mode Mode, id ID) string {
			if id.IsZero() {
				return "000000 " + strings.Repeat("0", 40)
			}
			return fmt.Sprintf("%06o %s", mode, id)
		}
		merges := 0
		for _, c := range commits {
			var got []string
			parents := len(parentsOf(t, repo, c))
			err := repo.Changes(context.Background(), c, func(ch Change) error {
				line := object(ch.Mode, ch.ID)
				for _, o := range ch.Old {
					line += " " + object(o.Mode, o.ID)
				}
				got = append(got, line+" "+ch.Path)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if want := diffTree(r, c.String(), parents); !slices.Equal(got, want) {
				t.Errorf("seed %d, commit %s with %d parents:\n%s\nwant\n%s", seed, c, parents, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if parents > 1 && len(got) > 0 {
				merges++
			}
		}
		if merges < 5 {
			t.Errorf("only %d merges have changes", merges)
		}
	}
}

func TestChangesErrors(t *testing.T) {
	r := gittest.New(t)
	r.Write("a/file", "a")
	r.Write("b/file", "b")
	r.Commit("one")
	commit, err := open(t, r).Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	paths := func(fn func(Change) error) ([]string, error) {
		var list []string
		err := open(t, r).Changes(context.Background(), commit, func(c Change) error {
			list = append(list, c.Path)
			return fn(c)
		})
		return list, err
	}
	enough := errors.New("enough")
	if list, err := paths(func(Change) error { return enough }); !errors.Is(err, enough) || len(list) != 1 {
		t.Errorf("with an error: %q, %v", list, err)
	}
	loose := func(id string) string { return filepath.Join(r.GitDir(), "objects", id[:2], id[2:]) }
	sub := revParse(r, "HEAD:a")
	if err := os.Remove(loose(sub)); err != nil {
		t.Fatal(err)
	}
	list, err := paths(func(Change) error { return nil })
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), sub) || !slices.Equal(list, []string{"b/file"}) {
		t.Errorf("without a directory: %q, %v", list, err)
	}
	// A directory that holds itself, twice.
	id, err := ParseID(sub)
	if err != nil {
		t.Fatal(err)
	}
	ring := fmt.Sprintf("40000 x\x00%s40000 y\x00%s", id.Bytes(), id.Bytes())
	made := strings.TrimSpace(r.GitInput(ring, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"))
	if err := os.Rename(loose(made), loose(sub)); err != nil {
		t.Fatal(err)
	}
	if _, err := paths(func(Change) error { return nil }); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("a directory in itself: %v", err)
	}
	if got := gaps(t, r); len(got) > 0 {
		t.Errorf("a directory in itself: %q", got)
	}
	if err := open(t, r).Changes(context.Background(), id, nil); err == nil {
		t.Error("a tree is no commit")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := open(t, r).Changes(ctx, commit, func(Change) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A commit that does not say when it was made is as old as can be.
func TestCommitDate(t *testing.T) {
	for data, want := range map[string]int64{
		"tree x\nauthor A <a> 5 +0000\ncommitter B > <b> 1700000000 +0100\n\ncommitter C <c> 7 +0000\n": 1700000000,
		"tree x\ncommitter B <b> -5 +0000\n\n":                                                          -5,
		"tree x\ncommitter B <b>\n\n":                                                                   0,
		"tree x\ncommitter B <b> soon\n\n":                                                              0,
		"tree x\n\ncommitter B <b> 5 +0000\n":                                                           0,
		"":                                                                                              0,
	} {
		if got := commitDate([]byte(data)); got != want {
			t.Errorf("%q: %d, want %d", data, got, want)
		}
	}
}
