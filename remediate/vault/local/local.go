// Package local is a vault in one SQLite file, for several processes at once.
//
// Rows are sealed by package vault. Against a file that is changed by others
// the sum of all rows' MACs is kept under a key that only the token unwraps: a
// row that is swapped, cut, added, edited or put back from an older copy is
// noticed. A whole file that is put back from an older copy is not.
package local

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/remint/remint/remediate/vault"
)

// Store is a vault's file.
type Store struct {
	db   *sql.DB
	path string
	key  []byte // of the MACs

	mu       sync.Mutex
	verified int64 // the generation that was verified last
}

var _ vault.Store = (*Store)(nil)

const format = "remint-vault/1"

const schema = `
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), format TEXT NOT NULL, token BLOB NOT NULL,
  generation INTEGER NOT NULL, count INTEGER NOT NULL, sum BLOB NOT NULL, mac BLOB NOT NULL) STRICT;
CREATE TABLE entry (name TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, metadata TEXT NOT NULL, sealed BLOB, mac BLOB NOT NULL,
  PRIMARY KEY (name, version)) STRICT, WITHOUT ROWID;`

// Header is what must be known before the vault can be opened: how the key of
// its MACs is wrapped, and where the wrapping key is.
type Header struct {
	// Token is where the wrapping key is: a pkcs11: URI, or "software:" and a
	// path.
	Token string `json:"token"`
	// Label is the wrapping key's.
	Label string `json:"label"`
	// MACKey is the wrapped key of the MACs.
	MACKey []byte `json:"mac_key"`
}

// Create makes a new vault file that only its owner may read. It fails where
// there is one.
func Create(ctx context.Context, path string, h Header, macKey []byte) (*Store, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a vault: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("make a vault: %w", err)
	}
	s, err := connect(path)
	if err != nil {
		return nil, err
	}
	s.key = macKey
	token, err := json.Marshal(h)
	if err == nil {
		_, err = s.db.ExecContext(ctx, schema)
	}
	if err == nil {
		t := head{token: token, generation: 1}
		_, err = s.db.ExecContext(ctx, "INSERT INTO head VALUES (1, ?, ?, ?, ?, ?, ?)", format, token, t.generation, t.count, t.sum.bytes(), s.macOf(&t))
	}
	if err != nil {
		s.db.Close()
		_ = os.Remove(path)
		return nil, fmt.Errorf("make a vault: %w", err)
	}
	return s, nil
}

// Open opens a vault file. Unlock must follow before it is of use.
func Open(ctx context.Context, path string) (*Store, Header, error) {
	var h Header
	if _, err := os.Stat(path); err != nil {
		return nil, h, fmt.Errorf("open the vault: %w", err)
	}
	s, err := connect(path)
	if err != nil {
		return nil, h, err
	}
	var name string
	var token []byte
	err = s.db.QueryRowContext(ctx, "SELECT format, token FROM head WHERE id = 1").Scan(&name, &token)
	if err == nil && name != format {
		err = fmt.Errorf("it is of the format %q, and this program reads %s", name, format)
	}
	if err == nil {
		err = json.Unmarshal(token, &h)
	}
	if err != nil {
		s.db.Close()
		return nil, h, fmt.Errorf("open the vault %s: %w", path, err)
	}
	return s, h, nil
}

// Unlock gives the key of the MACs, and verifies the whole file.
func (s *Store) Unlock(ctx context.Context, macKey []byte) error {
	s.key = macKey
	return s.read(ctx, func(*sql.Tx) error { return nil })
}

// waitMillis is how long another process's write is waited for.
const waitMillis = 20000

func connect(path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(abs))
	dsn := fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=trusted_schema(OFF)&_txlock=immediate",
		escaped, waitMillis)
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open the vault %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return &Store{db: db, path: path}, nil
}

// Close implements vault.Store.
func (s *Store) Close() error { return s.db.Close() }

// head is the row that vouches for all others.
type head struct {
	token      []byte
	generation int64
	count      int64
	sum        sum
	mac        []byte
}

// sum adds MACs modulo 2^256: the order of rows does not count. Rows are
// distinct and the MACs secret, so that it cannot be forged without the key
// (Bellare and Micciancio's AdHash, keyed).
type sum [4]uint64

func (a *sum) add(b sum) {
	var carry uint64
	for i := range a {
		a[i], carry = bits.Add64(a[i], b[i], carry)
	}
}

func (a *sum) subtract(b sum) {
	var borrow uint64
	for i := range a {
		a[i], borrow = bits.Sub64(a[i], b[i], borrow)
	}
}

func (a *sum) bytes() []byte {
	var out []byte
	for _, w := range a {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func sumOf(b []byte) (a sum, ok bool) {
	if len(b) != 32 {
		return a, false
	}
	for i := range a {
		a[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return a, true
}

// macOf is the MAC of the head.
func (s *Store) macOf(h *head) []byte {
	m := hmac.New(sha256.New, s.key)
	fmt.Fprintf(m, "head\x00%s\x00%d\x00%d\x00%d\x00", format, len(h.token), h.generation, h.count)
	m.Write(h.token)
	m.Write(h.sum.bytes())
	return m.Sum(nil)
}

// row is an entry as it is stored.
type row struct {
	name     string
	version  int64
	created  int64
	metadata []byte
	sealed   []byte
	mac      []byte
}

// macOfRow is the row's MAC, by which a row that was changed is named.
func (s *Store) macOfRow(r *row) sum {
	m := hmac.New(sha256.New, s.key)
	fmt.Fprintf(m, "entry\x00%d\x00%d\x00%d\x00%d\x00%t\x00", len(r.name), r.version, r.created, len(r.metadata), r.sealed == nil)
	m.Write([]byte(r.name))
	m.Write(r.metadata)
	m.Write(r.sealed)
	a, _ := sumOf(m.Sum(nil))
	return a
}

func (r *row) entry() (vault.Entry, error) {
	e := vault.Entry{Name: r.name, Version: int(r.version), Created: time.UnixMilli(r.created).UTC(), Sealed: r.sealed}
	if err := json.Unmarshal(r.metadata, &e.Metadata); err != nil {
		return e, fmt.Errorf("version %d of %s: %w: its metadata: %w", r.version, r.name, vault.ErrTampered, err)
	}
	return e, nil
}

func toRow(e *vault.Entry) (row, error) {
	metadata, err := json.Marshal(e.Metadata)
	return row{e.Name, int64(e.Version), e.Created.UnixMilli(), metadata, e.Sealed, nil}, err
}

// corrupt makes what SQLite says of a broken file an error that names it.
func (s *Store) corrupt(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, vault.ErrTampered) ||
		errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrDeleted) || errors.As(err, new(*vault.ConflictError)) {
		return err
	}
	return fmt.Errorf("the vault %s: %w", s.path, err)
}
