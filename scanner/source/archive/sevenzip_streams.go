package archive

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf16"
)

// sevenStreams is what a header says of the packed streams: lists that are
// read one folder after the other. A folder is a solid block and how it is
// packed.
type sevenStreams struct {
	packAt    uint64 // where the next folder's first packed stream begins
	packs     uint64 // packed streams left
	packSizes sevenCursor
	left      uint64 // folders left
	folders   sevenCursor
	sizes     sevenCursor
	crcs      digestList
	// Of the files in the folders.
	counts    sevenCursor
	hasCounts bool
	subSizes  sevenCursor
	subCRCs   digestList
}

// sevenFolder is one block.
type sevenFolder struct {
	coders  []sevenCoder
	binds   []sevenBind
	packed  []uint64    // the inputs that packed streams feed
	streams []sevenPack // those streams
	sizes   []uint64    // of every coder's output
	crc     uint32
	hasCRC  bool
	files   uint64
	// filtered: a filter for machine code is left undone.
	filtered bool
}

type sevenCoder struct {
	id      string
	inputs  uint64
	firstIn uint64
	props   []byte
}

type sevenBind struct{ in, out uint64 }

type sevenPack struct{ at, size uint64 }

// Bounds on a folder; 7-Zip itself makes four coders at most.
const (
	maxCoders = 8
	maxInputs = 16
)

// parseSevenHeader finds the lists in a header.
func parseSevenHeader(b []byte) (*sevenStreams, *sevenFilesInfo, error) {
	c := &sevenCursor{b: b}
	streams, files := &sevenStreams{}, &sevenFilesInfo{}
	id := c.byte()
	if id == sevenArchiveProps {
		for c.byte() != sevenEnd && !c.bad {
			c.take(c.number())
		}
		id = c.byte()
	}
	if id == 0x03 {
		return nil, nil, fail(Unsupported, "its header is in several parts")
	}
	if id == sevenMainStreams {
		s, err := parseSevenStreams(c)
		if err != nil {
			return nil, nil, err
		}
		streams = s
		id = c.byte()
	}
	if id == sevenFiles {
		if err := files.parse(c); err != nil {
			return nil, nil, err
		}
		id = c.byte()
	}
	if c.bad || id != sevenEnd {
		return nil, nil, errSevenHeader
	}
	return streams, files, nil
}

func parseSevenStreams(c *sevenCursor) (*sevenStreams, error) {
	s := &sevenStreams{}
	id := c.byte()
	if id == sevenPackInfo {
		s.packAt, s.packs = c.number(), c.number()
		if id = c.byte(); id == sevenSize {
			s.packSizes = *c
			c.skipNumbers(s.packs)
			id = c.byte()
		}
		if id == sevenCRC {
			c.digests(s.packs)
			id = c.byte()
		}
		if id != sevenEnd {
			return nil, errSevenHeader
		}
		id = c.byte()
	}
	if id == sevenUnpackInfo {
		if err := s.parseFolders(c); err != nil {
			return nil, err
		}
		id = c.byte()
	}
	if id == sevenSubStreams {
		if err := s.parseSubStreams(c); err != nil {
			return nil, err
		}
		id = c.byte()
	}
	if c.bad || id != sevenEnd {
		return nil, errSevenHeader
	}
	return s, nil
}

func (c *sevenCursor) skipNumbers(n uint64) {
	for ; n > 0 && !c.bad; n-- {
		c.number()
	}
}

func (s *sevenStreams) parseFolders(c *sevenCursor) error {
	if c.byte() != sevenFolders {
		return errSevenHeader
	}
	s.left = c.number()
	if c.byte() != 0 {
		return fail(Unsupported, "its header is in several parts")
	}
	s.folders = *c
	outputs := uint64(0)
	for range s.left {
		f, err := parseFolder(c)
		if err != nil {
			return err
		}
		outputs += uint64(len(f.coders))
	}
	if c.byte() != sevenUnpackSizes {
		return errSevenHeader
	}
	s.sizes = *c
	c.skipNumbers(outputs)
	id := c.byte()
	if id == sevenCRC {
		s.crcs = c.digests(s.left)
		id = c.byte()
	}
	if c.bad || id != sevenEnd {
		return errSevenHeader
	}
	return nil
}

func parseFolder(c *sevenCursor) (*sevenFolder, error) {
	f := &sevenFolder{}
	n := c.number()
	if n == 0 || n > maxCoders {
		return nil, errSevenHeader
	}
	inputs := uint64(0)
	for range n {
		flags := c.byte()
		coder := sevenCoder{id: string(c.take(uint64(flags & 15))), inputs: 1, firstIn: inputs}
		outputs := uint64(1)
		if flags&0x10 != 0 {
			coder.inputs, outputs = c.number(), c.number()
		}
		if flags&0x20 != 0 {
			coder.props = c.take(c.number())
		}
		if c.bad || flags&0xc0 != 0 || coder.inputs > maxInputs || outputs != 1 {
			return nil, errSevenHeader
		}
		inputs += coder.inputs
		f.coders = append(f.coders, coder)
	}
	binds := n - 1
	if inputs < binds || inputs > maxInputs {
		return nil, errSevenHeader
	}
	for range binds {
		f.binds = append(f.binds, sevenBind{c.number(), c.number()})
	}
	f.packedInputs(c, inputs, inputs-binds)
	if c.bad {
		return nil, errSevenHeader
	}
	return f, nil
}

// packedInputs says which inputs the packed streams feed.
func (f *sevenFolder) packedInputs(c *sevenCursor, inputs, packed uint64) {
	if packed != 1 {
		for range packed {
			f.packed = append(f.packed, c.number())
		}
		return
	}
	for in := range inputs {
		if _, bound := f.boundTo(in); !bound {
			f.packed = append(f.packed, in)
			return
		}
	}
	c.bad = true
}

