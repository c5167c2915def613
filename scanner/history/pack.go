package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/remint/remint/scanner/history/mapped"
)

// The kinds of a pack's entries that are no objects by themselves.
const (
	offsetDelta = 6 // the base is so many bytes before, in the same pack
	idDelta     = 7 // the base is named by its id
)

const packHeader = 12 // bytes before a pack's first entry

// entryHeader is the length that no entry's header exceeds, in bytes.
const entryHeader = 10 + maxIDSize

var (
	errPack  = errors.New("the pack is malformed")
	errStale = errors.New("the index was made for another pack")
)

// pack is one pack and its index, each opened when first used.
type pack struct {
	base   string // the path, without extension
	format Format

	open    sync.Once
	file    *mapped.File
	fileErr error

	openIndex sync.Once
	index     *packIndex
	indexErr  error

	check    sync.Once
	checkErr error
}

func (p *pack) name() string { return p.base + ".pack" }

// data opens the pack.
func (p *pack) data() (*mapped.File, error) {
	p.open.Do(func() {
		if p.file, p.fileErr = mapped.Open(p.name()); p.fileErr == nil {
			p.fileErr = p.checkHeader()
		}
	})
	return p.file, p.fileErr
}

func (p *pack) checkHeader() error {
	head, err := p.file.Slice(0, packHeader)
	if err != nil {
		return err
	}
	v := binary.BigEndian.Uint32(head[4:])
	if string(head[:4]) != "PACK" || v != 2 && v != 3 {
		return fmt.Errorf("%s: %w", p.name(), errPack)
	}
	_, err = p.file.Slice(p.end(), p.format.Size())
	return err
}

// end is where the pack's trailing hash starts.
func (p *pack) end() int64 { return p.file.Size() - int64(p.format.Size()) }

// names opens the pack's index.
func (p *pack) names() (*packIndex, error) {
	p.openIndex.Do(func() { p.index, p.indexErr = openPackIndex(p.base+".idx", p.format) })
	return p.index, p.indexErr
}

// find returns the place of an object in the pack, or -1.
func (p *pack) find(id ID) (int64, error) {
	index, err := p.names()
	if err != nil {
		return -1, err
	}
	off, err := index.find(id)
	if off < 0 || err != nil {
		return -1, err
	}
	return off, p.checkIndexOnce()
}

// checkIndex makes sure that the index speaks of this pack.
func (p *pack) checkIndex() error {
	file, err := p.data()
	if err != nil {
		return err
	}
	want, err := p.index.packSum()
	if err != nil {
		return err
	}
	have, err := file.Slice(p.end(), p.format.Size())
	if err != nil {
		return err
	}
	if !bytes.Equal(want, have) {
		return fmt.Errorf("%s.idx: %w", p.base, errStale)
	}
	return nil
}

// entry is the header of one entry of a pack.
type entry struct {
	kind  byte  // a Type, offsetDelta or idDelta
	size  int64 // of the object or, for a delta, of its instructions, in bytes
	data  int64 // where the compressed bytes start
	below int64 // offsetDelta: where the base is
	base  ID    // idDelta: which object the base is
}

func (e entry) isDelta() bool { return e.kind >= offsetDelta }

// entry reads the header at an offset of the pack.
func (p *pack) entry(off int64) (entry, error) {
	file, err := p.data()
	if err != nil {
		return entry{}, err
	}
	if off < packHeader || off >= p.end() {
		return entry{}, errPack
	}
	head, err := file.Slice(off, int(min(entryHeader, p.end()-off)))
	if err != nil {
		return entry{}, err
	}
	return parseEntry(head, off, p.format)
}

// parseEntry reads an entry's header, which starts at an offset of its pack.
func parseEntry(head []byte, off int64, format Format) (entry, error) {
	if len(head) == 0 {
		return entry{}, errPack
	}
	e := entry{kind: head[0] >> 4 & 7, size: int64(head[0] & 15)}
	i := 1
	for shift := 4; head[i-1] >= 0x80; i++ {
		if i == len(head) || shift > 53 {
			return entry{}, errPack
		}
		e.size |= int64(head[i]&0x7f) << shift
		shift += 7
	}
	switch e.kind {
	case byte(Commit), byte(Tree), byte(Blob), byte(Tag):
	case offsetDelta:
		back, n := backOffset(head[i:])
		if n == 0 || back <= 0 || back > off-packHeader {
			return entry{}, errPack
		}
		e.below, i = off-back, i+n
	case idDelta:
		if len(head)-i < format.Size() {
			return entry{}, errPack
		}
		e.base, i = NewID(head[i:i+format.Size()]), i+format.Size()
	default:
		return entry{}, errPack
	}
	e.data = off + int64(i)
	return e, nil
}

// backOffset reads the distance to a delta's base, and how many bytes it
// takes; 0 when it is malformed.
func backOffset(b []byte) (int64, int) {
	var v int64
	for i, c := range b {
		if i == 9 {
			break
		}
		if i > 0 {
			v = (v + 1) << 7
		}
		v |= int64(c & 0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// inflate decompresses an entry's bytes into buf's array, or a longer one.
func (p *pack) inflate(e entry, buf []byte) ([]byte, error) {
	return inflate(p.file.Reader(e.data, p.end()), buf, e.size)
}

func (p *pack) close() {
	if p.file != nil {
		p.file.Close()
	}
	if p.index != nil {
		p.index.file.Close()
	}
}
