// Command train makes ../model.bin out of the Go standard library's source:
// every identifier and every word of a comment that is no longer than 40
// bytes and not mostly digits, each distinct one once, tests and testdata left
// out.
//
//	go run ./train -src "$(go env GOROOT)/src" -out model.bin
package main

import (
	"flag"
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/remint/remint/scanner/engine/ngram"
)

func main() {
	log.SetFlags(0)
	src := flag.String("src", "", "folder of Go source to learn from")
	out := flag.String("out", "model.bin", "file to write")
	flag.Parse()
	words, err := Words(*src)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, Train(words), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("learned from %d distinct words\n", len(words))
}

// Words returns the distinct runs of identifier characters and joints in a tree.
func Words(root string) ([]string, error) {
	seen := map[string]bool{}
	var words []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, w := range GoWords(data) {
			if !seen[w] {
				seen[w] = true
				words = append(words, w)
			}
		}
		return nil
	})
	return words, err
}

// GoWords returns the identifiers and the words of the comments of a Go file.
func GoWords(src []byte) []string {
	var words []string
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(src)), src, nil, scanner.ScanComments)
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return words
		case token.IDENT, token.COMMENT:
			for _, w := range strings.FieldsFunc(lit, breaks) {
				if len(w) >= 3 && len(w) <= 40 && 3*digits(w) <= len(w) {
					words = append(words, w)
				}
			}
		}
	}
}

func digits(w string) (n int) {
	for _, c := range w {
		if unicode.IsDigit(c) {
			n++
		}
	}
	return n
}

func breaks(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.' && r != '/'
}

// Train counts and smooths: the cost of a symbol behind two others is
// -log2 of its share, one added to every count.
func Train(words []string) []byte {
	var count [ngram.Size]float64
	const s = 28
	for _, w := range words {
		a, b := s-1, s-1
		for i := range len(w) {
			c := ngram.Symbol(w[i])
			count[ngram.Index(a, b, c)]++
			a, b = b, c
		}
	}
	model := make([]byte, ngram.Size)
	for pair := range s * s {
		total := 0.0
		for c := range s {
			total += count[pair*s+c] + 1
		}
		for c := range s {
			bits := -math.Log2((count[pair*s+c] + 1) / total)
			model[pair*s+c] = byte(min(bits*ngram.Scale+0.5, 255))
		}
	}
	return model
}