// boundTo returns the output that feeds an input.
func (f *sevenFolder) boundTo(in uint64) (out uint64, ok bool) {
	for _, b := range f.binds {
		if b.in == in {
			return b.out, true
		}
	}
	return 0, false
}

// last is the coder whose output feeds no other.
func (f *sevenFolder) last() int {
	for i := range f.coders {
		used := false
		for _, b := range f.binds {
			used = used || b.out == uint64(i)
		}
		if !used {
			return i
		}
	}
	return -1
}

func (f *sevenFolder) unpackSize() uint64 {
	if i := f.last(); i >= 0 {
		return f.sizes[i]
	}
	return 0
}

func (s *sevenStreams) parseSubStreams(c *sevenCursor) error {
	id := c.byte()
	if id == sevenStreamCounts {
		s.counts, s.hasCounts = *c, true
		c.skipNumbers(s.left)
		id = c.byte()
	}
	sizes, sums, err := s.countSubStreams()
	if err != nil {
		return err
	}
	if id == sevenSize {
		s.subSizes = *c
		c.skipNumbers(sizes)
		id = c.byte()
	}
	if id == sevenCRC {
		s.subCRCs = c.digests(sums)
		id = c.byte()
	}
	if c.bad || id != sevenEnd {
		return errSevenHeader
	}
	return nil
}

// countSubStreams says how many sizes and checksums of files are listed: not
// those that a folder of one file says already.
func (s *sevenStreams) countSubStreams() (sizes, sums uint64, err error) {
	counts, crcs := s.counts, s.crcs
	for range s.left {
		n := uint64(1)
		if s.hasCounts {
			n = counts.number()
		}
		if n > math.MaxUint32 {
			return 0, 0, errSevenHeader
		}
		if n > 0 {
			sizes += n - 1
		}
		if _, known := crcs.next(); n != 1 || !known {
			sums += n
		}
		if counts.bad {
			return 0, 0, errSevenHeader
		}
	}
	return sizes, sums, nil
}

// next reads the next folder; nil after the last.
func (s *sevenStreams) next() (*sevenFolder, error) {
	if s.left == 0 {
		return nil, nil
	}
	s.left--
	f, err := parseFolder(&s.folders)
	if err != nil {
		return nil, err
	}
	for range f.coders {
		f.sizes = append(f.sizes, s.sizes.number())
	}
	f.crc, f.hasCRC = s.crcs.next()
	f.files = 1
	if s.hasCounts {
		f.files = s.counts.number()
	}
	for range f.packed {
		p := sevenPack{s.packAt, s.packSizes.number()}
		if s.packs == 0 || s.packSizes.bad || p.size > math.MaxInt64-p.at {
			return nil, errSevenHeader
		}
		s.packs--
		s.packAt += p.size
		f.streams = append(f.streams, p)
	}
	if s.sizes.bad || f.last() < 0 {
		return nil, errSevenHeader
	}
	return f, nil
}

// sevenFilesInfo is what a header says of the files: lists again.
type sevenFilesInfo struct {
	count      uint64
	empty      bitList // of no data: a folder, or an empty file
	emptyFile  bitList // of those, which are files
	names      sevenCursor
	modified   sevenCursor
	hasTime    bitList
	file, none uint64 // read so far; of those, of no data
}

func (l *sevenFilesInfo) parse(c *sevenCursor) error {
	l.count = c.number()
	for !c.bad {
		id := c.byte()
		if id == sevenEnd {
			break
		}
		p := sevenCursor{b: c.take(c.number())}
		switch id {
		case sevenEmptyStream:
			l.empty = p.bits(l.count)
		case sevenEmptyFile:
			l.emptyFile = bitList{bits: p.b}
		case sevenNames:
			if p.byte() != 0 {
				return fail(Unsupported, "its header is in several parts")
			}
			l.names = p
		case sevenModified:
			l.hasTime = p.optionalBits(l.count)
			if p.byte() != 0 {
				return fail(Unsupported, "its header is in several parts")
			}
			l.modified = p
		}
		if p.bad {
			return errSevenHeader
		}
	}
	if c.bad {
		return errSevenHeader
	}
	return nil
}

// sevenFile is one file.
type sevenFile struct {
	name     string
	modified time.Time
	noData   bool
	folder   bool
}

// next reads the next file; false after the last.
func (l *sevenFilesInfo) next() (f sevenFile, ok bool) {
	if l.file == l.count || l.names.bad {
		return f, false
	}
	f.name = l.nextName()
	if f.noData = l.empty.at(l.file); f.noData {
		f.folder = !l.emptyFile.at(l.none)
		l.none++
	}
	if l.hasTime.at(l.file) {
		if b := l.modified.take(8); b != nil {
			f.modified = fileTime(le64(b))
		}
	}
	l.file++
	return f, !l.names.bad
}

// nextName decodes a name: UTF-16 up to a zero.
func (l *sevenFilesInfo) nextName() string {
	var units []uint16
	for {
		b := l.names.take(2)
		if b == nil {
			return ""
		}
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			return string(utf16.Decode(units))
		}
		if len(units) <= maxName {
			units = append(units, u)
		}
	}
}

// fileTime converts tenths of microseconds since 1601.
func fileTime(t uint64) time.Time {
	const to1970 = 116444736000000000
	if t < to1970 || t > math.MaxInt64 {
		return time.Time{}
	}
	t -= to1970
	return time.Unix(int64(t/1e7), int64(t%1e7)*100).UTC()
}
