package scanner

import (
	"bytes"

	"github.com/remint/remint/scanner/silence"
	"github.com/remint/remint/scanner/source"
)

// known is what a scan of the text before a change found: how often each
// secret stood on each line, and in all.
type known struct {
	lines map[string]int
}

// beforeChange scans what stood at an item before the change.
func (w *worker) beforeChange(it source.Item) (*known, error) {
	old, err := it.Before()
	if err != nil {
		return nil, err
	}
	drop := w.engine.OnDrop
	w.engine.OnDrop = nil
	w.engine.Path = w.rel(it.Path)
	matches, err := w.engine.Scan(old)
	w.engine.OnDrop = drop
	if err != nil {
		return nil, err
	}
	place := placer{}
	k := &known{lines: make(map[string]int)}
	for i := range matches {
		m := &matches[i]
		if p := w.scanner.opts.Policy; p != nil {
			f := Finding{Rule: m.Rule, Location: Location{Path: it.Path}, Secret: NewSecret(m.Secret)}
			d, ok := p.decide(&f, place.marksOf(old), 0, m.FullStart, m.FullEnd)
			if ok && (d.By == silence.ByInline || d.By == silence.ByGitleaksInline) {
				continue // without its comment it is news
			}
		}
		k.lines[knownKey(m.Rule.ID, m.Secret, lineOf(old, m.Start))]++
	}
	return k, nil
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
