package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Google Cloud's rules.
const (
	gcpBasic      = "scope-gcp-basic"
	gcpEscalation = "scope-gcp-escalation"
	gcpBroad      = "scope-gcp-broad"
	gcpPublic     = "scope-gcp-public"
	gcpRole       = "scope-gcp-role"
	gcpKey        = "scope-gcp-key"
	gcpFederation = "scope-gcp-federation"
	gcpDefault    = "scope-gcp-default-account"
)

// gcp reads what Google Cloud's roles are bound to: Terraform, policies as
// gcloud prints them, Config Connector.
// Sources: cloud.google.com/iam/docs/using-iam-securely, /iam/docs/roles-overview,
// /iam/docs/best-practices-for-managing-service-account-keys, /iam/docs/workload-identity-federation.
var gcp = Format{
	Name:  "gcp",
	Files: "Terraform's `google_*`, IAM policies in YAML and JSON, Config Connector's manifests",
	Rules: []Rule{
		{
			ID: gcpBasic, Name: "Google Cloud basic role", Severity: rule.High,
			Opens: "Thousands of permissions in every service of the project; an owner's also to hand them out.",
			Steps: "Bind the predefined roles that are used; the IAM recommender names them.",
			URL:   "https://cloud.google.com/iam/docs/roles-overview#basic",
		},
		{
			ID: gcpEscalation, Name: "Google Cloud role by which its holder takes on others", Severity: rule.High,
			Opens: "The permissions of every service account of the project, or of whomever the holder names.",
			Steps: "Bind the role on the one service account that is meant.",
			URL:   "https://cloud.google.com/iam/docs/best-practices-service-accounts",
		},
		{
			ID: gcpBroad, Name: "Google Cloud role for a whole service of a project", Severity: rule.Medium,
			Opens: "Every resource of the service in the project, also those that are made later.",
			Steps: "Bind a narrower role, on the resource that is meant.",
			URL:   "https://cloud.google.com/iam/docs/using-iam-securely#least_privilege",
		},
		{
			ID: gcpPublic, Name: "Google Cloud resource that anyone may use", Severity: rule.Critical,
			Opens: "What the role grants, for everyone on the internet (allUsers) or with any Google account (allAuthenticatedUsers).",
			Steps: "Name who is meant; set the organisation policy iam.allowedPolicyMemberDomains.",
			URL:   "https://cloud.google.com/iam/docs/principals-overview#all-users",
		},
		{
			ID: gcpRole, Name: "Google Cloud custom role that is broader than need be", Severity: rule.High,
			Opens: "What the wildcard covers, or every other permission of the project.",
			Steps: "List the permissions that are used, and leave those out that hand out permissions.",
			URL:   "https://cloud.google.com/iam/docs/creating-custom-roles",
		},
		{
			ID: gcpKey, Name: "Google Cloud service account's key", Severity: rule.Medium,
			Opens: "What the account may do, from anywhere and without an end; Terraform's state holds the key.",
			Steps: "Attach the account to the workload, or use workload identity federation.",
			URL:   "https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys",
		},
		{
			ID: gcpFederation, Name: "Google Cloud federation that trusts every subject", Severity: rule.High,
			Opens: "The pool's accounts, for every user or job of the identity provider.",
			Steps: "Set attribute_condition to the owner or repository, and bind one attribute, not the whole pool.",
			URL:   "https://cloud.google.com/iam/docs/best-practices-for-using-workload-identity-federation",
		},
		{
			ID: gcpDefault, Name: "Google Cloud machine with the default account and every scope", Severity: rule.Medium,
			Opens: "What the default service account may do, which is often an editor's, for everything that runs on the machine.",
			Steps: "Make a service account with the roles that are used, and attach that.",
			URL:   "https://cloud.google.com/compute/docs/access/service-accounts#default_service_account",
		},
	},
	Match: func(name string) bool { return isTerraform(name) || hasExt(name, ".yaml", ".yml", ".json") },
	Hints: []string{"google_", `roles/`, "includedPermissions"},
	Read: func(f *File) {
		for _, d := range f.Docs() {
			if isTerraform(f.Path) {
				readGCPTerraform(f, d)
			} else {
				readGCPPolicy(f, d)
			}
		}
	},
}

