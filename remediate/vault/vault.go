// Package vault keeps secrets that are sealed end to end: each version under a
// data key of its own, which a key of a token (package hsm) wraps. A Store
// holds what is sealed and never sees a value.
package vault

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"

	"github.com/remint/remint/remediate/hsm"
)

// Metadata is what is known of an entry without its value. Everyone who can
// read the store can read it.
type Metadata struct {
	// Scope is what the key may do: authorization_details of RFC 9396.
	Scope json.RawMessage `json:"scope,omitempty"`
	// Provider is who made it: an id of the rule catalogue.
	Provider string `json:"provider,omitempty"`
	// Policy names how it rotates.
	Policy string `json:"policy,omitempty"`
	// Origin is the fingerprint of the finding that it replaces.
	Origin string `json:"origin,omitempty"`
	// State is "active", "leaked" or "retired"; empty is active.
	State string `json:"state,omitempty"`
	// ID is what the provider calls it, Remediation the token of what replaced it
	// or was replaced.
	ID          string `json:"id,omitempty"`
	Remediation string `json:"remediation,omitempty"`
	// Expires is when it ends by itself (RFC 3339), "" where it does not.
	Expires string `json:"expires,omitempty"`
	// Assurance is that of the token whose key seals it.
	Assurance hsm.Assurance `json:"assurance,omitempty"`
	// WrappedBy is the URI of that key, Scheme how it wraps.
	WrappedBy string `json:"wrapped_by,omitempty"`
	Scheme    string `json:"scheme,omitempty"`
}

// Entry is a version of an entry, sealed.
type Entry struct {
	Name string
	// Version counts from 1.
	Version  int
	Created  time.Time
	Metadata Metadata
	// Sealed is Tink's envelope: the wrapped data key, and the value under it.
	// It is nil for a version that was deleted.
	Sealed []byte
}

// Any, as what is expected, accepts whatever version is current.
const Any = -1

// Store holds sealed entries. It may be used by several goroutines, and the
// same store by several processes.
type Store interface {
	// Get returns a version, the current one for 0: ErrNotFound where there is
	// none, ErrDeleted where it was deleted.
	Get(ctx context.Context, name string, version int) (Entry, error)
	// Put writes version e.Version, which must be one above the current: a
	// ConflictError tells where it is not.
	Put(ctx context.Context, e Entry) error
	// List returns the current versions whose names begin with a prefix, by
	// name. Sealed is left out.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Versions returns every version of an entry, the first first. Sealed is
	// left out.
	Versions(ctx context.Context, name string) ([]Entry, error)
	// Delete deletes a version's value for good, every version's for 0. The
	// numbers are not used again.
	Delete(ctx context.Context, name string, version int) error
	Close() error
}

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("no such entry in the vault")
	ErrDeleted  = errors.New("that version was deleted")
	ErrTampered = errors.New("the vault was changed by something else than remint")
)

// ConflictError tells that somebody else wrote an entry first.
type ConflictError struct {
	Name          string
	Want, Current int
}

// Error implements error.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s is at version %d, not %d: somebody else wrote it meanwhile; read it again", e.Name, e.Current, e.Want)
}

