package scanner

import (
	"bytes"
	"io"

	"github.com/remint/remint/scanner/silence"
	"github.com/remint/remint/scanner/source"
	"github.com/remint/remint/scanner/source/archive"
)

// known is what a scan of the text before a change found: how often each
// secret stood on each line, and in all.
type known struct {
	lines map[string]int
}

// beforeChange scans what stood at an item before the change, or in its
// members where it is an archive.
func (w *worker) beforeChange(it source.Item) (*known, error) {
	old, err := it.Before()
	if err != nil {
		return nil, err
	}
	k := &known{lines: make(map[string]int)}
	kind := archive.Sniff(it.Path, old)
	if kind == archive.None || kind == archive.Notebook {
		if err := w.learn(k, it.Path, old); err != nil {
			return nil, err
		}
	}
	if kind != archive.None {
		v := &learner{worker: w, known: k}
		if err := archive.Walk(w.ctx, it.Path, kind, bytes.NewReader(old), int64(len(old)), archive.Limits{}, v); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// learner learns what an archive's members held before the change.
type learner struct {
	*worker
	known *known
}

// Member implements archive.Visitor. What is too long to be held is not
// learned, so that it is news.
func (l *learner) Member(m archive.Member) error {
	text, err := io.ReadAll(io.LimitReader(m.Reader, maxBuffer))
	if err != nil {
		return err
	}
	return l.learn(l.known, m.Path, text)
}

// Problem implements archive.Visitor: what cannot be read held nothing known.
func (l *learner) Problem(archive.Problem) {}

// learn adds what a text holds to what is known.
func (w *worker) learn(k *known, path string, old []byte) error {
	drop := w.engine.OnDrop
	w.engine.OnDrop = nil
	w.engine.Path = w.scanner.rel(path)
	matches, err := w.engine.Scan(old)
	w.engine.OnDrop = drop
	if err != nil {
		return err
	}
	w.learnGrants(k, path, old)
	place := placer{}
	for i := range matches {
		m := &matches[i]
		if p := w.scanner.opts.Policy; p != nil {
			f := Finding{Rule: m.Rule, Location: Location{Path: path}, Secret: NewSecret(m.Secret)}
			d, ok := p.decide(&f, place.marksOf(old), 0, m.FullStart, m.FullEnd)
			if ok && (d.By == silence.ByInline || d.By == silence.ByGitleaksInline) {
				continue // without its comment it is news
			}
		}
		k.lines[knownKey(m.Rule.ID, m.Secret, lineOf(old, m.Start))]++
	}
	return nil
}

// has tells, once for each time that it stood there, whether a rule's secret
// stood on the same line before.
func (k *known) has(ruleID string, secret, line []byte) bool {
	if k == nil {
		return false
	}
	key := knownKey(ruleID, secret, line)
	if k.lines[key] == 0 {
		return false
	}
	k.lines[key]--
	return true
}

// knownKey leaves white space at the ends of the line out: moving a block in
// or out is no new secret.
func knownKey(ruleID string, secret, line []byte) string {
	return ruleID + "\x00" + string(secret) + "\x00" + string(bytes.TrimSpace(line))
}
