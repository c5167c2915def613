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

// kubernetesFormat reads manifests, what Helm makes, Helm's own templates, and
// the bundles of the Operator Lifecycle Manager.
// Source: kubernetes.io/docs/concepts/security/rbac-good-practices,
// kubernetes.io/docs/reference/access-authn-authz/rbac.
var kubernetesFormat = Format{
	Name:  "kubernetes",
	Files: "manifests in YAML and JSON, also Helm's templates and output, Lists and the bundles of operators",
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
	Match: func(name string) bool { return hasExt(name, ".yaml", ".yml", ".json") },
	Hints: []string{"rbac.authorization.k8s.io", "authorization.openshift.io", "serviceAccount", "ServiceAccount", "automountServiceAccountToken", "service-account-token", "clusterPermissions"},
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
		all = manifests(all, d)
	}
	for i := range all {
		m := &all[i]
		switch m.kind {
		case "Role", "ClusterRole":
			if !strings.HasPrefix(m.Get("metadata", "labels", "kubernetes.io/bootstrapping").Str(), "rbac") {
				readRules(f, m.subject(), m.Get("rules"), m.kind == "ClusterRole" && !boundInNamespace(all, m.name))
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
			if t := m.Get("type"); t.Is("kubernetes.io/service-account-token") {
				f.Report(t, Problem{Rule: kubernetesToken, Subject: m.subject(), Why: "makes a token that never ends",
					Narrower: "kubectl create token " + word(m.Get("metadata", "annotations", "kubernetes.io/service-account.name").Str(), "ACCOUNT") + ", or a projected serviceAccountToken volume"})
			}
		default:
			readWorkload(f, m, all)
		}
	}
}

// manifests are the objects of a document, those of a List one by one.
func manifests(all []manifest, d *document.Node) []manifest {
	kind := d.Get("kind").Str()
	if kind == "" || d.Get("apiVersion") == nil {
		return all
	}
	if list := d.Get("items"); strings.HasSuffix(kind, "List") && list != nil {
		for _, i := range list.Values() {
			all = manifests(all, i)
		}
		return all
	}
	return append(all, manifest{d, kind, d.Get("metadata", "name").Str()})
}

// boundInNamespace tells whether all that binds a ClusterRole in the file does
// so within a namespace.
func boundInNamespace(all []manifest, name string) bool {
	within := false
	for i := range all {
		if name == "" || !all[i].Get("roleRef", "name").Is(name) || !all[i].Get("roleRef", "kind").Is("ClusterRole") {
			continue
		}
		if all[i].kind == "ClusterRoleBinding" {
			return false
		}
		within = true
	}
	return within
}

func readRules(f *File, subject string, rules *document.Node, everywhere bool) {
	for _, r := range rules.Values() {
		p := PolicyRule{
			Verbs: r.Get("verbs").Texts(), Groups: r.Get("apiGroups").Texts(), Resources: r.Get("resources").Texts(),
			Names: r.Get("resourceNames").Texts(), URLs: r.Get("nonResourceURLs").Texts(),
		}
		if problem, ok := p.Judge(); ok {
			problem.Subject = subject
			f.Report(star(r), problem)
			continue
		}
		if !r.Known() {
			f.Unknown(r)
		}
		if problem, at, ok := judgeEscalation(r, &p, everywhere); ok {
			problem.Subject = subject
			f.Report(at, problem)
		}
	}
}

// star is where a rule's wildcard stands.
func star(r *document.Node) *document.Node {
	for _, key := range []string{"verbs", "resources", "apiGroups", "nonResourceURLs"} {
		for _, s := range r.Get(key).Strings() {
			if s.Text == "*" {
				return s
			}
		}
	}
	return r.Key("verbs")
}

// judgeEscalation says what of a rule without wildcards leads further.
func judgeEscalation(r *document.Node, p *PolicyRule, everywhere bool) (Problem, *document.Node, bool) {
	if len(p.Names) > 0 || r.Get("resourceNames") != nil {
		return Problem{}, nil, false
	}
	has := func(verbs ...string) bool {
		return slices.ContainsFunc(p.Verbs, func(v string) bool { return slices.Contains(verbs, v) })
	}
	for _, res := range r.Get("resources").Strings() {
		switch res.Text {
		case "roles", "clusterroles":
			if has("escalate", "bind") {
				return Problem{Rule: kubernetesEscalate, Why: "may grant permissions that its holder does not have (escalate, bind)", Narrower: "the verbs without escalate and bind, or resourceNames with the roles that are meant"}, res, true
			}
		case "users", "groups", "serviceaccounts":
			if has("impersonate") && everywhere {
				return Problem{Rule: kubernetesEscalate, Why: "may act as anyone (impersonate)", Narrower: "resourceNames with the accounts that are meant"}, res, true
			}
		case "serviceaccounts/token":
			if has("create") && everywhere {
				return Problem{Rule: kubernetesEscalate, Why: "makes tokens of every ServiceAccount of the cluster", Narrower: "a Role in the namespace of the account, with its resourceNames"}, res, true
			}
		case "nodes/proxy":
			if everywhere && has("get", "create", "update") {
				return Problem{Rule: kubernetesEscalate, Why: "reaches the kubelets, and through them runs commands in every pod", Narrower: "nodes/metrics or nodes/stats, with get"}, res, true
			}
		case "pods/exec", "pods/attach":
			if everywhere && has("create", "get") {
				return Problem{Rule: kubernetesEscalate, Severity: rule.Medium, Why: "runs commands in every pod of the cluster", Narrower: "a Role in the namespaces where it is needed"}, res, true
			}
		case "secrets":
			if everywhere && has(readVerbs...) && slices.Contains(p.Groups, "") {
				return Problem{Rule: kubernetesSecrets, Why: "reads every Secret of the cluster, in it the tokens of accounts that may do more", Narrower: "a Role in the namespace where the Secrets are, with their resourceNames"}, res, true
			}
		}
	}
	return Problem{}, nil, false
}

