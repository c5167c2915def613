package report

import (
	"crypto/sha256"
	"fmt"

	"github.com/remint/remint/scanner"
)

// stableID is a UUID (RFC 9562, version 8) made of a finding's fingerprint,
// path and line.
func stableID(f *scanner.Finding) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d", f.Fingerprint, f.Path, f.Line, f.Column))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
