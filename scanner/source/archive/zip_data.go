package archive

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// zipDecoder unpacks a member's data.
func (w *walker) zipDecoder(path string, e *zipEntry, in *bufferedReader) (*decoder, error) {
	if e.flags&zipEncrypted != 0 || e.method == 99 {
		return nil, fail(Encrypted, "it wants a password")
	}
	switch e.method {
	case 0:
		return &decoder{Reader: in, close: func(bool) {}}, nil
	case 8:
		return newFlate(in)
	case 12:
		return w.decoder(Bzip2, path, in)
	case 14:
		return w.newZipLZMA(path, e, in)
	case 20, 93:
		return w.decoder(Zstd, path, in)
	case 95:
		return w.decoder(Xz, path, in)
	}
	return nil, fail(Unsupported, "its compression method, %d, is not known", e.method)
}

// newZipLZMA reads the four bytes and the properties before the data.
func (w *walker) newZipLZMA(path string, e *zipEntry, in *bufferedReader) (*decoder, error) {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	if le16(head[2:]) != 5 {
		return nil, fail(Corrupt, "its LZMA properties are %d bytes long, not 5", le16(head[2:]))
	}
	size := e.size
	if e.flags&zipEndMark != 0 {
		size = -1
	}
	return w.newLZMA(path, head[4:], size, in)
}

// newLZMA unpacks what has no header of its own. props are the five bytes of
// properties; size is -1 where the data has a mark at its end.
func (w *walker) newLZMA(path string, props []byte, size int64, in *bufferedReader) (d *decoder, err error) {
	defer recovered(&err)
	window := max(int64(le32(props[1:])), lzma.MinDictCap)
	if size >= 0 {
		window = min(window, max(size, lzma.MinDictCap))
	}
	if err := w.window(path, window); err != nil {
		return nil, err
	}
	header := append(make([]byte, 0, lzma.HeaderLen), props[:5]...)
	header = binary.LittleEndian.AppendUint64(header, uint64(size))
	r, err := lzma.ReaderConfig{DictCap: 1<<32 - 1}.NewReader(&prefixed{header, in})
	if err != nil {
		w.release(window)
		return nil, err
	}
	return &decoder{Reader: r, close: func(bool) { w.release(window) }}, nil
}

// prefixed is a reader with something before it.
type prefixed struct {
	prefix []byte
	r      *bufferedReader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.r.Read(b)
}

func (p *prefixed) ReadByte() (byte, error) {
	if len(p.prefix) > 0 {
		c := p.prefix[0]
		p.prefix = p.prefix[1:]
		return c, nil
	}
	return p.r.ReadByte()
}

// checked compares a member with the size and checksum that were promised.
type checked struct {
	r    io.Reader
	want uint32
	size int64 // -1: nothing was promised
	free bool  // no checksum was promised
	crc  uint32
	n    int64
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	c.n += int64(n)
	if err != io.EOF || c.size < 0 {
		return n, err
	}
	if c.n != c.size {
		return n, fail(Corrupt, "it is %d bytes long and not %d", c.n, c.size)
	}
	if c.crc != c.want && !c.free {
		return n, fail(Corrupt, "its checksum is wrong")
	}
	return n, io.EOF
}
