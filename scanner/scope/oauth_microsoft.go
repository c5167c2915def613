package scope

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

//go:embed microsoft.txt
var microsoftTable string

// microsoftPermissions are the names of permissions by their ids and types.
var microsoftPermissions = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for line := range strings.Lines(microsoftTable) {
		if fields := strings.Split(strings.TrimSpace(line), " | "); len(fields) == 3 {
			names[fields[0]+" "+fields[2]] = fields[1]
		}
	}
	return names
})

// Permissions by their names: in an index, by which Terraform looks up the id,
// and as the id itself, which the Teams toolkit replaces.
var (
	indexedPermission = regexp.MustCompile(`\["([A-Za-z-]+(?:\.[A-Za-z-]+)+)"\]`)
	namedPermission   = regexp.MustCompile(`^[A-Za-z-]+(?:\.[A-Za-z-]+)+$`)
)

// selfMade are permissions by which an app gives itself every other.
var selfMade = []string{"RoleManagement.ReadWrite.Directory", "AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"}

// appOnly are permissions that are too wide only where they are an app's own.
var appOnly = map[string]string{
	"Mail.Send":      "sends mail as anyone",
	"Calendars.Read": "reads every calendar",
	"Contacts.Read":  "reads every mailbox's contacts",
}

// readResourceAccess reads what a manifest, or a template with one in it, says
// that an application requires.
func readResourceAccess(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		if n.Get("resourceAppId") == nil {
			return true
		}
		for _, a := range n.Get("resourceAccess").Values() {
			readMicrosoft(f, word(d.Get("displayName").Str(), "app"), a.Get("id"), a.Get("type").Str())
		}
		return false
	})
}

// readAzureAD reads Terraform's resources of the provider azuread.
func readAzureAD(f *File, d *document.Node) {
	for _, b := range document.Blocks(d, "resource", "azuread_application") {
		for _, r := range b.Body.All("required_resource_access") {
			for _, a := range r.All("resource_access") {
				readMicrosoft(f, b.Name(), a.Get("id"), a.Get("type").Str())
			}
		}
	}
	for _, b := range document.Blocks(d, "resource", "azuread_application_api_access") {
		for _, id := range b.Body.Get("role_ids").Values() {
			readMicrosoft(f, b.Name(), id, "Role")
		}
		for _, id := range b.Body.Get("scope_ids").Values() {
			readMicrosoft(f, b.Name(), id, "Scope")
		}
	}
	t := newTerraform(f, d)
	for _, b := range document.Blocks(d, "resource", "azuread_app_role_assignment") {
		for _, names := range t.rounds(b.Body) {
			readAppRole(t, b.Name(), b.Body.Get("app_role_id"), names)
		}
	}
	for _, b := range document.Blocks(d, "resource", "azuread_service_principal_delegated_permission_grant") {
		for _, name := range b.Body.Get("claim_values").Values() {
			readMicrosoft(f, b.Name(), name, "Scope")
		}
	}
}

// readAppRole reads a permission that is granted for good; for_each takes
// several by their names.
func readAppRole(t *terraform, subject string, role *document.Node, names bound) {
	taken := t.key(role, names)
	if len(taken) == 0 {
		taken = t.list(role, names)
	}
	if len(taken) == 0 {
		taken = []*document.Node{role}
	}
	for _, r := range taken {
		readMicrosoft(t.File, subject, r, "Role")
	}
}

// readMicrosoft reads a permission of Entra ID: its id or its name, and
// whether it is the app's own (Role) or its user's (Scope).
func readMicrosoft(f *File, subject string, id *document.Node, kind string) {
	name, known := permissionName(id, kind)
	if !known {
		f.Unknown(id)
		return
	}
	p, ok := OAuth("microsoft", name)
	if opens := appOnly[name]; opens != "" && kind == "Role" {
		p, ok = Problem{Why: opens, Narrower: name + " in Exchange's RBAC for applications, for the mailboxes that are meant"}, true
	}
	if !ok {
		return
	}
	p.Subject, p.Value = subject, name
	p.Why = name + " " + p.Why
	if kind == "Role" {
		p.Rule, p.Severity = oauthApp, rule.High
		p.Why += ", without a user"
		switch {
		case slices.Contains(selfMade, name):
			p.Severity = rule.Critical
		case strings.Contains(name, ".Read.") || strings.HasSuffix(name, ".Read"):
			p.Severity = rule.Medium
		}
	}
	f.Report(id, p)
}

// permissionName is the name of a permission, "" of one that is in no list;
// known is false where the file does not say which it is.
func permissionName(id *document.Node, kind string) (name string, known bool) {
	if id == nil {
		return "", true
	}
	if id.Kind == document.Unknown {
		if m := indexedPermission.FindStringSubmatch(id.Text); m != nil {
			return m[1], true
		}
		return "", false
	}
	if namedPermission.MatchString(id.Str()) {
		return id.Text, true
	}
	return microsoftPermissions()[strings.ToLower(id.Str())+" "+kind], true
}
