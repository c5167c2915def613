package ngram

import (
	"bytes"
	"go/scanner"
	"go/token"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCostTellsRandomFromReadable(t *testing.T) {
	for _, readable := range []string{"getPasswordFromRequest", "user_session_identifier", "kubernetes.io/dockerconfigjson", "application-configuration", "InvalidClientTokenId"} {
		if c := Cost([]byte(readable)); c > 4.7 {
			t.Errorf("%s costs %.2f bits a character", readable, c)
		}
	}
	for _, random := range []string{"q7Rt2Wx9Lm4Zp8Kc", "xK9fQ2mZpL7vRw3T", "zqxjkvwpyh4r8m2b"} {
		if c := Cost([]byte(random)); c < 4.7 {
			t.Errorf("a random string costs %.2f bits a character", c)
		}
	}
	if Cost(nil) != 0 {
		t.Error("no text costs nothing")
	}
	if len(model) != Size {
		t.Errorf("the model has %d bytes, want %d: run train", len(model), Size)
	}
}

// BenchmarkSeparation prints, for lengths and alphabets, which share of random
// strings lies below the threshold (missed) and which share of identifiers of
// modules that the model was not trained on lies above it (noise).
func BenchmarkSeparation(b *testing.B) {
	const threshold = 4.7
	identifiers := heldOut(b)
	for _, length := range []int{12, 16, 20, 24, 32, 40} {
		for _, set := range []struct{ name, chars string }{
			{"base36", "0123456789abcdefghijklmnopqrstuvwxyz"},
			{"base62", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		} {
			b.Run(strings.Join([]string{set.name, string(rune('0' + length/10)), string(rune('0' + length%10))}, ""), func(b *testing.B) {
				rnd := rand.New(rand.NewPCG(7, uint64(length)))
				missed, total := 0, 0
				for b.Loop() {
					s := make([]byte, length)
					for i := range s {
						s[i] = set.chars[rnd.IntN(len(set.chars))]
					}
					total++
					if Cost(s) < threshold {
						missed++
					}
				}
				noise, of := 0, 0
				for _, w := range identifiers {
					if len(w) >= length && len(w) < length+4 {
						of++
						if Cost(w) >= threshold {
							noise++
						}
					}
				}
				b.ReportMetric(100*float64(missed)/float64(total), "%missed")
				b.ReportMetric(100*float64(noise)/float64(max(of, 1)), "%noise")
				b.ReportMetric(float64(of), "identifiers")
			})
		}
	}
}

// heldOut returns the distinct identifiers of the modules that this one uses.
func heldOut(b *testing.B) [][]byte {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "all").Output()
	if err != nil {
		b.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	var words [][]byte
	for _, dir := range strings.Fields(string(out))[1:] {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			src, err := os.ReadFile(path)
			if err != nil || bytes.Contains(src[:min(len(src), 200)], []byte("generated")) {
				return nil
			}
			var s scanner.Scanner
			files := token.NewFileSet()
			s.Init(files.AddFile("", files.Base(), len(src)), src, nil, 0)
			for {
				_, tok, lit := s.Scan()
				if tok == token.EOF {
					return nil
				}
				if tok == token.IDENT && len(lit) >= 12 && !seen[lit] {
					seen[lit] = true
					words = append(words, []byte(lit))
				}
			}
		})
	}
	return words
}
