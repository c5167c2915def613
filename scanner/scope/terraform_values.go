package scope

import (
	"bytes"
	"maps"
	"math/big"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/remint/remint/scanner/scope/document"
)

// terraform is a Terraform file and what its expressions stand for within it:
// locals, variables' defaults, what a block is repeated for, and arguments of
// other blocks. What none of these says is unknown.
type terraform struct {
	*File
	root              *document.Node
	locals, variables map[string]*document.Node
	named             map[string]*document.Node // data and resources, by their address
	work              int                       // spent on expressions, in bytes parsed and values made
	most              int                       // what may be spent
	// branches tells to take both ways of a condition, as if both were written
	// out; else what hangs on one is unknown.
	branches bool
}

// Limits of what is followed.
const (
	maxValues  = 500     // values of one expression
	maxFollows = 20      // references within references
	maxWork    = 1 << 20 // in one file, and in a small one less
	leastWork  = 1 << 16
	lookups    = 8 // keys looked at for the work of one byte
)

func newTerraform(f *File, root *document.Node) *terraform {
	t := &terraform{File: f, root: root, most: min(maxWork, leastWork+64*len(f.Text)), locals: make(map[string]*document.Node), variables: make(map[string]*document.Node)}
	for _, l := range root.All("locals") {
		for _, body := range l.Maps() {
			for _, m := range body.Members {
				t.locals[m.Key.Text] = m.Value
			}
		}
	}
	for _, b := range singles(root, "variable") {
		// A default that says nothing stands in for a value from elsewhere.
		if d := b.Body.Get("default"); d != nil && d.Text+d.Tag != "" && d.Kind != document.Null || len(pairs(d)) > 0 {
			t.variables[b.Name()] = d
		}
	}
	t.named = make(map[string]*document.Node)
	for _, kind := range []string{"data", "resource"} {
		for _, b := range document.Blocks(root, kind) {
			t.named[strings.TrimPrefix(kind+"."+b.Name(), "resource.")] = b.Body
		}
	}
	return t
}

// singles are the blocks that have one label: of "variable", "module" and
// "dynamic". In JSON a list of maps may stand wherever a map may.
func singles(root *document.Node, kind string) []document.Block {
	var all []document.Block
	for _, n := range root.All(kind) {
		if len(n.Labels) > 0 {
			all = append(all, document.Block{Labels: n.Labels, Body: n})
			continue
		}
		for _, named := range n.Maps() {
			for _, m := range named.Members {
				for _, body := range m.Value.Maps() {
					all = append(all, document.Block{Labels: []*document.Node{m.Key}, Body: body})
				}
			}
		}
	}
	return all
}

// nested are the blocks within a block, also where they are repeated by
// "dynamic".
func nested(body *document.Node, kind string) []*document.Node {
	var all []*document.Node
	for _, n := range body.All(kind) {
		all = append(all, n.Maps()...)
	}
	for _, d := range singles(body, "dynamic") {
		if d.Name() == kind {
			all = append(all, nested(d.Body, "content")...)
		}
	}
	return all
}

// bound are names that stand for values where an expression is read.
type bound map[string]*document.Node

// rounds are what "each" stands for in every round of a block that is
// repeated; a block that is not, or for what is not known, has one.
func (t *terraform) rounds(body *document.Node) []bound { return t.repeat(body, "each", nil) }

// repeat is what a name stands for in every round of a block, beside other
// names.
func (t *terraform) repeat(body *document.Node, name string, names bound) []bound {
	var all []bound
	for _, over := range t.of(body.Get("for_each"), names) {
		for _, m := range pairs(over) {
			if len(all) < maxValues {
				all = append(all, names.and(bound{name: pair(m)}))
			}
		}
	}
	if len(all) == 0 {
		all = []bound{names}
	}
	return all
}

// and adds names, which hide others that are called so.
func (b bound) and(more bound) bound {
	all := maps.Clone(b)
	if all == nil {
		all = make(bound)
	}
	maps.Copy(all, more)
	return all
}

// pairs are the keys and values that a collection is gone through by; those of
// a set are alike.
func pairs(n *document.Node) []document.Member {
	var all []document.Member
	for _, i := range n.Values() {
		all = append(all, document.Member{Key: i, Value: i})
	}
	return append(all, n.Entries()...)
}

func pair(m document.Member) *document.Node {
	return &document.Node{Kind: document.Map, Members: []document.Member{{Key: &document.Node{Text: "key"}, Value: m.Key}, {Key: &document.Node{Text: "value"}, Value: m.Value}}}
}

