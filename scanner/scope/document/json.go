package document

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tailscale/hujson"
)

// parseJSON reads JSON as people write it in settings: with comments and
// trailing commas.
func parseJSON(text []byte) (*Node, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	body, base := text, 0
	if rest, ok := bytes.CutPrefix(text, []byte("\ufeff")); ok {
		body, base = rest, len(text)-len(rest)
	}
	v, err := hujson.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	b := jsonBuilder{base: base}
	return b.node(&v, 0)
}

type jsonBuilder struct{ base, nodes int }

func (b *jsonBuilder) node(v *hujson.Value, depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, ErrTooDeep
	}
	if b.nodes++; b.nodes > maxNodes {
		return nil, ErrTooMany
	}
	n := &Node{Start: b.base + v.StartOffset, End: b.base + v.EndOffset}
	switch t := v.Value.(type) {
	case *hujson.Object:
		n.Kind = Map
		for i := range t.Members {
			key, err := b.node(&t.Members[i].Name, depth+1)
			if err != nil {
				return nil, err
			}
			value, err := b.node(&t.Members[i].Value, depth+1)
			if err != nil {
				return nil, err
			}
			n.Members = append(n.Members, Member{key, value})
		}
	case *hujson.Array:
		n.Kind = List
		for i := range t.Elements {
			item, err := b.node(&t.Elements[i], depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
		}
	case hujson.Literal:
		literal(n, t)
	}
	return n, nil
}

func literal(n *Node, l hujson.Literal) {
	n.Text = string(l)
	switch l.Kind() {
	case '"':
		n.Kind = String
		var s string
		if json.Unmarshal(l, &s) == nil {
			n.Text = s
		}
		n.Start, n.End = n.Start+1, n.End-1
	case 't', 'f':
		n.Kind = Bool
	case '0':
		n.Kind = Number
	}
}
