package scope

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// SQL's rules.
const (
	sqlServer   = "scope-sql-server-all"
	sqlEscalate = "scope-sql-escalate"
	sqlDatabase = "scope-sql-database-all"
	sqlPublic   = "scope-sql-public"
	sqlOption   = "scope-sql-grant-option"
	sqlAnywhere = "scope-sql-root-anywhere"
	sqlForever  = "scope-sql-password-forever"
)

// sqlFormat reads what SQL grants, in the dialects of PostgreSQL, MySQL, SQL
// Server, Oracle and Snowflake.
// Source: postgresql.org/docs/current/{sql-grant,sql-createrole,predefined-roles}.html,
// dev.mysql.com/doc/refman/8.4/en/{grant,privileges-provided}.html,
// learn.microsoft.com/sql/relational-databases/security/authentication-access/server-level-roles,
// docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/GRANT.html,
// docs.snowflake.com/en/user-guide/security-access-control-considerations.
var sqlFormat = Format{
	Name:  "sql",
	Files: "`*.sql`, `*.psql`, `*.pgsql`, `*.ddl`, `*.cql`, also as templates, in ConfigMaps, and in scripts' here-documents for psql, mysql and their likes",
	Rules: []Rule{
		{
			ID: sqlServer, Name: "Database user that may do everything on the server", Severity: rule.Critical,
			Opens: "Every database of the server, its users and its settings; on most also files and programs of the machine.",
			Steps: "Grant the statements that the program runs (SELECT, INSERT, UPDATE, DELETE), on its own database or schema.",
			URL:   "https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html",
		},
		{
			ID: sqlEscalate, Name: "Database user that can take on more", Severity: rule.High,
			Opens: "What the privilege lets its holder reach in a second step: other users' rights, all rows, the server's files.",
			Steps: "Take the privilege away, or keep it for an administrator's account that no program uses.",
			URL:   "https://www.postgresql.org/docs/current/predefined-roles.html",
		},
		{
			ID: sqlDatabase, Name: "Database user with every privilege on a database, a schema or a table", Severity: rule.Medium,
			Opens: "Reading and changing what is named; where that is a whole database or schema also its tables to come, and dropping them.",
			Steps: "Grant the statements that the program runs; let migrations run as another user, who owns the tables.",
			URL:   "https://www.postgresql.org/docs/current/ddl-priv.html",
		},
		{
			ID: sqlPublic, Name: "Writing granted to every database user", Severity: rule.High,
			Opens: "The object, for every user of the server there is and will be.",
			Steps: "Revoke it from PUBLIC and grant it to the role that needs it.",
			URL:   "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS",
		},
		{
			ID: sqlOption, Name: "Privilege that may be handed on", Severity: rule.Medium,
			Opens: "The privilege, for whomever its holder grants it to.",
			Steps: "Leave out WITH GRANT OPTION or WITH ADMIN OPTION.",
			URL:   "https://www.postgresql.org/docs/current/sql-grant.html",
		},
		{
			ID: sqlAnywhere, Name: "Administrator who may log in from any host", Severity: rule.High,
			Opens: "The whole server, for whoever has or guesses one password, from wherever it can be reached.",
			Steps: "Name the host, such as 'root'@'localhost', and make a user of its own for each program.",
			URL:   "https://dev.mysql.com/doc/refman/8.4/en/account-names.html",
		},
		{
			ID: sqlForever, Name: "Database password without an end", Severity: rule.Low,
			Opens: "What the role may do, for ever, for whoever reads the password once.",
			Steps: "Add VALID UNTIL and rotate the password before it, or let the role log in with a certificate or a token.",
			URL:   "https://www.postgresql.org/docs/current/sql-createrole.html",
		},
	},
	Match: func(name string) bool { return sqlFile.MatchString(name) || holds(name) },
	Hints: []string{
		"GRANT", "grant", "Grant", "SUPERUSER", "superuser", "Superuser", "CREATEROLE", "createrole", "BYPASSRLS", "bypassrls", "CREATE USER", "create user", "Create User", "CREATE ROLE", "create role",
		"ADD MEMBER", "add member", "Add Member", "sp_addsrvrolemember", "sp_addrolemember", "CREATE LOGIN", "create login", "Create Login", "EXPIRE NEVER", "expire never",
	},
	Read: func(f *File) {
		if holds(f.Path) {
			sqlEmbedded.readIn(f)
			return
		}
		readSQL(f)
	},
}

