package scope

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// sqlKind is what a token of SQL is.
type sqlKind uint8

const (
	sqlWord     sqlKind = iota // a keyword or a bare name
	sqlName                    // "name", `name`, [name]
	sqlString                  // 'text', and "text" of MySQL
	sqlBody                    // $tag$ text $tag$
	sqlTemplate                // what is filled in from elsewhere: :name, ${NAME}, {{ name }}
	sqlSign                    // one character
	sqlEnd                     // the end of a statement
)

// sqlToken is a token and its bytes, without quotes.
type sqlToken struct {
	kind       sqlKind
	start, end int
	first      bool // it is the first on its line
}

// sqlScanner parts SQL of any dialect into tokens, in time linear in the text.
type sqlScanner struct {
	text  []byte
	at    int
	mysql bool // backslashes escape, "text" is a string, comments do not nest
	// delimiter ends a statement.
	delimiter string
	// flat tells that a comment which seemed to nest had no end, and unclosed
	// counts quotes that had none: neither is looked for for ever.
	flat      bool
	unclosed  int
	first     bool // nothing but blanks since the line began
	versioned bool // in a comment of MySQL that is run: /*!50003 … */
}

// maxUnclosed is how many dollar quotes without an end are looked for.
const maxUnclosed = 8

// upMark and downMark are comments behind which the part of a migration stands
// that is applied, and that which takes it back.
var (
	upMark   = regexp.MustCompile(`(?i)^-- *(\+goose up|\+migrate up|migrate:up)`)
	downMark = regexp.MustCompile(`(?i)^(--|#) *(\+goose down|\+migrate down|migrate:down|//@undo|@undo|(down|rollback|undo)( migration| script)?[ :]*\r?$)`)
)

func newSQLScanner(text []byte, mysql bool) *sqlScanner {
	return &sqlScanner{text: text, mysql: mysql, delimiter: ";", first: true}
}

// isMySQL tells MySQL and MariaDB, in which strings are read differently, by
// what only they have.
func isMySQL(text []byte) bool {
	return slices.ContainsFunc([]string{"`", "'@'", "FLUSH PRIVILEGES", "flush privileges", "ENGINE=", "AUTO_INCREMENT"},
		func(sign string) bool { return bytes.Contains(text, []byte(sign)) })
}

// isCockroach tells CockroachDB, which has a role of its own called admin, by
// its name and by what only it has.
func isCockroach(path string, text []byte) bool {
	return cockroachSigns.MatchString(path) || cockroachSigns.Match(text)
}

var cockroachSigns = regexp.MustCompile(`(?i)cockroach|crdb|\bcluster setting\b|unique_rowid|grant system`)

// next returns the next token; ok is false at the end.
func (s *sqlScanner) next() (t sqlToken, ok bool) {
	if !s.blanks() {
		return t, false
	}
	first := s.first
	s.first = false
	rest := s.text[s.at:]
	switch c, quote := rest[0], len(rest) > 1 && rest[1] == '\''; {
	case bytes.HasPrefix(rest, []byte(s.delimiter)):
		t = s.take(sqlEnd, 0, len(s.delimiter), 0)
	case c == '\\' || first && endsBatch(rest): // a command of psql, or of sqlcmd and SQL*Plus
		t = s.take(sqlEnd, 0, lineLength(rest), 0)
	case quote && (c == 'E' || c == 'e'):
		t = s.quoted(sqlString, 2, '\'', true)
	case quote && strings.IndexByte("NnBbXx", c) >= 0:
		t = s.quoted(sqlString, 2, '\'', s.mysql)
	case c == '\'':
		t = s.quoted(sqlString, 1, c, s.mysql)
	case c == '"' && s.mysql:
		t = s.quoted(sqlString, 1, c, true)
	case c == '"' || c == '`':
		t = s.quoted(sqlName, 1, c, false)
	case c == '[' && len(rest) > 1 && isWordByte(rest[1]):
		t = s.quoted(sqlName, 1, ']', false)
	case isWordByte(c):
		t = s.take(sqlWord, 0, wordLength(rest), 0)
	default:
		t = s.filled(rest)
	}
	t.first = first
	return t, true
}

// take makes a token of what stands here: lead and trail are its quotes.
func (s *sqlScanner) take(kind sqlKind, lead, length, trail int) sqlToken {
	start := min(s.at+lead, len(s.text))
	end := min(start+length, len(s.text))
	s.at = min(end+trail, len(s.text))
	return sqlToken{kind: kind, start: start, end: end}
}

// quoted reads to the quote that closes; two of them are one that does not.
func (s *sqlScanner) quoted(kind sqlKind, lead int, quote byte, escapes bool) sqlToken {
	rest := s.text[s.at:]
	for i := lead; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && escapes:
			i++
		case rest[i] == quote && i+1 < len(rest) && rest[i+1] == quote:
			i++
		case rest[i] == quote:
			return s.take(kind, lead, i-lead, 1)
		}
	}
	return s.take(kind, lead, len(rest), 0)
}

// templatePairs are what stands around a name that a template fills in.
var templatePairs = [][2]string{{"{{", "}}"}, {"${", "}"}, {"$(", ")"}, {"#{", "}"}, {"<%", "%>"}, {"%(", ")s"}}

