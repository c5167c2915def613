package scope_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"github.com/remint/remint/scanner/scope"
)

// sample is a file of a format's corpus: testdata/FORMAT.txtar holds
// NAME/PATH and, where something is expected, NAME/want with a line
// `LINE:COLUMN rule "text"` for each grant, and NAME/unknown with how many
// hang on values that are not in the file.
type sample struct {
	name, path string
	text       []byte
	want       string
	unknown    int
}

func corpus(t testing.TB, format string) []sample {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", format+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*sample)
	var order []string
	for _, f := range archive.Files {
		name, path, _ := strings.Cut(f.Name, "/")
		s := byName[name]
		if s == nil {
			s = &sample{name: name}
			byName[name] = s
			order = append(order, name)
		}
		switch path {
		case "want":
			s.want = strings.TrimSpace(string(f.Data))
		case "unknown":
			if _, err := fmt.Sscan(string(f.Data), &s.unknown); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
		default:
			if s.path != "" {
				t.Fatalf("%s has two files", name)
			}
			s.path, s.text = path, f.Data
		}
	}
	var all []sample
	for _, name := range order {
		all = append(all, *byName[name])
	}
	return all
}

// written is a grant as a corpus has it.
func written(text []byte, g *scope.Grant) string {
	line := 1 + bytes.Count(text[:g.Start], []byte{'\n'})
	column := 1 + utf8.RuneCount(text[bytes.LastIndexByte(text[:g.Start], '\n')+1:g.Start])
	shown, _, _ := strings.Cut(string(text[g.Start:g.End]), "\n")
	return fmt.Sprintf("%d:%d %s %q", line, column, g.Rule, shown)
}

// TestFormats asserts that every format finds in its corpus what is expected,
// at the place expected, and nothing else.
func TestFormats(t *testing.T) {
	for _, f := range scope.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			wide, silent := 0, 0
			seen := make(map[string]bool)
			for _, s := range corpus(t, f.Name) {
				if !f.Match(s.path) || !scope.Wanted(s.path) {
					t.Errorf("%s: %s is no path of the format", s.name, s.path)
				}
				if s.want == "" {
					silent++
				} else {
					wide++
				}
				out := scope.Read(s.path, s.text)
				if out.Err != nil {
					t.Errorf("%s: %v", s.name, out.Err)
				}
				var got []string
				for i := range out.Grants {
					g := &out.Grants[i]
					seen[g.Rule] = true
					got = append(got, written(s.text, g))
					if g.Why == "" || g.Narrower == "" || g.Severity == 0 || g.Value == "" {
						t.Errorf("%s: %s lacks a part: %+v", s.name, g.Rule, g.Problem)
					}
				}
				if text := strings.Join(got, "\n"); text != s.want {
					t.Errorf("%s: got\n%s\nwant\n%s", s.name, text, s.want)
				}
				if out.Unknown != s.unknown {
					t.Errorf("%s: %d unknown, want %d", s.name, out.Unknown, s.unknown)
				}
			}
			if wide < 15 || silent < 10 {
				t.Errorf("%d files with findings and %d without: want 15 and 10", wide, silent)
			}
			for _, r := range f.Rules {
				if !seen[r.ID] {
					t.Errorf("no file of the corpus has %s", r.ID)
				}
			}
		})
	}
}

// TestRules asserts that rules say what they must, and have one owner.
func TestRules(t *testing.T) {
	owner := make(map[string]string)
	for _, f := range scope.Formats() {
		if f.Files == "" {
			t.Errorf("%s does not say which files it reads", f.Name)
		}
		for _, r := range f.Rules {
			if r.Name == "" || r.Severity == 0 || r.Opens == "" || r.Steps == "" || !strings.HasPrefix(r.URL, "https://") {
				t.Errorf("%s: %s lacks a part", f.Name, r.ID)
			}
			if !strings.HasPrefix(r.ID, "scope-") || r.ID != strings.ToLower(r.ID) {
				t.Errorf("%s is no id of a scope", r.ID)
			}
			owner[r.ID] = f.Name
		}
	}
	for _, r := range scope.Rules() {
		delete(owner, r.ID)
	}
	if len(owner) > 0 {
		t.Errorf("Rules lacks %v", owner)
	}
}

// TestMalformed feeds every format what is cut, deep, doubled, swapped and
// noisy: it must come back without a panic, in bounded time.
func TestMalformed(t *testing.T) {
	for _, f := range scope.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			noise := rand.New(rand.NewPCG(1, 2))
			for _, s := range corpus(t, f.Name) {
				for i := 1; i < 8; i++ {
					read(t, s.path, s.text[:len(s.text)*i/8])
					read(t, s.path, s.text[len(s.text)*i/8:])
				}
				read(t, s.path, slices.Concat(s.text, []byte("\n"), s.text))
				for range 20 {
					bent := slices.Clone(s.text)
					for range 3 {
						const noises = "[]{}:\"'&*|-#\x00\xff \n"
						if len(bent) > 0 {
							bent[noise.IntN(len(bent))] = noises[noise.IntN(len(noises))]
						}
					}
					read(t, s.path, bent)
				}
			}
			s := corpus(t, f.Name)[0]
			for _, open := range []string{"[", "{", "(", "- ", "{\"a\":", "a: {", "{{", "\"", "'", "<<E\n", "---\n", "/*", "$$"} {
				read(t, s.path, slices.Concat(s.text, []byte(strings.Repeat(open, 50_000))))
				read(t, s.path, slices.Concat([]byte(strings.Repeat(open, 50_000)), s.text))
			}
		})
	}
}

func read(t *testing.T, path string, text []byte) {
	t.Helper()
	out := scope.Read(path, text)
	for _, g := range out.Grants {
		if g.Start < 0 || g.End < g.Start || g.End > len(text) {
			t.Fatalf("%s: %s at %d to %d of %d bytes", path, g.Rule, g.Start, g.End, len(text))
		}
	}
}

// TestHuge asserts that a file of 50 MB is a fault, or read as a stream, and
// nothing in between.
func TestHuge(t *testing.T) {
	for _, f := range scope.Formats() {
		s := corpus(t, f.Name)[0]
		read(t, s.path, slices.Concat(s.text, bytes.Repeat([]byte("# a remark of no interest at all\n"), 50<<20/33)))
	}
}

// FuzzFormats asserts that no text makes a format panic or report a place that
// is not in it.
func FuzzFormats(f *testing.F) {
	var paths []string
	for _, fm := range scope.Formats() {
		for _, s := range corpus(f, fm.Name) {
			f.Add(uint16(len(paths)), s.text)
			paths = append(paths, s.path)
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, text []byte) {
		read(t, paths[int(which)%len(paths)], text)
	})
}

// BenchmarkRead reads every corpus once.
func BenchmarkRead(b *testing.B) {
	for _, f := range scope.Formats() {
		b.Run(f.Name, func(b *testing.B) {
			all := corpus(b, f.Name)
			size := 0
			for _, s := range all {
				size += len(s.text)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				for _, s := range all {
					scope.Read(s.path, s.text)
				}
			}
		})
	}
}
