package scope

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// kubernetesTexts are the strings of a file that were read for what they hold, by
// their places: one that many aliases name is read once.
type kubernetesTexts map[int]bool

// yaml are the documents that a string holds, with their places in the file:
// none where quoting moved its bytes, or where it was read before. A template's
// actions in the string are left to its own reading.
func (e kubernetesTexts) yaml(f *File, n *document.Node) []*document.Node {
	if n == nil || n.Kind != document.String && n.Kind != document.Unknown || e[n.Start] {
		return nil
	}
	start := n.Start
	e[start] = true
	if line := bytes.LastIndexByte(f.Text[:start], '\n') + 1; len(bytes.TrimSpace(f.Text[line:start])) == 0 {
		start = line // the first line's indentation is the text's as well
	}
	p, err := document.Parse("embedded.yaml", f.Text[start:n.End], nil)
	if err != nil {
		return nil // it is a string, whatever it holds
	}
	for _, d := range p.Docs {
		shift(d, start)
	}
	return p.Docs
}

// shift moves the places of a tree, of which nodes may stand twice: an alias
// and what it names are one.
func shift(root *document.Node, by int) {
	moved := make(map[*document.Node]bool)
	var move func(n *document.Node)
	move = func(n *document.Node) {
		if n == nil || moved[n] {
			return
		}
		moved[n] = true
		n.Start, n.End = n.Start+by, n.End+by
		for _, i := range n.Items {
			move(i)
		}
		for _, m := range n.Members {
			move(m.Key)
			move(m.Value)
		}
	}
	move(root)
}

// readInlinePatches reads the patches that Kustomize's and Flux's objects hold
// as strings; what such a string holds is not looked into again.
func readInlinePatches(f *File, m *manifest, texts kubernetesTexts) {
	m.Walk(func(n *document.Node) bool {
		var patches []*document.Node
		if p := n.Get("patch"); p != nil {
			patches = append(patches, p)
		}
		for _, p := range append(patches, n.Get("patchesStrategicMerge").Values()...) {
			for _, d := range texts.yaml(f, p) {
				readPatches(f, strings.TrimSpace("patch of "+n.Get("target", "kind").Str()), d)
				within := manifests(nil, d)
				readObjects(f, slices.DeleteFunc(within, func(o manifest) bool { return holdsPatches(o.kind) }))
			}
		}
		return true
	})
}

// holdsPatches tells the kinds of Kustomize's and Flux's objects.
func holdsPatches(kind string) bool { return kind == "Kustomization" || kind == "HelmRelease" }

// Paths of a JSON patch (RFC 6902) on roles.
var (
	patchedRule  = regexp.MustCompile(`^/rules(/(\d+|-))?$`)
	patchedVerbs = regexp.MustCompile(`^/rules/\d+/verbs(/(\d+|-))?$`)
)

// readPatches reads a JSON patch on a role or a binding.
func readPatches(f *File, subject string, d *document.Node) {
	for _, p := range d.Values() {
		at, value := p.Get("path").Str(), p.Get("value")
		if !p.Get("op").Is("add", "replace") || value == nil {
			continue
		}
		switch {
		case patchedRule.MatchString(at):
			if value.Kind != document.List {
				value = &document.Node{Kind: document.List, Items: []*document.Node{value}}
			}
			for _, r := range value.Items {
				if isPolicyRule(r) {
					readRules(f, subject, &document.Node{Kind: document.List, Items: []*document.Node{r}}, strings.HasSuffix(subject, "ClusterRole"))
				}
			}
		case patchedVerbs.MatchString(at):
			if s := oneOf(value, []string{"*"}); s != nil {
				problem, _ := (&PolicyRule{Verbs: []string{"*"}, Resources: []string{"of the role"}}).Judge()
				problem.Subject = subject
				f.Report(s, problem)
			}
		case at == "/roleRef/name":
			judgeRoleRef(f, subject, value, nil, strings.HasSuffix(subject, "ClusterRoleBinding"))
		case at == "/roleRef":
			judgeRoleRef(f, subject, value.Get("name"), value.Get("kind"), strings.HasSuffix(subject, "ClusterRoleBinding"))
		}
	}
}

// readValues reads the rules among a chart's values, which its templates put
// into a role as they stand.
func readValues(f *File, d *document.Node) {
	if !strings.Contains(strings.ToLower(path.Base(f.Path)), "values") || d.Get("kind") != nil {
		return
	}
	d.Walk(func(n *document.Node) bool {
		for _, m := range n.Entries() {
			for _, r := range m.Value.Values() {
				if isPolicyRule(r) {
					readRules(f, "values "+m.Key.Text, &document.Node{Kind: document.List, Items: []*document.Node{r}}, false)
				}
			}
		}
		return true
	})
}
