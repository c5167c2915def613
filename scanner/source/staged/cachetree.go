package staged

import (
	"bytes"
	"math"
	"strconv"
)

// cacheNode is what the index remembers of one directory: the tree object
// that its entries would make, as long as none of them was changed.
type cacheNode struct {
	name  []byte
	id    []byte // nil when an entry below was changed
	count int32  // entries of the index below
	next  int32  // the node after all those below this one
}

// maxNesting is how deep directories may be; git stops at 2048.
const maxNesting = 4096

// parseCacheTree reads the TREE extension, directories before what is in
// them. It only saves work, so it is left out when it is malformed.
func parseCacheTree(b []byte, size int) []cacheNode {
	var nodes []cacheNode
	var open []struct{ node, kids int } // directories that miss so many of theirs
	for {
		node, kids, rest, ok := parseCacheNode(b, size)
		if !ok || len(open) >= maxNesting || len(nodes) == math.MaxInt32 {
			return nil
		}
		b = rest
		nodes = append(nodes, node)
		open = append(open, struct{ node, kids int }{len(nodes) - 1, kids})
		for len(open) > 0 && open[len(open)-1].kids == 0 {
			nodes[open[len(open)-1].node].next = int32(len(nodes))
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nodes
		}
		open[len(open)-1].kids--
	}
}

// parseCacheNode reads "name\0count kids\nid".
func parseCacheNode(b []byte, size int) (node cacheNode, kids int, rest []byte, ok bool) {
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return node, 0, nil, false
	}
	node.name, b = b[:end], b[end+1:]
	line, b, ok := bytes.Cut(b, []byte{'\n'})
	first, second, spaced := bytes.Cut(line, []byte{' '})
	if !ok || !spaced {
		return node, 0, nil, false
	}
	count, err := strconv.ParseInt(string(first), 10, 32)
	if err != nil {
		return node, 0, nil, false
	}
	kids, err = strconv.Atoi(string(second))
	if err != nil || kids < 0 {
		return node, 0, nil, false
	}
	if count < 0 {
		return node, kids, b, true
	}
	if len(b) < size {
		return node, 0, nil, false
	}
	node.count, node.id = int32(count), b[:size]
	return node, kids, b[size:], true
}

// cacheKids finds the directories in a node's by name; at is -1 for none.
func cacheKids(nodes []cacheNode, at int32) map[string]int32 {
	if at < 0 {
		return nil
	}
	kids := map[string]int32{}
	for k := at + 1; k < nodes[at].next; k = nodes[k].next {
		kids[string(nodes[k].name)] = k
	}
	return kids
}
