package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// put writes a file of the repository's directory.
func put(t testing.TB, r *gittest.Repo, name, content string) {
	t.Helper()
	file := filepath.Join(r.GitDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func revParse(r *gittest.Repo, rev string) string {
	return strings.TrimSpace(r.Git("rev-parse", rev))
}

// tips returns the tips by name.
func tips(t *testing.T, r *gittest.Repo) (map[string]Tip, []error) {
	t.Helper()
	all, errs := open(t, r).Tips()
	byName := map[string]Tip{}
	for _, tip := range all {
		if old, ok := byName[tip.Name]; ok && old.ID == tip.ID {
			t.Errorf("%s is listed twice", tip.Name)
		}
		byName[tip.Name] = tip
	}
	return byName, errs
}

func TestTipsRefs(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := gittest.New(t, "--object-format="+format)
		r.Commit("one")
		r.Git("branch", "deep/er/branch")
		r.Git("branch", "caf\xe9")
		r.Git("tag", "--annotate", "--message=x", "v1")
		r.Git("tag", "light")
		r.Git("notes", "add", "-m", "a note")
		r.Git("pack-refs", "--all")
		r.Commit("two")
		r.Git("branch", "loose/one")
		r.Git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
		r.Git("symbolic-ref", "refs/heads/unborn", "refs/heads/nothing")
		r.Git("replace", revParse(r, "HEAD"), revParse(r, "HEAD~"))
		got, errs := tips(t, r)
		if len(errs) > 0 {
			t.Errorf("%s: %v", format, errs)
		}
		want := 0
		for _, line := range strings.Split(strings.TrimSpace(r.Git("for-each-ref", "--format=%(objectname) %(refname)")), "\n") {
			id, name, _ := strings.Cut(line, " ")
			want++
			if got[name].ID.String() != id {
				t.Errorf("%s is %s, want %s", name, got[name].ID, id)
			}
			kind := TipRef
			if strings.HasPrefix(name, "refs/replace/") {
				kind = TipReplace
			}
			if got[name].Kind != kind {
				t.Errorf("%s is of kind %d, want %d", name, got[name].Kind, kind)
			}
		}
		if want < 8 {
			t.Errorf("git lists %d references", want)
		}
		if tip := got["HEAD"]; tip.Kind != TipHead || tip.ID.String() != revParse(r, "refs/heads/main") {
			t.Errorf("HEAD is %+v", tip)
		}
		if tip, ok := got["refs/heads/unborn"]; !ok || !tip.ID.IsZero() {
			t.Errorf("a reference to none is %+v, %t", tip, ok)
		}
	}
}

func TestTipsReflog(t *testing.T) {
	r := gittest.New(t)
	for i := range 4 {
		r.Write("file", fmt.Sprint(i))
		r.Commit(fmt.Sprint("commit ", i))
	}
	lost := revParse(r, "HEAD")
	r.Git("reset", "--quiet", "--hard", "HEAD~2")
	for i := range 3 {
		r.Write("file", fmt.Sprint("stash ", i))
		r.Git("stash", "push", "--quiet")
	}
	got, errs := tips(t, r)
	if len(errs) > 0 {
		t.Error(errs)
	}
	byID := map[string][]string{}
	for _, tip := range got {
		byID[tip.ID.String()] = append(byID[tip.ID.String()], tip.Name)
	}
	for _, ref := range []string{"HEAD", "refs/heads/main", "refs/stash"} {
		for _, id := range strings.Fields(r.Git("reflog", "show", "--format=%H", ref)) {
			if !slices.ContainsFunc(byID[id], func(name string) bool { return strings.HasPrefix(name, ref+"@{") }) {
				t.Errorf("%s of the log of %s has the names %q", id, ref, byID[id])
			}
		}
	}
	for i := range 3 {
		name := fmt.Sprintf("refs/stash@{%d}", i)
		if tip := got[name]; tip.Kind != TipStash || tip.ID.String() != revParse(r, name) {
			t.Errorf("%s is %+v", name, tip)
		}
	}
	if tip := got["refs/stash"]; tip.Kind != TipStash || tip.ID.IsZero() {
		t.Errorf("refs/stash is %+v", tip)
	}
	if tip := got["ORIG_HEAD"]; tip.Kind != TipOther || tip.ID.IsZero() {
		t.Errorf("ORIG_HEAD is %+v", tip)
	}
	if tip := got["refs/heads/main@{1}"]; tip.Kind != TipReflog || tip.ID.String() != lost {
		t.Errorf("before the reset, main was %+v, want %s", tip, lost)
	}
}

func TestTipsState(t *testing.T) {
	r := gittest.New(t)
	r.Write("file", "base")
	r.Commit("base")
	r.Git("checkout", "--quiet", "-b", "side")
	r.Write("file", "side")
	r.Commit("side")
	r.Git("checkout", "--quiet", "main")
	r.Write("file", "main")
	r.Commit("main")
	if _, err := r.Try("", "merge", "side"); err == nil {
		t.Fatal("there is no conflict")
	}
	id := revParse(r, "side")
	has := func(name, want string) {
		t.Helper()
		all, errs := open(t, r).Tips()
		if len(errs) > 0 {
			t.Error(errs)
		}
		if !slices.ContainsFunc(all, func(tip Tip) bool {
			return tip.Name == name && tip.Kind == TipOther && tip.ID.String() == want
		}) {
			t.Errorf("there is no %s that is %s", name, want)
		}
	}
	has("MERGE_HEAD", id)
	r.Git("merge", "--abort")
	if _, err := r.Try("", "cherry-pick", "side"); err == nil {
		t.Fatal("there is no conflict")
	}
	has("CHERRY_PICK_HEAD", id)
	r.Git("cherry-pick", "--abort")
	if _, err := r.Try("", "rebase", "side"); err == nil {
		t.Fatal("there is no conflict")
	}
	has("rebase-merge/onto", id)
	has("rebase-merge/orig-head", revParse(r, "main"))
	has("rebase-merge/done", revParse(r, "main"))
	r.Git("rebase", "--abort")
	r.Git("fetch", "--quiet", ".", "side", "main")
	has("FETCH_HEAD", id)
	has("FETCH_HEAD", revParse(r, "main"))
}

func TestTipsWorkTrees(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	r.Git("branch", "other")
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	r.Git("worktree", "add", "--quiet", "--detach", linked.Dir)
	linked.Commit("in the linked one")
	linked.Git("update-ref", "refs/worktree/mine", "HEAD")
	id, mainID := revParse(linked, "HEAD"), revParse(r, "HEAD")
	for _, c := range []struct {
		repo *gittest.Repo
		want map[string]string
	}{
		{r, map[string]string{"HEAD": mainID, "worktrees/linked/HEAD": id, "worktrees/linked/HEAD@{0}": id, "worktrees/linked/refs/worktree/mine": id, "refs/heads/other": mainID}},
		{linked, map[string]string{"HEAD": id, "HEAD@{0}": id, "refs/worktree/mine": id, "main-worktree/HEAD": mainID, "refs/heads/other": mainID}},
	} {
		got, errs := tips(t, c.repo)
		if len(errs) > 0 {
			t.Error(errs)
		}
		for name, want := range c.want {
			if got[name].ID.String() != want {
				t.Errorf("%s is %+v, want %s", name, got[name], want)
			}
			if strings.HasSuffix(name, "HEAD") && got[name].Kind != TipHead {
				t.Errorf("%s is of kind %d", name, got[name].Kind)
			}
		}
	}
}

// From the tips, one comes to every commit that git keeps.
func TestTipsReachAll(t *testing.T) {
	r := gittest.New(t)
	for i := range 6 {
		r.Write("file", fmt.Sprint(i))
		r.Commit(fmt.Sprint("commit ", i))
		if i%2 == 1 {
			r.Git("reset", "--quiet", "--hard", "HEAD~1")
		}
		r.Git("commit", "--quiet", "--amend", "--message="+fmt.Sprint("amended ", i))
	}
	linked := gittest.At(t, filepath.Join(t.TempDir(), "linked"))
	r.Git("worktree", "add", "--quiet", "--detach", linked.Dir)
	linked.Commit("lost in the linked one")
	linked.Git("reset", "--quiet", "--hard", "HEAD~1")
	linked.Commit("in the linked one")
	r.Write("file", "stashed")
	r.Git("stash", "push", "--quiet")
	r.Git("tag", "--annotate", "--message=x", "tag", "HEAD~1")
	r.Git("branch", "--quiet", "gone")
	r.Git("branch", "--quiet", "-D", "gone")
	for _, repo := range []*Repo{open(t, r), open(t, linked)} {
		all, errs := repo.Tips()
		if len(errs) > 0 {
			t.Error(errs)
		}
		ids := []ID{{}} // as a branch without a commit has it
		for _, tip := range all {
			ids = append(ids, tip.ID)
		}
		commits, err := repo.CommitsBetween(context.Background(), ids, []ID{{}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, id := range commits {
			got = append(got, id.String())
		}
		want := strings.Fields(r.Git("rev-list", "--all", "--reflog"))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(want) < 15 {
			t.Errorf("%d commits, want %d", len(got), len(want))
		}
	}
}

func TestTipsBroken(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	id := revParse(r, "HEAD")
	r.Git("branch", "twice")
	r.Git("pack-refs", "--all")
	packed, err := os.ReadFile(filepath.Join(r.GitDir(), "packed-refs"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, r, "packed-refs", string(packed)+"what is this\n"+strings.Repeat("0", 40)+" refs/heads/zero\n^"+id+"\n"+id+" refs/tags/last")
	put(t, r, "refs/heads/empty", "")
	put(t, r, "refs/heads/twice", "")
	put(t, r, "refs/heads/short", "abc\n")
	put(t, r, "refs/heads/out", "ref: refs/../../x\n")
	put(t, r, "refs/heads/ring", "ref: refs/heads/ring\n")
	put(t, r, "refs/heads/a b\xff", id+"\n")
	put(t, r, "refs/heads/main.lock", "")
	put(t, r, "logs/HEAD", "what\n"+id+" "+strings.Repeat("0", 40)+" A <a@b> 1 +0000\tx\n"+strings.Repeat("z", 40)+" "+id+" A <a@b> 1 +0000\tx\n")
	for link, target := range map[string]string{"refs/heads/up": "..", "refs/heads/away": t.TempDir()} {
		if err := os.Symlink(target, filepath.Join(r.GitDir(), filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	got, errs := tips(t, r)
	for _, name := range []string{"HEAD", "refs/heads/main", "refs/heads/twice", "refs/tags/last", "refs/heads/a b\xff", "HEAD@{0}"} {
		if got[name].ID.String() != id {
			t.Errorf("%q is %+v, want %s", name, got[name], id)
		}
	}
	for _, name := range []string{"refs/heads/zero", "refs/heads/empty", "refs/heads/short", "refs/heads/out", "refs/heads/ring", "is this"} {
		if tip, ok := got[name]; !ok || !tip.ID.IsZero() {
			t.Errorf("%s is %+v, %t", name, tip, ok)
		}
	}
	if _, ok := got["refs/heads/main.lock"]; ok {
		t.Error("a lock file is no reference")
	}
	text := errors.Join(errs...).Error()
	for _, want := range []string{"packed-refs: 2 lines", "empty holds no", "twice holds no", "short holds no", "cannot be one", "ring\" leads through", "HEAD: 2 lines", "away is a symbolic link"} {
		if !strings.Contains(text, want) {
			t.Errorf("no error says %q: %s", want, text)
		}
	}
}

func TestTipsReftable(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	r.Git("update-ref", "ORIG_HEAD", "HEAD")
	id := revParse(r, "HEAD")
	repo := open(t, r)
	repo.settings.refStorage = "reftable"
	all, errs := repo.Tips()
	if err := errors.Join(errs...); !errors.Is(err, ErrReftable) {
		t.Errorf("reftable: %v", err)
	}
	if !slices.ContainsFunc(all, func(tip Tip) bool { return tip.Name == "ORIG_HEAD" && tip.ID.String() == id }) {
		t.Errorf("what is kept in files is not read: %v", all)
	}
}

func FuzzPackedRefs(f *testing.F) {
	id := strings.Repeat("0123456789", 4)
	f.Add([]byte("# pack-refs with: peeled fully-peeled sorted \n" + id + " refs/heads/main\n^" + id + "\nx\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{SHA1, SHA256} {
			parsePackedRefs(data, format, func(name string, id ID) {
				if name == "" || strings.Contains(name, "\n") || !id.IsZero() && len(id.Bytes()) != format.Size() {
					t.Errorf("%q is %s", name, id)
				}
			})
		}
	})
}

func FuzzReflog(f *testing.F) {
	id := strings.Repeat("0123456789", 4)
	f.Add([]byte(id + " " + strings.Repeat("0", 40) + " A <a@b> 1 +0000\tmessage\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{SHA1, SHA256} {
			count := 0
			bad := parseReflog(data, format, func(n int, id ID) {
				count++
				if n < 0 || len(id.Bytes()) != format.Size() {
					t.Errorf("%d is %s", n, id)
				}
			})
			if lines := strings.Count(string(data), "\n") + 1; bad > lines || count > 2*lines {
				t.Errorf("%d ids and %d bad in %d lines", count, bad, lines)
			}
			eachID(data, format, 2, func(id ID) {
				if id.IsZero() {
					t.Error("a zero id")
				}
			})
		}
	})
}
