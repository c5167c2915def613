package local

import (
	"context"
	"database/sql"
	"fmt"
)

// Exec runs statements on the file, as one who has it can.
func (s *Store) Exec(statements string) error {
	_, err := s.db.ExecContext(context.Background(), statements)
	return err
}

// Fill adds n entries in one transaction.
func (s *Store) Fill(n int) error {
	ctx := context.Background()
	return s.write(ctx, func(tx *sql.Tx, h *head) error {
		add, err := tx.PrepareContext(ctx, "INSERT INTO entry VALUES (?, 1, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer add.Close()
		for i := range n {
			r := row{fmt.Sprintf("team/%03d/key-%06d", i%1000, i), 1, 1, []byte(`{"provider":"stripe","assurance":"software","scheme":"aes-gcm"}`), make([]byte, 150), nil}
			mac := s.macOfRow(&r)
			if _, err := add.ExecContext(ctx, r.name, r.created, string(r.metadata), r.sealed, mac.bytes()); err != nil {
				return err
			}
			h.sum.add(mac)
			h.count++
		}
		return nil
	})
}
