package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Where a role is bound.
const (
	anyPlace     = "" // which is not known
	onProject    = "project"
	onFolder     = "folder"
	onEverything = "organisation"
	onResource   = "resource"
)

// boundOn tells from the name of a type of resource what it binds roles on.
func boundOn(kind string) string {
	kind = strings.ToLower(kind)
	for _, p := range []struct{ part, place string }{{"organization", onEverything}, {"folder", onFolder}, {"project", onProject}} {
		if strings.Contains(kind, p.part) {
			return p.place
		}
	}
	return onResource
}

// actingRoles are roles by which a holder takes on the permissions of others,
// where they are bound for a whole project.
var actingRoles = map[string]string{
	"roles/iam.serviceAccountTokenCreator":    "makes tokens of every service account of the project",
	"roles/iam.serviceAccountUser":            "runs workloads as every service account of the project",
	"roles/iam.serviceAccountKeyAdmin":        "makes keys of every service account of the project",
	"roles/iam.serviceAccountAdmin":           "changes who may use each service account of the project",
	"roles/iam.securityAdmin":                 "hands out every role",
	"roles/iam.organizationRoleAdmin":         "changes what custom roles grant",
	"roles/iam.roleAdmin":                     "changes what custom roles grant",
	"roles/iam.workloadIdentityPoolAdmin":     "lets identities from elsewhere in",
	"roles/orgpolicy.policyAdmin":             "lifts the organisation's constraints",
	"roles/resourcemanager.projectIamAdmin":   "hands out every role of the project",
	"roles/resourcemanager.folderAdmin":       "hands out every role of the folder",
	"roles/resourcemanager.folderIamAdmin":    "hands out every role of the folder",
	"roles/resourcemanager.organizationAdmin": "hands out every role of the organisation",
	"roles/deploymentmanager.editor":          "deploys with an editor's permissions",
}

// broadRoles are roles that open a whole service, where they are bound for a
// whole project: what they open, and what is narrower.
var broadRoles = map[string][2]string{
	"roles/secretmanager.secretAccessor":         {"reads every secret of the project", "the role on the secret that is read"},
	"roles/secretmanager.admin":                  {"reads and changes every secret of the project", "roles/secretmanager.secretAccessor on the secret that is read"},
	"roles/storage.admin":                        {"reads, changes and deletes every bucket of the project", "roles/storage.objectUser on the bucket"},
	"roles/storage.objectAdmin":                  {"changes and deletes every object of the project", "roles/storage.objectUser on the bucket"},
	"roles/compute.admin":                        {"changes every machine and network of the project", "roles/compute.instanceAdmin.v1, or a narrower role"},
	"roles/container.admin":                      {"administers every cluster of the project", "roles/container.developer"},
	"roles/bigquery.admin":                       {"reads, changes and deletes every dataset of the project", "roles/bigquery.jobUser, and roles/bigquery.dataViewer on the dataset"},
	"roles/bigquery.dataOwner":                   {"reads, changes and shares every dataset of the project", "roles/bigquery.dataEditor on the dataset"},
	"roles/cloudsql.admin":                       {"changes and deletes every database of the project", "roles/cloudsql.client"},
	"roles/cloudkms.admin":                       {"changes and destroys every key of the project", "roles/cloudkms.cryptoKeyEncrypterDecrypter on the key"},
	"roles/cloudkms.cryptoKeyDecrypter":          {"decrypts with every key of the project", "the role on the key that is used"},
	"roles/cloudkms.cryptoKeyEncrypterDecrypter": {"decrypts with every key of the project", "the role on the key that is used"},
	"roles/run.admin":                            {"changes every service of the project, and who may call it", "roles/run.developer on the service"},
	"roles/cloudfunctions.admin":                 {"changes every function of the project, and who may call it", "roles/cloudfunctions.developer"},
	"roles/artifactregistry.admin":               {"changes and deletes every repository of packages of the project", "roles/artifactregistry.writer on the repository"},
	"roles/firebase.admin":                       {"administers every Firebase service of the project", "the admin role of the one product that is used"},
	"roles/pubsub.admin":                         {"changes and deletes every topic of the project", "roles/pubsub.publisher on the topic"},
	"roles/datastore.owner":                      {"changes every database of the project", "roles/datastore.user"},
	"roles/spanner.admin":                        {"changes and deletes every database of the project", "roles/spanner.databaseUser on the database"},
	"roles/dns.admin":                            {"changes every name of the project", "the role on the managed zone"},
	"roles/logging.admin":                        {"changes and deletes the project's logs", "roles/logging.logWriter"},
}

