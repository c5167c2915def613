package scope

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// NATS' rules.
const (
	natsAll       = "scope-nats-all"
	natsUnbounded = "scope-nats-unbounded"
	natsAnyone    = "scope-nats-no-auth"

	natsDocs = "https://docs.nats.io/running-a-nats-service/configuration/securing_nats/authorization"
)

// nats reads what a NATS server's users may publish and subscribe to.
// Source: docs.nats.io/running-a-nats-service/configuration/securing_nats.
var nats = Format{
	Name:  "nats",
	Files: "`*.conf` of NATS with `authorization` or `accounts`, also in ConfigMaps and in scripts' here-documents",
	Rules: []Rule{
		{
			ID: natsAll, Name: "NATS user for every subject", Severity: rule.Medium,
			Opens: "Every message of the account: to read them, to forge them, and to manage streams by $JS.API.",
			Steps: "Name the subjects that the program publishes and subscribes to, and _INBOX.> for answers.",
			URL:   natsDocs,
		},
		{
			ID: natsUnbounded, Name: "NATS user without bounds among others that have some", Severity: rule.Medium,
			Opens: "Every subject of the account, those that the other users are kept from among them.",
			Steps: "Give the user permissions, or default_permissions to those that have none.",
			URL:   natsDocs,
		},
		{
			ID: natsAnyone, Name: "NATS without a login for a user without bounds", Severity: rule.High,
			Opens: "Every subject of the user's account, for whoever reaches the port.",
			Steps: "Take no_auth_user away, or give that user permissions for what everyone may see.",
			URL:   "https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts#no-auth-user",
		},
	},
	Match: func(name string) bool { return natsFile.MatchString(name) || holds(name) },
	Hints: []string{"permissions", "no_auth_user"},
	Read: func(f *File) {
		if holds(f.Path) {
			natsEmbedded.readIn(f)
			return
		}
		readNATS(f)
	},
}

// natsEmbedded is how configurations stand in other files.
var natsEmbedded = embedding{
	words:   []string{".conf"},
	marks:   regexp.MustCompile(`\.conf\b`),
	file:    natsFile.MatchString,
	command: regexp.MustCompile(`\.conf\b`),
	read:    readNATS,
}

var natsFile = regexp.MustCompile(`(?i)\.conf(\.(j2|tmpl|tpl|template))?$`)

// natsUser is a user, and what bounds it.
type natsUser struct {
	*document.Node
	name        *document.Node
	permissions *document.Node // its own, else nil
	bounded     bool           // by those that users without any have
}

func readNATS(f *File) {
	if len(f.Text) > maxNATSText {
		if bytes.Contains(f.Text, []byte("authorization")) {
			f.Fault(errors.New("NATS: it is longer than 1 MB"))
		}
		return
	}
	root := parseNATS(f.Text)
	if root.Get("authorization") == nil && root.Get("accounts") == nil {
		return
	}
	if bytes.Contains(f.Text, []byte("{{")) || bytes.Contains(f.Text, []byte("{%")) {
		f.Unknown(root) // nothing may be concluded from what is absent
		return
	}
	users := readNATSUsers(f, "", root.Get("authorization"))
	system := root.Get("system_account")
	for _, a := range root.Get("accounts").Entries() {
		if a.Key.Text != "SYS" && a.Key.Text != "$SYS" && !(system != nil && system.Text == a.Key.Text) {
			users = append(users, readNATSUsers(f, "account "+a.Key.Text+" ", a.Value)...)
		}
	}
	readNATSAnyone(f, root, users)
}

// readNATSUsers judges the users of an account, or of the server.
func readNATSUsers(f *File, account string, scope *document.Node) []natsUser {
	fallback := firstOf(scope, "default_permissions", "default_permission", "permissions")
	readNATSPermissions(f, account, "default", fallback)
	var users []natsUser
	for _, u := range scope.Get("users").Values() {
		if u.Kind == document.Map {
			users = append(users, natsUser{u, firstOf(u, "user", "username", "nkey"), firstOf(u, "permissions", "permission", "authorization"), fallback != nil})
		}
	}
	some := slices.ContainsFunc(users, func(u natsUser) bool { return u.permissions != nil })
	for _, u := range users {
		if u.name == nil {
			continue
		}
		switch {
		case u.permissions != nil && u.permissions.Kind != document.Map:
			f.Unknown(u.permissions)
		case u.permissions != nil:
			readNATSPermissions(f, account, "user "+u.name.Text, u.permissions)
		case some && !u.bounded && !natsAdmin(u.name.Text):
			f.Report(u.name, Problem{Rule: natsUnbounded, Subject: account + "user " + u.name.Text, Value: "permissions", Why: "may publish and subscribe to every subject of the account", Narrower: "permissions: {publish: [\"its.subjects.>\"], subscribe: [\"_INBOX.>\"]}"})
		}
	}
	return users
}

