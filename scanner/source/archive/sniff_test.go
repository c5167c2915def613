package archive

import (
	"bytes"
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	tar := makeTar(twoFiles()...)
	tests := []struct {
		name string
		head []byte
		want Kind
	}{
		{"x", makeZip(8, twoFiles()...), Zip},
		{"x", makeZip(8), Zip},
		{"x", tar, Tar},
		{"x", makeGzip(nil), Gzip},
		{"x", unbase64(bzip2Text), Bzip2},
		{"x", makeXz(nil), Xz},
		{"x", makeZstd([]byte("x")), Zstd},
		{"x", []byte("\x51\x2a\x4d\x18\x00\x00\x00\x00"), Zstd},
		{"x", sevenFixtures()["plain"], SevenZip},
		{"x.ipynb", []byte(testNotebook), Notebook},
		{"x.json", []byte(testNotebook), None},
		{"x", nil, None},
		{"x", []byte("PK"), None},
		{"x", []byte("PK is a text"), None},
		{"x", []byte("BZh9 is a text"), None},
		{"x", []byte("7z is a text"), None},
		{"x.ipynb", []byte("# no JSON"), None},
		{"x.tar", bytes.Repeat([]byte{0}, 600), None},
		{"x", append(bytes.Repeat([]byte("x"), 257), append([]byte("ustar"), bytes.Repeat([]byte("x"), 300)...)...), None},
		{"x.go", []byte("package archive\n"), None},
	}
	for _, tt := range tests {
		if got := Sniff(tt.name, tt.head); got != tt.want {
			t.Errorf("Sniff(%s, %.10q) = %v, want %v", tt.name, tt.head, got, tt.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, tt := range tests {
			Sniff(tt.name, tt.head)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSniff(b *testing.B) {
	text := []byte(strings.Repeat("package archive // a text of a common kind\n", 20))
	for name, head := range map[string][]byte{"text": text, "json": []byte(testNotebook), "zip": makeZip(8, twoFiles()...), "tar": makeTar(twoFiles()...)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Sniff("dir/file.go", head)
			}
		})
	}
}
