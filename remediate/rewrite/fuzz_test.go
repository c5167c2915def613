package rewrite

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/odvcencio/gotreesitter/grammars"
	"golang.org/x/tools/txtar"
)

// fuzzed are the files and the grammars' languages by the selector.
var (
	fuzzed = []string{"a.py", "a.js", "a.rb", "a.php", "A.java", "A.cs", "a.rs"}
	bare   = map[string]*grammar{
		".py": {load: grammars.PythonLanguage}, ".js": {load: grammars.JavascriptLanguage}, ".rb": {load: grammars.RubyLanguage}, ".php": {load: grammars.PhpLanguage},
		".java": {load: grammars.JavaLanguage}, ".cs": {load: grammars.CSharpLanguage, mask: csharpMask}, ".rs": {load: grammars.RustLanguage},
	}
)

func FuzzTree(f *testing.F) {
	for i, name := range []string{"python", "javascript", "ruby", "php", "java", "csharp", "rust"} {
		a, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			before, rest, ok := bytes.Cut(file.Data, []byte(open))
			inner, after, _ := bytes.Cut(rest, []byte(shut))
			if _, value, _ := bytes.Cut(inner, []byte(":")); ok && !bytes.Contains(after, []byte(open)) && !strings.HasSuffix(file.Name, ".want") {
				f.Add(byte(i), slices.Concat(before, value, after), uint16(len(before)), uint16(len(value)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, selector byte, text []byte, at, n uint16) {
		if len(text) > 1000 {
			return
		}
		name := fuzzed[int(selector)%len(fuzzed)]
		c := Change{int(at), int(at) + int(n), "VARIABLE_OF_IT", "app/it"}
		original := bytes.Clone(text)
		from := time.Now()
		r := File(name, text, []Change{c}, Options{Style: Env})
		if took := time.Since(from); took > 4*longest {
			t.Fatalf("%s took %v", name, took)
		}
		if !bytes.Equal(original, text) {
			t.Fatal("the text was changed in place")
		}
		if r.Refused[0] != "" {
			if !bytes.Equal(r.Text, text) {
				t.Fatalf("refused for %s, and changed", r.Refused[0])
			}
			return
		}
		sound(t, name, text, c, r)
	})
}

// sound looks that a result parses, and that what stands outside the statement
// of a change is as it was.
func sound(t *testing.T, name string, text []byte, c Change, r Result) {
	t.Helper()
	before := &file{path: name, base: path.Base(name), text: text}
	l, ok := find(before)
	if !ok {
		t.Fatal("no language")
	}
	if err := l.parse(&file{path: name, base: path.Base(name), text: r.Text}, r.Text); err != nil {
		t.Fatalf("%v:\n%q\n%q", err, text, r.Text)
	}
	head, tail := statement(before, c)
	if !bytes.HasSuffix(r.Text, text[tail:]) {
		t.Fatalf("the end was touched:\n%q\n%q", text, r.Text)
	}
	rest := r.Text
	for l := range bytes.Lines(text[:head]) {
		_, after, ok := bytes.Cut(rest, bytes.TrimSuffix(l, []byte("\n")))
		if !ok {
			t.Fatalf("the line %q was touched:\n%q\n%q", l, text, r.Text)
		}
		rest = after
	}
}

// statement is the place of a change's outermost statement, by whole lines;
// that of a heredoc starts before its text.
func statement(f *file, c Change) (from, to int) {
	g := bare[path.Ext(f.base)]
	t, err := g.read(f, f.text)
	if err != nil {
		return 0, len(f.text)
	}
	n := t.root.DescendantForByteRange(uint32(c.Start), uint32(c.End))
	for n.Parent() != nil && n.Parent().Parent() != nil {
		n = n.Parent()
	}
	if n.Parent() == nil || t.kind(n) == "heredoc_body" {
		return 0, len(f.text)
	}
	from, _ = line(f.text, int(n.StartByte()))
	_, to = line(f.text, int(n.EndByte()))
	return from, to
}
