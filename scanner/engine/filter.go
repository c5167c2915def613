package engine

import (
	"bytes"
	"math"

	"github.com/remint/remint/scanner/rule"
)

// shannon returns the entropy of the bytes in bits a byte, 0 to 8.
func shannon(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var count [256]int32
	for _, c := range b {
		count[c]++
	}
	n := float64(len(b))
	h := 0.0
	for _, k := range count {
		if k > 0 {
			p := float64(k) / n
			h -= p * math.Log2(p)
		}
	}
	return h
}

// implausible says why a person would not take the value for a secret, or "".
// named tells that it was found by the name it is given to.
func implausible(f rule.Filter, v value, entropy float64, named bool) string {
	if f == rule.FilterNone {
		return ""
	}
	if why := placeholder(v.text, f); why != "" {
		return why
	}
	switch f {
	case rule.FilterGeneric:
		return implausibleKey(v, entropy)
	case rule.FilterPassword:
		return implausiblePassword(v)
	}
	if named && !v.quoted && looksLikeCode(v.text) {
		return "looks like code, not like a value"
	}
	if named && joinedWords(v.text) {
		return "words that are joined, as in the name of a header"
	}
	return ""
}

// joinedWords tells x-amz-security-token: three words or more of letters in
// one case.
func joinedWords(v []byte) bool {
	k := classesOf(v)
	return k.joint >= 2 && k.joint+max(k.lower, k.upper) == len(v)
}

// placeholderWords stand in values that are there to be replaced, lower case.
var placeholderWords = [...]string{
	"example", "placeholder", "changeme", "change-me", "change_me", "changethis", "replaceme", "replace-me", "replace_me",
	"your-", "your_", "yourpassword", "yoursecret", "yourtoken", "yourapikey", "youraccess", "yourkey", "insert-", "insert_", "insertyour",
	"redacted", "xxxx", "****", "....", "dummy", "notasecret", "not-a-", "not_a_", "notreal", "not-real", "fakekey", "fake-", "fake_",
	"<your", "todo", "fixme", "enter-", "enter_", "my-secret", "my_secret", "mysecret", "my-token", "my_token", "mytoken", "my-api",
	"my_api", "myapikey", "some-secret", "some_secret", "somesecret", "test-token", "test_token", "testtoken", "test-key", "test_key",
	"dummykey", "%3c", "sample", "goes-here", "goeshere", "goes_here", "goes here", "put-your", "put_your",
}

// expansions mark text that something fills in later.
var expansions = [...]string{"${", "{{", "}}", "$(", "%{", "#{", "<%", "%>", "[[", "__("}

// placeholder tells why a value stands for another, or "".
func placeholder(v []byte, f rule.Filter) string {
	if len(v) == 0 {
		return "empty"
	}
	if sameCharacters(v) {
		return "one character over and over"
	}
	for _, e := range expansions {
		if bytes.Contains(v, []byte(e)) {
			return "a variable or template: " + e
		}
	}
	if f != rule.FilterToken && v[0] == '$' && len(v) <= 40 && isIdentifier(v[1:]) {
		return "a variable"
	}
	if v[0] == '<' && v[len(v)-1] == '>' || v[0] == '%' && v[len(v)-1] == '%' && len(v) > 2 {
		return "a placeholder in brackets"
	}
	lower := bytes.ToLower(v)
	for _, w := range placeholderWords {
		if bytes.Contains(lower, []byte(w)) {
			return "a placeholder: " + w
		}
	}
	if f != rule.FilterToken && countsUp(lower) {
		return "counts up"
	}
	return ""
}

// sameCharacters tells whether one character makes up most of the value.
func sameCharacters(v []byte) bool {
	if len(v) < 4 {
		return false
	}
	var count [256]int
	most := 0
	for _, c := range v {
		count[c]++
		most = max(most, count[c])
	}
	return most*10 >= len(v)*6
}

// countsUp tells whether most of the value is runs such as 1234 or abcd.
func countsUp(v []byte) bool {
	run, longest := 1, 1
	for i := 1; i < len(v); i++ {
		if v[i] == v[i-1]+1 || (v[i-1] == '9' && v[i] == '0') {
			run++
		} else {
			run = 1
		}
		longest = max(longest, run)
	}
	return longest >= 5 && longest*2 >= len(v)
}

// classes counts the characters of each kind.
type classes struct{ lower, upper, digit, symbol, joint, space, high int }

func classesOf(v []byte) (k classes) {
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			k.lower++
		case c >= 'A' && c <= 'Z':
			k.upper++
		case c >= '0' && c <= '9':
			k.digit++
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			k.space++
		case c == '-' || c == '_' || c == '.' || c == '/' || c == ':' || c == ',' || c == '\\':
			k.joint++
		case c >= 0x80 || c < ' ':
			k.high++
		default:
			k.symbol++
		}
	}
	return k
}

// minKey is the shortest value that the generic key rules believe, in bytes.
const minKey = 12