var sqlFile = regexp.MustCompile(`(?i)\.(sql|psql|pgsql|ddl|cql)(\.(j2|jinja2?|tmpl|tpl|tftpl|template|erb))?$`)

// sqlEmbedded is how SQL stands in other files.
var sqlEmbedded = embedding{
	words:   []string{".sql", ".psql", ".pgsql", ".ddl", ".cql", ".SQL", "psql", "mysql", "mariadb", "sqlcmd", "sqlplus", "cqlsh", "clickhouse-client", "cockroach"},
	marks:   regexp.MustCompile(`(?i)\.(sql|psql|pgsql|ddl|cql)\b|` + sqlClients),
	file:    sqlFile.MatchString,
	command: regexp.MustCompile(`(?i)\.sql\b|` + sqlClients),
	read:    readSQL,
	script:  readSQLCommands,
}

// sqlClients are the programs that run SQL from a script.
const sqlClients = `\b(psql|mysql|mariadb|sqlcmd|sqlplus|cqlsh|clickhouse-client|cockroach)\b`

var sqlClient = regexp.MustCompile(sqlClients)

// readSQLCommands reads what clients are told to run: psql -c "…", mysql -e "…".
func readSQLCommands(f *File, script *document.Node) {
	for _, words := range commandsOf(f, script) {
		i := slices.IndexFunc(words, func(w *document.Node) bool { return sqlClient.MatchString(w.Text) })
		if i < 0 {
			continue
		}
		for _, name := range []string{"-c", "--command", "-e", "--execute", "-Q", "-q", "--query"} {
			if text := option(words[i+1:], name); text != nil {
				f.within("", text, readSQL)
			}
		}
	}
}

func readSQL(f *File) {
	if downFile.MatchString(f.Path) {
		return
	}
	r := &sqlReader{f: f, owners: make(map[sqlOwner]bool), made: make(map[string]*sqlRole), of: make(map[string]map[string][]int)}
	r.cockroach = bytes.Contains(f.Text, []byte("admin")) && isCockroach(f.Path, f.Text)
	r.read(newSQLScanner(f.Text, isMySQL(f.Text)))
	r.report()
}

// downFile is a migration that takes back another: golang-migrate's x.down.sql,
// Diesel's down.sql, Flyway's U2__x.sql, Sqitch's revert/x.sql. What it grants
// is what there was before.
var downFile = regexp.MustCompile(`(?i)(^|/)((down|revert|rollbacks?|undo)/|u[0-9][0-9._]*__[^/]*$|([^/]*[._-])?(down|revert|rollback|undo)(\.[a-z0-9]+){1,2}$|(revert|rollback|undo)[._-][^/]*$)`)

// sqlFound is a grant that is too wide, until the file was read to its end.
type sqlFound struct {
	at     sqlToken
	who    []string // all whom it is made to
	object string   // "" for a role or an attribute
	Problem
}

// sqlOwner is who owns a table; "" for all of a database or a schema.
type sqlOwner struct{ who, table string }

// sqlReader reads the statements of a file.
type sqlReader struct {
	f         *File
	found     []sqlFound
	of        map[string]map[string][]int // by user and value, where in found
	owners    map[sqlOwner]bool           // who owns what
	made      map[string]*sqlRole         // roles that the file makes
	inner     bool                        // in the body of a DO
	cockroach bool
	inText    bool // in a text that is executed
}

