package scanner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/silence"
)

// scan scans a stretch of a text and reports what starts in buf[from:to].
func (w *worker) scan(t *text, buf []byte, from, to int) error {
	body, back := buf, func(at int) int { return at }
	if t.base == 0 {
		if wide, ok := engine.DetectWide(buf); ok {
			t.wide = &wide
		}
	}
	if t.wide != nil {
		body, back = t.wide.Decode(buf)
	}
	w.engine.Path = w.scanner.rel(t.path)
	w.drops = w.drops[:0]
	matches, err := w.engine.Scan(body)
	if err != nil {
		return err
	}
	visible := matches
	for len(visible) > 0 && (visible[len(visible)-1].Rule.Hidden || visible[len(visible)-1].Rule.Pattern == "") {
		visible = visible[:len(visible)-1]
	}
	pairs := pairsOf(matches)
	place := placer{text: t, body: body, line: t.line, column: t.column}
	for i := range matches {
		m := &matches[i]
		if at := back(m.Start); at < from || at >= to && to < len(buf) || m.Rule.Hidden || w.scanner.opts.MaskOnly {
			continue
		}
		w.finding(t, body, back, m, visible, pairs, &place)
	}
	if to == len(buf) {
		w.grants(whole{t, body, back, visible, &place})
	}
	for _, d := range w.drops {
		w.scanner.traced(Trace{Rule: d.Rule, Filter: d.Filter, Location: place.at(back, d.Start, d.End)})
	}
	return nil
}

// finding makes a finding of a match and keeps it unless it is silenced.
func (w *worker) finding(t *text, body []byte, back func(int) int, m *engine.Match, all []engine.Match, pairs map[string][]*engine.Match, place *placer) {
	if w.collect != nil {
		w.collect(foundKey{keyOf(m, body, w.scanner.marked(m, place.marksOf(body))), int32(place.at(back, m.Start, m.End).Line)})
		return
	}
	loc := place.at(back, m.Start, m.End)
	if why := wrongPlace(t.path, body, m); why != "" {
		w.scanner.traced(Trace{Rule: m.Rule, Filter: why, Location: loc})
		return
	}
	secret := m.Secret
	if m.Rule.Pattern == "" {
		// The file itself is the secret, and its content what identifies it.
		sum := sha256.Sum256(body)
		secret = []byte(hex.EncodeToString(sum[:]))
	}
	if t.before != nil && t.before.has(m.Rule.ID, secret, lineOf(body, m.Start)) {
		w.scanner.traced(Trace{Rule: m.Rule, Filter: "it stood there before the change", Location: loc})
		return
	}
	if t.cells != nil && t.foundInCell(m.Rule.ID, secret) {
		return
	}
	f := Finding{
		Rule: m.Rule, Severity: w.scanner.severity(m.Rule), Location: loc, Secret: NewSecret(secret),
		Fingerprint: w.scanner.prints.of(m.Rule.ID, secret), Entropy: m.Entropy, Encodings: m.Encodings,
		Modified: t.changed(), Snippet: snippet(body, m, all), Companions: companions(m, pairs),
	}
	if t.wide != nil {
		f.Encodings = append([]string{t.wide.Name()}, f.Encodings...)
	}
	if p := w.scanner.opts.Policy; p != nil {
		line, _ := place.lineColumn(m.FullStart)
		if d, ok := p.decide(&f, place.marksOf(body), line, m.FullStart, m.FullEnd); ok {
			w.result.Stats.Silenced++
			w.scanner.traced(Trace{Rule: m.Rule, Silenced: d, Location: loc})
			return
		}
	}
	w.result.Findings = append(w.result.Findings, f)
}

// changed is when the text's file was last changed, where that is known.
func (t *text) changed() time.Time {
	if t.modified.IsZero() && t.file != nil {
		if info, err := t.file.Stat(); err == nil {
			return info.ModTime()
		}
	}
	return t.modified
}

// rel is the path that the rules' conditions look at.
func (s *Scanner) rel(path string) string {
	if p := s.opts.Policy; p != nil {
		return p.Rel(path)
	}
	return path
}

