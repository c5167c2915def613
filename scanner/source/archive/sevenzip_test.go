package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestSevenZipMade reads what 7-Zip itself made.
func TestSevenZipMade(t *testing.T) {
	hello, config := "hello from a block\n", strings.Repeat(configText, 3)
	for name, data := range sevenFixtures() {
		t.Run(name, func(t *testing.T) {
			path := name + ".7z"
			c := walk(t, path, data, Limits{})
			get := func(member string) string {
				got, _ := c.get(path + "!" + member)
				return got
			}
			switch name {
			case "none":
				assertFiles(t, c, nil)
			case "encrypted":
				if _, ok := c.get(path + "!empty.txt"); !ok || len(c.files) != 1 || !c.has(path+"!hello.txt", Encrypted) || !c.has(path+"!dir/config.ini", Encrypted) {
					t.Errorf("members %q, problems %v", c.paths(), c.problems)
				}
			case "hidden":
				if len(c.files) != 0 || len(c.problems) != 1 || !c.has(path, Encrypted) {
					t.Errorf("members %q, problems %v", c.paths(), c.problems)
				}
			case "ppmd":
				if len(c.files) != 1 || !c.has(path+"!hello.txt", Unsupported) {
					t.Errorf("members %q, problems %v", c.paths(), c.problems)
				}
			case "bcj", "bcj2", "bcj2lzma":
				const code = "c06c6f5dfb93de586595920bdd1302106527e2e08df116654cf3624c92098749"
				if got := fmt.Sprintf("%x", sha256.Sum256([]byte(get("code.bin")))); name != "bcj" && got != code {
					t.Errorf("code.bin differs: %s", got)
				}
				if get("hello.txt") != hello || len(c.problems) > 0 {
					t.Errorf("hello.txt is %q, problems %v", get("hello.txt"), c.problems)
				}
			default:
				if get("hello.txt") != hello || get("dir/config.ini") != config || get("naïve–名.txt") != "a name beyond ASCII\n" {
					t.Errorf("members: %q", c.files)
				}
				if len(c.files) != 4 || len(c.problems) > 0 {
					t.Errorf("members %q, problems %v", c.paths(), c.problems)
				}
				if got, want := c.times[path+"!hello.txt"], time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC); !got.Equal(want) {
					t.Errorf("modified %v, want %v", got, want)
				}
			}
		})
	}
}

// TestSevenZipHostile is what 7-Zip would never make.
func TestSevenZipHostile(t *testing.T) {
	lzmaProps := func(window uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{0x5d}, window) }
	good := sevenBuilder{coder: "\x00", packed: []byte("data"), size: 4, name: "f"}
	manyFiles := good
	manyFiles.files = 1 << 60
	bigHeader := sevenAround([]byte("data"), nil)
	binary.LittleEndian.PutUint64(bigHeader[20:], 1<<40)
	tests := []struct {
		name   string
		data   []byte
		reason Reason
	}{
		{"window of 4 GiB", sevenBuilder{coder: "\x03\x01\x01", props: lzmaProps(1<<32 - 1), packed: make([]byte, 100), size: 1 << 40, name: "f"}.build(), Limit},
		{"window of 4 GiB, LZMA2", sevenBuilder{coder: "\x21", props: []byte{40}, packed: make([]byte, 100), size: 1 << 40, name: "f"}.build(), Limit},
		{"a long way from its size", sevenBuilder{coder: "\x00", packed: []byte("data"), size: 1 << 62, name: "f"}.build(), Corrupt},
		{"more files than names", manyFiles.build(), Corrupt},
		{"unknown method", sevenBuilder{coder: "\x7f\x01", packed: []byte("data"), size: 4, name: "f"}.build(), Unsupported},
		{"header beyond the end", bigHeader, Corrupt},
		{"header that unpacks to 1 TiB", sevenAround(nil, packedHeader(1<<40)), Limit},
		{"header that is packed in itself", sevenAround(nil, packedHeader(0)), Corrupt},
		{"millions of folders", sevenAround(nil, []byte{sevenHeader, sevenMainStreams, sevenUnpackInfo, sevenFolders, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0}), Corrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			grown := heapGrowth(func() {
				c := walk(t, "x.7z", tt.data, Limits{})
				if len(c.problems) == 0 || c.problems[len(c.problems)-1].Reason != tt.reason {
					t.Errorf("problems %v, want %s", c.problems, tt.reason)
				}
			})
			if grown > 30<<20 {
				t.Errorf("it took %d MiB", grown>>20)
			}
		})
	}
}

// packedHeader is a header that says it is packed, by copying, and how large
// it is.
func packedHeader(size uint64) []byte {
	s := sevenBuilder{coder: "\x00", size: size}
	h := s.header()
	end := strings.Index(string(h), string([]byte{sevenEnd, sevenEnd, sevenFiles}))
	return append([]byte{sevenEncodedHeader}, append(h[2:end:end], sevenEnd, sevenEnd)...)
}