// filled reads what a template or a variable fills in, dollar quotes, and
// signs.
func (s *sqlScanner) filled(rest []byte) sqlToken {
	near := rest[:min(len(rest), 500)]
	for _, pair := range templatePairs {
		if !bytes.HasPrefix(rest, []byte(pair[0])) {
			continue
		}
		if i := bytes.Index(near, []byte(pair[1])); i > 0 {
			return s.take(sqlTemplate, 0, i+len(pair[1]), 0)
		}
	}
	c, name := rest[0], 1+wordLength(rest[1:])
	closes := name < len(rest)
	switch {
	case c == '$' && closes && rest[name] == '$' && !s.mysql && s.unclosed < maxUnclosed:
		tag := rest[:name+1]
		if i := bytes.Index(rest[len(tag):], tag); i >= 0 {
			return s.take(sqlBody, len(tag), i, len(tag))
		}
		s.unclosed++
	case c == ':' && len(rest) > 2 && (rest[1] == '\'' || rest[1] == '"') && isWordByte(rest[2]):
		return s.take(sqlTemplate, 0, 3+wordLength(rest[2:]), 0)
	case c == ':' && s.at > 0 && (s.text[s.at-1] == ':' || isWordByte(s.text[s.at-1])): // a cast, DATABASE::name, sys:superuser
	case strings.IndexByte(":$&", c) >= 0 && name > 1:
		return s.take(sqlTemplate, 0, name, 0)
	case c == '<' && name > 1 && closes && rest[name] == '>':
		return s.take(sqlTemplate, 0, name+1, 0)
	case c == '%' && name == 2 && rest[1] == 's':
		return s.take(sqlTemplate, 0, 2, 0)
	}
	return s.take(sqlSign, 0, 1, 0)
}

// blanks goes to the next byte that is neither blank nor comment; false where
// there is none.
func (s *sqlScanner) blanks() bool {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch c := rest[0]; {
		case c == '\n':
			s.first = true
			s.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == 0:
			s.at++
		case bytes.HasPrefix(rest, []byte("\\`")): // a script's, which keeps the shell from running it
			s.at++
			return true
		case bytes.HasPrefix(rest, []byte("\ufeff")):
			s.at += 3
		case bytes.HasPrefix(rest, []byte("--")) || c == '#' && (s.first || s.mysql) && !bytes.HasPrefix(rest, []byte("#{")):
			down := downMark.Match(rest[:lineLength(rest)])
			for s.line(); down && s.at < len(s.text); s.line() {
				s.at++
				down = !upMark.Match(s.text[s.at:])
			}
		case bytes.HasPrefix(rest, []byte("{%")) || bytes.HasPrefix(rest, []byte("{#")):
			i := bytes.Index(rest[:min(len(rest), 500)], []byte{rest[1], '}'})
			if i < 0 {
				return true
			}
			s.at += i + 2
		case bytes.HasPrefix(rest, []byte("/*!")) && len(rest) > 3 && (s.mysql || rest[3] >= '0' && rest[3] <= '9'):
			s.versioned = true
			s.at += 3 + len(rest[3:]) - len(bytes.TrimLeft(rest[3:], "0123456789"))
		case s.versioned && bytes.HasPrefix(rest, []byte("*/")):
			s.versioned = false
			s.at += 2
		case bytes.HasPrefix(rest, []byte("/*")):
			s.at += s.comment(rest)
		default:
			return true
		}
	}
	return false
}

// comment returns the length of a comment: PostgreSQL and SQL Server nest
// them. One that seems to have no end ends where the first one does.
func (s *sqlScanner) comment(rest []byte) int {
	depth := 0
	for i := 0; i+1 < len(rest) && !s.flat && !s.mysql; i++ {
		switch {
		case rest[i] == '/' && rest[i+1] == '*':
			depth++
			i++
		case rest[i] == '*' && rest[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	s.flat = true
	if i := bytes.Index(rest[2:], []byte("*/")); i >= 0 {
		return i + 4
	}
	return len(rest)
}

// skipCopied goes behind the rows of a COPY … FROM stdin.
func (s *sqlScanner) skipCopied() {
	if i := bytes.Index(s.text[s.at:], []byte("\n\\.")); i >= 0 {
		s.at += i + 3
		return
	}
	s.at = len(s.text)
}

// line returns what is left of the line, and goes to its end.
func (s *sqlScanner) line() string {
	rest := s.text[s.at:]
	n := lineLength(rest)
	s.at += n
	return strings.TrimSpace(string(rest[:n]))
}

// endsBatch tells a line that is GO, or a slash, alone.
func endsBatch(rest []byte) bool {
	if rest[0] != '/' && rest[0] != 'G' && rest[0] != 'g' {
		return false
	}
	line := string(bytes.TrimSpace(rest[:min(lineLength(rest), 20)]))
	return line == "/" || strings.EqualFold(line, "GO")
}

func lineLength(rest []byte) int {
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		return i
	}
	return len(rest)
}

func wordLength(rest []byte) int {
	n := 0
	for n < len(rest) && isWordByte(rest[n]) {
		n++
	}
	return n
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
