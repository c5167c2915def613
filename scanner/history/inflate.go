package history

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/remint/remint/scanner/history/mapped"
)

// trustedSize is how many bytes are set aside on the word of a header; what is
// longer grows as it really inflates.
const trustedSize = 1 << 20

var errLength = errors.New("its content is not as long as its header says")

var inflaters sync.Pool

// newInflater returns a decompressor of src; release gives it back.
func newInflater(src mapped.Reader) (io.ReadCloser, error) {
	if z, ok := inflaters.Get().(io.ReadCloser); ok {
		if err := z.(zlib.Resetter).Reset(src, nil); err != nil {
			inflaters.Put(z)
			return nil, fmt.Errorf("cannot be decompressed: %w", err)
		}
		return z, nil
	}
	z, err := zlib.NewReader(src)
	if err != nil {
		return nil, fmt.Errorf("cannot be decompressed: %w", err)
	}
	return z, nil
}

// inflate decompresses exactly size bytes of src into buf's array, or a longer
// one.
func inflate(src mapped.Reader, buf []byte, size int64) ([]byte, error) {
	z, err := newInflater(src)
	if err != nil {
		return nil, err
	}
	defer inflaters.Put(z)
	buf, err = fill(z, buf[:0], size)
	if err != nil {
		return nil, err
	}
	return buf, atEnd(z)
}

// fill appends exactly size bytes of r to buf, which is empty.
func fill(r io.Reader, buf []byte, size int64) ([]byte, error) {
	if start := min(size, trustedSize); int64(cap(buf)) < start {
		buf = make([]byte, 0, start)
	}
	for int64(len(buf)) < size {
		if len(buf) == cap(buf) {
			longer := make([]byte, len(buf), min(2*int64(cap(buf)), size))
			copy(longer, buf)
			buf = longer
		}
		n, err := io.ReadFull(r, buf[len(buf):min(int64(cap(buf)), size)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errLength
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be decompressed: %w", err)
		}
	}
	return buf, nil
}

// atEnd makes sure that the stream ends here and that its checksum is right.
func atEnd(z io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(z, one[:]); {
	case n > 0:
		return errLength
	case err != io.EOF:
		return fmt.Errorf("cannot be decompressed: %w", err)
	}
	return nil
}
