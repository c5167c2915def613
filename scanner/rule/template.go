package rule

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Span is a run of bytes: Start is the first, End the one after the last.
type Span struct{ Start, End int }

// The character classes that a template can draw from, by name.
var templateClasses = [...]struct{ name, set string }{
	{"d", "0123456789"},
	{"az", "abcdefghijklmnopqrstuvwxyz"},
	{"AZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"aZ", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"a62", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"az09", "0123456789abcdefghijklmnopqrstuvwxyz"},
	{"AZ09", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"hex", "0123456789abcdef"},
	{"HEX", "0123456789ABCDEF"},
	{"b32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"},
	{"b58", "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"},
	{"b64", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"},
	{"b64url", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"},
	{"pwu", "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ!*-_.~"},
	{"pw", "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ!#%*+-=?@^_~"},
}

// Expand turns an example template into text, and tells where the secrets
// between « and » stand in it.
//
//	{a62:36}     36 random characters of a class (d az AZ aZ a62 az09 AZ09 hex
//	             HEX b32 b58 b64 b64url pwu pw; pwu is pw without what a URL escapes)
//	{uuid}       a random version-4 UUID
//	{jwt}        a JSON Web Token with a random payload and signature
//	{basic}      base64 of a user name and a random password
//	{pem:8}      8 lines of 64 base64 characters
//	{checksum}   the tail that the rule's Checksum asks for, over what the
//	             secret holds so far
//
// Anything else, braces too, stands for itself. The same rule, template and
// seed always give the same text, so nothing secret-like is ever committed.
func (r *Rule) Expand(template string, seed uint64) (text string, secrets []Span, err error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.ID + "\x00" + template))
	e := expansion{rule: r, rand: rand.New(rand.NewPCG(h.Sum64(), seed)), secret: -1}
	if err := e.run(template); err != nil {
		return "", nil, fmt.Errorf("rule %s: example %q: %w", r.ID, template, err)
	}
	return e.out.String(), e.secrets, nil
}

type expansion struct {
	rule    *Rule
	rand    *rand.Rand
	out     bytes.Buffer
	secret  int // where the open « stands, or -1
	secrets []Span
}

func (e *expansion) run(t string) error {
	for len(t) > 0 {
		i := strings.IndexAny(t, "{«»")
		if i < 0 {
			e.out.WriteString(t)
			break
		}
		e.out.WriteString(t[:i])
		t = t[i:]
		switch {
		case strings.HasPrefix(t, "«"):
			if e.secret >= 0 {
				return fmt.Errorf("« inside «")
			}
			e.secret = e.out.Len()
			t = t[len("«"):]
		case strings.HasPrefix(t, "»"):
			if e.secret < 0 {
				return fmt.Errorf("» without «")
			}
			e.secrets = append(e.secrets, Span{e.secret, e.out.Len()})
			e.secret = -1
			t = t[len("»"):]
		default:
			n, err := e.placeholder(t)
			if err != nil {
				return err
			}
			t = t[n:]
		}
	}
	if e.secret >= 0 {
		return fmt.Errorf("« is never closed")
	}
	return nil
}

// placeholder writes what t, which starts with '{', stands for, and returns
// how much of t it used.
func (e *expansion) placeholder(t string) (int, error) {
	end := strings.IndexByte(t, '}')
	if end > 0 {
		word, count, counted := strings.Cut(t[1:end], ":")
		if !counted {
			if done, err := e.named(word); done || err != nil {
				return end + 1, err
			}
		} else if n, err := strconv.Atoi(count); err == nil && n > 0 && n <= 8192 {
			if e.counted(word, n) {
				return end + 1, nil
			}
		}
	}
	e.out.WriteByte('{')
	return 1, nil
}

func (e *expansion) named(word string) (bool, error) {
	switch word {
	case "uuid":
		h := e.draw("0123456789abcdef", 30)
		fmt.Fprintf(&e.out, "%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[12:15], h[15:18], h[18:])
	case "jwt":
		enc := base64.RawURLEncoding
		fmt.Fprintf(&e.out, "%s.%s.%s",
			enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)),
			enc.EncodeToString(fmt.Appendf(nil, `{"sub":"%s","iat":17%s}`, e.draw("0123456789", 10), e.draw("0123456789", 8))),
			e.draw(templateClasses[12].set, 43))
	case "basic":
		e.out.WriteString(base64.StdEncoding.EncodeToString([]byte("deploy:" + e.draw(templateClasses[4].set, 20))))
	case "checksum":
		sum, err := FindChecksum(e.rule.Checksum)
		if err != nil {
			return false, err
		}
		if e.secret < 0 {
			return false, fmt.Errorf("{checksum} outside « »")
		}
		e.out.Write(sum.Tail(e.out.Bytes()[e.secret:]))
	default:
		return false, nil
	}
	return true, nil
}

func (e *expansion) counted(word string, n int) bool {
	if word == "pem" {
		for i := range n {
			if i > 0 {
				e.out.WriteByte('\n')
			}
			e.out.WriteString(e.draw(templateClasses[11].set, 64))
		}
		return true
	}
	for _, c := range templateClasses {
		if c.name == word {
			e.out.WriteString(e.draw(c.set, n))
			return true
		}
	}
	return false
}

// draw returns n random characters of the set. A run of 8 or more holds every
// kind (digit, lower, upper) that the set has, as nearly every real key does,
// and never the same character twice in a row.
func (e *expansion) draw(set string, n int) string {
	b := make([]byte, n)
	for {
		for i := range b {
			b[i] = set[e.rand.IntN(len(set))]
			for i > 0 && b[i] == b[i-1] {
				b[i] = set[e.rand.IntN(len(set))]
			}
		}
		if n < 8 || kinds(string(b)) == kinds(set) {
			return string(b)
		}
	}
}

func kinds(s string) (k struct{ digit, lower, upper bool }) {
	k.digit = strings.ContainsAny(s, "0123456789")
	k.lower = strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz")
	k.upper = strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return k
}
