package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
)

// sqlGrant is a GRANT in its parts.
type sqlGrant struct {
	privileges [][]sqlToken
	object     []sqlToken
	grantees   []sqlGrantee
	option     sqlToken // GRANT OPTION or ADMIN OPTION, where it is there
	all        bool     // ALL, ALL PRIVILEGES
}

// sqlGrantee is who is granted something; host is MySQL's.
type sqlGrantee struct {
	name, host sqlToken
	who        string // "app@%", in lower case
}

// parse parts a GRANT.
func (r *sqlReader) parse(t []sqlToken) (g sqlGrant, ok bool) {
	part, depth := 0, 0 // privileges, object, grantees, options
	columns := false    // for some columns alone
	var lists [4][][]sqlToken
	lists[0] = [][]sqlToken{nil}
	for _, t := range r.withoutCluster(t[1:]) {
		switch {
		case r.sign(t, '('):
			depth++
			columns = columns || part == 0
		case r.sign(t, ')'):
			depth--
		case depth > 0: // columns
		case part == 0 && r.is(t, "ON"), part < 2 && r.is(t, "TO"), part == 2 && r.is(t, "IDENTIFIED", "WITH", "REQUIRE", "GRANTED", "AS"):
			part = map[bool]int{true: 2, false: part + 1}[r.is(t, "TO")]
			lists[part] = [][]sqlToken{nil}
			if r.is(t, "WITH") {
				lists[part][0] = append(lists[part][0], t)
			}
		case r.sign(t, ',') && part != 1:
			lists[part] = append(lists[part], nil)
		default:
			last := &lists[part][len(lists[part])-1]
			*last = append(*last, t)
		}
	}
	g.privileges = slices.DeleteFunc(lists[0], func(p []sqlToken) bool { return len(p) == 0 })
	if len(lists[1]) > 0 {
		g.object = lists[1][0]
	}
	for _, l := range lists[2] {
		if who, ok := r.grantee(l); ok {
			g.grantees = append(g.grantees, who)
		}
	}
	for _, l := range lists[3] {
		for i := 1; i < len(l); i++ {
			if r.is(l[i], "OPTION") && r.is(l[i-1], "GRANT", "ADMIN") || r.is(l[i], "TRUE") && r.is(l[i-1], "ADMIN") {
				g.option = sqlToken{start: l[i-1].start, end: l[i].end}
			}
		}
	}
	if len(g.privileges) == 0 || len(g.grantees) == 0 {
		return g, false
	}
	g.all = !columns && r.is0(g.privileges[0], "ALL") && (len(g.privileges[0]) == 1 || r.is(g.privileges[0][1], "PRIVILEGES", "PERMISSIONS"))
	return g, true
}

// withoutCluster leaves out ClickHouse's ON CLUSTER name, which says where a
// GRANT runs, not what it is for.
func (r *sqlReader) withoutCluster(t []sqlToken) []sqlToken {
	if len(t) > 3 && r.is(t[0], "ON") && r.is(t[1], "CLUSTER") {
		return t[3:]
	}
	return t
}

// grantee reads a user or a role: GROUP name, 'name'@'host'.
func (r *sqlReader) grantee(t []sqlToken) (g sqlGrantee, ok bool) {
	if len(t) > 1 && r.is(t[0], "ROLE", "USER", "GROUP", "DATABASE") {
		t = t[1:]
	}
	if len(t) > 1 && r.sign(t[0], '@') { // @variable, @TEMPLATE@
		t = []sqlToken{{kind: sqlTemplate, start: t[0].start, end: t[1].end}}
	}
	if len(t) == 0 || t[0].kind == sqlSign {
		return g, false
	}
	g.name, g.who = t[0], strings.ToLower(r.text(t[0]))
	if len(t) > 2 && r.sign(t[1], '@') {
		g.host = t[2]
		g.who += "@" + strings.ToLower(r.text(t[2]))
	}
	return g, true
}

