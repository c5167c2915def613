package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// fuzzLimits are small, so that a run is short.
func fuzzLimits() Limits {
	return Limits{Depth: 4, Members: 500, MemberBytes: 1 << 20, TotalBytes: 8 << 20, Memory: 8 << 20}
}

// fuzzAllocations bounds what one walk under fuzzLimits may allocate in all, in
// bytes, however often it gives memory back.
const fuzzAllocations = 256 << 20

// strict is a visitor that asserts what a visitor may count on.
type strict struct {
	t     *testing.T
	total int64
}

func (s *strict) Member(m Member) error {
	// A "!" can be part of a name: where one begins is known of the first only.
	inside := strings.TrimPrefix(m.Path, "f!")
	if parts := strings.Split(inside, "/"); slices.Contains(parts, "..") || slices.Contains(parts, "") {
		s.t.Errorf("path %q", m.Path)
	}
	n, err := io.Copy(io.Discard, m.Reader)
	if err != nil {
		s.t.Errorf("%q: reading: %v", m.Path, err)
	}
	if n > fuzzLimits().MemberBytes {
		s.t.Errorf("%q: %d bytes", m.Path, n)
	}
	s.total += n
	if m.Line != nil && m.Line(1) < 0 {
		s.t.Errorf("%q: line %d", m.Path, m.Line(1))
	}
	return nil
}

func (s *strict) Problem(p Problem) {
	all := reasons()
	if !slices.Contains(all[:], p.Reason) || p.Err == nil || p.Path == "" {
		s.t.Errorf("problem %v", p)
	}
}

// seeds are an archive of every kind, and some that are nested or odd.
func seeds() map[string][]byte {
	b := map[string][]byte{
		"zip": makeZip(8, twoFiles()...), "stored": rawZip(0, twoFiles()...), "lzma": makeZip(14, twoFiles()...),
		"zipzst": makeZip(93, twoFiles()...), "zipxz": makeZip(95, twoFiles()...), "tar": makeTar(twoFiles()...),
		"sparse": sparseTar(1 << 30), "gz": makeGzip([]byte(helloText)), "tgz": makeGzip(makeTar(twoFiles()...)),
		"bz2": unbase64(bzip2Text), "xz": makeXz([]byte(helloText)), "zst": makeZstd([]byte(helloText)),
		"docx": testDocx(), "xlsx": testXlsx(), "ipynb": []byte(testNotebook), "password": unbase64(zipWithPassword),
		"marks":  makeTar(file{"!!/../!/x", helloText}),
		"nested": makeZip(8, file{"a.tar", string(makeTar(file{"b.gz", string(makeGzip(makeZip(8, twoFiles()...)))}))}),
		"odt":    makeZip(0, file{"mimetype", "x"}, file{"content.xml", "<text:p>x<text:s/></text:p>"}),
	}
	for name, data := range sevenFixtures() {
		b["7z "+name] = data
	}
	return b
}

func FuzzWalk(f *testing.F) {
	for name, data := range seeds() {
		kind := Sniff(name+".ipynb", data)
		f.Add(uint8(kind), data)
	}
	for _, part := range []string{"<w:p><w:t>a&#x41;</w:t><w:tab/></w:p>", `<row r="2"><c r="B2" t="s"><v>0</v></c></row>`, "<si><t>x</t></si>"} {
		f.Add(uint8(Notebook+1), []byte(part))
		f.Add(uint8(Notebook+2), []byte(part))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		switch k := Kind(kind % uint8(Notebook+3)); k {
		case SevenZip:
			walkFuzzed(t, k, withChecksums(data))
		case Notebook + 1:
			part := string(data)
			walkFuzzed(t, Zip, rawZip(0, file{contentTypes, ""}, file{"word/document.xml", part},
				file{"xl/worksheets/sheet1.xml", part}, file{"xl/sharedStrings.xml", part}))
		case Notebook + 2:
			walkFuzzed(t, Zip, rawZip(0, file{"mimetype", ""}, file{"content.xml", string(data)}))
		default:
			walkFuzzed(t, k, data)
		}
	})
}

// withChecksums makes the checksums of a 7z header right, without which no
// changed byte of it would ever be looked at.
func withChecksums(data []byte) []byte {
	if len(data) < sevenHeaderLength {
		return data
	}
	data = append([]byte(nil), data...)
	rest := data[sevenHeaderLength:]
	if off, size := le64(data[12:]), le64(data[20:]); off <= uint64(len(rest)) && size <= uint64(len(rest))-off {
		binary.LittleEndian.PutUint32(data[28:], crc32.ChecksumIEEE(rest[off:off+size]))
	}
	binary.LittleEndian.PutUint32(data[8:], crc32.ChecksumIEEE(data[12:sevenHeaderLength]))
	return data
}

// walkFuzzed walks with random access and without.
func walkFuzzed(t *testing.T, kind Kind, data []byte) {
	for _, stream := range []bool{false, true} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := &strict{t: t}
		w := newWalker(context.Background(), "f", fuzzLimits(), v)
		var err error
		if stream {
			err = w.walkStream(kind, bytes.NewReader(data))
		} else {
			err = w.walk(kind, bytes.NewReader(data), int64(len(data)))
		}
		if err != nil {
			t.Errorf("the walk failed: %v", err)
		}
		// A tar's members, say, are not unpacked and come on top.
		if most := fuzzLimits().TotalBytes + 2*int64(len(data)) + chunk; v.total > most {
			t.Errorf("%d bytes came out, more than %d", v.total, most)
		}
		if w.memory -= w.idle.drop(); w.memory != 0 {
			t.Errorf("%d bytes of memory are still reserved", w.memory)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > fuzzAllocations {
			t.Errorf("%d MiB were allocated", n>>20)
		}
		if errors.Is(w.stop, errReported) {
			t.Errorf("stopped by a stream")
		}
	}
}

func FuzzSniff(f *testing.F) {
	for name, data := range seeds() {
		f.Add(name, data)
	}
	f.Fuzz(func(t *testing.T, name string, head []byte) {
		kind := Sniff(name, head)
		if kind > Notebook {
			t.Errorf("kind %d", kind)
		}
		// More bytes than it wants change nothing.
		if len(head) >= sniffLength && Sniff(name, head[:sniffLength]) != kind {
			t.Errorf("%v with %d bytes, %v with %d", kind, len(head), Sniff(name, head[:sniffLength]), sniffLength)
		}
	})
}
