package scanner_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/source"
)

// acme is a rule for a made-up token.
var acme = rule.Rule{ID: "acme-token", Name: "Acme token", Provider: "acme", Pattern: `\b(acme_[a-z0-9]{24})\b`, Keywords: []string{"acme_"}, Severity: rule.High}

// acmeKey is a made-up key of that rule; n makes different ones.
func acmeKey(t testing.TB, n int) string {
	t.Helper()
	text, _, err := acme.Expand("acme_{az09:24}", uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newScanner(t testing.TB, opts scanner.Options) *scanner.Scanner {
	t.Helper()
	if opts.Rules == nil {
		opts.Rules = []rule.Rule{acme}
	}
	s, err := scanner.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scan(t testing.TB, s *scanner.Scanner, src source.Source) *scanner.Result {
	t.Helper()
	r, err := s.Scan(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.txt"), "one\ntwo "+acmeKey(t, 1)+"\n")
	write(t, filepath.Join(dir, "sub", "b\xff.txt"), "é "+acmeKey(t, 2))
	write(t, filepath.Join(dir, "sub", "clean.txt"), "nothing\n")
	write(t, filepath.Join(dir, ".git", "config"), acmeKey(t, 3))
	write(t, filepath.Join(dir, "crlf.txt"), "x\r\ny\r\n"+acmeKey(t, 4)+"\r\n")
	r := scan(t, newScanner(t, scanner.Options{}), source.Tree{Roots: []string{dir}})
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s:%d:%d-%d:%d@%d-%d", strings.TrimPrefix(f.Path, filepath.ToSlash(dir)+"/"), f.Line, f.Column, f.EndLine, f.EndColumn, f.Offset, f.EndOffset))
	}
	want := []string{"a.txt:2:5-2:34@8-37", "crlf.txt:3:1-3:30@6-35", "sub/b\xff.txt:1:3-1:32@3-32"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if r.Stats.Files != 4 || len(r.Incomplete) != 0 {
		t.Errorf("%d files, %d incomplete", r.Stats.Files, len(r.Incomplete))
	}
	if f := r.Findings[0]; f.Snippet != "two acme********" || string(f.Secret.Reveal()) != acmeKey(t, 1) || f.Modified.IsZero() {
		t.Errorf("snippet %q", f.Snippet)
	}
}

// TestStretches puts a key at every place around the seams of a text that is
// too long for the buffer, on one line of 40 MB, and asks for it exactly once.
func TestStretches(t *testing.T) {
	const size, buffer, overlap = 40 << 20, 16 << 20, 128 << 10
	key := acmeKey(t, 7)
	for _, at := range []int{0, buffer - overlap - 29, buffer - overlap - 5, buffer - overlap, buffer - 10, buffer, 2*buffer - 3*overlap, size - 29} {
		text := bytes.Repeat([]byte("lorem ipsum "), size/12+1)[:size]
		copy(text[at:], key)
		if at > 0 {
			text[at-1] = ' '
		}
		if end := at + len(key); end < size {
			text[end] = ' '
		}
		r := scan(t, newScanner(t, scanner.Options{Workers: 1}), source.Stdin{Reader: bytes.NewReader(text), Path: "-"})
		if len(r.Findings) != 1 || r.Findings[0].Offset != int64(at) || r.Findings[0].Column != at+1 || r.Findings[0].Line != 1 {
			t.Errorf("a key at byte %d: %d findings, %+v", at, len(r.Findings), where(r.Findings))
		}
	}
}

func where(fs []scanner.Finding) []scanner.Location {
	var out []scanner.Location
	for _, f := range fs {
		out = append(out, f.Location)
	}
	return out
}

func TestLinesOverStretches(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	text := strings.Repeat(line, 300000) + "ab " + acmeKey(t, 8) + "\n"
	r := scan(t, newScanner(t, scanner.Options{}), source.Stdin{Reader: strings.NewReader(text), Path: "-"})
	if len(r.Findings) != 1 || r.Findings[0].Line != 300001 || r.Findings[0].Column != 4 {
		t.Errorf("found at %+v", where(r.Findings))
	}
}

// endless is a file that grows as fast as it is read.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "growing log line\n"[(e.n+i)%17]
	}
	e.n += len(p)
	return len(p), nil
}

func (e *endless) Close() error { return nil }

// items is a source of given items.
type items []source.Item

func (s items) Visit(_ context.Context, v source.Visitor) error {
	for _, it := range s {
		if err := v.Item(it); err != nil {
			return err
		}
	}
	return nil
}

func open(r io.Reader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
}

func TestGrowingFileEnds(t *testing.T) {
	e := &endless{}
	r := scan(t, newScanner(t, scanner.Options{}), items{{Path: "app.log", Size: 1000, Open: func() (io.ReadCloser, error) { return e, nil }}})
	if len(r.Incomplete) != 1 || r.Incomplete[0].Reason != scanner.ReasonChanged {
		t.Errorf("incomplete: %+v", r.Incomplete)
	}
	if e.n > 100<<20 {
		t.Errorf("%d bytes were read of a file that had 1,000", e.n)
	}
}

func TestUnreadable(t *testing.T) {
	broken := func() (io.ReadCloser, error) {
		return nil, &fs.PathError{Op: "open", Path: "p", Err: fs.ErrPermission}
	}
	r := scan(t, newScanner(t, scanner.Options{}), items{
		{Path: "closed", Open: broken},
		{Path: "torn", Open: open(io.MultiReader(strings.NewReader("head"), failing{}))},
		{Path: "fine", Open: open(strings.NewReader(acmeKey(t, 9)))},
	})
	if len(r.Incomplete) != 2 || r.Incomplete[0].Path != "closed" || r.Incomplete[0].Detail != "permission denied" || r.Incomplete[1].Reason != scanner.ReasonUnreadable {
		t.Errorf("incomplete: %+v", r.Incomplete)
	}
	if len(r.Findings) != 1 {
		t.Error("what can be read was not scanned")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestTooLarge(t *testing.T) {
	r := scan(t, newScanner(t, scanner.Options{MaxFileSize: 100}), items{{Path: "big", Size: 5000, Open: open(strings.NewReader(strings.Repeat("x", 5000)))}})
	if len(r.Incomplete) != 1 || r.Incomplete[0].Reason != scanner.ReasonTooLarge {
		t.Errorf("incomplete: %+v", r.Incomplete)
	}
}

func TestMissingRootIsAnError(t *testing.T) {
	_, err := newScanner(t, scanner.Options{}).Scan(context.Background(), source.Tree{Roots: []string{filepath.Join(t.TempDir(), "absent")}})
	if err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error: %v", err)
	}
}

// TestInterrupted cancels a scan of an endless source and expects an end
// within a second, marked as incomplete.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	src := items{{Path: "endless", Size: -1, Open: func() (io.ReadCloser, error) { return &endless{}, nil }}}
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	r, err := newScanner(t, scanner.Options{}).Scan(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Incomplete) == 0 || r.Incomplete[len(r.Incomplete)-1].Reason != scanner.ReasonInterrupted {
		t.Errorf("incomplete: %+v", r.Incomplete)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("stopped after %v", d)
	}
}

// TestCatastrophicExpression runs an expression that backtracking engines
// never finish over a text made for it.
func TestCatastrophicExpression(t *testing.T) {
	bad := rule.Rule{ID: "bad", Pattern: `(?:x+x+)+y`, Keywords: []string{"xxx"}, Severity: rule.Low}
	if err := bad.Validate(); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 1<<20)
	scan(t, newScanner(t, scanner.Options{Rules: []rule.Rule{bad}}), source.Stdin{Reader: strings.NewReader(text), Path: "-"})
}

func TestFingerprint(t *testing.T) {
	print := func(salt, text string) string {
		r := scan(t, newScanner(t, scanner.Options{Salt: []byte(salt)}), source.Stdin{Reader: strings.NewReader(text), Path: "-"})
		if len(r.Findings) != 1 {
			t.Fatalf("%d findings", len(r.Findings))
		}
		return r.Findings[0].Fingerprint
	}
	first := print("", acmeKey(t, 1))
	if moved := print("", "\n\n\nkey: "+acmeKey(t, 1)); moved != first {
		t.Error("the fingerprint changed with the line")
	}
	if print("", acmeKey(t, 2)) == first {
		t.Error("another secret has the same fingerprint")
	}
	if print("salt of 16 bytes", acmeKey(t, 1)) == first {
		t.Error("the salt changes nothing")
	}
	if len(first) != 2*scanner.FingerprintBytes || strings.Contains(first, acmeKey(t, 1)) {
		t.Errorf("fingerprint %q", first)
	}
}

// TestBeforeIsNoNews scans a change: what stood on the same line before is not
// reported, a second copy is.
func TestBeforeIsNoNews(t *testing.T) {
	before := "a\nkey " + acmeKey(t, 1) + "\n"
	after := "new\nkey " + acmeKey(t, 1) + "\n  key " + acmeKey(t, 1) + "\nkey " + acmeKey(t, 2) + "\n"
	r := scan(t, newScanner(t, scanner.Options{}), items{{
		Path: "f", Size: -1, Open: open(strings.NewReader(after)), Before: func() ([]byte, error) { return []byte(before), nil },
	}})
	if len(r.Findings) != 2 || r.Findings[0].Line != 3 || r.Findings[1].Line != 4 {
		t.Errorf("found at %+v", where(r.Findings))
	}
}

func TestWideFilePlaces(t *testing.T) {
	text := []byte{0xff, 0xfe}
	for _, c := range "première ligne\nclé " + acmeKey(t, 5) + "\n" {
		text = append(text, byte(c), byte(c>>8))
	}
	r := scan(t, newScanner(t, scanner.Options{}), source.Stdin{Reader: bytes.NewReader(text), Path: "-"})
	if len(r.Findings) != 1 {
		t.Fatalf("%d findings", len(r.Findings))
	}
	f := r.Findings[0]
	if f.Line != 2 || f.Column != 5 || f.Offset != 2+2*19 || f.EndOffset != f.Offset+2*29 || f.Encodings[0] != "utf-16" {
		t.Errorf("found at %+v, %v", f.Location, f.Encodings)
	}
}

func TestSpecialFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no FIFO there; links need rights
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "real", "k"), acmeKey(t, 1))
	for link, to := range map[string]string{"loop": ".", "real/up": "..", "dangling": "nowhere", "again": "real/k"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	makeFIFO(t, filepath.Join(dir, "pipe"))
	r := scan(t, newScanner(t, scanner.Options{}), source.Tree{Roots: []string{dir}})
	if len(r.Findings) != 1 || len(r.Incomplete) != 0 {
		t.Errorf("%d findings, incomplete %+v", len(r.Findings), r.Incomplete)
	}
	r = scan(t, newScanner(t, scanner.Options{}), source.Tree{Roots: []string{filepath.Join(dir, "pipe")}})
	if len(r.Incomplete) != 1 {
		t.Error("a pipe that was named was passed over in silence")
	}
}