// foundInCell tells whether a notebook's cells have the secret already, and
// remembers what they have.
func (t *text) foundInCell(ruleID string, secret []byte) bool {
	key := ruleID + "\x00" + string(secret)
	if t.inCell {
		t.cells[key] = true
		return false
	}
	return t.cells[key]
}

func (s *Scanner) severity(r *rule.Rule) rule.Severity {
	if v, ok := s.opts.Severity[r.ID]; ok {
		return v
	}
	return r.Severity
}

// codeSuffixes are the languages in which a string needs quotes, so that a
// bare word behind a name is a variable or a call.
var codeSuffixes = [...]string{
	".go", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cs", ".java", ".kt", ".kts", ".scala", ".groovy", ".swift", ".m", ".mm", ".rs",
	".py", ".pyi", ".rb", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".php", ".dart", ".lua", ".ex", ".exs", ".erl", ".hs", ".ml",
	".clj", ".vb", ".fs", ".pl", ".pm", ".r", ".jl", ".zig", ".nim", ".sol", ".vue", ".svelte", ".s", ".asm", ".f90", ".pas", ".d",
}

// wrongPlace says why a match cannot be a secret at this path, or "": a value
// without quotes in the code of a language that needs them.
func wrongPlace(name string, body []byte, m *engine.Match) string {
	if !m.Unquoted || m.Rule.Filters != rule.FilterGeneric && m.Rule.Filters != rule.FilterPassword || wasData(m.Encodings) {
		return ""
	}
	if !isCode(name) || inStringOrComment(body, m.Start) {
		return ""
	}
	return "a bare word in code is no string"
}

// isCode tells whether a path is that of a language in which a string needs
// quotes.
func isCode(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	for _, s := range codeSuffixes {
		if ext == s {
			return true
		}
	}
	return false
}

// wasData tells whether what was decoded was data rather than a line of code
// with an escape in it.
func wasData(encodings []string) bool {
	for _, e := range encodings {
		if strings.HasPrefix(e, "base64") || e == "hex" {
			return true
		}
	}
	return false
}

// lookBehind is how far before a value its line is looked at, in bytes.
const lookBehind = 2048

// inStringOrComment guesses from the line before at whether it stands inside a
// string or behind a comment mark.
func inStringOrComment(body []byte, at int) bool {
	lo := max(0, at-lookBehind)
	line := body[lo+bytes.LastIndexByte(body[lo:at], '\n')+1 : at]
	for _, q := range []byte("\"'`") {
		if bytes.Count(line, []byte{q})%2 == 1 {
			return true
		}
	}
	trimmed := bytes.TrimLeft(line, " \t")
	return bytes.Contains(line, []byte("//")) || bytes.HasPrefix(trimmed, []byte("#")) || bytes.HasPrefix(trimmed, []byte("*")) ||
		bytes.HasPrefix(trimmed, []byte("--"))
}

func lineOf(body []byte, at int) []byte {
	lo := bytes.LastIndexByte(body[:at], '\n') + 1
	hi := len(body)
	if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
		hi = at + i
	}
	return body[lo:hi]
}

// placer turns bytes of a stretch into lines and columns, going forward where
// it can.
type placer struct {
	text   *text
	body   []byte
	done   int // bytes that are counted in line and chars
	line   int
	chars  int // characters of the line before done
	column int // characters of the line before the stretch
	marks  *silence.Marks
	marked bool // marks is looked up
}

// marksOf finds the comments that silence, once for all findings of a text.
func (p *placer) marksOf(body []byte) *silence.Marks {
	if !p.marked {
		p.marks, p.marked = silence.FindMarks(body), true
	}
	return p.marks
}

func (p *placer) at(back func(int) int, start, end int) Location {
	l := Location{Path: p.text.path, Offset: p.text.base + int64(back(start)), EndOffset: p.text.base + int64(back(end))}
	l.Line, l.Column = p.lineColumn(start)
	l.EndLine, l.EndColumn = p.lineColumn(end)
	if p.text.mapLine != nil {
		l.Line, l.EndLine = p.text.mapLine(l.Line), p.text.mapLine(l.EndLine)
	}
	return l
}