// actingRoles are roles by which a holder takes on the permissions of others,
// where they are bound for a whole project.
var actingRoles = map[string]string{
	"roles/iam.serviceAccountTokenCreator": "makes tokens of every service account of the project", "roles/iam.serviceAccountUser": "runs workloads as every service account of the project",
	"roles/iam.serviceAccountKeyAdmin": "makes keys of every service account of the project", "roles/iam.serviceAccountAdmin": "changes who may use each service account of the project",
	"roles/iam.securityAdmin": "hands out every role", "roles/resourcemanager.projectIamAdmin": "hands out every role of the project", "roles/resourcemanager.organizationAdmin": "hands out every role of the organisation",
	"roles/resourcemanager.folderAdmin": "hands out every role of the folder", "roles/resourcemanager.folderIamAdmin": "hands out every role of the folder", "roles/iam.organizationRoleAdmin": "changes what custom roles grant", "roles/iam.roleAdmin": "changes what custom roles grant",
	"roles/iam.workloadIdentityPoolAdmin": "lets identities from elsewhere in", "roles/deploymentmanager.editor": "deploys with an editor's permissions",
}

// broadRoles are roles that open a whole service, where they are bound for a
// whole project.
var broadRoles = map[string][2]string{
	"roles/secretmanager.secretAccessor": {"reads every secret of the project", "the role on the secret that is read"}, "roles/secretmanager.admin": {"reads and changes every secret of the project", "roles/secretmanager.secretAccessor on the secret that is read"},
	"roles/storage.admin": {"reads, changes and deletes every bucket of the project", "roles/storage.objectUser on the bucket"}, "roles/storage.objectAdmin": {"changes and deletes every object of the project", "roles/storage.objectUser on the bucket"},
	"roles/compute.admin": {"changes every machine and network of the project", "roles/compute.instanceAdmin.v1, or a narrower role"}, "roles/container.admin": {"administers every cluster of the project", "roles/container.developer"},
	"roles/bigquery.admin": {"reads, changes and deletes every dataset of the project", "roles/bigquery.jobUser, and roles/bigquery.dataViewer on the dataset"}, "roles/cloudsql.admin": {"changes and deletes every database of the project", "roles/cloudsql.client"},
	"roles/cloudkms.admin": {"changes and destroys every key of the project", "roles/cloudkms.cryptoKeyEncrypterDecrypter on the key"}, "roles/run.admin": {"changes every service of the project, and who may call it", "roles/run.developer on the service"},
	"roles/cloudfunctions.admin": {"changes every function of the project, and who may call it", "roles/cloudfunctions.developer"}, "roles/pubsub.admin": {"changes and deletes every topic of the project", "roles/pubsub.publisher on the topic"}, "roles/datastore.owner": {"changes every database of the project", "roles/datastore.user"},
	"roles/spanner.admin": {"changes and deletes every database of the project", "roles/spanner.databaseUser on the database"}, "roles/dns.admin": {"changes every name of the project", "the role on the managed zone"}, "roles/logging.admin": {"changes and deletes the project's logs", "roles/logging.logWriter"},
}

// binding is a role, whom it is bound to, and for what.
type binding struct {
	subject string
	role    *document.Node
	members []*document.Node
	whole   bool // a project, folder or organisation
}

// judgeBinding reports the worst of a binding.
func judgeBinding(f *File, b binding) {
	name := b.role.Str()
	if name == "" {
		if b.role != nil && b.whole {
			f.Unknown(b.role)
		}
		return
	}
	for _, m := range b.members {
		if m.Is("allUsers", "allAuthenticatedUsers") {
			f.Report(m, publicBinding(&b, m.Text))
			return
		}
		if strings.HasPrefix(m.Text, "principalSet://") && strings.HasSuffix(strings.TrimSuffix(m.Text, `"`), "/*") {
			f.Report(m, Problem{Rule: gcpFederation, Subject: b.subject, Value: "principalSet", Why: "gives " + name + " to every identity of the pool", Narrower: "principalSet://…/attribute.repository/OWNER/REPOSITORY"})
			return
		}
	}
	if len(b.members) > 0 && !slices.ContainsFunc(b.members, func(m *document.Node) bool { return !ownAgent(m.Text) }) {
		return
	}
	p := Problem{Subject: b.subject}
	switch {
	case name == "roles/owner":
		p.Rule, p.Severity, p.Why, p.Narrower = gcpBasic, rule.Critical, "opens everything in the project, also who may do what", "the predefined roles that are used"
	case name == "roles/editor":
		p.Rule, p.Why, p.Narrower = gcpBasic, "changes nearly everything in the project", "the predefined roles that are used"
	case !b.whole:
		return
	case actingRoles[name] != "":
		p.Rule, p.Why, p.Narrower = gcpEscalation, actingRoles[name], "the role on the service account, folder or project that is meant"
	case broadRoles[name][0] != "":
		p.Rule, p.Why, p.Narrower = gcpBroad, broadRoles[name][0], broadRoles[name][1]
	default:
		return
	}
	f.Report(b.role, p)
}

