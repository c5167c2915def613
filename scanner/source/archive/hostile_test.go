package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/ulikunitz/xz/lzma"
)

// heapGrowth is by how many bytes the heap grew at most while f ran.
func heapGrowth(f func()) int64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	done, finished := make(chan struct{}), make(chan int64)
	go func() {
		most := uint64(0)
		for {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
			select {
			case <-done:
				finished <- int64(most) - int64(before.HeapInuse)
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	return <-finished
}

// counting is a visitor that reads everything and holds nothing.
type counting struct {
	bytes    int64
	members  int
	problems []Problem
}

func (c *counting) Member(m Member) error {
	c.members++
	n, err := io.Copy(io.Discard, m.Reader)
	c.bytes += n
	return err
}

func (c *counting) Problem(p Problem) { c.problems = append(c.problems, p) }

// bombs are small files that unpack to much. Each is built on demand, from
// pieces that are packed once. The slow ones are walked with a smaller total.
func bombs() map[string]func() []byte {
	const mib = 1 << 20
	return map[string]func() []byte{
		"zeros.gz":         func() []byte { return bytes.Repeat(makeGzip(make([]byte, mib)), 10<<10) }, // 10 GiB in 10 MiB
		"zeros.zip":        func() []byte { return deflatedZip(1, "z", make([]byte, mib), 256) },
		"zeros.zst":        func() []byte { return bytes.Repeat(makeZstd(make([]byte, mib)), 1<<10) },
		"twice.gz":         func() []byte { return makeGzip(bytes.Repeat(makeGzip(make([]byte, mib)), 1<<10)) },
		"overlap.zip":      func() []byte { return deflatedZip(5000, "z", make([]byte, mib), 1) },
		"sparse.tar":       func() []byte { return sparseTar(1 << 40) },
		"sparse.tar.gz.gz": func() []byte { return makeGzip(makeGzip(sparseTar(1 << 40))) },
		"slow zeros.bz2":   func() []byte { return unbase64(bzip2Zeros) },
		"slow zeros.xz":    func() []byte { return bytes.Repeat(makeXz(make([]byte, mib)), 100) },
		"slow zeros.7z":    func() []byte { return sevenZeros(100) },
		"slow layers.zip":  layers,
		"slow doc.docx": func() []byte {
			paragraph := `<w:p><w:r><w:t>aaaaaaaaaaaaaaaaaaaaaaaaaaaa</w:t></w:r></w:p>`
			return deflatedZip(1, "word/document.xml", []byte(strings.Repeat(paragraph, 1<<14)), 100)
		},
		"slow sheet.xlsx": func() []byte {
			row := `<row><c r="XFD1"><v>1</v></c></row>`
			return makeZip(8, file{contentTypes, ""}, file{"xl/worksheets/sheet1.xml", strings.Repeat(row, 1<<14)})
		},
	}
}

// layers is as 42.zip is: eight of eight of eight of …
func layers() []byte {
	b := deflatedZip(1, "0.dll", make([]byte, 1<<20), 16)
	for range 4 {
		var files []file
		for i := range 8 {
			files = append(files, file{fmt.Sprintf("lib %x.zip", i), string(b)})
		}
		b = makeZip(8, files...)
	}
	return b
}

// deflateRepeated packs data, n times over.
func deflateRepeated(data []byte, n int) []byte {
	var b bytes.Buffer
	w := must(flate.NewWriter(&b, 9))
	must(w.Write(data))
	check(w.Flush())
	packed := bytes.Repeat(b.Bytes(), n)
	b.Reset()
	check(w.Close())
	return append(packed, b.Bytes()...)
}

// sevenZeros is a 7z of n MiB of zeros: an LZMA2 stream is chunks, and the
// first one, which starts afresh, can stand there many times.
func sevenZeros(n int) []byte {
	chunk := packZeros(1<<20, func(w io.Writer) io.WriteCloser { return must(lzma.NewWriter2(w)) })
	packed := append(bytes.Repeat(chunk[:len(chunk)-1], n), 0)
	return sevenBuilder{coder: "\x21", props: []byte{22}, packed: packed, size: uint64(n) << 20, name: "z"}.build()
}

// deflatedZip is a document whose directory names one member many times; it
// holds data, repeated.
func deflatedZip(times int, name string, data []byte, repeat int) []byte {
	packed := deflateRepeated(data, repeat)
	crc := crc32.NewIEEE()
	for range repeat {
		must(crc.Write(data))
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	must(w.CreateRaw(&zip.FileHeader{Name: contentTypes}))
	m := must(w.CreateRaw(&zip.FileHeader{Name: name, Method: 8, CRC32: crc.Sum32(),
		CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(data) * repeat)}))
	must(m.Write(packed))
	check(w.Close())
	whole := b.Bytes()
	end := len(whole) - zipEndLength
	entry := whole[bytes.LastIndex(whole, []byte("PK\x01\x02")):end]
	out := append([]byte(nil), whole[:end]...)
	out = append(out, bytes.Repeat(entry, times-1)...)
	tail := append([]byte(nil), whole[end:]...)
	binary.LittleEndian.PutUint16(tail[8:], uint16(times+1))
	binary.LittleEndian.PutUint16(tail[10:], uint16(times+1))
	binary.LittleEndian.PutUint32(tail[12:], le32(tail[12:])+uint32((times-1)*len(entry)))
	return append(out, tail...)
}

// sparseTar is a tar of one file of n bytes, all of them a hole.
func sparseTar(n int64) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(w.WriteHeader(&tar.Header{Name: "h", Typeflag: tar.TypeReg}))
	check(w.Close())
	block := b.Bytes()[:512]
	copy(block[257:], "ustar  \x00")
	block[156] = tar.TypeGNUSparse
	copy(block[386:], fmt.Sprintf("%011o\x00%011o\x00", 0, 0)) // an empty piece
	block[483] = 0x80                                          // the true size, in binary
	binary.BigEndian.PutUint64(block[487:], uint64(n))
	sum := 8 * ' '
	for i, c := range block {
		if i < 148 || i >= 156 {
			sum += rune(c)
		}
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b.Bytes()
}

func TestBombs(t *testing.T) {
	for name, build := range bombs() {
		t.Run(name, func(t *testing.T) {
			data := build()
			c, l := &counting{}, Limits{}
			if strings.HasPrefix(name, "slow ") {
				l.TotalBytes = 16 << 20
			}
			start := time.Now()
			grown := heapGrowth(func() {
				err := Walk(context.Background(), name, Sniff(name, data), bytes.NewReader(data), int64(len(data)), l, c)
				if err != nil {
					t.Errorf("Walk: %v", err)
				}
			})
			limited := false
			for _, p := range c.problems {
				limited = limited || p.Reason == Limit
			}
			if !limited {
				t.Errorf("no limit was reported: %d bytes of %d, problems %v", c.bytes, len(data), c.problems)
			}
			if grown > 100<<20 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
			t.Logf("%d bytes: %d unpacked in %v, heap +%d MiB", len(data), c.bytes, time.Since(start).Round(time.Millisecond), grown>>20)
		})
	}
}

// TestDeepZip walks a zip in a zip in a zip, as a zip that holds itself is to
// whoever walks it.
func TestDeepZip(t *testing.T) {
	data := rawZip(0, twoFiles()...)
	for range 12 {
		data = rawZip(0, file{"q.zip", string(data)})
	}
	c := walk(t, "q.zip", data, Limits{})
	if len(c.files) != 0 || len(c.problems) != 1 || c.problems[0].Reason != Limit {
		t.Errorf("members %q, problems %v", c.paths(), c.problems)
	}
}

func TestWindows(t *testing.T) {
	wideXz := makeXz([]byte(helloText))
	wideXz[12+4] = 40 // the dictionary's size in the first block: 4 GiB
	binary.LittleEndian.PutUint32(wideXz[12+8:], crc32.ChecksumIEEE(wideXz[12:12+8]))
	wideZstd := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8} // a window of 2 GiB
	wideZstd = append(wideZstd, 1, 0, 0)
	tests := []struct {
		name string
		data []byte
		path string
	}{
		{"wide.xz", wideXz, "wide.xz"},
		{"wide.zst", wideZstd, "wide.zst"},
		{"second.zst", append(makeZstd([]byte(helloText)), wideZstd...), "second.zst"},
		{"second.xz", append(makeXz([]byte(helloText)), wideXz...), "second.xz"},
	}
	for _, tt := range tests {
		grown := heapGrowth(func() {
			if c := walk(t, tt.name, tt.data, Limits{}); !c.has(tt.path, Limit) {
				t.Errorf("%s: problems %v", tt.name, c.problems)
			}
		})
		if grown > 30<<20 {
			t.Errorf("%s: the heap grew by %d MiB", tt.name, grown>>20)
		}
	}
}

// TestWindowsInTurn makes one large window after the other.
func TestWindowsInTurn(t *testing.T) {
	props := binary.LittleEndian.AppendUint32([]byte{0x5d}, 64<<20)
	seven := sevenBuilder{coder: "\x03\x01\x01", props: props, packed: make([]byte, 100), size: 64 << 20, name: "f"}.build()
	var files []file
	for i := range 40 {
		files = append(files, file{fmt.Sprintf("%d.7z", i), string(seven)})
	}
	data := makeTar(files...)
	c := &counting{}
	grown := heapGrowth(func() {
		check(Walk(context.Background(), "x.tar", Tar, bytes.NewReader(data), int64(len(data)), Limits{}, c))
	})
	if grown > 100<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if c.members != 40 {
		t.Errorf("%d members, problems %v", c.members, c.problems[len(c.problems)-1])
	}
}

func TestLimits(t *testing.T) {
	files := []file{{"a", strings.Repeat("a", 1000)}, {"b", strings.Repeat("b", 3000)}, {"c", strings.Repeat("c", 1000)}}
	data := makeZip(8, files...)
	c := walk(t, "x.zip", data, Limits{MemberBytes: 2000})
	b, _ := c.get("x.zip!b")
	if len(b) != 2000 || len(c.files) != 3 || len(c.problems) != 1 || !c.has("x.zip!b", Limit) {
		t.Errorf("member of 3,000 bytes: %d, problems %v", len(b), c.problems)
	}
	if c = walk(t, "x.zip", data, Limits{MemberBytes: 3000}); len(c.problems) != 0 {
		t.Errorf("member as large as allowed: %v", c.problems)
	}
	if c = walk(t, "x.zip", data, Limits{Members: 2}); len(c.files) != 2 || !c.has("x.zip", Limit) {
		t.Errorf("two members allowed: %q, %v", c.paths(), c.problems)
	}
	if c = walk(t, "x.zip", data, Limits{TotalBytes: 1500}); len(c.problems) != 1 || !c.has("x.zip!b", Limit) {
		t.Errorf("1,500 bytes allowed: %q, %v", c.paths(), c.problems)
	}
}

// TestManyProblems sums up what would fill a report.
func TestManyProblems(t *testing.T) {
	var files []file
	for i := range 250 {
		files = append(files, file{fmt.Sprint(i), "x"})
	}
	c := walk(t, "x.zip", makeZipWith(func(h *zip.FileHeader) { h.Flags |= zipEncrypted }, files...), Limits{})
	last := c.problems[len(c.problems)-1]
	if len(c.problems) != 101 || last.Path != "x.zip" || last.Reason != Encrypted || !strings.HasPrefix(last.Err.Error(), "150 more") {
		t.Errorf("%d problems, the last %v", len(c.problems), last)
	}
}

// makeZipWith stores members after a change to their headers.
func makeZipWith(change func(*zip.FileHeader), files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, CRC32: crc32.ChecksumIEEE([]byte(f.data)),
			CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data))}
		change(h)
		m := must(w.CreateRaw(h))
		must(io.WriteString(m, f.data))
	}
	check(w.Close())
	return b.Bytes()
}

