package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
)

// openTar visits a tar archive, and those that were appended to it.
func (w *walker) openTar(src source) {
	r, free := src.stream()
	defer free()
	for w.stop == nil {
		blocks := &counted{r: r}
		err := w.tarMembers(&src, tar.NewReader(blocks))
		if err == nil && blocks.n%tarBlock != 0 {
			// archive/tar takes it for the end, and so would a cut between two
			// blocks be: many archives have no mark there.
			err = fail(Corrupt, "it is cut off within a block")
		}
		if err != nil {
			w.openFault(&src, err)
			return
		}
		if another, err := anotherTar(r); err != nil {
			w.openFault(&src, err)
			return
		} else if !another {
			return
		}
	}
}

// tarBlock is what a tar is a multiple of, in bytes.
const tarBlock = 512

// counted counts the bytes read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// tarMembers visits the members up to the mark of the archive's end.
func (w *walker) tarMembers(src *source, tr *tar.Reader) error {
	for w.stop == nil {
		h, err := nextTar(tr)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := cleanName(h.Name)
		e := entry{name: name, size: h.Size, modified: h.ModTime}
		e.data = &stream{w: w, r: tr, path: src.path + "!" + name, under: src.under, metered: isSparse(h)}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		case tar.TypeSymlink:
			// Where a link points to is its content, as in git.
			e.data.r, e.size = strings.NewReader(h.Linkname), int64(len(h.Linkname))
		default:
			continue
		}
		w.member(src, e)
	}
	return nil
}

func nextTar(tr *tar.Reader) (h *tar.Header, err error) {
	defer recovered(&err)
	h, err = tr.Next()
	if h != nil && errors.Is(err, tar.ErrInsecurePath) {
		err = nil // names are for display
	}
	return h, err
}

// isSparse tells a member that is longer than what is stored of it.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// anotherTar skips the zeros at an archive's end and tells whether another
// archive follows, as "cat a.tar b.tar" makes it.
func anotherTar(r *bufferedReader) (bool, error) {
	for {
		block, err := r.Peek(tarBlock)
		if isZero(block) {
			if _, derr := r.Discard(len(block)); derr != nil || err != nil {
				return false, endOfTar(err)
			}
			continue
		}
		if len(block) == tarBlock && isTarHeader(block) {
			return true, nil
		}
		if err = endOfTar(err); err != nil {
			return false, err
		}
		return false, fail(Corrupt, "something that is not tar follows its end")
	}
}

func endOfTar(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("reading on after the end of the archive: %w", err)
}

func isZero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}
