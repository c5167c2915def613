package archive

import (
	"errors"
	"fmt"
	"io"
)

// streamZip visits the members of a zip file in the order they stand in it,
// without its directory: one that is too large to hold, or that is cut off,
// which was then reported.
func (w *walker) streamZip(src source, reported bool) {
	r, free := src.stream()
	defer free()
	var doc *document
	for n := 0; w.stop == nil; n++ {
		e, err := nextLocal(r)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if !reported {
				w.openFault(&src, err)
			}
			return
		}
		if n == 0 {
			doc = documentNamed(e.name)
		}
		if err := w.streamMember(&src, e, r, doc); err != nil {
			if !reported || !errors.Is(err, errNoDirectory) {
				w.openFault(&src, err)
			}
			return
		}
	}
}

// nextLocal reads a member's header; io.EOF is the directory, or the end.
func nextLocal(r *bufferedReader) (*zipEntry, error) {
	var local [zipLocalLength]byte
	sig, err := r.Peek(4)
	if err != nil {
		return nil, noDirectory(err)
	}
	switch string(sig) {
	case "PK\x07\x08", "PK00":
		if _, err := r.Discard(4); err != nil {
			return nil, err
		}
	case "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x08":
		return nil, io.EOF
	}
	if _, err := io.ReadFull(r, local[:]); err != nil {
		return nil, noDirectory(err)
	}
	if string(local[:4]) != "PK\x03\x04" {
		return nil, errors.New("it is damaged between its members")
	}
	vary := make([]byte, int(le16(local[26:]))+int(le16(local[28:])))
	if _, err := io.ReadFull(r, vary); err != nil {
		return nil, noDirectory(err)
	}
	e := &zipEntry{
		name: zipName(vary[:le16(local[26:])]), flags: le16(local[6:]), method: le16(local[8:]),
		modified: dosTime(le16(local[12:]), le16(local[10:])), crc: le32(local[14:]),
		packed: int64(le32(local[18:])), size: int64(le32(local[22:])),
	}
	e.extra(vary[le16(local[26:]):], &e.size, &e.packed)
	return e, nil
}

// noDirectory is the end of a stream before the archive's.
func noDirectory(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errNoDirectory
	}
	return err
}

// streamMember visits a member and reads on to the end of its data.
func (w *walker) streamMember(src *source, e *zipEntry, r *bufferedReader, doc *document) error {
	if e.flags&zipDescriptor == 0 || e.packed > 0 {
		in := newBuffered(io.LimitReader(r, max(e.packed, 0)))
		defer freeBuffered(in)
		if e.flags&zipDescriptor != 0 {
			e.size = -1
		}
		if e.name == "" || e.name[len(e.name)-1] != '/' || e.packed > 0 {
			w.zipData(src, e, in, doc, nil)
		}
		if err := discard(in); err != nil {
			return err
		}
		return skipDescriptor(e, r)
	}
	// The data says itself where it ends.
	if e.method != 8 || e.flags&zipEncrypted != 0 {
		return fail(Unsupported, "where the data of %s ends is known only from the directory at its end", cleanName(e.name))
	}
	e.size = -1
	w.zipData(src, e, r, doc, nil)
	return skipDescriptor(e, r)
}

// discard reads to the end.
func discard(r *bufferedReader) error {
	for {
		if _, err := r.Discard(chunk); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// skipDescriptor reads past the sizes that stand after the data: an optional
// signature, the checksum, and two numbers of four or eight bytes.
func skipDescriptor(e *zipEntry, r *bufferedReader) error {
	if e.flags&zipDescriptor == 0 {
		return nil
	}
	if sig, _ := r.Peek(4); string(sig) == "PK\x07\x08" {
		if _, err := r.Discard(4); err != nil {
			return err
		}
	}
	for _, length := range []int{12, 20} {
		if b, _ := r.Peek(length + 2); len(b) == length+2 && string(b[length:]) == "PK" {
			_, err := r.Discard(length)
			return err
		}
	}
	if _, err := r.Discard(12); err != nil {
		return noDirectory(err)
	}
	return fmt.Errorf("it is damaged after %s", cleanName(e.name))
}
