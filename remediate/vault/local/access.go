package local

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/remint/remint/remediate/vault"
)

// read runs fn in a transaction that sees one state of the file, which is
// verified unless it was.
func (s *Store) read(ctx context.Context, fn func(*sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s.corrupt(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := s.verify(ctx, tx); err != nil {
		return s.corrupt(err)
	}
	return s.corrupt(fn(tx))
}

// write runs fn in a transaction, and writes the head that it leaves.
func (s *Store) write(ctx context.Context, fn func(*sql.Tx, *head) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.corrupt(err)
	}
	defer func() { _ = tx.Rollback() }()
	h, err := s.verify(ctx, tx)
	if err != nil {
		return s.corrupt(err)
	}
	if err := fn(tx, h); err != nil {
		return s.corrupt(err)
	}
	h.generation++
	if _, err := tx.ExecContext(ctx, "UPDATE head SET token = ?, generation = ?, count = ?, sum = ?, mac = ? WHERE id = 1",
		h.token, h.generation, h.count, h.sum.bytes(), s.macOf(h)); err != nil {
		return s.corrupt(err)
	}
	if err := tx.Commit(); err != nil {
		return s.corrupt(err)
	}
	s.verified = h.generation
	return nil
}

// verify reads the head, and all rows unless this store wrote or verified this
// generation itself.
func (s *Store) verify(ctx context.Context, tx *sql.Tx) (*head, error) {
	if s.key == nil {
		return nil, errors.New("the vault is locked")
	}
	h := &head{}
	var total []byte
	err := tx.QueryRowContext(ctx, "SELECT token, generation, count, sum, mac FROM head WHERE id = 1").Scan(&h.token, &h.generation, &h.count, &total, &h.mac)
	if err != nil {
		return nil, err
	}
	var ok bool
	if h.sum, ok = sumOf(total); !ok || !hmac.Equal(h.mac, s.macOf(h)) {
		return nil, fmt.Errorf("%w: its head does not bear out", vault.ErrTampered)
	}
	if h.generation == s.verified {
		return h, nil
	}
	var all sum
	var n int64
	var last string
	err = each(ctx, tx, columns+"ORDER BY name, version", nil, func(r *row) error {
		mac := s.macOfRow(r)
		if !hmac.Equal(mac.bytes(), r.mac) {
			return fmt.Errorf("%w: version %d of %s is not what was written", vault.ErrTampered, r.version, r.name)
		}
		all.add(mac)
		n++
		last = r.name
		return nil
	})
	if errors.Is(err, vault.ErrTampered) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: after the entry %q: %w", vault.ErrTampered, last, err)
	}
	if all != h.sum || n != h.count {
		return nil, s.suspect(ctx, tx, n, h.count)
	}
	s.verified = h.generation
	return h, nil
}

// suspect names what was tampered with as well as it can be told.
func (s *Store) suspect(ctx context.Context, tx *sql.Tx, have, want int64) error {
	if have != want {
		return fmt.Errorf("%w: it has %d rows, and %d were written", vault.ErrTampered, have, want)
	}
	names := ""
	err := each(ctx, tx, columns+"ORDER BY created DESC, name LIMIT 3", nil, func(r *row) error {
		names += fmt.Sprintf(" %s (version %d)", r.name, r.version)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", vault.ErrTampered, err)
	}
	return fmt.Errorf("%w: each row was written by remint, and one of them is older than it should be; the newest are%s", vault.ErrTampered, names)
}

// each calls fn for the rows of a query.
func each(ctx context.Context, tx *sql.Tx, query string, args []any, fn func(*row) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.name, &r.version, &r.created, &r.metadata, &r.sealed, &r.mac); err != nil {
			return err
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

const columns = "SELECT name, version, created, metadata, sealed, mac FROM entry "

// Get implements vault.Store.
func (s *Store) Get(ctx context.Context, name string, version int) (vault.Entry, error) {
	var found *vault.Entry
	err := s.read(ctx, func(tx *sql.Tx) error {
		query, args := columns+"WHERE name = ? ORDER BY version DESC LIMIT 1", []any{name}
		if version > 0 {
			query, args = columns+"WHERE name = ? AND version = ?", []any{name, version}
		}
		return each(ctx, tx, query, args, func(r *row) error {
			e, err := r.entry()
			found = &e
			return err
		})
	})
	switch {
	case err != nil:
		return vault.Entry{}, err
	case found == nil:
		return vault.Entry{}, fmt.Errorf("%w: %s", vault.ErrNotFound, describe(name, version))
	case found.Sealed == nil:
		return vault.Entry{}, fmt.Errorf("%w: %s", vault.ErrDeleted, describe(name, found.Version))
	}
	return *found, nil
}

func describe(name string, version int) string {
	if version > 0 {
		return fmt.Sprintf("%s, version %d", name, version)
	}
	return name
}

// Put implements vault.Store.
func (s *Store) Put(ctx context.Context, e vault.Entry) error {
	r, err := toRow(&e)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx, h *head) error {
		var current int
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM entry WHERE name = ?", e.Name).Scan(&current); err != nil {
			return err
		}
		if e.Version != current+1 {
			return &vault.ConflictError{Name: e.Name, Want: e.Version - 1, Current: current}
		}
		mac := s.macOfRow(&r)
		if _, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", r.name, r.version, r.created, string(r.metadata), r.sealed, mac.bytes()); err != nil {
			return err
		}
		h.sum.add(mac)
		h.count++
		return nil
	})
}

