package scope

import (
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
	Files: "Terraform's `google_*` and Google's modules, IAM policies and roles in YAML and JSON, Deployment Manager, Pulumi's YAML, Config Connector's and Crossplane's manifests, commands of gcloud in Cloud Build and in pipelines of GitHub and GitLab",
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
	Match: func(name string) bool {
		return isTerraform(name) || hasExt(name, ".yaml", ".yml", ".json", ".jinja", ".jinja2")
	},
	Hints: []string{"google_", `roles/`, "includedPermissions", "auth/cloud-platform", "ServiceAccountKey", "cnrm.cloud.google.com/", "google-modules/", "--allow-unauthenticated", "service-accounts keys", "serviceAccounts.key", "gcp:service", "iam ch all"},
	Read: func(f *File) {
		for _, d := range gcpDocs(f) {
			if isTerraform(f.Path) {
				readGCPTerraform(f, d)
			} else {
				readGCPManifest(f, d)
				readGCPCommands(f, d)
				readGCPDocument(f, d)
			}
		}
	},
}

// gcpDocs are the file's documents. Deployment Manager's templates are YAML
// whatever they are called.
func gcpDocs(f *File) []*document.Node {
	if hasExt(f.Path, ".jinja", ".jinja2") {
		f.opened = document.Open(f.Path+".yaml", f.Text)
	}
	return f.Docs()
}