// binding is a role, whom it is bound to, and where.
type binding struct {
	subject string
	role    *document.Node
	members []*document.Node
	place   string
	// conditional tells that a condition names the resources or roles that are
	// meant.
	conditional bool
}

// judgeBinding reports the worst of a binding.
func judgeBinding(f *File, b binding) {
	name := b.role.Str()
	if name == "" || strings.Contains(name, "${") {
		if b.role != nil && b.place != onResource {
			f.Unknown(b.role)
		}
		return
	}
	for _, m := range b.members {
		if m.Is("allUsers", "allAuthenticatedUsers") {
			f.Report(m, publicBinding(&b, m.Text))
			return
		}
		if strings.HasPrefix(m.Text, "principalSet://") && strings.HasSuffix(m.Text, "/*") {
			f.Report(m, Problem{Rule: gcpFederation, Subject: b.subject, Value: "principalSet", Why: "gives " + name + " to every identity of the pool", Narrower: "principalSet://…/attribute.repository/OWNER/REPOSITORY"})
			return
		}
	}
	if name != "roles/owner" && len(b.members) > 0 && !slices.ContainsFunc(b.members, func(m *document.Node) bool { return !ownAgent(m.Text) }) {
		return
	}
	if p := roleProblem(f, &b, name); p.Rule != "" {
		f.Report(b.role, p)
	}
}

// roleProblem says what is wrong with a role by itself, if anything.
func roleProblem(f *File, b *binding, name string) Problem {
	p := Problem{Subject: b.subject}
	wide := b.place != onResource && !b.conditional
	switch {
	case name == "roles/owner":
		p.Rule, p.Severity, p.Why, p.Narrower = gcpBasic, rule.Critical, "opens everything in the project, also who may do what", "the predefined roles that are used"
	case name == "roles/editor":
		p.Rule, p.Why, p.Narrower = gcpBasic, "changes nearly everything in the project", "the predefined roles that are used"
	case name == "roles/viewer" && (b.place == onFolder || b.place == onEverything):
		p.Rule, p.Severity, p.Why, p.Narrower = gcpBasic, rule.Medium, "reads nearly everything in every project of the "+b.place, "roles/browser, and the viewer roles of the services that are used"
		return p
	case !wide:
		return p
	case actingRoles[name] == "" && broadRoles[name][0] == "":
		return p
	case b.place == anyPlace:
		f.Unknown(b.role)
		return p
	case actingRoles[name] != "":
		p.Rule, p.Why, p.Narrower = gcpEscalation, actingRoles[name], "the role on the service account, folder or project that is meant"
	default:
		p.Rule, p.Why, p.Narrower = gcpBroad, broadRoles[name][0], broadRoles[name][1]
	}
	if b.place == onFolder || b.place == onEverything {
		p.Why = strings.ReplaceAll(p.Why, "the project", "the "+b.place)
	}
	return p
}

// publicBinding says how bad it is that anyone has a role: that a site is read
// or a service called is often meant.
func publicBinding(b *binding, who string) Problem {
	name := b.role.Str()
	p := Problem{Rule: gcpPublic, Subject: b.subject, Value: who + " " + name, Why: "gives " + name + " to everyone on the internet", Narrower: "the users, groups or service accounts that are meant"}
	if who == "allAuthenticatedUsers" {
		p.Why = "gives " + name + " to everyone with a Google account"
	}
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, "invoker"), strings.HasSuffix(lower, "objectviewer"), strings.HasSuffix(lower, "legacyobjectreader"), strings.HasSuffix(lower, "artifactregistry.reader"):
		p.Severity = rule.Medium
	case strings.Contains(lower, "viewer"), strings.Contains(lower, "reader"):
		p.Severity = rule.High
	}
	return p
}

// ownAgent tells the accounts by which Google's services work, whose roles
// Google grants itself: never an owner's.
func ownAgent(member string) bool {
	_, domain, _ := strings.Cut(member, "@")
	return domain == "cloudservices.gserviceaccount.com" || strings.HasPrefix(strings.TrimPrefix(member, "serviceAccount:"), "service-") && strings.HasSuffix(domain, "gserviceaccount.com")
}