// lineColumn goes on from the last place it was asked for, so that many
// findings on one long line cost no more than the line.
func (p *placer) lineColumn(at int) (line, column int) {
	if at < p.done {
		// Mostly a few bytes back on the same line.
		if back := p.body[at:p.done]; bytes.IndexByte(back, '\n') < 0 {
			p.chars -= utf8.RuneCount(back)
			p.done = at
			return p.line + 1, p.chars + 1
		}
		p.done, p.line = 0, p.text.line
	}
	if p.done == 0 {
		p.chars = p.column
	}
	passed := p.body[p.done:at]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		p.line += n
		p.chars = 0
		passed = passed[bytes.LastIndexByte(passed, '\n')+1:]
	}
	p.chars += utf8.RuneCount(passed)
	p.done = at
	return p.line + 1, p.chars + 1
}

// advance moves the text's start behind what is dropped from the buffer.
func (t *text) advance(dropped []byte) {
	body := dropped
	if t.wide != nil {
		body, _ = t.wide.Decode(dropped)
	}
	t.base += int64(len(dropped))
	t.line += bytes.Count(body, []byte{'\n'})
	if i := bytes.LastIndexByte(body, '\n'); i >= 0 {
		t.column = utf8.RuneCount(body[i+1:])
	} else {
		t.column += utf8.RuneCount(body)
	}
}

// snippetBytes is how much of a line is shown on either side of a secret.
const snippetBytes = 80

// snippet returns the line of a match, cut around it where it is long, with
// every secret on it masked. A secret over several lines shows its first.
func snippet(body []byte, m *engine.Match, all []engine.Match) string {
	lo := max(0, m.Start-snippetBytes)
	if i := bytes.LastIndexByte(body[lo:m.Start], '\n'); i >= 0 {
		lo += i + 1
	}
	hi := min(len(body), m.End+snippetBytes)
	if i := bytes.IndexByte(body[m.Start:hi], '\n'); i >= 0 {
		hi = m.Start + i
	}
	var b strings.Builder
	at := lo
	first, _ := slices.BinarySearchFunc(all, lo, func(o engine.Match, at int) int { return o.End - at })
	for i := first; i < len(all) && all[i].Start < hi; i++ {
		o := &all[i]
		if o.End <= at || o.Rule.Pattern == "" {
			continue
		}
		if o.Start > at {
			b.Write(body[at:o.Start])
		}
		if len(o.Encodings) > 0 {
			b.WriteString(redactedMask) // its first characters are not public
		} else {
			b.WriteString(NewSecret(body[o.Start:o.End]).String())
		}
		at = min(o.End, hi)
	}
	if at < hi {
		b.Write(body[at:hi])
	}
	return strings.ToValidUTF8(strings.TrimSpace(b.String()), "\uFFFD")
}

// maxCompanions is how many other halves of a pair a finding names.
const maxCompanions = 8

// pairsOf sorts the matches that serve as companions by rule; nil where no
// rule of a match has any.
func pairsOf(all []engine.Match) map[string][]*engine.Match {
	var pairs map[string][]*engine.Match
	for i := range all {
		for _, c := range all[i].Rule.Companions {
			if pairs == nil {
				pairs = make(map[string][]*engine.Match)
			}
			pairs[c.Rule] = nil
		}
	}
	if pairs == nil {
		return nil
	}
	for i := range all {
		if list, ok := pairs[all[i].Rule.ID]; ok {
			pairs[all[i].Rule.ID] = append(list, &all[i])
		}
	}
	return pairs
}

// companions lists the other halves of the pairs that a rule names, the first
// few that stand near.
func companions(m *engine.Match, pairs map[string][]*engine.Match) []Companion {
	var out []Companion
	for _, c := range m.Rule.Companions {
		list := pairs[c.Rule]
		from := 0
		if c.Lines > 0 {
			from, _ = slices.BinarySearchFunc(list, m.Line-c.Lines, func(o *engine.Match, line int) int { return o.Line - line })
		}
		for _, o := range list[from:] {
			if len(out) == maxCompanions || c.Lines > 0 && o.Line > m.Line+c.Lines {
				break
			}
			if o.Start != m.Start {
				out = append(out, Companion{Rule: c.Rule, Line: o.Line, Secret: NewSecret(o.Secret)})
			}
		}
	}
	return out
}