// maxSQLTokens is how many tokens of a statement are looked at.
const maxSQLTokens = 5000

// read reads statements until the scanner is at its end.
func (r *sqlReader) read(s *sqlScanner) {
	for {
		tokens, more := r.statement(s)
		for _, c := range r.clauses(tokens) {
			if r.routine(c) {
				break // what its body grants is granted when it runs, if ever
			}
			r.clause(s, c)
		}
		if !more {
			return
		}
	}
}

// statement reads the tokens of a statement. The body of a routine that
// stands open in it is a part of it.
func (r *sqlReader) statement(s *sqlScanner) (tokens []sqlToken, more bool) {
	routine, depth := false, 0
	var last sqlToken
	for {
		t, ok := s.next()
		if !ok {
			return tokens, false
		}
		switch {
		case t.kind == sqlEnd:
			if r.is(last, "END") && depth > 0 {
				depth--
			}
			semicolon := t.end-t.start == 1 && s.text[t.start] == ';'
			if routine && depth > 0 && semicolon {
				last = t
				continue
			}
			if semicolon && r.is0(tokens, "COPY") && r.is(last, "STDIN") {
				s.skipCopied()
			}
			return tokens, true
		case len(tokens) == 0 && t.first && r.is(t, "DELIMITER"):
			if d := s.line(); d != "" {
				s.delimiter = d
			}
			continue
		case len(tokens) == 0 && t.first && r.is(t, "REM", "REMARK", "PROMPT"):
			s.line()
			continue
		}
		if routine {
			depth += r.nesting(last, t)
		} else {
			routine = len(tokens) < maxRoutineHead && r.is0(tokens, "CREATE", "ALTER") && r.is(t, sqlRoutines...)
		}
		if len(tokens) < maxSQLTokens && !r.is0(tokens, "INSERT", "VALUES", "COMMENT") {
			tokens = append(tokens, t)
		}
		last = t
	}
}

