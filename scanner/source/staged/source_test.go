package staged

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/source"
)

// notes takes down what a source tells.
type notes struct {
	t    *testing.T
	said []string
	stop error
}

func (n *notes) Item(i source.Item) error {
	content, err := i.Open()
	if err != nil {
		n.t.Fatal(err)
	}
	defer content.Close()
	now, err := io.ReadAll(content)
	if err != nil || int64(len(now)) != i.Size {
		n.t.Errorf("%s: %d bytes of %d, %v", i.Path, len(now), i.Size, err)
	}
	before := "nothing"
	if i.Before != nil {
		was, err := i.Before()
		if err != nil {
			n.t.Fatal(err)
		}
		before = string(was)
	}
	n.said = append(n.said, fmt.Sprintf("%s: %s, was %s", i.Path, now, before))
	return n.stop
}

func (n *notes) Unreadable(path string, err error) {
	if !errors.Is(err, history.ErrMissing) {
		n.t.Error(err)
	}
	n.said = append(n.said, path+": missing")
}

func (n *notes) Skipped(path string) { n.said = append(n.said, path+": skipped") }

func TestSource(t *testing.T) {
	g := start(t)
	g.Write("dir/short", "before")
	g.Write("vendored/moved", lines("moved", 20))
	g.Commit("more")
	g.Write("dir/short", "after")
	g.Write("dir/sub/new", "new")
	g.Write("gone", "gone")
	g.Write("vendored/lib/x", "not ours")
	g.Git("mv", "vendored/moved", "moved")
	g.Git("mv", "z", "zz")
	g.Git("add", "--all")
	r := open(t, g.Dir)
	for _, c := range changes(t, r).Changes {
		if id := c.New.ID.String(); c.Path == "gone" {
			if err := os.Remove(filepath.Join(g.GitDir(), "objects", id[:2], id[2:])); err != nil {
				t.Fatal(err)
			}
		}
	}
	exclude := func(path string, dir bool) bool {
		return path == "vendored" && dir || path == "dir/sub/new" && !dir
	}
	n := &notes{t: t}
	if err := (Source{Repo: r, Exclude: exclude}).Visit(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"dir/short: after, was before",
		"dir/sub/new: skipped",
		"gone: missing",
		"moved: " + lines("moved", 20) + ", was nothing",
		"vendored/lib/x: skipped",
		"zz: " + lines("z", 20) + ", was " + lines("z", 20),
	}
	if !slices.Equal(n.said, want) {
		t.Errorf("the source said\n\t%q, want\n\t%q", n.said, want)
	}
	n = &notes{t: t, stop: errors.New("enough")}
	if err := (Source{Repo: r}).Visit(context.Background(), n); err != n.stop || len(n.said) != 1 {
		t.Errorf("a visitor that stops: %v after %d items", err, len(n.said))
	}
}

// A blob over the size that is held in memory is streamed.
func TestLargeBlob(t *testing.T) {
	g := start(t)
	content := strings.Repeat("0123456789abcdef", 1<<18)
	g.Write("large", content)
	g.Git("add", "large")
	r := open(t, g.Dir)
	c := changes(t, r)
	size, stream, err := r.Reader(c.Changes[0].New.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if got, err := io.ReadAll(stream); err != nil || string(got) != content || size != int64(len(content)) {
		t.Errorf("%d bytes of %d, %v", len(got), size, err)
	}
	tree, err := history.ParseID(strings.TrimSpace(g.Git("rev-parse", "HEAD^{tree}")))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Reader(tree); err == nil || !strings.Contains(err.Error(), "a blob should be") {
		t.Errorf("a tree read as a blob: %v", err)
	}
}
