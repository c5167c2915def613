package scanner

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"sync"

	"golang.org/x/crypto/argon2"
)

// fixedSalt keys fingerprints where .remint.yaml has no salt, so that machines
// agree. It is public, like any salt in a repository.
const fixedSalt = "remint fingerprint v1" // remint:allow[go-hardcoded-hmac] public on purpose: it keeps machines in step, and protects nothing

// FingerprintBytes is the length of a fingerprint before it is written in
// hexadecimal.
const FingerprintBytes = 16

// weakBits is the strength, in bits, below which a value could be guessed from
// a committed fingerprint, so that each guess is made expensive first.
const weakBits = 72

// Argon2id's costs for weak values: memory in KiB, passes, lanes. A guess
// costs an attacker as much as it costs a scan, once for each distinct value.
const (
	stretchMemory = 8 * 1024
	stretchTime   = 1
	stretchLanes  = 1
)

// fingerprinter makes fingerprints under one salt.
type fingerprinter struct {
	salt []byte
	mu   sync.Mutex
	weak map[[sha256.Size]byte][]byte // stretched values, by their plain hash
}

func newFingerprinter(salt []byte) *fingerprinter {
	if len(salt) == 0 {
		salt = []byte(fixedSalt)
	}
	return &fingerprinter{salt: salt, weak: make(map[[sha256.Size]byte][]byte)}
}

// of returns the fingerprint of a rule's secret: the first 16 bytes of
// HMAC-SHA-256 under the salt of the rule's id, a zero byte and the value,
// which is stretched with Argon2id where it is weak; in hexadecimal.
func (f *fingerprinter) of(ruleID string, secret []byte) string {
	if strength(secret) < weakBits {
		secret = f.stretch(secret)
	}
	return f.ofPublic(ruleID, secret)
}

// ofPublic is the fingerprint of what is no secret, which nobody has to guess.
func (f *fingerprinter) ofPublic(ruleID string, value []byte) string {
	mac := hmac.New(sha256.New, f.salt)
	mac.Write([]byte(ruleID))
	mac.Write([]byte{0})
	mac.Write(value)
	return hex.EncodeToString(mac.Sum(nil)[:FingerprintBytes])
}

func (f *fingerprinter) stretch(secret []byte) []byte {
	key := sha256.Sum256(secret)
	f.mu.Lock()
	done, ok := f.weak[key]
	f.mu.Unlock()
	if ok {
		return done
	}
	done = argon2.IDKey(secret, f.salt, stretchTime, stretchMemory, stretchLanes, sha256.Size)
	f.mu.Lock()
	f.weak[key] = done
	f.mu.Unlock()
	return done
}

// strength is an upper bound on how many bits a guesser must get right: the
// entropy of the value's own characters times its length.
func strength(b []byte) float64 {
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(len(b)))
		}
	}
	return bits
}
