// Package rewrite takes credentials out of files: where one stood, the program
// gets it at run time. One file a language; every byte that is not replaced
// stays as it is, and the result parses, or the edit is refused with a reason.
package rewrite

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Style is how a program gets a value.
type Style string

// The styles. Env needs nothing new; SDK, which Go has, asks `remint run` and
// so notices a rotation.
const (
	Env Style = "env"
	SDK Style = "sdk"
)

// Change is one credential at one place of a file.
type Change struct {
	// Start and End are its bytes.
	Start, End int
	// Variable will hold the value, Entry has it in the vault.
	Variable, Entry string
}

// Options say how to rewrite.
type Options struct {
	Style Style
	// Expands tells that whoever reads the file expands ${VARIABLE}.
	Expands bool
	// GoType is the type of the string literal at a place of a Go file, such as
	// "Key"; "" where it is a string. nil where nobody knows.
	GoType func(offset int) string
}

// Result is a rewritten file.
type Result struct {
	Text []byte
	// Refused are changes that were not made, by their place in the list.
	Refused map[int]string
	// Unused are changes of text that no program reads, such as comments: the
	// value was taken out and nothing put in its place.
	Unused []int
	// Notes say what a person has to do besides.
	Notes []string
}

// edit replaces bytes.
type edit struct {
	start, end int
	text       string
}

// file is a file that is being rewritten.
type file struct {
	path, base string
	text       []byte
	options    Options
	notes      []string
	unused     bool   // of the change at hand
	unusedEdit []edit // what takes it out
	tree       *tree  // of the text, for grammars
}

func (f *file) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(f.notes, n) {
		f.notes = append(f.notes, n)
	}
}

// language knows one kind of file.
type language struct {
	name string
	// is tells whether a file is of the language.
	is func(f *file) bool
	// edits makes one change; the error is why it is refused.
	edits func(f *file, c Change) ([]edit, error)
	// closing are edits that all changes of a file need together; nil for none.
	closing func(f *file, made []Change) ([]edit, error)
	// parse tells what is wrong with a text; nil where it parses.
	parse func(f *file, text []byte) error
	// variable is the name that a value has in the file already, "" for none.
	variable func(f *file, start, end int) string
}

// languages, those that are told by more than an ending first.
func languages() []language {
	return []language{
		dotenv, dockerfile, workflow, gitlabCI, compose, kubernetes, agentJSON, appsettings, terraform,
		golang, python, javascript, typescript, tsx, java, ruby, php, csharp, rust, shell,
		yamlFile, jsonFile, tomlFile, properties, ini,
	}
}

// Names are those of all languages.
func Names() []string {
	var all []string
	for _, l := range languages() {
		all = append(all, l.name)
	}
	return all
}

func find(f *file) (language, bool) {
	for _, l := range languages() {
		if l.is(f) {
			return l, true
		}
	}
	return language{}, false
}

// MaxFile is the largest file that is rewritten, in bytes.
const MaxFile = 8 << 20

// File makes the changes of one file. Its path decides the language.
func File(name string, text []byte, changes []Change, o Options) Result {
	f := &file{path: name, base: path.Base(name), text: text, options: o}
	r := Result{Text: text, Refused: make(map[int]string)}
	l, ok := find(f)
	refuseAll := func(reason string) Result {
		for i := range changes {
			r.Refused[i] = reason
		}
		return r
	}
	switch {
	case !ok:
		return refuseAll("no language of a file of this name is known")
	case len(text) > MaxFile:
		return refuseAll("the file is larger than 8 MiB")
	}
	if err := l.parse(f, text); err != nil {
		return refuseAll(fmt.Sprintf("it does not parse as %s as it stands: %v", l.name, err))
	}
	var made []int
	var all []edit
	for i, c := range changes {
		f.unused = false
		edits, err := one(f, l, c)
		if err == nil && overlaps(all, edits) {
			err = errors.New("it overlaps another change")
		}
		if err == nil {
			_, err = tried(f, l, edits, []Change{c})
		}
		if err != nil {
			r.Refused[i] = err.Error()
			continue
		}
		if f.unused {
			r.Unused = append(r.Unused, i)
		}
		made, all = append(made, i), append(all, edits...)
	}
	var changed []Change
	for _, i := range made {
		if !slices.Contains(r.Unused, i) {
			changed = append(changed, changes[i])
		}
	}
	out, err := tried(f, l, all, changed)
	if err != nil {
		r.Unused = nil
		return refuseAll(err.Error())
	}
	r.Text, r.Notes = out, f.notes
	return r
}

