package document

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// parseHCL reads HCL's native syntax, as of Terraform and of Vault's policies.
func parseHCL(text []byte) (*Node, error) {
	file, faults := hclsyntax.ParseConfig(text, "", hcl.InitialPos)
	if faults.HasErrors() {
		for _, d := range faults {
			if d.Severity == hcl.DiagError && d.Subject != nil {
				return nil, fmt.Errorf("not HCL: line %d: %s", d.Subject.Start.Line, d.Summary)
			}
		}
		return nil, errors.New("not HCL")
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	b := hclBuilder{text: text, locals: make(map[string]hclsyntax.Expression)}
	for _, block := range body.Blocks {
		if block.Type == "locals" {
			for name, a := range block.Body.Attributes {
				b.locals[name] = a.Expr
			}
		}
	}
	root := b.body(body, 0)
	switch {
	case b.nodes > maxNodes:
		return nil, ErrTooMany
	case b.deep:
		return nil, ErrTooDeep
	}
	return root, nil
}

type hclBuilder struct {
	text   []byte
	locals map[string]hclsyntax.Expression
	nodes  int
	deep   bool
}

// over tells that a limit is reached, and counts a node.
func (b *hclBuilder) over(depth int) bool {
	b.nodes++
	b.deep = b.deep || depth > maxDepth
	return b.deep || b.nodes > maxNodes
}

func (b *hclBuilder) body(body *hclsyntax.Body, depth int) *Node {
	n := &Node{Kind: Map, Start: body.SrcRange.Start.Byte, End: body.SrcRange.End.Byte}
	if b.over(depth) {
		return n
	}
	for _, a := range body.Attributes {
		n.Members = append(n.Members, Member{b.name(a.Name, a.NameRange), b.value(a.Expr, depth+1)})
	}
	for _, block := range body.Blocks {
		inner := b.body(block.Body, depth+1)
		for i, l := range block.Labels {
			inner.Labels = append(inner.Labels, b.name(l, block.LabelRanges[i]))
		}
		n.Members = append(n.Members, Member{b.name(block.Type, block.TypeRange), inner})
	}
	slices.SortFunc(n.Members, func(x, y Member) int { return x.Key.Start - y.Key.Start })
	return n
}

// name makes a node of an identifier or a quoted label.
func (b *hclBuilder) name(text string, r hcl.Range) *Node {
	n := &Node{Kind: String, Text: text, Start: r.Start.Byte, End: r.End.Byte}
	if n.Start < n.End && b.text[n.Start] == '"' {
		n.Start, n.End = n.Start+1, n.End-1
	}
	return n
}

func (b *hclBuilder) value(e hclsyntax.Expression, depth int) *Node {
	r := e.Range()
	n := &Node{Kind: Unknown, Start: r.Start.Byte, End: r.End.Byte}
	if b.over(depth) {
		return n
	}
	n.Text = string(r.SliceBytes(b.text))
	switch t := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return b.value(t.Expression, depth+1)
	case *hclsyntax.TemplateWrapExpr:
		return b.value(t.Wrapped, depth+1)
	case *hclsyntax.LiteralValueExpr:
		constant(n, t.Val)
	case *hclsyntax.TemplateExpr:
		return b.template(n, t, depth)
	case *hclsyntax.TupleConsExpr:
		n.Kind, n.Text = List, ""
		for _, i := range t.Exprs {
			n.Items = append(n.Items, b.value(i, depth+1))
		}
	case *hclsyntax.ObjectConsExpr:
		n.Kind, n.Text = Map, ""
		for _, i := range t.Items {
			n.Members = append(n.Members, Member{b.key(i.KeyExpr, depth), b.value(i.ValueExpr, depth+1)})
		}
	case *hclsyntax.FunctionCallExpr:
		n.Tag = t.Name
		if slices.Contains([]string{"jsonencode", "yamlencode", "toset", "tolist", "tomap", "sensitive", "nonsensitive"}, t.Name) && len(t.Args) == 1 {
			return b.value(t.Args[0], depth+1)
		}
	case *hclsyntax.ScopeTraversalExpr:
		if t.Traversal.RootName() == "local" && len(t.Traversal) == 2 {
			if step, ok := t.Traversal[1].(hcl.TraverseAttr); ok && b.locals[step.Name] != nil {
				return b.value(b.locals[step.Name], depth+1)
			}
		}
	}
	return n
}

// key is an object's key: a bare word stands for itself.
func (b *hclBuilder) key(e hclsyntax.Expression, depth int) *Node {
	if k, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok && !k.ForceNonLiteral {
		if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
			return b.name(word, k.Range())
		}
		return b.value(k.Wrapped, depth+1)
	}
	return b.value(e, depth+1)
}

func constant(n *Node, v cty.Value) {
	switch {
	case v.IsNull():
		n.Kind = Null
	case v.Type() == cty.Bool:
		n.Kind = Bool
	case v.Type() == cty.Number:
		n.Kind = Number
	case v.Type() == cty.String:
		n.Kind, n.Text = String, v.AsString()
	}
}

