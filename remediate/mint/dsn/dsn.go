// Package dsn finds connection strings in a text, and puts another user and
// password into one without touching the rest: URLs (RFC 3986), the keywords of
// libpq, and the data source names of Go's MySQL driver.
package dsn

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/remint/remint/remediate/mint"
)

// Parts is where user and password stand in a connection string. A user that is
// not there has the place where it would be.
type Parts struct {
	UserStart, UserEnd         int
	PasswordStart, PasswordEnd int
	// escape writes a value as the form wants it.
	escape func(string) string
	read   func(string) string
}

var (
	urlForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://([^\s:@/]*):([^\s@/]*)@`)
	goForm  = regexp.MustCompile(`^([^\s:@/]*):([^\s@]*)@(?:tcp|unix)\(`)
	user    = regexp.MustCompile(`(?:^|\s)user\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)`)
	pass    = regexp.MustCompile(`(?:^|\s)password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)`)
)

// Parse finds user and password in a connection string.
func Parse(text []byte) (Parts, bool) {
	if m := urlForm.FindSubmatchIndex(text); m != nil {
		return Parts{m[2], m[3], m[4], m[5], url.PathEscape, unescape}, true
	}
	if m := goForm.FindSubmatchIndex(text); m != nil {
		return Parts{m[2], m[3], m[4], m[5], same, same}, true
	}
	u, p := user.FindSubmatchIndex(text), pass.FindSubmatchIndex(text)
	if u != nil && p != nil {
		return Parts{u[2], u[3], p[2], p[3], same, unquote}, true
	}
	return Parts{}, false
}

func same(s string) string { return s }

func unescape(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

var quoted = regexp.MustCompile(`\\(.)`)

// unquote reads a value of libpq's keywords.
func unquote(s string) string {
	if len(s) > 1 && s[0] == '\'' {
		s = s[1 : len(s)-1]
	}
	return quoted.ReplaceAllString(s, "$1")
}

// User and Password are the values.
func (p Parts) User(text []byte) string { return p.read(string(text[p.UserStart:p.UserEnd])) }
func (p Parts) Password(text []byte) string {
	return p.read(string(text[p.PasswordStart:p.PasswordEnd]))
}

// With returns the connection string with another user and password, of
// letters, digits, '-' and '_'.
func With(text []byte, user string, password []byte) ([]byte, error) {
	p, ok := Parse(text)
	if !ok {
		return nil, errors.New("the connection string has no place for a user and a password")
	}
	type edit struct {
		start, end int
		text       string
	}
	edits := []edit{{p.UserStart, p.UserEnd, p.escape(user)}, {p.PasswordStart, p.PasswordEnd, p.escape(string(password))}}
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	out := slices.Clone(text)
	for _, e := range edits {
		out = slices.Concat(out[:e.start], []byte(e.text), out[e.end:])
	}
	return out, nil
}

// Extend returns the connection string around a password in a text: the longest
// run without a quote, bracket or space that has it as its password, or a run of
// libpq's keywords. ok is false where there is none.
func Extend(text []byte, start, end int, schemes *regexp.Regexp) (from, to int, ok bool) {
	const stops = " \t\r\n\"'`<>\\,;"
	from, to = start, end
	for from > 0 && bytes.IndexByte([]byte(stops), text[from-1]) < 0 {
		from--
	}
	for to < len(text) && bytes.IndexByte([]byte(stops), text[to]) < 0 {
		to++
	}
	run := text[from:to]
	if m := schemes.FindIndex(run); m != nil && from+m[0] < start {
		from += m[0]
		if p, ok := Parse(text[from:to]); ok && from+p.PasswordStart <= start && end <= from+p.PasswordEnd {
			return from, to, true
		}
	}
	return extendKeywords(text, start, end)
}

var keywords = regexp.MustCompile(`\b(?:(?:host|hostaddr|port|user|password|dbname|sslmode|sslrootcert|sslcert|sslkey|application_name|connect_timeout|options|target_session_attrs|search_path|pool_\w+)\s*=\s*(?:'(?:[^'\\]|\\.)*'|[^\s'"` + "`" + `,;<>]+)[ \t]*){3,}`)

func extendKeywords(text []byte, start, end int) (int, int, bool) {
	from, to := start, end
	for from > 0 && text[from-1] != '\n' && start-from < 4096 {
		from--
	}
	for to < len(text) && text[to] != '\n' && to-end < 4096 {
		to++
	}
	for _, m := range keywords.FindAllIndex(text[from:to], -1) {
		run := bytes.TrimRight(text[from+m[0]:from+m[1]], " \t")
		p, ok := Parse(run)
		if at := from + m[0]; ok && at+p.PasswordStart <= start && end <= at+p.PasswordEnd {
			return at, at + len(run), true
		}
	}
	return 0, 0, false
}

// Propose makes up a user and a password for a connection string: the user has
// the request's label, of at most limit bytes.
func Propose(ctx context.Context, r *mint.Request, limit int) (mint.Minted, error) {
	password, err := r.Password(ctx, mint.PasswordLength)
	if err != nil {
		return mint.Minted{}, err
	}
	defer clear(password)
	m := mint.Minted{ID: r.Label(limit)}
	if r.Lifetime > 0 {
		m.Expires = time.Now().Add(r.Lifetime).UTC().Truncate(time.Second)
	}
	m.Value, err = With(r.Leaked.Value, m.ID, password)
	return m, err
}
