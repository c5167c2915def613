package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Lengths of zip's records, in bytes, without what varies.
const (
	zipLocalLength     = 30
	zipEntryLength     = 46
	zipEndLength       = 22
	zip64LocatorLength = 20
	zip64EndLength     = 56
	zipMaxComment      = 1<<16 - 1
)

var errNoDirectory = errors.New("it has no directory of its members: it is cut off, or not a zip file")

// zipDirectory is where a zip file lists its members. It is read in passing,
// never held: its size is the input's to choose.
type zipDirectory struct {
	at         io.ReaderAt
	start, end int64
	base       int64 // of the offsets in it: what stands before the zip file
	entries    uint64
}

// zipEntry is one member.
type zipEntry struct {
	name          string
	flags, method uint16
	crc           uint32
	packed, size  int64
	offset        int64 // of the local header, or in a stream of nothing
	modified      time.Time
}

// Flags of an entry.
const (
	zipEncrypted  = 1 << 0
	zipEndMark    = 1 << 1 // LZMA: the data has a mark at its end
	zipDescriptor = 1 << 3 // sizes stand after the data
)

// openZip visits a zip file: by its directory, or in the order it was written
// where there is none or no random access.
func (w *walker) openZip(src source) {
	if src.at == nil {
		if src.size > w.limits.Memory/2 {
			w.streamZip(src, false)
			return
		}
		s, whole := w.spool(src.r)
		defer s.free()
		if !whole {
			br := newBuffered(io.MultiReader(s, src.r))
			defer freeBuffered(br)
			src.r = br
			w.streamZip(src, false)
			return
		}
		src.at, src.size, src.r = s, s.size, nil
	}
	dir, err := findZipDirectory(src.at, src.size)
	if err != nil {
		w.openFault(&src, err)
		w.streamZip(src, true)
		return
	}
	doc := w.documentOf(&src, dir)
	defer doc.close(w)
	err = dir.each(w, src.path, func(e *zipEntry) bool {
		w.zipMember(&src, dir, e, doc)
		return true
	})
	if err != nil {
		w.openFault(&src, err)
	}
	doc.leftover(w, &src)
}

// findZipDirectory reads the record at the end of a zip file.
func findZipDirectory(at io.ReaderAt, size int64) (*zipDirectory, error) {
	tail := make([]byte, min(size, zipEndLength+zipMaxComment))
	tailAt := size - int64(len(tail))
	if _, err := at.ReadAt(tail, tailAt); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	i := len(tail) - zipEndLength
	for ; i >= 0; i-- {
		if string(tail[i:i+4]) == "PK\x05\x06" && i+zipEndLength+int(le16(tail[i+20:])) <= len(tail) {
			break
		}
	}
	if i < 0 {
		return nil, errNoDirectory
	}
	end := tail[i:]
	d := &zipDirectory{at: at, end: tailAt + int64(i), entries: uint64(le16(end[10:]))}
	length, start := int64(le32(end[12:])), int64(le32(end[16:]))
	if d.entries == 0xffff || length == 0xffffffff || start == 0xffffffff {
		d.zip64(&length, &start)
	}
	d.base = max(d.end-length-start, 0)
	if d.entries > 0 && d.base > 0 && d.isEntry(start) {
		d.base = 0
	}
	d.start = d.base + start
	if d.start < 0 || d.start > d.end || d.entries > 0 && !d.isEntry(d.start) {
		return nil, errNoDirectory
	}
	return d, nil
}

// zip64 reads the record for large files, where there is one.
func (d *zipDirectory) zip64(length, start *int64) {
	var loc [zip64LocatorLength]byte
	if d.end < zip64LocatorLength {
		return
	}
	if _, err := d.at.ReadAt(loc[:], d.end-zip64LocatorLength); err != nil || string(loc[:4]) != "PK\x06\x07" {
		return
	}
	var end [zip64EndLength]byte
	// The offset does not count what stands before the zip file.
	for _, off := range []int64{int64(le64(loc[8:])), d.end - zip64LocatorLength - zip64EndLength} {
		if off < 0 || off > d.end {
			continue
		}
		if _, err := d.at.ReadAt(end[:], off); err == nil && string(end[:4]) == "PK\x06\x06" {
			d.entries = le64(end[32:])
			*length, *start = int64(le64(end[40:])), int64(le64(end[48:]))
			d.end = off
			return
		}
	}
}

func (d *zipDirectory) isEntry(off int64) bool {
	var sig [4]byte
	if off < 0 {
		return false
	}
	_, err := d.at.ReadAt(sig[:], off)
	return err == nil && string(sig[:]) == "PK\x01\x02"
}

