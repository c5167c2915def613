package histories

import (
	"bytes"
	"encoding/base64"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/remint/remint/scanner/rule"
)

// planter puts examples of the rules' secrets into some of the files of a
// history: the same into a file as long as it has the same name, from one
// version on and up to another, so that deltas cut through them.
type planter struct{ versions int }

// share is how many files have one planted, as one in so many.
const share = 40

// into returns a file's content with what is planted in it.
func (p *planter) into(path string, data []byte) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path))
	r := rand.New(rand.NewPCG(h.Sum64(), 7))
	from, until := r.IntN(20), 5+r.IntN(60)
	if r.IntN(share) != 0 || p.versions < from || p.versions > from+until || bytes.IndexByte(data, 0) >= 0 {
		return data
	}
	text := Examples()[r.IntN(len(Examples()))]
	if r.IntN(4) == 0 {
		text = "x = \"" + base64.StdEncoding.EncodeToString([]byte(text)) + "\""
	}
	// At the start of a line, which moves as the file grows.
	at := r.IntN(len(data) + 1)
	at = bytes.LastIndexByte(data[:at], '\n') + 1
	return slices.Concat(data[:at], []byte(text+"\n"), data[at:])
}

// Examples are texts that hold made-up secrets, of every rule.
var Examples = sync.OnceValue(func() []string {
	var all []string
	rules := rule.Catalogue()
	for i := range rules {
		if rules[i].Pattern == "" {
			continue
		}
		for n, t := range rules[i].Examples {
			if text, _, err := rules[i].Expand(t, uint64(i+n)); err == nil {
				all = append(all, text)
			}
		}
	}
	return all
})
