package rewrite

import (
	"errors"
	"regexp"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var python = (&grammar{
	load: grammars.PythonLanguage, strings: []string{"string"}, comments: []string{"comment"}, joined: []string{"concatenated_string"},
	plus: " + ",
	value: func(c Change, literal string) (string, error) {
		if bytesPrefix.MatchString(literal) {
			return `os.environ["` + c.Variable + `"].encode()`, nil
		}
		return `os.environ["` + c.Variable + `"]`, nil
	},
	forbidden: map[string]string{"case_pattern": "it is a pattern of a match statement", "interpolation": "it stands in an expression within another string", "type": "it is a type"},
	imports:   importOS,
}).language("python", byEnding(".py", ".pyi", ".pyw", "SConstruct", "SConscript"))

var bytesPrefix = regexp.MustCompile(`^(?i:b|br|rb)["']`)

// importOS imports os where it is not: before the first import, which is after
// the docstring and what must come first.
func importOS(t *tree) ([]edit, error) {
	var first, future, doc *ts.Node
	taken, there := false, false
	for i := range t.root.NamedChildCount() {
		n := t.root.NamedChild(i)
		switch t.kind(n) {
		case "future_import_statement":
			future = n
		case "import_statement", "import_from_statement":
			if first == nil {
				first = n
			}
			there = there || importsOS.MatchString(t.text(n))
		case "expression_statement", "string":
			if doc == nil && first == nil && i == leading(t) {
				doc = n
			}
		}
	}
	t.walk(t.root, func(n *ts.Node) {
		if k := t.kind(n); (k == "assignment" || k == "parameters" || k == "lambda_parameters") && n.NamedChildCount() > 0 {
			for i := range n.NamedChildCount() {
				if k == "assignment" && i > 0 {
					break
				}
				taken = taken || t.text(n.NamedChild(i)) == "os"
			}
		}
	})
	switch {
	case taken:
		return nil, errors.New("the file calls something else os")
	case there:
		return nil, nil
	}
	nl := newline(t.f.text)
	if first != nil && (future == nil || first.StartByte() > future.StartByte()) {
		return []edit{{int(first.StartByte()), int(first.StartByte()), "import os" + nl}}, nil
	}
	if after := future; after != nil || doc != nil {
		if after == nil {
			after = doc
		}
		_, end := line(t.f.text, int(after.EndByte()))
		return []edit{{end, end, nl + "import os"}}, nil
	}
	at := 0 // after a byte order mark, "#!" and the comment that names the encoding
	if strings.HasPrefix(string(t.f.text), "\ufeff") {
		at = 3
	}
	for range 2 {
		from, end := line(t.f.text, at)
		if l := string(t.f.text[from:end]); strings.HasPrefix(l, "#!") || codingLine.MatchString(l) {
			at = min(end+len(nl), len(t.f.text))
		}
	}
	return []edit{{at, at, "import os" + nl}}, nil
}

var (
	importsOS  = regexp.MustCompile(`^import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*os\s*(?:,|$)`)
	codingLine = regexp.MustCompile(`^#.*coding[:=]`)
)

// leading is the place of the first child that is no comment.
func leading(t *tree) int {
	for i := range t.root.NamedChildCount() {
		if t.kind(t.root.NamedChild(i)) != "comment" {
			return i
		}
	}
	return -1
}
