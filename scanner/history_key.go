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

// number returns the numbers of keys, each once.
func (a *audit) number(keys []secretKey) []int32 {
	if len(keys) == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]int32, 0, len(keys))
	for _, k := range keys {
		if n := a.keys.of(k); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// keep notes what a blob holds.
func (a *audit) keep(o objectID, keys []secretKey) {
	if len(keys) == 0 {
		return
	}
	numbers := a.number(keys)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blobs[o] = append(a.blobs[o], numbers...)
}
