package scope

import (
	"slices"
	"strings"
	"unicode"

	"github.com/remint/remint/scanner/rule"
)

// sqlWideRole is a role or a system privilege that opens too much.
type sqlWideRole struct {
	rule     string
	severity rule.Severity
	why      string
	narrower string
}

const ownRole = "a role of its own with the statements that are run, on the tables that are used"

// sqlWideRoles are roles and privileges that are granted without an object.
var sqlWideRoles = map[string]sqlWideRole{
	"ALL":                         {sqlServer, 0, "has every system privilege", ownRole},
	"ALL PRIVILEGES":              {sqlServer, 0, "has every system privilege", ownRole},
	"DBA":                         {sqlServer, 0, "is an administrator of the whole database", ownRole},
	"SYSDBA":                      {sqlServer, 0, "is an administrator of the whole database", ownRole},
	"POSTGRES":                    {sqlServer, rule.High, "may act as the administrator that the server was installed with", ownRole},
	"ADMIN":                       {sqlServer, 0, "may do everything in the cluster", ownRole}, // CockroachDB's
	"CONTROL SERVER":              {sqlServer, 0, "may do everything on the server", ownRole},
	"SYSADMIN":                    {sqlServer, 0, "may do everything on the server", ownRole},
	"RDS_SUPERUSER":               {sqlServer, 0, "is an administrator of every database of the instance", ownRole},
	"CLOUDSQLSUPERUSER":           {sqlServer, 0, "is an administrator of every database of the instance", ownRole},
	"AZURE_PG_ADMIN":              {sqlServer, 0, "is an administrator of every database of the server", ownRole},
	"SYSTEM ALL":                  {sqlServer, 0, "has every system privilege of the cluster", ownRole},
	"SYSTEM ALL PRIVILEGES":       {sqlServer, 0, "has every system privilege of the cluster", ownRole},
	"ROLE SYS : SUPERUSER":        {sqlServer, 0, "may do everything in the cluster", ownRole},
	"ROLE SYS : SECADMIN":         {sqlEscalate, 0, "makes users and grants every role", ownRole},
	"PDB_DBA":                     {sqlServer, 0, "is an administrator of the whole database", ownRole},
	"IMP_FULL_DATABASE":           {sqlServer, 0, "writes every table of the database and becomes any user", "CREATE TABLE in its own schema, which is enough to import that"},
	"DATAPUMP_IMP_FULL_DATABASE":  {sqlServer, 0, "writes every table of the database and becomes any user", "CREATE TABLE in its own schema, which is enough to import that"},
	"ROLE ORGADMIN":               {sqlServer, 0, "administers every account of the organization", "a role of its own, granted to SYSADMIN"},
	"ROLE SYSADMIN":               {sqlDatabase, 0, "owns every database and warehouse of the account", "a role of its own, granted to SYSADMIN, not the other way round"},
	"ROLE USERADMIN":              {sqlEscalate, 0, "makes users and roles", "a role of its own that owns the users it manages"},
	"ROLE ACCOUNTADMIN":           {sqlServer, rule.High, "may do everything in the account, also its users and its bill", "a role of its own, granted to SYSADMIN"},
	"ROLE SECURITYADMIN":          {sqlEscalate, 0, "grants and revokes every privilege of the account", "a role of its own that owns what it grants"},
	"SECURITYADMIN":               {sqlEscalate, 0, "grants every server permission, also to itself", "ALTER ANY LOGIN, to an administrator's account"},
	"SERVERADMIN":                 {sqlEscalate, 0, "changes the server's settings, by which programs on its machine are allowed", "ALTER SETTINGS, to an administrator's account"},
	"SELECT ALL USER SECURABLES":  {sqlEscalate, rule.Medium, "reads every database that it can connect to", "SELECT on the schema that is used"},
	"ALTER ANY USER":              {sqlEscalate, 0, "changes who the database's users are", "an administrator's account that no program uses"},
	"ALTER ANY LOGIN":             {sqlEscalate, 0, "changes the passwords of other logins", "an administrator's account that no program uses"},
	"IMPERSONATE ANY LOGIN":       {sqlEscalate, 0, "acts as any login", "GRANT IMPERSONATE ON LOGIN::name"},
	"UNSAFE ASSEMBLY":             {sqlEscalate, 0, "loads code of any kind into the server", "assemblies that are signed by a certificate of their own"},
	"PG_WRITE_SERVER_FILES":       {sqlEscalate, 0, "writes any file that the server may, and so becomes superuser", "COPY … FROM STDIN through the client"},
	"PG_READ_SERVER_FILES":        {sqlEscalate, 0, "reads any file that the server may, its password file among them", "COPY … FROM STDIN through the client"},
	"PG_EXECUTE_SERVER_PROGRAM":   {sqlEscalate, 0, "runs any program on the server's machine", "a program beside the server that connects as a user of its own"},
	"PG_WRITE_ALL_DATA":           {sqlDatabase, 0, "writes every table of every schema", ownRole},
	"BECOME USER":                 {sqlEscalate, 0, "acts as any user", ownRole},
	"GRANT ANY PRIVILEGE":         {sqlEscalate, 0, "grants itself every system privilege", ownRole},
	"GRANT ANY ROLE":              {sqlEscalate, 0, "grants itself every role, DBA among them", ownRole},
	"GRANT ANY OBJECT PRIVILEGE":  {sqlEscalate, 0, "grants itself every right to every table", ownRole},
	"DB_OWNER":                    {sqlDatabase, 0, "may do everything in the database, also drop it", "db_datareader and db_datawriter, or EXECUTE on the procedures that are called"},
	"DB_SECURITYADMIN":            {sqlEscalate, 0, "changes who may do what in the database", "an administrator's account that no program uses"},
	"DB_ACCESSADMIN":              {sqlEscalate, 0, "lets other logins into the database", "an administrator's account that no program uses"},
	"CONTROL":                     {sqlDatabase, 0, "has every permission in the database", "SELECT, INSERT, UPDATE and DELETE on the schema that is used"},
	"EXEMPT ACCESS POLICY":        {sqlEscalate, 0, "reads every row, whatever the policies say", ownRole},
	"EXECUTE ANY PROCEDURE":       {sqlEscalate, 0, "runs every procedure with the rights of its owner", "EXECUTE on the procedures that are called"},
	"CREATE ANY PROCEDURE":        {sqlEscalate, 0, "writes procedures that run with other users' rights", "CREATE PROCEDURE, in its own schema"},
	"ALTER ANY PROCEDURE":         {sqlEscalate, 0, "rewrites procedures that run with other users' rights", "CREATE PROCEDURE, in its own schema"},
	"CREATE ANY TRIGGER":          {sqlEscalate, 0, "writes triggers that run with other users' rights", "CREATE TRIGGER, in its own schema"},
	"ALTER ANY TRIGGER":           {sqlEscalate, 0, "rewrites triggers that run with other users' rights", "CREATE TRIGGER, in its own schema"},
	"CREATE ANY JOB":              {sqlEscalate, 0, "runs jobs as any user", "CREATE JOB"},
	"CREATE ANY LIBRARY":          {sqlEscalate, 0, "calls programs on the server's machine", ownRole},
	"CREATE ANY DIRECTORY":        {sqlEscalate, 0, "opens any folder of the server's machine", "READ on the one DIRECTORY that is used"},
	"ALTER ANY ROLE":              {sqlEscalate, 0, "changes who has which rights", ownRole},
	"ALTER USER":                  {sqlEscalate, 0, "changes the passwords of other users", ownRole},
	"SELECT ANY TABLE":            {sqlEscalate, rule.Medium, "reads the tables of every user", "SELECT on the tables that are read"},
	"READ ANY TABLE":              {sqlEscalate, rule.Medium, "reads the tables of every user", "READ on the tables that are read"},
	"CREATE ANY TABLE":            {sqlEscalate, 0, "makes tables in the schemas of other users", "CREATE TABLE, in its own schema"},
	"CREATE ANY VIEW":             {sqlEscalate, 0, "makes views that read with other users' rights", "CREATE VIEW, in its own schema"},
	"CREATE ANY INDEX":            {sqlEscalate, 0, "puts functions of its own into indexes of other users' tables", "its own tables, whose indexes it may make"},
	"INSERT ANY TABLE":            {sqlEscalate, 0, "writes the tables of every user", "INSERT on the tables that are written"},
	"UPDATE ANY TABLE":            {sqlEscalate, 0, "writes the tables of every user", "UPDATE on the tables that are written"},
	"DELETE ANY TABLE":            {sqlEscalate, 0, "deletes from the tables of every user", "DELETE on the tables that are written"},
	"DROP ANY TABLE":              {sqlEscalate, 0, "drops the tables of every user", "a schema of its own, whose tables it owns"},
	"ALTER ANY TABLE":             {sqlEscalate, 0, "alters the tables of every user", "a schema of its own, whose tables it owns"},
	"ADMINISTER DATABASE TRIGGER": {sqlEscalate, 0, "writes triggers that run for every user", "CREATE TRIGGER, in its own schema"},
}

