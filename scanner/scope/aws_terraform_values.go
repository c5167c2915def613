package scope

import (
	"slices"

	"github.com/remint/remint/scanner/scope/document"
)

// filledIn returns a block as Terraform makes it, once for every round: with
// what it refers to in its place, as far as the file says what that is.
func (t *terraform) filledIn(body *document.Node) []*document.Node {
	once := *body
	once.Members = slices.DeleteFunc(slices.Clone(body.Members), func(m document.Member) bool { return m.Key.Text == "for_each" })
	var all []*document.Node
	for _, names := range t.rounds(body) {
		all = append(all, t.tree(&once, names, 0))
	}
	return all
}

// tree is a node with what it and the nodes below it refer to in their place;
// where that may be several values it is their list.
func (t *terraform) tree(n *document.Node, names bound, follows int) *document.Node {
	if t.work++; n == nil || follows > maxFollows || t.work > t.most {
		return n
	}
	switch n.Kind {
	case document.List:
		made := *n
		made.Items = make([]*document.Node, len(n.Items))
		for i, item := range n.Items {
			made.Items[i] = t.tree(item, names, follows)
		}
		return &made
	case document.Map:
		made := *n
		made.Members = make([]document.Member, len(n.Members))
		for i, m := range n.Members {
			value := m.Value
			if m.Key.Text == "dynamic" && len(value.Labels) == 1 {
				value = t.dynamic(value, names)
			}
			made.Members[i] = document.Member{Key: m.Key, Value: t.tree(value, names, follows)}
		}
		return &made
	}
	values := t.of(n, names)
	if len(values) == 1 && values[0].Start == n.Start && values[0].Kind == document.Unknown {
		return n
	}
	made := &document.Node{Kind: document.List, Start: n.Start, End: n.End}
	for _, v := range values {
		if v != n {
			v = t.tree(v, names, follows+1)
		}
		made.Items = append(made.Items, v)
	}
	if len(made.Items) == 1 {
		return made.Items[0]
	}
	return made
}

// dynamic is a block that makes others, with the content of every round.
func (t *terraform) dynamic(n *document.Node, names bound) *document.Node {
	name := n.Labels[0].Text
	if as := n.Get("iterator"); as != nil {
		name = as.Text
	}
	made := &document.Node{Kind: document.Map, Start: n.Start, End: n.End, Labels: n.Labels}
	for _, round := range t.repeat(n, name, names) {
		for _, m := range n.Members {
			if m.Key.Text == "content" {
				made.Members = append(made.Members, document.Member{Key: m.Key, Value: t.tree(m.Value, round, 0)})
			}
		}
	}
	return made
}
