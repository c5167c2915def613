package document

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// places lists a tree's scalars as "path=text at that place".
func places(text string, n *Node, at string, out *[]string) {
	switch n.Kind {
	case Map:
		for _, m := range n.Members {
			places(text, m.Value, at+"."+m.Key.Text, out)
			if got := text[m.Key.Start:m.Key.End]; got != m.Key.Text {
				*out = append(*out, fmt.Sprintf("key %s stands at %q", m.Key.Text, got))
			}
		}
	case List:
		for i, v := range n.Items {
			places(text, v, fmt.Sprintf("%s.%d", at, i), out)
		}
	default:
		mark := ""
		if n.Kind == Unknown {
			mark = "?"
		}
		*out = append(*out, fmt.Sprintf("%s=%s%s", at, mark, text[n.Start:n.End]))
	}
}

// TestPlaces asserts that every syntax gives the same tree, and that each
// scalar knows its bytes.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.yaml", "a: é\nb: [x, \"y\\\"z\"]\nc:\n  - k: 'it''s'\n    l: &n plain text # remark\n  - *n\n", ".a=é .b.0=x .b.1=y\\\"z .c.0.k=it''s .c.0.l=plain text .c.1=plain text"},
		{"a.yaml", "\ufeffa: 1\n---\nb: |\n  one\n  two\nc: 2\n", ".a=1 .b=  one\n  two\n .c=2"},
		{"a.yaml", "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", ".base.x=1 .base.y=2 .use.y=3 .use.x=1"},
		{"a.yaml", "x: !Ref Name\ny: !Sub 'arn:${A}'\n", ".x=?Name .y=arn:${A}"},
		{"a.yaml", "x: {{ .Values.a }}\ny: \"{{ b }}\"\nz: ${{ secrets.K }}\n{{- if .C }}\nw: 1\n{{- end }}\n", ".x=?{{ .Values.a }} .y=?{{ b }} .z=${{ secrets.K }} .w=1"},
		{"a.json", "// remark\n{\"a\": \"x\\ty\", \"b\": [1, true, null,],}", ".a=x\\ty .b.0=1 .b.1=true .b.2=null"},
		{"a.toml", "a = \"x\"\n[t.\"u v\"]\nb = ['y', 2]\n[[l]]\nc = {d = true}\n[[l]]\nc.d = \"\"\"\nz\"\"\"\n", ".a=x .t.u v.b.0=y .t.u v.b.1=2 .l.0.c.d=true .l.1.c.d=\nz"},
		{"a.tf", "resource \"r\" \"n\" {\n  a = \"x\"\n  b = [var.v, \"p${q}\", true]\n  c = jsonencode({ k = \"v\", \"l\" : local.m })\n}\nlocals {\n  m = \"known\"\n}\n",
			".resource.a=x .resource.b.0=?var.v .resource.b.1=?p${q} .resource.b.2=true .resource.c.k=v .resource.c.l=known .locals.m=known"},
		{"a.tf", "p = <<-EOT\n  {\"a\": \"*\", \"b\": \"x${ y }z\", \"c\": [\"d\"]}\nEOT\nq = <<EOT\ntext\nEOT\n", ".p.a=* .p.b=?x${ y }z .p.c.0=d .q=text\n"},
		{"a.md", "---\nname: x\ntools: A, B\n---\n# page\n\n---\n", ".name=x .tools=A, B"},
		{"a.md", "# page\n---\nname: x\n", ""},
	} {
		p, err := Parse(c.name, []byte(c.text), nil)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		var got []string
		for _, d := range p.Docs {
			places(c.text, d, "", &got)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, s, c.want)
		}
	}
}

