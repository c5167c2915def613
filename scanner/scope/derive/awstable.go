package derive

import (
	_ "embed"
	"fmt"
	"go/types"
	"strings"
	"sync"
)

//go:embed aws.txt
var awsText string

// need is an action, and the template of the ARN that it is needed on; "" where
// that hangs on the input.
type need struct{ action, arn string }

// ofField are needs that hang on whether an input sets a field.
type ofField struct {
	operation string // service.Operation, with * for a part of it
	field     string
	needs     []need
}

// template of an ARN for the operations that have its fields.
type template struct {
	fields []string
	arn    string
}

type awsTable struct {
	prefixes   map[string]string // IAM's prefix of a service of the SDK
	operations map[string][]need // service.Operation
	also       []ofField
	instead    []ofField
	functions  map[string][]need // package.Function
	extra      map[string][]need // package.Type.Method
	templates  map[string][]template
	byAction   map[string]string
	outputs    map[string]string // service.Operation.Field
}

var tables = sync.OnceValue(func() *awsTable {
	t, err := parseAWS(awsText)
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

func parseAWS(text string) (*awsTable, error) {
	t := &awsTable{
		prefixes: make(map[string]string), operations: make(map[string][]need),
		functions: make(map[string][]need), extra: make(map[string][]need), templates: make(map[string][]template), byAction: make(map[string]string),
		outputs: make(map[string]string),
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) < 3 {
			return nil, fmt.Errorf("a row of aws.txt has too few words: %s", line)
		}
		switch f[0] {
		case "prefix":
			t.prefixes[f[1]] = f[2]
		case "operation":
			t.operations[f[1]] = needsOf(f[2:])
		case "also":
			t.also = append(t.also, ofFieldOf(f))
		case "instead":
			t.instead = append(t.instead, ofFieldOf(f))
		case "function":
			t.functions[f[1]] = needsOf(f[2:])
		case "extra":
			t.extra[f[1]] = needsOf(f[2:])
		case "action":
			t.byAction[f[1]] = f[2]
		case "output":
			t.outputs[f[1]] = f[2]
		case "arn":
			t.templates[f[1]] = append(t.templates[f[1]], template{strings.Split(f[2], "+"), f[len(f)-1]})
		default:
			return nil, fmt.Errorf("aws.txt knows no rows of %q", f[0])
		}
	}
	return t, nil
}

// needsOf reads actions, each with an ARN after an @; - is none.
func needsOf(words []string) []need {
	all := []need{}
	for _, w := range words {
		if w != "-" {
			action, arn, _ := strings.Cut(w, "@")
			all = append(all, need{action, arn})
		}
	}
	return all
}

// ofFieldOf reads a row of service.Operation.Field; a field may have fields.
func ofFieldOf(words []string) ofField {
	service, rest, _ := strings.Cut(words[1], ".")
	operation, field, _ := strings.Cut(rest, ".")
	return ofField{service + "." + operation, field, needsOf(words[2:])}
}

// needs are the actions of an operation, given which fields its input sets, and
// which of them whatever happens.
func (t *awsTable) needs(service, operation string, set, surely func(field string) bool) []need {
	prefix := service
	if p, ok := t.prefixes[service]; ok {
		prefix = p
	}
	key := service + "." + operation
	all, ok := longest(t.operations, key)
	if !ok {
		all = []need{{prefix + ":" + operation, ""}}
	}
	for _, o := range t.instead {
		switch {
		case !covers(o.operation, key) || !set(o.field):
		case surely(o.field):
			all = o.needs
		default:
			all = append(all[:len(all):len(all)], o.needs...)
		}
	}
	for _, o := range t.also {
		if covers(o.operation, key) && set(o.field) {
			all = append(all[:len(all):len(all)], o.needs...)
		}
	}
	return all
}

// longest is what a key has, or the longest of those that end in * and that it
// begins with.
func longest[T any](rows map[string]T, key string) (found T, ok bool) {
	found, ok = rows[key]
	for n := len(key); n > 0 && !ok; n-- {
		found, ok = rows[key[:n]+"*"]
	}
	return found, ok
}

// template is that of the ARN that an action of an operation is needed on: its
// own, or the first of the service's whose fields the input has. A field with a
// ! must be set.
func (t *awsTable) template(service, action, operation string, input *types.Struct, set func(field string) bool) string {
	for _, of := range []string{service + "." + operation, action} {
		if arn, ok := longest(t.byAction, of); ok {
			return arn
		}
	}
	has := make(map[string]bool)
	for f := range input.Fields() {
		has[f.Name()] = true
	}
	for _, row := range t.templates[service] {
		fits := true
		for _, f := range row.fields {
			name, must := strings.CutSuffix(f, "!")
			fits = fits && has[name] && (!must || set(name))
		}
		if fits {
			return row.arn
		}
	}
	return ""
}
