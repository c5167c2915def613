package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// reach is how far an assignment goes.
type reach uint8

const (
	unknownReach reach = iota
	resourceReach
	groupReach
	subscriptionReach
	managementReach // a management group, or the tenant
)

// reachWords say for people how far that is.
var reachWords = map[reach]string{
	unknownReach: " within its scope", resourceReach: " of the resource", groupReach: " in the resource group",
	subscriptionReach: " in the subscription", managementReach: " in every subscription of the management group",
}

var resourceGroup = regexp.MustCompile(`(?i)/resourceGroups/|resource_group`)

// reachOf tells from its scope how far an assignment goes.
func reachOf(n *document.Node) reach {
	if n == nil {
		return unknownReach
	}
	text := strings.Trim(n.Text, "/")
	text = strings.TrimPrefix(text, "data.")
	switch {
	case text == "" || strings.Contains(text, "managementGroups/") || strings.Contains(text, "azurerm_management_group.") || strings.Contains(text, "management_group."):
		return managementReach
	case resourceGroup.MatchString(text):
		if strings.Contains(text, "/providers/") {
			return resourceReach
		}
		return groupReach
	case strings.HasPrefix(text, "subscriptions/") && strings.Count(text, "/") <= 1, strings.Contains(text, "azurerm_subscription."):
		return subscriptionReach
	case strings.HasPrefix(text, "azurerm_"), strings.Contains(text, "/providers/"):
		return resourceReach
	}
	return unknownReach
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

// azureServiceRoles are roles that open all there is of a service, where they
// are assigned on a whole subscription.
var azureServiceRoles = []struct{ name, id, opens string }{
	{"Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483", "reads and changes what every key vault holds"},
	{"Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "reads and changes the secrets of every key vault"},
	{"Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "reads the secrets of every key vault"},
	{"Key Vault Contributor", "f25e0fa2-a7c8-4377-a976-54943a77a395", "gives itself access to every key vault that has access policies"},
	{"Storage Account Contributor", "17d1049b-9a84-46fb-8f53-869881c3d3ab", "reads the keys of every storage account"},
	{"Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "changes the blobs of every storage account, and who may"},
	{"Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "changes and deletes the blobs of every storage account"},
	{"Virtual Machine Contributor", "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", "runs commands on every virtual machine, with the machine's identity"},
	{"Managed Identity Operator", "f1a07417-d97a-45cb-824c-7a7467783830", "runs workloads as every managed identity"},
	{"Managed Identity Contributor", "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", "lets tokens from elsewhere act as every managed identity"},
	{"Azure Kubernetes Service Cluster Admin Role", "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8", "gets the administrator's key of every cluster"},
	{"Azure Kubernetes Service RBAC Cluster Admin", "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", "does everything in every cluster"},
}

// entraRoles are roles of the directory by which the holder takes over the
// tenant; permissions of Graph are an OAuth client's.
var entraRoles = []struct{ name, id, opens, narrower string }{
	{"Global Administrator", "62e90394-69f5-4237-9190-012177145e10", "opens everything in the tenant", "the directory role of the one task, made eligible by PIM and not permanent"},
	{"Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814", "hands out every directory role, also to itself", "the directory role of the one task, made eligible by PIM and not permanent"},
	{"Privileged Authentication Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "resets the password of every administrator", "Authentication Administrator, on an administrative unit"},
	{"Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "makes credentials of every application, and so acts as it", "owner of the one application that is meant"},
	{"Cloud Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7", "makes credentials of every application, and so acts as it", "owner of the one application that is meant"},
}

// isRole tells a built-in role by its name, in which case makes no difference,
// or by what holds its id.
func isRole(role *document.Node, name, id string) bool {
	return strings.EqualFold(role.Text, name) || strings.Contains(strings.ToLower(role.Text), id)
}

// reportRole reports a built-in role that is too wide for where it is assigned.
func reportRole(f *File, subject string, role *document.Node, far reach) {
	for _, r := range azureRoles {
		if !isRole(role, r.name, r.id) {
			continue
		}
		p := Problem{Rule: azureRole, Severity: r.severity, Subject: subject, Value: r.name, Why: r.opens + reachWords[far], Narrower: "the role of the service that is used, such as Storage Blob Data Reader, on the resource that is meant"}
		switch {
		case far >= subscriptionReach:
		case r.name == "Contributor" && far == unknownReach:
			f.Unknown(role)
			return
		case far == resourceReach && r.name != "Owner":
			return
		case r.name == "Contributor":
			p.Severity = rule.Low
		default:
			p.Severity = rule.Medium
		}
		f.Report(role, p)
		return
	}
	for _, r := range azureServiceRoles {
		if far >= subscriptionReach && isRole(role, r.name, r.id) {
			f.Report(role, Problem{Rule: azureRole, Severity: rule.Medium, Subject: subject, Value: r.name, Why: r.opens + reachWords[far], Narrower: "the role on the one resource that is meant"})
			return
		}
	}
}

// reportEntraRole reports a role of the directory.
func reportEntraRole(f *File, subject string, role *document.Node) {
	for _, r := range entraRoles {
		if isRole(role, r.name, r.id) {
			f.Report(role, Problem{Rule: azureRole, Severity: rule.Critical, Subject: subject, Value: r.name, Why: r.opens, Narrower: r.narrower})
			return
		}
	}
}

// wholeProvider is every operation of a service.
var wholeProvider = regexp.MustCompile(`(?i)^microsoft\.[a-z]+/\*$`)

// granting are operations by which a holder gets every other.
var granting = []string{
	"microsoft.authorization/*", "microsoft.authorization/*/write", "microsoft.authorization/*/action", "microsoft.authorization/roleassignments/*", "microsoft.authorization/roleassignments/write",
	"microsoft.authorization/roledefinitions/*", "microsoft.authorization/roledefinitions/write", "microsoft.authorization/elevateaccess/action",
}

// readActions reports wildcards of a role definition. Those that take the
// right to hand out roles out again are a contributor's.
func readActions(f *File, subject string, actions, not []*document.Node) {
	bounded := slices.ContainsFunc(not, func(n *document.Node) bool {
		lower := strings.ToLower(n.Text)
		return lower == "microsoft.authorization/*" || lower == "microsoft.authorization/*/write"
	})
	for _, a := range actions {
		p := Problem{Rule: azureDefinition, Subject: subject, Narrower: "the operations that are used, such as Microsoft.Web/sites/restart/Action"}
		switch lower := strings.ToLower(a.Text); {
		case a.Kind != document.String:
			f.Unknown(a)
			continue
		case lower == "*" && bounded:
			p.Why = "allows every operation of every service but to hand out roles"
		case lower == "*":
			p.Severity, p.Why = rule.Critical, "allows every operation of every service"
		case lower == "*/write" || lower == "*/delete" || lower == "*/action":
			p.Why = "allows " + strings.TrimPrefix(lower, "*/") + " in every service"
		case slices.Contains(granting, lower):
			p.Why = "hands out every role, also to itself"
		case wholeProvider.MatchString(a.Text) && lower != "microsoft.support/*":
			p.Severity, p.Why = rule.Medium, "allows every operation of "+strings.TrimSuffix(a.Text, "/*")
		default:
			continue
		}
		f.Report(a, p)
	}
}

// fold is Get for what is read without regard to case, as Azure does.
func fold(n *document.Node, keys ...string) *document.Node {
	for _, k := range keys {
		var found *document.Node
		for _, m := range n.Entries() {
			if strings.EqualFold(m.Key.Text, k) {
				found = m.Value
			}
		}
		n = found
	}
	return n
}

// readDefinition reads a role definition as the command line, the portal and
// templates write it. Built-in ones are nobody's to change.
func readDefinition(f *File, subject string, d *document.Node) {
	custom, known := fold(d, "IsCustom").Bool()
	if known && !custom || fold(d, "roleType").Is("BuiltInRole") || fold(d, "type").Is("BuiltInRole") {
		return
	}
	subject = word(subject, "role")
	for _, n := range append(fold(d, "permissions").Values(), d) {
		readActions(f, subject, fold(n, "actions").Strings(), fold(n, "notActions").Strings())
		readActions(f, subject, fold(n, "dataActions").Strings(), nil)
	}
}

// anyRepository is a subject's pattern that holds for several repositories,
// groups or workspaces of an identity provider.
var anyRepository = regexp.MustCompile(`\['?sub'?\]\s+matches\s+'(\*|repo:[^/:']*\*|repo:[^/:']+/\*|project_path:\*|project_path:[^/:']+/\*|organization:[^:']*\*)`)

// readMatching reports a federated credential whose wildcard is too early.
func readMatching(f *File, subject string, expression *document.Node) {
	if anyRepository.MatchString(expression.Str()) {
		f.Report(expression, Problem{Rule: azureFederation, Subject: subject, Why: "lets the jobs of several repositories act as the application", Narrower: "claims['sub'] matches 'repo:OWNER/REPOSITORY:ref:refs/heads/main'"})
	}
}