var validName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*(/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$`)

// CheckName tells whether a text is a name: words of letters, digits, '_', '-'
// and '.' between slashes, 200 bytes at most.
func CheckName(name string) error {
	if len(name) > 200 || !validName.MatchString(name) {
		return fmt.Errorf("%q is no name of an entry: want words of letters, digits, '_', '-' and '.' between slashes, such as payments/stripe", name)
	}
	return nil
}

// MaxSecret is the longest value, in bytes.
const MaxSecret = 1 << 20

// Vault seals and opens the entries of a store.
type Vault struct {
	Store     Store
	wrapper   hsm.Wrapper
	assurance hsm.Assurance
	// Locate finds the key that an older version is wrapped by, by its URI; nil
	// where there is only one.
	Locate func(ctx context.Context, uri string) (hsm.Wrapper, error)
}

// New returns a vault over a store. assurance is that of the wrapping key's
// token.
func New(s Store, w hsm.Wrapper, assurance hsm.Assurance) *Vault {
	return &Vault{Store: s, wrapper: w, assurance: assurance}
}

// Put writes a value as the next version. expect is the version that must be
// current, 0 for a new entry, or Any. What is wrapped, by whom and how, is
// filled into the metadata.
func (v *Vault) Put(ctx context.Context, name string, value []byte, m Metadata, expect int) (int, error) {
	if err := CheckName(name); err != nil {
		return 0, err
	}
	if len(value) == 0 || len(value) > MaxSecret {
		return 0, fmt.Errorf("%s: a value of %d bytes: want 1 to %d", name, len(value), MaxSecret)
	}
	for {
		current, err := v.current(ctx, name)
		if err != nil {
			return 0, err
		}
		if expect != Any && current != expect {
			return 0, &ConflictError{name, expect, current}
		}
		e := Entry{Name: name, Version: current + 1, Created: time.Now().UTC().Truncate(time.Millisecond), Metadata: m}
		if err := v.seal(ctx, &e, value); err != nil {
			return 0, err
		}
		err = v.Store.Put(ctx, e)
		if conflict := (*ConflictError)(nil); expect == Any && errors.As(err, &conflict) {
			continue // another was first: this one is the next
		}
		return e.Version, err
	}
}

// current is the number of the newest version, deleted or not; 0 for none.
func (v *Vault) current(ctx context.Context, name string) (int, error) {
	all, err := v.Store.Versions(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Version, nil
}

// Get opens a version, the current one for 0. The caller wipes the value.
func (v *Vault) Get(ctx context.Context, name string, version int) ([]byte, Entry, error) {
	if err := CheckName(name); err != nil {
		return nil, Entry{}, err
	}
	e, err := v.Store.Get(ctx, name, version)
	if err != nil {
		return nil, Entry{}, err
	}
	value, err := v.open(ctx, &e)
	return value, e, err
}

func (v *Vault) seal(ctx context.Context, e *Entry, value []byte) error {
	e.Metadata.Assurance, e.Metadata.WrappedBy, e.Metadata.Scheme = v.assurance, v.wrapper.URI(), v.wrapper.Scheme()
	sealed, err := envelope(ctx, v.wrapper).Encrypt(value, binding(e))
	if err != nil {
		return fmt.Errorf("seal %s: %w", e.Name, err)
	}
	e.Sealed = sealed
	return nil
}

func (v *Vault) open(ctx context.Context, e *Entry) ([]byte, error) {
	w := v.wrapper
	if e.Metadata.WrappedBy != w.URI() && v.Locate != nil {
		older, err := v.Locate(ctx, e.Metadata.WrappedBy)
		if err != nil {
			return nil, fmt.Errorf("open version %d of %s: its key: %w", e.Version, e.Name, err)
		}
		w = older
	}
	value, err := envelope(ctx, w).Decrypt(e.Sealed, binding(e))
	if err != nil {
		return nil, fmt.Errorf("open version %d of %s: %w: %w", e.Version, e.Name, ErrTampered, err)
	}
	return value, nil
}

// binding is what an entry's value is bound to: its name, version and scope, so
// that no row can stand for another.
func binding(e *Entry) []byte {
	scope := sha256.Sum256(e.Metadata.Scope)
	return fmt.Appendf(nil, "remint-vault/1\x00%s\x00%d\x00%x", e.Name, e.Version, scope)
}

// remote is a wrapping key as Tink takes it.
type remote struct {
	ctx context.Context //nolint:containedctx // tink.AEAD has no room for it
	key hsm.Wrapper
}

func envelope(ctx context.Context, w hsm.Wrapper) *aead.KMSEnvelopeAEAD {
	return aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), remote{ctx, w})
}

// Encrypt implements tink.AEAD.
func (r remote) Encrypt(dataKey, _ []byte) ([]byte, error) { return r.key.Wrap(r.ctx, dataKey) }

// Decrypt implements tink.AEAD.
func (r remote) Decrypt(wrapped, _ []byte) ([]byte, error) { return r.key.Unwrap(r.ctx, wrapped) }

// Reseal returns what opens an entry here and seals it for another vault: for
// a new wrapping key, or a move. The version stays.
func (v *Vault) Reseal(ctx context.Context, to *Vault) func(Entry) (Entry, error) {
	return func(e Entry) (Entry, error) {
		value, err := v.open(ctx, &e)
		if err != nil {
			return e, err
		}
		defer clear(value)
		err = to.seal(ctx, &e, value)
		return e, err
	}
}

// Check opens every version and returns those that cannot be opened.
func (v *Vault) Check(ctx context.Context) (opened int, broken []error, err error) {
	names, err := v.Store.List(ctx, "")
	if err != nil {
		return 0, nil, err
	}
	for _, n := range names {
		all, err := v.Store.Versions(ctx, n.Name)
		if err != nil {
			return opened, broken, err
		}
		for _, e := range all {
			value, _, err := v.Get(ctx, e.Name, e.Version)
			switch {
			case errors.Is(err, ErrDeleted):
			case err != nil:
				broken = append(broken, err)
			default:
				clear(value)
				opened++
			}
		}
	}
	return opened, broken, nil
}
