package rewrite

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

func isYAML(f *file) bool { return hasSuffix(f.base, ".yml", ".yaml") }

// yamlFile is any other YAML: what is seen of it decides.
var yamlFile = language{
	name: "yaml", is: isYAML, parse: parseYAML,
	edits: func(f *file, c Change) ([]edit, error) {
		return inYAML(f, c, func(*scalar) (string, error) {
			if spring(f) || f.base == ".yarnrc.yml" {
				return "${" + c.Variable + "}", nil
			}
			return f.hole(c)
		})
	},
}

// workflow is a workflow or an action of GitHub.
var workflow = language{
	name: "github workflow",
	is: func(f *file) bool {
		return isYAML(f) && (strings.HasSuffix(path.Dir(f.path), ".github/workflows") || strings.TrimSuffix(strings.TrimSuffix(f.base, ".yml"), ".yaml") == "action")
	},
	parse:    parseYAML,
	edits:    workflowEdits,
	variable: envKey,
}

func workflowEdits(f *file, c Change) ([]edit, error) {
	s, err := f.scalar(c)
	if err != nil || s == nil {
		return f.unusedEdit, err
	}
	if n := len(s.keys); n > 0 && (s.keys[n-1] == "uses" || s.keys[n-1] == "if") {
		return nil, fmt.Errorf("%q takes no secret", s.keys[n-1])
	}
	context := "secrets."
	switch isAction := !strings.HasSuffix(path.Dir(f.path), ".github/workflows"); {
	case isAction && (len(s.keys) < 2 || s.keys[0] != "runs" || s.keys[1] != "steps"):
		return nil, errors.New("an action has no secrets: make it an input, which the workflow gives")
	case isAction:
		context = "env."
		f.note("GitHub: an action has no secrets: set %s in the env of the workflow that uses it", c.Variable)
	case !hasSecrets(s.keys):
		return nil, fmt.Errorf("GitHub has no secrets in %q", strings.Join(s.keys, "."))
	}
	f.note("GitHub: set the secret, which runners read: remint vault show %s --reveal | gh secret set %s", c.Entry, c.Variable)
	before, after := string(f.text[s.start:c.Start]), string(f.text[c.End:s.end])
	if strings.LastIndex(before, "${{") > strings.LastIndex(before, "}}") {
		if !strings.HasSuffix(before, "'") || !strings.HasPrefix(after, "'") || s.node.Style&yaml.SingleQuotedStyle != 0 {
			return nil, errors.New("it is a part of an expression's text")
		}
		c.Start, c.End = c.Start-1, c.End+1
		return s.put(c, context+c.Variable)
	}
	return s.put(defaulted(f.text, c), "${{ "+context+c.Variable+" }}")
}

// hasSecrets tells whether a key of a workflow may use secrets, as
// docs.github.com lists under "context availability".
func hasSecrets(keys []string) bool {
	if len(keys) > 0 && keys[0] == "env" {
		return true
	}
	if len(keys) < 3 || keys[0] != "jobs" {
		return false
	}
	switch keys[2] {
	case "env", "steps", "secrets", "outputs":
		return true
	case "services", "container":
		return slices.Contains(keys, "env") || slices.Contains(keys, "credentials")
	}
	return false
}

