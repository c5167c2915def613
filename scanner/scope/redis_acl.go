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
// Source: redis.io/docs/latest/operate/oss_and_stack/management/security/acl.
var redisACL = Format{
	Name:  "redis-acl",
	Files: "`*.acl`, `redis*.conf`, `valkey*.conf`, `keydb*.conf`, also as templates",
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
	Match: func(name string) bool { return redisFile.MatchString(name) },
	Hints: []string{"+@", "nopass", "allcommands", "+config", "+acl", "+module", "+debug"},
	Read:  readRedis,
}

var redisFile = regexp.MustCompile(`(?i)(^|/)((redis|valkey|keydb)[^/]*\.conf|[^/]*\.acl)(\.(j2|tmpl|tpl|template|erb))?$`)

// redisUser is what the rules of a line come to, read from left to right.
type redisUser struct {
	name           *document.Node
	on, keys       bool           // keys: all of them, to be written
	nopass         *document.Node // where it says so
	all            *document.Node // where every command is allowed
	dangerous      *document.Node // where a command that administers is allowed
	some, narrowed bool           // some: any command on any key; narrowed: commands are taken from all
}

func readRedis(f *File) {
	password := requirepass.Match(f.Text)
	for start, end := 0, 0; start < len(f.Text); start = end + 1 {
		end = start + lineLength(f.Text[start:])
		if !bytes.HasPrefix(bytes.TrimLeft(f.Text[start:end], " \t"), []byte("user")) {
			continue
		}
		words := redisWords(f.Text, start, end)
		if len(words) < 3 || !words[0].Is("user") {
			continue
		}
		u := redisUser{name: words[1]}
		for _, w := range words[2:] {
			u.apply(w)
		}
		if password && u.name.Text == "default" {
			u.nopass = nil
		}
		u.report(f)
	}
}

var requirepass = regexp.MustCompile(`(?m)^[ \t]*requirepass[ \t]+[^ \t\r\n"]`)

// redisWords parts a line at blanks; a template's action is one word, and a
// selector in brackets is none.
func redisWords(text []byte, start, end int) []*document.Node {
	var all []*document.Node
	for i := start; i < end; {
		if strings.IndexByte(" \t\r", text[i]) >= 0 {
			i++
			continue
		}
		begin := i
		for i < end && strings.IndexByte(" \t\r", text[i]) < 0 {
			skip := 1
			for _, pair := range [][2]string{{"{{", "}}"}, {"<%", "%>"}} {
				near := text[i:min(end, i+200)]
				if n := bytes.Index(near, []byte(pair[1])); n > 0 && bytes.HasPrefix(near, []byte(pair[0])) {
					skip = n + 2
				}
			}
			i += skip
		}
		if text[begin] == '(' {
			n := bytes.IndexByte(text[begin:end], ')')
			if n < 0 {
				return all
			}
			i = begin + n + 1
			continue
		}
		all = append(all, &document.Node{Kind: document.String, Text: string(text[begin:i]), Start: begin, End: i})
		if len(all) > 1000 {
			return all
		}
	}
	return all
}

// redisHarmless are commands that touch neither keys nor the server.
var redisHarmless = []string{"+ping", "+auth", "+hello", "+quit", "+echo", "+@connection", "+info", "+role", "+time", "+command"}

// redisAdmin are commands that administer the server, whole.
var redisAdmin = []string{"+@admin", "+@dangerous", "+config", "+config|set", "+module", "+module|load", "+acl", "+acl|setuser", "+debug"}

// redisNarrowing are what takes administration from every command.
var redisNarrowing = []string{"-@admin", "-@dangerous", "-config", "-flushall", "-module", "-acl", "-debug"}

// apply applies one rule.
func (u *redisUser) apply(w *document.Node) {
	text := strings.ToLower(w.Text)
	switch {
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
			u.on, u.keys, u.nopass = false, false, nil
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
	subject := "user " + u.name.Text
	wide := u.all != nil && !u.narrowed
	lower := strings.ToLower(u.name.Text)
	admin := slices.ContainsFunc(redisAdmins, func(a string) bool { return strings.Contains(lower, a) })
	own := "~" + u.name.Text + ":* +@read +@write -@dangerous"
	if lower == "default" {
		own = "user default off, and a user for each program: ~shop:* +@read +@write -@dangerous"
	}
	switch {
	case u.nopass != nil && wide:
		f.Report(u.nopass, Problem{Rule: redisOpen, Subject: subject, Why: "lets anyone who reaches the port run every command", Narrower: "user default off, and a user with a password for each program"})
	case u.nopass != nil && u.some:
		f.Report(u.nopass, Problem{Rule: redisOpen, Severity: rule.High, Subject: subject, Why: "lets anyone who reaches the port use its keys", Narrower: "a password (#hash) for the user"})
	case !wide && u.dangerous == nil || admin:
	case strings.ContainsAny(lower, "{<$%"):
		f.Unknown(u.name)
	case wide && u.keys:
		f.Report(u.all, Problem{Rule: redisAll, Subject: subject, Why: "may run every command on every key, also CONFIG and ACL", Narrower: own})
	case wide:
		f.Report(u.all, Problem{Rule: redisDangerous, Subject: subject, Why: "may run CONFIG, MODULE and ACL, whatever its keys are", Narrower: "-@admin -@dangerous behind it"})
	default:
		f.Report(u.dangerous, Problem{Rule: redisDangerous, Subject: subject, Why: "may administer the server with " + strings.TrimPrefix(u.dangerous.Text, "+"), Narrower: "the subcommand that is needed, such as +config|get"})
	}
}
