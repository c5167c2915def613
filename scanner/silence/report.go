package silence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
)

// reportEntry is a finding of a gitleaks report. The secret is kept as a hash.
type reportEntry struct {
	secret [sha256.Size]byte
	// A report made with --redact has no secrets: of those are known the line
	// and the entropy, in bits, which tells one secret from most others.
	redacted bool
	line     int
	entropy  float64
}

// parseReport reads a JSON report of gitleaks after its opening bracket.
func (b *Baseline) parseReport(p *jsonFile, root string) error {
	return p.items(func(raw json.RawMessage, line int) error {
		var f struct {
			RuleID    *string
			File      *string
			Secret    *string
			StartLine int
			Entropy   float64
		}
		if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&f); err != nil || f.RuleID == nil || f.File == nil || f.Secret == nil {
			return p.errorAt(line, "not a finding of a gitleaks report: want RuleID, File and Secret as texts")
		}
		if *f.File == "" {
			return p.errorAt(line, "a finding: the File is missing")
		}
		e := &baselineEntry{
			Entry: Entry{Rule: *f.RuleID, Path: reportPath(*f.File, root)},
			line:  line,
			report: &reportEntry{
				secret: sha256.Sum256([]byte(*f.Secret)), redacted: isRedacted(*f.Secret), line: f.StartLine, entropy: f.Entropy,
			},
		}
		b.reports[e.Path] = append(b.reports[e.Path], len(b.entries))
		b.entries = append(b.entries, e)
		return nil
	})
}

// reportPath is a path of a report, relative to the project's folder.
func reportPath(file, root string) string {
	path := strings.ReplaceAll(file, `\`, "/")
	if under, ok := strings.CutPrefix(path, strings.TrimSuffix(filepath.ToSlash(root), "/")+"/"); ok && root != "" {
		return under
	}
	return strings.TrimPrefix(path, "./")
}

// isRedacted tells whether gitleaks took the secret out, whole or in part.
func isRedacted(secret string) bool { return secret == "REDACTED" || strings.HasSuffix(secret, "...") }

// is tells whether the report's finding is the candidate. The rule is not
// compared: gitleaks' rules have other names.
func (r *reportEntry) is(c *Candidate) bool {
	if !r.redacted {
		return r.secret == sha256.Sum256(c.Secret)
	}
	// Reports hold the entropy in 32 bits.
	return r.line == c.Line && r.entropy > 0 && math.Abs(float64(float32(gitleaksEntropy(c.Secret)))-r.entropy) < 1e-5
}

// gitleaksEntropy is gitleaks' measure: characters are counted, but their
// share is taken of the bytes.
func gitleaksEntropy(secret []byte) float64 {
	count := make(map[rune]int)
	for _, r := range string(secret) {
		count[r]++
	}
	bits := 0.0
	for _, n := range count {
		share := float64(n) / float64(len(secret))
		bits -= share * math.Log2(share)
	}
	return bits
}
