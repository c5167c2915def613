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
	parse: parseYAML,
	edits: func(f *file, c Change) ([]edit, error) {
		return inYAML(f, c, func(s *scalar) (string, error) {
			switch {
			case !strings.HasSuffix(path.Dir(f.path), ".github/workflows"):
				return "", errors.New("an action has no secrets: make it an input, and give it in the workflow")
			case !takesSecrets(s.keys):
				return "", fmt.Errorf("GitHub knows no secrets at %s", strings.Join(s.keys, "."))
			}
			f.note("GitHub: set the secret, which runners read: remint vault show %s --reveal | gh secret set %s", c.Entry, c.Variable)
			return "${{ secrets." + c.Variable + " }}", nil
		})
	},
	variable: envKey,
}

// takesSecrets tells whether the secrets context is there at a place of a
// workflow:
// https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability
func takesSecrets(keys []string) bool {
	n := len(keys)
	if n == 0 {
		return false
	}
	last, above := keys[n-1], ""
	if n > 1 {
		above = keys[n-2]
	}
	switch above {
	case "env", "secrets", "credentials", "outputs":
		return true
	case "with":
		return slices.Contains(keys, "steps")
	case "steps":
		return last == "run" || last == "name" || last == "working-directory"
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
	parse: parseYAML,
	edits: func(f *file, c Change) ([]edit, error) {
		s, err := f.scalar(c)
		if err != nil || s == nil {
			return f.unusedEdit, err
		}
		f.note("GitLab: set %s as a masked and protected variable of the project (Settings, CI/CD, Variables)", c.Variable)
		if envKey(f, c.Start, c.End) == c.Variable && s.whole(c) && len(s.keys) > 0 {
			if s.flow {
				return nil, errors.New("a variable cannot have the value of itself: write the variables over several lines")
			}
			return s.dropPair(f, "# "+c.Variable+" is a CI/CD variable of the project: "+c.Entry)
		}
		return s.put(c, "$"+c.Variable)
	},
	variable: envKey,
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
	apiVersion = regexp.MustCompile(`(?m)^apiVersion:[ \t]*\S`)
	kindLine   = regexp.MustCompile(`(?m)^kind:[ \t]*\S`)
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
		kind := field(s.path[0], "kind")
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

// field is a field of a document's mapping.
func field(document *yaml.Node, name string) string {
	if len(document.Content) == 0 {
		return ""
	}
	return value(document.Content[0], name)
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
