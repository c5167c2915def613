package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Azure's rules.
const (
	azureRole       = "scope-azure-role"
	azureDefinition = "scope-azure-role-definition"
	azurePublic     = "scope-azure-public"
	azurePassword   = "scope-azure-password"
	azureVault      = "scope-azure-key-vault"
	azureSAS        = "scope-azure-sas"
)

// azure reads role assignments and definitions, and credentials: Terraform,
// ARM templates, and so what Bicep is compiled to.
// Sources: learn.microsoft.com/azure/role-based-access-control/{best-practices,built-in-roles,role-definitions},
// /azure/storage/blobs/anonymous-read-access-prevent, /azure/storage/common/storage-sas-overview.
var azure = Format{
	Name:  "azure",
	Files: "Terraform's `azurerm_*` and `azuread_*`, ARM templates (Bicep's output), role definitions in JSON",
	Rules: []Rule{
		{
			ID: azureRole, Name: "Azure role of an administrator", Severity: rule.High,
			Opens: "Everything in the subscription or group, for an owner also who may do what.",
			Steps: "Assign the role of the service that is used, on the resource that is meant.",
			URL:   "https://learn.microsoft.com/azure/role-based-access-control/best-practices",
		},
		{
			ID: azureDefinition, Name: "Azure role definition that is broader than need be", Severity: rule.High,
			Opens: "Every operation that the wildcard covers, also of services that come later.",
			Steps: "List the operations that are used.",
			URL:   "https://learn.microsoft.com/azure/role-based-access-control/custom-roles#custom-role-properties",
		},
		{
			ID: azurePublic, Name: "Azure storage that anyone may read", Severity: rule.Medium,
			Opens: "The blobs of the container, and where it is listed all of them, for everyone on the internet.",
			Steps: "Forbid anonymous access, and hand out user delegation SAS or roles.",
			URL:   "https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-prevent",
		},
		{
			ID: azurePassword, Name: "Azure client secret with a long life", Severity: rule.Medium,
			Opens: "What the application may do, from anywhere, for years; Terraform's state holds the secret.",
			Steps: "Use a federated identity credential or a managed identity; else let the secret end within months.",
			URL:   "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
		},
		{
			ID: azureVault, Name: "Azure key vault policy with every permission", Severity: rule.Medium,
			Opens: "Every key, secret or certificate of the vault, also to delete it for good.",
			Steps: "Grant Get, and List where it is needed; better a role on the one secret.",
			URL:   "https://learn.microsoft.com/azure/key-vault/general/rbac-migration",
		},
		{
			ID: azureSAS, Name: "Azure shared access signature that may do everything", Severity: rule.High,
			Opens: "Every service of the storage account, for whoever reads the address, until it ends.",
			Steps: "Make a user delegation SAS for one container, to read, for hours.",
			URL:   "https://learn.microsoft.com/azure/storage/common/storage-sas-overview#best-practices-when-using-sas",
		},
	},
	Match: func(name string) bool { return isTerraform(name) || hasExt(name, ".json") },
	Hints: []string{"azurerm_", "azuread_", "Microsoft.", "AssignableScopes", "assignableScopes"},
	Read: func(f *File) {
		for _, d := range f.Docs() {
			if isTerraform(f.Path) {
				readAzureTerraform(f, d)
				continue
			}
			if d.Get("AssignableScopes") != nil || d.Get("assignableScopes") != nil {
				readDefinition(f, word(d.Get("Name").Str(), d.Get("roleName").Str()), d)
			}
			if strings.Contains(d.Get("$schema").Str(), "eploymentTemplate.json") {
				t := armTemplate{Node: d, whole: !strings.Contains(d.Get("$schema").Str(), "/deploymentTemplate.json")}
				t.read(f, d.Get("resources"))
			}
		}
	},
}

