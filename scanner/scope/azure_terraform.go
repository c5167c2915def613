package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

func readAzureTerraform(f *File, d *document.Node) {
	t := newTerraform(f, d)
	for _, b := range document.Blocks(d, "resource") {
		t.readAzureResource(&b)
		t.readEntra(&b)
	}
	for _, b := range singles(d, "module") {
		t.readAzureModule(&b)
	}
	for _, b := range document.Blocks(d, "data", "azurerm_storage_account_sas", "azurerm_storage_account_blob_container_sas") {
		readSAS(f, &b)
	}
}

func (t *terraform) readAzureResource(b *document.Block) {
	body, name, kind := b.Body, b.Name(), b.Labels[0].Text
	switch kind {
	case "azurerm_role_assignment", "azurerm_pim_active_role_assignment":
		t.assign(name, body)
	case "azurerm_role_definition":
		for _, p := range nested(body, "permissions") {
			readActions(t.File, name, t.list(p.Get("actions"), nil), t.list(p.Get("not_actions"), nil))
			readActions(t.File, name, t.list(p.Get("data_actions"), nil), nil)
		}
	case "azurerm_storage_account":
		for _, key := range []string{"allow_nested_items_to_be_public", "allow_blob_public_access"} {
			for _, v := range t.of(body.Get(key), nil) {
				if isTrue(v) {
					reportOpenAccount(t.File, name, key, body.Key(key), key+" = false")
				}
			}
		}
	case "azurerm_storage_container":
		for _, names := range t.rounds(body) {
			for _, access := range t.of(body.Get("container_access_type"), names) {
				readContainerAccess(t.File, name, access)
			}
		}
	case "azurerm_key_vault_access_policy":
		readKeyVault(t.File, name, body)
	case "azurerm_key_vault":
		for _, p := range nested(body, "access_policy") {
			readKeyVault(t.File, name, p)
		}
	case "azurerm_container_registry_token_password":
		t.readTokenPasswords(name, body)
	case "azapi_resource":
		resource, _, _ := strings.Cut(body.Get("type").Str(), "@")
		template := armTemplate{work: new(int)}
		template.judge(t.File, resource, name, fold(body.Get("body"), "properties"), reachOf(body.Get("parent_id")))
	}
	if strings.HasSuffix(kind, "template_deployment") {
		for _, m := range body.Entries() {
			readTemplate(t.File, m.Value)
		}
	}
}

// readTokenPasswords reports passwords of a registry's token that never end,
// or end years later.
func (t *terraform) readTokenPasswords(subject string, body *document.Node) {
	for _, key := range []string{"password1", "password2"} {
		for _, password := range nested(body, key) {
			p := Problem{Rule: azurePassword, Subject: subject, Value: key, Why: "makes a registry's password that never ends", Narrower: "AcrPull for the managed identity that pulls; else an expiry within months"}
			expiry := password.Get("expiry")
			if expiry == nil || expiry.Kind == document.Null {
				t.Report(body.Key(key), p)
			} else if lastsYears(nil, expiry) {
				p.Why = "makes a registry's password that lasts for years"
				t.Report(expiry, p)
			}
		}
	}
}

// assign judges a role's assignment, in each round in which it is repeated.
func (t *terraform) assign(subject string, body *document.Node) {
	unknown := false
	for _, names := range t.rounds(body) {
		far := unknownReach
		for _, scope := range t.of(body.Get("scope"), names) {
			far = max(far, reachOf(scope))
		}
		for _, role := range t.assigned(body, names) {
			switch {
			case role.Kind == document.String, strings.Contains(role.Text, "/roleDefinitions/"):
				reportRole(t.File, subject, role, far)
			case far != resourceReach && !unknown:
				unknown = true
				t.Unknown(role)
			}
		}
	}
}

// readAzureModule judges the roles that are given to a module, as Azure's
// verified ones and others have them. What they are assigned on is not known
// where no scope stands beside them.
func (t *terraform) readAzureModule(b *document.Block) {
	b.Body.Walk(func(n *document.Node) bool {
		for _, key := range []string{"role_definition_id_or_name", "role_definition_name", "role_definition_id"} {
			for _, role := range t.list(n.Get(key), nil) {
				if role.Kind == document.String {
					reportRole(t.File, "module."+b.Name(), role, reachOf(n.Get("scope")))
				}
			}
		}
		return true
	})
}

// assigned are the roles that an assignment names, by name, by id, or by a
// definition that is looked up. One that the file makes is judged where it is.
func (t *terraform) assigned(body *document.Node, names bound) []*document.Node {
	roles := t.list(body.Get("role_definition_name"), names)
	for _, id := range t.list(body.Get("role_definition_id"), names) {
		switch role, looked := t.referred(id); {
		case role == nil:
			roles = append(roles, id)
		case looked:
			roles = append(roles, t.list(role.Get("name"), nil)...)
			roles = append(roles, t.list(role.Get("role_definition_id"), nil)...)
		}
	}
	return roles
}

// address is a reference to a block of a type, with the block's name.
var address = regexp.MustCompile(`((?:data\.)?(azurerm_role_definition|azuread_directory_role)\.[\w-]+)`)

// referred is the role that an expression refers to, as the file makes it or
// looks it up, and whether it only looks it up; nil where it is none.
func (t *terraform) referred(n *document.Node) (body *document.Node, looked bool) {
	if m := address.FindStringSubmatch(n.Text); m != nil {
		return t.named[m[1]], strings.HasPrefix(m[1], "data.")
	}
	return nil, false
}

// readEntra reads what is granted in the directory.
func (t *terraform) readEntra(b *document.Block) {
	body, name := b.Body, b.Name()
	switch b.Labels[0].Text {
	case "azuread_application_password", "azuread_service_principal_password":
		readPassword(t.File, name, b.Labels[0], body)
	case "azuread_application":
		for _, p := range nested(body, "password") {
			readPassword(t.File, name, body.Key("password"), p)
		}
	case "azuread_application_flexible_federated_identity_credential":
		readMatching(t.File, name, body.Get("claims_matching_expression"))
	case "azuread_directory_role_assignment", "azuread_directory_role_member":
		for _, role := range slices.Concat(t.list(body.Get("role_id"), nil), t.list(body.Get("role_object_id"), nil)) {
			if made, _ := t.referred(role); made != nil {
				for _, r := range slices.Concat(t.list(made.Get("display_name"), nil), t.list(made.Get("template_id"), nil)) {
					reportEntraRole(t.File, name, r)
				}
			} else {
				reportEntraRole(t.File, name, role)
			}
		}
	}
}
