package hardcodedkey

import (
	"fmt"
	"go/ast"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/tools/go/analysis"

	"github.com/remint/remint/analyzers/flow"
	"github.com/remint/remint/analyzers/sinks"
)

// judge reports a value that reaches a sink, unless it is none that matters.
func (c *checker) judge(s flow.Source, kind sinks.Kind, to string, use ast.Expr) {
	text, weak := s.Text, s.Weak
	if s.Shown == "" {
		text = bearerless(text)
		if kind == sinks.DSN {
			text = dsnPassword(text)
		}
		if text == "" || strings.Contains(text, flow.Hole) || isVariable(text) || isRedacted(text) || kind != sinks.DSN && strings.Contains(text, "://") {
			return
		}
		weak = placeholder(text)
	}
	pos := s.Pos
	if !pos.IsValid() {
		pos = use.Pos()
	}
	if c.reported[pos] {
		return
	}
	c.reported[pos] = true
	shown := s.Shown
	if shown == "" {
		shown = Redact(text)
	}
	message := fmt.Sprintf("hardcoded %s %s reaches %s (%s)", kind.Name(), shown, to, weakness(kind))
	if weak && kind != sinks.Nonce {
		message = fmt.Sprintf("hardcoded weak default %s is used as a %s by %s (CWE-1392)", shown, kind.Name(), to)
	}
	d := analysis.Diagnostic{Pos: pos, Message: message + c.code.Remark(pos), Category: "go-hardcoded-" + kind.String(), URL: "https://cwe.mitre.org/data/definitions/" + weakness(kind)[len("CWE-"):] + ".html"}
	if s.Expr != nil {
		d.End = s.Expr.End()
	}
	if s.Where != "" {
		d.Related = append(d.Related, analysis.RelatedInformation{Pos: use.Pos(), Message: "it is written at " + s.Where})
	}
	for _, v := range s.Via {
		if v.IsValid() && v != pos {
			d.Related = append(d.Related, analysis.RelatedInformation{Pos: v, Message: "it goes through here"})
		}
	}
	if use.Pos() != pos {
		d.Related = append(d.Related, analysis.RelatedInformation{Pos: use.Pos(), End: use.End(), Message: "it is used here"})
	}
	if (offerEnv || offerInject) && s.Expr != nil {
		d.SuggestedFixes = c.fixes(s, kind)
	}
	c.code.Report(d)
}

// weakness is the CWE id of a hardcoded value.
func weakness(k sinks.Kind) string {
	if k == sinks.Nonce {
		return "CWE-329" // generation of a predictable initialisation vector
	}
	return "CWE-798"
}

// Redact shows enough of a value to find it again: four characters of a long
// one.
func Redact(text string) string {
	const public, mask = 4, "********"
	if len(text) < 16 || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' }) {
		return mask
	}
	return text[:public] + mask
}

// bearerless takes the scheme off "Bearer …".
func bearerless(text string) string {
	scheme, rest, ok := strings.Cut(text, " ")
	switch strings.ToLower(strings.TrimSuffix(scheme, ":")) {
	case "bearer", "basic", "token", "apikey", "bot", "key", "ssws":
		if ok {
			return strings.TrimSpace(rest)
		}
	}
	return text
}

// dsnPassword returns the password of a connection string.
func dsnPassword(dsn string) string {
	for _, word := range strings.FieldsFunc(dsn, func(r rune) bool { return r == ' ' || r == ';' }) {
		name, value, ok := strings.Cut(word, "=")
		if ok && (strings.EqualFold(name, "password") || strings.EqualFold(name, "pwd")) {
			return strings.Trim(value, `'"`)
		}
	}
	if scheme, rest, ok := strings.Cut(dsn, "://"); ok && !strings.ContainsAny(scheme, " /@") {
		userinfo, _, ok := cutLast(rest[:endOfHost(rest)], "@")
		if !ok {
			return ""
		}
		_, password, _ := strings.Cut(userinfo, ":")
		if plain, err := url.PathUnescape(password); err == nil {
			return plain
		}
		return password
	}
	// user:password@tcp(host)/name
	userinfo, _, ok := cutLast(dsn, "@")
	if !ok {
		return ""
	}
	_, password, _ := strings.Cut(userinfo, ":")
	return password
}

func endOfHost(s string) int {
	at := strings.LastIndexByte(s, '@')
	if i := strings.IndexAny(s[max(at, 0):], "/?#"); i >= 0 {
		return max(at, 0) + i
	}
	return len(s)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// isRedacted tells a text that was put in a secret's place so that it is not
// shown.
func isRedacted(text string) bool {
	lower := strings.ToLower(text)
	for _, w := range [...]string{"redacted", "omitted", "masked", "***", "scrubbed", "filtered"} {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

// isVariable tells a text that stands for a value that comes later.
func isVariable(text string) bool {
	return strings.HasPrefix(text, "${") || strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">")
}

var placeholders = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)change[-_ ]?(?:me|this)|example|placeholder|your[-_ ]|replace[-_ ]?me|dummy|todo|fixme|xxxx|^(?:password|passwd|pass|secret|token|test|key|changeit|default|admin|root|foo|bar)$`)
})

func placeholder(text string) bool { return placeholders().MatchString(text) }

// secretWords are parts of names of secrets; secretTails, at the end of a name,
// tell that it names something about one.
var (
	secretWords = [...]string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "signingkey", "encryptionkey", "credential", "hmackey", "jwtkey", "authkey"}
	secretTails = [...]string{"file", "path", "url", "uri", "name", "id", "type", "env", "envvar", "header", "length", "len", "ttl", "expiry", "timeout", "duration", "prefix", "field", "key_name", "dir", "endpoint", "issuer", "audience", "policy", "hint", "label", "count", "size", "format", "regex", "regexp", "pattern", "var", "help", "column", "template", "text", "message", "error", "prompt", "title", "kind", "state", "status"}
)

// secretish tells whether a name is that of a secret.
func secretish(name string) bool {
	squeezed := strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(name))
	for _, t := range secretTails {
		if strings.HasSuffix(squeezed, t) {
			return false
		}
	}
	for _, w := range secretWords {
		if strings.Contains(squeezed, w) {
			return true
		}
	}
	if strings.HasSuffix(squeezed, "pwd") {
		return true
	}
	switch squeezed {
	case "pass", "pw", "key", "cred", "creds", "bearer":
		return true
	}
	return false
}

// secretName tells whether an argument is the name of a secret.
func (c *checker) secretName(call *ast.CallExpr, arg int) bool {
	if arg >= len(call.Args) {
		return false
	}
	name, ok := c.code.ConstantText(ast.Unparen(call.Args[arg]))
	return ok && secretish(name)
}

// credentialHeader tells whether a call's first argument names a header that
// carries credentials.
func (c *checker) credentialHeader(call *ast.CallExpr) bool {
	if len(call.Args) == 0 {
		return false
	}
	name, ok := c.code.ConstantText(ast.Unparen(call.Args[0]))
	return ok && credentialHeader(name)
}

func credentialHeader(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey", "private-token", "x-auth-token", "x-access-token", "x-vault-token", "x-goog-api-key", "x-gitlab-token", "x-amz-security-token":
		return true
	}
	return false
}

// shortName is a file as it is told to people.
func shortName(name string) string {
	dir, file := filepath.Split(name)
	return filepath.ToSlash(filepath.Join(filepath.Base(dir), file))
}
