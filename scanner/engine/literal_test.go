package engine

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// TestLiteralsAgreeWithSearch compares the table with a plain search, over
// random texts of few letters so that hits are many, at every alignment.
func TestLiteralsAgreeWithSearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	alphabet := []byte("abAB_-\n\x00\xc3")
	for round := range 400 {
		var lits []literal
		seen := map[string]bool{}
		for len(lits) < 1+round%9 {
			w := randomBytes(rnd, []byte("ab_-\n"), 3+rnd.IntN(6))
			if !seen[string(w)] {
				seen[string(w)] = true
				lits = append(lits, literal{text: w})
			}
		}
		text := randomBytes(rnd, alphabet, rnd.IntN(70))
		type hit struct{ lit, pos int }
		var got, want []hit
		newLiterals(lits).scan(text, func(lit, pos int) { got = append(got, hit{lit, pos}) })
		lower := lowerASCII(string(text))
		for i, l := range lits {
			for p := 0; p+len(l.text) <= len(lower); p++ {
				if bytes.Equal(lower[p:p+len(l.text)], l.text) {
					want = append(want, hit{i, p})
				}
			}
		}
		order := func(a, b hit) int {
			if a.pos != b.pos {
				return a.pos - b.pos
			}
			return a.lit - b.lit
		}
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) {
			t.Fatalf("text %q, literals %q: got %v, want %v", text, lits, got, want)
		}
	}
}

func randomBytes(rnd *rand.Rand, set []byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[rnd.IntN(len(set))]
	}
	return b
}

func TestSpellings(t *testing.T) {
	got := spellings("Api_key")
	want := []string{"apikey", "api_key", "api-key", "api.key", "api key"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := literalsOfName("browserstack_access_key"); !slices.Equal(got, []string{"browserstack"}) {
		t.Errorf("the distinctive word is not alone: %q", got)
	}
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		expr     string
		keywords []string
		want     shape
	}{
		{`\bghp_[a-z]{4}\b`, []string{"ghp_"}, shape{maxLen: 8, before: 0, leading: leadWord, certain: true}},
		{`(?:sk|rk)_live_[a-z]{3}`, []string{"sk_live_", "rk_live_"}, shape{maxLen: 11, before: 0, certain: true}},
		{`[a-z]{0,5}key=\d+`, []string{"key"}, shape{maxLen: -1, before: 5, leading: leadOther, certain: true}},
		{`(?i)x(?:api|auth)[ :]+\S{3}`, []string{"xapi", "xauth"}, shape{maxLen: -1, before: 0, certain: true}},
		{`[^"]*key`, []string{"key"}, shape{maxLen: -1, multiline: true, before: -1, leading: leadOther, certain: true}},
		{`(?:key|\d+)z`, []string{"key"}, shape{maxLen: -1, before: -1}},
		{`a.{2}$`, []string{"b"}, shape{maxLen: 9, anchors: true, before: -1}},
		{`tok(?:en)?_[0-9]`, []string{"tok"}, shape{maxLen: 7, before: 0, certain: true}},
	} {
		got, err := shapeOf(c.expr, c.keywords)
		if err != nil {
			t.Fatal(err)
		}
		got.required = nil
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.expr, got, c.want)
		}
	}
}

func TestRequired(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`[a-z]{2,9}://[^:@\s]+:([^@\s]+)@`, "://|:|@"},
		{`\bYC[A-Za-z0-9_-]{38}(?:[^A-Z]|$)`, "YC"},
		{`(?i)(?:server|host)\s?=[^;]{1,9};\s?pass\s?=`, "=|;"},
		{`(?:ab|cd)e?(f+)`, "f"},
		{`-----BEGIN (?:RSA )?PRIVATE KEY-----x*-----END`, "PRIVATE KEY-----|-----BEGIN |-----END"},
	} {
		got, err := shapeOf(c.expr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(bytes.Join(got.required, []byte("|"))); text != c.want {
			t.Errorf("%s: requires %s, want %s", c.expr, text, c.want)
		}
	}
}