// one makes one change, which must take the credential out.
func one(f *file, l language, c Change) ([]edit, error) {
	if c.Start < 0 || c.Start >= c.End || c.End > len(f.text) {
		return nil, errors.New("there is no such place in the file")
	}
	if !envName.MatchString(c.Variable) {
		return nil, fmt.Errorf("%q is no name of an environment variable: letters, digits and '_'", c.Variable)
	}
	edits, err := l.edits(f, c)
	if err != nil {
		return nil, err
	}
	if !covers(edits, c) {
		return nil, errors.New("the edit would leave a part of the value")
	}
	return edits, nil
}

// covers tells whether edits replace all of a change's bytes.
func covers(edits []edit, c Change) bool {
	at := c.Start
	sorted := slices.Clone(edits)
	slices.SortFunc(sorted, func(a, b edit) int { return a.start - b.start })
	for _, e := range sorted {
		if e.start <= at && e.end > at {
			at = e.end
		}
	}
	return at >= c.End
}

func overlaps(all, more []edit) bool {
	for _, a := range all {
		for _, b := range more {
			if a.start < b.end && b.start < a.end && a != b {
				return true
			}
		}
	}
	return false
}

// tried applies edits and what they need together, and looks that it parses.
func tried(f *file, l language, edits []edit, made []Change) ([]byte, error) {
	if l.closing != nil && len(made) > 0 {
		more, err := l.closing(f, made)
		if err != nil {
			return nil, err
		}
		edits = append(slices.Clone(edits), more...)
	}
	out := apply(f.text, edits)
	if err := l.parse(f, out); err != nil {
		return nil, fmt.Errorf("it would not parse any more: %w", err)
	}
	return out, nil
}

// apply makes edits, each once, from the last to the first.
func apply(text []byte, edits []edit) []byte {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b edit) int { return a.start - b.start })
	sorted = slices.Compact(sorted)
	var out bytes.Buffer
	at := 0
	for _, e := range sorted {
		if e.start < at {
			continue // the same edit, wanted by another change
		}
		out.Write(text[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(text[at:])
	return out.Bytes()
}

// Variable is the name that a value has in its file already: a key of a .env
// file, a variable of a shell, an environment variable of a manifest; "" for
// none.
func Variable(name string, text []byte, start, end int) string {
	f := &file{path: name, base: path.Base(name), text: text}
	if l, ok := find(f); ok && l.variable != nil && start >= 0 && end <= len(text) {
		return l.variable(f, start, end)
	}
	return ""
}

// removed is what stands in a comment in place of a value.
func (f *file) removed(c Change) []edit {
	f.unused = true
	return []edit{{c.Start, c.End, "<removed: " + c.Entry + ">"}}
}

// line is the place of the line around a place, without its end.
func line(text []byte, at int) (start, end int) {
	start = bytes.LastIndexByte(text[:at], '\n') + 1
	end = len(text)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	if end > start && text[end-1] == '\r' {
		end--
	}
	return start, end
}

// newline is the file's line end.
func newline(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func hasSuffix(name string, endings ...string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) })
}

func byEnding(endings ...string) func(*file) bool {
	return func(f *file) bool { return hasSuffix(f.base, endings...) }
}
