package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"
)

const (
	helloText  = "hello from inside\n"
	configText = "[server]\nname = harmless\n"
)

// twoFiles are what most archives in these tests hold.
func twoFiles() []file { return []file{{"hello.txt", helloText}, {"dir/config.ini", configText}} }

func TestFormats(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want []file
	}{
		{"a.zip", makeZip(8, twoFiles()...), nil},
		{"stored.jar", makeZip(0, twoFiles()...), nil},
		{"lzma.zip", makeZip(14, twoFiles()...), nil},
		{"zstd.zip", makeZip(93, twoFiles()...), nil},
		{"xz.zip", makeZip(95, twoFiles()...), nil},
		{"raw.zip", rawZip(0, twoFiles()...), nil},
		{"prefixed.zip", append([]byte("PK00"), rawZip(0, twoFiles()...)...), nil},
		{"a.tar", makeTar(twoFiles()...), nil},
		{"a.tar.gz", makeGzip(makeTar(twoFiles()...)), nil},
		{"a.txz", makeXz(makeTar(twoFiles()...)), nil},
		{"a.tar.zst", makeZstd(makeTar(twoFiles()...)), nil},
		{"a.tar.bz2", unbase64(bzip2Tar), []file{
			{"a.tar.bz2!hello.txt", "hello from a block\n"},
			{"a.tar.bz2!dir/config.ini", strings.Repeat(configText, 3)}}},
		{"a.json.gz", makeGzip([]byte(helloText)), []file{{"a.json.gz!a.json", helloText}}},
		{"sub/a.xz", makeXz([]byte(helloText)), []file{{"sub/a.xz!a", helloText}}},
		{"a.ZST", makeZstd([]byte(helloText)), []file{{"a.ZST!a", helloText}}},
		{"blob", unbase64(bzip2Text), []file{{"blob!blob", "hello from bzip2\n"}}},
		{"a.7z", makeSevenZip(file{"x/y.txt", helloText}), []file{{"a.7z!x/y.txt", helloText}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == nil {
				for _, f := range twoFiles() {
					want = append(want, file{tt.name + "!" + f.name, f.data})
				}
			}
			assertFiles(t, walk(t, tt.name, tt.data, Limits{}), want)
			stream := &collector{}
			err := WalkStream(context.Background(), tt.name, Sniff(tt.name, tt.data), bytes.NewReader(tt.data), Limits{}, stream)
			if err != nil {
				t.Fatalf("WalkStream: %v", err)
			}
			assertFiles(t, stream, want)
		})
	}
}

func assertFiles(t *testing.T, got *collector, want []file) {
	t.Helper()
	for _, p := range got.problems {
		t.Errorf("problem: %s: %s: %v", p.Path, p.Reason, p.Err)
	}
	if len(got.files) != len(want) {
		t.Fatalf("members:\n%s\nwant %d", got.paths(), len(want))
	}
	for i, f := range want {
		if got.files[i] != f {
			t.Errorf("member %d is %q, want %q", i, got.files[i], f)
		}
	}
}

