package archive

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// sevenHeaderLength is the length of the header at the beginning, in bytes.
const sevenHeaderLength = 32

// Property ids of a 7z header.
const (
	sevenEnd            = 0x00
	sevenHeader         = 0x01
	sevenArchiveProps   = 0x02
	sevenMainStreams    = 0x04
	sevenFiles          = 0x05
	sevenPackInfo       = 0x06
	sevenUnpackInfo     = 0x07
	sevenSubStreams     = 0x08
	sevenSize           = 0x09
	sevenCRC            = 0x0a
	sevenFolders        = 0x0b
	sevenUnpackSizes    = 0x0c
	sevenStreamCounts   = 0x0d
	sevenEmptyStream    = 0x0e
	sevenEmptyFile      = 0x0f
	sevenNames          = 0x11
	sevenModified       = 0x14
	sevenEncodedHeader  = 0x17
	sevenHeaderEncoding = 4 // how often a header may be packed again
)

var errSevenHeader = errors.New("its header is damaged")

// openSevenZip visits a 7z archive. The header is walked where it lies, by one
// cursor for each of its lists, because all the numbers in it are the input's
// to choose.
func (w *walker) openSevenZip(src source) {
	if src.at == nil {
		s, whole := w.spool(src.r)
		defer s.free()
		if !whole {
			w.openFault(&src, fail(Limit, "it is a 7z within another archive and larger than %d MiB", w.limits.Memory/2>>20))
			return
		}
		src.at, src.size, src.r = s, s.size, nil
	}
	header, free, err := w.sevenHeader(&src)
	defer free()
	if err != nil {
		w.openFault(&src, err)
		return
	}
	if header == nil {
		return // an empty archive
	}
	streams, files, err := parseSevenHeader(header)
	if err != nil {
		w.openFault(&src, err)
		return
	}
	v := &sevenVisit{w: w, src: &src, streams: streams, files: files}
	v.visit()
}

// sevenHeader reads the header and unpacks it.
func (w *walker) sevenHeader(src *source) (header []byte, free func(), err error) {
	reserved := int64(0)
	free = func() { w.release(reserved) }
	var start [sevenHeaderLength]byte
	if _, err := src.at.ReadAt(start[:], 0); err != nil {
		return nil, free, fmt.Errorf("it is cut off: %w", err)
	}
	if crc32.ChecksumIEEE(start[12:]) != le32(start[8:]) {
		return nil, free, errSevenHeader
	}
	off, size := le64(start[12:]), le64(start[20:])
	if size == 0 {
		return nil, free, nil
	}
	room := uint64(src.size - sevenHeaderLength)
	if off > room || size > room-off {
		return nil, free, errors.New("it is cut off: its header, which stands at its end, is missing")
	}
	if err := w.sevenReserve(src, size); err != nil {
		return nil, free, err
	}
	reserved += int64(size)
	header = make([]byte, size)
	if _, err := src.at.ReadAt(header, sevenHeaderLength+int64(off)); err != nil && !errors.Is(err, io.EOF) {
		return nil, free, fmt.Errorf("reading its header: %w", err)
	}
	if crc32.ChecksumIEEE(header) != le32(start[28:]) {
		return nil, free, errSevenHeader
	}
	for range sevenHeaderEncoding {
		if header[0] == sevenHeader {
			return header[1:], free, nil
		}
		if header[0] != sevenEncodedHeader {
			break
		}
		if header, err = w.unpackSevenHeader(src, header[1:]); err != nil {
			return nil, free, err
		}
		reserved += int64(len(header))
		if len(header) == 0 {
			break
		}
	}
	return nil, free, errSevenHeader
}

// sevenReserve takes memory for a header.
func (w *walker) sevenReserve(src *source, size uint64) error {
	if size > uint64(w.limits.Memory/4) {
		return fail(Limit, "its header is larger than %d MiB", w.limits.Memory/4>>20)
	}
	return w.window(src.path, int64(size))
}

// unpackSevenHeader reads a header that is packed like a file.
func (w *walker) unpackSevenHeader(src *source, b []byte) ([]byte, error) {
	streams, err := parseSevenStreams(&sevenCursor{b: b})
	if err != nil {
		return nil, err
	}
	f, err := streams.next()
	if err != nil || f == nil {
		return nil, errSevenHeader
	}
	size := f.unpackSize()
	if err := w.sevenReserve(src, size); err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			w.release(int64(size))
		}
	}()
	d, err := w.openFolder(src, f)
	if err != nil {
		return nil, err
	}
	defer d.close(false)
	data := &stream{w: w, r: d, path: src.path, under: src.under, metered: true}
	header := make([]byte, size)
	if _, err := io.ReadFull(data, header); err != nil {
		if data.failed {
			return nil, errReported
		}
		return nil, errSevenHeader
	}
	if f.hasCRC && crc32.ChecksumIEEE(header) != f.crc {
		return nil, errSevenHeader
	}
	keep = true
	return header, nil
}

// sevenCursor reads from a header; past the end it reads zeros and is bad.
type sevenCursor struct {
	b   []byte
	bad bool
}

func (c *sevenCursor) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

// number reads a number of one to nine bytes: the leading ones of the first
// say how many follow.
func (c *sevenCursor) number() uint64 {
	first := c.byte()
	v := uint64(0)
	mask := byte(0x80)
	for i := range 8 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(c.byte()) << (8 * i)
		mask >>= 1
	}
	return v
}

func (c *sevenCursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.bad = true
		c.b = nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

// bitList is a list of yes and no: bits, or yes for all.
type bitList struct {
	bits []byte
	all  bool
}

func (l bitList) at(i uint64) bool {
	return l.all || i/8 < uint64(len(l.bits)) && l.bits[i/8]&(0x80>>(i%8)) != 0
}

// bits reads a list of n bits.
func (c *sevenCursor) bits(n uint64) bitList {
	return bitList{bits: c.take(n/8 + (n%8+7)/8)}
}

// optionalBits reads a list that may be short for "all".
func (c *sevenCursor) optionalBits(n uint64) bitList {
	if c.byte() != 0 {
		return bitList{all: true}
	}
	return c.bits(n)
}

// digests reads a list of checksums, some of which may be missing.
func (c *sevenCursor) digests(n uint64) digestList {
	d := digestList{defined: c.optionalBits(n)}
	count := n
	if !d.defined.all {
		count = 0
		for i := range n {
			if c.bad {
				break
			}
			if d.defined.at(i) {
				count++
			}
		}
	}
	if count > uint64(len(c.b))/4 {
		c.bad = true
		return d
	}
	d.sums.b = c.take(4 * count)
	return d
}

// digestList gives checksums one after the other.
type digestList struct {
	defined bitList
	sums    sevenCursor
	n       uint64
}

func (d *digestList) next() (crc uint32, ok bool) {
	ok = d.defined.at(d.n)
	d.n++
	if ok {
		b := d.sums.take(4)
		if ok = b != nil; ok {
			crc = le32(b)
		}
	}
	return crc, ok
}