// implausibleKey is for values of names such as token and api_key, which
// machines make: they look random, or they are not keys.
func implausibleKey(v value, entropy float64) string {
	k := classesOf(v.text)
	switch {
	case len(v.text) < minKey:
		return "too short for a machine-made key"
	case k.space > 0 || k.high > 0:
		return "has blanks or bytes that keys do not have"
	case k.digit == 0 && (k.lower == 0 || k.upper == 0 || len(v.text) < 20):
		return "no digits"
	case k.lower+k.upper == 0:
		return "digits alone"
	case entropy < 3:
		return "entropy below 3 bits a byte"
	case !v.quoted && looksLikeCode(v.text):
		return "looks like code, not like a value"
	case constantName(v.text, k):
		return "a constant's name"
	case isUUID(v.text):
		return "a UUID identifies, it is rarely secret"
	case looksLikePath(v.text, k):
		return "a path, address or date"
	case readable(v.text):
		return "reads like words"
	}
	return ""
}

// minPassword is the shortest password that is reported, in bytes.
const minPassword = 6

// implausiblePassword is for values that people make up.
func implausiblePassword(v value) string {
	k := classesOf(v.text)
	kinds := min(k.lower, 1) + min(k.upper, 1) + min(k.digit, 1) + min(k.symbol, 1)
	switch {
	case len(v.text) < minPassword:
		return "too short"
	case passwordHash(v.text):
		return "a hash of a password"
	case len(v.text) > 128:
		return "too long for a password"
	case k.space > 0:
		return "has blanks, like a sentence"
	case k.high > 0:
		return "not ASCII, like a label"
	case kinds < 2:
		return "letters alone or digits alone, like a word or a number"
	case k.digit+k.symbol == 0 && (readable(v.text) || len(v.text) < 12):
		return "reads like words"
	case !v.quoted && !v.whole && looksLikeCode(v.text):
		return "looks like code, not like a value"
	case weakWord(v.text):
		return "a word for a password, not a password"
	case looksLikePath(v.text, k):
		return "a path, address or date"
	case looksLikeExpression(v.text):
		return "a pattern or an expression"
	}
	return ""
}

// passwordHash tells hashes in the modular crypt format.
func passwordHash(v []byte) bool {
	for _, p := range [...]string{"$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$apr1$", "$argon2", "{SSHA", "{SHA", "sha256$", "pbkdf2_"} {
		if bytes.HasPrefix(v, []byte(p)) {
			return true
		}
	}
	return false
}

// weakWord tells whether, digits aside, the value only says what it is for.
func weakWord(v []byte) bool {
	letters := make([]byte, 0, 32)
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			letters = append(letters, c)
		case c >= 'A' && c <= 'Z':
			letters = append(letters, c|0x20)
		case c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.':
		default:
			return false
		}
	}
	for _, w := range [...]string{
		"password", "passwd", "passphrase", "secret", "token", "string", "test", "testpassword", "mypassword", "userpassword",
		"newpassword", "oldpassword", "dbpassword", "pass", "foo", "foobar", "bar", "user", "username", "admin", "value", "somepassword",
		"sha", "md", "utf", "none", "null", "true", "false", "key", "apikey", "field", "type", "text", "hash", "oauth", "base",
	} {
		if string(letters) == w {
			return true
		}
	}
	return len(letters) == 0
}

// looksLikeCode tells whether a bare word is an expression: a field access, a
// call, a constant in capitals, a number.
func looksLikeCode(v []byte) bool {
	k := classesOf(v)
	if k.digit == 0 && k.symbol == 0 {
		return true
	}
	if bytes.IndexByte(v, '$') >= 0 || bytes.HasPrefix(v, []byte("@")) && k.digit == 0 {
		return true
	}
	if k.digit == 0 && bytes.IndexByte(v, '.') > 0 && bytes.IndexByte(v, '=')+bytes.IndexByte(v, ':') > 0 {
		return true
	}
	dots := bytes.Split(v, []byte("."))
	if len(dots) > 1 {
		words := 0
		for _, d := range dots {
			if len(d) > 0 && len(d) < 24 && isIdentifier(d) && classesOf(d).digit*3 <= len(d) {
				words++
			}
		}
		if words == len(dots) {
			return true
		}
	}
	if bytes.IndexByte(v, '_') > 0 && k.lower == 0 && k.symbol == 0 && k.digit*4 <= len(v) {
		return true // SOME_CONSTANT_2
	}
	if len(v) > 2 && v[0] == '0' && (v[1] == 'x' || v[1] == 'X') {
		return true
	}
	return bytes.IndexByte(v, '*') >= 0 || bytes.IndexByte(v, '?') >= 0 || bytes.Contains(v, []byte("->")) || bytes.Contains(v, []byte("::"))
}

// constantName tells NAMES_LIKE_P256K1.
func constantName(v []byte, k classes) bool {
	return k.lower == 0 && k.symbol == 0 && bytes.Count(v, []byte("_")) >= 2 && longestPiece(v) <= 12 && k.digit*2 <= len(v)
}

