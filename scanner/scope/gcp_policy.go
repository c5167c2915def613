package scope

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// readGCPDocument reads what is not Terraform: policies as gcloud prints them,
// custom roles, Deployment Manager, and the manifests of Config Connector and
// Crossplane.
func readGCPDocument(f *File, d *document.Node) {
	if p := d.Get("includedPermissions"); p != nil {
		readCustomRole(f, word(d.Get("title").Str(), "role"), p.Values())
	}
	walkGrants(f, d, "policy", policyPlace(d))
}

// policyPlace guesses what a policy is of that does not say so: one whose
// roles are all of one service may be a bucket's or an account's.
func policyPlace(d *document.Node) string {
	services := make(map[string]bool)
	for _, b := range d.Get("bindings").Values() {
		service, _, _ := strings.Cut(strings.TrimPrefix(b.Get("role").Str(), "roles/"), ".")
		services[service] = true
	}
	if len(services) == 1 {
		return anyPlace
	}
	return onProject
}

// memberKinds are how members of a binding start.
var memberKinds = []string{"user:", "group:", "serviceAccount:", "domain:", "principal://", "principalSet://", "allUsers", "allAuthenticatedUsers", "deleted:", "projectOwner:", "projectEditor:"}

func isPrincipal(s string) bool {
	for _, p := range memberKinds {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// keyKind is the type of a service account's key in Deployment Manager and in
// Pulumi's YAML.
var keyKind = regexp.MustCompile(`^(iam\.v1\.serviceAccounts\.key|gcp-types/iam-v1:projects\.serviceAccounts\.keys|gcp:service[aA]ccount(/key)?:Key)$`)

// walkGrants looks through a tree for what binds roles to members, whichever
// way it is written, and for machines that have the default account.
func walkGrants(f *File, n *document.Node, subject, place string) {
	if n == nil {
		return
	}
	subject, place = around(n, subject, place)
	conditional := narrowed(n.Get("condition"))
	if role, who := n.Get("role"), membersOf(n); role != nil && len(who) > 0 {
		judgeBinding(f, binding{subject, role, who, place, conditional})
	}
	for _, m := range n.Entries() {
		switch key := m.Key.Text; {
		case strings.HasPrefix(key, "roles/") && m.Value.Kind == document.List:
			judgeBinding(f, binding{subject, m.Key, m.Value.Items, place, false})
		case isPrincipal(key):
			for _, r := range m.Value.Strings() {
				if strings.HasPrefix(r.Text, "roles/") {
					judgeBinding(f, binding{subject, r, []*document.Node{m.Key}, place, false})
				}
			}
		}
	}
	if kind := n.Get("type"); keyKind.MatchString(kind.Str()) {
		f.Report(kind, Problem{Rule: gcpKey, Subject: subject, Why: "makes a key that never ends, and keeps it in the deployment's state", Narrower: "workload identity federation, or the account attached to the workload"})
	}
	readMachine(f, n, subject)
	readProvider(f, subject, n.Get("oidc", "issuerUri"), n.Get("attributeCondition"))
	for _, i := range n.Items {
		walkGrants(f, i, subject, place)
	}
	for _, m := range n.Members {
		walkGrants(f, m.Value, subject, place)
	}
}

// around tells what a map says of itself that holds for all within it: its
// name, and what it binds roles on.
func around(n *document.Node, subject, place string) (string, string) {
	kind := word(n.Get("kind").Str(), n.Get("type").Str())
	if kind != "" {
		place = boundOn(kind)
		subject = strings.TrimSpace(kind + " " + word(n.Get("metadata", "name").Str(), n.Get("name").Str()))
	}
	if on := n.Get("spec", "resourceRef", "kind"); on.Str() != "" {
		place = boundOn(on.Text)
	}
	if on := n.Get("resource").Str(); on != "" && n.Get("policy") != nil { // of Cloud Asset Inventory
		subject = on
		place = onResource
		if rest, ok := strings.CutPrefix(on, "//cloudresourcemanager.googleapis.com/"); ok {
			place = boundOn(rest)
		}
	}
	return subject, place
}

// membersOf are the members of a binding. Config Connector has each in a map.
func membersOf(n *document.Node) []*document.Node {
	var all []*document.Node
	for _, key := range []string{"members", "member"} {
		for _, m := range append(n.Get(key).Values(), n.Get(key)) {
			if inner := m.Get("member"); inner != nil {
				m = inner
			}
			if m != nil && m.Kind != document.List && (m.Kind != document.String || isPrincipal(m.Text) || strings.Contains(m.Text, "$(")) {
				all = append(all, m)
			}
		}
	}
	if n.Get("memberFrom") != nil {
		all = append(all, n.Get("memberFrom"))
	}
	return all
}

// readMachine reports the default account with every scope: of an instance,
// and of a cluster's nodes. What a template leaves out may be filled in.
func readMachine(f *File, n *document.Node, subject string) {
	isDefault := func(email, ref *document.Node) bool {
		return ref == nil && defaultAccount(email) && (email != nil || !f.Templated())
	}
	for _, a := range append(n.Get("serviceAccounts").Values(), n.Get("serviceAccount")) {
		if a != nil && a.Kind == document.Map && isDefault(a.Get("email"), a.Get("serviceAccountRef")) {
			reportMachine(f, subject, a.Get("scopes").Strings())
		}
	}
	if isDefault(n.Get("serviceAccount"), n.Get("serviceAccountRef")) {
		reportMachine(f, subject, n.Get("oauthScopes").Strings())
	}
}

// readGCPManifest reads what only Config Connector and Crossplane have: keys,
// custom roles and access lists that a manifest makes.
func readGCPManifest(f *File, d *document.Node) {
	kind, group, spec := d.Get("kind"), d.Get("apiVersion").Str(), d.Get("spec")
	connector, crossplane := strings.Contains(group, "cnrm.cloud.google.com/"), strings.Contains(group, "gcp.")
	if !connector && !crossplane {
		return
	}
	if provider := spec.Get("forProvider"); provider != nil {
		spec = provider
	}
	subject := kind.Str() + " " + d.Get("metadata", "name").Str()
	switch {
	case kind.Is("IAMServiceAccountKey"), kind.Is("ServiceAccountKey") && crossplane:
		f.Report(kind, Problem{Rule: gcpKey, Subject: subject, Why: "makes a key that never ends, and keeps it in a Secret", Narrower: "roles/iam.workloadIdentityUser on the account, for the Kubernetes account that needs it"})
	case strings.HasSuffix(kind.Str(), "CustomRole"):
		readCustomRole(f, subject, spec.Get("permissions").Strings())
	case strings.HasSuffix(kind.Str(), "AccessControl"):
		if who := spec.Get("entity"); who.Is("allUsers", "allAuthenticatedUsers") {
			f.Report(who, publicBinding(&binding{subject: subject, role: aclRole(spec.Get("role"), "READER")}, who.Text))
		}
	}
}
