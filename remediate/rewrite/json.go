package rewrite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

func parseJSON(_ *file, text []byte) error {
	if _, err := hujson.Parse(unmarked(text)); err != nil {
		return errors.New("not JSON") // hujson repeats a character of the text
	}
	return nil
}

// unmarked is a copy of a text, with blanks in place of a byte order mark.
func unmarked(text []byte) []byte {
	if rest, ok := bytes.CutPrefix(text, []byte("\xef\xbb\xbf")); ok {
		return append([]byte("   "), rest...)
	}
	return bytes.Clone(text)
}

// jsonString is the string of a document that has a place, and the names that
// lead to it.
type jsonString struct {
	start, end int // with its quotes
	names      []string
	isName     bool
}

func stringAt(text []byte, start, end int) (jsonString, bool) {
	v, err := hujson.Parse(unmarked(text))
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
		if has(v) && x.Kind() == '"' {
			return jsonString{v.StartOffset, v.EndOffset, names, false}, true
		}
	}
	return jsonString{}, false
}

// whole tells whether a change is all of the string.
func (s jsonString) whole(start, end int) bool { return start == s.start+1 && end == s.end-1 }

// findJSON finds a change's string; nil for one in a comment, which was taken
// out.
func findJSON(f *file, c Change) (*jsonString, error) {
	s, ok := stringAt(f.text, c.Start, c.End)
	switch {
	case !ok && jsonComment(f.text, c.Start, c.End):
		f.unusedEdit = f.removed(c)
		return nil, nil
	case !ok:
		return nil, errors.New("it does not stand in a string")
	case s.isName:
		return nil, errors.New("it is the name of a member")
	}
	return &s, nil
}

// inJSON puts what hole says in place of a value within a string.
func inJSON(f *file, c Change, hole func(jsonString) (string, error)) ([]edit, error) {
	s, err := findJSON(f, c)
	if err != nil || s == nil {
		return f.unusedEdit, err
	}
	text, err := hole(*s)
	if err != nil {
		return nil, err
	}
	return []edit{{c.Start, c.End, text}}, nil
}

// jsonComment tells whether a place is in a comment, which is blank in the
// standard form.
func jsonComment(text []byte, start, end int) bool {
	standard, err := hujson.Standardize(unmarked(text))
	return err == nil && len(standard) == len(text) && len(bytes.TrimSpace(standard[start:end])) == 0
}

var jsonFile = language{
	name: "json", is: byEnding(".json", ".jsonc", ".json5", ".webmanifest", ".ipynb"), parse: parseJSON,
	edits: func(f *file, c Change) ([]edit, error) {
		s, err := findJSON(f, c)
		if err != nil || s == nil {
			return f.unusedEdit, err
		}
		switch {
		case f.base == "package.json" && len(s.names) == 2 && s.names[0] == "scripts":
			f.note("package.json: npm runs its scripts with cmd on Windows, which does not expand ${%s}", c.Variable)
			return jsonCommand(f, c, *s)
		case f.base == "package.json":
			return nil, errNotExpanded
		case hasSuffix(f.base, ".ipynb"):
			return notebook(f, c, *s)
		}
		format, err := f.jsonReference(*s)
		if err != nil {
			return nil, err
		}
		return f.put(c, format)
	},
}

// jsonReference is how a variable is written at a place, by who reads the file.
func (f *file) jsonReference(s jsonString) (string, error) {
	switch {
	case f.base == "devcontainer.json" || f.base == ".devcontainer.json":
		return "${localEnv:NAME}", nil
	case path.Base(path.Dir(f.path)) != ".vscode":
	case f.base == "launch.json" || f.base == "tasks.json" || len(s.names) > 0 && strings.HasPrefix(s.names[0], "terminal.integrated.env."):
		return "${env:NAME}", nil
	default:
		return "", errors.New("the editor's settings expand no variables: keep the value out of the workspace's")
	}
	return "${NAME}", f.expanding()
}

// notebook takes a value out of a cell's output and of text; code reads a
// variable in its own way.
func notebook(f *file, c Change, s jsonString) ([]edit, error) {
	if len(s.names) < 3 || s.names[0] != "cells" {
		return nil, errNotExpanded
	}
	v, err := hujson.Parse(unmarked(f.text))
	if err != nil {
		return nil, err
	}
	kind := v.Find("/cells/" + s.names[1] + "/cell_type")
	if s.names[2] == "outputs" || s.names[2] == "source" && kind != nil && strings.Contains(kind.String(), "markdown") {
		return f.removed(c), nil
	}
	return nil, errors.New("it stands in the code of a notebook: let that read the variable itself")
}

