// Package ngram tells random strings from readable ones with a small model of
// which character follows which two others in source code. The model is
// trained by the program in train/ and lies in model.bin.
package ngram

import (
	_ "embed"
)

//go:embed model.bin
var model []byte

// Symbols: 26 letters in either case, digits, and everything else.
const (
	symbolDigit = 26
	symbolOther = 27
	symbols     = 28
	// Size is the length of a model in bytes: the cost of each symbol behind
	// each two others, in sixteenths of a bit.
	Size = symbols * symbols * symbols
	// Scale is how many units of cost make a bit.
	Scale = 16
)

// Symbol returns the symbol of a byte, 0 to 27.
func Symbol(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= '0' && c <= '9':
		return symbolDigit
	}
	return symbolOther
}

// Index returns where in a model the cost of c behind a and b stands.
func Index(a, b, c int) int { return (a*symbols+b)*symbols + c }

// Cost returns how surprising the text is to a reader of code, in bits a
// character: readable text has 2 to 4, random text 5 and more.
func Cost(text []byte) float64 { return CostUnder(model, text) }

// CostUnder is Cost under a model that is not the built-in one.
func CostUnder(model, text []byte) float64 {
	if len(text) == 0 || len(model) != Size {
		return 0
	}
	total := 0
	a, b := symbolOther, symbolOther
	for _, c := range text {
		s := Symbol(c)
		total += int(model[Index(a, b, s)])
		a, b = b, s
	}
	return float64(total) / Scale / float64(len(text))
}
