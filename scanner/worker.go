package scanner

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/source"
)

// Sizes in bytes of the reading buffer. A text longer than maxBuffer is
// scanned in stretches that share overlap bytes, which is longer than any
// match that crosses lines.
const (
	firstBuffer = 256 << 10
	maxBuffer   = 16 << 20
	overlap     = 128 << 10
)

// worker scans items one after the other through one buffer.
type worker struct {
	*run
	engine *engine.Scanner
	buf    []byte
	// What the engine turned down in the text at hand.
	drops []engine.Drop
	// collect, when set, is given what is found in the place of the result.
	collect func(foundKey)
	// What this worker found; merged into the run at its end.
	result Result
}

func newWorker(r *run) *worker {
	w := &worker{run: r, engine: r.scanner.engine.NewScanner(), buf: make([]byte, firstBuffer)}
	if r.scanner.opts.Trace != nil {
		w.engine.OnDrop = func(d engine.Drop) { w.drops = append(w.drops, d) }
	}
	return w
}

func (w *worker) work() {
	for it := range w.items {
		if w.ctx.Err() == nil {
			w.item(it)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	total := &w.run.result
	total.Findings = append(total.Findings, w.result.Findings...)
	total.Stats.Files += w.result.Stats.Files
	total.Stats.Bytes += w.result.Stats.Bytes
	total.Stats.Silenced += w.result.Stats.Silenced
	total.Stats.Unknown += w.result.Stats.Unknown
	total.Stats.Unjudged = append(total.Stats.Unjudged, w.result.Stats.Unjudged...)
}

func (w *worker) item(it source.Item) {
	r, err := it.Open()
	if err != nil {
		w.unreadable(it.Path, err)
		return
	}
	defer r.Close()
	t := &text{path: it.Path, modified: it.Modified}
	if it.Before != nil {
		if t.before, err = w.beforeChange(it); err != nil {
			w.unreadable(it.Path, err)
			return
		}
	}
	if f, ok := r.(*os.File); ok {
		t.file = f
	}
	if err := w.stream(t, r, it.Size); err != nil {
		w.unreadable(it.Path, err)
	}
}

// text is one text being scanned.
type text struct {
	path     string
	modified time.Time
	file     *os.File
	before   *known // what stood there before the change
	// Where in the text the buffer starts.
	base    int64
	line    int // line feeds before the buffer
	column  int // characters between the last line feed and the buffer
	wide    *engine.Wide
	mapLine func(int) int
	// Of a notebook: what was found in its cells, whether this text is one of
	// them, and its bytes where they cannot be read a second time.
	cells  map[string]bool
	inCell bool
	held   []byte
}

// stream reads a text to its end and scans it.
func (w *worker) stream(t *text, r io.Reader, size int64) error {
	n, err := w.fill(0, r, firstBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	limit := w.scanner.opts.MaxFileSize
	if t.file != nil && (size < 0 || !errors.Is(err, io.EOF)) {
		if info, serr := t.file.Stat(); serr == nil {
			size = info.Size()
		}
	}
	if limit > 0 && max(size, int64(n)) > limit {
		w.incomplete(Incomplete{Path: t.path, Reason: ReasonTooLarge, Detail: tooLarge(max(size, int64(n)), limit)})
		return nil
	}
	done, aerr := w.archive(t, r, n, size)
	if done || aerr != nil {
		return aerr
	}
	if t.cells != nil {
		return w.notebook(t, r, size)
	}
	w.result.Stats.Files++
	w.scanner.opts.Progress.Files.Add(1)
	return w.stretches(t, r, n, growthLimit(size), err)
}

// notebook scans a notebook whose cells were scanned, as the JSON it is.
func (w *worker) notebook(t *text, r io.Reader, size int64) error {
	if t.file != nil {
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
	} else {
		r = io.MultiReader(bytes.NewReader(t.held), r)
	}
	w.result.Stats.Files++
	w.scanner.opts.Progress.Files.Add(1)
	return w.stretches(t, r, 0, growthLimit(size), nil)
}

// growthLimit is how much is read of a text whose size was known at first: a
// file that is written to while it is read must end all the same.
func growthLimit(size int64) int64 {
	if size < 0 {
		return -1
	}
	return 2*size + maxBuffer
}

// fill reads into the buffer from n on until it holds want bytes or the
// reader ends, growing the buffer as needed.
func (w *worker) fill(n int, r io.Reader, want int) (int, error) {
	for n < want {
		if n == len(w.buf) {
			grown := make([]byte, min(2*len(w.buf), want))
			copy(grown, w.buf)
			w.buf = grown
		}
		m, err := r.Read(w.buf[n:min(len(w.buf), want)])
		n += m
		if err != nil {
			return n, err
		}
		if w.ctx.Err() != nil {
			return n, io.EOF
		}
	}
	return n, nil
}

// stretches scans what is in the buffer, n bytes, and all that follows.
func (w *worker) stretches(t *text, r io.Reader, n int, limit int64, err error) error {
	from := 0 // what is before was reported with the stretch before
	for {
		if err == nil {
			n, err = w.fill(n, r, maxBuffer)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		final := err != nil
		if limit >= 0 && t.base+int64(n) > limit && !final {
			w.incomplete(Incomplete{Path: t.path, Reason: ReasonChanged, Detail: "it grew faster than it could be read"})
			final = true
		}
		to := n
		if !final {
			to = n - overlap
		}
		if serr := w.scan(t, w.buf[:n], from, to); serr != nil {
			return serr
		}
		if final {
			w.result.Stats.Bytes += t.base + int64(n)
			w.scanner.opts.Progress.Bytes.Add(int64(n))
			return nil
		}
		w.scanner.opts.Progress.Bytes.Add(int64(to - overlap))
		keep := to - overlap
		t.advance(w.buf[:keep])
		n = copy(w.buf, w.buf[keep:n])
		from = overlap
	}
}
