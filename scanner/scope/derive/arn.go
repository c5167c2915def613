package derive

import (
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// values are what is known of an operation's input, or of a call's arguments,
// which are named 0, 1, 2; nil where nothing is.
type values struct {
	*graph
	object placed
	fields map[string][]placed
}

// hole is a place of a template for a field, or for what it leads to by others:
// {Key}, {Delete.Objects.Key}; each element of a list. After a / in it, the value
// is without one in front; after a : it gets ":*" where it has no revision; after
// a # it is only the last part of an ARN; with a ? there is no ARN where it is
// known that there is no value.
var hole = regexp.MustCompile(`\{([/?:#]?)([\w.]+)\}`)

// expand fills the template of an ARN; * stands for what is not known. Without a
// template it is * alone.
func (in values) expand(template string) []string {
	if template == "" {
		template = "*"
	}
	all := []string{template}
	for _, m := range hole.FindAllStringSubmatch(template, -1) {
		texts, known := in.texts(m[2])
		if known && len(texts) == 0 && m[1] == "?" {
			return nil
		}
		if len(texts) == 0 {
			texts = []string{"*"}
		}
		var next []string
		for _, t := range all {
			for _, v := range texts {
				next = append(next, fill(t, m[0], v))
			}
		}
		all = next
	}
	return all
}

// set tells whether a field is set, or one that others lead to.
func (in values) set(way string) bool {
	first, rest, far := strings.Cut(way, ".")
	if !far || in.fields[first] == nil {
		return in.fields[way] != nil
	}
	found, known := in.follow(in.fields[first], strings.Split(rest, "."))
	return known && len(found) > 0
}

// surely tells whether a field that is set is so whenever the struct is made: in
// one go with it. What others lead to counts as set.
func (in values) surely(way string) bool {
	made, ok := in.object.v.(ssa.Instruction)
	if strings.Contains(way, ".") || !ok {
		return true
	}
	for _, r := range *in.object.v.Referrers() {
		if f, ok := r.(*ssa.FieldAddr); ok && f.Block() == made.Block() && fieldOf(f.X.Type(), f.Field).Name() == way && len(written(f)) > 0 {
			return true
		}
	}
	return false
}

// texts are what stands at the end of a way of fields.
func (in values) texts(way string) (all []string, known bool) {
	first, rest, far := strings.Cut(way, ".")
	found := in.fields[first]
	switch {
	case in.fields == nil || !far && len(found) == 0:
		return nil, false
	case far:
		if found, known = in.follow(found, strings.Split(rest, ".")); !known {
			return nil, false
		}
	}
	for _, p := range found {
		t, ok := in.strings(p)
		if !ok {
			return nil, false
		}
		all = append(all, t...)
	}
	return all, true
}

// strings are what a string may be, or the elements of a list of them.
func (in values) strings(at placed) (all []string, known bool) {
	if _, isList := at.v.Type().Underlying().(*types.Slice); !isList {
		return in.graph.texts(at.v, at.fr)
	}
	elements, known := in.elements(at, make(map[ssa.Value]bool))
	for _, e := range elements {
		t, ok := in.graph.texts(e.v, e.fr)
		if !ok {
			return nil, false
		}
		all = append(all, t...)
	}
	return all, known
}

var queueURL = regexp.MustCompile(`^https://sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/(\d{12})/(.+)$`)

// fill puts a value into a template. Where a name is asked for, AWS takes an
// ARN as well.
func fill(template, hole, value string) string {
	before, after, _ := strings.Cut(template, hole)
	if m := queueURL.FindStringSubmatch(value); m != nil {
		value = "arn:aws" + strings.Replace(m[2], ".", "-", 1) + ":sqs:" + m[1] + ":" + m[3] + ":" + m[4]
	}
	last := value[strings.LastIndexAny(value, "/:")+1:]
	switch {
	case strings.HasPrefix(hole, "{/"):
		value = strings.TrimPrefix(value, "/")
	case strings.HasPrefix(hole, "{#"):
		value = last
	case strings.HasPrefix(hole, "{:") && value != "*" && !strings.Contains(value[strings.LastIndexByte(value, '/')+1:], ":"):
		value += ":*"
	}
	switch {
	case value == "*":
		after = strings.TrimLeft(after, "-?") // which it covers
	case strings.HasPrefix(value, "arn:"):
		return value + strings.TrimRight(after, "/:-*?") // it names all of the resource itself
	case strings.HasPrefix(value, "https://"), strings.HasPrefix(value, "alias/") && strings.HasSuffix(before, "key/"):
		value = "*" // neither a queue's URL nor a key's alias tells the ARN
	}
	return before + value + after
}
