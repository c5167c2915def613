package rewrite

import (
	"go/format"
	"path"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestGoGroupOfSecrets: a group whose constants all vary is one of variables.
func TestGoGroupOfSecrets(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"package p\n\nimport \"os\"\n\nconst (\n\tkey = \"«KEY:kkkkkkkk»\"\n)\n", "package p\n\nimport \"os\"\n\nvar (\n\tkey = os.Getenv(\"KEY\")\n)\n"},
		{
			"package p\n\nimport \"os\"\n\nconst (\n\tkey = \"«KEY:kkkkkkkk»\"\n\n\t// B is another.\n\tB = \"«B:bbbbbbbb»\" // of b\n)\n",
			"package p\n\nimport \"os\"\n\nvar (\n\tkey = os.Getenv(\"KEY\")\n\n\t// B is another.\n\tB = os.Getenv(\"B\") // of b\n)\n",
		},
	} {
		text, changes := marked(t, []byte(c.text))
		if r := File("p.go", text, changes, Options{Style: Env}); string(r.Text) != c.want {
			t.Errorf("%s %v", r.Text, r.Refused)
		}
	}
}

// TestGoFormat: what gofmt had laid out it leaves as it is, but for the blanks
// that align lines, since lines without a value stay.
func TestGoFormat(t *testing.T) {
	a, err := txtar.ParseFile("testdata/go.txtar")
	if err != nil {
		t.Fatal(err)
	}
	squeezed := func(s string) string {
		var lines []string
		for l := range strings.SplitSeq(strings.ReplaceAll(s, "\r", ""), "\n") {
			indent := l[:len(l)-len(strings.TrimLeft(l, "\t"))]
			lines = append(lines, indent+strings.Join(strings.Fields(l), " "))
		}
		return strings.Join(lines, "\n")
	}
	clean := 0
	for _, f := range a.Files {
		if path.Ext(f.Name) != ".go" {
			continue
		}
		text, changes := marked(t, f.Data)
		if out, err := format.Source(text); err != nil || squeezed(string(out)) != squeezed(string(text)) {
			continue
		}
		clean++
		o := Options{Style: Env}
		if strings.HasPrefix(f.Name, "sdk/") {
			o.Style = SDK
		}
		r := File(f.Name, text, changes, o)
		if out, err := format.Source(r.Text); err != nil || squeezed(string(out)) != squeezed(string(r.Text)) {
			t.Errorf("%s: %v\n%s\ngofmt:\n%s", f.Name, err, r.Text, out)
		}
	}
	if clean < 80 {
		t.Errorf("only %d files are as gofmt has them", clean)
	}
}
