package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
)

// account is a user at the hosts that it may come from, quoted for a statement.
func account(user, host string) string { return text(user) + "@" + text(host) }

// text quotes a string literal. It is for names and passwords: what has a
// backslash is doubled, as without NO_BACKSLASH_ESCAPES.
func text(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'"
}

func name(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// hosts are the hosts of a user's accounts.
func hosts(ctx context.Context, conn *sql.Conn, user string) ([]string, error) {
	return column(ctx, conn, "SELECT Host FROM mysql.user WHERE User = ?", user)
}

func column(ctx context.Context, conn *sql.Conn, query string, args ...any) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// leakedAccount is the account that the leaked credential logs in as.
func leakedAccount(ctx context.Context, r *mint.Request) (user, host string, err error) {
	c, err := parse(r.Leaked.Value)
	if err != nil {
		return "", "", err
	}
	c.DBName = ""
	conn, end, err := connect(ctx, c)
	if err != nil {
		return c.User, "", err
	}
	defer end()
	var who string
	if err := conn.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&who); err != nil {
		return "", "", err
	}
	at := strings.LastIndexByte(who, '@')
	return who[:at], who[at+1:], nil
}

// Mint implements mint.Minter. What an account gets is not one transaction here:
// a call that was cut leaves an account with fewer rights, and the next goes on.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	m := *r.Proposed
	fresh, err := parse(m.Value)
	if err != nil {
		return m, err
	}
	_, host, err := leakedAccount(ctx, r)
	if err != nil {
		return m, fmt.Errorf("look where the leaked account may come from: %w", err)
	}
	who := account(m.ID, host)
	return m, as(ctx, r, func(ctx context.Context, conn *sql.Conn) error {
		statements := []string{
			"CREATE USER IF NOT EXISTS " + who + " IDENTIFIED BY " + text(fresh.Passwd),
			"ALTER USER " + who + " IDENTIFIED BY " + text(fresh.Passwd) + expiry(m.Expires),
		}
		for i, s := range statements { // their text has the password
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("make the account %s (step %d): %w", who, i+1, err)
			}
		}
		for _, g := range r.Scope {
			for _, place := range g.Locations {
				s := fmt.Sprintf("GRANT %s ON %s TO %s", privileges(g.Actions), target(place), who)
				if _, err := conn.ExecContext(ctx, s); err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
			}
		}
		return nil
	})
}

// expiry counts in days, one at least.
func expiry(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf(" PASSWORD EXPIRE INTERVAL %d DAY", max(1, int(time.Until(at).Hours()+23)/24))
}

// target is a place as GRANT takes it: app.*, app.orders.
func target(place string) string {
	schema, table, ok := strings.Cut(place, ".")
	switch {
	case !ok || table == "*":
		return name(schema) + ".*"
	}
	return name(schema) + "." + name(table)
}

var privilege = regexp.MustCompile(`^[a-zA-Z]+(?: [a-zA-Z]+)*$`)

func privileges(actions []string) string {
	out := make([]string, len(actions))
	for i, a := range actions {
		out[i] = strings.ToUpper(a)
		if !privilege.MatchString(a) {
			out[i] = name(a) // the server refuses it by name
		}
	}
	return strings.Join(out, ", ")
}

var grantLine = regexp.MustCompile("^GRANT (.+) ON (?:TABLE )?(`[^`]+`|\\*)\\.(`[^`]+`|\\*) TO ")

// administrative are privileges on everything that no service needs.
var administrative = []string{
	"create user", "super", "shutdown", "reload", "file", "process", "replication slave", "replication client", "create role", "grant option",
	"system_user", "create tablespace", "proxy", "event",
}

