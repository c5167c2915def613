package history

import (
	"bytes"
	"errors"
	"fmt"
)

// Mode is what a tree or index says of an entry: its kind and permissions.
type Mode uint32

// The modes that git writes today; old trees have other permissions.
const (
	ModeTree    Mode = 0o040000
	ModeFile    Mode = 0o100644
	ModeExec    Mode = 0o100755
	ModeSymlink Mode = 0o120000
	ModeGitlink Mode = 0o160000

	modeKind Mode = 0o170000
)

// Kind is the mode without its permissions; ModeFile stands for every file.
func (m Mode) Kind() Mode {
	if m&modeKind == ModeFile&modeKind {
		return ModeFile
	}
	return m & modeKind
}

// Canonical is the mode as git writes it today.
func (m Mode) Canonical() Mode {
	if m.Kind() == ModeFile && m&0o100 != 0 {
		return ModeExec
	}
	return m.Kind()
}

var errTree = errors.New("its entries are malformed")

// Entries walks the entries of a tree object without allocating:
//
//	for e := NewEntries(data, format); e.Next(); { … }
type Entries struct {
	// Mode and Name are those of the current entry; Name is a part of the
	// tree's data and need not be UTF-8.
	Mode Mode
	Name []byte

	rest, id []byte
	size     int
	bad      bool
}

// NewEntries starts before the first entry of a tree object's content.
func NewEntries(data []byte, format Format) *Entries {
	return &Entries{rest: data, size: format.Size()}
}

// Next goes to the next entry; it returns false after the last and where the
// tree is malformed.
func (e *Entries) Next() bool {
	if len(e.rest) == 0 || e.bad {
		return false
	}
	var mode Mode
	i := 0
	for ; i < len(e.rest) && i < 8 && '0' <= e.rest[i] && e.rest[i] <= '7'; i++ {
		mode = mode<<3 | Mode(e.rest[i]-'0')
	}
	if i == 0 || i == len(e.rest) || e.rest[i] != ' ' {
		e.bad = true
		return false
	}
	name := e.rest[i+1:]
	n := bytes.IndexByte(name, 0)
	if n < 1 || len(name)-n-1 < e.size {
		e.bad = true
		return false
	}
	e.Mode, e.Name = mode, name[:n:n]
	e.id = name[n+1 : n+1+e.size]
	e.rest = name[n+1+e.size:]
	return true
}

// ID is the current entry's object.
func (e *Entries) ID() ID { return NewID(e.id) }

// IsTree tells whether the current entry is a directory.
func (e *Entries) IsTree() bool { return e.Mode&modeKind == ModeTree }

// Err is not nil when the walk ended at a malformed entry.
func (e *Entries) Err() error {
	if e.bad {
		return errTree
	}
	return nil
}

// CommitTree returns the tree that a commit object's content names.
func CommitTree(commit []byte) (ID, error) {
	line, _, _ := bytes.Cut(commit, []byte("\n"))
	name, ok := bytes.CutPrefix(line, []byte("tree "))
	if !ok {
		return ID{}, errors.New("the commit does not begin with its tree")
	}
	id, err := ParseID(string(name))
	if err != nil {
		return ID{}, fmt.Errorf("the commit's tree: %w", err)
	}
	return id, nil
}
