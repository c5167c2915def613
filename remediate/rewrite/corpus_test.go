package rewrite

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden results")

// The corpus: testdata/<language>.txtar has pairs of files. In the first of a
// pair «…» marks credentials, each a change; its variable stands before a colon,
// «STRIPE_KEY:value». What is named with a second ending ".want" is the result,
// or "refused: reason" for each change that was refused.
const (
	open = "«"
	shut = "»"
)

// marked takes the marks out of a text and returns the changes.
func marked(t *testing.T, text []byte) ([]byte, []Change) {
	t.Helper()
	var out []byte
	var changes []Change
	for {
		before, rest, ok := bytes.Cut(text, []byte(open))
		out = append(out, before...)
		if !ok {
			return out, changes
		}
		inner, after, ok := bytes.Cut(rest, []byte(shut))
		if !ok {
			t.Fatal("a mark is not closed")
		}
		name, value, ok := bytes.Cut(inner, []byte(":"))
		if !ok {
			t.Fatal("a mark has no variable")
		}
		changes = append(changes, Change{len(out), len(out) + len(value), string(name), "app/" + strings.ToLower(strings.ReplaceAll(string(name), "_", "-"))})
		out, text = append(out, value...), after
	}
}

// shown is a result as the corpus has it.
func shown(r Result, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		if reason := r.Refused[i]; reason != "" {
			fmt.Fprintf(&b, "refused: %s\n", reason)
		}
	}
	if len(r.Refused) < n {
		b.Write(r.Text)
	}
	return b.Bytes()
}

func TestCorpus(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			corpus(t, a)
			if *update {
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func corpus(t *testing.T, a *txtar.Archive) {
	t.Helper()
	want := make(map[string][]byte)
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".want") {
			want[strings.TrimSuffix(f.Name, ".want")] = f.Data
		}
	}
	var files []txtar.File
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		o := Options{Style: Env, Expands: strings.Contains(f.Name, "expands/")}
		if strings.Contains(f.Name, "sdk/") {
			o.Style = SDK
		}
		text, changes := marked(t, f.Data)
		name := strings.TrimPrefix(strings.TrimPrefix(f.Name, "expands/"), "sdk/")
		r := File(name, text, changes, o)
		got := shown(r, len(changes))
		files = append(files, f, txtar.File{Name: f.Name + ".want", Data: got})
		if !*update && !bytes.Equal(got, want[f.Name]) {
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, got, want[f.Name])
		}
		settled(t, f.Name, name, text, changes, r, o)
	}
	if a.Files = files; *update {
		return
	}
}

// settled looks at what holds for every result: no value that was replaced is
// left, the lines that have none are as they were, and nothing is left to do.
func settled(t *testing.T, full, name string, text []byte, changes []Change, r Result, o Options) {
	t.Helper()
	for i, c := range changes {
		if r.Refused[i] == "" && bytes.Count(r.Text, text[c.Start:c.End]) >= bytes.Count(text, text[c.Start:c.End]) {
			t.Errorf("%s: change %d left the value", full, i)
		}
	}
	if len(r.Refused) == len(changes) && !bytes.Equal(r.Text, text) {
		t.Errorf("%s: all changes were refused, and the text is another", full)
	}
	if again := File(name, r.Text, nil, o); !bytes.Equal(again.Text, r.Text) || len(again.Refused) > 0 {
		t.Errorf("%s: a second run changes it", full)
	}
	untouched(t, full, text, changes, r.Text)
	if path.Ext(name) == ".go" && len(r.Refused) < len(changes) {
		if err := golang.parse(nil, r.Text); err != nil {
			t.Errorf("%s: %v", full, err)
		}
	}
}

// untouched looks that every line without a value is in the result, in its order.
func untouched(t *testing.T, full string, text []byte, changes []Change, result []byte) {
	t.Helper()
	rest := string(result)
	at := 0
	for l := range strings.SplitAfterSeq(string(text), "\n") {
		touched := false
		for _, c := range changes {
			// what opens and closes a string over several lines may stand alone
			from, _ := line(text, len(bytes.TrimRight(text[:c.Start], " \t\r\n")))
			_, to := line(text, len(text)-len(bytes.TrimLeft(text[c.End:], " \t\r\n")))
			touched = touched || from <= at && at <= to
		}
		at += len(l)
		// what opens or closes a string over several lines may change with it
		if touched || strings.HasSuffix(strings.TrimRight(l, "\r\n"), `\`) && dockerfile.is(&file{base: path.Base(full)}) || strings.TrimSpace(l) == "" || strings.Contains(l, "<<") || strings.Count(l, `"`)%2 == 1 {
			continue
		}
		_, after, ok := strings.Cut(rest, strings.TrimRight(l, "\r\n"))
		if !ok {
			t.Errorf("%s: the line %q was touched", full, l)
			return
		}
		rest = after
	}
}