// Scope implements mint.Scoper: what SHOW GRANTS says of the leaked account,
// without what administers the server.
func (Minter) Scope(ctx context.Context, r *mint.Request) (scope mint.Scope, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := parse(r.Leaked.Value)
	if err != nil {
		return nil, err
	}
	database := c.DBName
	conn, end, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer end()
	lines, err := column(ctx, conn, "SHOW GRANTS")
	if err != nil {
		return nil, fmt.Errorf("MySQL: look what the account may do: %w", err)
	}
	for _, line := range lines {
		m := grantLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[1], "USAGE") || strings.HasPrefix(m[1], "PROXY") {
			continue
		}
		g := mint.Grant{Type: "mysql", Locations: []string{strings.Trim(m[2], "`") + "." + strings.Trim(m[3], "`")}}
		if g.Locations[0] == "*.*" { // all there is becomes the database that it names
			if g.Locations[0] = database + ".*"; database == "" {
				continue
			}
		}
		for a := range strings.SplitSeq(strings.ToLower(m[1]), ",") {
			a = strings.TrimSpace(a)
			if a == "all privileges" {
				g.Actions = append(g.Actions, "select", "insert", "update", "delete", "execute")
			} else if !slices.Contains(administrative, a) && privilege.MatchString(a) {
				g.Actions = append(g.Actions, a)
			}
		}
		if len(g.Actions) > 0 {
			scope = append(scope, g)
		}
	}
	return scope, nil
}

// Revoke implements mint.Revoker: the account is locked, its connections end,
// and it is dropped. Without an admin it gives itself a password that nobody
// knows.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	user, host, err := leakedAccount(ctx, r)
	if mint.Refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if user == "root" || strings.HasPrefix(user, "mysql.") || strings.HasPrefix(user, "mariadb.") {
		return fmt.Errorf("MySQL: %s is the server's own administrator: give it another password yourself (ALTER USER %s IDENTIFIED BY …): %w", user, account(user, host), mint.ErrNeedsPerson)
	}
	if r.Settings.Admin != nil {
		return as(ctx, r, func(ctx context.Context, conn *sql.Conn) error { return drop(ctx, conn, user, host) })
	}
	unknown, err := r.Password(ctx, mint.PasswordLength)
	if err != nil {
		return err
	}
	defer clear(unknown)
	return as(ctx, r, func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "ALTER USER CURRENT_USER() IDENTIFIED BY "+text(string(unknown))); err != nil {
			_, err = conn.ExecContext(ctx, "SET PASSWORD = PASSWORD("+text(string(unknown))+")") // MariaDB, for who may not alter users
			return err
		}
		return nil
	})
}

func drop(ctx context.Context, conn *sql.Conn, user, host string) error {
	who := account(user, host)
	if _, err := conn.ExecContext(ctx, "ALTER USER "+who+" ACCOUNT LOCK"); err != nil {
		return fmt.Errorf("MySQL: lock %s: %w", who, err)
	}
	ids, err := column(ctx, conn, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ? AND ID <> CONNECTION_ID()", user)
	if err != nil {
		return fmt.Errorf("MySQL: list the connections of %s: %w", who, err)
	}
	for _, id := range ids {
		_, _ = conn.ExecContext(ctx, "KILL "+id) // it may have ended by itself
	}
	if _, err := conn.ExecContext(ctx, "DROP USER IF EXISTS "+who); err != nil {
		return fmt.Errorf("MySQL: drop %s: %w", who, err)
	}
	return nil
}

// Orphans implements mint.OrphanFinder.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	err = as(ctx, r, func(ctx context.Context, conn *sql.Conn) error {
		all, err := hosts(ctx, conn, r.Label(maxName))
		if len(all) > 0 {
			ids = []string{r.Label(maxName)}
		}
		return err
	})
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	if !strings.HasPrefix(id, "remint-") {
		return fmt.Errorf("MySQL: the account %s was not made by remint, and is left", id)
	}
	return as(ctx, r, func(ctx context.Context, conn *sql.Conn) error {
		all, err := hosts(ctx, conn, id)
		for _, host := range all {
			err = errors.Join(err, drop(ctx, conn, id, host))
		}
		return err
	})
}