// of returns the values that a node may have: itself, where it refers to
// nothing or to what is not in the file. An empty list has none.
func (t *terraform) of(n *document.Node, names bound) []*document.Node {
	return t.settle([]*document.Node{n}, names, 0)
}

// list is of, with the elements of lists in their place.
func (t *terraform) list(n *document.Node, names bound) []*document.Node {
	var all []*document.Node
	for _, v := range t.of(n, names) {
		if v.Kind != document.List {
			all = append(all, v)
			continue
		}
		for _, i := range v.Items[:min(len(v.Items), maxValues)] {
			if t.work++; len(all) >= maxValues || t.work > t.most {
				break
			}
			all = append(all, t.list(i, names)...)
		}
	}
	return all[:min(len(all), maxValues)]
}

// settle follows those of the nodes that refer to something.
func (t *terraform) settle(nodes []*document.Node, names bound, depth int) []*document.Node {
	var all []*document.Node
	for _, n := range nodes {
		switch e := t.expression(n); {
		case n == nil:
		case e == nil:
			all = append(all, n)
		default:
			if got := t.eval(e, names, depth+1); got != nil {
				all = append(all, got...)
			} else {
				all = append(all, &document.Node{Kind: document.Unknown, Text: n.Text, Tag: n.Tag, Start: n.Start, End: n.End})
			}
		}
		if len(all) > maxValues {
			return all[:maxValues]
		}
	}
	return all
}

// expression parses what is to be filled in: HCL's own, or a text with ${ }.
func (t *terraform) expression(n *document.Node) hclsyntax.Expression {
	if n == nil || n.End > len(t.Text) || n.Kind != document.Unknown && (n.Kind != document.String || !strings.Contains(n.Text, "${")) {
		return nil
	}
	if t.work += n.End - n.Start; t.work > t.most {
		return nil
	}
	source, at := t.Text[n.Start:n.End], hcl.Pos{Line: 1, Column: 1, Byte: n.Start}
	parse := hclsyntax.ParseExpression
	if n.Start > 0 && t.Text[n.Start-1] == '"' {
		parse = hclsyntax.ParseTemplate
	}
	e, faults := parse(source, "", at)
	if faults.HasErrors() {
		return nil
	}
	return e
}

// eval returns the values that an expression may have, nil where they are not
// known.
func (t *terraform) eval(e hclsyntax.Expression, names bound, depth int) []*document.Node {
	if t.work++; depth > maxFollows || t.work > t.most {
		return nil
	}
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return t.eval(e.Expression, names, depth+1)
	case *hclsyntax.TemplateWrapExpr:
		return t.eval(e.Wrapped, names, depth+1)
	case *hclsyntax.LiteralValueExpr:
		if e.Val.IsNull() {
			return []*document.Node{{Kind: document.Null, Start: e.Range().Start.Byte, End: e.Range().End.Byte}}
		}
		if e.Val.Type() == cty.String {
			return []*document.Node{text(e.Val.AsString(), e.Range())}
		}
	case *hclsyntax.TemplateExpr:
		return t.template(e, names, depth)
	case *hclsyntax.TupleConsExpr:
		list := &document.Node{Kind: document.List, Start: e.Range().Start.Byte, End: e.Range().End.Byte}
		for _, x := range e.Exprs {
			list.Items = append(list.Items, t.orUnknown(x, names, depth)...)
		}
		return []*document.Node{list}
	case *hclsyntax.ObjectConsExpr:
		m := &document.Node{Kind: document.Map, Start: e.Range().Start.Byte, End: e.Range().End.Byte}
		for _, i := range e.Items {
			value := either(t.orUnknown(i.ValueExpr, names, depth), i.ValueExpr.Range())
			for _, k := range t.orUnknown(i.KeyExpr, names, depth) {
				m.Members = append(m.Members, document.Member{Key: k, Value: value})
			}
		}
		return []*document.Node{m}
	case *hclsyntax.ConditionalExpr:
		if !t.branches {
			return nil
		}
		return append(t.orUnknown(e.TrueResult, names, depth), t.orUnknown(e.FalseResult, names, depth)...)
	case *hclsyntax.ObjectConsKeyExpr:
		if word := hcl.ExprAsKeyword(e.Wrapped); word != "" && !e.ForceNonLiteral {
			return []*document.Node{text(word, e.Range())}
		}
		return t.eval(e.Wrapped, names, depth+1)
	case *hclsyntax.FunctionCallExpr:
		return t.call(e, names, depth)
	case *hclsyntax.ForExpr:
		return t.loop(e, names, depth)
	case *hclsyntax.ScopeTraversalExpr:
		return t.traverse(e.Traversal, names, depth)
	case *hclsyntax.RelativeTraversalExpr:
		return t.steps(t.eval(e.Source, names, depth+1), e.Traversal, names, depth)
	case *hclsyntax.IndexExpr:
		return t.index(t.eval(e.Collection, names, depth+1), t.eval(e.Key, names, depth+1), names, depth)
	}
	return nil
}

