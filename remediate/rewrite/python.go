package rewrite

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
	"github.com/odvcencio/gotreesitter/grammars"
)

var python = (&grammar{
	load: grammars.PythonLanguage, strings: []string{"string"}, comments: []string{"comment"}, joined: []string{"concatenated_string"},
	plus: " + ", sum: "binary_operator", documents: true, opening: regexp.MustCompile(`^[A-Za-z]*(?:"""|'''|["'])`),
	value: func(t *tree, n *ts.Node, c Change) (string, error) {
		q := `"`
		if t.up(n.Parent(), "interpolation") != nil { // before 3.12 it takes no other
			q = quoteOf(t.text(n))
		}
		value := "os.environ[" + q + c.Variable + q + "]"
		if bytesPrefix.MatchString(t.text(n)) {
			value += ".encode()"
		}
		return value, nil
	},
	holes:     formatted,
	check:     template,
	forbidden: map[string]string{"case_pattern": "it is a pattern of a match statement", "type": "it is a type"},
	closing:   importOS,
}).language("python", byEnding(".py", ".pyi", ".pyw", "sconstruct", "sconscript"))

var bytesPrefix = regexp.MustCompile(`^(?i:b|br|rb)["']`)

func quoteOf(literal string) string {
	if i := strings.IndexAny(literal, `"'`); i >= 0 {
		return literal[i : i+1]
	}
	return `"`
}

// formatted puts a value into an f-string. One of several strings side by side
// is made one, for no operator can stand between them.
func formatted(t *tree, n *ts.Node, c Change) ([]edit, bool) {
	open, _, _ := t.delimiters(n)
	prefix := strings.ToLower(strings.TrimRight(open, `"'`))
	if t.up(n.Parent(), "interpolation") != nil || strings.Contains(prefix, "b") {
		return nil, false
	}
	var edits []edit
	if !strings.Contains(prefix, "f") {
		start := int(n.StartByte())
		rest := string(t.f.text[start:c.Start]) + string(t.f.text[c.End:n.EndByte()])
		if !slices.Contains(t.g.joined, t.kind(n.Parent())) || strings.ContainsAny(rest, "{}") || strings.Contains(prefix, "u") {
			return nil, false
		}
		edits = append(edits, edit{start, start, "f"})
	}
	q := `"`
	if quoteOf(open) == `"` {
		q = `'`
	}
	return append(edits, edit{c.Start, c.End, "{os.environ[" + q + c.Variable + q + "]}"}), true
}

// template refuses a value with signs that formatting reads otherwise.
func template(t *tree, n *ts.Node, c Change) error {
	p := n.Parent()
	if slices.Contains(t.g.joined, t.kind(p)) {
		n, p = p, p.Parent()
	}
	percent := t.kind(p) == "binary_operator" && t.kind(p.Child(1)) == "%" && p.Child(0).StartByte() == n.StartByte() && bytes.ContainsRune(t.f.text[c.Start:c.End], '%')
	braces := t.kind(p) == "attribute" && strings.HasSuffix(t.text(p), ".format") && bytes.ContainsAny(t.f.text[c.Start:c.End], "{}")
	if percent || braces {
		return errors.New("the string is a format, and the value has signs that it reads otherwise")
	}
	return nil
}

// importOS imports os where it is not, before what uses it.
func importOS(t *tree, made []Change) ([]edit, error) {
	use := len(t.f.text)
	for _, c := range made {
		use = min(use, c.Start)
	}
	if t.takesOS(made) {
		return nil, errors.New("the file calls something else os")
	}
	var first, after *ts.Node // the first import, and what an import must follow
	for i := range t.root.NamedChildCount() {
		n := t.root.NamedChild(i)
		switch t.kind(n) {
		case "future_import_statement":
			after = n
		case "import_statement", "import_from_statement":
			if int(n.StartByte()) > use {
				continue
			}
			if importsOS.MatchString(t.text(n)) {
				return nil, nil
			}
			if first == nil {
				first = n
			}
		case "expression_statement", "string", "concatenated_string":
			if i == leading(t) {
				after = n
			}
		}
	}
	return t.importAt(first, after), nil
}