// everyone are the groups and users that anyone belongs to.
var everyone = []string{"system:unauthenticated", "system:anonymous", "system:authenticated", "system:serviceaccounts"}

func readBinding(f *File, m *manifest) {
	role := m.Get("roleRef", "name")
	cluster := m.kind == "ClusterRoleBinding"
	if m.Get("roleRef", "name") != nil && role.Str() == "" {
		f.Unknown(role)
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
			return
		case name.Is("default") && s.Get("kind").Is("ServiceAccount") && !role.Is("cluster-admin"):
			f.Report(name, Problem{Rule: kubernetesDefault, Subject: m.subject(),
				Why: "gives " + word(role.Str(), "a role") + " to every pod of the namespace that names no account", Narrower: "a ServiceAccount of its own for the workload that needs it"})
		}
	}
	if role.Is("cluster-admin") && systemMasters(m) {
		return
	}
	switch {
	case role.Is("cluster-admin") && cluster:
		f.Report(role, Problem{Rule: kubernetesAdmin, Subject: m.subject(), Why: "opens the whole cluster and all its Secrets", Narrower: "a ClusterRole of its own with the verbs and resources that are used"})
	case role.Is("cluster-admin"):
		f.Report(role, Problem{Rule: kubernetesAdmin, Severity: rule.High, Subject: m.subject(), Why: "opens everything in the namespace, also its roles and Secrets", Narrower: "a Role of its own with the verbs and resources that are used"})
	case role.Is("admin", "edit") && cluster && m.Get("roleRef", "kind").Is("ClusterRole"):
		f.Report(role, Problem{Rule: kubernetesAdmin, Severity: rule.High, Subject: m.subject(), Why: "changes nearly everything in every namespace, and reads all Secrets", Narrower: "a RoleBinding in the namespaces that are meant"})
	}
}

// systemMasters tells whether a binding is Kubernetes' own for its
// administrators.
func systemMasters(m *manifest) bool {
	subjects := m.Get("subjects").Values()
	return len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s *document.Node) bool { return !s.Get("name").Is("system:masters") })
}

// readWorkload looks for tokens that a pod gets and cannot use: of an account
// that the file makes and binds to nothing, though it binds others.
func readWorkload(f *File, m *manifest, all []manifest) {
	pod := podOf(m)
	if pod == nil || f.Templated() {
		return
	}
	mount, said := pod.Get("automountServiceAccountToken").Bool()
	account := pod.Get("serviceAccountName")
	if said && mount && (account == nil || account.Is("default", "")) {
		f.Report(pod.Key("automountServiceAccountToken"), Problem{Rule: kubernetesUnused, Subject: m.subject(),
			Why: "mounts the token of the default account, which is for nobody in particular", Narrower: "automountServiceAccountToken: false, or a ServiceAccount of its own"})
		return
	}
	if said && !mount || account.Str() == "" || !bindsOthersOnly(all, account.Text) {
		return
	}
	f.Report(account, Problem{Rule: kubernetesUnused, Subject: m.subject(),
		Why: "mounts the token of an account that nothing is granted to", Narrower: "automountServiceAccountToken: false"})
}

// podOf is the specification of the pods that a workload makes.
func podOf(m *manifest) *document.Node {
	switch m.kind {
	case "Pod":
		return m.Get("spec")
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController":
		return m.Get("spec", "template", "spec")
	case "CronJob":
		return m.Get("spec", "jobTemplate", "spec", "template", "spec")
	}
	return nil
}

// bindsOthersOnly tells whether a file makes an account, without a cloud's or
// an automount's annotation, and binds accounts, but never this one.
func bindsOthersOnly(all []manifest, account string) bool {
	made, binds := false, false
	for i := range all {
		m := &all[i]
		switch {
		case m.kind == "ServiceAccount" && m.name == account:
			mount, said := m.Get("automountServiceAccountToken").Bool()
			if len(m.Get("metadata", "annotations").Entries()) > 0 || said && !mount {
				return false
			}
			made = true
		case strings.HasSuffix(m.kind, "RoleBinding"):
			for _, s := range m.Get("subjects").Values() {
				name := s.Get("name")
				if name.Is(account) || name.Str() == "" || strings.HasPrefix(name.Text, "system:") {
					return false
				}
				binds = true
			}
		}
	}
	return made && binds
}