// judgeRoles judges roles and privileges that are granted without an object.
func (r *sqlReader) judgeRoles(g *sqlGrant) bool {
	for _, p := range g.privileges {
		words := r.words(p)
		wide, ok := sqlWideRoles[words]
		if ok && r.made[strings.ToLower(words)] == nil && (words != "ADMIN" || r.cockroach) {
			r.add(g, whole(p), Problem{Rule: wide.rule, Severity: wide.severity, Why: wide.why, Narrower: wide.narrower})
			return true
		}
	}
	return false
}

// member judges who is put into a fixed role of SQL Server.
func (r *sqlReader) member(role, name sqlToken) {
	g := sqlGrant{grantees: []sqlGrantee{{name: name, who: strings.ToLower(r.text(name))}}}
	wide, ok := sqlWideRoles[strings.ToUpper(r.text(role))]
	switch {
	case !ok || g.grantees[0].builtIn():
	case r.filledIn(name):
		r.f.Unknown(nil)
	default:
		r.add(&g, role, Problem{Rule: wide.rule, Severity: wide.severity, Why: wide.why, Narrower: wide.narrower})
	}
}

// role reads CREATE ROLE, ALTER ROLE and their likes.
func (r *sqlReader) role(t []sqlToken) {
	created, user := r.is(t[0], "CREATE"), r.is(t[1], "USER")
	t = t[2:]
	for len(t) > 1 && r.is(t[0], "IF", "NOT", "EXISTS", "ROLE") {
		t = t[1:]
	}
	if i := slices.IndexFunc(t, func(t sqlToken) bool { return r.is(t, "MEMBER") }); i == 2 && len(t) > 3 && r.is(t[1], "ADD") {
		r.member(t[0], t[3])
		return
	}
	if len(t) == 0 || t[0].kind == sqlSign || r.is(t[0], "MAPPING") {
		return
	}
	g := sqlGrant{grantees: []sqlGrantee{{name: t[0], who: strings.ToLower(r.text(t[0]))}}}
	who := &g.grantees[0]
	if created && r.made[who.who] == nil {
		r.made[who.who] = &sqlRole{login: user}
	}
	a := r.attributes(t[1:])
	if a.super.end == 0 && a.no && !created {
		r.withdraw(who.who, "SUPERUSER")
	}
	if a.ends {
		r.withdraw(who.who, "PASSWORD")
	}
	severity := rule.Severity(0)
	if strings.Contains(who.who, "admin") || strings.Contains(who.who, "dba") {
		severity = rule.High
	}
	if who.builtIn() {
		return
	}
	if a.super.end > 0 {
		r.add(&g, a.super, Problem{Rule: sqlServer, Severity: severity, Value: "SUPERUSER", Why: "is a superuser: no permission is checked for it, and it runs programs on the server's machine", Narrower: "NOSUPERUSER, and the grants that are needed; trusted extensions need none"})
		a.wide = nil // it has these as well
	}
	for _, w := range a.wide {
		words := strings.ToUpper(r.text(w))
		if words == "REPLICATION" && hasPart(who.who, sqlReplicators) {
			continue
		}
		r.add(&g, w, Problem{Rule: sqlEscalate, Value: words, Why: sqlWideAttributes[words], Narrower: "NO" + words + ", and a policy or a grant for what is needed"})
	}
	r.password(&g, &a)
}

