package archive

import "strings"

// sniffLength is how many bytes Sniff wants to see; fewer will do for most.
const sniffLength = 512

// Sniff tells from a file's name and its first 512 bytes what Walk can open.
// It allocates nothing and returns at once for anything else.
func Sniff(name string, head []byte) Kind {
	if len(head) < 4 {
		return None
	}
	switch head[0] {
	case 'P':
		if isZip(head) {
			return Zip
		}
	case '7':
		if len(head) >= 6 && string(head[:6]) == "7z\xbc\xaf\x27\x1c" {
			return SevenZip
		}
	case 0x1f:
		// Deflate is the one method; the upper three flags are reserved.
		if head[1] == 0x8b && head[2] == 8 && head[3]&0xe0 == 0 {
			return Gzip
		}
	case 'B':
		if isBzip2(head) {
			return Bzip2
		}
	case 0xfd:
		if len(head) >= 6 && string(head[:6]) == "\xfd7zXZ\x00" {
			return Xz
		}
	case 0x28:
		if string(head[:4]) == "\x28\xb5\x2f\xfd" {
			return Zstd
		}
	case '{':
		if strings.HasSuffix(name, ".ipynb") {
			return Notebook
		}
	}
	if head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" {
		return Zstd // a skippable frame
	}
	if len(head) >= sniffLength && (string(head[257:262]) == "ustar" || strings.HasSuffix(name, ".tar")) && isTarHeader(head[:512]) {
		return Tar
	}
	return None
}

// isZip knows a local header, a directory's end (an empty archive) and the
// mark of a split archive that came out in one piece.
func isZip(head []byte) bool {
	switch string(head[:4]) {
	case "PK\x03\x04", "PK\x05\x06":
		return true
	case "PK\x07\x08", "PK00":
		return len(head) >= 8 && string(head[4:8]) == "PK\x03\x04"
	}
	return false
}

// isBzip2 wants the mark of a first block, or of the end, too: "BZh" can start
// a text.
func isBzip2(head []byte) bool {
	if len(head) < 10 || head[1] != 'Z' || head[2] != 'h' || head[3] < '1' || head[3] > '9' {
		return false
	}
	mark := string(head[4:10])
	return mark == "1AY&SY" || mark == "\x17rE8P\x90"
}

// isTarHeader verifies the checksum of a block, which counts its own field as
// blanks.
func isTarHeader(block []byte) bool {
	want, digits := 0, 0
	for _, c := range block[148:156] {
		if c >= '0' && c <= '7' {
			want = want<<3 | int(c-'0')
			digits++
		} else if digits > 0 {
			break
		} else if c != ' ' && c != 0 {
			return false
		}
	}
	unsigned, signed := int(8*' '), int(8*' ')
	for i, c := range block {
		if i < 148 || i >= 156 {
			unsigned += int(c)
			signed += int(int8(c))
		}
	}
	return digits > 0 && (want == unsigned || want == signed)
}
