package scanner

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/history"
	"github.com/remint/remint/scanner/silence"
	"github.com/remint/remint/scanner/source/archive"
)

type objectID = history.ID

// visitor looks at the objects of a walk, for one goroutine.
type visitor struct {
	*audit
	engine  *engine.Scanner
	scratch engine.Memory
	worker  *worker // for what is not plain text
	found   []foundKey
	people  map[string]bool // names and addresses that were looked at, and whether they hold a secret
	names   map[string]bool // names of files, and whether they hold a secret
}

func newVisitor(a *audit) *visitor {
	return &visitor{audit: a, engine: a.Scanner.engine.NewScanner(), people: make(map[string]bool), names: make(map[string]bool)}
}

// Visit implements history.Visitor.
func (v *visitor) Visit(o history.Object, base any) (any, error) {
	switch o.Type {
	case history.Blob:
		return v.blob(o, base)
	case history.Commit:
		return nil, v.commit(o)
	case history.Tag:
		return nil, v.tag(o)
	case history.Tree:
		return nil, v.visitTree(o)
	}
	return nil, nil
}

// Large implements history.Visitor.
func (v *visitor) Large(id history.ID, typ history.Type, size int64) error {
	if typ != history.Blob {
		v.unreadable(id, &history.TooLargeError{ID: id, Size: size, Limit: v.opts.Memory})
		return nil
	}
	_, _, content, err := v.repo.Stream(id)
	if err != nil {
		v.audit.unreadable(id, err)
		return nil
	}
	defer content.Close()
	return v.stream(id, "", content, size)
}

// blob looks at a file's content, as if it had any path.
func (v *visitor) blob(o history.Object, base any) (any, error) {
	if len(o.Data) == 0 {
		return nil, nil
	}
	if oid, _, ok := history.ParseLFSPointer(o.Data); ok {
		v.mu.Lock()
		v.lfs[o.ID] = oid
		v.mu.Unlock()
	}
	if name, special := notPlain(o.Data); special {
		if o.Again {
			return nil, nil
		}
		return nil, v.stream(o.ID, name, bytes.NewReader(o.Data), int64(len(o.Data)))
	}
	var matches []engine.Match
	var err error
	if from, ok := base.(*engine.Memory); ok && !v.opts.Exhaustive {
		matches, err = v.engine.ScanDelta(o.Data, from, o.Copies, &v.scratch)
	} else {
		matches, err = v.engine.ScanKeep(o.Data, &v.scratch)
	}
	if err != nil {
		return nil, err
	}
	if !o.Again {
		v.keep(o.ID, v.keysOf(matches, o.Data))
	}
	return v.scratch.Clone(), nil
}

// notPlain tells whether a content is to be looked at as a whole: an archive,
// a document, wide text. name is what such a file would be called, where that
// matters.
func notPlain(data []byte) (name string, special bool) {
	head := data[:min(len(data), 512)]
	if archive.Sniff("", head) != archive.None {
		return "", true
	}
	if archive.Sniff("x.tar", head) != archive.None {
		return "x.tar", true
	}
	if data[0] == '{' && bytes.Contains(data, []byte(`"nbformat"`)) {
		return "x.ipynb", true
	}
	_, wide := engine.DetectWide(head)
	return "", wide
}

// keysOf returns the keys of the matches in a text.
func (v *visitor) keysOf(matches []engine.Match, body []byte) []foundKey {
	v.found = v.found[:0]
	place := placer{}
	line, at := 1, 0
	for i := range matches {
		m := &matches[i]
		if m.Rule.Hidden {
			continue
		}
		if m.Start > at {
			line, at = line+bytes.Count(body[at:m.Start], []byte{'\n'}), m.Start
		}
		v.found = append(v.found, foundKey{keyOf(m, body, v.marked(m, place.marksOf(body))), int32(line)})
	}
	return v.found
}

// marked tells whether a comment silences a match.
func (s *Scanner) marked(m *engine.Match, marks *silence.Marks) bool {
	return marks != nil && s.opts.Policy != nil && s.opts.Policy.marked(m.Rule.ID, marks, m.FullStart, m.FullEnd)
}

