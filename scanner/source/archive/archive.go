// Package archive opens archives, compressed files and documents and hands out
// what is in them, so that a scanner sees the text that a person would see.
//
// Input is hostile: whatever it says about itself, a walk ends within the
// bounds of its Limits in bytes, members, depth and memory, writes no file,
// and says what it did not look at. It knows nothing of rules and findings.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Kind is a format that this package opens.
type Kind uint8

// The formats. Zip stands for everything built on it: jar, war, apk, whl,
// nupkg, vsix, docx, xlsx, pptx, odt and others.
const (
	None Kind = iota
	Zip
	Tar
	Gzip
	Bzip2
	Xz
	Zstd
	SevenZip
	Notebook
)

func (k Kind) String() string {
	switch k {
	case Zip:
		return "zip"
	case Tar:
		return "tar"
	case Gzip:
		return "gzip"
	case Bzip2:
		return "bzip2"
	case Xz:
		return "xz"
	case Zstd:
		return "zstd"
	case SevenZip:
		return "7z"
	case Notebook:
		return "ipynb"
	}
	return "none"
}

// Member is one file inside an archive, or the text of a document.
type Member struct {
	// Path is the archive's path, "!", and the path inside, slash-separated
	// and without "." and ".." parts. It is for display: it need not be UTF-8
	// and must not be used to open anything.
	Path string
	// Size is what the archive says, in bytes; -1 where it does not.
	Size int64
	// Modified is zero where the archive does not say.
	Modified time.Time
	// Reader gives the bytes and is valid until the call it came with
	// returns. It ends early, with io.EOF, where something is wrong or over a
	// limit, and that is reported as a Problem; the only other error is the
	// context's.
	Reader io.Reader
	// Line maps a line of the bytes, counted from 1, to what a person counts:
	// the line of the file (a notebook), the row (a spreadsheet, where tabs
	// separate the cells, from column A on), or the paragraph (a text or a
	// slide). It is nil where lines are the member's own, and answers for
	// lines already read.
	Line func(int) int
}

// Reason is why something was not looked at; a stable word for machines.
type Reason string

// The reasons.
const (
	Corrupt     Reason = "corrupt"     // damaged, cut off, or not what it says
	Limit       Reason = "limit"       // over one of the Limits
	Encrypted   Reason = "encrypted"   // wants a password
	Unsupported Reason = "unsupported" // a compression method that nobody here knows
)

// reasons lists them all in the order they are summed up.
const numReasons = 4

func reasons() [numReasons]Reason { return [numReasons]Reason{Corrupt, Limit, Encrypted, Unsupported} }

// Problem is something that was not looked at, in whole or in part.
type Problem struct {
	Path   string
	Reason Reason
	Err    error
}

// Visitor receives what a walk finds. Calls come one at a time.
type Visitor interface {
	// Member may read all, some or nothing; an error stops the walk.
	Member(Member) error
	// Problem is called for what cannot be looked at; the walk goes on. After
	// a hundred of one reason the rest are counted and reported as one.
	Problem(Problem)
}

// Limits bound a walk over one outermost file. A zero field means its default.
type Limits struct {
	// Depth is how many archives may stand one within the other; a tar.gz is
	// two. Default 8.
	Depth int
	// Members is how many members there may be in all. Default 1,000,000.
	Members int
	// MemberBytes is how much of one member is read. Default 1 GiB.
	MemberBytes int64
	// TotalBytes is how much more than its size a file may unpack to, at all
	// levels together. Default 2 GiB.
	TotalBytes int64
	// Ratio is how many times its size a file may grow by unpacking; the
	// first 64 MiB are free. Default 200.
	Ratio int64
	// Memory bounds, in bytes, decoders' windows and whatever must be held
	// because it cannot be streamed. Default 80 MiB.
	Memory int64
}

func (l Limits) withDefaults() Limits {
	set := func(field *int64, value int64) {
		if *field == 0 {
			*field = value
		}
	}
	if l.Depth == 0 {
		l.Depth = 8
	}
	if l.Members == 0 {
		l.Members = 1_000_000
	}
	set(&l.MemberBytes, 1<<30)
	set(&l.TotalBytes, 2<<30)
	set(&l.Ratio, 200)
	set(&l.Memory, 80<<20)
	return l
}

// Walk visits all that is in a file of a kind that Sniff named. What is wrong
// with the file is a Problem; an error is the context's, the visitor's, or one
// of reading r.
func Walk(ctx context.Context, name string, kind Kind, r io.ReaderAt, size int64, l Limits, v Visitor) error {
	return newWalker(ctx, name, l, v).walk(kind, r, size)
}

// WalkStream is Walk where there is no random access. A zip is then read in
// the order it was written, save that one that fits into half of the memory is
// held there; a 7z must fit.
func WalkStream(ctx context.Context, name string, kind Kind, r io.Reader, l Limits, v Visitor) error {
	return newWalker(ctx, name, l, v).walkStream(kind, r)
}

