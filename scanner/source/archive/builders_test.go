package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// file is a member to build or one that was found.
type file struct{ name, data string }

// collector is a visitor that keeps what it is given.
type collector struct {
	files    []file
	lines    map[string]func(int) int
	times    map[string]time.Time
	problems []Problem
	max      int64 // of each member's bytes that are kept; 0 for all
	onMember func(Member) error
}

func (c *collector) Member(m Member) error {
	if c.onMember != nil {
		return c.onMember(m)
	}
	var r io.Reader = m.Reader
	if c.max > 0 {
		r = io.LimitReader(r, c.max)
	}
	b, err := io.ReadAll(r)
	if c.lines == nil {
		c.lines, c.times = map[string]func(int) int{}, map[string]time.Time{}
	}
	c.files = append(c.files, file{m.Path, string(b)})
	c.lines[m.Path], c.times[m.Path] = m.Line, m.Modified
	if c.max > 0 {
		_, err = io.Copy(io.Discard, m.Reader)
	}
	return err
}

func (c *collector) Problem(p Problem) { c.problems = append(c.problems, p) }

// get returns a member's bytes.
func (c *collector) get(path string) (string, bool) {
	for _, f := range c.files {
		if f.name == path {
			return f.data, true
		}
	}
	return "", false
}

// paths returns the members' paths in order.
func (c *collector) paths() string {
	var b []string
	for _, f := range c.files {
		b = append(b, f.name)
	}
	sort.Strings(b)
	return strings.Join(b, "\n")
}

// has tells whether a problem of a reason was reported for a path.
func (c *collector) has(path string, r Reason) bool {
	for _, p := range c.problems {
		if p.Path == path && p.Reason == r {
			return true
		}
	}
	return false
}

// walk visits what is in data, which must be of a kind that Sniff knows.
func walk(t testing.TB, name string, data []byte, l Limits) *collector {
	t.Helper()
	c := &collector{}
	walkInto(t, name, data, l, c)
	return c
}

func walkInto(t testing.TB, name string, data []byte, l Limits, c *collector) {
	t.Helper()
	kind := Sniff(name, data[:min(len(data), sniffLength)])
	if kind == None {
		t.Fatalf("Sniff(%s) = none", name)
	}
	if err := Walk(context.Background(), name, kind, bytes.NewReader(data), int64(len(data)), l, c); err != nil {
		t.Fatalf("Walk(%s): %v", name, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var someTime = time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)

// makeZip builds a zip with all members packed by one method.
func makeZip(method uint16, files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for method, pack := range map[uint16]func([]byte) []byte{14: packZipLZMA, 93: makeZstd, 95: makeXz} {
		w.RegisterCompressor(method, func(w io.Writer) (io.WriteCloser, error) { return &packer{w: w, pack: pack}, nil })
	}
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: method, Modified: someTime}
		if method == 14 {
			h.Flags |= zipEndMark
		}
		m := must(w.CreateHeader(h))
		must(io.WriteString(m, f.data))
	}
	check(w.Close())
	return b.Bytes()
}

// packer packs all at once when it is closed.
type packer struct {
	w    io.Writer
	pack func([]byte) []byte
	b    bytes.Buffer
}

func (p *packer) Write(b []byte) (int, error) { return p.b.Write(b) }

func (p *packer) Close() error {
	_, err := p.w.Write(p.pack(p.b.Bytes()))
	return err
}

// packZipLZMA makes what zip's method 14 wants: a version, the properties and
// their length, and data with a mark at its end.
func packZipLZMA(data []byte) []byte {
	var packed bytes.Buffer
	w := must(lzma.WriterConfig{EOSMarker: true}.NewWriter(&packed))
	must(w.Write(data))
	check(w.Close())
	b := append([]byte{9, 20, 5, 0}, packed.Bytes()[:5]...)
	return append(b, packed.Bytes()[lzma.HeaderLen:]...)
}

// rawZip builds a zip with sizes in the local headers, as most programs do.
func rawZip(method uint16, files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: method, CRC32: crc32.ChecksumIEEE([]byte(f.data)),
			CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data))}
		m := must(w.CreateRaw(h))
		must(io.WriteString(m, f.data))
	}
	check(w.Close())
	return b.Bytes()
}

func makeTar(files ...file) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		check(w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o600, ModTime: someTime, Typeflag: tar.TypeReg}))
		must(io.WriteString(w, f.data))
	}
	check(w.Close())
	return b.Bytes()
}

func makeGzip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.ModTime = someTime
	must(w.Write(data))
	check(w.Close())
	return b.Bytes()
}

func makeXz(data []byte) []byte {
	var b bytes.Buffer
	w := must(xz.NewWriter(&b))
	must(w.Write(data))
	check(w.Close())
	return b.Bytes()
}

func makeZstd(data []byte) []byte {
	var b bytes.Buffer
	w := must(zstd.NewWriter(&b))
	must(w.Write(data))
	check(w.Close())
	return b.Bytes()
}