// each reads the directory of the zip file at path and calls f for every entry
// until that returns false.
func (d *zipDirectory) each(w *walker, path string, f func(*zipEntry) bool) error {
	br := newBuffered(io.NewSectionReader(d.at, d.start, d.end-d.start))
	defer freeBuffered(br)
	var fixed [zipEntryLength]byte
	var vary []byte
	n := uint64(0)
	for w.stop == nil {
		if _, err := io.ReadFull(br, fixed[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("its directory is cut off: %w", err)
		}
		if string(fixed[:4]) == "PK\x05\x05" {
			break // a signature of the directory
		}
		if string(fixed[:4]) != "PK\x01\x02" {
			return fmt.Errorf("its directory is damaged after %d members", n)
		}
		nameLength, extraLength, commentLength := int(le16(fixed[28:])), int(le16(fixed[30:])), int(le16(fixed[32:]))
		vary = sized(vary, nameLength+extraLength)
		if _, err := io.ReadFull(br, vary); err != nil {
			return fmt.Errorf("its directory is cut off: %w", err)
		}
		if _, err := br.Discard(commentLength); err != nil {
			return fmt.Errorf("its directory is cut off: %w", err)
		}
		n++
		w.charge(path, int64(zipEntryLength+len(vary)+commentLength))
		if !f(zipEntryFrom(fixed[:], vary[:nameLength], vary[nameLength:])) {
			return nil
		}
	}
	if w.stop == nil && uint16(n) != uint16(d.entries) {
		return fmt.Errorf("its directory has %d members, and %d were promised", n, d.entries)
	}
	return nil
}

// zipEntryFrom reads an entry of the directory.
func zipEntryFrom(fixed, name, extra []byte) *zipEntry {
	e := &zipEntry{
		name: zipName(name), flags: le16(fixed[8:]), method: le16(fixed[10:]),
		modified: dosTime(le16(fixed[14:]), le16(fixed[12:])), crc: le32(fixed[16:]),
		packed: int64(le32(fixed[20:])), size: int64(le32(fixed[24:])), offset: int64(le32(fixed[42:])),
	}
	e.extra(extra, &e.size, &e.packed, &e.offset)
	return e
}

// extra reads the extra fields: what did not fit into 32 bits, and the time.
func (e *zipEntry) extra(b []byte, large ...*int64) {
	for len(b) >= 4 {
		id, n := le16(b), int(le16(b[2:]))
		if b = b[4:]; n > len(b) {
			return
		}
		field := b[:n]
		b = b[n:]
		switch id {
		case 0x0001:
			for _, v := range large {
				if *v == 0xffffffff && len(field) >= 8 {
					*v = int64(le64(field))
					field = field[8:]
				}
			}
		case 0x5455:
			if len(field) >= 5 && field[0]&1 != 0 {
				e.modified = time.Unix(int64(int32(le32(field[1:]))), 0).UTC()
			}
		}
	}
}

// zipMember visits one member of a zip file.
func (w *walker) zipMember(src *source, d *zipDirectory, e *zipEntry, doc *document) {
	if strings.HasSuffix(e.name, "/") && e.size == 0 {
		return // a folder
	}
	at, err := d.data(e, src.size)
	if err != nil {
		w.memberFault(src, e, err)
		return
	}
	in := newBuffered(at)
	defer freeBuffered(in)
	w.zipData(src, e, in, doc, at)
}

// data finds the packed bytes of a member.
func (d *zipDirectory) data(e *zipEntry, size int64) (*io.SectionReader, error) {
	var local [zipLocalLength]byte
	off := d.base + e.offset
	if e.offset < 0 || off < 0 || off > size-zipLocalLength {
		return nil, errors.New("its data is outside of the archive")
	}
	if _, err := d.at.ReadAt(local[:], off); err != nil {
		return nil, fmt.Errorf("reading its header: %w", err)
	}
	if string(local[:4]) != "PK\x03\x04" {
		return nil, errors.New("its header is not where the directory says")
	}
	off += zipLocalLength + int64(le16(local[26:])) + int64(le16(local[28:]))
	if e.packed < 0 || e.packed > size-off {
		e.packed = max(size-off, 0) // cut off: what is there is read
	}
	return io.NewSectionReader(d.at, off, e.packed), nil
}

// memberFault reports a member that could not be opened.
func (w *walker) memberFault(src *source, e *zipEntry, err error) {
	if w.count(src.path) && !src.under.broken() {
		w.fault(src.path+"!"+cleanName(e.name), err)
	}
}

// zipData unpacks a member and passes it on. at is where its bytes lie, or nil.
func (w *walker) zipData(src *source, e *zipEntry, in *bufferedReader, doc *document, at *io.SectionReader) {
	name := cleanName(e.name)
	path := src.path + "!" + name
	d, err := w.zipDecoder(path, e, in)
	if err != nil {
		w.memberFault(src, e, err)
		return
	}
	data := &stream{w: w, r: &checked{r: d, want: e.crc, size: e.size}, path: path, under: src.under, metered: true}
	defer func() { d.close(data.err == io.EOF) }()
	m := entry{name: name, size: e.size, modified: e.modified, data: data}
	if m.size < 0 || e.flags&zipDescriptor != 0 && at == nil {
		m.size = -1
	}
	if e.method == 0 && at != nil && e.packed == e.size {
		m.at = at
	}
	if doc != nil {
		if doc.takes(w, e) {
			return
		}
		m.asText = doc.transform(w, e.name)
	}
	w.member(src, m)
	if at == nil {
		data.drain() // the next member follows
	}
}

// sized returns a slice of n bytes, b itself where it is large enough.
func sized(b []byte, n int) []byte {
	if n > cap(b) {
		return make([]byte, n)
	}
	return b[:n]
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// dosTime is in the time zone of whoever made the archive, which is unknown;
// zero where the date is no date.
func dosTime(date, clock uint16) time.Time {
	if date>>5&15 == 0 || date&31 == 0 {
		return time.Time{}
	}
	return time.Date(int(date>>9)+1980, time.Month(date>>5&15), int(date&31),
		int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}