// orUnknown is eval for an element, which may be unknown without the rest
// being so.
func (t *terraform) orUnknown(e hclsyntax.Expression, names bound, depth int) []*document.Node {
	if got := t.eval(e, names, depth+1); got != nil {
		return got
	}
	start, end := e.Range().Start.Byte, e.Range().End.Byte
	if _, ok := e.(*hclsyntax.TemplateExpr); ok && t.Text[start] == '"' {
		start, end = start+1, end-1
	}
	return []*document.Node{{Kind: document.Unknown, Text: string(t.Text[start:end]), Start: start, End: end}}
}

// either is a node for several that a value may be: their list.
func either(all []*document.Node, r hcl.Range) *document.Node {
	if len(all) == 1 {
		return all[0]
	}
	return &document.Node{Kind: document.List, Items: all, Start: r.Start.Byte, End: r.End.Byte}
}

func text(s string, r hcl.Range) *document.Node {
	return &document.Node{Kind: document.String, Text: s, Start: r.Start.Byte, End: r.End.Byte}
}

// template joins the parts of a text. Its place is that of what is filled in,
// which is what a person would edit.
func (t *terraform) template(e *hclsyntax.TemplateExpr, names bound, depth int) []*document.Node {
	whole := text("", e.Range())
	if source := t.Text[whole.Start:whole.End]; bytes.HasPrefix(source, []byte(`"`)) {
		whole.Start, whole.End = whole.Start+1, max(whole.Start+1, whole.End-1)
	}
	all := []*document.Node{whole}
	for _, p := range e.Parts {
		_, literal := p.(*hclsyntax.LiteralValueExpr)
		var joined []*document.Node
		for _, value := range t.eval(p, names, depth+1) {
			for _, before := range all {
				if value.Kind != document.String || len(joined) == maxValues {
					return nil
				}
				n := *before
				n.Text += value.Text
				if !literal {
					n.Start, n.End = value.Start, value.End
				}
				joined = append(joined, &n)
			}
		}
		all = joined
	}
	return all
}

// call knows the functions that hand on what they are given.
func (t *terraform) call(e *hclsyntax.FunctionCallExpr, names bound, depth int) []*document.Node {
	if len(e.Args) == 0 {
		return nil
	}
	switch e.Name {
	case "toset", "tolist", "tomap", "sensitive", "nonsensitive", "distinct", "sort", "compact", "reverse", "jsonencode", "yamlencode":
		return t.eval(e.Args[0], names, depth+1)
	case "element":
		return t.index(t.eval(e.Args[0], names, depth+1), nil, names, depth)
	case "concat", "setunion", "flatten":
		joined := &document.Node{Kind: document.List, Start: e.Range().Start.Byte, End: e.Range().End.Byte}
		for _, g := range t.each(e.Args, names, depth) {
			joined.Items = append(joined.Items, t.list(g, names)...)
			joined.Items = joined.Items[:min(len(joined.Items), maxValues)]
		}
		return []*document.Node{joined}
	case "coalesce", "coalescelist", "try":
		return t.each(e.Args, names, depth)
	case "merge":
		joined := &document.Node{Kind: document.Map, Start: e.Range().Start.Byte, End: e.Range().End.Byte}
		for _, a := range e.Args {
			got := t.eval(a, names, depth+1)
			if got == nil { // it may have any key
				return nil
			}
			for _, g := range got {
				joined.Members = append(joined.Members, g.Entries()...)
				joined.Members = joined.Members[:min(len(joined.Members), maxValues)]
			}
		}
		return []*document.Node{joined}
	case "keys", "values":
		return t.half(e, names, depth)
	}
	return nil
}

// each returns the values of several expressions, with those that are not
// known as such.
func (t *terraform) each(args []hclsyntax.Expression, names bound, depth int) []*document.Node {
	var all []*document.Node
	for _, a := range args {
		all = append(all, t.orUnknown(a, names, depth)...)
	}
	return all
}

