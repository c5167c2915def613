package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Kubernetes' rules of manifests, beside KubernetesRule.
const (
	kubernetesAdmin     = "scope-kubernetes-admin"
	kubernetesAnonymous = "scope-kubernetes-anonymous"
	kubernetesSecrets   = "scope-kubernetes-secrets"
	kubernetesEscalate  = "scope-kubernetes-escalate"
	kubernetesDefault   = "scope-kubernetes-default-account"
	kubernetesToken     = "scope-kubernetes-token"
	kubernetesUnused    = "scope-kubernetes-token-unused"
)

// kubernetesFormat reads manifests, what Helm makes, Helm's own templates and
// values, Kustomize's patches, EKS's mappings of its administrators, and
// the bundles of the Operator Lifecycle Manager.
// Source: kubernetes.io/docs/concepts/security/rbac-good-practices,
// kubernetes.io/docs/reference/access-authn-authz/rbac.
var kubernetesFormat = Format{
	Name:  "kubernetes",
	Files: "manifests in YAML and JSON, also Helm's templates, values and output, Lists, Kustomize's patches, the bundles of operators, the mappings of EKS, and Terraform's `kubernetes_*` and `kubectl_manifest`",
	Rules: []Rule{
		kubernetesRule,
		{
			ID: kubernetesAdmin, Name: "Kubernetes binding to an administrator's role", Severity: rule.Critical,
			Opens: "The whole cluster, all its Secrets, and so every workload and account in it.",
			Steps: "Bind a Role of its own with the verbs and resources that are used, in the namespace where they are.",
			URL:   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege",
		},
		{
			ID: kubernetesAnonymous, Name: "Kubernetes binding for anyone", Severity: rule.Critical,
			Opens: "What the role grants, for whoever reaches the API server.",
			Steps: "Bind the accounts that are meant; only discovery is for everyone.",
			URL:   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#hardening",
		},
		{
			ID: kubernetesSecrets, Name: "Kubernetes role that reads every Secret of the cluster", Severity: rule.Medium,
			Opens: "Every Secret, in it the tokens of accounts that may do more.",
			Steps: "Read Secrets by a Role in the namespace where they are, by their resourceNames where these are known.",
			URL:   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets",
		},
		{
			ID: kubernetesEscalate, Name: "Kubernetes role by which its holder takes on others", Severity: rule.High,
			Opens: "The permissions of whomever the holder impersonates, binds or makes a token for.",
			Steps: "Leave the verb out, or name the roles and accounts that are meant in resourceNames.",
			URL:   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb",
		},
		{
			ID: kubernetesDefault, Name: "Kubernetes role for a namespace's default account", Severity: rule.Medium,
			Opens: "What the role grants, for every pod of the namespace that names no account.",
			Steps: "Make a ServiceAccount for the workload that needs the role, and bind that.",
			URL:   "https://kubernetes.io/docs/concepts/security/service-accounts/",
		},
		{
			ID: kubernetesToken, Name: "Kubernetes token without an end", Severity: rule.Medium,
			Opens: "What the ServiceAccount may do, for whoever reads the Secret, until someone deletes it.",
			Steps: "Use a projected token, or kubectl create token, which end by themselves.",
			URL:   "https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token",
		},
		{
			ID: kubernetesUnused, Name: "Kubernetes token that is mounted and not used", Severity: rule.Low,
			Opens: "The API server, as the pod's account, for whoever breaks into the pod.",
			Steps: "Set automountServiceAccountToken: false.",
			URL:   "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
		},
	},
	Match: func(name string) bool { return hasExt(name, ".yaml", ".yml", ".json") || isTerraform(name) },
	Hints: []string{"kubernetes_role", "kubernetes_cluster_role", "ClusterRole", "RoleBinding", "apiGroups", "roleRef", "nonResourceURLs", "serviceAccount", "ServiceAccount", "service-account-token", "system:masters"},
	Read:  readKubernetes,
}

// manifest is an object of a manifest file.
type manifest struct {
	*document.Node
	kind, name string
}

func (m *manifest) subject() string { return strings.TrimSpace(m.kind + " " + m.name) }

func readKubernetes(f *File) {
	var all []manifest
	for _, d := range f.Docs() {
		if isTerraform(f.Path) {
			readKubernetesTerraform(f, d)
			continue
		}
		if d.Get("openapi") != nil || d.Get("swagger") != nil {
			continue // its manifests are examples
		}
		readPatches(f, "patch", d)
		readValues(f, d)
		all = manifests(all, d)
	}
	readObjects(f, all)
}

func readObjects(f *File, all []manifest) {
	known := knowTogether(all)
	for i := range all {
		readManifest(f, &all[i], known)
	}
}

