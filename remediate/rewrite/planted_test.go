package rewrite

import (
	"bytes"
	"go/build"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// planted is a value that stands nowhere.
const planted = "k7Qm2Zt9Wm4Xc6VbR3yP" + "8sLd"

// realFiles are files of other people: of Go itself, of the modules that this
// one requires, and of what is installed beside; at most four of a kind from a
// folder, 2 to 60 kB.
func realFiles(t *testing.T) []string {
	t.Helper()
	roots := []string{filepath.Join(build.Default.GOROOT, "src"), filepath.Join(build.Default.GOROOT, "lib"), "/usr/lib/python3", "/usr/lib/python3.11", "/usr/lib/ruby", "/usr/share/nodejs", "/usr/share/php"}
	if out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "all").Output(); err == nil {
		roots = append(roots, strings.Fields(string(out))...)
	}
	var all []string
	total := make(map[string]int)
	for _, root := range roots {
		few := make(map[string]int)
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil //nolint:nilerr // what cannot be read is no example
			}
			kind := filepath.Ext(path)
			if info, err := d.Info(); err != nil || info.Size() < 2000 || info.Size() > 60_000 || !d.Type().IsRegular() || few[kind] >= 4 || total[kind] >= 12 || strings.Contains(path, "testdata") {
				return nil
			}
			f := &file{path: path, base: filepath.Base(path)}
			if f.text, err = os.ReadFile(path); err != nil {
				return nil
			}
			l, ok := find(f)
			if !ok || l.parse(f, f.text) != nil {
				return nil
			}
			few[kind]++
			total[kind]++
			all = append(all, path)
			return nil
		})
	}
	return all
}

var quotedText = regexp.MustCompile(`"[A-Za-z][A-Za-z0-9 _.,/-]{5,40}"|'[A-Za-z][A-Za-z0-9 _.,/-]{5,40}'|: [a-z][a-z0-9-]{5,40}\n`)

// TestPlanted plants a value in real files, in place of a string, and takes it
// out again: each is rewritten, and parses, or is refused with a reason.
func TestPlanted(t *testing.T) {
	files := realFiles(t)
	if len(files) < 30 {
		t.Fatalf("%d real files are too few", len(files))
	}
	kinds, done, refused := make(map[string]bool), 0, make(map[string]int)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		places := quotedText.FindAllIndex(text, -1)
		for n, at := range places {
			if n%max(1, len(places)/5) != 0 {
				continue
			}
			start, end := at[0]+1, at[1]-1
			if text[at[0]] == ':' {
				start = at[0] + 2
			}
			leaky := slices.Concat(text[:start], []byte(planted), text[end:])
			c := Change{start, start + len(planted), "SHOP_KEY", "shop/key"}
			if l, _ := find(&file{path: name, base: filepath.Base(name), text: leaky}); l.variable != nil {
				if v := Variable(name, leaky, c.Start, c.End); v != "" {
					c.Variable = v
				}
			}
			r := File(name, leaky, []Change{c}, Options{Style: Env, Expands: true})
			if reason := r.Refused[0]; reason != "" {
				if reason, _, _ = strings.Cut(reason, ":"); len(strings.Fields(reason)) < 3 || !bytes.Equal(r.Text, leaky) {
					t.Errorf("%s: refused with %q, and changed", name, reason)
				}
				refused[reason]++
				continue
			}
			done++
			kinds[filepath.Ext(name)] = true
			if bytes.Contains(r.Text, []byte(planted)) {
				t.Errorf("%s: the value is left", name)
			}
		}
	}
	t.Logf("%d files, %d values taken out of %d kinds of file; refused: %v", len(files), done, len(kinds), refused)
	if done < 60 {
		t.Errorf("only %d values were taken out", done)
	}
}
