package scope

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// embedding is how files of a format stand in others: in YAML below a key that
// is a file's name, as ConfigMaps and charts have them, and in scripts, as
// here-documents.
type embedding struct {
	// words are literals one of which stands in every text that holds any, and
	// marks is what they are part of.
	words []string
	marks *regexp.Regexp
	// file tells by its name whether a file is of the format.
	file func(name string) bool
	// command is of a line whose here-document is such a file.
	command *regexp.Regexp
	// read reads the file.
	read func(*File)
	// script reads what else stands in a script; nil where nothing does.
	script func(f *File, script *document.Node)
}

// holds tells by its path whether a file may hold others.
func holds(name string) bool { return isScript(name) || hasExt(name, ".yaml", ".yml") }

// readIn reads the files that stand in a script or in YAML.
func (e *embedding) readIn(f *File) {
	if !hasHint(f.Text, e.words) {
		return
	}
	if isScript(f.Path) {
		e.readScript(f, &document.Node{Kind: document.String, Text: string(f.Text), End: len(f.Text)})
		return
	}
	seen := make(map[int]bool) // an alias stands where its anchor does
	fresh := func(n *document.Node) bool {
		again := seen[n.Start]
		seen[n.Start] = true
		return !again && (n.Kind == document.String || n.Kind == document.Unknown)
	}
	for _, d := range f.Docs() {
		d.Walk(func(n *document.Node) bool {
			for _, m := range n.Entries() {
				if e.file(m.Key.Text) && fresh(m.Value) {
					f.within(m.Key.Text, m.Value, e.read)
				}
			}
			if len(n.Text) > 0 && e.marks.MatchString(n.Text) && verbatim(f, n) && fresh(n) {
				e.readScript(f, n)
			}
			return true
		})
	}
}

// verbatim tells whether a scalar of YAML reads as it stands in the file, but
// for its indentation.
func verbatim(f *File, n *document.Node) bool {
	if n.Start == 0 || n.End > len(f.Text) {
		return false
	}
	raw := f.Text[n.Start:n.End]
	return string(raw) == n.Text || f.Text[n.Start-1] == '\n' && bytes.HasSuffix(raw, []byte("\n"))
}

// readScript reads the here-documents of a script.
func (e *embedding) readScript(f *File, n *document.Node) {
	for _, h := range hereDocuments(f.Text, n.Start, n.End) {
		if e.command.MatchString(h.command) {
			f.within("", &document.Node{Kind: document.String, Text: string(f.Text[h.start:h.end]), Start: h.start, End: h.end}, e.read)
		}
	}
	if e.script != nil {
		e.script(f, n)
	}
}

// within reads a scalar as a file of its own. Where its lines are not those of
// the file, the place of what it grants is its own.
func (f *File) within(name string, n *document.Node, read func(*File)) {
	part := &File{Path: name, Text: []byte(n.Text), format: f.format, hints: f.hints}
	stands := verbatim(f, n)
	if stands {
		part.Text = f.Text[n.Start:n.End]
	}
	read(part)
	for _, g := range part.grants[:min(len(part.grants), maxGrants-len(f.grants))] {
		if stands {
			g.Start, g.End = g.Start+n.Start, g.End+n.Start
		} else {
			g.Start, g.End = n.Start, n.End
		}
		f.grants = append(f.grants, g)
	}
	f.unknown += part.unknown
	if part.err != nil {
		f.Fault(part.err)
	}
}

// hereDocument is a here-document and the command that reads it.
type hereDocument struct {
	command    string
	start, end int
}

// hereMark begins a here-document: <<EOF, <<-'EOF'. <<< and 1<<2 begin none.
var hereMark = regexp.MustCompile(`(?:^|[^<])<<-?[ \t]*(?:"([A-Za-z_]\w*)"|'([A-Za-z_]\w*)'|\\?([A-Za-z_]\w*))`)

// hereDocuments finds the here-documents of a script, in one pass.
func hereDocuments(text []byte, start, end int) (all []hereDocument) {
	from, open, closing := start, false, "" // from: where the command begins
	for at, next := start, 0; at < end; at = next {
		next = min(at+lineLength(text[at:end])+1, end)
		line := strings.TrimSpace(string(text[at:next]))
		if open {
			if line == closing {
				all[len(all)-1].end, open, from = at, false, next
			}
			continue
		}
		if m := hereMark.FindStringSubmatch(line); m != nil && line[0] != '#' {
			all = append(all, hereDocument{command: string(text[from:next]), start: next, end: end})
			open, closing = true, m[1]+m[2]+m[3]
		}
		if !strings.HasSuffix(line, `\`) {
			from = next
		}
	}
	return all
}
