package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCostly walks small files that were made to take long or much memory.
func TestCostly(t *testing.T) {
	office := func(part, text string) []byte {
		return makeZip(8, file{contentTypes, "<Types/>"}, file{"pad", pseudoRandom(64 << 10)}, file{part, text})
	}
	attribute := `<x a="` + strings.Repeat("abcdefgh", 1000) + `"/>`
	tests := []struct {
		name string
		data []byte
	}{
		{"ampersands.docx", office("word/document.xml", strings.Repeat("&", 2<<20))},
		{"entities.docx", office("word/document.xml", strings.Repeat("&amp;", 1<<19))},
		{"tags.docx", office("word/document.xml", strings.Repeat("<>", 1<<20))},
		{"attributes.docx", office("word/document.xml", strings.Repeat(attribute, 8<<20/len(attribute)))},
		{"attributes.xlsx", office("xl/worksheets/sheet1.xml", strings.Repeat(attribute, 8<<20/len(attribute)))},
		{"attributes.ods", makeZip(8, file{"mimetype", "x"}, file{"pad", pseudoRandom(64 << 10)}, file{"content.xml", strings.Repeat(attribute, 8<<20/len(attribute))})},
	}
	for _, tt := range tests {
		c := &counting{}
		start := time.Now()
		grown := heapGrowth(func() {
			check(Walk(context.Background(), tt.name, Zip, bytes.NewReader(tt.data), int64(len(tt.data)), Limits{}, c))
		})
		if grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d MiB", tt.name, grown>>20)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s: it took %v", tt.name, d)
		}
		if len(c.problems) > 0 {
			t.Errorf("%s: problems %v", tt.name, c.problems)
		}
	}
}

// TestSameNameStrings has the strings of a spreadsheet twice: one is what the
// cells refer to, and the other does not go unseen.
func TestSameNameStrings(t *testing.T) {
	c := walk(t, "d.xlsx", makeZip(8, file{contentTypes, "<Types/>"},
		file{sharedStrPart, "<sst><si><t>the first</t></si></sst>"},
		file{"xl/worksheets/sheet1.xml", `<row><c t="s"><v>0</v></c></row>`},
		file{sharedStrPart, "<sst><si><t>the second</t></si></sst>"}), Limits{})
	all := fmt.Sprint(c.files)
	if !strings.Contains(all, "the first") || !strings.Contains(all, "the second") || len(c.problems) > 0 {
		t.Errorf("members %q, problems %v", c.files, c.problems)
	}
}

// TestEmptyStreams has many compressed streams of nothing before one of
// something.
func TestEmptyStreams(t *testing.T) {
	text := []byte(helloText)
	skippable := []byte("\x50\x2a\x4d\x18\x00\x00\x00\x00")
	for name, data := range map[string][]byte{
		"x.gz":  append(bytes.Repeat(makeGzip(nil), 1000), makeGzip(text)...),
		"x.xz":  append(bytes.Repeat(makeXz(nil), 1000), makeXz(text)...),
		"x.zst": append(bytes.Repeat(skippable, 1000), makeZstd(text)...),
	} {
		assertFiles(t, walk(t, name, data, Limits{}), []file{{name + "!x", helloText}})
	}
}

// TestManyZips opens many small zip files that must be held in memory each.
func TestManyZips(t *testing.T) {
	small := string(makeZip(8, file{"x", "y"}))
	var files []file
	for i := range 4_000 {
		files = append(files, file{fmt.Sprint(i), small})
	}
	data := makeTar(files...)
	c := &counting{}
	start := time.Now()
	grown := heapGrowth(func() {
		check(Walk(context.Background(), "x.tar", Tar, bytes.NewReader(data), int64(len(data)), Limits{}, c))
	})
	if c.members != len(files) || c.bytes != int64(len(files)) || len(c.problems) > 0 {
		t.Errorf("%d members of %d bytes, problems %v", c.members, c.bytes, c.problems)
	}
	if d := time.Since(start); d > time.Minute || grown > 32<<20 {
		t.Errorf("it took %v, and the heap grew by %d MiB", d, grown>>20)
	}
}

// TestZip64Offsets has offsets that point before the file, or wrap around. They
// are damage, and not an error of reading.
func TestZip64Offsets(t *testing.T) {
	end := append([]byte("PK\x05\x06\x00\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 12)...)
	end = append(end, 0, 0)
	for _, start := range []uint64{1 << 63, 1<<64 - 1, 1<<63 - 1} {
		for _, length := range []uint64{0, 1, 1 << 63, 1<<63 - 1} {
			record := make([]byte, zip64EndLength)
			copy(record, "PK\x06\x06")
			binary.LittleEndian.PutUint64(record[32:], 1)
			binary.LittleEndian.PutUint64(record[40:], length)
			binary.LittleEndian.PutUint64(record[48:], start)
			locator := make([]byte, zip64LocatorLength)
			copy(locator, "PK\x06\x07")
			assertCorrupt(t, append(append(record, locator...), end...))
		}
	}
	assertCorrupt(t, end) // a locator would stand before the beginning
}

func assertCorrupt(t *testing.T, zip []byte) {
	t.Helper()
	c := &collector{}
	if err := Walk(context.Background(), "x.zip", Zip, bytes.NewReader(zip), int64(len(zip)), Limits{}, c); err != nil {
		t.Errorf("Walk: %v", err)
	}
	if !c.has("x.zip", Corrupt) {
		t.Errorf("problems %v", c.problems)
	}
}
