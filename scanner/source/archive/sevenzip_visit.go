package archive

import (
	"io"
	"strings"

	"github.com/ulikunitz/xz/lzma"
)

// sevenVisit goes through the files of a 7z archive in the order of their
// data, so that every block is unpacked once.
type sevenVisit struct {
	w       *walker
	src     *source
	streams *sevenStreams
	files   *sevenFilesInfo
	// The block at hand.
	block *sevenFolder
	left  uint64 // files left in it
	rest  uint64 // bytes left in it
	data  *decoder
	err   error // why it cannot be read
}

func (v *sevenVisit) visit() {
	defer v.closeBlock()
	for v.w.stop == nil {
		f, ok := v.files.next()
		if !ok {
			break
		}
		if f.folder {
			continue
		}
		name := cleanName(f.name)
		e := entry{name: name, modified: f.modified}
		e.data = &stream{w: v.w, r: strings.NewReader(""), path: v.src.path + "!" + name, under: v.src.under}
		if f.noData {
			v.w.member(v.src, e)
			continue
		}
		if err := v.member(e); err != nil {
			v.w.openFault(v.src, err)
			return
		}
	}
	if v.files.names.bad {
		v.w.openFault(v.src, errSevenHeader)
	}
}

// member visits a file that has data; an error is one of the header.
func (v *sevenVisit) member(e entry) error {
	c, err := v.nextFile()
	if err != nil {
		return err
	}
	if v.data == nil && v.err == nil {
		v.data, v.err = v.w.openFolder(v.src, v.block)
	}
	if v.err != nil {
		if v.w.count(v.src.path) && !v.src.under.broken() {
			v.w.fault(e.data.path, v.err)
		}
		return nil
	}
	c.r = io.LimitReader(v.data, c.size)
	c.free = c.free || v.block.filtered
	e.size = c.size
	e.data.r, e.data.metered = c, true
	v.w.member(v.src, e)
	e.data.drain()
	if e.data.failed && c.n != c.size {
		v.closeBlock()
		v.err = fail(Corrupt, "it comes after a damaged member of the same block")
	}
	return nil
}

// nextFile moves to the next file's place in its block, and says what its size
// and checksum must be.
func (v *sevenVisit) nextFile() (*checked, error) {
	for v.left == 0 {
		v.closeBlock()
		f, err := v.streams.next()
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, errSevenHeader
		}
		v.block, v.left, v.rest, v.err = f, f.files, f.unpackSize(), nil
	}
	size := v.rest
	if v.left > 1 {
		size = v.streams.subSizes.number()
	}
	if size > v.rest || v.streams.subSizes.bad || int64(size) < 0 {
		return nil, errSevenHeader
	}
	v.left--
	v.rest -= size
	c := &checked{size: int64(size)}
	known := v.block.hasCRC
	if c.want = v.block.crc; v.block.files != 1 || !known {
		c.want, known = v.streams.subCRCs.next()
	}
	c.free = !known
	return c, nil
}

func (v *sevenVisit) closeBlock() {
	if v.data != nil {
		v.data.close(false)
		v.data = nil
	}
}

// openFolder opens a block: its last coder, which opens what feeds it.
func (w *walker) openFolder(src *source, f *sevenFolder) (d *decoder, err error) {
	defer recovered(&err)
	o := &sevenOpener{w: w, src: src, f: f}
	r, err := o.output(uint64(f.last()))
	if err != nil {
		o.close()
		return nil, err
	}
	return &decoder{Reader: r, close: func(bool) { o.close() }}, nil
}

// sevenOpener opens the coders of a block.
type sevenOpener struct {
	w       *walker
	src     *source
	f       *sevenFolder
	opened  int
	closers []func()
}

func (o *sevenOpener) close() {
	for _, c := range o.closers {
		c()
	}
}