func TestZipFaults(t *testing.T) {
	crc := makeZipWith(func(h *zip.FileHeader) {
		if h.Name == "a" {
			h.CRC32++
		}
	}, file{"a", "aa"}, file{"b", "bb"})
	method := makeZipWith(func(h *zip.FileHeader) {
		if h.Name == "a" {
			h.Method = 6
		}
	}, file{"a", "aa"}, file{"b", "bb"})
	size := makeZipWith(func(h *zip.FileHeader) {
		if h.Name == "a" {
			h.UncompressedSize64 = 99
		}
	}, file{"a", "aa"}, file{"b", "bb"})
	count := rawZip(0, file{"a", "aa"}, file{"b", "bb"})
	count[len(count)-zipEndLength+10]++
	tests := []struct {
		name, path string
		data       []byte
		reason     Reason
		members    int
	}{
		{"checksum", "x.zip!a", crc, Corrupt, 2},
		{"method", "x.zip!a", method, Unsupported, 1},
		{"size", "x.zip!a", size, Corrupt, 2},
		{"count", "x.zip", count, Corrupt, 2},
		{"password", "x.zip!hello.txt", unbase64(zipWithPassword), Encrypted, 0},
	}
	for _, tt := range tests {
		c := walk(t, "x.zip", tt.data, Limits{})
		if len(c.files) != tt.members || len(c.problems) != 1 || !c.has(tt.path, tt.reason) {
			t.Errorf("%s: members %q, problems %v", tt.name, c.files, c.problems)
		}
	}
	// Without the directory, what there is comes out.
	whole := makeZip(8, twoFiles()...)
	c := walk(t, "x.zip", whole[:len(whole)-zipEndLength-10], Limits{})
	if len(c.files) != 2 || c.files[0].data != helloText || len(c.problems) != 1 || !c.has("x.zip", Corrupt) {
		t.Errorf("without its directory: members %q, problems %v", c.files, c.problems)
	}
}