// publicBinding says how bad it is that anyone has a role: that a site is read
// or a service called is often meant.
func publicBinding(b *binding, who string) Problem {
	name := b.role.Str()
	p := Problem{Rule: gcpPublic, Subject: b.subject, Value: who + " " + name, Why: "gives " + name + " to everyone on the internet", Narrower: "the users, groups or service accounts that are meant"}
	if who == "allAuthenticatedUsers" {
		p.Why = "gives " + name + " to everyone with a Google account"
	}
	switch {
	case strings.HasSuffix(name, "nvoker"), strings.HasSuffix(name, "objectViewer"), strings.HasSuffix(name, "legacyObjectReader"), strings.HasSuffix(name, "artifactregistry.reader"):
		p.Severity = rule.Medium
	case strings.Contains(strings.ToLower(name), "viewer"), strings.Contains(strings.ToLower(name), "reader"):
		p.Severity = rule.High
	}
	return p
}

// ownAgent tells the accounts by which Google's services work, whose roles
// Google grants itself.
func ownAgent(member string) bool {
	_, domain, _ := strings.Cut(member, "@")
	return domain == "cloudservices.gserviceaccount.com" || strings.HasPrefix(strings.TrimPrefix(member, "serviceAccount:"), "service-") && strings.HasSuffix(domain, "gserviceaccount.com")
}

// oneOrMore are the members of a binding, or the one of a member's resource.
func oneOrMore(body *document.Node) []*document.Node {
	var all []*document.Node
	for _, key := range []string{"members", "member"} {
		n := body.Get(key)
		if n != nil && n.Kind == document.List {
			all = append(all, n.Items...)
		} else if n != nil {
			all = append(all, n)
		}
	}
	return all
}

func readGCPTerraform(f *File, d *document.Node) {
	for _, b := range document.Blocks(d, "data", "google_iam_policy") {
		for _, body := range b.Body.All("binding") {
			judgeBinding(f, binding{b.Name(), body.Get("role"), oneOrMore(body), true})
		}
	}
	for _, b := range document.Blocks(d, "resource") {
		kind, body := b.Labels[0].Text, b.Body
		switch {
		case !strings.HasPrefix(kind, "google_"):
		case strings.HasSuffix(kind, "_iam_binding"), strings.HasSuffix(kind, "_iam_member"):
			judgeBinding(f, binding{b.Name(), body.Get("role"), oneOrMore(body), wholeResource(kind)})
		case strings.HasSuffix(kind, "_iam_custom_role"):
			readCustomRole(f, b.Name(), body.Get("permissions"))
		case kind == "google_service_account_key":
			f.Report(b.Labels[0], Problem{Rule: gcpKey, Subject: b.Name(), Why: "makes a key that never ends, and keeps it in Terraform's state", Narrower: "google_service_account_iam_member with roles/iam.workloadIdentityUser"})
		case kind == "google_iam_workload_identity_pool_provider":
			issuer := body.Get("oidc", "issuer_uri")
			if issuer.Is("https://token.actions.githubusercontent.com", "https://token.actions.githubusercontent.com/", "https://gitlab.com", "https://app.terraform.io") && body.Key("attribute_condition") == nil {
				f.Report(issuer, Problem{Rule: gcpFederation, Subject: b.Name(), Why: "lets the jobs of every repository of " + issuer.Text + " into the pool", Narrower: `attribute_condition = "assertion.repository_owner == 'OWNER'"`})
			}
		case kind == "google_compute_instance", kind == "google_compute_instance_template", kind == "google_compute_region_instance_template":
			for _, a := range body.All("service_account") {
				if a.Get("email") == nil {
					readMachineScopes(f, b.Name(), a.Get("scopes"))
				}
			}
		case kind == "google_container_node_pool", kind == "google_container_cluster":
			for _, c := range body.All("node_config") {
				if c.Get("service_account") == nil {
					readMachineScopes(f, b.Name(), c.Get("oauth_scopes"))
				}
			}
		case kind == "google_storage_bucket_access_control", kind == "google_storage_default_object_access_control":
			if who := body.Get("entity"); who.Is("allUsers", "allAuthenticatedUsers") && body.Get("role").Is("OWNER", "WRITER") {
				f.Report(who, publicBinding(&binding{subject: b.Name(), role: body.Get("role")}, who.Text))
			}
		}
	}
}