func TestNested(t *testing.T) {
	inner := makeZip(8, twoFiles()...)
	spread := makeTar(file{"lib/inner.jar", string(inner)}, file{"log.gz", string(makeGzip([]byte(helloText)))},
		file{"x.tgz", string(makeGzip(makeTar(twoFiles()...)))}, file{"s.7z", string(makeSevenZip(file{"in7.txt", helloText}))})
	outer := makeZip(8, file{"all.tar.xz", string(makeXz(spread))}, file{"stored.zip", string(inner)})
	want := []file{
		{"o.zip!all.tar.xz!lib/inner.jar!hello.txt", helloText},
		{"o.zip!all.tar.xz!lib/inner.jar!dir/config.ini", configText},
		{"o.zip!all.tar.xz!log.gz!log", helloText},
		{"o.zip!all.tar.xz!x.tgz!hello.txt", helloText},
		{"o.zip!all.tar.xz!x.tgz!dir/config.ini", configText},
		{"o.zip!all.tar.xz!s.7z!in7.txt", helloText},
		{"o.zip!stored.zip!hello.txt", helloText},
		{"o.zip!stored.zip!dir/config.ini", configText},
	}
	assertFiles(t, walk(t, "o.zip", outer, Limits{}), want)
	// The same where a zip does not fit into memory and is read in its order:
	// the first member has its size before it, the others behind.
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	pad := make([]byte, 7<<20)
	m := must(w.CreateRaw(&zip.FileHeader{Name: "pad", CRC32: crc32.ChecksumIEEE(pad), CompressedSize64: 7 << 20, UncompressedSize64: 7 << 20}))
	must(m.Write(pad))
	must(must(w.Create("all.tar.xz")).Write(makeXz(spread)))
	must(must(w.Create("stored.zip")).Write(inner))
	check(w.Close())
	for i := range want {
		want[i].name = "t.tar!" + want[i].name
	}
	c := walk(t, "t.tar", makeTar(file{"o.zip", b.String()}), Limits{Memory: 12 << 20})
	c.files = c.files[1:]
	assertFiles(t, c, want)
}

// pseudoRandom is text that does not compress.
func pseudoRandom(n int) string {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}

func TestDepth(t *testing.T) {
	data := []byte(helloText)
	name := "f"
	for range 9 {
		data = makeGzip(data)
		name += ".gz"
	}
	c := walk(t, name, data, Limits{})
	if len(c.files) != 0 || len(c.problems) != 1 || c.problems[0].Reason != Limit {
		t.Fatalf("9 levels: members %q, problems %v", c.paths(), c.problems)
	}
	if c = walk(t, name, data, Limits{Depth: 9}); len(c.files) != 1 || len(c.problems) != 0 {
		t.Fatalf("9 levels allowed: members %q, problems %v", c.paths(), c.problems)
	}
}