// sqlRole is what the statements of a file come to for a role that it makes.
type sqlRole struct{ login, password, ends, told bool }

// password reports a password that never ends: that of a role which the file
// makes, in one statement or in two as pg_dumpall does, and one of which that
// is said.
func (r *sqlReader) password(g *sqlGrant, a *sqlAttributes) {
	who := g.grantees[0]
	role := r.made[who.who]
	switch {
	case r.filledIn(who.name):
		return
	case a.never.end > 0:
		never := Problem{Rule: sqlForever, Value: "PASSWORD", Why: "logs in with a password that never ends", Narrower: "PASSWORD EXPIRE INTERVAL 90 DAY, and a rotation before it"}
		if r.is(a.never, "OFF") {
			never.Narrower = "CHECK_EXPIRATION = ON with CHECK_POLICY = ON, and a rotation before it"
		}
		r.add(g, a.never, never)
		return
	case role == nil:
		if a.password && !a.ends {
			r.f.Unknown(nil) // the end that it has is set elsewhere
		}
		return
	}
	role.login, role.password = role.login || a.login, role.password || a.password
	role.ends = a.ends || role.ends && !a.infinity
	if role.login && role.password && !role.ends && !role.told {
		role.told = true
		r.add(g, who.name, Problem{Rule: sqlForever, Value: "PASSWORD", Why: "logs in with a password that never ends", Narrower: "VALID UNTIL with a date, and a rotation before it"})
	}
}

