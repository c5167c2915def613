package history

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/remint/remint/scanner/history/gittest"
)

// collector keeps everything it visits, and checks that copies are true.
type collector struct {
	t    *testing.T
	mu   *sync.Mutex
	seen map[string]string // id to type and content
}

func (c collector) Visit(o Object, base any) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := base.(string); ok {
		for _, p := range o.Copies {
			if b[p.From:p.From+p.Len] != string(o.Data[p.At:p.At+p.Len]) {
				c.t.Errorf("%s: a copy is none", o.ID)
			}
		}
	}
	if _, ok := c.seen[o.ID.String()]; ok && !o.Again {
		c.t.Errorf("%s is visited twice", o.ID)
	}
	if !o.Again {
		c.seen[o.ID.String()] = o.Type.String() + " " + string(o.Data)
	}
	return string(o.Data), nil
}

func (c collector) Large(id ID, typ Type, size int64) error {
	return fmt.Errorf("%s is large", id)
}

// walkAll visits everything and compares it with what git has.
func walkAll(t *testing.T, g *gittest.Repo, memory int64) {
	t.Helper()
	r, err := Open(g.GitDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := collector{t, new(sync.Mutex), map[string]string{}}
	progress := new(WalkProgress)
	w, err := r.NewWalk(context.Background(), WalkOptions{Workers: 3, Memory: memory, Progress: progress,
		Unreadable: func(id ID, err error) { t.Errorf("%s: %v", id, err) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, types := range [][]Type{{Blob, Commit, Tag}, {Tree}} {
		if err := w.Visit(context.Background(), types, func() Visitor { return c }); err != nil {
			t.Fatal(err)
		}
	}
	ids := strings.Fields(g.Git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)"))
	if len(c.seen) != len(ids) {
		t.Errorf("visited %d objects of %d", len(c.seen), len(ids))
	}
	out := g.GitInput(strings.Join(ids, "\n"), "cat-file", "--batch=%(objecttype) %(objectsize)")
	for _, id := range ids {
		head, rest, _ := strings.Cut(out, "\n")
		typ, size, _ := strings.Cut(head, " ")
		var n int
		fmt.Sscan(size, &n)
		if c.seen[id] != typ+" "+rest[:n] {
			t.Errorf("%s is not what git has", id)
		}
		out = rest[n+1:]
	}
}

// TestWalk walks over objects in every kind of place.
func TestWalk(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			g := gittest.New(t, "--object-format="+format)
			text := bytes.Repeat([]byte("a line of text that stays\n"), 400)
			for n := range 30 {
				text = append(text[:100*n], append([]byte(fmt.Sprintf("version %d\n", n)), text[100*n:]...)...)
				g.Write("a.txt", string(text))
				g.Write(fmt.Sprintf("dir%d/b.txt", n%5), string(text[n*10:]))
				g.Commit(fmt.Sprintf("change %d", n))
			}
			g.Git("tag", "-a", "-m", "a tag", "v1")
			walkAll(t, g, 1<<30)
			g.Git("repack", "-adq", "--depth=20")
			walkAll(t, g, 1<<30)
			walkAll(t, g, 1)
			for n := range 5 {
				g.Write("a.txt", string(text[n*50:]))
				g.Commit("more")
			}
			walkAll(t, g, 1<<30)
			g.Git("repack", "-dq")
			g.Git("multi-pack-index", "write")
			walkAll(t, g, 1<<30)
			g.Git("repack", "-aq") // the old packs stay
			walkAll(t, g, 1<<30)
		})
	}
}
