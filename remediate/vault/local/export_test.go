package local

import "context"

// Exec runs statements on the file, as one who has it can.
func (s *Store) Exec(statements string) error {
	_, err := s.db.ExecContext(context.Background(), statements)
	return err
}