func readManifest(f *File, m *manifest, known *together) {
	switch m.kind {
	case "Role", "ClusterRole":
		if !strings.HasPrefix(m.Get("metadata", "labels", "kubernetes.io/bootstrapping").Str(), "rbac") {
			for _, rules := range m.All("rules") {
				readRules(f, m.subject(), rules, m.kind == "ClusterRole" && !known.inNamespaces(m.name))
			}
			readAggregation(f, m)
		}
	case "RoleBinding", "ClusterRoleBinding":
		readBinding(f, m)
	case "ClusterServiceVersion":
		spec := m.Get("spec", "install", "spec")
		for _, p := range spec.Get("clusterPermissions").Values() {
			readRules(f, m.subject(), p.Get("rules"), true)
		}
		for _, p := range spec.Get("permissions").Values() {
			readRules(f, m.subject(), p.Get("rules"), false)
		}
	case "Secret":
		account := m.Get("metadata", "annotations", "kubernetes.io/service-account.name")
		if t := m.Get("type"); t.Is("kubernetes.io/service-account-token") && (account != nil || f.Templated()) { // without an account no token is made
			f.Report(t, Problem{Rule: kubernetesToken, Subject: m.subject(), Why: "makes a token that never ends",
				Narrower: "kubectl create token " + word(account.Str(), "ACCOUNT") + ", or a projected serviceAccountToken volume"})
		}
	case "ServiceAccount":
		if mount, _ := m.Get("automountServiceAccountToken").Bool(); mount && m.name == "default" {
			f.Report(m.Get("automountServiceAccountToken"), Problem{Rule: kubernetesUnused, Subject: m.subject(),
				Why: "mounts a token into every pod of the namespace that names no account", Narrower: "automountServiceAccountToken: false"})
		}
	case "ConfigMap", "ClusterConfig":
		readMasters(f, m, known.texts)
	case "Kustomization", "HelmRelease":
		readInlinePatches(f, m, known.texts)
	default:
		readWorkload(f, m, known)
	}
}

// manifests are the objects of a document: those of a List one by one, and
// those that a template, a task or a policy holds.
func manifests(all []manifest, d *document.Node) []manifest {
	d.Walk(func(n *document.Node) bool {
		kind := kindOf(n)
		switch {
		case kind == "":
			return true
		case kind == "CustomResourceDefinition" || n.Get("$patch").Is("delete"):
			return false
		case strings.HasSuffix(kind, "List") && n.Get("items") != nil:
			for _, i := range n.Get("items").Values() {
				if i.Get("kind") == nil { // the API server leaves it out
					all = append(all, manifest{i, strings.TrimSuffix(kind, "List"), i.Get("metadata", "name").Str()})
				}
			}
			return true
		}
		all = append(all, manifest{n, kind, n.Get("metadata", "name").Str()})
		return !holdsPatches(kind)
	})
	return all
}

// kindOf is an object's kind, "" of what is none. Where a template fills in
// whether a role is a namespace's, its parts tell that it is a role; where it
// has a line for either case, the role may be the cluster's.
func kindOf(n *document.Node) string {
	kind := n.Get("kind")
	switch {
	case kind == nil || n.Get("apiVersion") == nil:
		return ""
	case kind.Kind != document.Unknown:
		for _, k := range n.All("kind") {
			if k.Is("Cluster" + kind.Str()) {
				return k.Text
			}
		}
		return kind.Str()
	case n.Get("roleRef") != nil:
		return "RoleBinding"
	case slices.ContainsFunc(n.Get("rules").Values(), isPolicyRule):
		return "Role"
	}
	return ""
}

// everyone are the groups and users that anyone belongs to.
var everyone = []string{"system:unauthenticated", "system:anonymous", "system:authenticated", "system:serviceaccounts"}

func readBinding(f *File, m *manifest) {
	role, ours := m.Get("roleRef", "name"), systemMasters(m)
	for _, ref := range m.All("roleRef") { // of a template, that of either case
		for _, name := range ref.All("name") {
			if name.Str() == "" {
				f.Unknown(name)
			}
			if !ours {
				judgeRoleRef(f, m.subject(), name, ref.Get("kind"), m.kind == "ClusterRoleBinding")
			}
		}
	}
	for _, s := range m.Get("subjects").Values() {
		name := s.Get("name")
		switch {
		case name.Is(everyone...):
			if role.Is("system:discovery", "system:basic-user", "system:public-info-viewer", "system:service-account-issuer-discovery") {
				continue
			}
			who, severity := "everyone who has an account of any kind in the cluster", rule.High
			if name.Is("system:unauthenticated", "system:anonymous") {
				who, severity = "everyone who reaches the API server, without an account,", rule.Critical
			}
			f.Report(name, Problem{Rule: kubernetesAnonymous, Severity: severity, Subject: m.subject(),
				Why: who + " gets " + word(role.Str(), "a role"), Narrower: "the accounts that are meant, as subjects"})
		case name.Is("default") && s.Get("kind").Is("ServiceAccount"):
			f.Report(name, Problem{Rule: kubernetesDefault, Subject: m.subject(),
				Why: "gives " + word(role.Str(), "a role") + " to every pod of the namespace that names no account", Narrower: "a ServiceAccount of its own for the workload that needs it"})
		}
	}
}

// judgeRoleRef looks at the name of the role that is bound.
func judgeRoleRef(f *File, subject string, role, kind *document.Node, cluster bool) {
	switch {
	case role.Is("cluster-admin") && cluster:
		f.Report(role, Problem{Rule: kubernetesAdmin, Subject: subject, Why: "opens the whole cluster and all its Secrets", Narrower: "a ClusterRole of its own with the verbs and resources that are used"})
	case role.Is("cluster-admin"):
		f.Report(role, Problem{Rule: kubernetesAdmin, Severity: rule.High, Subject: subject, Why: "opens everything in the namespace, also its roles and Secrets", Narrower: "a Role of its own with the verbs and resources that are used"})
	case role.Is("admin", "edit") && cluster && !kind.Is("Role"):
		f.Report(role, Problem{Rule: kubernetesAdmin, Severity: rule.High, Subject: subject, Why: "changes nearly everything in every namespace, and reads all Secrets", Narrower: "a RoleBinding in the namespaces that are meant"})
	}
}

// systemMasters tells whether a binding is Kubernetes' own for its
// administrators.
func systemMasters(m *manifest) bool {
	subjects := m.Get("subjects").Values()
	return len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s *document.Node) bool { return !s.Get("name").Is("system:masters") })
}
