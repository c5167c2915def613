package archive

import (
	"strings"
	"testing"
)

func testDocx() []byte {
	return makeZip(8,
		file{contentTypes, `<?xml version="1.0"?><Types/>`},
		file{"word/document.xml", `<?xml version="1.0" encoding="UTF-8"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p w:rsidR="00A77B3E"><w:r><w:t>The key is NEED</w:t></w:r><w:proofErr/><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">LE-in-a-</w:t></w:r><w:r><w:t>haystack&amp;&#x21;</w:t></w:r></w:p>
<w:p><w:r><w:t>second</w:t><w:tab/><w:t>paragraph</w:t><w:br/><w:t>broken</w:t></w:r></w:p>
<w:p><w:del><w:r><w:delText>what was deleted</w:delText></w:r></w:del><w:hyperlink w:tooltip="a tooltip to read"><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>
<w:p><w:r><w:t>last</w:t></w:r></w:p>
</w:body></w:document>`},
		file{"word/_rels/document.xml.rels", `<Relationships><Relationship Target="https://example.test/"/></Relationships>`},
	)
}

func TestDocx(t *testing.T) {
	c := walk(t, "d.docx", testDocx(), Limits{})
	want := "The key is NEEDLE-in-a-haystack&!\nsecond\tparagraph\nbroken\n" +
		"what was deletedlink\ntooltip=\"a tooltip to read\"\nlast\n"
	path := "d.docx!word/document.xml"
	if got, _ := c.get(path); got != want {
		t.Errorf("text:\n%s\nwant:\n%s", got, want)
	}
	for line, paragraph := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4} {
		if got := c.lines[path](line); got != paragraph {
			t.Errorf("line %d is in paragraph %d, want %d", line, got, paragraph)
		}
	}
	if rels, _ := c.get("d.docx!word/_rels/document.xml.rels"); !strings.Contains(rels, "https://example.test/") {
		t.Errorf("relationships: %q", rels)
	}
	if len(c.problems) > 0 {
		t.Errorf("problems %v", c.problems)
	}
}

func TestPptx(t *testing.T) {
	c := walk(t, "p.pptx", makeZip(8, file{contentTypes, "<Types/>"},
		file{"ppt/slides/slide1.xml", `<p:sld><a:p><a:r><a:t>on the </a:t></a:r><a:r><a:t>slide</a:t></a:r></a:p><a:p><a:fld><a:t>2</a:t></a:fld></a:p></p:sld>`}), Limits{})
	if got, _ := c.get("p.pptx!ppt/slides/slide1.xml"); got != "on the slide\n2\n" {
		t.Errorf("text: %q", got)
	}
}

func testXlsx() []byte {
	return makeZip(8,
		file{contentTypes, "<Types/>"},
		file{"xl/worksheets/sheet1.xml", `<worksheet><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>
<row r="5" spans="1:3"><c r="B5"><v>42</v></c><c r="C5" t="inlineStr"><is><t>in </t><r><t>line</t></r></is></c></row>
<row r="6"><c r="A6" t="str"><f>CONCAT(A1,"&lt;x&gt;")</f><v>result</v></c><c r="B6" t="s"><v>3</v></c><c r="C6" t="s"><v>99</v></c></row>
</sheetData><hyperlinks><hyperlink ref="A1" display="shown to people"/></hyperlinks></worksheet>`},
		file{"xl/sharedStrings.xml", `<sst><si><t>name</t></si><si><r><t>NEED</t></r><r><rPr><b/></rPr><t>LE</t></r><rPh><t>phonetic</t></rPh></si><si><t>left over</t></si><si><t>two
lines</t></si></sst>`},
	)
}

func TestXlsx(t *testing.T) {
	c := walk(t, "b.xlsx", testXlsx(), Limits{})
	path := "b.xlsx!xl/worksheets/sheet1.xml"
	want := "name\t\tNEEDLE\n\t42\tin line\nCONCAT(A1,\"<x>\") result\ttwo\nlines\n"
	got, _ := c.get(path)
	if !strings.HasPrefix(got, want) || !strings.Contains(got, `display="shown to people"`) {
		t.Errorf("text:\n%s\nwant:\n%s", got, want)
	}
	for line, row := range map[int]int{1: 1, 2: 5, 3: 6, 4: 6} {
		if got := c.lines[path](line); got != row {
			t.Errorf("line %d is row %d, want %d", line, got, row)
		}
	}
	if got, _ := c.get("b.xlsx!xl/sharedStrings.xml"); got != "left over\n" {
		t.Errorf("strings that no cell refers to: %q", got)
	}
	if len(c.problems) > 0 {
		t.Errorf("problems %v", c.problems)
	}
	// With too little memory for them the strings are a member of their own.
	c = walk(t, "b.xlsx", testXlsx(), Limits{Memory: 1 << 19})
	if got, _ := c.get("b.xlsx!xl/sharedStrings.xml"); !strings.HasPrefix(got, "name\nNEEDLE\nleft over\n") {
		t.Errorf("strings by themselves: %q", got)
	}
}

func TestOpenDocument(t *testing.T) {
	content := `<office:document-content><text:h>Title</text:h><text:p>a <text:span>NEED</text:span><text:span>LE</text:span><text:s/>x<text:tab/>y</text:p>
<table:table><table:table-row><table:table-cell><text:p>one</text:p></table:table-cell><table:table-cell><text:p>two</text:p></table:table-cell></table:table-row></table:table>
<text:p><text:a xlink:href="https://example.test/?q=1&amp;r=2">link</text:a></text:p></office:document-content>`
	data := makeZip(0, file{"mimetype", "application/vnd.oasis.opendocument.text"}, file{"content.xml", content}, file{"meta.xml", "<m/>"})
	c := walk(t, "o.odt", data, Limits{})
	want := "Title\na NEEDLE x\ty\none \ttwo \t\nlink\nhref=\"https://example.test/?q=1&r=2\"\n"
	if got, _ := c.get("o.odt!content.xml"); got != want {
		t.Errorf("text:\n%q\nwant:\n%q", got, want)
	}
	if got, _ := c.get("o.odt!meta.xml"); got != "<m/>" {
		t.Errorf("another part: %q", got)
	}
}

