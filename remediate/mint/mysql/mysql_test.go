package mysql

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
	"github.com/remint/remint/remediate/mint/minttest/servers"
)

func exec(t *testing.T, value []byte, statements ...string) error {
	t.Helper()
	c, err := parse(value)
	if err != nil {
		return err
	}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func denied(err error) bool {
	e := (*driver.MySQLError)(nil)
	return errors.As(err, &e) && (e.Number == 1142 || e.Number == 1044 || e.Number == 1227)
}

func TestSuite(t *testing.T) {
	s, token := servers.MariaDB(t), minttest.Token(t)
	admin := fmt.Appendf(nil, "mysql://admin:%s@%s/app", s.Password, s.Addr())
	leak := func(t *testing.T, form string) mint.Leaked {
		t.Helper()
		user, password := "app_"+strings.ToLower(rand.Text()[:8]), rand.Text()
		if err := exec(t, admin, "CREATE TABLE IF NOT EXISTS orders (id serial, what text)", "CREATE TABLE IF NOT EXISTS salaries (id serial)",
			fmt.Sprintf("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY '%s'", user, password), fmt.Sprintf("GRANT SELECT, INSERT ON app.orders TO '%s'@'127.0.0.1'", user)); err != nil {
			t.Fatal(err)
		}
		return mint.Leaked{Secret: []byte(password), Value: fmt.Appendf(nil, form, user, password, s.Addr())}
	}
	check := func(t *testing.T, r *mint.Request, m mint.Minted) {
		if got := r.Scope.String(); got != "select,insert on app.orders" {
			t.Errorf("scope %s", got)
		}
		if err := exec(t, m.Value, "INSERT INTO orders (what) VALUES ('x')"); err != nil {
			t.Errorf("what the scope allows: %v", err)
		}
		for _, s := range []string{"DELETE FROM orders", "SELECT * FROM salaries", "CREATE TABLE t (i int)", "CREATE USER u"} {
			if err := exec(t, m.Value, s); !denied(err) {
				t.Errorf("%s: want it denied, got %v", s, err)
			}
		}
	}
	for _, form := range []string{"mysql://%s:%s@%s/app", "%s:%s@tcp(%s)/app?parseTime=true"} {
		minttest.Run(t, minttest.Case{Minter: Minter{}, Check: check, Leak: func(t *testing.T) mint.Request {
			return mint.Request{Leaked: leak(t, form), Settings: mint.Settings{Admin: admin}, HSM: token}
		}})
	}
	t.Run("without an admin", func(t *testing.T) {
		r := mint.Request{Leaked: leak(t, "mysql://%s:%s@%s/app"), HSM: token, Name: "app/db", Token: "0a0b0c0d"}
		p, err := Minter{}.Propose(t.Context(), &r)
		if err != nil {
			t.Fatal(err)
		}
		r.Proposed = &p
		if _, err := (Minter{}).Mint(t.Context(), &r); !errors.Is(err, mint.ErrNoAdmin) {
			t.Errorf("want ErrNoAdmin, got %v", err)
		}
		if err := (Minter{}).Revoke(t.Context(), &r); err != nil {
			t.Errorf("revoke by itself: %v", err)
		}
		if err := (Minter{}).Prove(t.Context(), &r, r.Leaked.Value); !mint.Refused(err) {
			t.Errorf("the old one is not refused: %v", err)
		}
	})
}
