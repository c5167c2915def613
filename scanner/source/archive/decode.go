package archive

import (
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// decoder unpacks one compressed stream. Close gives back what it holds; a
// decoder that came to its end is used again where that saves something.
type decoder struct {
	io.Reader
	modified time.Time
	close    func(ended bool)
}

// openCompressed visits the one member of a compressed file.
func (w *walker) openCompressed(kind Kind, src source) {
	raw, free := src.stream()
	defer free()
	d, err := w.decoder(kind, src.path, raw)
	if err != nil {
		w.openFault(&src, err)
		return
	}
	data := &stream{w: w, r: d, path: src.path, under: src.under, metered: true}
	defer func() { d.close(data.err == io.EOF) }()
	w.member(&src, entry{name: innerName(src.name), size: -1, modified: d.modified, data: data, compressed: true})
}

// openFault reports an archive that could not be opened, unless what it is
// read from failed.
func (w *walker) openFault(src *source, err error) {
	if w.stop == nil && !src.under.broken() && !errors.Is(err, errReported) {
		w.fault(src.path, err)
	}
}

// innerName names what a compressed file holds.
func innerName(name string) string {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	ext := path.Ext(base)
	stem := base[:len(base)-len(ext)]
	switch strings.ToLower(ext) {
	case ".gz", ".bz2", ".xz", ".zst", ".z", ".gzip", ".bz", ".zstd":
	case ".tgz", ".tbz", ".tbz2", ".txz", ".tzst":
		stem += ".tar"
	case ".svgz":
		stem += ".svg"
	default:
		return base
	}
	if stem == "" {
		return base
	}
	return stem
}

// decoder opens a compressed stream.
func (w *walker) decoder(kind Kind, path string, r *bufferedReader) (d *decoder, err error) {
	defer recovered(&err)
	switch kind {
	case Gzip:
		return newGzip(r)
	case Bzip2:
		return w.newBzip2(path, r)
	case Xz:
		return w.newXz(path, r)
	case Zstd:
		return w.newZstd(path, r)
	}
	return nil, fail(Unsupported, "%v is not a compression method", kind)
}

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// gzipReader reads one gzip stream after the other, and takes zeros after the
// last for padding.
type gzipReader struct {
	z  *gzip.Reader
	in *bufferedReader
}

func newGzip(in *bufferedReader) (*decoder, error) {
	z := gzips.Get().(*gzip.Reader)
	if err := z.Reset(in); err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &decoder{&gzipReader{z, in}, z.ModTime, func(ended bool) {
		if ended {
			gzips.Put(z)
		}
	}}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err != io.EOF {
			return n, err
		}
		// Any number of empty streams may stand between two others.
		if err := g.next(); err != nil || n > 0 {
			return n, err
		}
	}
}

// next goes on to the stream that follows.
func (g *gzipReader) next() error {
	for {
		c, err := g.in.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			break
		}
	}
	if err := g.in.UnreadByte(); err != nil {
		return err
	}
	if head, _ := g.in.Peek(4); Sniff("", head) != Gzip {
		return fail(Corrupt, "something that is not gzip follows its end")
	}
	if err := g.z.Reset(g.in); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

var flates = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// newFlate reads no byte more from in than it needs.
func newFlate(in *bufferedReader) (*decoder, error) {
	z := flates.Get().(io.ReadCloser)
	if err := z.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	return &decoder{Reader: z, close: func(ended bool) {
		if ended {
			flates.Put(z)
		}
	}}, nil
}

func (w *walker) newBzip2(path string, in *bufferedReader) (*decoder, error) {
	const window = 4 << 20 // four bytes for each of a block's 900,000
	if err := w.window(path, window); err != nil {
		return nil, err
	}
	return &decoder{Reader: bzip2.NewReader(in), close: func(bool) { w.release(window) }}, nil
}

// idleDecoders are kept for the next stream, with the memory they hold: to
// make a window for each of many small files would take long.
type idleDecoders struct {
	xz   *xzDecoder
	zstd *zstdDecoder
}

// drop lets them go and says how much memory that gives back.
func (i *idleDecoders) drop() (freed int64) {
	if i.xz != nil {
		freed += i.xz.window
	}
	if i.zstd != nil {
		freed += i.zstd.window
	}
	*i = idleDecoders{}
	return freed
}