func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchives finds a key in a zip within a gzip, read from a file and from a
// pipe, and says what cannot be read.
func TestArchives(t *testing.T) {
	inner := zipOf(t, map[string]string{"conf/app.env": "first\nKEY=" + acmeKey(t, 3) + "\n"})
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	if _, err := gz.Write(inner); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "dump.zip.gz"), packed.String())
	for _, src := range []source.Source{
		source.Tree{Roots: []string{filepath.Join(dir, "dump.zip.gz")}},
		source.Stdin{Reader: bytes.NewReader(packed.Bytes()), Path: "dump.zip.gz"},
	} {
		r := scan(t, newScanner(t, scanner.Options{}), src)
		if len(r.Findings) != 1 || len(r.Incomplete) != 0 {
			t.Fatalf("%d findings, incomplete %+v", len(r.Findings), r.Incomplete)
		}
		f := r.Findings[0]
		if !strings.HasSuffix(f.Path, "dump.zip.gz!dump.zip!conf/app.env") || f.Line != 2 || f.Column != 5 {
			t.Errorf("found at %+v", f.Location)
		}
	}
	torn := packed.Bytes()[:packed.Len()/2]
	r := scan(t, newScanner(t, scanner.Options{}), source.Stdin{Reader: bytes.NewReader(torn), Path: "torn.gz"})
	if len(r.Incomplete) == 0 || r.Incomplete[0].Reason != scanner.ReasonCorrupt {
		t.Errorf("incomplete: %+v", r.Incomplete)
	}
}

