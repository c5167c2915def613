// Package postgres mints PostgreSQL roles: a login of its own for each
// credential, with the rights of its scope and none of the old role's powers.
//
// Scopes are privileges on tables and views ("select,insert on public.orders"),
// "usage on sequence:public.orders_id_seq" and "execute on function:public.f(integer)".
package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/xdg-go/scram"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/dsn"
)

// Minter is PostgreSQL.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "postgres" }

var schemes = regexp.MustCompile(`postgres(?:ql)?(?:\+[a-z0-9_]+)?://`)

// Extend implements mint.Extender.
func (Minter) Extend(text []byte, start, end int) (int, int, bool) {
	return dsn.Extend(text, start, end, schemes)
}

// timeout bounds what is done at a server, whole.
const timeout = 30 * time.Second

// driver is what SQLAlchemy and others write after the scheme.
var driver = regexp.MustCompile(`^postgres(?:ql)?(?:\+[a-z0-9_]+)?://`)

// parse reads a connection string. The error says nothing of it.
func parse(value []byte) (*pgx.ConnConfig, error) {
	text := driver.ReplaceAllString(string(value), "postgres://")
	c, err := pgx.ParseConfig(text)
	if err != nil || c.User == "" {
		return nil, errors.New("PostgreSQL: the credential is no connection string that libpq would take")
	}
	c.ConnectTimeout = 10 * time.Second
	return c, nil
}

// connect logs in. A refusal of the credential is a mint.RefusedError.
func connect(ctx context.Context, c *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err == nil {
		return conn, nil
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && invalid(pg) {
		return nil, &mint.RefusedError{Provider: "PostgreSQL", Answer: fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)}
	}
	return nil, fmt.Errorf("log in to PostgreSQL at %s:%d as %s: %w", c.Host, c.Port, c.User, err)
}

// invalid tells whether the server says that role or password are not valid. A
// missing line in pg_hba.conf has the same code and says nothing of them.
func invalid(e *pgconn.PgError) bool {
	const invalidPassword, invalidAuthorization = "28P01", "28000"
	return e.Code == invalidPassword || e.Code == invalidAuthorization && e.Routine == "InitializeSessionUserId"
}

// as runs do with a connection of the admin, or else of the leaked credential,
// to the leaked one's database.
func as(ctx context.Context, r *mint.Request, do func(context.Context, *pgx.Conn, *pgx.ConnConfig) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	leaked, err := parse(r.Leaked.Value)
	if err != nil {
		return err
	}
	c := leaked
	if r.Settings.Admin != nil {
		if c, err = parse(r.Settings.Admin); err != nil {
			return fmt.Errorf("the admin: %w", err)
		}
		c.Database = leaked.Database
	}
	conn, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = do(ctx, conn, leaked)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "42501" && r.Settings.Admin == nil {
		return fmt.Errorf("PostgreSQL: %s: %w", pg.Message, mint.ErrNoAdmin)
	}
	return err
}

// maxName is the longest name of a role, in bytes (NAMEDATALEN - 1).
const maxName = 63

// Propose implements mint.Proposer.
func (Minter) Propose(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	return dsn.Propose(ctx, r, maxName)
}

// Mint implements mint.Minter: the role, its password and its rights come to be
// in one transaction.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	m := *r.Proposed
	fresh, err := parse(m.Value)
	if err != nil {
		return m, err
	}
	secret, err := verifier(ctx, r, fresh.Password)
	if err != nil {
		return m, err
	}
	return m, as(ctx, r, func(ctx context.Context, conn *pgx.Conn, leaked *pgx.ConnConfig) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after Commit it says so
		if err := makeRole(ctx, tx, &m, secret); err != nil {
			return fmt.Errorf("make the role %s: %w", m.ID, err)
		}
		for _, statement := range grants(m.ID, leaked.Database, r.Scope) {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return tx.Commit(ctx)
	})
}

// verifier is what the server keeps of a password (RFC 5803), so that the
// password itself is not in a statement, which servers log.
func verifier(ctx context.Context, r *mint.Request, password string) (string, error) {
	salt, err := r.HSM.Random(ctx, 16)
	if err != nil {
		return "", err
	}
	client, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		return "", fmt.Errorf("make a SCRAM verifier: %w", err)
	}
	const iterations = 4096 // the server's own default, scram_iterations
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: iterations})
	if err != nil {
		return "", fmt.Errorf("make a SCRAM verifier: %w", err)
	}
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(stored.StoredKey), b64(stored.ServerKey)), nil
}

func makeRole(ctx context.Context, tx pgx.Tx, m *mint.Minted, secret string) error {
	exists, err := hasRole(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	verb, until := "CREATE", "infinity"
	if exists {
		verb = "ALTER"
	}
	if !m.Expires.IsZero() {
		until = m.Expires.Format(time.RFC3339)
	}
	// Literals: utility statements take no parameters. All are of our own making.
	_, err = tx.Exec(ctx, fmt.Sprintf("%s ROLE %s LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD '%s' VALID UNTIL '%s'",
		verb, quote(m.ID), secret, until))
	return err
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func hasRole(ctx context.Context, q querier, name string) (found bool, err error) {
	err = q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", name).Scan(&found)
	return found, err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// Prove implements mint.Prover: it logs in and asks for one row.
func (Minter) Prove(ctx context.Context, _ *mint.Request, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := parse(value)
	if err != nil {
		return err
	}
	conn, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var one int
	if err := conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("PostgreSQL: ask as %s: %w", c.User, err)
	}
	return nil
}

// Orphans implements mint.OrphanFinder: the role of the request, where it is.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	err = as(ctx, r, func(ctx context.Context, conn *pgx.Conn, _ *pgx.ConnConfig) error {
		name := r.Label(maxName)
		found, err := hasRole(ctx, conn, name)
		if found {
			ids = []string{name}
		}
		return err
	})
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	if !strings.HasPrefix(id, "remint-") {
		return fmt.Errorf("PostgreSQL: the role %s was not made by remint, and is left", id)
	}
	return as(ctx, r, func(ctx context.Context, conn *pgx.Conn, _ *pgx.ConnConfig) error {
		found, err := hasRole(ctx, conn, id)
		if err != nil || !found {
			return err
		}
		return drop(ctx, conn, id)
	})
}