// TestZip64 has more members than the old record can count.
func TestZip64(t *testing.T) {
	files := []file{{"folder/", ""}}
	for i := range 1<<16 + 10 {
		files = append(files, file{fmt.Sprint(i), ""})
	}
	data := makeZipWith(func(*zip.FileHeader) {}, files...)
	for _, before := range []string{"", "PK00"} {
		b := append([]byte(before), data...)
		d, err := findZipDirectory(bytes.NewReader(b), int64(len(b)))
		if err != nil || d.entries != uint64(len(files)) {
			t.Errorf("after %q: %+v, %v", before, d, err)
		}
	}
	c := &counting{}
	check(Walk(context.Background(), "x.zip", Zip, bytes.NewReader(data), int64(len(data)), Limits{}, c))
	if c.members != len(files)-1 || len(c.problems) > 0 {
		t.Errorf("%d members of %d, problems %v", c.members, len(files)-1, c.problems)
	}
}

// TestTruncated cuts a small file of every kind at every byte: no panic, no
// hang, and never as if it were whole.
func TestTruncated(t *testing.T) {
	inputs := map[string][]byte{
		"x.zip": makeZip(8, twoFiles()...), "raw.zip": rawZip(0, twoFiles()...), "x.tar": makeTar(twoFiles()...),
		"x.tar.gz": makeGzip(makeTar(twoFiles()...)), "x.gz": makeGzip([]byte(helloText)), "x.xz": makeXz([]byte(helloText)),
		"x.zst": makeZstd([]byte(helloText)), "x.bz2": unbase64(bzip2Text), "x.docx": testDocx(), "x.xlsx": testXlsx(),
	}
	for name, data := range sevenFixtures() {
		inputs[name+".7z"] = data
	}
	for name, data := range inputs {
		for n := len(data) - 1; n > 0; n-- {
			cut := data[:n]
			kind := Sniff(name, cut[:min(n, sniffLength)])
			if kind == None {
				continue
			}
			c := &collector{}
			if err := Walk(context.Background(), name, kind, bytes.NewReader(cut), int64(n), Limits{}, c); err != nil {
				t.Fatalf("%s cut to %d bytes: %v", name, n, err)
			}
			if len(c.problems) == 0 && (kind != Tar || n%tarBlock != 0) {
				t.Errorf("%s cut to %d of %d bytes: no problem reported", name, n, len(data))
			}
		}
	}
}

