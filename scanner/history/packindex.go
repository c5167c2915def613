package history

import (
	"encoding/binary"
	"fmt"

	"github.com/remint/remint/scanner/history/mapped"
)

// packIndex says where in a pack each of its objects is; versions 1 and 2.
type packIndex struct {
	table
	offsets int64 // version 2: where the 32-bit offsets start; 0 in version 1
	longs   int64 // where the 64-bit offsets start
	end     int64 // where the trailing hashes start
}

const packIndexMagic = 0xff744f63 // "\377tOc", from version 2 on

func openPackIndex(name string, format Format) (*packIndex, error) {
	file, err := mapped.Open(name)
	if err != nil {
		return nil, err
	}
	x := &packIndex{table: table{file: file, size: format.Size()}}
	if err := x.read(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return x, nil
}

func (x *packIndex) read() error {
	head, err := x.file.Slice(0, 8)
	if err != nil {
		return err
	}
	id := int64(x.size)
	x.end = x.file.Size() - 2*id
	if binary.BigEndian.Uint32(head) != packIndexMagic {
		if err := x.readFanout(0); err != nil {
			return err
		}
		x.names, x.stride = fanoutSize+4, id+4
		if fanoutSize+x.count()*x.stride != x.end {
			return errIndex
		}
		return nil
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != 2 {
		return fmt.Errorf("pack index version %d is not supported", v)
	}
	if err := x.readFanout(8); err != nil {
		return err
	}
	n := x.count()
	x.names, x.stride = 8+fanoutSize, id
	x.offsets = x.names + n*(id+4) // the ids, and a checksum for each
	x.longs = x.offsets + 4*n
	if x.longs > x.end || (x.end-x.longs)%8 != 0 {
		return errIndex
	}
	return nil
}

// find returns the place of an object in the pack, or -1.
func (x *packIndex) find(id ID) (int64, error) {
	pos, err := x.table.find(id)
	if pos < 0 || err != nil {
		return -1, err
	}
	return x.offset(pos)
}

// offset returns the place of the i-th object in the pack.
func (x *packIndex) offset(i int64) (int64, error) {
	if x.offsets == 0 {
		off, err := uint32At(x.file, fanoutSize+i*x.stride, 0)
		return int64(off), err
	}
	off, err := uint32At(x.file, x.offsets, i)
	if err != nil || off < 1<<31 {
		return int64(off), err
	}
	return longOffset(x.file, x.longs, x.end, int64(off&(1<<31-1)))
}

// packSum is the hash of the pack that the index was made for.
func (x *packIndex) packSum() ([]byte, error) { return x.file.Slice(x.end, x.size) }
