package scope

import (
	"net/url"
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

// standIns are parts of values that stand where a key is to be filled in.
var standIns = []string{"your", "example", "changeme", "change-me", "change_me", "xxx", "placeholder", "dummy", "replace", "insert", "todo", "redacted", "***", "...", "…",
	"my-", "my_", "sample", "fake", "test-", "test_", "<", "[", "{", "$", "%", "here", "none", "null", "undefined", "secret-name", "op://", "vault:", "keychain", "enter"}

// literalKey tells whether a value is a key itself, not a reference to one or
// what stands in for it. Precision counts: what is short or a plain word is no
// key.
func literalKey(n *document.Node) bool {
	if n == nil || n.Kind != document.String {
		return false
	}
	text := n.Text
	lower := strings.ToLower(text)
	for _, prefix := range []string{"bearer ", "token ", "basic ", "apikey ", "bot "} {
		if strings.HasPrefix(lower, prefix) {
			text, lower = text[len(prefix):], lower[len(prefix):]
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

// keyInURL is where a key stands in an address: its password, or a parameter
// whose name says so.
func keyInURL(n *document.Node) *document.Node {
	if n == nil || n.Kind != document.String || !strings.Contains(n.Text, "://") {
		return nil
	}
	u, err := url.Parse(n.Text)
	if err != nil {
		return nil
	}
	var keys []string
	if password, ok := u.User.Password(); ok && !local(u.Hostname()) {
		keys = append(keys, password)
	}
	for name, values := range u.Query() {
		if holdsKey(name) || strings.EqualFold(name, "key") {
			keys = append(keys, values...)
		}
	}
	for _, k := range keys {
		if i := strings.Index(n.Text, k); i >= 0 && literalKey(&document.Node{Kind: document.String, Text: k}) {
			return part(n, i, i+len(k))
		}
	}
	return nil
}

// local tells whether a host is this machine or a name without a domain, as
// services have it among themselves.
func local(host string) bool {
	return host == "" || host == "::1" || strings.HasPrefix(host, "127.") || !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}
