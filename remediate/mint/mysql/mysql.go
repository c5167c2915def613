// Package mysql mints accounts of MySQL and MariaDB: one for each credential,
// with the rights of its scope.
//
// Scopes are privileges as in GRANT: "select,insert on app.orders".
package mysql

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/dsn"
)

// Minter is MySQL and MariaDB.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "mysql" }

var schemes = regexp.MustCompile(`(?:mysqlx?|mariadb)2?(?:\+[a-z0-9_]+)?://|^[^\s:@/]+:[^\s@]*@(?:tcp|unix)\(`)

// Extend implements mint.Extender.
func (Minter) Extend(text []byte, start, end int) (int, int, bool) {
	return dsn.Extend(text, start, end, schemes)
}

const timeout = 30 * time.Second

// parse reads a URL, or a data source name of Go's driver. The error says
// nothing of it.
func parse(value []byte) (*driver.Config, error) {
	c, err := driver.ParseDSN(string(value))
	if strings.Contains(string(value), "://") {
		u, bad := url.Parse(string(value))
		if bad != nil || u.User == nil || u.Host == "" {
			return nil, errors.New("MySQL: the credential is no connection string")
		}
		c, err = driver.NewConfig(), nil
		c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
		c.Passwd, _ = u.User.Password()
		if u.Port() == "" {
			c.Addr += ":3306"
		}
		c.TLS = wanted(u.Query())
	}
	if err != nil || c.User == "" {
		return nil, errors.New("MySQL: the credential is no connection string")
	}
	c.Timeout, c.ReadTimeout, c.WriteTimeout, c.Logger = 10*time.Second, timeout, timeout, quiet{}
	return c, nil
}

// wanted is the TLS that a URL asks for with ssl-mode (MySQL) or sslMode.
func wanted(q url.Values) *tls.Config {
	switch strings.ToUpper(q.Get("ssl-mode") + q.Get("sslMode")) {
	case "REQUIRED":
		return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // REQUIRED means encrypted, not verified
	case "VERIFY_CA", "VERIFY_IDENTITY":
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return nil
}

// quiet drops what the driver would print by itself.
type quiet struct{}

// Print implements driver.Logger.
func (quiet) Print(...any) {}

// connect logs in. A refusal of the credential is a mint.RefusedError.
func connect(ctx context.Context, c *driver.Config) (*sql.Conn, func(), error) {
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, nil, errors.New("MySQL: the credential is no connection string")
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		if e := (*driver.MySQLError)(nil); errors.As(err, &e) && invalid(e.Number) {
			return nil, nil, &mint.RefusedError{Provider: "MySQL", Answer: e.Error()}
		}
		return nil, nil, fmt.Errorf("log in to MySQL at %s as %s: %w", c.Addr, c.User, err)
	}
	return conn, func() { _ = conn.Close(); _ = db.Close() }, nil
}

// invalid tells whether an error's number says that account or password are not
// valid: access denied, locked, expired.
func invalid(number uint16) bool {
	switch number {
	case 1045, 1698, 1862, 3118, 4151:
		return true
	}
	return false
}

// noRight tells whether the server says that who asks may not.
func noRight(err error) bool {
	e := (*driver.MySQLError)(nil)
	return errors.As(err, &e) && (e.Number == 1227 || e.Number == 1044 || e.Number == 1142 || e.Number == 1410)
}

// as runs do with a connection of the admin, or else of the leaked credential.
func as(ctx context.Context, r *mint.Request, do func(context.Context, *sql.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value := r.Leaked.Value
	if r.Settings.Admin != nil {
		value = r.Settings.Admin
	}
	c, err := parse(value)
	if err != nil {
		return err
	}
	c.DBName = ""
	conn, end, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer end()
	if err = do(ctx, conn); noRight(err) && r.Settings.Admin == nil {
		return fmt.Errorf("MySQL: %w: %w", err, mint.ErrNoAdmin)
	}
	return err
}

// maxName is the longest name of an account that MySQL takes, in bytes.
const maxName = 32

// Propose implements mint.Proposer.
func (Minter) Propose(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	return dsn.Propose(ctx, r, maxName)
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, _ *mint.Request, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := parse(value)
	if err != nil {
		return err
	}
	conn, end, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer end()
	var one int
	return conn.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}
