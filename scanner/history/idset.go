package history

import "encoding/binary"

// idSet is a set of ids, of which it keeps the first eight bytes.
type idSet struct {
	slots []uint64
	mask  uint64
}

func newIDSet(n int) idSet {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return idSet{slots: make([]uint64, size), mask: uint64(size - 1)}
}

func shortID(id *ID) uint64 { return max(binary.BigEndian.Uint64(id.sum[:]), 1) } // 0 is an empty slot

func (s *idSet) add(id *ID) {
	short := shortID(id)
	for i := short & s.mask; ; i = (i + 1) & s.mask {
		if s.slots[i] == 0 || s.slots[i] == short {
			s.slots[i] = short
			return
		}
	}
}

func (s *idSet) has(id *ID) bool {
	short := shortID(id)
	for i := short & s.mask; s.slots[i] != 0; i = (i + 1) & s.mask {
		if s.slots[i] == short {
			return true
		}
	}
	return false
}