// TestTruncatedYields gives what can be read.
func TestTruncatedYields(t *testing.T) {
	text := pseudoText(400 << 10)
	for name, data := range map[string][]byte{"x.gz": makeGzip(text), "x.xz": makeXz(text), "x.zst": makeZstd(text),
		"x.zip": makeZip(8, file{"x", string(text)})} {
		c := walk(t, name, data[:len(data)/2], Limits{})
		got, _ := c.get(name + "!x")
		if len(got) < len(text)/10 || !bytes.HasPrefix(text, []byte(got)) || !c.hasReason(Corrupt) {
			t.Errorf("%s cut in two: %d of %d bytes, problems %v", name, len(got), len(text), c.problems)
		}
	}
}

func (c *collector) hasReason(r Reason) bool {
	for _, p := range c.problems {
		if p.Reason == r {
			return true
		}
	}
	return false
}

// pseudoText compresses to about a half.
func pseudoText(n int) []byte {
	b := []byte(pseudoRandom(n))
	for i := range b {
		b[i] = 'a' + b[i]&15
	}
	return b
}

// TestStreamed reads a member of 1 GiB without holding it.
func TestStreamed(t *testing.T) {
	const size = 1 << 30
	pr, pw := io.Pipe()
	go func() {
		w := tar.NewWriter(pw)
		check(w.WriteHeader(&tar.Header{Name: "big", Size: size, Typeflag: tar.TypeReg}))
		must(io.Copy(w, io.LimitReader(zeros{}, size)))
		check(w.Close())
		check(pw.Close())
	}()
	c := &counting{}
	grown := heapGrowth(func() {
		if err := WalkStream(context.Background(), "x.tar", Tar, pr, Limits{}, c); err != nil {
			t.Error(err)
		}
	})
	if c.bytes != size || len(c.problems) > 0 {
		t.Errorf("%d bytes, problems %v", c.bytes, c.problems)
	}
	if grown > 8<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// TestManySmall opens many small compressed files within a second or so each
// ten thousand: their windows are not made anew for each.
func TestManySmall(t *testing.T) {
	for name, data := range map[string]string{"xz": string(makeXz([]byte("x"))), "zst": string(makeZstd([]byte("x"))), "gz": string(makeGzip([]byte("x")))} {
		var files []file
		for i := range 10_000 {
			files = append(files, file{fmt.Sprintf("%d.%s", i, name), data})
		}
		start := time.Now()
		c := &counting{}
		all := makeTar(files...)
		check(Walk(context.Background(), "x.tar", Tar, bytes.NewReader(all), int64(len(all)), Limits{}, c))
		if c.members != 10_000 || len(c.problems) > 0 {
			t.Errorf("%s: %d members, problems %v", name, c.members, c.problems)
		}
		t.Logf("10,000 %s files in %v", name, time.Since(start).Round(time.Millisecond))
	}
}
