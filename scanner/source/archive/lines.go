package archive

import "sort"

// maxBreaks bounds a lineMap's memory, to 8 MiB.
const maxBreaks = 1 << 20

// lineMap maps lines of a text that was taken out of a document to lines of
// the document. Between two breaks both count alike.
type lineMap struct {
	breaks []lineBreak
}

type lineBreak struct{ text, document int32 }

// set says that a line of the text, counted from 1, and those after it are
// line so-and-so of the document. Lines come in order.
func (m *lineMap) set(text, document int) {
	if n := len(m.breaks); n > 0 {
		last := &m.breaks[n-1]
		if int32(document)-last.document == int32(text)-last.text {
			return
		}
		if last.text == int32(text) {
			last.document = int32(document)
			return
		}
		if n >= maxBreaks {
			return
		}
	}
	m.breaks = append(m.breaks, lineBreak{int32(text), int32(document)})
}

// line is what Member.Line is.
func (m *lineMap) line(text int) int {
	i := sort.Search(len(m.breaks), func(i int) bool { return int(m.breaks[i].text) > text }) - 1
	if i < 0 {
		return text
	}
	b := m.breaks[i]
	return int(b.document) + text - int(b.text)
}
