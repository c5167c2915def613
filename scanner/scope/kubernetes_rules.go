package scope

import (
	"slices"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// policyRule is a rule as a file has it.
func policyRule(r *document.Node) PolicyRule {
	p := PolicyRule{
		Verbs: r.Get("verbs").Texts(), Groups: r.Get("apiGroups").Texts(), Resources: r.Get("resources").Texts(),
		Names: r.Get("resourceNames").Texts(), URLs: r.Get("nonResourceURLs").Texts(),
	}
	if r.Get("apiGroups") == nil {
		p.Groups = []string{""}
	}
	return p
}

// isPolicyRule tells a rule of a role by its parts: those of webhooks and of
// audit policies are of another shape.
func isPolicyRule(n *document.Node) bool {
	return n.Get("verbs") != nil && n.Get("level") == nil && (n.Get("resources") != nil && n.Get("apiGroups") != nil || n.Get("nonResourceURLs") != nil)
}

func readRules(f *File, subject string, rules *document.Node, everywhere bool) {
	for _, r := range rules.Values() {
		p := policyRule(r)
		if problem, ok := p.Judge(); ok {
			problem.Subject = subject
			f.Report(star(r), problem)
			if slices.Contains(p.Verbs, "*") || slices.Contains(p.Resources, "*") {
				continue // which says it all
			}
		}
		if !r.Known() {
			f.Unknown(r)
		}
		readLeads(f, subject, r, &p, everywhere)
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

// lead is a permission without a wildcard that leads its holder further.
type lead struct {
	group            string
	resources, verbs []string
	// within tells that it leads further in a single namespace too.
	within bool
	// atVerb tells that the verb is what to leave out, not the resource.
	atVerb        bool
	rule          string
	severity      rule.Severity
	why, narrower string
}

// leads are from kubernetes.io/docs/concepts/security/rbac-good-practices.
var leads = []lead{
	{
		group: "rbac.authorization.k8s.io", resources: []string{"roles", "clusterroles"}, verbs: []string{"escalate", "bind"}, within: true, atVerb: true, rule: kubernetesEscalate,
		why: "may grant permissions that its holder does not have (escalate, bind)", narrower: "the verbs without escalate and bind, or resourceNames with the roles that are meant",
	},
	{
		resources: []string{"users", "groups", "serviceaccounts"}, verbs: []string{"impersonate"}, atVerb: true, rule: kubernetesEscalate,
		why: "may act as anyone (impersonate)", narrower: "resourceNames with the accounts that are meant",
	},
	{
		resources: []string{"serviceaccounts/token"}, verbs: []string{"create"}, rule: kubernetesEscalate,
		why: "makes tokens of every ServiceAccount of the cluster", narrower: "a Role in the namespace of the account, with its resourceNames",
	},
	{
		resources: []string{"nodes/proxy"}, verbs: []string{"get", "create", "update"}, rule: kubernetesEscalate,
		why: "reaches the kubelets, and through them runs commands in every pod", narrower: "nodes/metrics or nodes/stats, with get",
	},
	{
		resources: []string{"pods/exec", "pods/attach"}, verbs: []string{"create", "get"}, rule: kubernetesEscalate, severity: rule.Medium,
		why: "runs commands in every pod of the cluster", narrower: "a Role in the namespaces where it is needed",
	},
	{
		resources: []string{"pods/ephemeralcontainers"}, verbs: []string{"update", "patch"}, rule: kubernetesEscalate, severity: rule.Medium,
		why: "adds containers to every pod of the cluster", narrower: "a Role in the namespaces where it is needed",
	},
	{
		group: "certificates.k8s.io", resources: []string{"signers"}, verbs: []string{"approve", "sign"}, rule: kubernetesEscalate,
		why: "approves or signs certificates of every signer, and by them becomes another user", narrower: "resourceNames with the signer that is meant, such as kubernetes.io/kubelet-serving",
	},
	{
		resources: []string{"secrets"}, verbs: readVerbs, rule: kubernetesSecrets,
		why: "reads every Secret of the cluster, in it the tokens of accounts that may do more", narrower: "a Role in the namespace where the Secrets are, with their resourceNames",
	},
}

// readLeads looks for what of a rule without wildcards leads further. A rule
// for named objects alone does not, unless the name is the administrators'.
func readLeads(f *File, subject string, r *document.Node, p *PolicyRule, everywhere bool) {
	if names := r.Get("resourceNames"); len(names.Values()) > 0 || names != nil && names.Kind == document.Unknown {
		for _, n := range names.Strings() {
			if n.Is("system:masters") && slices.Contains(p.Verbs, "impersonate") {
				f.Report(n, Problem{Rule: kubernetesEscalate, Severity: rule.Critical, Subject: subject, Why: "may act as an administrator (impersonate)", Narrower: "a group of its own, bound to a role with what is used"})
			}
		}
		return
	}
	for i := range leads {
		l := &leads[i]
		resource, verb := oneOf(r.Get("resources"), l.resources), oneOf(r.Get("verbs"), l.verbs)
		if resource == nil || verb == nil || !everywhere && !l.within || !slices.Contains(p.Groups, l.group) && !slices.Contains(p.Groups, "*") {
			continue
		}
		at := resource
		if l.atVerb {
			at = verb
		}
		f.Report(at, Problem{Rule: l.rule, Severity: l.severity, Subject: subject, Why: l.why, Narrower: l.narrower})
	}
}

// oneOf is the first string of a list that is one of those given.
func oneOf(list *document.Node, texts []string) *document.Node {
	for _, s := range list.Strings() {
		if s.Is(texts...) {
			return s
		}
	}
	return nil
}

// readAggregation looks for a role that takes in the rules of every other.
func readAggregation(f *File, m *manifest) {
	for _, s := range m.Get("aggregationRule", "clusterRoleSelectors").Values() {
		if s.Kind == document.Map && len(s.Get("matchLabels").Entries()) == 0 && len(s.Get("matchExpressions").Values()) == 0 && s.Known() && !f.Templated() {
			at := s
			if key := s.Key("matchLabels"); key != nil {
				at = key
			}
			f.Report(at, Problem{Rule: KubernetesRule, Severity: rule.Critical, Subject: m.subject(), Value: "clusterRoleSelectors",
				Why: "takes in the rules of every ClusterRole, cluster-admin among them", Narrower: "matchLabels with a label of its own"})
		}
	}
}

// readMasters looks for those whom a cloud's cluster takes for administrators:
// in EKS's ConfigMap aws-auth, and in eksctl's mappings.
func readMasters(f *File, m *manifest, texts kubernetesTexts) {
	lists := []*document.Node{m.Get("iamIdentityMappings")}
	if m.name == "aws-auth" {
		for _, key := range []string{"mapRoles", "mapUsers", "mapAccounts"} {
			list := m.Get("data", key) // a text, or in Terraform what makes one
			lists = append(append(lists, list), texts.yaml(f, list)...)
		}
	}
	for _, list := range lists {
		for _, i := range list.Values() {
			for _, g := range i.Get("groups").Strings() {
				if g.Is("system:masters") {
					f.Report(g, Problem{Rule: kubernetesAdmin, Subject: m.subject(), Why: "opens the whole cluster, past every role", Narrower: "a group of its own, bound to a role with the verbs and resources that are used"})
				}
			}
		}
	}
}
