package scope

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Redis' rules.
const (
	redisOpen      = "scope-redis-open"
	redisAll       = "scope-redis-all"
	redisDangerous = "scope-redis-dangerous"

	redisDocs = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"
)

// redisACL reads the users of Redis and Valkey.
// Source: redis.io/docs/latest/operate/oss_and_stack/management/security/acl,
// registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/elasticache_user,
// registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/redis_cache_access_policy.
var redisACL = Format{
	Name:  "redis-acl",
	Files: "`*.acl`, `redis*.conf`, `valkey*.conf`, `keydb*.conf` and `*.conf` in folders of these names, also as templates, in ConfigMaps and in scripts' here-documents, `aws_elasticache_user`, `aws_memorydb_user` and `azurerm_redis_cache_access_policy` in `*.tf`",
	Rules: []Rule{
		{
			ID: redisOpen, Name: "Redis user without a password", Severity: rule.Critical,
			Opens: "What the user may do, for whoever reaches the port; with every command that is the machine too.",
			Steps: "Give the user a password (#hash), or turn it off and give each program a user of its own.",
			URL:   redisDocs,
		},
		{
			ID: redisAll, Name: "Redis user who may do everything", Severity: rule.High,
			Opens: "Every key of every program, and the server's own settings, by which files on its machine are written.",
			Steps: "List the commands and keys that the program uses: ~shop:* +@read +@write -@dangerous.",
			URL:   redisDocs + "#command-categories",
		},
		{
			ID: redisDangerous, Name: "Redis user who may administer the server", Severity: rule.Medium,
			Opens: "The server's settings, modules and users: CONFIG SET writes files, MODULE LOAD runs programs, ACL SETUSER makes users.",
			Steps: "Add -@admin -@dangerous, and the single commands that are needed behind it.",
			URL:   redisDocs + "#command-categories",
		},
	},
	Match: func(name string) bool {
		return redisFile.MatchString(name) || hasExt(name, ".tf", ".tofu") || holds(name)
	},
	Hints: []string{"+@", "nopass", "allcommands", "+config", "+acl", "+module", "+debug", "NOPASS", "ALLCOMMANDS", "protected-mode no"},
	Read:  readRedis,
}

var redisFile = regexp.MustCompile(`(?i)(^|/)((redis|valkey|keydb)[^/]*(/[^/]*){0,2}\.conf|[^/]*\.acl)(\.(j2|tmpl|tpl|template|erb))?$`)

// redisUser is what the rules of a line come to, read from left to right.
type redisUser struct {
	name           *document.Node
	on, keys       bool           // keys: all of them, to be written
	nopass         *document.Node // where it says so
	all            *document.Node // where every command is allowed
	dangerous      *document.Node // where a command that administers is allowed
	some, narrowed bool           // some: any command on any key; narrowed: commands are taken from all
	selectors      []redisUser    // what rules in brackets add
}

// redisEmbedded is how lists of users and configurations stand in other files.
var redisEmbedded = embedding{
	words:   []string{".acl", ".conf"},
	marks:   regexp.MustCompile(`\.(acl|conf)\b`),
	file:    redisFile.MatchString,
	command: regexp.MustCompile(`\.acl\b|(redis|valkey|keydb)[^/\s]*\.conf\b`),
	read:    readRedisFile,
}

func readRedis(f *File) {
	switch {
	case redisFile.MatchString(f.Path):
		readRedisFile(f)
	case holds(f.Path):
		redisEmbedded.readIn(f)
	default:
		readRedisTerraform(f)
	}
}

func readRedisFile(f *File) {
	password, named := requirepass.Match(f.Text), false
	for start, end := 0, 0; start < len(f.Text); start = end + 1 {
		end = start + lineLength(f.Text[start:])
		words := redisWords(f.Text, start, end)
		if len(words) < 3 || !strings.EqualFold(words[0].Text, "user") {
			continue
		}
		u := redisUser{name: words[1]}
		u.applyAll(words[2:])
		if u.name.Text == "default" {
			named = true
			if password {
				u.nopass = nil
			}
		}
		u.report(f)
	}
	if !password && !named {
		readRedisUnprotected(f)
	}
}