// sqlRoutines are what has a body of statements.
var sqlRoutines = []string{"PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "PACKAGE", "EVENT"}

// maxRoutineHead is how many words may stand before what is created: OR
// REPLACE, a DEFINER.
const maxRoutineHead = 12

// routine tells whether a statement makes a routine.
func (r *sqlReader) routine(t []sqlToken) bool {
	return r.is0(t, "CREATE", "ALTER") && slices.ContainsFunc(t[:min(len(t), maxRoutineHead)], func(t sqlToken) bool { return r.is(t, sqlRoutines...) })
}

// nesting is by how much a token of a routine's body goes deeper.
func (r *sqlReader) nesting(last, t sqlToken) int {
	switch {
	case r.is(last, "END"):
		if r.is(t, "IF", "LOOP", "WHILE", "REPEAT", "FOR") {
			return 0
		}
		return -1
	case r.is(t, "BEGIN", "CASE"):
		return 1
	}
	return 0
}

// clauses parts a statement where another begins on a line of its own or
// within a block: SQL Server needs no semicolons.
func (r *sqlReader) clauses(tokens []sqlToken) [][]sqlToken {
	var all [][]sqlToken
	begin, open := 0, false // open: a GRANT that has no TO yet
	for i, t := range tokens {
		if r.is(t, "TO") {
			open = false
		}
		if !r.is(t, "GRANT", "CREATE", "ALTER", "EXEC", "EXECUTE", "REVOKE", "DENY", "DROP", "DO", "sp_addrolemember", "sp_addsrvrolemember") || open {
			continue
		}
		if i > 0 && (!t.first && !r.is(tokens[i-1], "BEGIN", "THEN", "ELSE", "LOOP") || r.is(tokens[i-1], "WITH")) {
			continue
		}
		if r.is(t, "GRANT") && i > begin && r.is(tokens[begin], "ALTER") && r.is(tokens[begin+1], "DEFAULT") {
			continue
		}
		if i > begin {
			all = append(all, tokens[begin:i])
		}
		begin, open = i, r.is(t, "GRANT")
	}
	return append(all, tokens[begin:])
}

// clause reads a statement that stands alone.
func (r *sqlReader) clause(s *sqlScanner, t []sqlToken) {
	if len(t) < 2 {
		return
	}
	switch {
	case r.is(t[0], "GRANT"):
		r.grant(t, nil)
	case r.is(t[0], "ALTER") && r.is(t[1], "DEFAULT"):
		if i := slices.IndexFunc(t, func(t sqlToken) bool { return r.is(t, "GRANT") }); i > 0 {
			r.grant(t[i:], t[:i])
		}
	case r.is(t[0], "CREATE", "ALTER") && r.is(t[1], "ROLE", "USER", "GROUP", "LOGIN", "SERVER"):
		r.role(t)
	case r.is(t[0], "CREATE", "ALTER"):
		r.owner(t)
	case r.is(t[0], "DROP") && r.is(t[1], "ROLE", "USER", "LOGIN"):
		r.dropped(t[2:])
	case r.is(t[0], "EXEC", "EXECUTE", "sp_addrolemember", "sp_addsrvrolemember"):
		r.execute(t)
	case r.is(t[0], "DO") && !r.inner:
		r.inner = true
		for _, b := range t[1:] {
			if b.kind == sqlBody {
				body := newSQLScanner(s.text[:b.end], false)
				body.at = b.start
				r.read(body)
			}
		}
		r.inner = false
	}
}

// report reports what is left when the file has been read.
func (r *sqlReader) report() {
	for _, p := range r.found {
		table := tableName(p.object)
		p.who = slices.DeleteFunc(p.who, func(who string) bool {
			return p.Rule == sqlDatabase && (r.owners[sqlOwner{who, ""}] || r.owners[sqlOwner{who, table}])
		})
		if len(p.who) == 0 {
			continue
		}
		p.Subject = p.who[0]
		if p.object != "" {
			p.Subject += " on " + p.object
		}
		r.f.Report(&document.Node{Kind: document.String, Text: r.text(p.at), Start: p.at.start, End: p.at.end}, p.Problem)
	}
}

// tableName is the table of an object as it is compared: without quotes, in
// lower case.
func tableName(object string) string {
	return strings.TrimPrefix(strings.ToLower(sqlQuotes.Replace(object)), "table ")
}

var sqlQuotes = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "")

// keep keeps a finding until then.
func (r *sqlReader) keep(found sqlFound) {
	for _, who := range found.who {
		if r.of[who] == nil {
			r.of[who] = make(map[string][]int)
		}
		r.of[who][found.Value] = append(r.of[who][found.Value], len(r.found))
	}
	r.found = append(r.found, found)
}

// text is what a token reads.
func (r *sqlReader) text(t sqlToken) string { return string(r.f.Text[t.start:t.end]) }

// is tells whether a token is one of the keywords given.
func (r *sqlReader) is(t sqlToken, words ...string) bool {
	if t.kind != sqlWord || t.end-t.start > 30 {
		return false
	}
	text := r.text(t)
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, text) })
}

// is0 tells whether the first token is one of the keywords given.
func (r *sqlReader) is0(tokens []sqlToken, words ...string) bool {
	return len(tokens) > 0 && r.is(tokens[0], words...)
}

// sign tells whether a token is a sign.
func (r *sqlReader) sign(t sqlToken, c byte) bool {
	return t.kind == sqlSign && t.end > t.start && r.f.Text[t.start] == c
}

// filledIn tells whether a name is filled in from elsewhere.
func (r *sqlReader) filledIn(t sqlToken) bool {
	if t.kind == sqlTemplate {
		return true
	}
	text := r.text(t)
	return t.kind != sqlWord && (strings.ContainsAny(text, "$<{") || strings.Contains(text, "%(") || strings.HasPrefix(text, "@") || text == "%s")
}