// template is a quoted string or a heredoc. A heredoc that is JSON is read as
// what it says, and in it strings with something to fill in are unknown.
func (b *hclBuilder) template(n *Node, t *hclsyntax.TemplateExpr, depth int) *Node {
	heredoc := bytes.HasPrefix(b.text[n.Start:n.End], []byte("<<"))
	if len(t.Parts) == 0 {
		n.Kind, n.Text = String, ""
		n.Start, n.End = n.Start+1, max(n.Start+1, n.End-1)
		return n
	}
	if heredoc {
		n.Start, n.End = t.Parts[0].Range().Start.Byte, t.Parts[len(t.Parts)-1].Range().End.Byte
	} else {
		n.Start, n.End = n.Start+1, n.End-1
	}
	var literal []byte
	var filled []span
	for _, p := range t.Parts {
		if l, ok := p.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
			literal = append(literal, l.Val.AsString()...)
			continue
		}
		filled = append(filled, b.braces(n, p.Range()))
	}
	if heredoc {
		if tree := b.embedded(n, filled, depth); tree != nil {
			return tree
		}
	}
	n.Text = string(b.text[n.Start:n.End])
	if len(filled) == 0 {
		n.Kind, n.Text = String, string(literal)
	}
	return n
}

// braces is where an expression to fill in stands, with the ${ } around it,
// which are not its own.
func (b *hclBuilder) braces(n *Node, r hcl.Range) span {
	s := span{r.Start.Byte, r.End.Byte}
	if i := bytes.LastIndexAny(b.text[n.Start:s.start], "$%"); i >= 0 {
		s.start = n.Start + i
	}
	if i := bytes.IndexByte(b.text[s.end:n.End], '}'); i >= 0 {
		s.end += i + 1
	}
	return s
}

// embedded reads a heredoc as JSON, nil where it is none.
func (b *hclBuilder) embedded(n *Node, filled []span, depth int) *Node {
	body := bytes.Clone(b.text[n.Start:n.End])
	if first := bytes.TrimSpace(body); len(first) == 0 || first[0] != '{' && first[0] != '[' {
		return nil
	}
	for i := range filled {
		filled[i].start, filled[i].end = filled[i].start-n.Start, filled[i].end-n.Start
		erase(body[filled[i].start:filled[i].end], false)
	}
	tree, err := parseJSON(body)
	if err != nil || tree == nil {
		return nil
	}
	tree.Walk(func(at *Node) bool {
		for _, m := range at.Members {
			b.shift(m.Key, n.Start, filled)
		}
		b.shift(at, n.Start, filled)
		return !b.over(depth)
	})
	return tree
}

// shift puts a node of an embedded text in its place in the file, and makes it
// unknown where something is filled in.
func (b *hclBuilder) shift(at *Node, base int, filled []span) {
	if at.Kind == String {
		for _, f := range filled {
			if f.start < at.End && at.Start < f.end {
				at.Kind = Unknown
			}
		}
	}
	at.Start, at.End = at.Start+base, at.End+base
	if at.Kind == Unknown {
		at.Text = string(b.text[at.Start:at.End])
	}
}

// Block is a block of HCL, or its twin in Terraform's JSON.
type Block struct {
	Labels []*Node // after the type: a resource's type and name
	Body   *Node
	Type   *Node // where the block's type stands
}

// Name joins the labels: "aws_iam_role.deploy".
func (b *Block) Name() string {
	var name string
	for i, l := range b.Labels {
		if i > 0 {
			name += "."
		}
		name += l.Text
	}
	return name
}

// Blocks returns the blocks of a type whose first label is one of those given,
// or any where none is: of "resource" and "data", which have two labels. In
// JSON a list of maps may stand wherever a map may.
func Blocks(root *Node, kind string, first ...string) []Block {
	var all []Block
	wanted := func(label *Node) bool { return len(first) == 0 || slices.Contains(first, label.Text) }
	for _, m := range root.Entries() {
		if m.Key.Text != kind {
			continue
		}
		if len(m.Value.Labels) > 0 {
			if wanted(m.Value.Labels[0]) {
				all = append(all, Block{m.Value.Labels, m.Value, m.Key})
			}
			continue
		}
		for _, t := range labelled(m.Value) {
			if !wanted(t.Key) {
				continue
			}
			for _, named := range labelled(t.Value) {
				for _, body := range named.Value.Maps() {
					all = append(all, Block{[]*Node{t.Key, named.Key}, body, t.Key})
				}
			}
		}
	}
	return all
}

// labelled are what blocks of JSON have after their type: labels, each with
// what is so called.
func labelled(n *Node) []Member {
	var all []Member
	for _, m := range n.Maps() {
		all = append(all, m.Members...)
	}
	return all
}