var (
	unprotected = regexp.MustCompile(`(?mi)^[ \t]*protected-mode[ \t]+"?(no)\b`)
	localOnly   = regexp.MustCompile(`(?mi)^[ \t]*bind[ \t]+(-?(127\.[0-9.]+|::1|localhost)[ \t]*)+\r?$`)
	elsewhere   = regexp.MustCompile(`(?mi)^[ \t]*(aclfile|include)[ \t]|\{\{|\{%|<%|\$\{`)
)

// readRedisUnprotected reports a server whose default user, of whom nothing
// is said, is let in from everywhere.
func readRedisUnprotected(f *File) {
	at := unprotected.FindSubmatchIndex(f.Text)
	if at == nil || localOnly.Match(f.Text) {
		return
	}
	if elsewhere.Match(f.Text) {
		f.Unknown(nil)
		return
	}
	f.Report(&document.Node{Kind: document.String, Text: "no", Start: at[2], End: at[3]}, Problem{
		Rule: redisOpen, Severity: rule.High, Subject: "user default", Value: "protected-mode no", Why: "lets anyone who reaches the port run every command: the default user has no password",
		Narrower: "protected-mode yes, and requirepass or user default off",
	})
}

// redisTerraform are the resources that hold a user's rules, redisRules where.
var (
	redisTerraform = []string{"aws_elasticache_user", "aws_memorydb_user", "azurerm_redis_cache_access_policy"}
	redisRules     = []string{"access_string", "permissions"}
)

func readRedisTerraform(f *File) {
	for _, d := range f.Docs() {
		for _, b := range document.Blocks(d, "resource", redisTerraform...) {
			rules := firstOf(b.Body, redisRules...)
			u := redisUser{name: firstOf(b.Body, "user_name", "name")}
			if rules == nil || rules.Kind != document.String || u.name == nil || string(f.Text[rules.Start:rules.End]) != rules.Text {
				f.Unknown(rules) // put together, or escaped
				continue
			}
			u.applyAll(redisWords(f.Text, rules.Start, rules.End))
			u.on = u.on || rules == b.Body.Get("permissions")
			if open := b.Body.Get("no_password_required"); isTrue(open) {
				u.nopass = open
			}
			u.report(f)
		}
	}
}

var requirepass = regexp.MustCompile(`(?mi)^[ \t]*requirepass[ \t]+("[^"]|'[^']|[^ \t\r\n"'])`)

// redisWords parts a line at blanks, but not within quotes, a template's
// action, and the brackets of a selector.
func redisWords(text []byte, start, end int) []*document.Node {
	var all []*document.Node
	for i := start; i < end && len(all) < 1000; {
		if strings.IndexByte(" \t\r", text[i]) >= 0 {
			i++
			continue
		}
		begin, quote := i, text[i]
		switch closes := bytes.IndexByte(text[i+1:end], map[byte]byte{'"': '"', '\'': '\'', '(': ')'}[quote]); {
		case quote != '"' && quote != '\'' && quote != '(':
			for i < end && strings.IndexByte(" \t\r", text[i]) < 0 {
				i += 1 + actionLength(text[i:min(end, i+200)])
			}
			i = min(i, end)
			all = append(all, &document.Node{Kind: document.String, Text: string(text[begin:i]), Start: begin, End: i})
		case closes < 0:
			return all
		case quote == '(':
			i += closes + 2
			all = append(all, &document.Node{Kind: document.List, Items: redisWords(text, begin+1, i-1), Start: begin, End: i})
		default:
			i += closes + 2
			all = append(all, &document.Node{Kind: document.String, Text: string(text[begin+1 : i-1]), Start: begin + 1, End: i - 1})
		}
	}
	return all
}

// actionLength is how many bytes of a template's action stand here, but one.
func actionLength(near []byte) int {
	for _, pair := range [][2]string{{"{{", "}}"}, {"<%", "%>"}} {
		if n := bytes.Index(near, []byte(pair[1])); n > 0 && bytes.HasPrefix(near, []byte(pair[0])) {
			return n + 1
		}
	}
	return 0
}

// redisHarmless are commands that touch neither keys nor the server.
var redisHarmless = []string{"+ping", "+auth", "+hello", "+quit", "+echo", "+@connection", "+info", "+role", "+time", "+command"}

