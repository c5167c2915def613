package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/remint/remint/scanner/history/mapped"
)

// ErrCorrupt is what errors.Is finds in an error about an index that cannot
// be read.
var ErrCorrupt = errors.New("the index is corrupt; make a new one with `git read-tree HEAD`, which leaves your files alone")

const (
	indexHeader = 12 // signature, version, number of entries
	statSize    = 40 // what an entry says of the file, before the id
	modeOffset  = 24 // of the mode in it
	idOffset    = statSize

	kindMask = 0o170000 // of a mode
	kindDir  = 0o040000

	flagExtended    = 0x4000
	flagIntentToAdd = 0x2000 // of the extended flags
	nameMask        = 0x0fff

	// A version 4 index spells names as ends that are put to the one before;
	// a hostile one could spell terabytes. This bounds it, in bytes.
	namesBase, namesFactor = 64 << 20, 8
)

// Entry is one entry of the index. Its slices are parts of the file, or of
// the names that were put together.
type Entry struct {
	Name  []byte // a directory of a sparse index ends in a slash
	Stage uint8  // 0, or 1 to 3 for one side of a conflict
	Later bool   // intent to add: the path is known, its content is not

	raw []byte // stat data and id
}

// Mode is the entry's kind and permissions, as in a tree.
func (e *Entry) Mode() uint32 { return binary.BigEndian.Uint32(e.raw[modeOffset:]) }

// RawID is the bytes of the object's id.
func (e *Entry) RawID() []byte { return e.raw[idOffset:] }

// IsDir tells whether the entry stands for all files of a directory, as in a
// sparse index.
func (e *Entry) IsDir() bool { return e.Mode()&kindMask == kindDir }

// Index is a parsed index file.
type Index struct {
	// Entries are in the order of their names, as bytes.
	Entries []Entry
	// Tree is empty when the index does not remember any directory's tree.
	Tree []Node
	// Resolved are the sides of conflicts that were resolved since.
	Resolved []Resolved

	link  []byte // from the link extension: a split index
	sum   []byte // the hash at the file's end
	body  []byte // what it is the hash of
	files []*mapped.File
}

// Parse reads an index file of a repository whose ids have so many bytes.
// Nothing in it is believed: slices are checked, and numbers set aside no more
// memory than the file has bytes. What a split index shares with others is
// left to Read.
func Parse(data []byte, size int) (*Index, error) {
	if len(data) < indexHeader+size || string(data[:4]) != "DIRC" {
		return nil, ErrCorrupt
	}
	p := parser{
		version: binary.BigEndian.Uint32(data[4:]),
		count:   binary.BigEndian.Uint32(data[8:]),
		data:    data[:len(data)-size],
		at:      indexHeader,
		size:    size,
	}
	if p.version < 2 || p.version > 4 {
		return nil, fmt.Errorf("index version %d is not supported", p.version)
	}
	x := &Index{sum: data[len(data)-size:], body: p.data}
	var err error
	if x.Entries, err = p.entries(); err != nil {
		return nil, err
	}
	return x, p.extensions(x)
}

type parser struct {
	version, count uint32
	data           []byte // the file without its hash
	at             int
	size           int    // of an id
	names          []byte // version 4: the names, one after another
	spelled        int64  // how many bytes of names were put together
}

// smallest is the length that no entry is shorter than, in bytes.
func (p *parser) smallest() int { return statSize + p.size + 3 }

func (p *parser) entries() ([]Entry, error) {
	if int64(p.count)*int64(p.smallest()) > int64(len(p.data)) {
		return nil, ErrCorrupt
	}
	entries := make([]Entry, p.count)
	var last []byte
	for i := range entries {
		if err := p.entry(&entries[i], last); err != nil {
			return nil, err
		}
		last = entries[i].Name
	}
	return entries, nil
}

func (p *parser) entry(e *Entry, last []byte) error {
	b := p.data[p.at:]
	head := statSize + p.size
	if len(b) < p.smallest() {
		return ErrCorrupt
	}
	e.raw = b[:head:head]
	flags := binary.BigEndian.Uint16(b[head:])
	e.Stage = uint8(flags >> 12 & 3)
	head += 2
	if flags&flagExtended != 0 {
		if p.version < 3 || len(b) < head+3 {
			return ErrCorrupt
		}
		e.Later = binary.BigEndian.Uint16(b[head:])&flagIntentToAdd != 0
		head += 2
	}
	if p.version == 4 {
		return p.shortName(e, b, head, last)
	}
	n := bytes.IndexByte(b[head:], 0)
	if said := int(flags & nameMask); n < 0 || n != said && (said != nameMask || n < said) {
		return ErrCorrupt
	}
	e.Name = b[head : head+n : head+n]
	if length := (head + n + 8) &^ 7; length <= len(b) {
		p.at += length
		return nil
	}
	return ErrCorrupt
}

// shortName reads a version 4 name: how many bytes to take off the end of the
// one before, and what to put there.
func (p *parser) shortName(e *Entry, b []byte, at int, last []byte) error {
	strip, n := stripLength(b[at:])
	if n == 0 || strip > uint64(len(last)) {
		return ErrCorrupt
	}
	at += n
	n = bytes.IndexByte(b[at:], 0)
	if n < 0 {
		return ErrCorrupt
	}
	keep := last[:len(last)-int(strip)]
	if p.spelled += int64(len(keep) + n); p.spelled > namesBase+namesFactor*int64(len(p.data)) {
		return ErrCorrupt
	}
	if cap(p.names)-len(p.names) < len(keep)+n {
		p.names = make([]byte, 0, max(1<<16, len(keep)+n)) // the names so far stay where they are
	}
	start := len(p.names)
	p.names = append(append(p.names, keep...), b[at:at+n]...)
	e.Name = p.names[start:len(p.names):len(p.names)]
	p.at += at + n + 1
	return nil
}

func stripLength(b []byte) (uint64, int) {
	var v uint64
	for i, c := range b {
		if i == 9 {
			break
		}
		if i > 0 {
			v = (v + 1) << 7
		}
		v |= uint64(c & 0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// extensions reads what follows the entries. An extension whose name starts
// in upper case may be left out; any other must be understood.
func (p *parser) extensions(x *Index) error {
	b := p.data[p.at:]
	for len(b) > 0 {
		if len(b) < 8 {
			return ErrCorrupt
		}
		name, n := string(b[:4]), int64(binary.BigEndian.Uint32(b[4:]))
		if b = b[8:]; n > int64(len(b)) {
			return ErrCorrupt
		}
		content := b[:n]
		b = b[n:]
		switch {
		case name == "TREE":
			x.Tree = parseCacheTree(content, p.size)
		case name == "REUC":
			x.Resolved = parseResolved(content, p.size)
		case name == "link":
			x.link = content
		case name == "sdir" || name[0] >= 'A' && name[0] <= 'Z':
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == "":
			return fmt.Errorf("the index needs the extension %q, which is not supported", name)
		default:
			return ErrCorrupt
		}
	}
	return nil
}