// wholeResource tells the resources that bind for a project, folder or
// organisation.
func wholeResource(kind string) bool {
	for _, prefix := range []string{"google_project_iam_", "google_folder_iam_", "google_organization_iam_"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

func readMachineScopes(f *File, subject string, scopes *document.Node) {
	for _, s := range scopes.Strings() {
		if s.Is("cloud-platform", "https://www.googleapis.com/auth/cloud-platform") {
			f.Report(s, Problem{Rule: gcpDefault, Subject: subject, Why: "runs as the default account with every scope", Narrower: "a service account of its own, with the roles that are used"})
		}
	}
}

// handing are permissions by which a holder gets every other.
var handing = []string{"iam.serviceAccountKeys.create", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signJwt", "iam.serviceAccounts.signBlob", "iam.serviceAccounts.implicitDelegation", "iam.serviceAccounts.setIamPolicy",
	"iam.roles.update", "resourcemanager.projects.setIamPolicy", "resourcemanager.folders.setIamPolicy", "resourcemanager.organizations.setIamPolicy", "deploymentmanager.deployments.create", "orgpolicy.policy.set"}

func readCustomRole(f *File, subject string, permissions *document.Node) {
	for _, p := range permissions.Strings() {
		switch {
		case strings.Contains(p.Text, "*"):
			f.Report(p, Problem{Rule: gcpRole, Subject: subject, Why: "grants every permission that the wildcard covers", Narrower: "the permissions that are used, by name"})
		case slices.Contains(handing, p.Text):
			f.Report(p, Problem{Rule: gcpRole, Severity: rule.Medium, Subject: subject, Why: "lets its holder take on other permissions", Narrower: "the permission in a binding on the one resource that is meant"})
		}
	}
}

// readGCPPolicy reads a policy as gcloud prints it, a custom role's file, and
// Config Connector's manifests.
func readGCPPolicy(f *File, d *document.Node) {
	if strings.Contains(d.Get("apiVersion").Str(), "cnrm.cloud.google.com") {
		readConfigConnector(f, d)
		return
	}
	if p := d.Get("includedPermissions"); p != nil {
		readCustomRole(f, word(d.Get("title").Str(), "role"), p)
	}
	d.Walk(func(n *document.Node) bool {
		for _, b := range n.Get("bindings").Values() {
			if role := b.Get("role"); strings.HasPrefix(role.Str(), "roles/") && b.Get("members") != nil {
				judgeBinding(f, binding{word(n.Get("resource").Str(), "policy"), role, oneOrMore(b), true})
			}
		}
		return true
	})
}

func readConfigConnector(f *File, d *document.Node) {
	kind, spec := d.Get("kind"), d.Get("spec")
	subject := kind.Str() + " " + d.Get("metadata", "name").Str()
	whole := spec.Get("resourceRef", "kind").Is("Project", "Folder", "Organization")
	switch kind.Str() {
	case "IAMPolicyMember":
		judgeBinding(f, binding{subject, spec.Get("role"), oneOrMore(spec), whole})
	case "IAMPolicy", "IAMPartialPolicy":
		for _, b := range spec.Get("bindings").Values() {
			judgeBinding(f, binding{subject, b.Get("role"), oneOrMore(b), whole})
		}
	case "IAMServiceAccountKey":
		f.Report(kind, Problem{Rule: gcpKey, Subject: subject, Why: "makes a key that never ends, and keeps it in a Secret", Narrower: "IAMPolicyMember with roles/iam.workloadIdentityUser"})
	case "IAMCustomRole":
		readCustomRole(f, subject, spec.Get("permissions"))
	}
}