func isIdentifier(b []byte) bool {
	if len(b) == 0 || b[0] >= '0' && b[0] <= '9' {
		return false
	}
	for _, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

// looksLikePath tells paths, URLs, host names, versions, dates and media types.
func looksLikePath(v []byte, k classes) bool {
	if looksLikeDate(v) {
		return true
	}
	if bytes.Contains(v, []byte("://")) || bytes.HasPrefix(v, []byte("/")) && k.symbol == 0 && bytes.Count(v, []byte("/")) > 1 {
		return true
	}
	if k.joint >= 2 && k.symbol == 0 && (k.digit*2 <= len(v)) {
		// Words joined by the same sign: a-b-c, a.b.c, a/b/c.
		if n := longestPiece(v); n <= 12 && readable(v) {
			return true
		}
	}
	return bytes.HasPrefix(v, []byte("./")) || bytes.HasPrefix(v, []byte("../")) || bytes.HasPrefix(v, []byte("~/")) ||
		bytes.HasPrefix(v, []byte("arn:")) || bytes.HasPrefix(v, []byte("urn:")) || bytes.HasPrefix(v, []byte("file:")) ||
		bytes.Contains(v, []byte("@")) && bytes.HasSuffix(v, []byte(".com")) || k.lower+k.upper == 0 && k.symbol == 0
}

// looksLikeDate tells dates as RFC 3339 writes them.
func looksLikeDate(v []byte) bool {
	if len(v) < 10 || v[4] != '-' || v[7] != '-' {
		return false
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9} {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return true
}

func longestPiece(v []byte) int {
	longest, run := 0, 0
	for _, c := range v {
		if c == '-' || c == '_' || c == '.' || c == '/' || c == ':' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// looksLikeExpression tells regular expressions, format strings and markup.
func looksLikeExpression(v []byte) bool {
	for _, p := range [...]string{"[a-z", "[A-Z", "[0-9", "\\d", "\\w", "\\s", "(?", ".*", ".+", "%s", "%d", "%v", "={", "</", "/>", "()", "=>", "&&", "||"} {
		if bytes.Contains(v, []byte(p)) {
			return true
		}
	}
	return v[0] == '^' && bytes.IndexByte(v, '[') > 0 || v[0] == '^' && v[len(v)-1] == '$' || v[len(v)-1] == '(' || v[0] == '#' && len(v) == 7 || v[0] == '{' || v[0] == '(' || v[0] == '['
}

func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// nameTails follow a secret's name in names of other things, lower case.
var nameTails = [...]string{
	"name", "last", "spec", "authtype", "auth_type", "file", "path", "dir", "url", "uri", "id", "ids", "type", "field", "label", "length", "len", "size", "count", "index", "regex",
	"pattern", "policy", "hint", "prompt", "placeholder", "help", "error", "message", "msg", "env", "envvar", "var", "ref", "source", "format",
	"expiry", "expires", "expiration", "ttl", "lifetime", "timeout", "enabled", "required", "valid", "validator", "alg", "algorithm", "method",
	"header", "param", "prefix", "suffix", "class", "style", "description", "title", "text", "column", "table", "endpoint", "host", "server", "port",
	"rotation", "version", "status", "state", "provider", "mode", "strength", "score", "hash", "digest", "fingerprint", "checksum", "store", "manager",
	"reset", "change", "changed", "input", "form", "page", "view", "screen", "dialog", "button", "action", "event", "handler", "scope", "scopes", "kind",
	"public", "pub", "test", "count", "limit", "used", "usage", "budget", "cost", "address", "symbol", "list", "map", "set", "range", "position", "pos",
}

// otherNames are parts of names, lower case and without separators, that have
// to do with tokens, and not with secrets: those of pages, requests, parsers.
var otherNames = [...]string{
	"csrf", "xsrf", "nextpage", "nexttoken", "pagetoken", "pagination", "continuation", "cursor", "cancel", "synctoken", "startingtoken", "termtoken",
	"idempoten", "requesttoken", "syntax", "lexer", "parse", "tokenizer",
}

// notSecretName says why a value of this name is no secret, or "": the value
// is the name once more, the name goes on behind its telling word (passwordFile, token_url), or it is about a
// public key. hitEnd is where in the name the telling word ends.
func notSecretName(name, value []byte, hitEnd int) string {
	if v := squeeze(value); len(v) >= minPassword && bytes.Contains(squeeze(name), v) {
		return "the value repeats the name"
	}
	tail := name[min(hitEnd, len(name)):]
	for len(tail) > 0 && (tail[0] == '_' || tail[0] == '-' || tail[0] == '.' || tail[0] == 's') {
		tail = tail[1:]
	}
	for _, t := range nameTails {
		if hasFoldPrefix(tail, t) && (len(tail) == len(t) || !isLower(tail[len(t)]) || isLower(tail[0]) != isLower(tail[len(t)])) {
			return "the name is about something else: …" + t
		}
	}
	if containsFold(name, "public") || containsFold(name, "pubkey") {
		return "the name is about a public key"
	}
	squeezed := squeeze(name)
	for _, w := range otherNames {
		if bytes.Contains(squeezed, []byte(w)) {
			return "the name is about something else: " + w
		}
	}
	return ""
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
