package derive

import (
	"regexp"
	"strings"
)

// values are what is known of an operation's input, or of a call's arguments,
// which are named 0, 1, 2.
type values struct {
	*graph
	object placed
	fields map[string][]placed
}

// hole is a place of a template for a field, or for what it leads to by others:
// {Key}, {Delete.Objects.Key}. After a / in it, the value is without one in
// front; with a ? there is no ARN where it is known that there is no value.
var hole = regexp.MustCompile(`\{([/?]?)([\w.]+)\}`)

// expand fills the template of an ARN; * stands for what is not known.
func (in values) expand(template string) []string {
	all := []string{template}
	some := false
	for _, m := range hole.FindAllStringSubmatch(template, -1) {
		texts, known := in.texts(m[2])
		if known && len(texts) == 0 {
			if m[1] == "?" {
				return nil
			}
			known = false
		}
		some = some || known
		if !known {
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
	if template == "" || !some && strings.Contains(template, "{") {
		return []string{"*"}
	}
	return all
}

// set tells whether a field is set, or one that others lead to.
func (in values) set(way string) bool {
	if first, _, far := strings.Cut(way, "."); !far || in.fields[first] == nil {
		return in.fields[way] != nil
	}
	found, known := in.follow([]placed{in.object}, strings.Split(way, "."))
	return known && len(found) > 0
}

// texts are what stands at the end of a way of fields.
func (in values) texts(way string) (all []string, known bool) {
	names := strings.Split(way, ".")
	found := in.fields[names[0]]
	if len(names) > 1 {
		if in.object.v == nil {
			return nil, false
		}
		if found, known = in.follow([]placed{in.object}, names); !known {
			return nil, false
		}
	} else if len(found) == 0 {
		return nil, false
	}
	for _, p := range found {
		t, ok := in.graph.texts(p.v, p.fr)
		if !ok {
			return nil, false
		}
		all = append(all, t...)
	}
	return all, true
}

var queueURL = regexp.MustCompile(`^https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(\d{12})/(.+)$`)

// fill puts a value into a template. Where a name is asked for, AWS takes an
// ARN as well.
func fill(template, hole, value string) string {
	before, after, _ := strings.Cut(template, hole)
	if strings.HasPrefix(hole, "{/") {
		value = strings.TrimPrefix(value, "/")
	}
	switch {
	case strings.HasPrefix(value, "arn:") && before != "":
		return value + strings.TrimSuffix(after, "-??????")
	case strings.HasPrefix(value, "https://"):
		if m := queueURL.FindStringSubmatch(value); m != nil {
			return "arn:aws:sqs:" + m[1] + ":" + m[2] + ":" + m[3]
		}
		return "*"
	case strings.HasPrefix(value, "alias/"):
		value = "*" // a key is granted by its id, which an alias does not tell
	}
	return before + value + after
}
