package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/remint/remint/scanner/rule"
)

// snippets are what the texts of the delta tests are made of: code, every
// rule's examples, and some of them encoded.
var snippets = sync.OnceValue(func() [][]byte {
	var all [][]byte
	rules := rule.Catalogue()
	for i := range rules {
		for _, t := range append(append([]string{}, rules[i].Examples...), rules[i].Counterexamples...) {
			text, _, err := rules[i].Expand(t, uint64(i))
			if err != nil || rules[i].Pattern == "" {
				continue
			}
			all = append(all, []byte(text+"\n"))
			switch i % 8 {
			case 0:
				all = append(all, []byte("data: "+base64.StdEncoding.EncodeToString([]byte(text))+"\n"))
			case 1:
				all = append(all, []byte("x = 0x"+hex.EncodeToString([]byte(text))+"\n"))
			case 2:
				all = append(all, []byte("q="+strings.NewReplacer("=", "%3D", "\"", "%22", "-", "%2D").Replace(text)+"\n"))
			case 3:
				all = append(all, wrapped([]byte("some words to begin with, then "+text)))
			case 4:
				all = append(all, []byte(strings.TrimRight(text, "\n")+" ")) // no end of line
			}
		}
	}
	return all
})

func wrapped(text []byte) []byte {
	var b bytes.Buffer
	enc := base64.StdEncoding.EncodeToString(text)
	for len(enc) > 64 {
		b.WriteString("  " + enc[:64] + "\n")
		enc = enc[64:]
	}
	b.WriteString("  " + enc + "\n")
	return b.Bytes()
}

// version is a text and how it was made from the one before.
type version struct {
	text   []byte
	copies []Copy
}

// edit makes a version of a text: runs of it are copied, some moved or left
// out, and new bytes put between.
func edit(r *rand.Rand, base []byte) version {
	var v version
	put := func(from, to int) {
		if to <= from {
			return
		}
		if n := len(v.copies); n > 0 && v.copies[n-1].From+v.copies[n-1].Len == from && v.copies[n-1].At+v.copies[n-1].Len == len(v.text) {
			v.copies[n-1].Len += to - from
		} else {
			v.copies = append(v.copies, Copy{len(v.text), from, to - from})
		}
		v.text = append(v.text, base[from:to]...)
	}
	at := 0
	for n := 1 + r.IntN(4); n > 0 && len(base) > 0; n-- {
		place := at + r.IntN(len(base)-at+1)
		put(at, place)
		at = place
		switch r.IntN(8) {
		case 0:
			v.text = append(v.text, snippets()[r.IntN(len(snippets()))]...)
		case 1:
			v.text = append(v.text, byte(' '+r.IntN(95)))
		case 2:
			v.text = append(v.text, '\n')
		case 3:
			at = min(len(base), at+1+r.IntN(3))
		case 4:
			at = min(len(base), at+1+r.IntN(200))
		case 5: // a run from elsewhere
			from := r.IntN(len(base) + 1)
			put(from, min(len(base), from+r.IntN(300)))
		case 6:
			s := snippets()[r.IntN(len(snippets()))]
			cut := r.IntN(len(s) + 1)
			v.text = append(v.text, s[:cut]...)
		case 7:
			v.text = append(v.text, fmt.Sprintf("func f%d(a string) error { return errors.New(\"no %d\") }\n", r.IntN(100), r.IntN(1000))...)
		}
	}
	put(at, len(base))
	return v
}

// TestDeltaEqualsWhole asserts that scanning versions of a text by what
// differs gives what scanning each whole does.
func TestDeltaEqualsWhole(t *testing.T) {
	e, err := New(rule.Catalogue(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	found := 0
	for seed := range uint64(rounds) {
		found += checkVersions(t, e, seed)
	}
	if found < rounds {
		t.Errorf("only %d findings in %d texts: the test tests nothing", found, rounds)
	}
}

func checkVersions(t *testing.T, e *Engine, seed uint64) (found int) {
	r := rand.New(rand.NewPCG(seed, 1))
	var text []byte
	for range r.IntN(12) {
		text = append(text, snippets()[r.IntN(len(snippets()))]...)
	}
	s, whole := e.NewScanner(), e.NewScanner()
	base := new(Memory)
	if _, err := s.ScanKeep(text, base); err != nil {
		t.Fatal(err)
	}
	for n := range 25 {
		v := edit(r, text)
		m := new(Memory)
		got, err := s.ScanDelta(v.text, base, v.copies, m)
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Scan(v.text)
		if err != nil {
			t.Fatal(err)
		}
		found += len(want)
		if why := differ(got, want); why != "" {
			t.Errorf("seed %d, version %d: %s", seed, n, why)
			return found
		}
		text, base = v.text, m
	}
	return found
}

// differ says where two scans differ, never what they found.
func differ(got, want []Match) string {
	name := func(m *Match) string {
		return fmt.Sprintf("%s at %d-%d in %d-%d %v", m.Rule.ID, m.Start, m.End, m.FullStart, m.FullEnd, m.Encodings)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "missed " + name(&want[i])
		case i >= len(want):
			return "made up " + name(&got[i])
		case name(&got[i]) != name(&want[i]) || !bytes.Equal(got[i].Secret, want[i].Secret):
			return "has " + name(&got[i]) + " where the whole has " + name(&want[i])
		}
	}
	return ""
}

// FuzzDelta makes a text out of another by a program of copies and inserts,
// and compares the scan of what differs with that of the whole.
func FuzzDelta(f *testing.F) {
	for i := 0; i < len(snippets()); i += 97 {
		f.Add(snippets()[i], []byte{0, 0, 40, 1, 3, 'a', 'b', 'c', 0, 20, 90})
	}
	e, err := New(rule.Catalogue(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	s, whole := e.NewScanner(), e.NewScanner()
	f.Fuzz(func(t *testing.T, base, program []byte) {
		v := runProgram(base, program)
		first, second := new(Memory), new(Memory)
		if _, err := s.ScanKeep(base, first); err != nil {
			t.Fatal(err)
		}
		got, err := s.ScanDelta(v.text, first, v.copies, second)
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Scan(v.text)
		if err != nil {
			t.Fatal(err)
		}
		if why := differ(got, want); why != "" {
			t.Error(why)
		}
	})
}

// runProgram reads instructions: an even byte copies from a place so many
// bytes, an odd one inserts the bytes that follow.
func runProgram(base, program []byte) version {
	var v version
	for len(program) >= 2 {
		if program[0]%2 == 1 {
			n := min(int(program[1]), len(program)-2)
			v.text = append(v.text, program[2:2+n]...)
			program = program[2+n:]
			continue
		}
		if len(program) < 3 {
			break
		}
		from := min(len(base), int(program[1])*(1+int(program[0])/16))
		n := min(len(base)-from, int(program[2])*(1+int(program[0])/64))
		program = program[3:]
		if n == 0 {
			continue
		}
		if k := len(v.copies); k > 0 && v.copies[k-1].At+v.copies[k-1].Len == len(v.text) && v.copies[k-1].From+v.copies[k-1].Len == from {
			v.copies[k-1].Len += n
		} else {
			v.copies = append(v.copies, Copy{len(v.text), from, n})
		}
		v.text = append(v.text, base[from:from+n]...)
	}
	return v
}
