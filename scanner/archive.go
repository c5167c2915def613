package scanner

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/remint/remint/scanner/source/archive"
)

// archive scans the members where the text, whose first n bytes are in the
// buffer, is an archive or a document. done tells that nothing is left to scan
// of the text itself.
func (w *worker) archive(t *text, r io.Reader, n int, size int64) (done bool, err error) {
	kind := archive.Sniff(t.path, w.buf[:n])
	if kind == archive.None {
		return false, nil
	}
	if kind == archive.Notebook {
		// Its text is scanned cell by cell, where lines are a person's, and
		// then as the JSON it is, for what stands outside the cells.
		t.cells = make(map[string]bool)
	}
	v := &memberVisitor{worker: w, outer: t}
	switch {
	case t.file != nil:
		err = archive.Walk(w.ctx, t.path, kind, t.file, size, archive.Limits{}, v)
	default:
		// The members go through the same buffer.
		head := bytes.Clone(w.buf[:n])
		if kind == archive.Notebook {
			rest, rerr := io.ReadAll(io.LimitReader(r, maxBuffer))
			if rerr != nil {
				return true, rerr
			}
			head = append(head, rest...)
			err = archive.WalkStream(w.ctx, t.path, kind, bytes.NewReader(head), archive.Limits{}, v)
			t.held = head
			break
		}
		err = archive.WalkStream(w.ctx, t.path, kind, io.MultiReader(bytes.NewReader(head), r), archive.Limits{}, v)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true, nil // the run says that it was interrupted
	}
	return kind != archive.Notebook, err
}

// memberVisitor scans what an archive hands out.
type memberVisitor struct {
	*worker
	outer *text
}

// Member implements archive.Visitor.
func (v *memberVisitor) Member(m archive.Member) error {
	t := &text{path: m.Path, modified: m.Modified, before: v.outer.before, mapLine: m.Line, cells: v.outer.cells, inCell: v.outer.cells != nil}
	if t.modified.IsZero() {
		t.modified = v.outer.modified
	}
	if t.inCell {
		t.path = v.outer.path // a cell is a place in the notebook, not a file in it
	} else {
		v.result.Stats.Files++
		v.scanner.opts.Progress.Files.Add(1)
	}
	n, err := v.fill(0, m.Reader, firstBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return v.stretches(t, m.Reader, n, -1, err)
}

// Problem implements archive.Visitor.
func (v *memberVisitor) Problem(p archive.Problem) {
	v.incomplete(Incomplete{Path: p.Path, Reason: Reason(p.Reason), Detail: p.Err.Error()})
}