// TestNotebook finds a key once in the cell that holds it, on the line of the
// file, and one that stands outside the cells.
func TestNotebook(t *testing.T) {
	text := `{
 "cells": [
  {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1,
   "source": [
    "import acme\n",
    "acme.login(\"` + acmeKey(t, 1) + `\")\n"
   ]}
 ],
 "metadata": {"note": "` + acmeKey(t, 2) + `"},
 "nbformat": 4, "nbformat_minor": 5
}
`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "n.ipynb"), text)
	for _, src := range []source.Source{
		source.Tree{Roots: []string{filepath.Join(dir, "n.ipynb")}},
		source.Stdin{Reader: strings.NewReader(text), Path: "n.ipynb"},
	} {
		r := scan(t, newScanner(t, scanner.Options{}), src)
		if len(r.Findings) != 2 || r.Findings[0].Line != 6 || r.Findings[1].Line != 9 || !strings.HasSuffix(r.Findings[0].Path, "n.ipynb") {
			t.Errorf("found at %+v, incomplete %+v", where(r.Findings), r.Incomplete)
		}
	}
}

// TestHostileLines scans lines made of nothing but findings, keywords or
// escapes: what is quadratic in them would take minutes.
func TestHostileLines(t *testing.T) {
	s := newScanner(t, scanner.Options{Rules: rule.Catalogue()})
	for name, text := range map[string]string{
		"findings":  strings.Repeat(`password="password="`, 1<<13),
		"bare":      strings.Repeat(`password=password=`, 1<<13),
		"keywords":  strings.Repeat(`eyJ.eyJ.`, 1<<13),
		"escapes":   strings.Repeat(`%41\x41&#65;`, 1<<12),
		"encodings": strings.Repeat("c2VjcmV0IHRleHQgaGVyZSBhbmQgbW9yZSBvZiBpdA== ", 1<<11),
	} {
		r := scan(t, s, source.Stdin{Reader: strings.NewReader(text), Path: name})
		if r.Stats.Bytes != int64(len(text)) {
			t.Errorf("%s: %d bytes of %d", name, r.Stats.Bytes, len(text))
		}
	}
}
