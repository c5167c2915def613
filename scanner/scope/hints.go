package scope

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
)

// hintIndex finds in one pass which formats' hints stand in a text: it looks
// at four bytes at every second place, and compares where these begin a hint.
type hintIndex struct {
	bits    [1 << hintBits / 64]uint64
	grams   map[uint32][]hintGram
	formats map[string][]int // the formats of a hint
}

type hintGram struct {
	hint string
	at   int // of the four bytes in the hint
}

const (
	hintBits = 14
	// leastHint is how long a hint is that is found whichever of its bytes
	// are looked at.
	leastHint = 5
)

var hintsOfFormats = sync.OnceValue(func() *hintIndex {
	x := &hintIndex{grams: make(map[uint32][]hintGram), formats: make(map[string][]int)}
	for i, f := range formats {
		for _, h := range f.Hints {
			if len(h) < leastHint {
				continue
			}
			if x.formats[h] == nil {
				for at := range 2 {
					gram := binary.LittleEndian.Uint32([]byte(h[at : at+4]))
					slot := hintSlot(gram)
					x.bits[slot/64] |= 1 << (slot % 64)
					x.grams[gram] = append(x.grams[gram], hintGram{h, at})
				}
			}
			x.formats[h] = append(x.formats[h], i)
		}
	}
	return x
})

func hintSlot(gram uint32) uint32 { return gram * 0x9E3779B1 >> (32 - hintBits) }

// in returns for each format whether one of its longer hints stands in a text.
func (x *hintIndex) in(text []byte) []bool {
	found := make([]bool, len(formats))
	var last string // that was found: most are found again soon
	for i := 0; i+4 <= len(text); i += 2 {
		gram := binary.LittleEndian.Uint32(text[i:])
		if slot := hintSlot(gram); x.bits[slot/64]>>(slot%64)&1 == 0 {
			continue
		}
		for _, g := range x.grams[gram] {
			if start := i - g.at; g.hint != last && start >= 0 && bytes.HasPrefix(text[start:], []byte(g.hint)) {
				last = g.hint
				for _, f := range x.formats[g.hint] {
					found[f] = true
				}
			}
		}
	}
	return found
}

// hasHint tells whether one of the hints stands in a text.
func hasHint(text []byte, hints []string) bool {
	return len(hints) == 0 || slices.ContainsFunc(hints, func(h string) bool { return bytes.Contains(text, []byte(h)) })
}

// hasShort tells whether a hint that the index does not know stands in a text.
func hasShort(text []byte, hints []string) bool {
	return slices.ContainsFunc(hints, func(h string) bool { return len(h) < leastHint && bytes.Contains(text, []byte(h)) })
}
