package scope

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// keyNames are endings of a variable's or header's name whose value is a key.
var keyNames = []string{"token", "apikey", "secret", "secretkey", "accesskey", "password", "passwd", "pat", "privatekey", "credential", "secretaccesskey"}

// holdsKey tells by its name whether a variable, header or flag holds a key.
func holdsKey(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	for _, k := range keyNames {
		if strings.HasSuffix(name, k) {
			return !strings.HasSuffix(name, "publickey") && !strings.HasSuffix(name, "maxtoken")
		}
	}
	return name == "authorization" || name == "cookie"
}

// keyWords end the names of what is a key among a server's variables, where
// nothing else is likely to be named so.
var keyWords = regexp.MustCompile(`(?i)(^|[_.-])(key|auth|pass|credentials|passphrase)$|bearer$`)

// otherKeys are keys of tables, caches and ciphers.
var otherKeys = regexp.MustCompile(`(?i)(public|primary|foreign|sort|cache|partition|group|object|index)[_.-]?key$`)

// namesKey is holdsKey for what a server is started with.
func namesKey(name string) bool {
	return holdsKey(name) || keyWords.MatchString(name) && !otherKeys.MatchString(name)
}

// standIns are parts of values that stand where a key is to be filled in.
var standIns = []string{"your", "example", "changeme", "change-me", "change_me", "xxx", "placeholder", "dummy", "replace", "insert", "todo", "redacted", "***", "...", "…",
	"my-", "my_", "sample", "fake", "test-", "test_", "<", "[", "{", "$", "%", "here", "none", "null", "undefined", "secret-name", "op://", "vault:", "keychain", "enter"}

// schemes stand before a key in a header.
var schemes = []string{"bearer ", "token ", "basic ", "apikey ", "bot "}

// literalKey tells whether a value is a key itself, not a reference to one or
// what stands in for it.
func literalKey(n *document.Node) bool { return literalText(n.Str()) }

// literalText is literalKey of a text. Precision counts: what is short or a
// plain word is no key.
func literalText(text string) bool {
	lower := strings.ToLower(text)
	for _, prefix := range schemes {
		if strings.HasPrefix(lower, prefix) {
			text, lower = text[len(prefix):], lower[len(prefix):]
			if prefix == "basic " {
				return literalLogin(text)
			}
		}
	}
	if len(text) < 8 || strings.ContainsAny(text, " \n\t") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") {
		return false
	}
	for _, s := range standIns {
		if strings.Contains(lower, s) {
			return false
		}
	}
	letters, digits := 0, 0
	for i := range len(lower) {
		switch c := lower[i]; {
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		}
	}
	return letters > 0 && digits > 1
}

// literalLogin tells whether a login of basic authentication has a password,
// whose digits base64 hides.
func literalLogin(text string) bool {
	login, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	_, password, ok := strings.Cut(string(login), ":")
	return ok && literalText(password)
}

var (
	// userinfo is an address' user, password and host.
	userinfo = regexp.MustCompile(`://([^/?#@:\s]*)(?::([^/?#\s]*))?@(\[[^\]]*\]|[^/?#@:\s]*)`)
	// parameter is a parameter of an address or a part of a connection string.
	parameter = regexp.MustCompile(`(?:[?&;]|^)\s*([\w. -]+?)\s*=\s*([^&#;\s"']+)`)
	// jsonMember is a member of JSON in a string: {"Authorization": "Bearer x"}.
	jsonMember = regexp.MustCompile(`"([\w-]+)"\s*:\s*"(?:[A-Za-z]+ +)?([^"\s]+)"`)
	// secretPath is an address that whoever knows it may call.
	// Source: docs.zapier.com/mcp.
	secretPath = regexp.MustCompile(`://mcp\.zapier\.com/api/(?:mcp/)?s/([^/?#\s]+)`)
)

// keyInURL is where a key stands in an address, a connection string or JSON:
// a password, what a parameter's name says is one, or a path that is one.
func keyInURL(n *document.Node) *document.Node {
	text := n.Str()
	if !strings.ContainsAny(text, `;"/`) {
		return nil
	}
	var places [][]int
	if m := userinfo.FindStringSubmatchIndex(text); m != nil && !local(strings.Trim(text[m[6]:m[7]], "[]")) {
		if m[4] >= 0 {
			places = append(places, m[4:6])
		} else if m[3]-m[2] >= 20 {
			places = append(places, m[2:4]) // a token alone
		}
	}
	if strings.Contains(text, "://") || strings.Contains(text, ";") && !strings.Contains(text, "localhost") && !strings.Contains(text, "127.0.0.1") {
		for _, m := range parameter.FindAllStringSubmatchIndex(text, -1) {
			if name := strings.ToLower(text[m[2]:m[3]]); namesKey(name) || slices.Contains([]string{"pwd", "sig", "accountkey", "sharedaccesskey"}, name) {
				places = append(places, m[4:6])
			}
		}
	}
	for _, m := range jsonMember.FindAllStringSubmatchIndex(text, -1) {
		if namesKey(text[m[2]:m[3]]) {
			places = append(places, m[4:6])
		}
	}
	if m := secretPath.FindStringSubmatchIndex(text); m != nil {
		places = append(places, m[2:4])
	}
	for _, at := range places {
		key, err := url.PathUnescape(text[at[0]:at[1]])
		if err == nil && literalText(key) {
			return part(n, at[0], at[1])
		}
	}
	return nil
}

// local tells whether a host is this machine or a name without a domain, as
// services have it among themselves.
func local(host string) bool {
	return host == "" || host == "::1" || host == "0.0.0.0" || strings.HasPrefix(host, "127.") || !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}