// importAt is the edit that imports os: among the imports where their order has
// it, else after what must come first.
func (t *tree) importAt(first, after *ts.Node) []edit {
	nl := newline(t.f.text)
	if first != nil {
		at := int(first.StartByte())
		from, _ := line(t.f.text, at)
		alone := from == at
		for alone {
			_, end := line(t.f.text, at)
			m := plainImport.FindSubmatch(t.f.text[at:end])
			next := end + len(nl)
			if m == nil || string(m[1]) > "os" || next > len(t.f.text) {
				break
			}
			at = next
		}
		if alone {
			return []edit{{at, at, "import os" + nl}}
		}
	}
	if after != nil {
		_, end := line(t.f.text, int(after.EndByte()))
		return []edit{{end, end, nl + nl + "import os" + t.gap(end)}}
	}
	at := 0 // after a byte order mark, "#!" and the comment that names the encoding
	if strings.HasPrefix(string(t.f.text), "\ufeff") {
		at = 3
	}
	for range 2 {
		_, end := line(t.f.text, at)
		if l := string(t.f.text[at:end]); strings.HasPrefix(l, "#!") || codingLine.MatchString(l) {
			at = min(end+len(nl), len(t.f.text))
		}
	}
	if strings.HasPrefix(string(t.f.text[at:]), nl) {
		return []edit{{at, at, "import os" + nl}}
	}
	return []edit{{at, at, "import os" + nl + nl}}
}

// gap is an empty line, where the line after a place is not.
func (t *tree) gap(end int) string {
	nl := newline(t.f.text)
	if rest := string(t.f.text[end:]); strings.HasPrefix(rest, nl+nl) || len(rest) <= len(nl) {
		return ""
	}
	return nl
}

// takesOS tells whether os is something else where it would be used.
func (t *tree) takesOS(made []Change) bool {
	taken := false
	t.walk(t.root, func(n *ts.Node) {
		if taken || t.kind(n) != "identifier" || t.text(n) != "os" || !t.binds(n) {
			return
		}
		within := t.up(n, "function_definition", "lambda")
		if k := t.kind(n.Parent()); within != nil && (k == "function_definition" || k == "class_definition") {
			within = t.up(within.Parent(), "function_definition", "lambda")
		}
		taken = within == nil
		for _, c := range made {
			taken = taken || int(within.StartByte()) <= c.Start && c.End <= int(within.EndByte())
		}
	})
	return taken
}

// binds tells whether a name is given something at a place.
func (t *tree) binds(n *ts.Node) bool {
	p := n.Parent()
	first := p.NamedChildCount() > 0 && p.NamedChild(0).StartByte() == n.StartByte()
	switch t.kind(p) {
	case "parameters", "lambda_parameters", "typed_parameter", "pattern_list", "tuple_pattern", "list_pattern", "as_pattern_target", "list_splat_pattern", "dictionary_splat_pattern":
		return true
	case "assignment", "augmented_assignment", "default_parameter", "typed_default_parameter", "for_statement", "for_in_clause", "named_expression", "function_definition", "class_definition":
		return first
	case "aliased_import":
		return !first && t.text(p) != "os as os"
	case "dotted_name":
		i := t.up(p, "import_from_statement")
		return i != nil && i.NamedChild(0).StartByte() != p.StartByte() && p.NamedChildCount() == 1 && t.kind(p.Parent()) != "aliased_import"
	}
	return false
}

var (
	importsOS   = regexp.MustCompile(`^import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*os(?:\.\w+)*\s*(?:,|$)`)
	plainImport = regexp.MustCompile(`^import\s+([\w.]+)(?:\s+as\s+\w+)?\s*(?:#.*)?$`)
	codingLine  = regexp.MustCompile(`^#.*coding[:=]`)
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