// output opens the coder that makes an output.
func (o *sevenOpener) output(out uint64) (io.Reader, error) {
	// Each feeds one other: who comes by more often goes in a circle.
	if o.opened++; out >= uint64(len(o.f.coders)) || o.opened > len(o.f.coders) {
		return nil, errSevenHeader
	}
	c := &o.f.coders[out]
	var inputs []*bufferedReader
	for i := range c.inputs {
		r, err := o.input(c.firstIn + i)
		if err != nil {
			return nil, err
		}
		br := newBuffered(r)
		o.closers = append(o.closers, func() { freeBuffered(br) })
		inputs = append(inputs, br)
	}
	size := o.f.sizes[out]
	if int64(size) < 0 || len(inputs) == 0 {
		return nil, errSevenHeader
	}
	d, err := o.coder(c, int64(size), inputs)
	if err != nil {
		return nil, err
	}
	o.closers = append(o.closers, func() { d.close(false) })
	return io.LimitReader(d, int64(size)), nil
}

// input opens what feeds an input: another coder, or a packed stream.
func (o *sevenOpener) input(in uint64) (io.Reader, error) {
	if out, ok := o.f.boundTo(in); ok {
		r, err := o.output(out)
		if err != nil {
			return nil, err
		}
		return &stream{w: o.w, r: r, path: o.src.path, under: o.src.under, metered: true}, nil
	}
	for i, p := range o.f.packed {
		if p != in {
			continue
		}
		s := o.f.streams[i]
		if s.at > uint64(o.src.size) || s.size > uint64(o.src.size)-s.at {
			return nil, fail(Corrupt, "its data is outside of the archive")
		}
		return io.NewSectionReader(o.src.at, sevenHeaderLength+int64(s.at), int64(s.size)), nil
	}
	return nil, errSevenHeader
}

// coder opens one coder.
func (o *sevenOpener) coder(c *sevenCoder, size int64, in []*bufferedReader) (*decoder, error) {
	w, path := o.w, o.src.path
	plain := func(r io.Reader) (*decoder, error) { return &decoder{Reader: r, close: func(bool) {}}, nil }
	if c.id == "\x03\x03\x01\x1b" {
		if len(in) != 4 {
			return nil, errSevenHeader
		}
		return plain(newBCJ2(in))
	}
	if len(in) != 1 {
		return nil, errSevenHeader
	}
	switch c.id {
	case "\x00":
		return plain(in[0])
	case "\x03":
		if len(c.props) != 1 {
			return nil, errSevenHeader
		}
		return plain(&delta{r: in[0], distance: int(c.props[0]) + 1})
	case "\x04", "\x07", "\x08", "\x09", "\x0a", "\x03\x03\x01\x03", "\x03\x03\x05\x01", "\x03\x03\x07\x01", "\x03\x03\x08\x05":
		// Filters for x86, ARM, ARM64 and SPARC code change the operands of
		// jumps, whose first byte is no character of a text: strings come out
		// as they are without undoing that.
		o.f.filtered = true
		return plain(in[0])
	case "\x03\x01\x01":
		if len(c.props) != 5 {
			return nil, errSevenHeader
		}
		return w.newLZMA(path, c.props, size, in[0])
	case "\x21":
		if len(c.props) != 1 {
			return nil, errSevenHeader
		}
		return w.newLZMA2(path, c.props[0], size, in[0])
	case "\x04\x01\x08":
		return newFlate(in[0])
	case "\x04\x02\x02":
		return w.decoder(Bzip2, path, in[0])
	case "\x04\xf7\x11\x01":
		return w.decoder(Zstd, path, in[0])
	case "\x06\xf1\x07\x01":
		return nil, fail(Encrypted, "it wants a password")
	}
	return nil, fail(Unsupported, "its compression method, %x, is not known", c.id)
}

// newLZMA2 unpacks LZMA2, which needs no larger window than what it unpacks to.
func (w *walker) newLZMA2(path string, prop byte, size int64, in *bufferedReader) (*decoder, error) {
	window := max(min(int64(lzma2Window(prop)), size), lzma.MinDictCap)
	if err := w.window(path, window); err != nil {
		return nil, err
	}
	r, err := lzma.Reader2Config{DictCap: int(window)}.NewReader2(in)
	if err != nil {
		w.release(window)
		return nil, err
	}
	return &decoder{Reader: r, close: func(bool) { w.release(window) }}, nil
}

// delta undoes 7z's delta filter: each byte is the difference to the one some
// distance before it.
type delta struct {
	r        io.Reader
	distance int
	before   [256]byte
	at       int
}

func (d *delta) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	for i := range p[:n] {
		d.before[d.at] += p[i]
		p[i] = d.before[d.at]
		d.at = (d.at + 1) % d.distance
	}
	return n, err
}