// TestMarkupOdd reads what is no XML without losing text.
func TestMarkupOdd(t *testing.T) {
	tests := []struct{ in, want string }{
		{"<w:p><w:t>a & b &unknown; &#65;&#x42;&#xFFFFFFFF;</w:t></w:p>", "a & b &unknown; AB&#xFFFFFFFF;\n"},
		{"<w:p><w:t><![CDATA[<raw> & ]]>x</w:t></w:p>", "<raw> & x\n"},
		{"<w:p><!-- a comment --></w:p>", "\n a comment \n"},
		{"<w:p><w:t>cut", "cut"},
		{"<w:p><w:t>no end <w:t attr='>'", "no end <w:t attr='>'"},
		{"<w:p w:foo='quoted > and \"inside\"'><w:t/>x</w:p>", "\nfoo=\"quoted > and \"inside\"\"\nx\n"},
		{"<><//>< ><w:t>ok</w:t>", "ok"},
	}
	for _, tt := range tests {
		data := makeZip(0, file{contentTypes, "<Types/>"}, file{"word/document.xml", tt.in})
		c := walk(t, "d.docx", data, Limits{})
		if got, _ := c.get("d.docx!word/document.xml"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.want)
		}
	}
	wide := "\xff\xfe<\x00w\x00>\x00"
	c := walk(t, "d.docx", makeZip(0, file{contentTypes, "<Types/>"}, file{"word/document.xml", wide}), Limits{})
	if got, _ := c.get("d.docx!word/document.xml"); got != wide {
		t.Errorf("UTF-16 is passed on as it is: %q", got)
	}
}

// TestMarkupLong has tags and texts that are longer than any buffer.
func TestMarkupLong(t *testing.T) {
	long := strings.Repeat("x", 3*maxTag)
	doc := "<w:p><w:t>" + long + "</w:t><w:t a='" + long + "'>NEEDLE</w:t></w:p>"
	c := walk(t, "d.docx", makeZip(8, file{contentTypes, "<Types/>"}, file{"word/document.xml", doc}), Limits{})
	got, _ := c.get("d.docx!word/document.xml")
	if strings.Count(got, "x") != 6*maxTag || !strings.Contains(got, "NEEDLE") {
		t.Errorf("%d of %d characters came out", strings.Count(got, "x"), 6*maxTag)
	}
}

const testNotebook = `{
 "cells": [
  {
   "cell_type": "code",
   "metadata": {"token": "in metadata"},
   "outputs": [
    {"name": "stdout", "text": ["printed\n", "twice\n"]},
    {"data": {"text/plain": "one \u00e9\ud83d\ude00\ntwo"}},
    {"traceback": ["first", "second"]}
   ],
   "source": [
    "import os\n",
    "key = \"NEEDLE\"\n",
    "half-",
    "line"
   ]
  },
  {"cell_type": "markdown", "source": "# Title\ntext"}
 ],
 "nbformat": 4
}
`

func TestNotebook(t *testing.T) {
	c := walk(t, "n.ipynb", []byte(testNotebook), Limits{})
	got, _ := c.get("n.ipynb")
	lines := strings.Split(got, "\n")
	for text, fileLine := range map[string]int{
		`   "metadata": {"token": "in metadata"},`: 5, "printed": 7, "twice": 7, "one é😀": 8, "two": 8, "first": 9, "second": 9,
		"import os": 12, `key = "NEEDLE"`: 13, "half-line": 14, "# Title": 18, "text": 18, ` "nbformat": 4`: 20,
	} {
		found := false
		for i, line := range lines {
			if line == text {
				found = true
				if n := c.lines["n.ipynb"](i + 1); n != fileLine {
					t.Errorf("%q maps to line %d, want %d", text, n, fileLine)
				}
			}
		}
		if !found {
			t.Errorf("no line %q in:\n%s", text, got)
		}
	}
	if len(c.problems) > 0 {
		t.Errorf("problems %v", c.problems)
	}
	// Within an archive, and without one key.
	c = walk(t, "n.zip", makeZip(8, file{"a/n.ipynb", testNotebook}), Limits{})
	if again, _ := c.get("n.zip!a/n.ipynb"); again != got {
		t.Errorf("in a zip it differs: %q", again)
	}
}

// TestNotebookBroken loses nothing, whatever the JSON is like.
func TestNotebookBroken(t *testing.T) {
	for _, in := range []string{
		`{"source": ["cut off NEEDLE`, `{"source": "cut off NEEDLE\`, `{"source": [{"x": "NEEDLE"}]}`, `{"source": NEEDLE}`,
		"{\n<<<<<<< HEAD\nNEEDLE\n=======\n}", `{"source": ["\u00zzNEEDLE"]}`, `{"a\"source": "NEEDLE"}`,
		`{"source": "\ud800NEEDLE"}`, `{"image/png": "` + strings.Repeat("A", 100_000) + `NEEDLE"}`, `{"source":["a","NEE","DLE"]}`,
	} {
		c := walk(t, "n.ipynb", []byte(in), Limits{})
		if got, _ := c.get("n.ipynb"); !strings.Contains(got, "NEEDLE") {
			t.Errorf("%.80q came out as %.80q", in, got)
		}
	}
}
