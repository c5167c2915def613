package history

import (
	"encoding/hex"
	"fmt"
)

// Format is the hash that a repository names its objects by.
type Format uint8

// The formats that git knows.
const (
	SHA1   Format = 1
	SHA256 Format = 2
)

// maxIDSize is the length of the longest id in bytes.
const maxIDSize = 32

// Size is the length of an id in bytes.
func (f Format) Size() int {
	if f == SHA256 {
		return 32
	}
	return 20
}

// String returns git's name of the format.
func (f Format) String() string {
	if f == SHA256 {
		return "sha256"
	}
	return "sha1"
}

// ID names an object by the hash of its content. It can be compared and used
// as a map's key; the zero ID names nothing.
type ID struct {
	sum  [maxIDSize]byte
	size uint8
}

// NewID returns the id with these bytes, or the zero ID unless there are 20
// or 32 of them.
func NewID(raw []byte) ID {
	var id ID
	if len(raw) == SHA1.Size() || len(raw) == SHA256.Size() {
		id.size = uint8(copy(id.sum[:], raw))
	}
	return id
}

// ParseID reads an id of 40 or 64 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*SHA1.Size() && len(s) != 2*SHA256.Size() {
		return ID{}, fmt.Errorf("an object id has 40 or 64 hexadecimal digits, not %d characters", len(s))
	}
	n, err := hex.Decode(id.sum[:], []byte(s))
	if err != nil {
		return ID{}, fmt.Errorf("an object id has hexadecimal digits only: %w", err)
	}
	id.size = uint8(n)
	return id, nil
}

// Bytes returns the id's 20 or 32 bytes.
func (id *ID) Bytes() []byte { return id.sum[:id.size] }

// String returns the id in hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id.sum[:id.size]) }

// IsZero tells whether the id names nothing.
func (id ID) IsZero() bool { return id.size == 0 }

// Type is what kind of thing an object is; the values are those in a pack.
type Type uint8

// The types of objects.
const (
	Commit Type = 1
	Tree   Type = 2
	Blob   Type = 3
	Tag    Type = 4
)

// String returns git's word for the type.
func (t Type) String() string {
	switch t {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return "unknown"
}

func parseType(s string) (Type, bool) {
	for t := Commit; t <= Tag; t++ {
		if s == t.String() {
			return t, true
		}
	}
	return 0, false
}