// narrowed tells whether a condition names the resources, or the roles that
// may be handed out: one that only ends some time leaves all open until then.
func narrowed(condition *document.Node) bool {
	for _, e := range condition.All("expression") {
		if strings.Contains(e.Text, "resource.") || strings.Contains(e.Text, "modifiedGrantsByRole") || e.Kind != document.String {
			return true
		}
	}
	return condition != nil && condition.Kind == document.Unknown
}

// handing are permissions by which a holder gets every other.
var handing = []string{
	"iam.serviceAccountKeys.create", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signJwt", "iam.serviceAccounts.signBlob",
	"iam.serviceAccounts.implicitDelegation", "iam.serviceAccounts.setIamPolicy", "iam.roles.update", "storage.hmacKeys.create",
	"resourcemanager.projects.setIamPolicy", "resourcemanager.folders.setIamPolicy", "resourcemanager.organizations.setIamPolicy",
	"deploymentmanager.deployments.create", "orgpolicy.policy.set",
}

// launching are permissions that start something as a service account that
// its holder may act as.
var launching = []string{"compute.instances.create", "run.services.create", "run.jobs.create", "cloudfunctions.functions.create", "cloudscheduler.jobs.create", "dataflow.jobs.create", "dataproc.clusters.create", "composer.environments.create"}

func readCustomRole(f *File, subject string, permissions []*document.Node) {
	launches := slices.ContainsFunc(permissions, func(p *document.Node) bool { return slices.Contains(launching, p.Str()) })
	for _, p := range permissions {
		switch {
		case p.Kind != document.String:
			f.Unknown(p)
		case strings.Contains(p.Text, "*"):
			f.Report(p, Problem{Rule: gcpRole, Subject: subject, Why: "grants every permission that the wildcard covers", Narrower: "the permissions that are used, by name"})
		case slices.Contains(handing, p.Text):
			f.Report(p, Problem{Rule: gcpRole, Severity: rule.Medium, Subject: subject, Why: "lets its holder take on other permissions", Narrower: "the permission in a binding on the one resource that is meant"})
		case p.Text == "iam.serviceAccounts.actAs" && launches:
			f.Report(p, Problem{Rule: gcpRole, Severity: rule.Medium, Subject: subject, Why: "starts workloads as every service account that it is bound over", Narrower: "roles/iam.serviceAccountUser on the one account that is meant"})
		}
	}
}

// everyScope tells the scope that leaves all to the account's roles.
func everyScope(scopes []*document.Node) *document.Node {
	for _, s := range scopes {
		if s.Is("cloud-platform", "https://www.googleapis.com/auth/cloud-platform") {
			return s
		}
	}
	return nil
}

func reportMachine(f *File, subject string, scopes []*document.Node) {
	if s := everyScope(scopes); s != nil {
		f.Report(s, Problem{Rule: gcpDefault, Subject: subject, Why: "runs as the default account with every scope", Narrower: "a service account of its own, with the roles that are used"})
	}
}

// defaultAccount tells the account that a machine has where none is named.
func defaultAccount(email *document.Node) bool {
	return email == nil || email.Kind == document.Null || email.Is("", "default") || strings.HasSuffix(email.Text, "-compute@developer.gserviceaccount.com") || strings.Contains(email.Text, "google_compute_default_service_account.")
}

// sharedIssuers are identity providers that make tokens for everyone who has
// an account there.
var sharedIssuers = []string{"https://token.actions.githubusercontent.com", "https://gitlab.com", "https://app.terraform.io", "https://agent.buildkite.com", "https://oidc.vercel.com", "https://accounts.google.com"}

// readProvider reports a pool's provider that lets in whoever the issuer knows.
func readProvider(f *File, subject string, issuer, condition *document.Node) {
	if !slices.Contains(sharedIssuers, strings.TrimSuffix(issuer.Str(), "/")) {
		return
	}
	if condition == nil || condition.Kind == document.Null || condition.Is("", "true") {
		f.Report(issuer, Problem{Rule: gcpFederation, Subject: subject, Why: "lets everyone whom " + issuer.Text + " makes a token for into the pool", Narrower: `an attribute condition, such as assertion.repository_owner == 'OWNER'`})
	}
}
