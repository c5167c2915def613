package gitindex

import (
	"bytes"
	"math"
	"strconv"
)

// Node is what the index remembers of one directory: the tree object that its
// entries would make, as long as none of them was changed. A directory's node
// comes before those of the directories in it.
type Node struct {
	Name  []byte
	ID    []byte // nil when an entry below was changed
	Count int32  // entries of the index below
	Next  int32  // the node after all those below this one
}

// MaxNesting is how deep directories may be; git stops at 2048.
const MaxNesting = 4096

// parseCacheTree reads the TREE extension, directories before what is in
// them. It only saves work, so it is left out when it is malformed.
func parseCacheTree(b []byte, size int) []Node {
	var nodes []Node
	var open []struct{ node, kids int } // directories that miss so many of theirs
	for {
		node, kids, rest, ok := parseCacheNode(b, size)
		if !ok || len(open) >= MaxNesting || len(nodes) == math.MaxInt32 {
			return nil
		}
		b = rest
		nodes = append(nodes, node)
		open = append(open, struct{ node, kids int }{len(nodes) - 1, kids})
		for len(open) > 0 && open[len(open)-1].kids == 0 {
			nodes[open[len(open)-1].node].Next = int32(len(nodes))
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nodes
		}
		open[len(open)-1].kids--
	}
}

// parseCacheNode reads "name\0count kids\nid".
func parseCacheNode(b []byte, size int) (node Node, kids int, rest []byte, ok bool) {
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return node, 0, nil, false
	}
	node.Name, b = b[:end], b[end+1:]
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
	node.Count, node.ID = int32(count), b[:size]
	return node, kids, b[size:], true
}

// Kids finds the directories in a node's by name; at is -1 for none.
func Kids(nodes []Node, at int32) map[string]int32 {
	if at < 0 {
		return nil
	}
	kids := map[string]int32{}
	for k := at + 1; k < nodes[at].Next; k = nodes[k].Next {
		kids[string(nodes[k].Name)] = k
	}
	return kids
}
