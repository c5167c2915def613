package rule

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
	"strconv"
	"strings"
)

// Checksum is a provider's own check on a token: the tail that belongs to
// everything before it.
type Checksum struct {
	Name string
	// Tail returns what must follow head, or nil where head cannot be the
	// start of such a token.
	Tail func(head []byte) []byte
	// Length is the number of bytes Tail returns.
	Length int
}

// Verify tells whether the token ends in the tail that its head calls for.
func (c Checksum) Verify(token []byte) bool {
	if len(token) <= c.Length {
		return false
	}
	head, tail := token[:len(token)-c.Length], token[len(token)-c.Length:]
	want := c.Tail(head)
	return want != nil && bytes.Equal(want, tail)
}

// checksums is the explicit list; rule files name its entries.
func checksums() []Checksum {
	return []Checksum{
		// GitHub and npm: CRC-32 of what follows the first '_', in base 62,
		// zero-padded (github.blog, "Behind GitHub's new authentication token formats").
		{"crc32-base62", crc32Base62, 6},
		// CRC-32 in hexadecimal of what stands between the first and the last '_' (Zuplo).
		{"crc32-hex-body", crc32HexBody, 8},
		// CRC-32 in hexadecimal of all that stands before the last '_' (Grafana service accounts).
		{"crc32-hex-head", crc32HexHead, 8},
		// GitLab routable tokens: payload, ".01.", length in base 36, then CRC-32 of
		// everything before it in base 36 (GitLab "routable tokens" design document).
		{"gitlab-routable", crc32Base36, 7},
		// Little-endian CRC-32 of what follows the first '_', in unpadded base64url.
		{"crc32-le-base64", crc32LittleEndianBase64, 6},
		// The first 8 base32 characters of SHA-256 of what follows the first '_'.
		{"sha256-base32", sha256Base32, 8},
	}
}

// Checksums returns the names that rule files may use, sorted.
func Checksums() []string {
	var names []string
	for _, c := range checksums() {
		names = append(names, c.Name)
	}
	sort.Strings(names)
	return names
}

// FindChecksum returns the named checksum.
func FindChecksum(name string) (Checksum, error) {
	for _, c := range checksums() {
		if c.Name == name {
			return c, nil
		}
	}
	return Checksum{}, fmt.Errorf("unknown checksum %q: want one of %s", name, strings.Join(Checksums(), ", "))
}

const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func crc32Base62(head []byte) []byte {
	_, body, ok := bytes.Cut(head, []byte("_"))
	if !ok {
		return nil
	}
	out := []byte("000000")
	for n, i := crc32.ChecksumIEEE(body), len(out)-1; n > 0; n, i = n/62, i-1 {
		out[i] = base62Digits[n%62]
	}
	return out
}

func crc32HexBody(head []byte) []byte {
	_, body, ok := bytes.Cut(head, []byte("_"))
	if !ok || !bytes.HasSuffix(body, []byte("_")) {
		return nil
	}
	return fmt.Appendf(nil, "%08x", crc32.ChecksumIEEE(body[:len(body)-1]))
}

func crc32HexHead(head []byte) []byte {
	if !bytes.HasSuffix(head, []byte("_")) {
		return nil
	}
	return fmt.Appendf(nil, "%08x", crc32.ChecksumIEEE(head[:len(head)-1]))
}

func crc32Base36(head []byte) []byte {
	s := strconv.FormatUint(uint64(crc32.ChecksumIEEE(head)), 36)
	return []byte(strings.Repeat("0", 7-len(s)) + s)
}

func crc32LittleEndianBase64(head []byte) []byte {
	_, body, ok := bytes.Cut(head, []byte("_"))
	if !ok {
		return nil
	}
	sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	return []byte(base64.RawURLEncoding.EncodeToString(sum))
}

func sha256Base32(head []byte) []byte {
	_, body, ok := bytes.Cut(head, []byte("_"))
	if !ok {
		return nil
	}
	sum := sha256.Sum256(body)
	return []byte(base32.StdEncoding.EncodeToString(sum[:5]))
}
