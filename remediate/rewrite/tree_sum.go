package rewrite

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	ts "github.com/odvcencio/gotreesitter"
)

// isSum tells whether a node joins two strings with the operator of the language.
func (t *tree) isSum(n *ts.Node) bool {
	if t.g.sum == "" || t.kind(n) != t.g.sum {
		return false
	}
	for i := range n.ChildCount() {
		if c := n.Child(i); !c.IsNamed() {
			return t.kind(c) == strings.TrimSpace(t.g.plus)
		}
	}
	return false
}

// weaker are operators that bind less than a sum.
var weaker = []string{"==", "!=", "===", "!==", "||", "&&", "??", "or", "and", "<", ">", "<=", ">=", "<=>", "in", "?:", "=>"}

// weaker tells whether a sum in place of a node needs no parentheses.
func (t *tree) weaker(context *ts.Node) bool {
	n := context.Parent()
	if t.isSum(n) {
		return true
	}
	switch t.kind(n) {
	case "subscript", "subscript_expression", "array_access":
		return n.NamedChild(0).StartByte() != context.StartByte()
	case "binary_expression", "binary":
	default:
		return false
	}
	for i := range n.ChildCount() {
		if slices.Contains(weaker, t.kind(n.Child(i))) {
			return true
		}
	}
	return false
}

// leaves are the operands of a sum, or the literals side by side.
func (t *tree) leaves(n *ts.Node) []*ts.Node {
	joined := slices.Contains(t.g.joined, t.kind(n))
	if !joined && !t.isSum(n) {
		return []*ts.Node{n}
	}
	var all []*ts.Node
	for i := range n.NamedChildCount() {
		if c := n.NamedChild(i); !slices.Contains(t.g.comments, t.kind(c)) {
			all = append(all, t.leaves(c)...)
		}
	}
	return all
}

// replaceSeveral replaces a value that stands in several literals.
func (t *tree) replaceSeveral(n *ts.Node, c Change) ([]edit, error) {
	var literals []*ts.Node
	for _, l := range t.leaves(n) {
		if int(l.EndByte()) <= c.Start || int(l.StartByte()) >= c.End {
			continue
		}
		if !slices.Contains(t.g.strings, t.kind(l)) {
			return nil, errors.New("it is put together of a string and something else")
		}
		literals = append(literals, l)
	}
	if len(literals) == 0 {
		return nil, errors.New("it does not stand in a string")
	}
	return t.replace(literals, c)
}

// replace replaces a value that stands in literals that follow each other.
func (t *tree) replace(literals []*ts.Node, c Change) ([]edit, error) {
	first, last := literals[0], literals[len(literals)-1]
	if t.g.documents && len(literals) == 1 && t.alone(first) {
		return t.f.removed(c), nil
	}
	if err := t.allowed(first); err != nil {
		return nil, err
	}
	if t.g.check != nil {
		if err := t.g.check(t, first, c); err != nil {
			return nil, err
		}
	}
	value, err := t.g.value(t, first, c)
	if err != nil {
		return nil, err
	}
	p, ok := t.pieces(first, last, c)
	if !ok {
		return nil, errors.New("it stands in a string of a kind that is not rewritten")
	}
	context, before, after := t.beside(first, last)
	if p.whole && before == nil && after == nil {
		if t.g.extended != nil {
			if edits, ok := t.g.extended(t, first, c); ok {
				return t.withStatement(first, edits)
			}
		}
		return t.withStatement(first, t.bracketed(context, []edit{{p.start, p.end, value}}, false))
	}
	if t.g.holes != nil && len(literals) == 1 {
		if edits, ok := t.g.holes(t, first, c); ok {
			return t.withStatement(first, edits)
		}
	}
	if t.g.plus == "" {
		return nil, errors.New("it is a part of a longer string, and there is no sum of two of them")
	}
	return t.withStatement(first, t.bracketed(context, t.added(p, value, before != nil, after), true))
}

// pieces are what a value leaves of its literals.
type pieces struct {
	start, end    int    // of the literals
	before, after string // what is left, without delimiters
	shut, open    string // what closes the first part and opens the last
	whole         bool
	c             Change
}

