package history

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Person is who made a commit or tag, and when. The bytes are as they stand in
// the object and need not be UTF-8; what is malformed is left empty.
type Person struct {
	Name, Email string
	When        time.Time
}

// CommitObject is a commit.
type CommitObject struct {
	ID, Tree          ID
	Parents           []ID
	Author, Committer Person
	// Headers is everything before the message, and Message the rest; both
	// are parts of the object's content.
	Headers, Message []byte
}

var errCommit = errors.New("the commit is malformed")

// ParseCommit reads a commit as tolerantly as git does: only the tree and the
// parents have to be right.
func ParseCommit(id ID, data []byte) (CommitObject, error) {
	c := CommitObject{ID: id}
	c.Headers, c.Message = splitMessage(data)
	var err error
	if c.Tree, err = CommitTree(data); err != nil {
		return c, err
	}
	rest := c.Headers
	_, rest, _ = bytes.Cut(rest, []byte("\n"))
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		word, value, _ := bytes.Cut(line, []byte(" "))
		switch string(word) {
		case "parent":
			parent, err := ParseID(string(value))
			if err != nil {
				return c, fmt.Errorf("%w: its parent: %w", errCommit, err)
			}
			c.Parents = append(c.Parents, parent)
		case "author":
			c.Author = parsePerson(value)
		case "committer":
			c.Committer = parsePerson(value)
		}
	}
	return c, nil
}

// splitMessage splits an object at its first empty line.
func splitMessage(data []byte) (headers, message []byte) {
	if i := bytes.Index(data, []byte("\n\n")); i >= 0 {
		return data[:i+1], data[i+2:]
	}
	return data, nil
}

// parsePerson reads "Name <email> seconds zone".
func parsePerson(b []byte) Person {
	var p Person
	open := bytes.IndexByte(b, '<')
	end := bytes.LastIndexByte(b, '>')
	if open < 0 || end < open {
		p.Name = string(bytes.TrimSpace(b))
		return p
	}
	p.Name = string(bytes.TrimSpace(b[:open]))
	p.Email = string(b[open+1 : end])
	fields := bytes.Fields(b[end+1:])
	if len(fields) == 0 {
		return p
	}
	seconds, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || seconds < 0 || seconds > maxSeconds {
		return p
	}
	p.When = time.Unix(seconds, 0).UTC()
	if len(fields) > 1 {
		if zone, err := strconv.Atoi(string(fields[1])); err == nil && zone != 0 && zone > -10000 && zone < 10000 {
			p.When = p.When.In(time.FixedZone("", (zone/100*60+zone%100)*60))
		}
	}
	return p
}

// maxSeconds is the last second of the year 9999, after which dates have no
// RFC 3339 form.
const maxSeconds = 253402300799

// TagObject is an annotated tag.
type TagObject struct {
	ID, Object ID
	Type       Type
	Name       string
	Tagger     Person
	// Headers is everything before the message, and Message the rest; both
	// are parts of the object's content.
	Headers, Message []byte
}

// ParseTag reads an annotated tag.
func ParseTag(id ID, data []byte) (TagObject, error) {
	t := TagObject{ID: id}
	t.Headers, t.Message = splitMessage(data)
	rest := t.Headers
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		word, value, _ := bytes.Cut(line, []byte(" "))
		switch string(word) {
		case "object":
			object, err := ParseID(string(value))
			if err != nil {
				return t, fmt.Errorf("the tag's object: %w", err)
			}
			t.Object = object
		case "type":
			t.Type, _ = parseType(string(value))
		case "tag":
			t.Name = string(value)
		case "tagger":
			t.Tagger = parsePerson(value)
		}
	}
	if t.Object.IsZero() {
		return t, errors.New("the tag does not say what it names")
	}
	return t, nil
}