// jsonCommand makes a change of a shell's command in a string.
func jsonCommand(f *file, c Change, s jsonString) ([]edit, error) {
	command, places := decoded(f.text, s.start+1, s.end-1)
	start, ok := slices.BinarySearch(places, c.Start)
	end, ok2 := slices.BinarySearch(places, c.End)
	if !ok || !ok2 {
		return nil, errors.New("it begins or ends within an escape")
	}
	inner := &file{path: f.path, base: f.base, text: command, options: f.options}
	edits, err := shellEdits(inner, Change{start, end, c.Variable, c.Entry})
	if err != nil {
		return nil, err
	}
	for i, e := range edits {
		if strings.Contains(e.text, "\ufffd") {
			return nil, errors.New("it stands beside an escape that cannot be copied")
		}
		text := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(e.text)
		edits[i] = edit{places[e.start], places[e.end], text}
	}
	return edits, nil
}

// decoded is the text of a string, and where each of its bytes stands, and its
// end.
func decoded(text []byte, start, end int) (out []byte, places []int) {
	for at := start; at < end; {
		n := 1
		if text[at] == '\\' && at+1 < end {
			n = 2
			if text[at+1] == 'u' {
				n = min(6, end-at)
			}
		}
		part := string(text[at : at+n])
		if n > 1 {
			_ = json.Unmarshal([]byte(`"`+part+`"`), &part)
		}
		for range len(part) {
			places = append(places, at)
		}
		out, at = append(out, part...), at+n
	}
	return out, append(places, end)
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
		s, err := findJSON(f, c)
		if err != nil || s == nil {
			return f.unusedEdit, err
		}
		dir := path.Base(path.Dir(f.path))
		if dir == ".claude" {
			return agentSettings(f, c, *s)
		}
		if f.base == "claude_desktop_config.json" {
			return nil, errors.New("its reader, Claude Desktop, expands no variables: start the server with `remint run -- …` as its command, and take the value out of env")
		}
		format := "${NAME}"
		switch server := len(s.names) > 2 && (s.names[0] == "mcpServers" || s.names[0] == "servers"); {
		case dir == ".gemini": // in every string
		case dir == ".vscode" && server:
			format = "${env:NAME}"
		case !server || !slices.Contains(serverFields, s.names[2]):
			return nil, errors.New("variables are expanded only in a server's " + strings.Join(serverFields, ", "))
		case dir == ".cursor" || dir == ".roo":
			format = "${env:NAME}"
		}
		return f.put(c, format)
	},
	variable: func(f *file, start, end int) string {
		s, _ := stringAt(f.text, start, end)
		if n := len(s.names); n > 1 && s.names[n-2] == "env" && s.whole(start, end) {
			return s.names[n-1]
		}
		return ""
	},
}

// serverFields are the members of a server in which agents expand variables.
var serverFields = []string{"command", "args", "env", "url", "headers"}

// agentSettings makes a change of .claude/settings.json, which knows no
// variables, but whose commands a shell runs. A rule that allows a command with
// a value in it is of no use any more.
func agentSettings(f *file, c Change, s jsonString) ([]edit, error) {
	s.names = append([]string{""}, s.names...)[min(1, len(s.names)):]
	last := s.names[len(s.names)-1]
	switch n := len(s.names); {
	case n > 2 && s.names[0] == "permissions" && (s.names[1] == "allow" || s.names[1] == "ask"):
		return f.removed(c), nil
	case s.names[0] == "permissions":
		return nil, errors.New("it stands in a rule that denies a command: without it the rule would deny nothing")
	case s.names[0] == "hooks" && last == "command", s.names[0] == "statusLine" && last == "command", n == 1 && strings.HasSuffix(last, "Helper"):
		return jsonCommand(f, c, s)
	}
	return nil, errors.New("the agent's settings expand no variables: start the agent under `remint run`, and take the value out of env")
}

// appsettings is the configuration of .NET, over which the environment goes:
// Section__Key (Microsoft.Extensions.Configuration.EnvironmentVariables).
var appsettings = language{
	name:  "appsettings",
	is:    func(f *file) bool { return strings.HasPrefix(f.base, "appsettings") && hasSuffix(f.base, ".json") },
	parse: parseJSON,
	edits: func(f *file, c Change) ([]edit, error) {
		return inJSON(f, c, func(s jsonString) (string, error) {
			if !s.whole(c.Start, c.End) {
				return "", errors.New("it is a part of a longer value, of which the environment can replace only all")
			}
			if strings.Contains(strings.Join(s.names, ":"), "__") {
				return "", errors.New("its name has __ in it, which the environment takes for a section")
			}
			if name := sectionName(s); !strings.EqualFold(name, c.Variable) {
				return "", errors.New("the program reads " + name + ", which the plan calls " + c.Variable)
			}
			return "", nil
		})
	},
	variable: func(f *file, start, end int) string {
		s, _ := stringAt(f.text, start, end)
		return sectionName(s)
	},
}

func sectionName(s jsonString) string {
	return strings.ReplaceAll(strings.Join(s.names, "__"), ":", "__")
}
