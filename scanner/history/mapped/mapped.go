// Package mapped reads files that are not to be trusted to be files, or to
// stay as they are: named pipes are refused, sizes are bounded, every access
// is checked against the size, and a file that shrinks while it is mapped is
// an error instead of the end of the process.
package mapped

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
)

// ErrShrunk says that a file lost bytes while it was read.
var ErrShrunk = errors.New("a file became shorter while it was read, or its disk failed; run again when nothing writes to the repository")

// ErrNotRegular says that a name is a directory, a pipe or a device.
var ErrNotRegular = errors.New("not a regular file")

// Reader is what decompressors want: bytes in runs and one at a time.
type Reader interface {
	io.Reader
	io.ByteReader
}

// File is an open file, mapped into memory where the system can do that.
// All methods but Close may be called from several goroutines at once.
type File struct {
	name string
	size int64
	data []byte   // the whole file, when mapped
	file *os.File // the file, when not
}

// Open opens a regular file.
func Open(name string) (*File, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return &File{name: name, data: []byte{}}, f.Close()
	}
	if data, err := mapFile(f, size); err == nil {
		return &File{name: name, size: size, data: data}, f.Close()
	}
	return &File{name: name, size: size, file: f}, nil
}

// ReadFile returns the content of a regular file of at most limit bytes.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has %d bytes where at most %d make sense", name, max(size, limit+1), limit)
	}
	return data, nil
}

func openRegular(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Name is the name that the file was opened by.
func (f *File) Name() string { return f.name }

// Size is the file's size in bytes when it was opened.
func (f *File) Size() int64 { return f.size }

// Slice returns the n bytes at an offset; they must not be changed and are
// valid until Close. It wraps io.ErrUnexpectedEOF when the file has fewer.
func (f *File) Slice(off int64, n int) ([]byte, error) {
	if off < 0 || n < 0 || int64(n) > f.size || off > f.size-int64(n) {
		return nil, fmt.Errorf("%s: %w: %d bytes at %d of %d", f.name, io.ErrUnexpectedEOF, n, off, f.size)
	}
	if f.file == nil {
		return f.data[off : off+int64(n) : off+int64(n)], nil
	}
	buf := make([]byte, n)
	if _, err := f.file.ReadAt(buf, off); err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.name, err)
	}
	return buf, nil
}

// Reader reads from an offset up to end, both counted from the file's start.
func (f *File) Reader(off, end int64) Reader {
	end = min(max(end, 0), f.size)
	off = min(max(off, 0), end)
	if f.file == nil {
		return bytes.NewReader(f.data[off:end])
	}
	return bufio.NewReader(io.NewSectionReader(f.file, off, end-off))
}

// Close unmaps the file; slices of it must not be touched any more.
func (f *File) Close() error {
	if f.file != nil {
		return f.file.Close()
	}
	data := f.data
	f.data, f.size = nil, 0
	if len(data) == 0 {
		return nil
	}
	return unmap(data)
}

// Catch turns the fault that the system raises when a mapped file shrinks into
// ErrShrunk. It is used as
//
//	defer mapped.Catch(debug.SetPanicOnFault(true), &err)
//
// in every function that touches a mapped file on its own goroutine.
func Catch(was bool, err *error) {
	debug.SetPanicOnFault(was)
	switch r := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }:
		*err = ErrShrunk
	default:
		panic(r)
	}
}