func TestMemberDetails(t *testing.T) {
	for name, data := range map[string][]byte{
		"a.zip": makeZip(8, twoFiles()...), "a.tar": makeTar(twoFiles()...), "a.gz": makeGzip([]byte(helloText)),
	} {
		err := Walk(context.Background(), name, Sniff(name, data), bytes.NewReader(data), int64(len(data)), Limits{}, &collector{
			onMember: func(m Member) error {
				if !m.Modified.Equal(someTime) {
					t.Errorf("%s: modified %v, want %v", m.Path, m.Modified, someTime)
				}
				if m.Line != nil {
					t.Errorf("%s: maps lines", m.Path)
				}
				return nil
			}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSomeRead reads members in part or not at all: the others come out all
// the same.
func TestSomeRead(t *testing.T) {
	files := []file{{"a", strings.Repeat("a", 1<<20)}, {"b", strings.Repeat("b", 1<<20)}, {"c", "the third"}}
	for name, data := range map[string][]byte{
		"x.zip": makeZip(8, files...), "x.tar": makeTar(files...), "x.tar.gz": makeGzip(makeTar(files...)),
	} {
		for _, stream := range []bool{false, true} {
			got := ""
			c := &collector{onMember: func(m Member) error {
				b, err := io.ReadAll(io.LimitReader(m.Reader, 9))
				if strings.HasSuffix(m.Path, "!a") {
					return nil
				}
				got += string(b)
				return err
			}}
			var err error
			if stream {
				err = WalkStream(context.Background(), name, Sniff(name, data), bytes.NewReader(data), Limits{Memory: 1 << 20}, c)
			} else {
				err = Walk(context.Background(), name, Sniff(name, data), bytes.NewReader(data), int64(len(data)), Limits{}, c)
			}
			if err != nil || got != "bbbbbbbbbthe third" || len(c.problems) > 0 {
				t.Errorf("%s (stream %v): %q, %v, %v", name, stream, got, err, c.problems)
			}
		}
	}
}

func TestVisitorStops(t *testing.T) {
	stop := errors.New("enough")
	for name, data := range map[string][]byte{
		"x.zip": makeZip(8, twoFiles()...), "x.tar.gz": makeGzip(makeTar(twoFiles()...)), "x.7z": sevenFixtures()["plain"],
	} {
		n := 0
		c := &collector{onMember: func(Member) error { n++; return stop }}
		err := Walk(context.Background(), name, Sniff(name, data), bytes.NewReader(data), int64(len(data)), Limits{}, c)
		if !errors.Is(err, stop) || n != 1 || len(c.problems) > 0 {
			t.Errorf("%s: %d members, error %v, problems %v", name, n, err, c.problems)
		}
	}
}

func TestCancel(t *testing.T) {
	endless := bytes.Repeat(makeGzip(make([]byte, 1<<20)), 300)
	for name, data := range map[string][]byte{
		"x.gz": endless, "x.zip": makeZip(8, file{"z", string(makeZip(0, file{"x.gz", string(endless)}))}),
		"x.tar": makeTar(file{"x.gz", string(endless)}),
	} {
		ctx, cancel := context.WithCancel(context.Background())
		c := &collector{onMember: func(m Member) error {
			if _, err := io.ReadFull(m.Reader, make([]byte, 1000)); err != nil {
				return err
			}
			cancel()
			start := time.Now()
			_, err := io.Copy(io.Discard, m.Reader)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: reading on after the end: %v", name, err)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("%s: went on for %v", name, d)
			}
			return nil
		}}
		err := Walk(ctx, name, Sniff(name, data), bytes.NewReader(data), int64(len(data)), Limits{}, c)
		if !errors.Is(err, context.Canceled) || len(c.problems) > 0 {
			t.Errorf("%s: error %v, problems %v", name, err, c.problems)
		}
	}
}

// failingAt fails beyond a place, as a bad disk does.
type failingAt struct {
	data []byte
	from int64
}

var errDisk = errors.New("input/output error")

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return copy(p, f.data[off:]), nil
}

// TestUnreadable tells a file that cannot be read from one that is damaged.
func TestUnreadable(t *testing.T) {
	for name, data := range map[string][]byte{
		"x.zip": makeZip(8, twoFiles()...), "x.tar.gz": makeGzip(makeTar(twoFiles()...)), "x.7z": sevenFixtures()["plain"],
	} {
		c := &collector{}
		at := failingAt{data, int64(len(data) / 2)}
		err := Walk(context.Background(), name, Sniff(name, data), at, int64(len(data)), Limits{}, c)
		if !errors.Is(err, errDisk) || len(c.problems) > 0 {
			t.Errorf("%s: error %v, problems %v", name, err, c.problems)
		}
		c = &collector{}
		r := io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotestErr{})
		if err = WalkStream(context.Background(), name, Sniff(name, data), r, Limits{}, c); !errors.Is(err, errDisk) || len(c.problems) > 0 {
			t.Errorf("%s as a stream: error %v, problems %v", name, err, c.problems)
		}
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errDisk }

func TestNames(t *testing.T) {
	tests := []struct{ name, want string }{
		{"dir/file", "dir/file"},
		{"./file", "file"},
		{"../../etc/passwd", "etc/passwd"},
		{"/etc/passwd", "etc/passwd"},
		{`C:\Windows\win.ini`, "Windows/win.ini"},
		{`a\..\b`, "a/b"},
		{"a//b/./c", "a/b/c"},
		{"..", "(no name)"},
		{"", "(no name)"},
		{"nul\x00byte", "nul�byte"},
		{"not \xff utf-8", "not \xff utf-8"},
		{"..hidden/...", "..hidden/..."},
	}
	for _, tt := range tests {
		if got := cleanName(tt.name); got != tt.want {
			t.Errorf("cleanName(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := cleanName(strings.Repeat("x", 1<<20)); len(got) > maxName+3 {
		t.Errorf("a name of 1 MiB is shown in %d bytes", len(got))
	}
	if got := zipName([]byte("na\x8bve\xe1")); got != "naïveß" {
		t.Errorf("code page 437: %q", got)
	}
	if n := len([]rune(upperCP437)); n != 128 {
		t.Errorf("the upper half of code page 437 has %d characters", n)
	}
	c := walk(t, "a.zip", makeZip(8, file{"../../etc/passwd", "x"}), Limits{})
	if c.paths() != "a.zip!etc/passwd" {
		t.Errorf("path %q", c.paths())
	}
}

func TestTarSpecials(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir}, {Name: "d/link", Typeflag: tar.TypeSymlink, Linkname: "/where/to"},
		{Name: "d/hard", Typeflag: tar.TypeLink, Linkname: "d/f"}, {Name: "fifo", Typeflag: tar.TypeFifo},
		{Name: "dev", Typeflag: tar.TypeChar}, {Name: strings.Repeat("long/", 60) + "f", Typeflag: tar.TypeReg, Size: 2},
	} {
		check(w.WriteHeader(&h))
		if h.Size > 0 {
			must(io.WriteString(w, "ok"))
		}
	}
	check(w.Close())
	assertFiles(t, walk(t, "s.tar", b.Bytes(), Limits{}), []file{
		{"s.tar!d/link", "/where/to"}, {"s.tar!" + strings.Repeat("long/", 60) + "f", "ok"}})
	// Two archives one after the other, and padding.
	two := append(makeTar(twoFiles()[0]), makeTar(twoFiles()[1])...)
	two = append(two, make([]byte, 3000)...)
	assertFiles(t, walk(t, "t.tar", two, Limits{}), []file{{"t.tar!hello.txt", helloText}, {"t.tar!dir/config.ini", configText}})
	c := walk(t, "u.tar", append(makeTar(twoFiles()[0]), strings.Repeat("junk", 300)...), Limits{})
	if !c.has("u.tar", Corrupt) {
		t.Errorf("junk after the end: %v", c.problems)
	}
}

func TestGzipStreams(t *testing.T) {
	two := append(makeGzip([]byte("one ")), makeGzip([]byte("two"))...)
	assertFiles(t, walk(t, "a.gz", two, Limits{}), []file{{"a.gz!a", "one two"}})
	assertFiles(t, walk(t, "a.gz", append(two, make([]byte, 2000)...), Limits{}), []file{{"a.gz!a", "one two"}})
	c := walk(t, "a.gz", append(two, "junk"...), Limits{})
	if got, _ := c.get("a.gz!a"); got != "one two" || !c.has("a.gz", Corrupt) {
		t.Errorf("junk after the end: %q, %v", got, c.problems)
	}
}

// panicking is a decoder with a bug.
type panicking struct{ after int }

func (p *panicking) Read(b []byte) (int, error) {
	if p.after--; p.after < 0 {
		var none []byte
		_ = none[p.after+1] // as a decoder's mistake would
	}
	return copy(b, "some data"), nil
}

func TestPanic(t *testing.T) {
	c := &collector{}
	w := newWalker(context.Background(), "x", Limits{}, c)
	s := &stream{w: w, r: &panicking{after: 2}, path: "x!y"}
	w.member(&source{path: "x", under: s}, entry{name: "y", data: s})
	if got, _ := c.get("x!y"); got != "some datasome data" || !c.has("x!y", Corrupt) {
		t.Errorf("%q, problems %v", got, c.problems)
	}
	if err := w.end(); err != nil {
		t.Errorf("the walk failed: %v", err)
	}
}

// idle is a decoder that never comes to an end, and never gives anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestIdle(t *testing.T) {
	c := &collector{}
	w := newWalker(context.Background(), "x", Limits{}, c)
	s := &stream{w: w, r: idle{}, path: "x!y"}
	w.member(&source{path: "x", under: s}, entry{name: "y", data: s})
	if len(c.files) != 1 || !c.has("x!y", Corrupt) {
		t.Errorf("members %q, problems %v", c.paths(), c.problems)
	}
}
