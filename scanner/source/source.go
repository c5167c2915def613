// Package source says what there is to scan: directory trees and files,
// standard input; its sub-packages add the git index and archives. A source
// yields items and knows nothing of rules.
package source

import (
	"context"
	"io"
	"time"
)

// Item is one thing to scan.
type Item struct {
	// Path is slash-separated and relative to what the user asked to scan;
	// "-" is standard input. Its bytes need not be UTF-8.
	Path string
	// Size is what the file system says, in bytes; it can be wrong by the time
	// the item is read. -1 means unknown.
	Size int64
	// Modified is when the item was last changed; zero where nobody knows.
	Modified time.Time
	// Open gives the bytes. The caller closes.
	Open func() (io.ReadCloser, error)
	// Before, when set, gives what stood there before the change that is
	// scanned: what it holds is no news.
	Before func() ([]byte, error)
}

// Visitor receives what a source finds. Calls come one at a time.
type Visitor interface {
	// Item is called for everything to scan; an error stops the source.
	Item(Item) error
	// Unreadable is called for what cannot be looked at.
	Unreadable(path string, err error)
	// Skipped is called for what the configuration leaves out.
	Skipped(path string)
}

// Source yields items in a stable order.
type Source interface {
	Visit(ctx context.Context, v Visitor) error
}