func (t *tree) pieces(first, last *ts.Node, c Change) (pieces, bool) {
	p := pieces{start: int(first.StartByte()), end: int(last.EndByte()), c: c}
	open, shut, ok := t.delimiters(first)
	if !ok {
		return p, false
	}
	lastOpen, lastShut, ok := t.delimiters(last)
	if !ok || c.Start < p.start+len(open) || c.End > p.end-len(lastShut) {
		return p, false
	}
	p.before, p.after = string(t.f.text[p.start+len(open):c.Start]), string(t.f.text[c.End:p.end-len(lastShut)])
	p.shut, p.open = shut, lastOpen
	p.whole = p.before == "" && p.after == ""
	// A key over several lines means the same without empty lines around it.
	if v := t.f.text[c.Start:c.End]; bytes.ContainsRune(v, '\n') || bytes.Contains(v, []byte(`\n`)) || bytes.Contains(v, []byte("-----BEGIN")) {
		p.whole = lineEnds.MatchString(p.before) && lineEnds.MatchString(p.after)
	}
	return p, true
}

var lineEnds = regexp.MustCompile(`^(?:\\[nr]|\s|\\$)*$`)

// beside are the literals that stand before and after some without an
// operator, and the node that all of them make.
func (t *tree) beside(first, last *ts.Node) (context, before, after *ts.Node) {
	context = first
	if first != last {
		for context != nil && context.EndByte() < last.EndByte() {
			context = context.Parent()
		}
	}
	p := first.Parent()
	if !slices.Contains(t.g.joined, t.kind(p)) {
		return context, nil, nil
	}
	for _, l := range t.leaves(p) {
		switch {
		case l.EndByte() <= first.StartByte():
			before = l
		case l.StartByte() >= last.EndByte() && after == nil:
			after = l
		}
	}
	return p, before, after
}

// added are the edits of a sum of what stands before a value, it, and what
// stands after.
func (t *tree) added(p pieces, value string, before bool, after *ts.Node) []edit {
	var edits []edit
	start, end := p.start, p.end
	if before {
		edits = append(edits, edit{start, start, strings.TrimLeft(t.g.plus, " ")})
	}
	if p.before != "" && !p.whole {
		start, value = p.c.Start, p.shut+t.g.plus+value
	}
	if p.after != "" && !p.whole {
		end, value = p.c.End, value+t.g.plus+p.open
	}
	edits = append(edits, edit{start, end, value})
	if after != nil {
		at := int(after.StartByte())
		edits = append(edits, edit{at, at, strings.TrimLeft(t.g.plus, " ")})
	}
	return edits
}

// bracketed puts an expression in what its place asks for.
func (t *tree) bracketed(context *ts.Node, edits []edit, sum bool) []edit {
	open, shut := "", ""
	kind := t.kind(context.Parent())
	if t.g.brackets != nil {
		open, shut = t.g.brackets(t, context)
	}
	if open == "" && (!sum && slices.Contains(t.g.tight, kind) || sum && !slices.Contains(loose, kind) && !t.weaker(context)) {
		open, shut = "(", ")"
	}
	if open == "" {
		return edits
	}
	from, to := int(context.StartByte()), int(context.EndByte())
	return append(append([]edit{{from, from, open}}, edits...), edit{to, to, shut})
}

func (t *tree) withStatement(n *ts.Node, edits []edit) ([]edit, error) {
	if t.g.statement == nil {
		return edits, nil
	}
	more, err := t.g.statement(t, n)
	return append(more, edits...), err
}

var quote = regexp.MustCompile("^[A-Za-z]*[\"'`]")

// delimiters are what opens and closes a literal.
func (t *tree) delimiters(n *ts.Node) (open, shut string, ok bool) {
	literal := t.text(n)
	opening := t.g.opening
	if opening == nil {
		opening = quote
	}
	if open = opening.FindString(literal); open == "" {
		return "", "", false
	}
	shut = strings.TrimLeft(open, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@$%")
	if strings.HasPrefix(shut, "#") {
		shut = `"` + strings.Trim(shut, `"`)
	}
	if i := strings.Index("([{<", shut); i >= 0 {
		shut = ")]}>"[i : i+1]
	}
	return open, shut, len(literal) >= len(open)+len(shut) && strings.HasSuffix(literal, shut)
}
