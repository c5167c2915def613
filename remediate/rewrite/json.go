package rewrite

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

func parseJSON(_ *file, text []byte) error {
	if _, err := hujson.Parse(text); err != nil {
		return errors.New("it is no JSON") // hujson repeats a character of the text
	}
	return nil
}

// jsonString is the string of a document that has a place, and the names that
// lead to it.
type jsonString struct {
	start, end int // with its quotes
	names      []string
	isName     bool
}

func stringAt(text []byte, start, end int) (jsonString, bool) {
	v, err := hujson.Parse(text)
	if err != nil {
		return jsonString{}, false
	}
	return within(&v, nil, start, end)
}

func within(v *hujson.Value, names []string, start, end int) (jsonString, bool) {
	has := func(v *hujson.Value) bool { return v.StartOffset < start && end < v.EndOffset }
	switch x := v.Value.(type) {
	case *hujson.Object:
		for i := range x.Members {
			m := &x.Members[i]
			name, _ := m.Name.Value.(hujson.Literal)
			if has(&m.Name) {
				return jsonString{m.Name.StartOffset, m.Name.EndOffset, names, true}, true
			}
			if s, ok := within(&m.Value, append(slices.Clone(names), name.String()), start, end); ok {
				return s, true
			}
		}
	case *hujson.Array:
		for i := range x.Elements {
			if s, ok := within(&x.Elements[i], append(slices.Clone(names), fmt.Sprint(i)), start, end); ok {
				return s, true
			}
		}
	case hujson.Literal:
		if has(v) {
			return jsonString{v.StartOffset, v.EndOffset, names, false}, true
		}
	}
	return jsonString{}, false
}

// inJSON puts what hole says in place of a value within a string.
func inJSON(f *file, c Change, hole func(jsonString) (string, error)) ([]edit, error) {
	s, ok := stringAt(f.text, c.Start, c.End)
	if !ok {
		if lineComment(f.text, c.Start, "//") || blockComment(f.text, c.Start) {
			return f.removed(c), nil
		}
		return nil, errors.New("it does not stand in a string")
	}
	if s.isName {
		return nil, errors.New("it is the name of a member")
	}
	text, err := hole(s)
	if err != nil {
		return nil, err
	}
	return []edit{{c.Start, c.End, text}}, nil
}

func blockComment(text []byte, at int) bool {
	before := string(text[:at])
	return strings.LastIndex(before, "/*") > strings.LastIndex(before, "*/")
}

var jsonFile = language{
	name: "json", is: byEnding(".json", ".jsonc", ".json5", ".webmanifest", ".ipynb"), parse: parseJSON,
	edits: func(f *file, c Change) ([]edit, error) {
		return inJSON(f, c, func(jsonString) (string, error) { return f.hole(c) })
	},
}

// agentJSON is the settings of an agent or of its servers, which know
// variables, each its own way.
var agentJSON = language{
	name: "agent settings",
	is: func(f *file) bool {
		dir := path.Base(path.Dir(f.path))
		switch f.base {
		case ".mcp.json", "mcp.json", "claude_desktop_config.json":
			return true
		case "settings.json", "settings.local.json":
			return dir == ".claude" || dir == ".gemini"
		}
		return false
	},
	parse: parseJSON,
	edits: func(f *file, c Change) ([]edit, error) {
		return inJSON(f, c, func(jsonString) (string, error) {
			dir := path.Base(path.Dir(f.path))
			switch {
			case f.base == "claude_desktop_config.json":
				return "", errors.New("its reader, Claude Desktop, expands no variables: start the server with `remint run -- …` as its command, and take the value out of env")
			case dir == ".vscode" || dir == ".cursor":
				return "${env:" + c.Variable + "}", nil
			case dir == ".claude":
				return "", errors.New("the agent's settings expand no variables: start the agent under `remint run`, and take the value out of env")
			}
			return "${" + c.Variable + "}", nil
		})
	},
	variable: func(f *file, start, end int) string {
		s, _ := stringAt(f.text, start, end)
		if n := len(s.names); n > 1 && s.names[n-2] == "env" {
			return s.names[n-1]
		}
		return ""
	},
}

// appsettings is the configuration of .NET, over which the environment goes:
// Section__Key (Microsoft.Extensions.Configuration.EnvironmentVariables).
var appsettings = language{
	name:  "appsettings",
	is:    func(f *file) bool { return strings.HasPrefix(f.base, "appsettings") && hasSuffix(f.base, ".json") },
	parse: parseJSON,
	edits: func(f *file, c Change) ([]edit, error) {
		return inJSON(f, c, func(s jsonString) (string, error) {
			if c.Start != s.start+1 || c.End != s.end-1 {
				return "", errors.New("it is a part of a longer value, of which the environment can replace only all")
			}
			if name := strings.Join(s.names, "__"); name != c.Variable {
				return "", errors.New("the program reads " + name + ", which the plan calls " + c.Variable)
			}
			return "", nil
		})
	},
	variable: func(f *file, start, end int) string {
		s, _ := stringAt(f.text, start, end)
		return strings.Join(s.names, "__")
	},
}
