package history

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strconv"

	"github.com/remint/remint/scanner/history/mapped"
)

// looseHeader is the length that no loose object's header exceeds, in bytes:
// a type, a space, up to 19 digits and a NUL.
const looseHeader = 32

var errLoose = errors.New("its header is malformed")

// loosePath is where an object is kept when it has a file of its own.
func loosePath(objects string, id ID) string {
	name := id.String()
	return filepath.Join(objects, name[:2], name[2:])
}

// loose is an object in a file of its own, open at the start of its content.
type loose struct {
	typ  Type
	size int64
	z    io.ReadCloser
	head []byte // what was decompressed after the header
	src  mapped.Reader
}

// openLoose reads the header of a loose object.
func openLoose(file *mapped.File) (*loose, error) {
	src := file.Reader(0, file.Size())
	z, err := newInflater(src)
	if err != nil {
		return nil, err
	}
	l := &loose{z: z, src: src}
	buf := make([]byte, looseHeader)
	n, err := io.ReadFull(z, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		inflaters.Put(z)
		return nil, err
	}
	var ok bool
	if l.typ, l.size, l.head, ok = parseLoose(buf[:n]); !ok {
		inflaters.Put(z)
		return nil, errLoose
	}
	return l, nil
}

// parseLoose splits "type size\0content".
func parseLoose(b []byte) (t Type, size int64, content []byte, ok bool) {
	head, content, ok := bytes.Cut(b, []byte{0})
	if !ok {
		return 0, 0, nil, false
	}
	word, digits, ok := bytes.Cut(head, []byte{' '})
	if !ok {
		return 0, 0, nil, false
	}
	if t, ok = parseType(string(word)); !ok {
		return 0, 0, nil, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 63)
	if err != nil {
		return 0, 0, nil, false
	}
	return t, int64(n), content, true
}

// Read gives the content and, at its end, whether it was as long as it says.
func (l *loose) Read(p []byte) (int, error) {
	if len(l.head) > 0 {
		n := copy(p, l.head)
		l.head = l.head[n:]
		return n, nil
	}
	return l.z.Read(p)
}

// atEnd makes sure that nothing follows the object in its file.
func (l *loose) atEnd() error {
	if err := atEnd(l); err != nil {
		return err
	}
	if _, err := l.src.ReadByte(); err == nil {
		return errors.New("bytes follow the end of the object")
	}
	return nil
}

func (l *loose) release() { inflaters.Put(l.z) }

// readLoose reads a whole loose object of at most limit bytes.
func readLoose(file *mapped.File, limit int64) (Type, []byte, error) {
	l, err := openLoose(file)
	if err != nil {
		return 0, nil, err
	}
	defer l.release()
	if l.size > limit {
		return 0, nil, &TooLargeError{Size: l.size, Limit: limit}
	}
	data, err := fill(l, nil, l.size)
	if err != nil {
		return 0, nil, err
	}
	return l.typ, data, l.atEnd()
}
