package gitindex

import (
	"bytes"
	"strconv"
)

// Resolved is one side of a conflict that was resolved: what `git checkout
// --merge` needs to bring the conflict back.
type Resolved struct {
	Name  []byte
	Mode  uint32
	RawID []byte
	Stage uint8 // 1 to 3
}

// parseResolved reads the REUC extension: a name and three octal modes, each
// with a NUL after it, then an id for each mode that is not zero. What follows
// something malformed is left out: it is not needed to read the index.
func parseResolved(b []byte, size int) (all []Resolved) {
	for len(b) > 0 {
		name, rest, ok := bytes.Cut(b, []byte{0})
		var modes [3]uint64
		for i := range modes {
			digits, after, cut := bytes.Cut(rest, []byte{0})
			mode, err := strconv.ParseUint(string(digits), 8, 32)
			ok = ok && cut && err == nil
			modes[i], rest = mode, after
		}
		for i, mode := range modes {
			if !ok || mode == 0 {
				continue
			}
			if len(rest) < size {
				return all
			}
			all = append(all, Resolved{Name: name, Mode: uint32(mode), RawID: rest[:size:size], Stage: uint8(i + 1)})
			rest = rest[size:]
		}
		if !ok {
			return all
		}
		b = rest
	}
	return all
}
