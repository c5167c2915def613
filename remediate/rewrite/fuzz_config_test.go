package rewrite

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// configured are files of the formats that no grammar of tree-sitter reads.
var configured = []string{
	".env", "a.sh", "a.go", "a.yml", "application.yml", "docker-compose.yml", ".github/workflows/a.yml", ".gitlab-ci.yml", "Dockerfile", "main.tf", "x.tfvars",
	"a.json", ".mcp.json", "appsettings.json", "a.toml", "a.ini", "a.properties",
}

// FuzzConfig: no text makes a rewriter panic, hang, or leave a file that does
// not parse; what is refused is as it was, and a value that was taken is gone
// from its place.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"dotenv", "shell", "go", "yaml", "compose", "workflows", "kubernetes", "dockerfile", "terraform", "json", "agents", "toml", "ini", "properties"} {
		a, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for i, file := range a.Files {
			before, rest, ok := bytes.Cut(file.Data, []byte(open))
			inner, after, _ := bytes.Cut(rest, []byte(shut))
			if _, value, _ := bytes.Cut(inner, []byte(":")); ok && !bytes.Contains(after, []byte(open)) && !strings.HasSuffix(file.Name, ".want") {
				f.Add(byte(i), slices.Concat(before, value, after), uint16(len(before)), uint16(len(value)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, selector byte, text []byte, at, n uint16) {
		if len(text) > 4000 {
			return
		}
		name := configured[int(selector)%len(configured)]
		c := Change{int(at), int(at) + int(n), "VARIABLE_OF_IT", "app/it"}
		if c.End <= len(text) && c.Start < c.End {
			if v := Variable(name, text, c.Start, c.End); envName.MatchString(v) {
				c.Variable = v
			}
		}
		original := bytes.Clone(text)
		r := File(name, text, []Change{c}, Options{Style: Env, Expands: true})
		if !bytes.Equal(original, text) {
			t.Fatal("the text was changed in place")
		}
		if r.Refused[0] != "" {
			if !bytes.Equal(r.Text, text) {
				t.Fatalf("refused for %s, and changed", r.Refused[0])
			}
			return
		}
		before := &file{path: name, base: name[strings.LastIndexByte(name, '/')+1:], text: text}
		l, ok := find(before)
		if !ok {
			t.Fatal("no language")
		}
		if err := l.parse(&file{path: before.path, base: before.base, text: r.Text}, r.Text); err != nil {
			t.Fatalf("%v:\n%q\n%q", err, text, r.Text)
		}
	})
}