// Go has no bzip2 encoder: a line of text, a tar, and 300 million zeros, made
// with bzip2.
const (
	bzip2Text  = "QlpoOTFBWSZTWVXpr+UAAAPZgAAQQAAQABNm0BAgACKaMmnpH6hAAA0q9CbgvywBYu5IpwoSCr01/KA="
	bzip2Tar   = "QlpoOTFBWSZTWUfnBFAAANB7h86QAEBAAf+CEI5/759AAADAAAAQAAgwANmQwBpoaNGIyAaADQwZTTQTUAAMmnqaAAwG1RNIyeSPU9IA0AA0NNPRzY+GVkxePYIGYQAUVGSoeityrUYFKJDBCTRLraWDictGnQ88rdx4bhVCgkJcOPOAlJSQo87VGsNrYrHB5cLGib6Q2lwi4SckSgywSEUDxIKtAayBQVC1NBYV+mZ+Fuyy+iovFpmf5xS7sMb3XerldUdk9XS7mg0k0cA6liHIwE6oGkNJ8HFZ9Gn4pL2E5K8qLHiEv4u5IpwoSCPzgigA"
	bzip2Zeros = "QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakKgJcxQVkmU1kOCeLfAV+OQADAAAAIIAAwgE1GQqAlqQqAlzFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakKgJcxQVkmU1kOCeLfAV+OQADAAAAIIAAwgE1GQqAlqQqAlzFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakKgJcxQVkmU1kOCeLfAV+OQADAAAAIIAAwgE1GQqAlqQqAlzFBWSZTWXcjn6wAvHRAIMAAEAAACCAAMMwJqmmqQqC2pSFQXi7kinChIQEEDIg="
	// One file, hello.txt, under a password; made with Info-ZIP.
	zipWithPassword = "UEsDBAoACQAAAAU5plhYafGeHwAAABMAAAAJABwAaGVsbG8udHh0VVQJAAPZgThmFukDa3V4CwABBAAAAAAEAAAAAFG9Y1ranbHEPTguzPfh8XoFQ4gdtF19AeqBD9KINZRQSwcIWGnxnh8AAAATAAAAUEsBAh4DCgAJAAAABTmmWFhp8Z4fAAAAEwAAAAkAGAAAAAAAAQAAAKSBAAAAAGhlbGxvLnR4dFVUBQAD2YE4ZnV4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQABAE8AAAByAAAAAAA="
)

func unbase64(s string) []byte { return must(base64.StdEncoding.DecodeString(s)) }

// sevenFixtures are archives that 7-Zip itself made.
func sevenFixtures() map[string][]byte {
	fixtures := map[string][]byte{}
	for line := range strings.Lines(string(must(os.ReadFile("testdata/sevenzip.txt")))) {
		if name, data, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			fixtures[name] = unbase64(data)
		}
	}
	return fixtures
}

// sevenBuilder makes 7z archives that 7-Zip would not: one coder, one file.
type sevenBuilder struct {
	coder  string // its id
	props  []byte
	packed []byte
	size   uint64 // unpacked
	name   string
	files  uint64 // 0 for one
}

func (s sevenBuilder) header() []byte {
	var h []byte
	num := func(v uint64) {
		h = append(h, 0xff)
		h = binary.LittleEndian.AppendUint64(h, v)
	}
	h = append(h, sevenHeader, sevenMainStreams, sevenPackInfo)
	num(0)
	num(1)
	h = append(h, sevenSize)
	num(uint64(len(s.packed)))
	h = append(h, sevenEnd, sevenUnpackInfo, sevenFolders, 1, 0, 1, byte(len(s.coder))|0x20)
	h = append(h, s.coder...)
	num(uint64(len(s.props)))
	h = append(h, s.props...)
	h = append(h, sevenUnpackSizes)
	num(s.size)
	h = append(h, sevenEnd, sevenEnd, sevenFiles)
	num(max(s.files, 1))
	h = append(h, sevenNames)
	units := append(utf16.Encode([]rune(s.name)), 0)
	num(uint64(2*len(units) + 1))
	h = append(h, 0)
	for _, u := range units {
		h = binary.LittleEndian.AppendUint16(h, u)
	}
	return append(h, sevenEnd, sevenEnd)
}

func (s sevenBuilder) build() []byte { return sevenAround(s.packed, s.header()) }

// sevenAround puts packed data and a header into an archive.
func sevenAround(packed, header []byte) []byte {
	var start []byte
	start = binary.LittleEndian.AppendUint64(start, uint64(len(packed)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(header)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(header))
	b := []byte("7z\xbc\xaf\x27\x1c\x00\x04")
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(start))
	b = append(b, start...)
	b = append(b, packed...)
	return append(b, header...)
}

func makeSevenZip(f file) []byte {
	return sevenBuilder{coder: "\x00", packed: []byte(f.data), size: uint64(len(f.data)), name: f.name}.build()
}

// zeros is a reader of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// packZeros packs n zeros.
func packZeros(n int64, open func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := open(&b)
	must(io.Copy(w, io.LimitReader(zeros{}, n)))
	check(w.Close())
	return b.Bytes()
}
