package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/remint/remint/remediate/mint"
)

// Revoke implements mint.Revoker: the old role may not log in any more and its
// sessions end. It is dropped where nothing belongs to it. A superuser loses its
// password alone, and only through another admin.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	leaked, err := parse(r.Leaked.Value)
	if err != nil {
		return err
	}
	err = as(ctx, r, func(ctx context.Context, conn *pgx.Conn, _ *pgx.ConnConfig) error {
		return revoke(ctx, conn, leaked.User, r.Settings.Admin != nil)
	})
	if mint.Refused(err) && r.Settings.Admin == nil {
		return nil // it cannot log in any more: it is dead
	}
	return err
}

func revoke(ctx context.Context, conn *pgx.Conn, role string, byAdmin bool) error {
	var super, self bool
	err := conn.QueryRow(ctx, "SELECT rolsuper, rolname = current_user FROM pg_catalog.pg_roles WHERE rolname = $1", role).Scan(&super, &self)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up the role %s: %w", role, err)
	}
	switch {
	case super && (self || !byAdmin):
		return fmt.Errorf("PostgreSQL: %s is a superuser, which people and the server itself may depend on: give it another password yourself (ALTER ROLE %s PASSWORD …): %w",
			role, quote(role), mint.ErrNeedsPerson)
	case super:
		_, err = conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD NULL", quote(role)))
		return err
	case self: // nobody may drop the role that he is
		if _, err = conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s NOLOGIN PASSWORD NULL", quote(role))); err != nil {
			_, err = conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD NULL", quote(role)))
		}
		return err
	}
	return drop(ctx, conn, role)
}

// drop locks a role out, ends its sessions, and drops it where nothing belongs
// to it, here or in another database.
func drop(ctx context.Context, conn *pgx.Conn, role string) error {
	if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s NOLOGIN PASSWORD NULL", quote(role))); err != nil {
		return fmt.Errorf("lock the role %s: %w", role, err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()", role); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", role, err)
	}
	const owned = "SELECT EXISTS (SELECT FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid WHERE r.rolname = $1 AND d.deptype = 'o')"
	var owns bool
	if err := conn.QueryRow(ctx, owned, role).Scan(&owns); err != nil {
		return fmt.Errorf("look what belongs to %s: %w", role, err)
	}
	if owns {
		return nil // locked: what it owns stays as it is
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after Commit it says so
	for _, statement := range []string{"DROP OWNED BY " + quote(role), "DROP ROLE " + quote(role)} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return nil //nolint:nilerr // rights in another database keep it; it is locked all the same
		}
	}
	return tx.Commit(ctx)
}
