package scope

import (
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// together is what the objects of a file say of each other.
type together struct {
	// byCluster and byNamespace have the ClusterRoles that are bound so.
	byCluster, byNamespace map[string]bool
	// accounts are the ServiceAccounts that are made, true where nothing says
	// that they are for more than what they are bound to.
	accounts map[string]bool
	granted  map[string]bool // subjects, by their names
	// everyoneIs tells of a subject that any account may be.
	everyoneIs bool
	texts      kubernetesTexts
}

func knowTogether(all []manifest) *together {
	t := &together{byCluster: make(map[string]bool), byNamespace: make(map[string]bool), accounts: make(map[string]bool), granted: make(map[string]bool), texts: make(kubernetesTexts)}
	for i := range all {
		m := &all[i]
		switch m.kind {
		case "ServiceAccount":
			mount, said := m.Get("automountServiceAccountToken").Bool()
			plain := len(m.Get("metadata", "annotations").Entries()) == 0 && (mount || !said)
			before, twice := t.accounts[m.name]
			t.accounts[m.name] = plain && (before || !twice)
		case "RoleBinding", "ClusterRoleBinding":
			t.bind(m)
		}
	}
	return t
}

func (t *together) bind(m *manifest) {
	if role := m.Get("roleRef"); role.Get("kind").Is("ClusterRole") {
		bound := t.byNamespace
		if m.kind == "ClusterRoleBinding" {
			bound = t.byCluster
		}
		bound[role.Get("name").Str()] = true
	}
	for _, s := range m.Get("subjects").Values() {
		name := s.Get("name").Str()
		t.granted[name] = true
		t.everyoneIs = t.everyoneIs || name == "" || strings.HasPrefix(name, "system:")
	}
}

// inNamespaces tells whether all that binds a ClusterRole does so within a
// namespace.
func (t *together) inNamespaces(role string) bool {
	return role != "" && t.byNamespace[role] && !t.byCluster[role]
}

// unused tells whether the file makes an account, without a cloud's or an
// automount's annotation, and binds accounts, but never this one.
func (t *together) unused(account string) bool {
	return t.accounts[account] && len(t.granted) > 0 && !t.granted[account] && !t.everyoneIs
}

// readWorkload looks for tokens that a pod gets and cannot use: of an account
// that the file makes and binds to nothing, though it binds others.
func readWorkload(f *File, m *manifest, known *together) {
	pod := podOf(m)
	if pod == nil || f.Templated() {
		return
	}
	mount, said := pod.Get("automountServiceAccountToken").Bool()
	account := pod.Get("serviceAccountName")
	if account == nil {
		account = pod.Get("serviceAccount") // its old name
	}
	if said && mount && (account == nil || account.Is("default", "")) {
		f.Report(pod.Key("automountServiceAccountToken"), Problem{Rule: kubernetesUnused, Subject: m.subject(),
			Why: "mounts the token of the default account, which is for nobody in particular", Narrower: "automountServiceAccountToken: false, or a ServiceAccount of its own"})
		return
	}
	if said && !mount || account.Str() == "" || !known.unused(account.Text) {
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