// half is the list of a map's keys or values.
func (t *terraform) half(e *hclsyntax.FunctionCallExpr, names bound, depth int) []*document.Node {
	var all []*document.Node
	for _, given := range t.eval(e.Args[0], names, depth+1) {
		list := &document.Node{Kind: document.List, Start: given.Start, End: given.End}
		for _, m := range given.Entries() {
			if e.Name == "keys" {
				list.Items = append(list.Items, m.Key)
			} else {
				list.Items = append(list.Items, m.Value)
			}
		}
		all = append(all, list)
	}
	return all
}

// loop is a "for" expression: one value where what it goes through is not
// known.
func (t *terraform) loop(e *hclsyntax.ForExpr, names bound, depth int) []*document.Node {
	made := &document.Node{Kind: document.List, Start: e.Range().Start.Byte, End: e.Range().End.Byte}
	if e.KeyExpr != nil {
		made.Kind = document.Map
	}
	if e.CondExpr != nil && !t.branches {
		return nil
	}
	over := t.eval(e.CollExpr, names, depth+1)
	var rounds []document.Member
	for _, o := range over {
		if all := pairs(o); all != nil {
			rounds = append(rounds, all...)
		} else if o.Kind != document.List && o.Kind != document.Map {
			over = nil
		}
	}
	if over == nil {
		rounds = append(rounds, document.Member{})
	}
	for _, m := range rounds {
		inner := names.and(bound{e.ValVar: m.Value, e.KeyVar: m.Key})
		values := t.orUnknown(e.ValExpr, inner, depth)
		if made.Kind == document.List {
			made.Items = append(made.Items, values...)
		} else if keys := t.orUnknown(e.KeyExpr, inner, depth); len(keys) > 0 && len(values) > 0 {
			made.Members = append(made.Members, document.Member{Key: keys[0], Value: values[0]})
		}
		if len(made.Items)+len(made.Members) > maxValues {
			return nil
		}
	}
	return []*document.Node{made}
}

// traverse follows a reference.
func (t *terraform) traverse(path hcl.Traversal, names bound, depth int) []*document.Node {
	root := path.RootName()
	if n := names[root]; n != nil {
		return t.steps([]*document.Node{n}, path[1:], names, depth)
	}
	if len(path) < 2 {
		return nil
	}
	from := map[string]map[string]*document.Node{"local": t.locals, "var": t.variables}[root]
	if step, ok := path[1].(hcl.TraverseAttr); ok && from[step.Name] != nil {
		return t.steps([]*document.Node{from[step.Name]}, path[2:], nil, depth)
	}
	return nil
}

// steps goes down from values by names and indexes.
func (t *terraform) steps(at []*document.Node, path hcl.Traversal, names bound, depth int) []*document.Node {
	at = t.settle(at, names, depth)
	for _, s := range path {
		switch s := s.(type) {
		case hcl.TraverseAttr:
			at = t.index(at, []*document.Node{{Kind: document.String, Text: s.Name}}, names, depth)
		case hcl.TraverseIndex:
			key := &document.Node{Kind: document.Number}
			if s.Key.Type() == cty.String {
				key = &document.Node{Kind: document.String, Text: s.Key.AsString()}
			} else if i, accuracy := s.Key.AsBigFloat().Int64(); accuracy == big.Exact {
				key.Text = strconv.FormatInt(i, 10)
			}
			at = t.index(at, []*document.Node{key}, names, depth)
		default:
			return nil
		}
	}
	return at
}

// index takes the value of a key, or where the key is none that is known any
// value that there is.
func (t *terraform) index(from, key []*document.Node, names bound, depth int) []*document.Node {
	var all []*document.Node
	for _, n := range from {
		if t.work += len(n.Entries()) / lookups; t.work > t.most {
			return nil
		}
		if len(key) != 1 || key[0].Kind == document.Unknown {
			for _, m := range pairs(n) {
				all = append(all, m.Value)
			}
		} else if v := n.Get(key[0].Text); v != nil {
			all = append(all, v)
		} else if i, err := strconv.Atoi(key[0].Text); err == nil && i >= 0 && i < len(n.Values()) {
			all = append(all, n.Items[i])
		}
	}
	return t.settle(all, names, depth)
}

// key returns what an expression that takes one of several takes it by: of
// data.x.ids[each.value] the value.
func (t *terraform) key(n *document.Node, names bound) []*document.Node {
	if i, ok := t.expression(n).(*hclsyntax.IndexExpr); ok {
		return t.eval(i.Key, names, 0)
	}
	return nil
}
