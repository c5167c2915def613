package rbac

import rbacv1 "k8s.io/api/rbac/v1"

//+kubebuilder:rbac:groups=*,resources=*,verbs=* // want `cluster-admin`
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=* // want `every verb`

func rules(fromUser []string) []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{rbacv1.VerbAll}}, // want `Kubernetes rule is broad: every verb on every resource of every group: cluster-admin`
		{APIGroups: []string{""}, Resources: []string{"*"}, Verbs: []string{"get", "list"}},   // want `and so every Secret`
		{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"apps"}, Resources: []string{"*"}, Verbs: fromUser},
		{NonResourceURLs: []string{"/healthz"}, Verbs: []string{"get"}},
	}
}
