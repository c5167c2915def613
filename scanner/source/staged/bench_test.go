package staged

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// generated makes a repository of so many files, 20 a directory, with a line
// changed and staged in one of them.
func generated(b *testing.B, files int) *gittest.Repo {
	b.Helper()
	g := gittest.New(b)
	blob := func(content string) string {
		return strings.TrimSpace(g.GitInput(content, "hash-object", "-w", "--stdin"))
	}
	id := blob(lines("text", 100))
	var list strings.Builder
	for i := range files {
		fmt.Fprintf(&list, "100644 %s\tsrc/package%d/part%d/file%d.go\n", id, i/400, i/20%20, i)
	}
	g.GitInput(list.String(), "update-index", "--index-info")
	g.Git("commit", "--quiet", "--message=all")
	g.Git("update-index", "--cacheinfo", "100644,"+blob(lines("text", 99)+"another line\n")+",src/package1/part3/file460.go")
	return g
}

// BenchmarkChanges is all that a staged scan does here: find the repository,
// compare, and read both contents of the one file that changed.
func BenchmarkChanges(b *testing.B) {
	for _, files := range []int{1_000, 100_000} {
		for _, version := range []string{"2", "4"} {
			b.Run(fmt.Sprintf("files=%d/index=%s", files, version), func(b *testing.B) {
				g := generated(b, files)
				g.Git("update-index", "--index-version="+version)
				b.Run("loose", func(b *testing.B) { run(b, g) })
				g.Git("repack", "-a", "-d", "--quiet")
				b.Run("packed", func(b *testing.B) { run(b, g) })
			})
		}
	}
}

func run(b *testing.B, g *gittest.Repo) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(context.Background(), g.Dir)
		if err != nil {
			b.Fatal(err)
		}
		c, err := r.Changes(context.Background())
		if err != nil || len(c.Changes) != 1 {
			b.Fatal(len(c.Changes), err)
		}
		x := c.Changes[0]
		if _, err := r.Content(x.New.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Content(x.Old.ID); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

// BenchmarkNoCacheTree is the same when the index remembers no directory, so
// that all of HEAD's trees are read.
func BenchmarkNoCacheTree(b *testing.B) {
	g := generated(b, 100_000)
	g.Git("repack", "-a", "-d", "--quiet")
	g.GitInput(g.Git("ls-files", "--stage"), "update-index", "--index-info")
	run(b, g)
}
