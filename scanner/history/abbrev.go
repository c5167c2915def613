package history

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

const (
	shortestPrefix = 4 // digits of an abbreviated id; git's bound
	// maxCandidates is how many objects of one prefix are looked at.
	maxCandidates = 1 << 10
)

// idPrefix is how an id begins.
type idPrefix struct {
	digits string // in lower case
	low    []byte // the bytes of the digits, the last completed by a zero
}

func parsePrefix(s string, format Format) (idPrefix, bool) {
	if len(s) < shortestPrefix || len(s) > 2*format.Size() {
		return idPrefix{}, false
	}
	p := idPrefix{digits: strings.ToLower(s)}
	low, err := hex.DecodeString(p.digits + strings.Repeat("0", len(s)%2))
	p.low = low
	return p, err == nil
}

// matches tells whether an id begins so.
func (p idPrefix) matches(raw []byte) bool {
	whole := len(p.digits) / 2
	return bytes.Equal(raw[:whole], p.low[:whole]) && (len(p.digits)%2 == 0 || raw[whole]>>4 == p.low[whole]>>4)
}

// withPrefix returns the objects whose ids begin so, as far as there are not
// too many. The error says what could not be searched.
func (r *Repo) withPrefix(p idPrefix) (ids []ID, err error) {
	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
	seen := map[ID]bool{}
	add := func(id ID) bool {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return len(ids) < maxCandidates
	}
	stores, err := r.alternates()
	problems := []error{err}
	for _, s := range append([]*store{r.own}, stores...) {
		problems = append(problems, s.withPrefix(p, add))
	}
	return ids, errors.Join(problems...)
}

func (s *store) withPrefix(p idPrefix, add func(ID) bool) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, p.digits[:2]))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, e := range entries {
		name := p.digits[:2] + e.Name()
		if id := hexID([]byte(name), s.format); strings.HasPrefix(name, p.digits) && !id.IsZero() && !add(id) {
			break
		}
	}
	c := s.list()
	problems := append([]error{err}, c.problems...)
	if c.multi != nil {
		problems = append(problems, c.multi.withPrefix(p, add))
	}
	for _, pack := range c.indexed {
		index, err := pack.names()
		if err == nil {
			err = index.withPrefix(p, add)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// withPrefix calls add for the ids that begin so, until it returns false.
func (t *table) withPrefix(p idPrefix, add func(ID) bool) error {
	lo, hi := int64(0), int64(t.fanout[p.low[0]])
	if p.low[0] > 0 {
		lo = int64(t.fanout[p.low[0]-1])
	}
	end := hi
	for lo < hi {
		mid := (lo + hi) / 2
		have, err := t.file.Slice(t.names+mid*t.stride, t.size)
		if err != nil {
			return err
		}
		if bytes.Compare(have, p.low) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < end; lo++ {
		have, err := t.file.Slice(t.names+lo*t.stride, t.size)
		if err != nil {
			return err
		}
		if !p.matches(have) || !add(NewID(have)) {
			return nil
		}
	}
	return nil
}