// sqlWideAttributes are attributes by which a role takes on more.
var sqlWideAttributes = map[string]string{
	"CREATEROLE":  "makes roles and grants itself others'",
	"BYPASSRLS":   "reads and writes every row, whatever the policies say",
	"REPLICATION": "may copy the whole server as a standby does, and holds back its log",
}

// sqlReplicators are parts of the names of users who are to replicate.
var sqlReplicators = []string{"repl", "standby", "cdc", "debezium", "wal", "backup", "barman", "sync", "stream"}

// hasPart tells whether one of a name's words begins or ends with a part.
func hasPart(name string, parts []string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return !unicode.IsLetter(c) })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(w, p) || strings.HasSuffix(w, p) })
	})
}

// sqlAttributes are what a role is made with.
type sqlAttributes struct {
	super, never        sqlToken // never: where a password's end is ruled out
	wide                []sqlToken
	no, login, password bool
	ends, infinity      bool // VALID UNTIL a date, or 'infinity'
}

func (r *sqlReader) attributes(t []sqlToken) (a sqlAttributes) {
	for i, o := range t {
		switch {
		case r.is(o, "SET") || r.is(o, "RENAME"):
			return a
		case r.is(o, "SUPERUSER", "CREATEUSER"): // CREATEUSER is Redshift's, and PostgreSQL's of old
			if i+2 < len(t) && r.sign(t[i+1], '=') && !r.is(t[i+2], "TRUE") { // Cassandra's
				continue
			}
			a.super = o
		case r.is(o, "NOSUPERUSER"):
			a.no = true
		case r.is(o, "CREATEROLE", "BYPASSRLS", "REPLICATION"):
			a.wide = append(a.wide, o)
		case r.is(o, "LOGIN"):
			a.login = true
		case r.is(o, "VALID"):
			a.infinity = i+2 < len(t) && strings.EqualFold(r.text(t[i+2]), "infinity")
			a.ends = !a.infinity
		case r.is(o, "EXPIRE") && i+1 < len(t) && r.is(t[i+1], "NEVER"):
			a.never = t[i+1]
		case r.is(o, "CHECK_EXPIRATION") && i+2 < len(t) && r.is(t[i+2], "OFF"):
			a.never = t[i+2]
		case r.is(o, "PASSWORD") && i+1 < len(t) && t[i+1].kind == sqlString:
			hash := strings.HasPrefix(r.text(t[i+1]), "SCRAM-SHA-256$")
			a.password = t[i+1].end > t[i+1].start && (hash || !r.filledIn(t[i+1]))
		}
	}
	return a
}

