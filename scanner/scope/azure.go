package scope

import (
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
	azureFederation = "scope-azure-federation"
)

// azure reads role assignments and definitions, and credentials: Terraform,
// ARM templates, and so what Bicep is compiled to.
// Sources: learn.microsoft.com/azure/role-based-access-control/{best-practices,built-in-roles,role-definitions},
// learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference,
// /azure/storage/blobs/anonymous-read-access-prevent, /azure/storage/common/storage-sas-overview.
var azure = Format{
	Name:  "azure",
	Files: "Terraform's `azurerm_*`, `azuread_*` and `azapi_*`, ARM templates (Bicep's output), role definitions in JSON, manifests of Azure Service Operator and Crossplane, Pulumi's YAML, commands of the Azure CLI in pipelines of Azure, GitHub and GitLab",
	Rules: []Rule{
		{
			ID: azureRole, Name: "Azure role of an administrator", Severity: rule.High,
			Opens: "Everything in the subscription, group or tenant, for an owner also who may do what.",
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
			ID: azureFederation, Name: "Azure federated credential for several repositories", Severity: rule.High,
			Opens: "What the application may do, for whoever can run a job in any repository that the wildcard covers.",
			Steps: "Name the repository in the expression, and the branch or environment; or use a plain subject.",
			URL:   "https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials",
		},
		{
			ID: azureSAS, Name: "Azure shared access signature that may do everything, or lasts", Severity: rule.High,
			Opens: "What the signature allows, at worst every service of the storage account, for whoever reads the address, until it ends.",
			Steps: "Make a user delegation SAS for one container, to read, for hours.",
			URL:   "https://learn.microsoft.com/azure/storage/common/storage-sas-overview#best-practices-when-using-sas",
		},
	},
	Match: func(name string) bool { return isTerraform(name) || hasExt(name, ".json", ".jsonc", ".yaml", ".yml") },
	Hints: append([]string{"azurerm_", "azuread_", "azapi_", "Microsoft.", "AssignableScopes", "assignableScopes", "eploymentTemplate.json"}, azureYAML...),
	Read: func(f *File) {
		yaml := hasExt(f.Path, ".yaml", ".yml")
		if yaml && !hasHint(f.Text, azureYAML) {
			return // what the other hints are for is not written in YAML
		}
		for _, d := range f.Docs() {
			switch {
			case isTerraform(f.Path):
				readAzureTerraform(f, d)
			case yaml:
				readAzureManifest(f, d)
				readPulumiAzure(f, d)
				for _, words := range pipelineCommands(f, d) {
					readAzureCommand(f, words)
				}
			default:
				readAzureDefinitions(f, d)
				readTemplate(f, d)
			}
		}
	},
}

// azureYAML are the hints of what is written in YAML: manifests, Pulumi's
// resources and commands.
var azureYAML = []string{"authorization.azure.", "azure-native:", "azure:authorization", "azure:storage", "az role ", "az ad ", "az storage "}

// readAzureDefinitions reads role definitions as the command line, PowerShell,
// the portal and the API have them, one or a list.
func readAzureDefinitions(f *File, d *document.Node) {
	for _, n := range append(d.Values(), d) {
		if inner := fold(n, "properties"); fold(inner, "assignableScopes") != nil {
			n = inner
		}
		if fold(n, "assignableScopes") != nil {
			readDefinition(f, word(fold(n, "Name").Str(), fold(n, "roleName").Str()), n)
		}
	}
}
