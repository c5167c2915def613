package archive

import (
	"bytes"
	"path"
	"strings"
)

// document is a zip file that is an office document.
type document struct {
	officeOpen   bool // docx, xlsx, pptx and their relatives
	openDocument bool // odt, ods, odp
	// The strings that an xlsx file's sheets refer to.
	src     *source
	dir     *zipDirectory
	entry   *zipEntry
	strings *sharedStrings
	tried   bool
}

const (
	contentTypes  = "[Content_Types].xml"
	sharedStrPart = "xl/sharedStrings.xml"
)

// documentOf looks in a zip file's directory for what makes it a document; nil
// where it is none.
func (w *walker) documentOf(src *source, dir *zipDirectory) *document {
	d := &document{src: src, dir: dir}
	mimetype, content := false, false
	// A fault in the directory is reported when the members are visited.
	_ = dir.each(w, src.path, func(e *zipEntry) bool {
		switch e.name {
		case contentTypes:
			d.officeOpen = true
		case sharedStrPart:
			d.entry = e
		case "mimetype":
			mimetype = true
		case "content.xml":
			content = true
		}
		return !d.officeOpen || d.entry == nil
	})
	d.openDocument = mimetype && content
	if !d.officeOpen && !d.openDocument {
		return nil
	}
	return d
}

// documentNamed guesses from the first member, where there is no directory.
func documentNamed(first string) *document {
	switch first {
	case contentTypes:
		return &document{officeOpen: true, tried: true}
	case "mimetype":
		return &document{openDocument: true, tried: true}
	}
	return nil
}

// transform says how to take the text out of a part; nil for a part that is
// passed on as it is.
func (d *document) transform(w *walker, name string) transform {
	if d.openDocument {
		if name == "content.xml" || name == "styles.xml" {
			return &markup{handler: &openDocumentText{}}
		}
		return nil
	}
	if path.Ext(name) != ".xml" {
		return nil
	}
	folder, file := path.Split(name)
	switch folder {
	case "word/", "word/glossary/":
		for _, stem := range []string{"document", "header", "footer", "footnotes", "endnotes", "comments"} {
			if strings.HasPrefix(file, stem) {
				return &markup{handler: &officeText{}}
			}
		}
	case "ppt/slides/", "ppt/notesSlides/", "ppt/comments/", "ppt/slideLayouts/", "ppt/slideMasters/",
		"xl/drawings/", "xl/threadedComments/", "word/charts/", "ppt/charts/", "xl/charts/", "word/diagrams/", "ppt/diagrams/":
		return &markup{handler: &officeText{}}
	case "xl/worksheets/":
		if s := d.shared(w); s != nil {
			return &markup{handler: &worksheet{shared: s}}
		}
	case "xl/":
		if name == sharedStrPart || strings.HasPrefix(file, "comments") {
			return &markup{handler: &officeText{}}
		}
	}
	return nil
}

// officeText is the text of a Word or PowerPoint part: a paragraph a line,
// with runs joined, so that a key that is split over several is whole.
// Attributes and other text follow their paragraph.
type officeText struct {
	paragraph int
	inText    bool
	skipped   bool   // phonetic help: the same again in another script
	aside     []byte // what follows the paragraph
}

// maxAside is how many bytes are held until a paragraph ends.
const maxAside = 64 << 10

func (o *officeText) start(m *markup, t tag) {
	o.inText = false
	switch string(t.name) {
	case "t", "instrText", "delText", "delInstrText":
		o.inText = true
	case "tab":
		if t.attr("pos") == nil { // not one that defines a stop
			m.putByte('\t')
		}
	case "br", "cr":
		m.putByte('\n')
		m.lines.set(m.newline+1, o.paragraph+1)
	case "noBreakHyphen":
		m.putByte('-')
	case "rPh":
		o.skipped = true
	}
	o.aside = appendAttributes(o.aside, t)
	o.bound(m)
}

func (o *officeText) end(m *markup, name []byte) {
	o.inText = false
	switch string(name) {
	case "p", "si", "comment", "threadedComment":
		o.endParagraph(m)
	case "rPh":
		o.skipped = false
	}
}

func (o *officeText) text(m *markup, p []byte) {
	switch {
	case o.skipped:
	case o.inText:
		m.put(p)
	case len(bytes.TrimSpace(p)) > 0:
		o.aside = append(o.aside, p...)
		o.bound(m)
	}
}

func (o *officeText) finish(m *markup) {
	m.putAside(o.aside, o.paragraph+1)
}

// endParagraph ends a line, and writes what stood beside it.
func (o *officeText) endParagraph(m *markup) {
	m.putByte('\n')
	o.paragraph++
	m.putAside(o.aside, o.paragraph)
	o.aside = o.aside[:0]
	m.lines.set(m.newline+1, o.paragraph+1)
}

// bound writes what stands beside the paragraph where it gets too much to hold.
func (o *officeText) bound(m *markup) {
	if len(o.aside) > maxAside {
		m.putAside(o.aside, o.paragraph+1)
		o.aside = o.aside[:0]
	}
}

// appendAttributes appends the attributes that could say something, a line
// each.
func appendAttributes(b []byte, t tag) []byte {
	t.each(func(name, value []byte) {
		local := localName(name)
		if len(value) < 8 || bytes.HasPrefix(name, []byte("xmlns")) || bytes.HasPrefix(local, []byte("rsid")) ||
			string(local) == "paraId" || string(local) == "textId" || string(local) == "space" {
			return
		}
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, '\n')
		}
		b = append(b, local...)
		b = append(b, `="`...)
		b = append(b, value...)
		b = append(b, "\"\n"...)
	})
	return b
}

// openDocumentText is the text of an OpenDocument part: a paragraph or a row
// of a table a line.
type openDocumentText struct {
	officeText
	inParagraph int
	inCell      bool
}

func (o *openDocumentText) start(m *markup, t tag) {
	switch string(t.name) {
	case "p", "h":
		o.inParagraph++
	case "s":
		m.putByte(' ')
	case "tab":
		m.putByte('\t')
	case "line-break":
		m.putByte('\n')
		m.lines.set(m.newline+1, o.paragraph+1)
	case "table-cell", "covered-table-cell":
		o.inCell = true
	}
	o.aside = appendAttributes(o.aside, t)
	o.bound(m)
}

func (o *openDocumentText) end(m *markup, name []byte) {
	switch string(name) {
	case "p", "h":
		o.inParagraph = max(o.inParagraph-1, 0)
		if o.inCell {
			m.putByte(' ')
		} else {
			o.endParagraph(m)
		}
	case "table-cell", "covered-table-cell":
		o.inCell = false
		m.putByte('\t')
	case "table-row":
		o.endParagraph(m)
	}
}

func (o *openDocumentText) text(m *markup, p []byte) {
	o.inText = o.inParagraph > 0
	o.officeText.text(m, p)
}
