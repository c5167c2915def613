package postgres

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/remint/remint/remediate/mint"
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// The kinds of place in a scope that are no tables, and their privileges.
const (
	sequencePrefix = "sequence:"
	functionPrefix = "function:"
)

// tablePrivileges are those that a scope may name, as in the GRANT statement.
var tablePrivileges = []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"}

// grants are the statements that give a role its scope, and what every login
// needs for it: to connect, and to use the schemas.
func grants(role, database string, scope mint.Scope) []string {
	out := []string{fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", quote(database), quote(role))}
	var schemas []string
	for _, g := range scope {
		for _, place := range g.Locations {
			kind, name := "TABLE", place
			if s, ok := strings.CutPrefix(place, sequencePrefix); ok {
				kind, name = "SEQUENCE", s
			} else if s, ok := strings.CutPrefix(place, functionPrefix); ok {
				kind, name = "FUNCTION", s
			}
			schema, object, ok := strings.Cut(name, ".")
			if !ok {
				schema, object = "public", name
			}
			if !slices.Contains(schemas, schema) {
				schemas = append(schemas, schema)
				out = append(out, fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", quote(schema), quote(role)))
			}
			out = append(out, fmt.Sprintf("GRANT %s ON %s TO %s", strings.Join(privileges(g.Actions), ", "), target(kind, schema, object), quote(role)))
		}
	}
	return out
}

// target names a place as GRANT takes it.
func target(kind, schema, object string) string {
	if object == "*" {
		return fmt.Sprintf("ALL %sS IN SCHEMA %s", kind, quote(schema))
	}
	if kind == "FUNCTION" {
		name, arguments, _ := strings.Cut(object, "(")
		return fmt.Sprintf("FUNCTION %s(%s", pgx.Identifier{schema, name}.Sanitize(), arguments)
	}
	return kind + " " + pgx.Identifier{schema, object}.Sanitize()
}

// privileges are actions as GRANT takes them. What is no privilege is quoted, so
// that the server refuses it by name.
func privileges(actions []string) []string {
	out := make([]string, len(actions))
	for i, a := range actions {
		a = strings.ToLower(a)
		if slices.Contains(tablePrivileges, a) || a == "usage" || a == "execute" {
			out[i] = strings.ToUpper(a)
		} else {
			out[i] = quote(a)
		}
	}
	return out
}

// held lists what a role may do with tables, views and sequences, one row for
// each set of privileges.
const held = `
SELECT string_agg(p.privilege, ',' ORDER BY p.ordinal), CASE WHEN c.relkind = 'S' THEN 'sequence:' ELSE '' END || n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES (1, 'select'), (2, 'insert'), (3, 'update'), (4, 'delete'), (5, 'usage')) AS p (ordinal, privilege)
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  AND has_schema_privilege($1, n.oid, 'USAGE')
  AND CASE WHEN c.relkind = 'S' THEN p.privilege = 'usage' AND has_sequence_privilege($1, c.oid, 'USAGE')
           WHEN c.relkind IN ('r', 'v', 'm', 'p', 'f') THEN p.privilege <> 'usage' AND has_table_privilege($1, c.oid, p.privilege)
           ELSE false END
GROUP BY c.relkind, n.nspname, c.relname
ORDER BY 2`

// Scope implements mint.Scoper: what the leaked role may read and write, without
// what it owns, creates or administers.
func (Minter) Scope(ctx context.Context, r *mint.Request) (scope mint.Scope, err error) {
	err = as(ctx, r, func(ctx context.Context, conn *pgx.Conn, leaked *pgx.ConnConfig) error {
		rows, err := conn.Query(ctx, held, leaked.User)
		if err != nil {
			return fmt.Errorf("look what %s may do: %w", leaked.User, err)
		}
		places := make(map[string][]string)
		var order []string
		var actions, place string
		_, err = pgx.ForEachRow(rows, []any{&actions, &place}, func() error {
			if places[actions] == nil {
				order = append(order, actions)
			}
			places[actions] = append(places[actions], place)
			return nil
		})
		for _, actions := range order {
			scope = append(scope, mint.Grant{Type: "postgres", Actions: strings.Split(actions, ","), Locations: places[actions]})
		}
		return err
	})
	return scope, err
}