// walker is one walk and what it has used up.
type walker struct {
	ctx     context.Context
	name    string
	limits  Limits
	visitor Visitor
	// stop, once set, ends the walk; errExhausted is one that was reported.
	stop error
	// readErr is what reading the outermost file failed with.
	readErr  error
	in       int64 // size of the outermost file, or what was read of it so far
	out      int64 // bytes unpacked
	made     int64 // what making windows counts as
	members  int
	memory   int64 // bytes reserved
	garbage  int64 // bytes given back and perhaps not collected yet
	problems [numReasons]int
	idle     idleDecoders
	spare    []byte // one chunk of a spool, for the next of many small ones
}

func newWalker(ctx context.Context, name string, l Limits, v Visitor) *walker {
	return &walker{ctx: ctx, name: name, limits: l.withDefaults(), visitor: v}
}

func (w *walker) walk(kind Kind, r io.ReaderAt, size int64) error {
	w.in = size
	root := &stream{w: w, path: w.name}
	w.open(kind, source{path: w.name, name: w.name, at: &rootAt{r: r, s: root}, size: size, under: root})
	return w.end()
}

func (w *walker) walkStream(kind Kind, r io.Reader) error {
	root := &stream{w: w, path: w.name, r: r, root: true}
	br := newBuffered(root)
	defer freeBuffered(br)
	w.open(kind, source{path: w.name, name: w.name, r: br, under: root})
	return w.end()
}

var (
	// errExhausted stops a walk that is over a limit; it was reported.
	errExhausted = errors.New("archive: over a limit")
	// errReported ends a stream whose fault was reported.
	errReported = errors.New("archive: stream ended early")
)

// end sums up and says how the walk ended.
func (w *walker) end() error {
	for i, reason := range reasons() {
		if more := w.problems[i] - maxProblems; more > 0 {
			w.visitor.Problem(Problem{w.name, reason, fmt.Errorf("%d more members like this", more)})
		}
	}
	if w.readErr != nil {
		return fmt.Errorf("reading %s: %w", w.name, w.readErr)
	}
	if w.stop != nil && !errors.Is(w.stop, errExhausted) {
		return w.stop
	}
	return nil
}

// source is where an archive's bytes are: in a stream, and with random access
// where there is any.
type source struct {
	path  string // of the archive, for people
	name  string // of the archive where it stands
	depth int    // archives around this one
	under *stream
	at    io.ReaderAt
	size  int64
	r     *bufferedReader
}

// stream gives the source's bytes in order; free gives the buffer back.
func (s *source) stream() (r *bufferedReader, free func()) {
	if s.r != nil {
		return s.r, func() {}
	}
	br := newBuffered(io.NewSectionReader(s.at, 0, s.size))
	return br, func() { freeBuffered(br) }
}

// open visits the members of an archive.
func (w *walker) open(kind Kind, src source) {
	if w.stop != nil {
		return
	}
	if kind != Notebook {
		src.depth++
	}
	if src.depth > w.limits.Depth {
		w.problem(src.path, Limit, fmt.Errorf("it is within %d other archives, and no more are opened", w.limits.Depth))
		return
	}
	switch kind {
	case Zip:
		w.openZip(src)
	case SevenZip:
		w.openSevenZip(src)
	case Tar:
		w.openTar(src)
	case Gzip, Bzip2, Xz, Zstd:
		w.openCompressed(kind, src)
	case Notebook:
		w.openNotebook(src)
	}
}

// entry is a member as an archive yields it.
type entry struct {
	name     string // inside the archive, cleaned
	size     int64
	modified time.Time
	data     *stream
	at       io.ReaderAt // where size bytes lie as they are, or nil
	asText   transform   // nil for bytes as they are
	// compressed says that the archive is a compressed file, which has one
	// member and is named for it.
	compressed bool
}

// member passes one on to the visitor, or opens it where it is an archive.
func (w *walker) member(src *source, e entry) {
	if !w.count(src.path) {
		return
	}
	path := src.path + "!" + e.name
	br := newBuffered(e.data)
	defer freeBuffered(br)
	head, _ := br.Peek(sniffLength)
	if w.stop != nil {
		return
	}
	if e.asText != nil && !wideText(head) {
		text := &stream{w: w, r: e.asText.reader(br), path: path, under: e.data, metered: true}
		w.yield(Member{Path: path, Size: -1, Modified: e.modified, Line: e.asText.line()}, text)
		return
	}
	kind := Sniff(e.name, head)
	if kind == None {
		w.yield(Member{Path: path, Size: e.size, Modified: e.modified}, br)
		return
	}
	if e.compressed && kind == Tar {
		path = src.path
	}
	w.open(kind, source{path: path, name: e.name, depth: src.depth, under: e.data, at: e.at, size: e.size, r: br})
}

// yield hands a member to the visitor, bounded.
func (w *walker) yield(m Member, r io.Reader) {
	m.Reader = &bounded{w: w, r: r, path: m.Path, left: w.limits.MemberBytes}
	if err := w.visitor.Member(m); err != nil && w.stop == nil {
		w.stop = err
	}
}

// wideText tells UTF-16 and UTF-32 by their byte order mark.
func wideText(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) ||
		bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff})
}
