// Package redis mints users of Redis and Valkey by ACL (Redis 6 and later).
// Where code has a password alone, that of a user is exchanged: Redis lets a
// user have several.
//
// Scopes are ACL rules: "+@read,+@write on ~jobs:*,&events".
package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/dsn"
)

// Minter is Redis.
type Minter struct{}

// ID implements mint.Minter.
func (Minter) ID() string { return "redis" }

var schemes = regexp.MustCompile(`(?:rediss?|valkeys?)(?:-sentinel)?://`)

// Extend implements mint.Extender: a password that stands alone is the whole.
func (Minter) Extend(text []byte, start, end int) (int, int, bool) {
	if from, to, ok := dsn.Extend(text, start, end, schemes); ok {
		return from, to, true
	}
	return start, end, true
}

const (
	timeout     = 30 * time.Second
	defaultUser = "default"
	maxName     = 60
)

// options are how to reach a server with a value: a URL, or a password for the
// server that Endpoint or the neighbouring settings name.
func options(r *mint.Request, value []byte) (*client.Options, error) {
	text := string(value)
	if !strings.Contains(text, "://") {
		at := r.Settings.Endpoint
		if host := r.Leaked.Beside["host"]; at == "" && host != "" {
			port := r.Leaked.Beside["port"]
			if port == "" {
				port = "6379"
			}
			at = net.JoinHostPort(host, port)
		}
		if at == "" {
			return nil, errors.New("redis: a password alone does not say at which server: name it as providers.redis.endpoint, host:port")
		}
		user := r.Leaked.Beside["username"]
		if user == "" {
			user = r.Leaked.Beside["user"]
		}
		return bounded(&client.Options{Addr: at, Username: user, Password: text}), nil
	}
	text = strings.Replace(strings.Replace(text, "valkeys://", "rediss://", 1), "valkey://", "redis://", 1)
	o, err := client.ParseURL(text)
	if err != nil {
		return nil, errors.New("redis: the credential is no URL of Redis")
	}
	return bounded(o), nil
}

func bounded(o *client.Options) *client.Options {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.MaxRetries, o.DisableIdentity, o.PoolSize = 10*time.Second, timeout, timeout, -1, true, 1
	return o
}

func userOf(o *client.Options) string {
	if o.Username == "" {
		return defaultUser
	}
	return o.Username
}

func open(ctx context.Context, o *client.Options) (*client.Client, error) {
	c := client.NewClient(o)
	err := c.Ping(ctx).Err()
	switch {
	case err == nil || strings.HasPrefix(err.Error(), "NOPERM"): // it is known, and may not ping
		return c, nil
	case strings.HasPrefix(err.Error(), "WRONGPASS"):
		err = &mint.RefusedError{Provider: "Redis", Answer: err.Error()}
	default:
		err = fmt.Errorf("log in to Redis at %s as %s: %w", o.Addr, userOf(o), err)
	}
	return nil, errors.Join(err, c.Close())
}

// as runs do with a connection of the admin, or else of the leaked credential.
func as(ctx context.Context, r *mint.Request, do func(context.Context, *client.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value := r.Leaked.Value
	if r.Settings.Admin != nil {
		value = r.Settings.Admin
	}
	o, err := options(r, value)
	if err != nil {
		return err
	}
	c, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	if err = do(ctx, c); err != nil && strings.Contains(err.Error(), "NOPERM") && r.Settings.Admin == nil {
		return fmt.Errorf("redis: %w", mint.ErrNoAdmin)
	}
	return err
}

// inPlace tells whether the code has a password alone, so that the user stays.
func inPlace(r *mint.Request) bool { return !strings.Contains(string(r.Leaked.Value), "://") }

// Propose implements mint.Proposer.
func (Minter) Propose(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	password, err := r.Password(ctx, mint.PasswordLength)
	if err != nil {
		return mint.Minted{}, err
	}
	if inPlace(r) {
		o, err := options(r, r.Leaked.Value)
		if err != nil {
			return mint.Minted{}, err
		}
		return mint.Minted{ID: userOf(o), Value: password, Notes: []string{"the code has a password alone: the user " + userOf(o) + " gets a second one, with the rights of before"}}, nil
	}
	defer clear(password)
	m := mint.Minted{ID: r.Label(maxName)}
	m.Value, err = dsn.With(r.Leaked.Value, m.ID, password)
	return m, err
}

// Mint implements mint.Minter.
func (Minter) Mint(ctx context.Context, r *mint.Request) (mint.Minted, error) {
	m := *r.Proposed
	o, err := options(r, m.Value)
	if err != nil {
		return m, err
	}
	args := []any{"ACL", "SETUSER", m.ID, "on", "#" + digest(o.Password)}
	if !inPlace(r) {
		if len(r.Scope) == 0 {
			return m, errors.New("redis: a new user needs a scope, such as \"+@read on ~jobs:*\"")
		}
		args = []any{"ACL", "SETUSER", m.ID, "reset", "on", "#" + digest(o.Password)}
		for _, rule := range rules(r.Scope) {
			args = append(args, rule)
		}
	}
	err = as(ctx, r, func(ctx context.Context, c *client.Client) error {
		if err := c.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("make the user %s: %w", m.ID, err)
		}
		m.Notes = append(m.Notes, keep(ctx, c)...)
		return nil
	})
	return m, err
}