// redisAdmin are commands that administer the server, whole.
var redisAdmin = []string{"+@admin", "+@dangerous", "+config", "+config|set", "+module", "+module|load", "+acl", "+acl|setuser", "+debug"}

// redisNarrowing are what takes administration from every command.
var redisNarrowing = []string{"-@admin", "-@dangerous", "-config", "-flushall", "-module", "-acl", "-debug"}

// applyAll applies rules, each selector's to itself.
func (u *redisUser) applyAll(rules []*document.Node) {
	for _, w := range rules {
		switch {
		case w.Kind == document.List:
			s := redisUser{name: u.name}
			s.applyAll(w.Items)
			u.selectors = append(u.selectors, s)
		case w.Text != "":
			u.apply(w)
		}
	}
}

// apply applies one rule.
func (u *redisUser) apply(w *document.Node) {
	text := strings.ToLower(w.Text)
	switch {
	case text == "clearselectors":
		u.selectors = nil
	case text == "on":
		u.on = true
	case text == "off":
		u.on = false
	case text == "nopass":
		u.nopass = w
	case text == "resetpass" || text[0] == '>' || text[0] == '#':
		u.nopass = nil
	case text == "allkeys" || text == "~*" || text == "%rw~*":
		u.keys = true
	case text == "resetkeys":
		u.keys = false
	case text == "+@all" || text == "allcommands":
		u.all, u.dangerous, u.some, u.narrowed = w, nil, true, false
	case text == "-@all" || text == "nocommands" || text == "reset":
		u.all, u.dangerous, u.some, u.narrowed = nil, nil, false, false
		if text == "reset" {
			u.on, u.keys, u.nopass, u.selectors = false, false, nil, nil
		}
	case slices.Contains(redisNarrowing, text):
		u.narrowed = true
		u.dangerous = nil
	case slices.Contains(redisAdmin, text):
		u.dangerous, u.some = w, true
	case text[0] == '+' && !slices.Contains(redisHarmless, text):
		u.some = true
	}
}

// redisAdmins are parts of the names of users who administer.
var redisAdmins = []string{"admin", "root", "oper", "super", "ops"}

// report reports the worst of a user.
func (u *redisUser) report(f *File) {
	if !u.on {
		return
	}
	for _, s := range u.selectors {
		if s.all != nil && !s.narrowed && s.keys && (u.all == nil || u.narrowed || !u.keys) {
			u.all, u.narrowed, u.keys, u.some = s.all, false, true, true
		}
	}
	subject := "user " + u.name.Text
	wide := u.all != nil && !u.narrowed
	lower := strings.ToLower(u.name.Text)
	severity := rule.Severity(0)
	admin := slices.ContainsFunc(redisAdmins, func(a string) bool { return strings.Contains(lower, a) })
	if admin {
		severity = rule.Low
	}
	own := "~" + u.name.Text + ":* +@read +@write -@dangerous"
	switch {
	case admin:
		own = "+@all -module -debug -shutdown for a person who administers, and a user of its own for each program"
	case lower == "default":
		own = "user default off, and a user for each program: ~shop:* +@read +@write -@dangerous"
	}
	switch {
	case u.nopass != nil && wide:
		f.Report(u.nopass, Problem{Rule: redisOpen, Subject: subject, Why: "lets anyone who reaches the port run every command", Narrower: "user default off, and a user with a password for each program"})
	case u.nopass != nil && u.some:
		f.Report(u.nopass, Problem{Rule: redisOpen, Severity: rule.High, Subject: subject, Why: "lets anyone who reaches the port use its keys", Narrower: "a password (#hash) for the user"})
	case wide && u.keys:
		f.Report(u.all, Problem{Rule: redisAll, Severity: severity, Subject: subject, Why: "may run every command on every key, also CONFIG and ACL", Narrower: own})
	case admin || !wide && u.dangerous == nil:
	case wide:
		f.Report(u.all, Problem{Rule: redisDangerous, Subject: subject, Why: "may run CONFIG, MODULE and ACL, whatever its keys are", Narrower: "-@admin -@dangerous behind it"})
	default:
		f.Report(u.dangerous, Problem{Rule: redisDangerous, Subject: subject, Why: "may administer the server with " + strings.TrimPrefix(u.dangerous.Text, "+"), Narrower: "the subcommand that is needed, such as +config|get"})
	}
}
