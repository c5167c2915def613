// Package sinks is the table of places in Go code where a value is a
// credential: arguments, struct fields and variables of well-known packages.
// A row is a line of table.txt.
package sinks

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed table.txt
var table string

// Kind is what sort of credential a sink takes.
type Kind uint8

// The kinds.
const (
	Password   Kind = iota + 1
	Symmetric       // a key for encryption
	HMAC            // a key for authentication of messages
	PrivateKey      // in PEM, DER, JSON or as a seed
	Token           // an API key, client secret or token
	DSN             // a connection string; only its user information counts
	Basic           // the password of HTTP basic authentication
	Nonce           // a nonce or initialisation vector, which must differ each time
	ID              // identifies, and is no secret alone
	Scope           // an OAuth scope, or a list of them: not a credential
)

var kindWords = [...]string{"", "pw", "sym", "hmac", "priv", "token", "dsn", "basic", "nonce", "id", "scope"}

// String is the word of the table.
func (k Kind) String() string { return kindWords[k] }

var kindNames = [...]string{
	"", "password", "encryption key", "HMAC key", "private key", "token", "connection string with password", "password", "nonce", "identifier", "scope",
}

// Name is what a person calls it.
func (k Kind) Name() string { return kindNames[k] }

// Target is one sink.
type Target struct {
	// Package is an import path without its major version.
	Package string
	// Recv is the type of a method or field, Name a function or method, Field
	// a struct field, Var a package variable. What does not apply is empty.
	Recv, Name, Field, Var string
	// Arg is an argument's index, the receiver left out; Variadic tells that
	// it goes on to the last.
	Arg      int
	Variadic bool
	Kind     Kind
	// Header tells that argument 0 must name a header that carries
	// credentials, and NamedBy which argument must sound like a secret's name,
	// -1 for none.
	Header  bool
	NamedBy int
	// Values tells that a map's values count, Return that what a function
	// value returns does, and Pairs that strings are K=V.
	Values, Return, Pairs bool
}

// Symbol is the target as a person writes it: "Header.Set".
func (t *Target) Symbol() string {
	name := t.Name + t.Field + t.Var
	if t.Recv != "" {
		name = t.Recv + "." + name
	}
	return name
}

var parsed = sync.OnceValue(func() map[string][]Target {
	all, err := parse(table)
	if err != nil {
		panic(err) // the table is a part of the program, and a test reads it
	}
	byPackage := make(map[string][]Target)
	for _, t := range all {
		byPackage[t.Package] = append(byPackage[t.Package], t)
	}
	return byPackage
})

// Lookup returns the sinks of a package by its import path, of whatever major
// version, also when it is vendored; nil where it has none.
func Lookup(path string) []Target {
	if i := strings.LastIndex(path, "/vendor/"); i >= 0 {
		path = path[i+len("/vendor/"):]
	}
	m := parsed()
	if t, ok := m[path]; ok {
		return t
	}
	return m[Unversioned(path)]
}

// All returns every row in the order of the table.
func All() []Target {
	all, err := parse(table)
	if err != nil {
		return nil
	}
	return all
}

var version = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`/v[0-9]+(/|$)|\.v[0-9]+(/|$)`) })

// Unversioned takes the major version out of an import path: "/v2" anywhere
// and ".v3" of gopkg.in.
func Unversioned(path string) string {
	if !strings.Contains(path, "/v") && !strings.Contains(path, ".v") {
		return path
	}
	return strings.TrimSuffix(version().ReplaceAllString(path, "/"), "/")
}

func parse(text string) ([]Target, error) {
	var all []Target
	for n, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parseRow(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func parseRow(f []string) (Target, error) {
	if len(f) < 4 {
		return Target{}, fmt.Errorf("want package, symbol, argument and kind, got %d words", len(f))
	}
	t := Target{Package: f[0], NamedBy: -1}
	recv, name, dotted := strings.Cut(f[1], ".")
	switch {
	case recv == "var":
		t.Var = name
	case f[2] == "-":
		t.Recv, t.Field = recv, name
	case dotted:
		t.Recv, t.Name = recv, name
	default:
		t.Name = recv
	}
	if f[2] != "-" {
		digits, variadic := strings.CutSuffix(f[2], "+")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return Target{}, fmt.Errorf("argument %q: %w", f[2], err)
		}
		t.Arg, t.Variadic = n, variadic
	}
	for k, word := range kindWords {
		if word == f[3] && k > 0 {
			t.Kind = Kind(k)
		}
	}
	if t.Kind == 0 {
		return Target{}, fmt.Errorf("unknown kind %q", f[3])
	}
	for _, word := range f[4:] {
		switch word {
		case "header":
			t.Header = true
		case "named":
			t.NamedBy = 0
		case "named1":
			t.NamedBy = 1
		case "return":
			t.Return = true
		case "values":
			t.Values = true
		case "pairs":
			t.Pairs = true
		default:
			return Target{}, fmt.Errorf("unknown condition %q", word)
		}
	}
	return t, nil
}
