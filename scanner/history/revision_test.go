package history

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// branches makes a history with merges, tags of every kind and references
// whose short names have several meanings.
func branches(r *gittest.Repo) {
	grow(r, 4)
	r.Git("checkout", "--quiet", "-b", "side", "HEAD~2")
	r.Write("side", "side")
	r.Commit("side")
	r.Git("checkout", "--quiet", "main")
	r.Git("merge", "--quiet", "--no-ff", "--message=merge", "side")
	r.Git("tag", "light")
	r.Git("tag", "--annotate", "--message=x", "tag-of-tag", "v1")
	r.Git("tag", "--annotate", "--message=x", "tag-of-tree", "HEAD^{tree}")
	r.Git("update-ref", "refs/heads/both", "HEAD~1")
	r.Git("update-ref", "refs/tags/both", "HEAD~2")
	r.Git("update-ref", "refs/remotes/origin/main", "HEAD~1")
	r.Git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	r.Git("update-ref", "refs/heads/topic/a", "HEAD~1")
	r.Git("update-ref", "ORIG_HEAD", "HEAD~3")
}

func TestResolve(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := gittest.New(t, "--object-format="+format)
		branches(r)
		head := revParse(r, "HEAD")
		same := func(how string) {
			t.Helper()
			repo := open(t, r)
			for _, rev := range []string{
				"HEAD", "@", "main", "heads/main", "refs/heads/main", "side", "topic/a", "both", "heads/both", "tags/both",
				"origin", "origin/main", "remotes/origin/main", "light", "v1", "tag-of-tag", "tag-of-tree", "ORIG_HEAD",
				"HEAD~", "HEAD~0", "HEAD~1", "HEAD~3", "HEAD^", "HEAD^0", "HEAD^1", "HEAD^2", "HEAD^^", "HEAD^2~1", "HEAD~2^1~", "@~~",
				"v1^{commit}", "v1^{}", "v1^{tree}", "v1^{tag}", "v1^{object}", "v1^0", "v1~1", "tag-of-tag^{}", "tag-of-tag^{tag}",
				"tag-of-tree^{}", "tag-of-tree^{tree}", "HEAD^{tree}", "HEAD^{}",
				head, strings.ToUpper(head), head + "~1", head[:4] + "^{commit}", head[:7], head[:8] + "^2", strings.ToUpper(head[:20]), head[:len(head)-1],
				revParse(r, "v1")[:10], revParse(r, "HEAD:text.txt")[:11],
			} {
				want := revParse(r, rev)
				if got, err := repo.Resolve(rev); err != nil || got.String() != want {
					t.Errorf("%s: %s is %s, %v; want %s", how, rev, got, err, want)
				}
				if commit, err := r.Try("", "rev-parse", "--verify", "--quiet", rev+"^{commit}"); err == nil {
					if got, err := repo.ResolveCommit(rev); err != nil || got.String() != strings.TrimSpace(commit) {
						t.Errorf("%s: the commit of %s is %s, %v; want %s", how, rev, got, err, commit)
					}
				} else if got, err := repo.ResolveCommit(rev); err == nil {
					t.Errorf("%s: the commit of %s is %s, which git does not think", how, rev, got)
				}
			}
		}
		same("loose")
		r.Git("repack", "-d", "--quiet")
		r.Git("pack-refs", "--all")
		same("packed")
		r.Git("multi-pack-index", "write")
		same("multi-pack-index")
	}
}

func TestResolveAlternates(t *testing.T) {
	r := gittest.New(t)
	grow(r, 2)
	clone := gittest.At(t, t.TempDir())
	clone.Git("clone", "--quiet", "--shared", r.Dir, ".")
	clone.Commit("here")
	for _, rev := range []string{revParse(r, "HEAD")[:9], revParse(clone, "HEAD")[:9], "HEAD~1"} {
		if got, err := open(t, clone).Resolve(rev); err != nil || got.String() != revParse(clone, rev) {
			t.Errorf("%s is %s, %v", rev, got, err)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	r := gittest.New(t)
	if _, err := open(t, r).Resolve("HEAD"); err == nil || !strings.Contains(err.Error(), "no commit yet") {
		t.Errorf("HEAD before the first commit: %v", err)
	}
	grow(r, 1)
	put(t, r, "refs/heads/broken", "what is this")
	put(t, r, "refs/heads/gone", strings.Repeat("12345", 8)+"\n")
	repo := open(t, r)
	for rev, want := range map[string]string{
		"":                         "names nothing",
		"^HEAD":                    "names nothing",
		"nothing":                  "git branch --all",
		"../../config":             "git branch --all",
		"config":                   "git branch --all",
		"abc":                      "git branch --all",
		"123456":                   "git branch --all",
		"HEAD~1":                   "has 0 parents",
		"HEAD^1":                   "has 0 parents",
		"HEAD~99999999999999999":   "too large",
		"HEAD^!":                   "cannot be read",
		"HEAD^{":                   "a } is missing",
		"HEAD^{}x":                 "cannot be read",
		"HEAD^{/text}":             "not read",
		"HEAD^{blob}":              "where a blob is needed",
		"HEAD@{1}":                 "git rev-parse",
		"HEAD:text.txt":            "git rev-parse",
		":/text":                   "git rev-parse",
		"broken":                   "git fsck",
		"gone":                     "is missing",
		strings.Repeat("12345", 8): "is missing",
	} {
		if id, err := repo.Resolve(rev); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", rev)) {
			t.Errorf("%q is %s, %v; want an error with %q", rev, id, err, want)
		}
	}
	if id, err := repo.ResolveCommit("HEAD^{tree}"); err == nil || !strings.Contains(err.Error(), "where a commit is needed") {
		t.Errorf("a tree as a commit: %s, %v", id, err)
	}
}

// An abbreviation that several objects share is an error that names them,
// unless only one of them is a commit where a commit is needed.
func TestResolveAmbiguous(t *testing.T) {
	r := gittest.New(t)
	r.Commit("one")
	short := revParse(r, "HEAD")[:4]
	var content string
	for i := range 1 << 20 {
		content = fmt.Sprintf("content %d", i)
		if strings.HasPrefix(blobID(content).String(), short) {
			break
		}
	}
	for _, packed := range []bool{false, true} {
		id := strings.TrimSpace(r.GitInput(content, "hash-object", "-w", "--stdin"))
		r.Git("update-ref", "refs/tags/blob", id)
		if packed {
			r.Git("repack", "-a", "-d", "--quiet")
		}
		repo := open(t, r)
		if _, err := repo.Resolve(short); err == nil || !strings.Contains(err.Error(), "give more digits") || !strings.Contains(err.Error(), id+" (blob)") {
			t.Errorf("%s: %v", short, err)
		}
		for _, rev := range []string{short + "^{commit}", short + "~0", short + "^0"} {
			if got, err := repo.Resolve(rev); err != nil || got.String() != revParse(r, "HEAD") {
				t.Errorf("%s is %s, %v", rev, got, err)
			}
		}
		if got, err := repo.ResolveCommit(short); err != nil || got.String() != revParse(r, "HEAD") {
			t.Errorf("the commit of %s is %s, %v", short, got, err)
		}
	}
}
