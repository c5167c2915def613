package source

import (
	"context"
	"io"
)

// Stdin is standard input, or any other stream, as one item called Path.
type Stdin struct {
	Reader io.Reader
	Path   string
}

// Visit implements Source.
func (s Stdin) Visit(_ context.Context, v Visitor) error {
	return v.Item(Item{Path: s.Path, Size: -1, Open: func() (io.ReadCloser, error) { return io.NopCloser(s.Reader), nil }})
}
