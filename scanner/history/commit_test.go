package history

import (
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/scanner/history/gittest"
)

func TestParseCommit(t *testing.T) {
	g := gittest.New(t)
	g.Write("a", "1")
	g.Commit("first")
	g.Git("switch", "-qc", "side")
	g.Git("commit", "-q", "--allow-empty", "--author=Ann <O'Neil> <ann@example.com>", "--date=1700000000 +0530", "-m", "on the side\n\nwith a body\n")
	g.Git("switch", "-q", "main")
	g.Git("commit", "-q", "--allow-empty", "-m", "second")
	g.Git("merge", "-q", "--no-ff", "-m", "joined", "side")
	r := open(t, g)
	head := resolve(t, r, "HEAD")
	c, err := r.Commit(head)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Parents) != 2 || string(c.Message) != "joined\n" || c.Author.Name != "A U Thor" || c.Author.Email != "author@example.com" {
		t.Errorf("the merge is read as %d parents, %q, %+v", len(c.Parents), c.Message, c.Author)
	}
	side, err := r.Commit(c.Parents[1])
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(g.Git("log", "-1", "--format=%aI", "side"))
	if got := side.Author.When.Format(time.RFC3339); got != want {
		t.Errorf("the author's date is %s, git says %s", got, want)
	}
	if string(side.Message) != "on the side\n\nwith a body\n" {
		t.Errorf("message %q", side.Message)
	}
}

func TestParseOddCommits(t *testing.T) {
	tree := "tree " + strings.Repeat("ab", 20) + "\n"
	for _, c := range []struct {
		name, text string
		when       int64
		who        string
	}{
		{"no author", tree + "\nmessage", 0, ""},
		{"no message", tree + "author A <a@b> 5 +0000\n", 5, "A"},
		{"a date before 1970", tree + "author A <a@b> -5 +0000\n\nx", 0, "A"},
		{"a date that is none", tree + "author A <a@b> soon\n\nx", 0, "A"},
		{"no e-mail", tree + "author Only A Name\n\nx", 0, "Only A Name"},
		{"a zone that is none", tree + "author A <a@b> 7 +99999999\n\nx", 7, "A"},
		{"headers of many lines", tree + "gpgsig -----BEGIN\n more\n -----END\nauthor A <a@b> 9 +0100\n\nx", 9, "A"},
	} {
		got, err := ParseCommit(ID{}, []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		when := int64(0)
		if !got.Author.When.IsZero() {
			when = got.Author.When.Unix()
		}
		if when != c.when || got.Author.Name != c.who {
			t.Errorf("%s: %q at %d", c.name, got.Author.Name, when)
		}
	}
}

func TestParseTag(t *testing.T) {
	g := gittest.New(t)
	g.Commit("first")
	g.Git("tag", "-a", "-m", "a release", "v1")
	r := open(t, g)
	id, err := r.Resolve("refs/tags/v1")
	if err != nil {
		t.Fatal(err)
	}
	_, data, err := r.Object(id)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := ParseTag(id, data)
	if err != nil {
		t.Fatal(err)
	}
	if tag.Name != "v1" || tag.Type != Commit || tag.Object != resolve(t, r, "HEAD") || tag.Tagger.Name != "C O Mitter" || string(tag.Message) != "a release\n" {
		t.Errorf("%+v", tag)
	}
}

func resolve(t *testing.T, r *Repo, rev string) ID {
	t.Helper()
	id, err := r.ResolveCommit(rev)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func FuzzCommit(f *testing.F) {
	f.Add([]byte("tree " + strings.Repeat("ab", 20) + "\nparent " + strings.Repeat("cd", 20) + "\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 -0130\n\nmessage\n"))
	f.Add([]byte("object " + strings.Repeat("ab", 20) + "\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\nmessage\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCommit(ID{}, data)
		if len(c.Headers)+len(c.Message) > len(data) {
			t.Error("a commit has more than its bytes")
		}
		if err == nil && c.Tree.IsZero() {
			t.Error("a commit without a tree")
		}
		if !c.Author.When.IsZero() && c.Author.When.Year() > 9999 {
			t.Error("a date that cannot be written")
		}
		if tag, err := ParseTag(ID{}, data); err == nil && tag.Object.IsZero() {
			t.Error("a tag that names nothing")
		}
	})
}
