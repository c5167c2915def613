package scope

import (
	"errors"
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// kubernetesKinds are Terraform's resources, without the version of the API
// that may end their names, and the kinds of the objects that they make.
// Source: registry.terraform.io/providers/hashicorp/kubernetes/latest/docs.
var kubernetesKinds = map[string]string{
	"kubernetes_role": "Role", "kubernetes_cluster_role": "ClusterRole",
	"kubernetes_role_binding": "RoleBinding", "kubernetes_cluster_role_binding": "ClusterRoleBinding",
	"kubernetes_secret": "Secret", "kubernetes_config_map": "ConfigMap", "kubernetes_config_map_v1_data": "ConfigMap",
}

// maxKubernetesObjects is how many objects the resources of one file may make:
// each is judged for itself, in every round of its "for_each".
const maxKubernetesObjects = 10_000

var errKubernetesRepeated = errors.New("its resources are repeated too often for all of them to be read")

// readKubernetesTerraform reads resources as the manifests that they stand for.
func readKubernetesTerraform(f *File, d *document.Node) {
	t, texts := newTerraform(f, d), make(kubernetesTexts)
	var all []manifest
	for _, b := range document.Blocks(d, "resource") {
		switch kind := b.Labels[0].Text; kind {
		case "kubernetes_manifest":
			all = manifests(all, b.Body.Get("manifest"))
		case "kubectl_manifest":
			for _, m := range kubernetesYAML(f, texts, b.Body.Get("yaml_body")) {
				all = manifests(all, m)
			}
		default:
			if kind = kubernetesKinds[strings.TrimSuffix(kind, "_v1")]; kind == "" {
				continue
			}
			for _, names := range t.rounds(b.Body) {
				all = append(all, t.kubernetesObject(kind, &b, names))
			}
		}
		if len(all) > maxKubernetesObjects {
			f.Fault(errKubernetesRepeated)
			break
		}
	}
	readObjects(f, all)
}

// kubernetesObject is the manifest of a resource. One whose name is not known
// is named by its address.
func (t *terraform) kubernetesObject(kind string, b *document.Block, names bound) manifest {
	metadata := t.kubernetesPart(kubernetesBlock(b.Body, "metadata"), names, "name", "annotations", "labels")
	m := manifest{t.kubernetesPart(b.Body, names, "type", "data"), kind, word(metadata.Get("name").Str(), b.Name())}
	kubernetesAdd(m.Node, "metadata", metadata)
	if ref := kubernetesBlock(b.Body, "role_ref"); ref != nil {
		role := t.kubernetesPart(ref, names, "name", "kind")
		if name := role.Get("name"); name != nil {
			*name = *t.kubernetesRoleName(name)
		}
		kubernetesAdd(m.Node, "roleRef", role)
	}
	for _, key := range []string{"rule", "subject"} {
		list := &document.Node{Kind: document.List}
		for _, r := range t.kubernetesBlocks(b.Body, key, names) {
			list.Items = append(list.Items, t.kubernetesPart(r.body, r.names, "name", "kind", "verbs", "resources", "api_groups", "resource_names", "non_resource_urls"))
		}
		kubernetesAdd(m.Node, key+"s", list)
	}
	if a := kubernetesBlock(b.Body, "aggregation_rule"); a != nil {
		kubernetesAdd(m.Node, "aggregationRule", t.kubernetesAggregation(a, names))
	}
	return m
}

func (t *terraform) kubernetesAggregation(rule *document.Node, names bound) *document.Node {
	list := &document.Node{Kind: document.List}
	for _, s := range t.kubernetesBlocks(rule, "cluster_role_selectors", names) {
		selector := t.kubernetesPart(s.body, s.names, "match_labels")
		kubernetesAdd(selector, "matchExpressions", &document.Node{Kind: document.List, Items: nested(s.body, "match_expressions")})
		list.Items = append(list.Items, selector)
	}
	made := &document.Node{Kind: document.Map}
	kubernetesAdd(made, "clusterRoleSelectors", list)
	return made
}

// kubernetesFields are the fields of objects by the names that Terraform has
// for them.
var kubernetesFields = map[string]string{
	"api_groups": "apiGroups", "resource_names": "resourceNames", "non_resource_urls": "nonResourceURLs", "match_labels": "matchLabels",
}

// kubernetesPart is a part of an object: those of a block's arguments that are
// asked for, with their values as far as the file says them.
func (t *terraform) kubernetesPart(body *document.Node, names bound, keys ...string) *document.Node {
	made := &document.Node{Kind: document.Map}
	if body != nil {
		made.Start, made.End = body.Start, body.End
	}
	for _, key := range keys {
		values := t.of(body.Get(key), names)
		if len(values) == 0 || values[0].Kind == document.Null {
			continue
		}
		value := *values[0]
		if value.Kind == document.List || len(values) > 1 {
			value = document.Node{Kind: document.List, Start: value.Start, End: value.End, Items: t.list(body.Get(key), names)}
		}
		name := *body.Key(key)
		name.Text = word(kubernetesFields[key], key)
		made.Members = append(made.Members, document.Member{Key: &name, Value: &value})
	}
	return made
}

// kubernetesAdd gives a map one more member.
func kubernetesAdd(n *document.Node, key string, value *document.Node) {
	at := &document.Node{Kind: document.String, Text: key, Start: value.Start, End: value.End}
	n.Members = append(n.Members, document.Member{Key: at, Value: value})
}

func kubernetesBlock(body *document.Node, kind string) *document.Node {
	if all := nested(body, kind); len(all) > 0 {
		return all[0]
	}
	return nil
}

// kubernetesRound is a block and what names stand for within it.
type kubernetesRound struct {
	body  *document.Node
	names bound
}

// kubernetesBlocks are the blocks within a block; one that "dynamic" makes is there
// once for each value that it is made for, or once where these are not known.
func (t *terraform) kubernetesBlocks(body *document.Node, kind string, names bound) []kubernetesRound {
	var all []kubernetesRound
	for _, n := range body.All(kind) {
		for _, item := range append(n.Values(), n) { // JSON may have a list
			if item.Kind == document.Map {
				all = append(all, kubernetesRound{item, names})
			}
		}
	}
	for _, d := range body.All("dynamic") {
		if len(d.Labels) == 0 || d.Labels[0].Text != kind {
			continue
		}
		iterator := kind
		if i := d.Get("iterator"); i != nil {
			iterator = i.Text
		}
		for _, inner := range t.kubernetesTurns(d, iterator, names) {
			all = append(all, kubernetesRound{d.Get("content"), inner})
		}
	}
	return all
}

// kubernetesTurns are what names stand for in every round of a "dynamic", as
// rounds are of "for_each".
func (t *terraform) kubernetesTurns(d *document.Node, iterator string, names bound) []bound {
	var all []bound
	for _, over := range t.of(d.Get("for_each"), names) {
		for _, m := range pairs(over) {
			inner := bound{iterator: pair(m)}
			for k, v := range names {
				if k != iterator {
					inner[k] = v
				}
			}
			all = append(all, inner)
		}
	}
	if len(all) == 0 {
		all = []bound{names}
	}
	return all
}

// kubernetesRole is a role of the same module.
var kubernetesRole = regexp.MustCompile(`^(?:\$\{)?(kubernetes_(?:cluster_)?role(?:_v1)?\.[\w-]+)[.\[]`)

// kubernetesRoleName is the name that a binding has its role by; that of a role which the
// file makes is known, at least as its address.
func (t *terraform) kubernetesRoleName(name *document.Node) *document.Node {
	m := kubernetesRole.FindStringSubmatch(name.Text)
	if m == nil {
		return name
	}
	known := *name
	known.Kind, known.Text = document.String, m[1]
	for _, v := range t.of(kubernetesBlock(t.named[m[1]], "metadata").Get("name"), nil) {
		known.Text = word(v.Str(), known.Text)
	}
	return &known
}

// kubernetesYAML are the documents that a text of Terraform holds. What is to be
// filled in there is not known.
func kubernetesYAML(f *File, texts kubernetesTexts, n *document.Node) []*document.Node {
	docs := texts.yaml(f, n)
	for _, d := range docs {
		d.Walk(func(at *document.Node) bool {
			if at.Kind == document.String && strings.Contains(at.Text, "${") {
				at.Kind = document.Unknown
			}
			return true
		})
	}
	return docs
}