// sqlBuiltIn are the administrators that servers are installed with.
var sqlBuiltIn = []string{
	"postgres", "root", "pgsql", "gpadmin", "enterprisedb", "rdsadmin", "cloudsqladmin", "azuresu", "supabase_admin", "service_role", "current_user", "session_user", "current_role",
	"debian-sys-maint", "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "mysql", "sa", "dbo", "sys", "system", "sysdba", "accountadmin", "securityadmin", "sysadmin",
}

func (g *sqlGrantee) builtIn() bool {
	name, _, _ := strings.Cut(g.who, "@")
	return slices.Contains(sqlBuiltIn, name) || strings.HasPrefix(name, `nt service\`) || strings.HasPrefix(name, `nt authority\`)
}

// sqlMigrators are parts of the names of users who are to change tables.
var sqlMigrators = []string{"migration", "migrations", "migrate", "migrator", "owner", "deploy", "deployer", "ddl", "flyway", "liquibase", "admin", "administrator", "dba", "test", "tests", "tester"}

// grant judges a GRANT. before is what stands before it in an ALTER DEFAULT
// PRIVILEGES.
func (r *sqlReader) grant(t, before []sqlToken) {
	g, ok := r.parse(t)
	if !ok {
		return
	}
	if g.all && r.global(g.object) {
		r.rootAnywhere(&g)
	}
	g.grantees = slices.DeleteFunc(g.grantees, func(g sqlGrantee) bool { return g.builtIn() })
	switch {
	case len(g.grantees) == 0:
	case r.filledIn(g.privileges[0][0]):
		r.f.Unknown(nil)
	case len(g.object) == 0:
		if !r.judgeRoles(&g) {
			r.judgeOption(&g)
		}
	case slices.ContainsFunc(g.grantees, func(g sqlGrantee) bool { return g.who == "public" }):
		r.judgePublic(&g)
	case !r.judgeServer(&g) && !r.judgeDatabase(&g, before) && !r.judgeImpersonate(&g):
		r.judgeOption(&g)
	}
}

// judgeImpersonate judges who may act as an administrator of SQL Server.
func (r *sqlReader) judgeImpersonate(g *sqlGrant) bool {
	as := sqlGrantee{who: strings.ToLower(r.text(g.object[len(g.object)-1]))}
	if !r.is0(g.privileges[0], "IMPERSONATE") || !as.builtIn() {
		return false
	}
	r.add(g, g.privileges[0][0], Problem{Rule: sqlEscalate, Why: "acts as " + as.who + ", who may do everything", Narrower: "a procedure WITH EXECUTE AS OWNER for what is needed, and EXECUTE on it"})
	return true
}

// add keeps a finding for the end of the file.
func (r *sqlReader) add(g *sqlGrant, at sqlToken, p Problem) {
	found := sqlFound{at: at, object: r.object(g), Problem: p}
	for _, who := range g.grantees {
		found.who = append(found.who, who.who)
	}
	r.keep(found)
}

// object is what a GRANT is for, as it is written.
func (r *sqlReader) object(g *sqlGrant) string {
	if len(g.object) == 0 {
		return ""
	}
	return string(r.f.Text[g.object[0].start:g.object[len(g.object)-1].end])
}

// whole is the place of a privilege of several words.
func whole(t []sqlToken) sqlToken {
	return sqlToken{start: t[0].start, end: t[len(t)-1].end}
}

// words joins the words of a privilege or an object in capitals.
func (r *sqlReader) words(t []sqlToken) string {
	var all []string
	for _, w := range t {
		all = append(all, strings.ToUpper(r.text(w)))
	}
	return strings.Join(all, " ")
}

// written is a grantee as it is written in a GRANT.
func (r *sqlReader) written(g *sqlGrantee) string {
	name := r.text(g.name)
	if g.host.end > 0 {
		return "'" + name + "'@'" + r.text(g.host) + "'"
	}
	return name
}

// rootAnywhere reports a built-in administrator who may come from any host.
func (r *sqlReader) rootAnywhere(g *sqlGrant) {
	for _, who := range g.grantees {
		if who.builtIn() && who.host.end > 0 && r.text(who.host) == "%" {
			r.keep(sqlFound{at: who.host, who: []string{who.who}, Problem: Problem{
				Rule: sqlAnywhere, Why: "lets the server's administrator log in from any host", Narrower: "'" + r.text(who.name) + "'@'localhost'",
			}})
		}
	}
}

// global tells whether an object is the whole server.
func (r *sqlReader) global(object []sqlToken) bool {
	words := r.words(object)
	return words == "* . *" || words == "ACCOUNT" || words == "ALL KEYSPACES"
}

// sqlGlobalWide are MySQL's privileges by which a user of the whole server
// takes on more.
var sqlGlobalWide = map[string]string{
	"SUPER": "changes the server's settings and may run routines as any user", "FILE": "reads and writes the files of the server's machine", "CREATE USER": "makes users and changes their passwords",
	"SYSTEM_USER": "changes the administrators' accounts", "SET_USER_ID": "may run routines as any user", "SET_ANY_DEFINER": "may run routines as any user", "ROLE_ADMIN": "grants every role",
	"MANAGE GRANTS": "grants and revokes every privilege", "ACCESS MANAGEMENT": "makes users and grants them everything", "GRANT OPTION": "hands on every privilege that it has",
	"INSERT": "writes every table of every database, also the server's own, in which the users' rights stand", "UPDATE": "writes every table of every database, also the server's own, in which the users' rights stand",
	"DELETE": "deletes from every database", "DROP": "drops every database", "ALTER": "alters every table of every database",
}

// judgeServer judges what is granted on the whole server.
func (r *sqlReader) judgeServer(g *sqlGrant) bool {
	own := len(g.object) == 3 && strings.EqualFold(r.text(g.object[0]), "mysql")
	if !r.global(g.object) && !own {
		return false
	}
	who := &g.grantees[0]
	narrower := "GRANT SELECT, INSERT, UPDATE, DELETE ON its own database TO " + r.written(who)
	if g.all && !own {
		p := Problem{Rule: sqlServer, Why: "may do everything in every database of the server, also to its users", Narrower: narrower}
		if g.option.end > 0 {
			p.Why += ", and hand it on"
		}
		if host := r.text(who.host); host == "localhost" || host == "127.0.0.1" || host == "::1" {
			p.Severity = rule.High
		}
		r.add(g, whole(g.privileges[0]), p)
		return true
	}
	for _, p := range g.privileges {
		words := r.words(p)
		if why := sqlGlobalWide[words]; why != "" && !own || own && (g.all || words == "INSERT" || words == "UPDATE") {
			r.add(g, whole(p), Problem{Rule: sqlEscalate, Why: word(why, "writes the tables in which the users' rights stand"), Narrower: narrower})
			return true
		}
	}
	return false
}

// judgeDatabase judges what is granted on a database, a schema or tables. Who
// is to change tables may do everything there.
func (r *sqlReader) judgeDatabase(g *sqlGrant, before []sqlToken) bool {
	p, ok := r.everythingIn(g, before)
	if !ok {
		return false
	}
	filled := func(g sqlGrantee) bool { return r.filledIn(g.name) }
	test := hasPart(r.object(g), []string{"test", "tests"})
	users := slices.DeleteFunc(slices.Clone(g.grantees), func(g sqlGrantee) bool {
		return filled(g) || test || hasPart(g.who, sqlMigrators)
	})
	if len(users) == 0 {
		if slices.ContainsFunc(g.grantees, filled) && !test {
			r.f.Unknown(nil)
		}
		return true
	}
	g.grantees = users
	p.Rule, p.Narrower = sqlDatabase, p.Narrower+" TO "+r.written(&users[0])
	r.add(g, whole(g.privileges[0]), p)
	return true
}

// everythingIn says what ALL opens, by what it is granted on. The narrower
// grant lacks its grantee.
func (r *sqlReader) everythingIn(g *sqlGrant, before []sqlToken) (Problem, bool) {
	words := r.words(g.object)
	kind, _, _ := strings.Cut(words, " ")
	used := "GRANT SELECT, INSERT, UPDATE, DELETE ON the tables that it uses"
	switch {
	case !g.all:
		control := r.words(g.privileges[0]) == "CONTROL" && (kind == "DATABASE" || kind == "SCHEMA")
		return Problem{Why: "has every permission in the " + strings.ToLower(kind), Narrower: used}, control
	case strings.HasSuffix(words, ". *") || words == "*":
		return Problem{Why: "may do everything in the database, also drop its tables", Narrower: used}, true
	case strings.HasPrefix(words, "ALL TABLES") || strings.HasPrefix(words, "FUTURE TABLES"), words == "TABLES" && before != nil:
		return Problem{Why: "may do everything with every table of the schema, also truncate it and put triggers on it", Narrower: used}, true
	case kind == "DATABASE":
		return Problem{Why: "may also create schemas in the database", Narrower: "GRANT CONNECT ON " + r.object(g), Severity: rule.Low}, true
	case kind == "SCHEMA", kind == "CATALOG", kind == "KEYSPACE", strings.HasPrefix(words, "ALL SCHEMAS"), strings.HasPrefix(words, "FUTURE SCHEMAS"):
		return Problem{Why: "may also create tables and functions in it, which others then use unawares", Narrower: "GRANT USAGE ON " + r.object(g), Severity: rule.Low}, true
	case r.isTables(g.object):
		return Problem{Why: "has every privilege there is on the table, not only for the statements that it runs", Narrower: "GRANT SELECT, INSERT, UPDATE, DELETE ON " + r.object(g), Severity: rule.Low}, true
	}
	return Problem{}, false
}

// isTables tells whether an object is a table or a list of them: TABLE a,
// b.c. Anything else begins with a word for what it is.
func (r *sqlReader) isTables(object []sqlToken) bool {
	if r.is0(object, "TABLE") {
		object = object[1:]
	}
	for i, t := range object {
		joins := r.sign(t, '.') || r.sign(t, ',')
		if joins != (i%2 == 1) || !joins && t.kind == sqlSign {
			return false
		}
	}
	return len(object)%2 == 1
}

// judgePublic judges what every user is granted.
func (r *sqlReader) judgePublic(g *sqlGrant) {
	kind := ""
	if g.object[0].kind == sqlWord {
		kind = strings.ToUpper(r.text(g.object[0]))
	}
	object := r.object(g)
	if strings.HasPrefix(strings.ToLower(object), "pg_") {
		return // PostgreSQL's own
	}
	for _, p := range g.privileges {
		first := strings.ToUpper(r.text(p[0]))
		switch kind {
		case "SCHEMA", "DATABASE":
			if g.all || first == "CREATE" {
				r.add(g, whole(p), Problem{Rule: sqlPublic, Severity: rule.Medium, Why: "lets every database user create objects in " + object + ", which others then use unawares",
					Narrower: map[string]string{"SCHEMA": "GRANT USAGE ON ", "DATABASE": "GRANT CONNECT ON "}[kind] + object + " TO PUBLIC, and CREATE to the role that needs it"})
				return
			}
		case "SEQUENCE", "FUNCTION", "PROCEDURE", "ROUTINE", "TYPE", "DOMAIN", "LANGUAGE", "FOREIGN", "PARAMETER", "TABLESPACE", "LARGE", "FUNCTIONS", "SEQUENCES", "TYPES", "ROUTINES":
			return
		default:
			if kind == "ALL" && len(g.object) > 1 && !r.is(g.object[1], "TABLES") {
				return
			}
			if g.all || slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "TRUNCATE"}, first) {
				r.add(g, whole(p), Problem{Rule: sqlPublic, Why: "lets every database user write " + object, Narrower: "GRANT SELECT ON " + object + " TO PUBLIC, and writing to the role that needs it"})
				return
			}
		}
	}
}

// judgeOption reports a privilege that its holder may hand on.
func (r *sqlReader) judgeOption(g *sqlGrant) {
	if g.option.end == 0 || r.filledIn(g.grantees[0].name) {
		return
	}
	r.add(g, g.option, Problem{Rule: sqlOption, Why: "may be handed on to anyone by whom it is granted to", Narrower: "the same GRANT without WITH " + r.text(g.option)})
}
