package document

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads TOML v1.0.0.
func parseTOML(text []byte) (*Node, error) {
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("not TOML: %w", err)
	}
	p := unstable.Parser{}
	p.Reset(text)
	b := tomlBuilder{p: &p, root: &Node{Kind: Map, End: len(text)}}
	at := b.root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			at = b.descend(b.root, e.Key(), false)
		case unstable.ArrayTable:
			at = b.descend(b.root, e.Key(), true)
		case unstable.KeyValue:
			b.put(at, e)
		}
	}
	if err := p.Error(); err != nil {
		return nil, fmt.Errorf("not TOML: %w", err)
	}
	if b.nodes > maxNodes {
		return nil, ErrTooMany
	}
	return b.root, nil
}

type tomlBuilder struct {
	p     *unstable.Parser
	root  *Node
	nodes int
}

// descend finds or makes the table that a dotted key names. What is an array
// of tables is entered at its last one.
func (b *tomlBuilder) descend(at *Node, keys unstable.Iterator, array bool) *Node {
	for keys.Next() {
		k := keys.Node()
		next := at.Get(string(k.Data))
		switch {
		case array && keys.IsLast():
			if next == nil || next.Kind != List {
				next = &Node{Kind: List}
				at.Members = append(at.Members, Member{b.scalar(k), next})
			}
			next.Items = append(next.Items, &Node{Kind: Map, Start: int(k.Raw.Offset)})
		case next == nil:
			next = &Node{Kind: Map, Start: int(k.Raw.Offset)}
			at.Members = append(at.Members, Member{b.scalar(k), next})
		}
		if next.Kind == List && len(next.Items) > 0 {
			next = next.Items[len(next.Items)-1]
		}
		at = next
	}
	return at
}

func (b *tomlBuilder) put(at *Node, e *unstable.Node) {
	var keys []*unstable.Node
	for it := e.Key(); it.Next(); {
		keys = append(keys, it.Node())
	}
	for _, k := range keys[:len(keys)-1] {
		next := at.Get(string(k.Data))
		if next == nil {
			next = &Node{Kind: Map, Start: int(k.Raw.Offset)}
			at.Members = append(at.Members, Member{b.scalar(k), next})
		}
		at = next
	}
	at.Members = append(at.Members, Member{b.scalar(keys[len(keys)-1]), b.value(e.Value())})
}

func (b *tomlBuilder) value(v *unstable.Node) *Node {
	b.nodes++
	switch v.Kind {
	case unstable.Array:
		n := &Node{Kind: List}
		for it := v.Children(); it.Next(); {
			n.Items = append(n.Items, b.value(it.Node()))
		}
		return b.around(n)
	case unstable.InlineTable:
		n := &Node{Kind: Map}
		for it := v.Children(); it.Next(); {
			b.put(n, it.Node())
		}
		return b.around(n)
	}
	return b.scalar(v)
}

// around gives a list or a table the bytes from its first value to its last.
func (b *tomlBuilder) around(n *Node) *Node {
	if len(n.Items) > 0 {
		n.Start, n.End = n.Items[0].Start, n.Items[len(n.Items)-1].End
	}
	if len(n.Members) > 0 {
		n.Start, n.End = n.Members[0].Key.Start, n.Members[len(n.Members)-1].Value.End
	}
	return n
}

func (b *tomlBuilder) scalar(v *unstable.Node) *Node {
	n := &Node{Kind: String, Text: string(v.Data), Start: int(v.Raw.Offset), End: int(v.Raw.Offset + v.Raw.Length)}
	switch v.Kind {
	case unstable.Bool:
		n.Kind = Bool
	case unstable.Integer, unstable.Float:
		n.Kind = Number
	}
	raw := b.p.Raw(v.Raw)
	for _, quote := range []string{`"""`, `'''`, `"`, `'`} {
		if len(raw) >= 2*len(quote) && string(raw[:len(quote)]) == quote {
			n.Start, n.End = n.Start+len(quote), n.End-len(quote)
			break
		}
	}
	return n
}