// withdraw forgets the findings of a user that a later statement takes back:
// those of a value, all where it is "".
func (r *sqlReader) withdraw(who, value string) {
	for v, found := range r.of[who] {
		if value != "" && v != value {
			continue
		}
		for _, i := range found {
			f := &r.found[i]
			f.who = slices.DeleteFunc(f.who, func(w string) bool { return w == who })
		}
		delete(r.of[who], v)
	}
}

// dropped forgets users who are dropped at the end, as tests do.
func (r *sqlReader) dropped(t []sqlToken) {
	for len(t) > 0 && r.is(t[0], "IF", "EXISTS") {
		t = t[1:]
	}
	begin := 0
	for i := 0; i <= len(t); i++ {
		if i == len(t) || r.sign(t[i], ',') {
			if g, ok := r.grantee(t[begin:i]); ok {
				r.withdraw(g.who, "")
			}
			begin = i + 1
		}
	}
}

// owner notes who owns a database, a schema or a table: OWNER TO name, OWNER
// name, OWNER = name, AUTHORIZATION name.
func (r *sqlReader) owner(t []sqlToken) {
	for i := 1; i+1 < len(t) && i < 200; i++ {
		if !r.is(t[i], "OWNER", "AUTHORIZATION") {
			continue
		}
		name, owned := t[i+1], ""
		if (r.is(name, "TO") || r.sign(name, '=')) && i+2 < len(t) {
			name = t[i+2]
		}
		if !r.is(t[1], "DATABASE", "SCHEMA") {
			begin := 1
			for begin < i-1 && r.is(t[begin], "TABLE", "VIEW", "MATERIALIZED", "FOREIGN", "ONLY", "IF", "EXISTS") {
				begin++
			}
			owned = tableName(string(r.f.Text[t[begin].start:t[i-1].end]))
		}
		r.owners[sqlOwner{strings.ToLower(r.text(name)), owned}] = true
	}
}

// execute reads SQL Server's procedures that put a user into a role, and
// counts grants that are put together as text.
func (r *sqlReader) execute(t []sqlToken) {
	var strs []sqlToken
	name := ""
	for _, a := range t {
		switch {
		case a.kind == sqlString || a.kind == sqlName && name != "":
			strs = append(strs, a)
		case a.kind == sqlWord && strings.HasPrefix(strings.ToLower(r.text(a)), "sp_"):
			name = strings.ToLower(r.text(a))
		}
	}
	switch {
	case name == "sp_addrolemember" && len(strs) == 2:
		if _, ok := sqlWideRoles[strings.ToUpper(r.text(strs[0]))]; !ok { // @membername stands first
			strs[0], strs[1] = strs[1], strs[0]
		}
		r.member(strs[0], strs[1])
	case name == "sp_addsrvrolemember" && len(strs) == 2:
		if _, ok := sqlWideRoles[strings.ToUpper(r.text(strs[1]))]; !ok { // @rolename stands first
			strs[0], strs[1] = strs[1], strs[0]
		}
		r.member(strs[1], strs[0])
	case !slices.ContainsFunc(strs, r.composes):
	case len(strs) == 1 && r.alone(t) && !r.inText:
		r.inText = true
		text := newSQLScanner(r.f.Text[:strs[0].end], false)
		text.at = strs[0].start
		r.read(text)
		r.inText = false
	default:
		r.f.Unknown(nil)
	}
}

// alone tells whether what is executed is one text as it stands, without
// quotes in it: EXECUTE IMMEDIATE 'text', EXEC('text').
func (r *sqlReader) alone(t []sqlToken) bool {
	return !slices.ContainsFunc(t, func(t sqlToken) bool {
		if t.kind == sqlString {
			return strings.ContainsAny(r.text(t), `'\`)
		}
		return !r.is(t, "EXEC", "EXECUTE", "IMMEDIATE", "sp_executesql") && !r.sign(t, '(') && !r.sign(t, ')')
	})
}

// composes tells whether a text is a GRANT, makes a superuser or puts a user
// into a role.
func (r *sqlReader) composes(t sqlToken) bool {
	text := strings.ToUpper(r.text(t))
	return slices.ContainsFunc([]string{"GRANT ", " SUPERUSER", "CREATEROLE", " ADD MEMBER "}, func(w string) bool { return strings.Contains(text, w) })
}