// windowClass rounds a window's size in bytes up, so that decoders fit again.
func windowClass(n uint64) int64 {
	if n <= 1<<20 {
		return 1 << 20
	}
	if n > 1<<40 {
		return 1 << 40 // more than anybody has: it will not be reserved
	}
	return 1 << bits.Len64(n-1)
}

type xzDecoder struct {
	r      *xz.Reader
	window int64
}

// xzReader gives the package's errors their reasons.
type xzReader struct{ r *xz.Reader }

func (x xzReader) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	return n, xzError(err)
}

func xzError(err error) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit):
		return fail(Limit, "a part of it wants a larger window than its first")
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return fail(Unsupported, "%v", err)
	}
	return err
}

func (w *walker) newXz(path string, in *bufferedReader) (*decoder, error) {
	head, _ := in.Peek(64)
	window := windowClass(xzWindow(head))
	d := w.idle.xz
	if d != nil && d.window >= window {
		w.idle.xz = nil
		if err := d.r.Reset(in); err != nil {
			w.release(d.window)
			return nil, xzError(err)
		}
	} else {
		if err := w.window(path, window); err != nil {
			return nil, err
		}
		r, err := xz.NewReader(in, uint32(min(window, 1<<32-1)))
		if err != nil {
			w.release(window)
			return nil, xzError(err)
		}
		d = &xzDecoder{r, window}
	}
	return &decoder{Reader: xzReader{d.r}, close: func(ended bool) {
		if ended && w.idle.xz == nil {
			w.idle.xz = d
		} else {
			w.release(d.window)
		}
	}}, nil
}

// xzWindow reads the dictionary's size from the header of the first block; 0
// where there is none.
func xzWindow(head []byte) uint64 {
	if len(head) < 14 || head[12] == 0 {
		return 0 // no block
	}
	b, flags := head[14:], head[13]
	number := func() (v uint64) {
		v, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		return v
	}
	if flags&0x40 != 0 {
		number() // packed size
	}
	if flags&0x80 != 0 {
		number() // unpacked size
	}
	for range flags&3 + 1 {
		id, size := number(), number()
		if size > uint64(len(b)) {
			return 0
		}
		if id == 0x21 && size == 1 {
			return lzma2Window(b[0])
		}
		b = b[size:]
	}
	return 0
}

// lzma2Window decodes a dictionary's size.
func lzma2Window(prop byte) uint64 {
	if prop >= 40 {
		return 1<<32 - 1
	}
	return (2 | uint64(prop&1)) << (prop/2 + 11)
}

type zstdDecoder struct {
	r      *zstd.Decoder
	window int64
}

// zstdReader gives the package's errors their reasons.
type zstdReader struct{ r *zstd.Decoder }

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	return n, zstdError(err)
}

func zstdError(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fail(Limit, "a part of it wants a larger window than its first")
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return fail(Unsupported, "it wants a dictionary that is not in it")
	}
	return err
}

// zstdSlack is what a decoder holds beside its window, in bytes.
const zstdSlack = 1 << 20

func (w *walker) newZstd(path string, in *bufferedReader) (*decoder, error) {
	head, _ := in.Peek(64)
	window := windowClass(zstdWindow(head)) + zstdSlack
	d := w.idle.zstd
	if d != nil && d.window >= window {
		w.idle.zstd = nil
		if err := d.r.Reset(in); err != nil {
			w.release(d.window)
			return nil, zstdError(err)
		}
	} else {
		if err := w.window(path, window); err != nil {
			return nil, err
		}
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(uint64(window-zstdSlack)))
		if err != nil {
			w.release(window)
			return nil, fmt.Errorf("making a zstd decoder: %w", err)
		}
		d = &zstdDecoder{r, window}
	}
	return &decoder{Reader: zstdReader{d.r}, close: func(ended bool) {
		if ended && w.idle.zstd == nil {
			w.idle.zstd = d
		} else {
			d.r.Close()
			w.release(d.window)
		}
	}}, nil
}

// zstdWindow reads the window's size from the first frame's header.
func zstdWindow(head []byte) uint64 {
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return 0
	}
	if h.Skippable {
		return 8 << 20 // what zstd uses unless asked for more
	}
	if h.SingleSegment {
		return h.FrameContentSize
	}
	return h.WindowSize
}