// TestBlocks asserts that blocks are read in each way that HCL and Terraform's
// JSON have to write them, each with its place.
func TestBlocks(t *testing.T) {
	for name, texts := range map[string][]string{
		"a.tf": {"resource \"r\" \"n\" {\n  a = 1\n}\nresource \"r\" \"o\" {\n  a = 2\n}\nresource \"s\" \"n\" {\n}\n"},
		"a.json": {
			`{"resource": {"r": {"n": {"a": 1}, "o": {"a": 2}}, "s": {"n": {"a": 3}}}}`,
			`{"resource": {"r": {"n": [{"a": 1}], "o": [{"a": 2}]}, "s": [{"n": {"a": 3}}]}}`,
			`{"resource": {"r": [{"n": {"a": 1}}, {"o": {"a": 2}}]}}`,
			`{"resource": [{"r": {"n": {"a": 1}}}, {"r": [{"o": [{"a": 2}]}], "s": {"n": {"a": 3}}}]}`,
		},
	} {
		for _, text := range texts {
			p, err := Parse(name, []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range Blocks(p.Docs[0], "resource", "r") {
				label, a := b.Labels[1], b.Body.Get("a")
				got = append(got, fmt.Sprintf("%s %s=%s", b.Name(), text[label.Start:label.End], text[a.Start:a.End]))
			}
			if s := strings.Join(got, ", "); s != "r.n n=1, r.o o=2" {
				t.Errorf("%s: got %s", text, s)
			}
		}
	}
}

// TestTemplated asserts that a template's actions are told from text that has
// braces.
func TestTemplated(t *testing.T) {
	for text, want := range map[string]bool{
		"a: 1\n": false, "a: \"{{ x }}\"\n": false, "a: ${{ x }}\n": false, "a: |\n  {{ x }}\n": false, "{{- if x }}\na: 1\n{{- end }}\n": true, "a:\n{{ toYaml .x | indent 2 }}\n": true,
	} {
		p, err := Parse("a.yaml", []byte(text), nil)
		if err != nil || p.Templated != want {
			t.Errorf("%q: %v, %v", text, p.Templated, err)
		}
	}
}

// TestMalformed asserts that bad input is a fault at once, and that the
// documents beside it are read.
func TestMalformed(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ","))
	}
	for _, c := range []struct {
		what, name, text string
		want             error // nil: any
		docs             int
	}{
		{"cut JSON", "a.json", `{"a": [1, "x`, nil, 0},
		{"cut YAML", "a.yaml", "a: \"x\n", nil, 0},
		{"cut TOML", "a.toml", "a = [1,\n", nil, 0},
		{"cut HCL", "a.tf", "a \"b\" {\n", nil, 0},
		{"one bad of three", "a.yaml", "a: 1\n---\nb: [\n---\nc: 3\n", nil, 2},
		{"bomb", "a.yaml", bomb, ErrTooMany, 0},
		{"cycle", "a.yaml", "a: &a [*a]\n", ErrTooDeep, 0},
		{"deep JSON", "a.json", strings.Repeat("[", 5_000_000), ErrTooLarge, 0},
		{"deeper than the stack", "a.json", strings.Repeat("[", 1_000_000), ErrTooDeep, 0},
		{"deep YAML", "a.yaml", strings.Repeat("- ", 300) + "x\n", ErrTooDeep, 0},
		{"deep HCL", "a.tf", "a = " + strings.Repeat("(", 1500) + "1" + strings.Repeat(")", 1500), ErrTooDeep, 0},
		{"deep TOML", "a.toml", "a = " + strings.Repeat("[", 100_000), ErrTooDeep, 0},
		{"50 MB", "a.yaml", strings.Repeat("a: 1\n", 10_000_000), ErrTooLarge, 0},
	} {
		start := time.Now()
		p, err := Parse(c.name, []byte(c.text), nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || len(p.Docs) != c.docs {
			t.Errorf("%s: %d documents, %v", c.what, len(p.Docs), err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %s", c.what, d)
		}
	}
	if p, err := Parse("a.json", []byte(`{"a": 1, "a": 2}`), nil); err != nil || p.Docs[0].Get("a").Text != "2" || len(p.Docs[0].All("a")) != 2 {
		t.Errorf("a key that comes twice: %v", err)
	}
}

// TestTemplates asserts that what a template makes keeps nobody from reading
// the rest.
func TestTemplates(t *testing.T) {
	for what, text := range map[string]string{
		"braces in a remark":       "a: {{ x }}\n{{- /* like {{ if x }} but not */ -}}\nkey: value\n",
		"an item's first lines":    "list:\n  - {{ toYaml $c | nindent 4 | trim }}\n    {{- if not $c.x }}\n    x:\n      y: 1\n    {{- end }}\nkey: value\n",
		"a map's first lines":      "labels: {{- include \"labels\" . | nindent 2 }}\n  more: 1\nkey: value\n",
		"a value before a key":     "a: {{ x }}\nkey: value\n",
		"a value after an item":    "l:\n- {{ x }}\n- b\nkey: value\n",
		"a word of several":        "a: x-{{ x }}-y\n\nkey: value\n",
		"an item whose map begins": "l:\n  - name: {{ x }}\n    b: 1\nkey: value\n",
	} {
		p, err := Parse("a.yaml", []byte(text), nil)
		if err != nil || len(p.Docs) != 1 || p.Docs[0].Get("key").Str() != "value" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestLenientFrontMatter asserts that front matter which is no YAML is read as
// agents read it.
func TestLenientFrontMatter(t *testing.T) {
	text := "---\nname: reviewer\ndescription: Use this: after: changes\ntools: Bash, Read\nallowed-tools:\n  - \"Bash(*)\"\n  - Read\n---\ntext\n"
	p, err := Parse("a.md", []byte(text), nil)
	if err != nil || len(p.Docs) != 1 {
		t.Fatalf("%v, %v", p, err)
	}
	d := p.Docs[0]
	if d.Get("tools").Str() != "Bash, Read" || d.Get("description").Str() != "Use this: after: changes" || strings.Join(d.Get("allowed-tools").Texts(), "|") != "Bash(*)|Read" {
		t.Errorf("got %v", d)
	}
	if b := d.Get("allowed-tools").Items[0]; text[b.Start:b.End] != "Bash(*)" {
		t.Errorf("at %q", text[b.Start:b.End])
	}
}

// FuzzParse asserts that nothing panics and every node lies in the text.
func FuzzParse(f *testing.F) {
	names := []string{"a.yaml", "a.json", "a.toml", "a.tf", "a.md"}
	seeds, _ := filepath.Glob("../testdata/*.txtar")
	for _, s := range seeds {
		if text, err := os.ReadFile(s); err == nil {
			for _, part := range strings.Split(string(text), "\n-- ") {
				_, body, _ := strings.Cut(part, "\n")
				f.Add(uint8(len(part)), []byte(body))
			}
		}
	}
	for i := range names {
		f.Add(uint8(i), []byte("---\na: {{ x }}\nb: &c |\n  \"x\"\n---\n{\"a\": [1]}\nx = <<E\n{\"a\":\"${ b }\"}\nE\n"))
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		p, _ := Parse(names[int(which)%len(names)], text, nil)
		for _, d := range p.Docs {
			d.Walk(func(n *Node) bool {
				if n.Start < 0 || n.End < n.Start && n.Kind != Map && n.Kind != List || n.End > len(text) {
					t.Fatalf("%v %q at %d to %d of %d", n.Kind, n.Text, n.Start, n.End, len(text))
				}
				return true
			})
		}
	})
}
