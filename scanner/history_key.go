package scanner

import (
	"crypto/sha256"
	"slices"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
)

// secretKey is a secret of a rule, without the secret, and what decides
// whether it counts where it stands. A finding is made of it when its path is
// known.
type secretKey struct {
	rule *rule.Rule
	sum  [16]byte // of the secret
	// marked tells that a comment beside it silences it.
	marked bool
	// bare tells that it is a bare word outside of strings, which is none in
	// code.
	bare bool
	// problem tells of no secret, but of a file that could not be read to its
	// end; rule is nil.
	problem bool
}

// keyTable numbers secrets.
type keyTable struct {
	number map[secretKey]int32
	keys   []secretKey
}

// of returns the number of a secret. The audit's lock is held.
func (t *keyTable) of(k secretKey) int32 {
	n, ok := t.number[k]
	if !ok {
		n = int32(len(t.keys))
		t.number[k] = n
		t.keys = append(t.keys, k)
	}
	return n
}

// sumOf is what stands for a secret in a key.
func sumOf(secret []byte) (sum [16]byte) {
	full := sha256.Sum256(secret)
	copy(sum[:], full[:])
	return sum
}

// keyOf returns the key of a match in a text.
func keyOf(m *engine.Match, body []byte, marked bool) secretKey {
	return secretKey{rule: m.Rule, sum: sumOf(m.Secret), marked: marked, bare: wrongPlace(bareName, body, m) != ""}
}

// bareName is a path in whose language a bare word is no string.
const bareName = "x.go"

// foundKey is a secret and the line it stands on, 0 where that is not known.
type foundKey struct {
	secretKey
	line int32
}

// number returns the numbers of keys, each once, and the first line of each.
func (a *audit) number(keys []foundKey) (numbers, lines []int32) {
	if len(keys) == 0 {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range keys {
		if n := a.keys.of(k.secretKey); !slices.Contains(numbers, n) {
			numbers, lines = append(numbers, n), append(lines, k.line)
		}
	}
	return numbers, lines
}

// keep notes what a blob holds.
func (a *audit) keep(o objectID, keys []foundKey) {
	if len(keys) == 0 {
		return
	}
	numbers, lines := a.number(keys)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blobs[o] = append(a.blobs[o], numbers...)
	a.lines[o] = append(a.lines[o], lines...)
}

// lineIn returns the line on which a blob has a secret at first, or 0.
func (a *audit) lineIn(blob objectID, same func(secretKey) bool) int {
	for i, n := range a.blobs[blob] {
		if i < len(a.lines[blob]) && same(a.keys.keys[n]) {
			return int(a.lines[blob][i])
		}
	}
	return 0
}
