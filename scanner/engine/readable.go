package engine

import "github.com/remint/remint/scanner/engine/ngram"

// readableBits is the cost in bits a character below which text reads like
// words. ngram's benchmark prints what it costs on either side: at 16
// characters about 1 % of identifiers lie above it and under 1 % of random
// strings below.
const readableBits = 4.7

// readable tells whether a value reads like words rather than like a key.
func readable(v []byte) bool {
	if hexLike(v) {
		return false
	}
	return ngram.Cost(v) < readableBits
}

// hexLike tells whether the value is a long run of hexadecimal digits of both
// kinds, whose letters the model would take for common ones.
func hexLike(v []byte) bool {
	if len(v) < 16 {
		return false
	}
	digits := 0
	for _, c := range v {
		if !isHex(c) {
			return false
		}
		if c <= '9' {
			digits++
		}
	}
	return digits*5 >= len(v) && digits < len(v)
}