// stream looks at a content that is not plain text, or too long to be held.
func (v *visitor) stream(id history.ID, name string, r io.Reader, size int64) error {
	if v.worker == nil {
		v.worker = newWorker(&run{scanner: v.Scanner, ctx: v.ctx})
		v.worker.engine.OnDrop = nil
		v.worker.collect = func(k foundKey) { v.found = append(v.found, k) }
	}
	v.found = v.found[:0]
	v.worker.run.result = Result{}
	if err := v.worker.stream(&text{path: name}, r, size); err != nil {
		v.audit.unreadable(id, err)
		return nil
	}
	if len(v.worker.run.result.Incomplete) > 0 {
		v.found = append(v.found, foundKey{secretKey: secretKey{problem: true}})
	}
	v.keep(id, v.found)
	return nil
}

// commit looks at a commit.
func (v *visitor) commit(o history.Object) error {
	c, err := history.ParseCommit(o.ID, o.Data)
	if err != nil {
		v.audit.unreadable(o.ID, &history.CorruptError{ID: o.ID, File: v.repo.GitDir(), Err: err})
		// Its text can be looked at all the same.
		c.Message = o.Data
	} else if !o.Again {
		v.links(&c)
	}
	if o.Again {
		return nil
	}
	return v.commitTexts(&c)
}

// commitTexts looks at a commit's message and people.
func (v *visitor) commitTexts(c *history.CommitObject) error {
	when, id := c.Committer.When, c.ID
	if _, err := v.text(PlaceMessage, id, when, c.Message); err != nil {
		return err
	}
	if extra := extraHeaders(c.Headers); len(extra) > 0 {
		if _, err := v.text(PlaceMessage, id, when, extra); err != nil {
			return err
		}
	}
	if err := v.person(PlaceAuthor, id, when, c.Author); err != nil {
		return err
	}
	return v.person(PlaceCommitter, id, when, c.Committer)
}

// links notes what a commit leads to.
func (v *visitor) links(c *history.CommitObject) {
	if !v.walk.Has(c.Tree) {
		v.missing(c.Tree)
	}
	for _, p := range c.Parents {
		if !v.walk.Has(p) && !v.shallow[c.ID] {
			v.missing(p)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.graph.Add(c)
}

// extraHeaders is what stands in a commit beside what git always writes:
// signatures, merged tags, and what other programs put there.
func extraHeaders(headers []byte) []byte {
	rest := headers
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		word, _, _ := strings.Cut(string(line[:min(len(line), 16)]), " ")
		switch word {
		case "tree", "parent", "author", "committer", "encoding":
			rest = after
			continue
		}
		return rest
	}
	return nil
}

// person looks at a name and an address, once.
func (v *visitor) person(place Place, id history.ID, when time.Time, p history.Person) error {
	text := p.Name + " <" + p.Email + ">"
	if holds, seen := v.people[text]; seen && !holds {
		return nil
	}
	holds, err := v.text(place, id, when, []byte(text))
	v.people[text] = holds
	return err
}

// tag looks at an annotated tag.
func (v *visitor) tag(o history.Object) error {
	if o.Again {
		return nil
	}
	t, err := history.ParseTag(o.ID, o.Data)
	if err != nil {
		v.audit.unreadable(o.ID, &history.CorruptError{ID: o.ID, File: v.repo.GitDir(), Err: err})
		t.Message = o.Data
	} else {
		if v.walk != nil && !v.walk.Has(t.Object) {
			v.missing(t.Object)
		}
		v.mu.Lock()
		v.forest.tags = append(v.forest.tags, t)
		v.mu.Unlock()
	}
	if _, err := v.text(PlaceTag, o.ID, t.Tagger.When, t.Message); err != nil {
		return err
	}
	if _, err := v.text(PlaceRefName, o.ID, t.Tagger.When, []byte(t.Name)); err != nil {
		return err
	}
	return v.person(PlaceTagger, o.ID, t.Tagger.When, t.Tagger)
}

// text looks at a text that is no file, and says whether it holds a secret.
func (v *visitor) text(place Place, id history.ID, when time.Time, text []byte) (holds bool, err error) {
	if len(text) < minText {
		return false, nil
	}
	matches, err := v.engine.Scan(text)
	if err != nil || len(matches) == 0 {
		return false, err
	}
	keys, _ := v.number(v.keysOf(matches, text))
	if len(keys) == 0 {
		return false, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loose = append(v.loose, looseText{place: place, object: id, when: when, text: string(text), keys: keys})
	return true, nil
}

// minText is the length below which a text holds no secret, in bytes.
const minText = 6
