package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
	"github.com/remint/remint/remediate/mint/minttest/servers"
)

func exec(t *testing.T, dsn string, statements ...string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// leak makes a role that may work on two tables, and returns its DSN.
func leak(t *testing.T, admin string, s servers.Server) mint.Leaked {
	t.Helper()
	name, password := "app_"+strings.ToLower(rand.Text()[:8]), rand.Text()
	if err := exec(t, admin,
		"CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, what text)", "CREATE TABLE IF NOT EXISTS invoices (id serial)", "CREATE TABLE IF NOT EXISTS salaries (id serial)",
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, password),
		"GRANT SELECT, INSERT, DELETE ON orders TO "+name, "GRANT SELECT ON invoices TO "+name, "GRANT USAGE ON SEQUENCE orders_id_seq TO "+name); err != nil {
		t.Fatal(err)
	}
	return mint.Leaked{Rule: "postgres-url", Secret: []byte(password), Value: fmt.Appendf(nil, "postgresql://%s:%s@%s/postgres?sslmode=disable", name, password, s.Addr())}
}

func forbidden(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

func TestSuite(t *testing.T) {
	s, token := servers.Postgres(t), minttest.Token(t)
	admin := fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.Password, s.Addr())
	minttest.Run(t, minttest.Case{
		Minter: Minter{},
		Leak: func(t *testing.T) mint.Request {
			return mint.Request{Leaked: leak(t, admin, s), Settings: mint.Settings{Admin: []byte(admin)}, HSM: token}
		},
		Check: func(t *testing.T, r *mint.Request, m mint.Minted) {
			if got := r.Scope.String(); got != "select on public.invoices; delete,insert,select on public.orders; usage on sequence:public.orders_id_seq" &&
				got != "select on public.invoices; select,insert,delete on public.orders; usage on sequence:public.orders_id_seq" {
				t.Errorf("scope %s", got)
			}
			if err := exec(t, string(m.Value), "INSERT INTO orders (what) VALUES ('x')", "SELECT * FROM invoices", "DELETE FROM orders"); err != nil {
				t.Errorf("what the scope allows: %v", err)
			}
			for _, s := range []string{"UPDATE orders SET what = 'y'", "SELECT * FROM salaries", "INSERT INTO invoices DEFAULT VALUES", "CREATE ROLE other", "CREATE TABLE t (i int)"} {
				if err := exec(t, string(m.Value), s); !forbidden(err) {
					t.Errorf("%s: want it forbidden, got %v", s, err)
				}
			}
		},
	})
}

func TestNarrowedAndEnding(t *testing.T) {
	s, token := servers.Postgres(t), minttest.Token(t)
	admin := fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.Password, s.Addr())
	scope, err := mint.ParseScope("postgres", "select on orders")
	if err != nil {
		t.Fatal(err)
	}
	r := mint.Request{Leaked: leak(t, admin, s), Settings: mint.Settings{Admin: []byte(admin)}, HSM: token, Name: "app/db", Token: "0a0b0c0d", Scope: scope, Lifetime: 24 * 3600e9}
	proposed, err := Minter{}.Propose(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	r.Proposed = &proposed
	for range 2 { // again, as after a lost answer
		if _, err := (Minter{}).Mint(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	if err := exec(t, string(proposed.Value), "SELECT * FROM orders"); err != nil {
		t.Error(err)
	}
	if err := exec(t, string(proposed.Value), "INSERT INTO orders (what) VALUES ('x')"); !forbidden(err) {
		t.Errorf("want INSERT forbidden, got %v", err)
	}
	var ends bool
	conn, err := pgx.Connect(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT rolvaliduntil < now() + interval '25 hours' FROM pg_roles WHERE rolname = $1", proposed.ID).Scan(&ends); err != nil || !ends {
		t.Errorf("the role does not end: %v", err)
	}
	r.Scope = mint.Scope{{Type: "postgres", Actions: []string{"select; DROP TABLE orders"}, Locations: []string{"public.orders"}}}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Error("a scope of no privilege was granted")
	}
}

func TestWithoutAdmin(t *testing.T) {
	s, token := servers.Postgres(t), minttest.Token(t)
	admin := fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", s.Password, s.Addr())
	r := mint.Request{Leaked: leak(t, admin, s), HSM: token, Name: "app/db", Token: "0a0b0c0d"}
	proposed, err := Minter{}.Propose(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	r.Proposed = &proposed
	if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
		t.Errorf("want ErrNoAdmin, got %v", err)
	}
	r.Leaked.Value = []byte(admin)
	if err := (Minter{}).Revoke(t.Context(), &r); !errors.Is(err, mint.ErrNeedsPerson) {
		t.Errorf("a superuser's password was taken away: %v", err)
	}
	r.Leaked.Value = []byte("postgres://u:p@127.0.0.1:1/db") //nolint // nobody listens there
	if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); err == nil || mint.Refused(err) {
		t.Errorf("a server that does not answer: %v", err)
	}
}