// natsAdmin tells by its name whether a user is there to administer.
func natsAdmin(name string) bool {
	name = strings.ToLower(name)
	return name == "sys" || slices.ContainsFunc([]string{"admin", "root", "super", "system", "oper"}, func(a string) bool { return strings.Contains(name, a) })
}

// readNATSPermissions reports permissions for every subject.
func readNATSPermissions(f *File, account, user string, p *document.Node) {
	if p == nil {
		return
	}
	publish, mayPublish := everySubject(firstOf(p, "publish", "pub"))
	subscribe, maySubscribe := everySubject(firstOf(p, "subscribe", "sub"))
	subject := strings.TrimSpace(account + user)
	narrower := "the subjects that it uses, such as \"orders.>\", and \"_INBOX.>\" for answers"
	if slices.ContainsFunc(f.grants, func(g Grant) bool { return g.Rule == natsAll && p.Start <= g.Start && g.End <= p.End }) {
		return // permissions that several users share
	}
	both, one := rule.High, rule.Medium
	if natsAdmin(user) {
		both, one = rule.Low, rule.Low
	}
	switch {
	case mayPublish && maySubscribe:
		f.Report(publish, Problem{Rule: natsAll, Severity: both, Subject: subject, Why: "may publish and subscribe to every subject", Narrower: narrower})
	case mayPublish:
		f.Report(publish, Problem{Rule: natsAll, Severity: one, Subject: subject, Why: "may publish to every subject", Narrower: narrower})
	case maySubscribe:
		f.Report(subscribe, Problem{Rule: natsAll, Severity: one, Subject: subject, Why: "may read every message", Narrower: narrower})
	}
}

// everySubject is where every subject is allowed, and none denied.
func everySubject(p *document.Node) (*document.Node, bool) {
	if p == nil {
		return nil, false
	}
	if p.Kind == document.Map {
		if p.Get("deny") != nil {
			return nil, false
		}
		p = p.Get("allow")
	}
	all := p.Strings()
	i := slices.IndexFunc(all, func(s *document.Node) bool {
		subject, _, _ := strings.Cut(s.Text, " ") // a queue may stand behind it
		return subject == ">" || subject == "*.>"
	})
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// readNATSAnyone reports a user that needs no login and has no bounds.
func readNATSAnyone(f *File, root *document.Node, users []natsUser) {
	for _, block := range []*document.Node{root, root.Get("websocket"), root.Get("mqtt")} {
		name := block.Get("no_auth_user")
		if name == nil {
			continue
		}
		i := slices.IndexFunc(users, func(u natsUser) bool { return u.name != nil && u.name.Text == name.Text })
		if name.Kind == document.Unknown {
			f.Unknown(name)
			continue
		}
		if i < 0 || users[i].permissions != nil || users[i].bounded {
			continue
		}
		severity := rule.High
		if natsLocal(root) {
			severity = rule.Medium
		}
		f.Report(name, Problem{Rule: natsAnyone, Severity: severity, Subject: "user " + name.Text, Why: "lets anyone who reaches the port publish and subscribe to every subject of the account", Narrower: "permissions of the user for what everyone may see"})
	}
}

// natsLocal tells whether a server listens on its own machine alone.
func natsLocal(root *document.Node) bool {
	host := firstOf(root, "host", "net", "listen")
	return host != nil && (strings.HasPrefix(host.Text, "127.") || strings.HasPrefix(host.Text, "localhost"))
}

// firstOf returns the value of the first key that is there.
func firstOf(n *document.Node, keys ...string) *document.Node {
	for _, k := range keys {
		if v := n.Get(k); v != nil {
			return v
		}
	}
	return nil
}
