package history

import (
	"errors"
	"fmt"
)

// ErrMissing is what errors.Is finds in an error about an object that is not
// there: a partial or damaged clone, or an id that names nothing.
var ErrMissing = errors.New("object is missing")

// ErrReftable says that a repository keeps its references in a form that is
// not read.
var ErrReftable = errors.New("references kept as reftable are not supported; convert them with `git refs migrate --ref-format=files`")

// ErrNotRepository says that no repository was found.
var ErrNotRepository = errors.New("not a git repository (nor any of the directories above)")

// MissingError names an object that is not there.
type MissingError struct {
	ID ID
	// Cause is set when a part of the database could not be read, so that
	// nobody knows whether the object is in it.
	Cause error
}

// Error implements error.
func (e *MissingError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("object %s is missing: %v", e.ID, e.Cause)
	}
	return fmt.Sprintf("object %s is missing; fetch it, or repair the clone with `git fsck`", e.ID)
}

// Is makes errors.Is(err, ErrMissing) hold.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Cause }

// CorruptError names an object that cannot be read, and the file that is wrong.
type CorruptError struct {
	ID   ID
	File string
	Err  error
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("object %s in %s cannot be read: %v; see `git fsck`", e.ID, e.File, e.Err)
}

// Unwrap returns what is wrong.
func (e *CorruptError) Unwrap() error { return e.Err }

// TooLargeError names an object that is too large to be held in memory.
type TooLargeError struct {
	ID ID
	// Size and Limit are in bytes.
	Size, Limit int64
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("object %s has %d bytes, more than the %d that are read at once", e.ID, e.Size, e.Limit)
}
