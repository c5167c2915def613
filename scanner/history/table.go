package history

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/remint/remint/scanner/history/mapped"
)

const fanoutSize = 256 * 4

var errIndex = errors.New("the index is malformed; rebuild it with `git index-pack` or `git multi-pack-index write`")

// table is a sorted list of ids in a file, found through counts by first byte.
type table struct {
	file   *mapped.File
	names  int64 // offset of the first id
	stride int64 // from one id to the next, in bytes
	size   int   // of an id
	fanout [256]uint32
}

// readFanout reads the counts at an offset.
func (t *table) readFanout(off int64) error {
	data, err := t.file.Slice(off, fanoutSize)
	if err != nil {
		return err
	}
	var last uint32
	for i := range t.fanout {
		t.fanout[i] = binary.BigEndian.Uint32(data[4*i:])
		if t.fanout[i] < last {
			return errIndex
		}
		last = t.fanout[i]
	}
	return nil
}

// count is how many ids there are.
func (t *table) count() int64 { return int64(t.fanout[255]) }

// find returns the position of an id, or -1.
func (t *table) find(id ID) (int64, error) {
	want := id.Bytes()
	if len(want) != t.size {
		return -1, nil
	}
	lo, hi := int64(0), int64(t.fanout[want[0]])
	if want[0] > 0 {
		lo = int64(t.fanout[want[0]-1])
	}
	for lo < hi {
		mid := (lo + hi) / 2
		have, err := t.file.Slice(t.names+mid*t.stride, t.size)
		if err != nil {
			return -1, err
		}
		switch c := bytes.Compare(have, want); {
		case c == 0:
			return mid, nil
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return -1, nil
}

// uint32At reads the i-th of the numbers that start at an offset.
func uint32At(f *mapped.File, off, i int64) (uint32, error) {
	b, err := f.Slice(off+4*i, 4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

// longOffset reads the i-th of the 64-bit offsets between two places of f.
func longOffset(f *mapped.File, off, end, i int64) (int64, error) {
	if off+8*i+8 > end {
		return 0, errIndex
	}
	b, err := f.Slice(off+8*i, 8)
	if err != nil {
		return 0, err
	}
	v := binary.BigEndian.Uint64(b)
	if v >= 1<<63 {
		return 0, errIndex
	}
	return int64(v), nil
}