// envKey is the name under env, environment or variables.
func envKey(f *file, start, end int) string {
	s, ok := scalarAt(f.text, start, end)
	if n := len(s.keys); ok && n > 1 && slices.Contains([]string{"env", "environment", "variables"}, s.keys[n-2]) && envName.MatchString(s.keys[n-1]) {
		return s.keys[n-1]
	}
	if ok && len(s.path) > 1 && s.path[len(s.path)-2].Kind == yaml.SequenceNode {
		if name, _, found := strings.Cut(s.node.Value, "="); found && envName.MatchString(name) {
			return name
		}
	}
	return ""
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var gitlabCI = language{
	name: "gitlab ci",
	is: func(f *file) bool {
		return isYAML(f) && strings.HasSuffix(strings.TrimSuffix(f.base, path.Ext(f.base)), ".gitlab-ci")
	},
	parse:    parseYAML,
	edits:    gitlabEdits,
	variable: envKey,
}

func gitlabEdits(f *file, c Change) ([]edit, error) {
	s, err := f.scalar(c)
	if err != nil || s == nil {
		return f.unusedEdit, err
	}
	n := len(s.keys)
	if n > 0 && s.keys[n-1] == "if" {
		return nil, errors.New("a rule expands no variable in a text")
	}
	f.note("GitLab: set %s as a masked and protected variable of the project (Settings, CI/CD, Variables)", c.Variable)
	described := n > 2 && s.keys[n-1] == "value" && s.keys[n-2] == c.Variable && s.keys[n-3] == "variables"
	if (described || envKey(f, c.Start, c.End) == c.Variable) && s.whole(c) && n > 0 {
		if s.flow {
			return nil, errors.New("a variable cannot have the value of itself: write the variables over several lines")
		}
		return s.dropPair(f, "# "+c.Variable+" is a CI/CD variable of the project: "+c.Entry)
	}
	hole := "$" + c.Variable
	if c.End < len(f.text) && wordByte.Match(f.text[c.End:c.End+1]) {
		hole = "${" + c.Variable + "}"
	}
	if slices.ContainsFunc(s.keys, func(k string) bool { return strings.HasSuffix(k, "script") }) {
		hole = s.inShell(c, hole)
	}
	return s.put(c, hole)
}

var wordByte = regexp.MustCompile(`^\w`)

// inShell ends the single quotes around a place of a script, and begins them again.
func (s *scalar) inShell(c Change, hole string) string {
	open, out := "'", `'"`+hole+`"'`
	from := s.start
	switch {
	case s.node.Style&yaml.SingleQuotedStyle != 0:
		open, out, from = "''", `''"`+hole+`"''`, from+1
	case s.node.Style&yaml.DoubleQuotedStyle != 0:
		out, from = `'\"`+hole+`\"'`, from+1
	}
	single, double := false, false
	for i := from; i < c.Start; i++ {
		switch rest := s.offsets.text[i:c.Start]; {
		case !double && strings.HasPrefix(string(rest[:min(len(rest), 2)]), open):
			single = !single
			i += len(open) - 1
		case !single && rest[0] == '"':
			double = !double
		case !single && rest[0] == '\\' && s.node.Style&yaml.DoubleQuotedStyle == 0:
			i++
		}
	}
	if single {
		return out
	}
	return hole
}

// dropPair puts a comment in place of a key and its value.
func (s *scalar) dropPair(f *file, comment string) ([]edit, error) {
	key := s.key()
	if key == nil {
		return nil, errors.New("it does not stand under a key")
	}
	if m := s.path[len(s.path)-2]; len(m.Content) == 2 {
		comment = "{} " + comment // a mapping without anything is still one
	}
	return []edit{{s.offsets.at(key.Line, key.Column), s.end, comment}}, nil
}

// key is the node of the scalar's own key.
func (s *scalar) key() *yaml.Node {
	if len(s.path) < 2 {
		return nil
	}
	m := s.path[len(s.path)-2]
	for i := 1; m.Kind == yaml.MappingNode && i < len(m.Content); i += 2 {
		if m.Content[i] == s.node {
			return m.Content[i-1]
		}
	}
	return nil
}

var composeName = regexp.MustCompile(`^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$`)

// compose is a file of Docker Compose, which interpolates and, with ":?", ends
// where a variable is not set.
var compose = language{
	name: "compose", is: func(f *file) bool { return composeName.MatchString(f.base) }, parse: parseYAML,
	edits: func(f *file, c Change) ([]edit, error) {
		return inYAML(f, c, func(*scalar) (string, error) { return "${" + c.Variable + ":?}", nil })
	},
	variable: envKey,
}

var (
	apiVersion = regexp.MustCompile(`(?m)^\x{FEFF}?apiVersion:[ \t]*\S`)
	kindLine   = regexp.MustCompile(`(?m)^\x{FEFF}?kind:[ \t]*\S`)
)

// workloads are the kinds that have containers.
var workloads = []string{"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "PodTemplate"}

// kubernetes is a manifest: an env entry's value becomes a secretKeyRef.
var kubernetes = language{
	name:  "kubernetes",
	is:    func(f *file) bool { return isYAML(f) && apiVersion.Match(f.text) && kindLine.Match(f.text) },
	parse: parseYAML,
	edits: func(f *file, c Change) ([]edit, error) {
		s, err := f.scalar(c)
		if err != nil || s == nil {
			return f.unusedEdit, err
		}
		kind := s.kind()
		if kind == "Secret" || kind == "SealedSecret" {
			return nil, errors.New("a Secret in a repository cannot be rewritten: take the manifest out, and make the Secret from the vault (remint vault show … | kubectl create secret)")
		}
		if !slices.Contains(workloads, kind) {
			return nil, fmt.Errorf("nobody knows here whether a manifest of the kind %q takes secrets", kind)
		}
		m := s.path[len(s.path)-2]
		name := value(m, "name")
		if s.key() == nil || s.key().Value != "value" || !envName.MatchString(name) || len(s.keys) < 2 || s.keys[len(s.keys)-2] != "env" {
			return nil, fmt.Errorf("only the environment variable of a container takes a secret (%s)", kind)
		}
		if !s.whole(c) {
			return nil, errors.New("it is a part of a longer value")
		}
		secret, item := strings.ReplaceAll(path.Dir(c.Entry), "/", "-"), path.Base(c.Entry)
		if secret == "." {
			secret = "remint"
		}
		secret, item = strings.ToLower(strings.ReplaceAll(secret, "_", "-")), strings.ToLower(item)
		f.note("Kubernetes: make the Secret: remint vault show %s --reveal | kubectl create secret generic %s --from-file=%s=/dev/stdin", c.Entry, secret, item)
		key := s.key()
		return []edit{{s.offsets.at(key.Line, key.Column), s.end, fmt.Sprintf("valueFrom: {secretKeyRef: {name: %s, key: %s}}", secret, item)}}, nil
	},
	variable: func(f *file, start, end int) string {
		s, ok := scalarAt(f.text, start, end)
		if !ok || len(s.path) < 2 {
			return ""
		}
		if name := value(s.path[len(s.path)-2], "name"); s.key() != nil && s.key().Value == "value" && envName.MatchString(name) {
			return name
		}
		return ""
	},
}

// kind is the kind of the innermost object that a scalar is in.
func (s *scalar) kind() string {
	for _, n := range slices.Backward(s.path) {
		if k := value(n, "kind"); k != "" && value(n, "apiVersion") != "" {
			return k
		}
	}
	return "a manifest"
}

// value is a field of a mapping; "" for none.
func value(m *yaml.Node, name string) string {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1].Value
		}
	}
	return ""
}