// digest is the password as ACL takes it without being told it.
func digest(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// rules are a scope as ACL SETUSER takes it.
func rules(scope mint.Scope) []string {
	var places, commands []string
	for _, g := range scope {
		places, commands = append(places, g.Locations...), append(commands, g.Actions...)
	}
	return append(places, commands...)
}

// keep makes the server remember its users over a restart, and says so where it
// cannot.
func keep(ctx context.Context, c *client.Client) []string {
	if c.Do(ctx, "ACL", "SAVE").Err() == nil || c.ConfigRewrite(ctx).Err() == nil {
		return nil
	}
	return []string{"this Redis has neither an ACL file nor a configuration file, so its users do not outlive a restart"}
}

// Prove implements mint.Prover.
func (Minter) Prove(ctx context.Context, r *mint.Request, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	o, err := options(r, value)
	if err != nil {
		return err
	}
	c, err := open(ctx, o)
	if err != nil {
		return err
	}
	return c.Close()
}

// Scope implements mint.Scoper: the leaked user's rules, without what
// administers the server.
func (Minter) Scope(ctx context.Context, r *mint.Request) (scope mint.Scope, err error) {
	o, err := options(r, r.Leaked.Value)
	if err != nil {
		return nil, err
	}
	err = as(ctx, r, func(ctx context.Context, c *client.Client) error {
		answer, err := c.Do(ctx, "ACL", "GETUSER", userOf(o)).Result()
		if err != nil {
			return fmt.Errorf("redis: look what %s may do: %w", userOf(o), err)
		}
		fields := texts(answer)
		g := mint.Grant{Type: "redis", Actions: strings.Fields(fields["commands"]), Locations: strings.Fields(fields["keys"] + " " + fields["channels"])}
		if slices.Contains(g.Actions, "+@all") {
			g.Actions = append(g.Actions, "-@admin", "-@dangerous")
		}
		scope = mint.Scope{g}
		return nil
	})
	return scope, err
}

// texts are the fields of ACL GETUSER's answer that are texts: a map, or a list
// of names and values, in which Redis 6 has lists of patterns.
func texts(answer any) map[string]string {
	out := make(map[string]string)
	put := func(k, v any) {
		switch v := v.(type) {
		case string:
			out[fmt.Sprint(k)] = v
		case []any:
			for _, one := range v {
				if s, ok := one.(string); ok {
					out[fmt.Sprint(k)] += s + " "
				}
			}
		}
	}
	switch a := answer.(type) {
	case map[any]any:
		for k, v := range a {
			put(k, v)
		}
	case []any:
		for i := 0; i+1 < len(a); i += 2 {
			put(a[i], a[i+1])
		}
	}
	return out
}

// Revoke implements mint.Revoker.
func (Minter) Revoke(ctx context.Context, r *mint.Request) error {
	o, err := options(r, r.Leaked.Value)
	if err != nil {
		return err
	}
	user := userOf(o)
	if user == defaultUser && r.Settings.Admin == nil {
		return fmt.Errorf("redis: the leaked password is the default user's, by which the server is administered: name an admin as providers.redis.admin, or give it another with CONFIG SET requirepass: %w", mint.ErrNeedsPerson)
	}
	err = as(ctx, r, func(ctx context.Context, c *client.Client) error {
		if inPlace(r) || user == defaultUser {
			return takePassword(ctx, c, user, o.Password)
		}
		return remove(ctx, c, user)
	})
	if mint.Refused(err) && r.Settings.Admin == nil {
		return nil
	}
	return err
}

// takePassword takes one password from a user and ends its connections.
func takePassword(ctx context.Context, c *client.Client, user, password string) error {
	err := c.Do(ctx, "ACL", "SETUSER", user, "!"+digest(password)).Err()
	if err != nil && !strings.Contains(err.Error(), "does not exist") {
		return fmt.Errorf("redis: take the old password from %s: %w", user, err)
	}
	_ = c.Do(ctx, "CLIENT", "KILL", "USER", user, "SKIPME", "yes").Err()
	keep(ctx, c)
	return nil
}

func remove(ctx context.Context, c *client.Client, user string) error {
	if err := c.Do(ctx, "ACL", "DELUSER", user).Err(); err != nil { // 0 for one that is gone
		return fmt.Errorf("redis: remove the user %s: %w", user, err)
	}
	err := c.Do(ctx, "CLIENT", "KILL", "USER", user).Err()
	if err != nil && !strings.Contains(err.Error(), "No such") && !errors.Is(err, io.EOF) {
		return fmt.Errorf("redis: end the connections of %s: %w", user, err)
	}
	keep(ctx, c)
	return nil
}

// Orphans implements mint.OrphanFinder. A password that was added to a user is
// no user, and repeating adds no other.
func (Minter) Orphans(ctx context.Context, r *mint.Request) (ids []string, err error) {
	if inPlace(r) {
		return nil, nil
	}
	err = as(ctx, r, func(ctx context.Context, c *client.Client) error {
		users, err := c.Do(ctx, "ACL", "USERS").StringSlice()
		if slices.Contains(users, r.Label(maxName)) {
			ids = []string{r.Label(maxName)}
		}
		return err
	})
	return ids, err
}

// Remove implements mint.OrphanFinder.
func (Minter) Remove(ctx context.Context, r *mint.Request, id string) error {
	if inPlace(r) && r.Minted != nil {
		return as(ctx, r, func(ctx context.Context, c *client.Client) error {
			return takePassword(ctx, c, id, string(r.Minted.Value))
		})
	}
	if !strings.HasPrefix(id, "remint-") {
		return fmt.Errorf("redis: the user %s was not made by remint, and is left", id)
	}
	return as(ctx, r, func(ctx context.Context, c *client.Client) error { return remove(ctx, c, id) })
}
