package engine

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// corpus is 16 MiB of the Go standard library's source.
var corpus = sync.OnceValue(func() []byte {
	const size = 16 << 20
	var b bytes.Buffer
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		panic(err)
	}
	_ = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || b.Len() >= size {
			return filepath.SkipAll
		}
		if strings.HasSuffix(path, ".go") && !strings.Contains(path, "testdata") {
			if data, err := os.ReadFile(path); err == nil {
				b.Write(data)
			}
		}
		return nil
	})
	return b.Bytes()
})

// BenchmarkScan is the engine's throughput on one core with the catalogue, and
// beside it what the same bytes cost to copy, to search for one absent byte
// string, and to look through with 1,000 rules more.
func BenchmarkScan(b *testing.B) {
	text := corpus()
	run := func(rules []rule.Rule, opts Options) func(b *testing.B) {
		return func(b *testing.B) {
			e, err := New(rules, opts)
			if err != nil {
				b.Fatal(err)
			}
			s := e.NewScanner()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := s.Scan(text); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("catalogue", run(rule.Catalogue(), Options{}))
	b.Run("catalogue-undecoded", run(rule.Catalogue(), Options{DecodeDepth: -1}))
	b.Run("catalogue+1000", run(append(Synthetic(1000), rule.Catalogue()...), Options{}))
	b.Run("prefilter", func(b *testing.B) {
		e, err := New(rule.Catalogue(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		hits := 0
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			e.lits.scan(text, func(int, int) { hits++ })
		}
	})
	b.Run("bytes.Contains", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if bytes.Contains(text, []byte("qzxj_absent_qzxj")) {
				b.Fatal("the corpus holds the absent string")
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		to := make([]byte, len(text))
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			copy(to, text)
		}
	})
}

// Synthetic returns n rules of made-up providers, shaped like real ones.
func Synthetic(n int) []rule.Rule {
	rules := make([]rule.Rule, n)
	for i := range rules {
		prefix := fmt.Sprintf("%c%c%cq_", 'a'+i%26, 'a'+i/26%26, 'x'-i%5)
		rules[i] = rule.Rule{
			ID: fmt.Sprintf("synthetic-%d", i), Provider: "synthetic", Severity: rule.Low,
			Pattern: `\b(` + prefix + `[A-Za-z0-9]{32})\b`, Keywords: []string{prefix},
		}
	}
	return rules
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(rule.Catalogue(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