// azureRoles are built-in roles that administer, by name and id, and what they
// open.
var azureRoles = []struct {
	name, id, opens string
	severity        rule.Severity
}{
	{"Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "opens everything, also who may do what", rule.Critical},
	{"User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "hands out every role, also to itself", rule.Critical},
	{"Role Based Access Control Administrator", "f58310d9-a9f6-439a-9e8d-f62e7b41a168", "hands out every role, also to itself", rule.High},
	{"Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", "changes and deletes everything", rule.High},
}

// reach is how far an assignment goes.
type reach uint8

const (
	unknownReach reach = iota
	resourceReach
	groupReach
	subscriptionReach
)

var resourceGroup = regexp.MustCompile(`(?i)/resourceGroups/|resource_group`)

// reachOf tells from its scope how far an assignment in Terraform goes.
func reachOf(n *document.Node) reach {
	if n == nil {
		return unknownReach
	}
	text := strings.Trim(n.Text, "/")
	switch {
	case text == "" || strings.Contains(text, "managementGroups/") || strings.HasPrefix(text, "azurerm_management_group.") || strings.Contains(text, "management_group."):
		return subscriptionReach
	case resourceGroup.MatchString(text):
		if strings.Contains(text, "/providers/") {
			return resourceReach
		}
		return groupReach
	case strings.HasPrefix(text, "subscriptions/") && strings.Count(text, "/") <= 1, strings.Contains(text, "azurerm_subscription."), strings.HasSuffix(text, "subscription_id") && strings.HasPrefix(text, "subscriptions/"):
		return subscriptionReach
	case strings.HasPrefix(text, "azurerm_"):
		return resourceReach
	}
	return unknownReach
}

// reportRole reports a built-in role that administers, by its name or what
// holds its id.
func reportRole(f *File, subject string, role *document.Node, far reach) {
	for _, r := range azureRoles {
		if role.Text != r.name && !strings.Contains(strings.ToLower(role.Text), r.id) {
			continue
		}
		p := Problem{Rule: azureRole, Severity: r.severity, Subject: subject, Value: r.name, Why: r.opens, Narrower: "the role of the service that is used, such as Storage Blob Data Reader, on the resource that is meant"}
		switch {
		case far == subscriptionReach:
			p.Why += " in the subscription"
		case r.name == "Contributor" && far == unknownReach:
			f.Unknown(role)
			return
		case r.name == "Contributor" || far == resourceReach && r.name != "Owner":
			return
		default:
			p.Severity = rule.Medium
			p.Why += map[reach]string{groupReach: " in the resource group", resourceReach: " of the resource", unknownReach: " within its scope"}[far]
		}
		f.Report(role, p)
		return
	}
}

func readAzureTerraform(f *File, d *document.Node) {
	for _, b := range document.Blocks(d, "resource") {
		body, name := b.Body, b.Name()
		switch b.Labels[0].Text {
		case "azurerm_role_assignment":
			role := body.Get("role_definition_name")
			if role == nil {
				role = body.Get("role_definition_id")
			}
			if role != nil {
				reportRole(f, name, role, reachOf(body.Get("scope")))
			}
		case "azurerm_role_definition":
			for _, p := range body.All("permissions") {
				readActions(f, name, p.Get("actions"))
				readActions(f, name, p.Get("data_actions"))
			}
		case "azuread_application_password", "azuread_service_principal_password":
			readPassword(f, name, b.Labels[0], body)
		case "azurerm_storage_account":
			for _, key := range []string{"allow_nested_items_to_be_public", "allow_blob_public_access"} {
				if isTrue(body.Get(key)) {
					f.Report(body.Key(key), Problem{Rule: azurePublic, Subject: name, Why: "lets containers be opened to everyone on the internet", Narrower: key + " = false"})
				}
			}
		case "azurerm_storage_container":
			readContainerAccess(f, name, body.Get("container_access_type"))
		case "azurerm_key_vault_access_policy":
			readKeyVault(f, name, body)
		case "azurerm_key_vault":
			for _, p := range body.All("access_policy") {
				readKeyVault(f, name, p)
			}
		}
	}
	for _, b := range document.Blocks(d, "data", "azurerm_storage_account_sas") {
		readSAS(f, &b)
	}
}

// longAfter is a date or duration that is years away.
var longAfter = regexp.MustCompile(`^(20[3-9]\d|2[1-9]\d\d|9999)-|^(8[7-9]\d\d|9\d\d\d|\d{5,})h`)

func readPassword(f *File, subject string, at, body *document.Node) {
	end := body.Get("end_date_relative")
	if end == nil {
		end = body.Get("end_date")
	}
	switch {
	case end == nil && body.Key("rotate_when_changed") == nil:
		f.Report(at, Problem{Rule: azurePassword, Subject: subject, Why: "makes a client secret that lasts two years", Narrower: "azuread_application_federated_identity_credential, or end_date_relative = \"2160h\" with rotation"})
	case end != nil && longAfter.MatchString(end.Str()):
		f.Report(end, Problem{Rule: azurePassword, Severity: rule.High, Subject: subject, Why: "makes a client secret that lasts for years", Narrower: "azuread_application_federated_identity_credential, or end_date_relative = \"2160h\" with rotation"})
	}
}

func readContainerAccess(f *File, subject string, access *document.Node) {
	if access.Is("container", "Container") {
		f.Report(access, Problem{Rule: azurePublic, Severity: rule.High, Subject: subject, Why: "lets everyone on the internet list and read the container", Narrower: "private"})
	} else if access.Is("blob", "Blob") {
		f.Report(access, Problem{Rule: azurePublic, Subject: subject, Why: "lets everyone on the internet who knows a name read the blob", Narrower: "private"})
	}
}

// readKeyVault reports permissions to purge with those to read: everything.
func readKeyVault(f *File, subject string, body *document.Node) {
	for _, key := range []string{"key_permissions", "secret_permissions", "certificate_permissions", "storage_permissions", "keys", "secrets", "certificates", "storage"} {
		list := body.Get(key)
		for _, p := range list.Strings() {
			if strings.EqualFold(p.Text, "all") || strings.EqualFold(p.Text, "purge") && slices.ContainsFunc(list.Texts(), func(t string) bool { return strings.EqualFold(t, "get") }) {
				f.Report(p, Problem{Rule: azureVault, Subject: subject, Value: key + " " + p.Text, Why: "reads, changes and deletes for good what the vault holds", Narrower: `["Get"], or a role on the one secret`})
				break
			}
		}
	}
}

// readSAS reports a signature for every service that may write or delete.
func readSAS(f *File, b *document.Block) {
	services, permissions := b.Body.Get("services"), b.Body.Get("permissions")
	all := 0
	for _, s := range []string{"blob", "queue", "table", "file"} {
		if isTrue(services.Get(s)) {
			all++
		}
	}
	if all == 4 && isTrue(permissions.Get("delete")) && isTrue(permissions.Get("write")) {
		f.Report(b.Labels[0], Problem{Rule: azureSAS, Subject: b.Name(), Why: "reads, writes and deletes in every service of the account", Narrower: "azurerm_storage_account_blob_container_sas, to read"})
	}
}

// readActions reports wildcards of a role definition.
func readActions(f *File, subject string, list *document.Node) {
	for _, a := range list.Strings() {
		p := Problem{Rule: azureDefinition, Subject: subject, Narrower: "the operations that are used, such as Microsoft.Web/sites/restart/Action"}
		switch lower := strings.ToLower(a.Text); {
		case lower == "*":
			p.Severity, p.Why = rule.Critical, "allows every operation of every service"
		case lower == "*/write" || lower == "*/delete" || lower == "*/action":
			p.Why = "allows " + strings.TrimPrefix(lower, "*/") + " in every service"
		case lower == "microsoft.authorization/*" || lower == "microsoft.authorization/roleassignments/*" || lower == "microsoft.authorization/*/write" || lower == "microsoft.authorization/roleassignments/write":
			p.Why = "hands out every role, also to itself"
		default:
			continue
		}
		f.Report(a, p)
	}
}

// readDefinition reads a role definition as the command line and the portal
// write it.
func readDefinition(f *File, subject string, d *document.Node) {
	for _, n := range append(d.Get("permissions").Values(), d) {
		for _, key := range []string{"Actions", "actions", "DataActions", "dataActions"} {
			readActions(f, word(subject, "role"), n.Get(key))
		}
	}
}

// armTemplate is an ARM template; whole tells that it is deployed to a
// subscription or wider.
type armTemplate struct {
	*document.Node
	whole bool
}

// read reads the resources of a template, and those within them.
func (t *armTemplate) read(f *File, resources *document.Node) {
	all := resources.Values()
	for _, m := range resources.Entries() { // by symbolic names
		all = append(all, m.Value)
	}
	for _, r := range all {
		p := r.Get("properties")
		subject := word(r.Get("name").Str(), "resource")
		switch kind := r.Get("type").Str(); {
		case kind == "Microsoft.Authorization/roleAssignments" || strings.HasSuffix(kind, "/providers/roleAssignments"):
			if role := t.resolve(p.Get("roleDefinitionId")); role != nil {
				far := groupReach
				if t.whole && r.Get("resourceGroup") == nil {
					far = subscriptionReach
				}
				if r.Get("scope") != nil || strings.HasSuffix(kind, "/providers/roleAssignments") {
					far = resourceReach
				}
				reportRole(f, subject, role, far)
			}
		case kind == "Microsoft.Authorization/roleDefinitions":
			readDefinition(f, word(p.Get("roleName").Str(), subject), p)
		case kind == "Microsoft.Storage/storageAccounts":
			if isTrue(p.Get("allowBlobPublicAccess")) {
				f.Report(p.Key("allowBlobPublicAccess"), Problem{Rule: azurePublic, Subject: subject, Why: "lets containers be opened to everyone on the internet", Narrower: `"allowBlobPublicAccess": false`})
			}
		case strings.HasSuffix(kind, "/containers") && strings.HasPrefix(kind, "Microsoft.Storage/"):
			readContainerAccess(f, subject, p.Get("publicAccess"))
		case kind == "Microsoft.KeyVault/vaults":
			for _, policy := range p.Get("accessPolicies").Values() {
				readKeyVault(f, subject, policy.Get("permissions"))
			}
		case kind == "Microsoft.Resources/deployments":
			inner := armTemplate{p.Get("template"), t.whole && r.Get("resourceGroup") == nil}
			inner.read(f, inner.Get("resources"))
		}
		t.read(f, r.Get("resources"))
	}
}

// variableOf is an expression that is one variable or parameter.
var variableOf = regexp.MustCompile(`(variables|parameters)\('([^']+)'\)`)

// resolve follows an expression's variable or parameter to its value in the
// template.
func (t *armTemplate) resolve(n *document.Node) *document.Node {
	if n.Str() == "" {
		return nil
	}
	m := variableOf.FindStringSubmatch(n.Text)
	if m == nil {
		return n
	}
	value := t.Get("variables", m[2])
	if m[1] == "parameters" {
		value = t.Get("parameters", m[2], "defaultValue")
	}
	if value.Str() == "" {
		return n
	}
	return value
}