// List implements vault.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]vault.Entry, error) {
	return s.all(ctx, `SELECT name, version, created, metadata, NULL, NULL FROM entry e WHERE substr(name, 1, length(?1)) = ?1 AND sealed IS NOT NULL
  AND version = (SELECT max(version) FROM entry WHERE name = e.name) ORDER BY name`, prefix)
}

// Versions implements vault.Store.
func (s *Store) Versions(ctx context.Context, name string) ([]vault.Entry, error) {
	all, err := s.all(ctx, "SELECT name, version, created, metadata, NULL, NULL FROM entry WHERE name = ?1 ORDER BY version", name)
	if err == nil && len(all) == 0 {
		return nil, fmt.Errorf("%w: %s", vault.ErrNotFound, name)
	}
	return all, err
}

func (s *Store) all(ctx context.Context, query, arg string) (all []vault.Entry, err error) {
	err = s.read(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, query, []any{arg}, func(r *row) error {
			e, err := r.entry()
			all = append(all, e)
			return err
		})
	})
	return all, err
}

// Delete implements vault.Store.
func (s *Store) Delete(ctx context.Context, name string, version int) error {
	n := 0
	err := s.replace(ctx, columns+"WHERE name = ?1 AND (?2 = 0 OR version = ?2)", []any{name, version}, func(e vault.Entry) (vault.Entry, error) {
		n++
		e.Sealed = nil
		return e, nil
	})
	if err == nil && n == 0 {
		return fmt.Errorf("%w: %s", vault.ErrNotFound, describe(name, version))
	}
	return err
}

func (s *Store) replace(ctx context.Context, query string, args []any, replace func(vault.Entry) (vault.Entry, error)) error {
	return s.write(ctx, func(tx *sql.Tx, h *head) error { return s.replaceRows(ctx, tx, h, query, args, replace) })
}

func (s *Store) replaceRows(ctx context.Context, tx *sql.Tx, h *head, query string, args []any, replace func(vault.Entry) (vault.Entry, error)) error {
	var old []row
	if err := each(ctx, tx, query, args, func(r *row) error {
		old = append(old, *r)
		return nil
	}); err != nil {
		return err
	}
	for _, r := range old {
		e, err := r.entry()
		if err != nil {
			return err
		}
		if e, err = replace(e); err != nil {
			return err
		}
		next, err := toRow(&e)
		if err != nil {
			return err
		}
		mac := s.macOfRow(&next)
		if _, err := tx.ExecContext(ctx, "UPDATE entry SET metadata = ?, sealed = ?, mac = ? WHERE name = ? AND version = ?", string(next.metadata), next.sealed, mac.bytes(), r.name, r.version); err != nil {
			return err
		}
		h.sum.subtract(s.macOfRow(&r))
		h.sum.add(mac)
	}
	return nil
}

// Rewrap replaces every row and the header: all or nothing.
func (s *Store) Rewrap(ctx context.Context, header Header, replace func(vault.Entry) (vault.Entry, error)) error {
	token, err := json.Marshal(header)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx, h *head) error {
		h.token = token
		return s.replaceRows(ctx, tx, h, columns+"WHERE sealed IS NOT NULL ORDER BY name, version", nil, replace)
	})
}

// Backup copies the vault, as one transaction sees it, to a new file that only
// its owner may read.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.read(ctx, func(*sql.Tx) error { return nil }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copy the vault: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("copy the vault: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return errors.Join(fmt.Errorf("copy the vault: %w", err), os.Remove(path))
	}
	return nil
}
