package scope

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// readTemplate reads an ARM template, if it is one.
func readTemplate(f *File, d *document.Node) {
	if far, ok := deployedTo(d); ok {
		t := armTemplate{Node: d, far: far, work: new(int)}
		t.read(f, d.Get("resources"), "")
		readSignatures(f, d)
	}
}

// deployedTo tells by its schema what a template is deployed to.
func deployedTo(d *document.Node) (reach, bool) {
	schema := strings.ToLower(d.Get("$schema").Str())
	switch {
	case strings.Contains(schema, "/subscriptiondeploymenttemplate.json"):
		return subscriptionReach, true
	case strings.Contains(schema, "/managementgroupdeploymenttemplate.json"), strings.Contains(schema, "/tenantdeploymenttemplate.json"):
		return managementReach, true
	}
	return groupReach, strings.Contains(schema, "/deploymenttemplate.json")
}

// armTemplate is an ARM template, which may stand in another: a deployment,
// that gives it parameters.
type armTemplate struct {
	*document.Node
	far    reach
	given  *document.Node
	outer  *armTemplate
	nested int
	work   *int // spent on references, by all templates of the file
}

// read reads the resources of a template, and those within them, whose types
// are named without that of the resource around them.
func (t *armTemplate) read(f *File, resources *document.Node, around string) {
	all := resources.Values()
	for _, m := range resources.Entries() { // by symbolic names
		all = append(all, m.Value)
	}
	for _, r := range all {
		kind := fold(r, "type").Str()
		if around != "" && !strings.HasPrefix(strings.ToLower(kind), "microsoft.") {
			kind = around + "/" + kind
		}
		far := t.far
		if scope := fold(r, "scope"); scope != nil {
			far = t.reachOf(scope)
		} else if around != "" || strings.Contains(strings.ToLower(kind), "/providers/") {
			far = resourceReach
		}
		p := fold(r, "properties")
		t.judge(f, kind, word(fold(r, "name").Str(), "resource"), p, far)
		if strings.EqualFold(kind, "Microsoft.Resources/deployments") && t.nested < maxFollows {
			inner := armTemplate{Node: fold(p, "template"), far: t.far, given: fold(p, "parameters"), outer: t, nested: t.nested + 1, work: t.work}
			if inner.far = t.far; fold(r, "resourceGroup") != nil {
				inner.far = groupReach
			} else if far, ok := deployedTo(inner.Node); ok {
				inner.far = far
			}
			inner.read(f, fold(inner.Node, "resources"), "")
		}
		t.read(f, fold(r, "resources"), kind)
	}
}

// reachOf tells from a resource's scope, which is an expression or a path, how
// far an assignment goes.
func (t *armTemplate) reachOf(scope *document.Node) reach {
	lower := strings.ToLower(scope.Text)
	switch {
	case lower == "/" || strings.Contains(lower, "microsoft.management/managementgroups"):
		return managementReach
	case lower == "[subscription().id]":
		return subscriptionReach
	case lower == "[resourcegroup().id]":
		return groupReach
	}
	return resourceReach
}

// judge judges one resource.
func (t *armTemplate) judge(f *File, kind, subject string, p *document.Node, far reach) {
	switch kind = strings.ToLower(kind); kind {
	case "microsoft.authorization/roledefinitions":
		readDefinition(f, word(fold(p, "roleName").Str(), subject), p)
	case "microsoft.authorization/roleassignments", "microsoft.authorization/roleassignmentschedulerequests":
		t.assign(f, subject, fold(p, "roleDefinitionId"), far)
	case "microsoft.storage/storageaccounts":
		public := fold(p, "allowBlobPublicAccess")
		for _, v := range t.resolve(public, 0) {
			if isTrue(v) {
				at := v
				if key := p.Key("allowBlobPublicAccess"); v == public && key != nil {
					at = key
				}
				reportOpenAccount(f, subject, "allowBlobPublicAccess", at, `"allowBlobPublicAccess": false`)
			}
		}
	case "microsoft.storage/storageaccounts/blobservices/containers":
		for _, v := range t.resolve(fold(p, "publicAccess"), 0) {
			readContainerAccess(f, subject, v)
		}
	case "microsoft.keyvault/vaults", "microsoft.keyvault/vaults/accesspolicies":
		for _, policy := range fold(p, "accessPolicies").Values() {
			readKeyVault(f, subject, fold(policy, "permissions"))
		}
	case "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials":
		readMatching(f, subject, fold(p, "claimsMatchingExpression", "value"))
	default:
		if strings.HasSuffix(kind, "/providers/roleassignments") {
			t.assign(f, subject, fold(p, "roleDefinitionId"), far)
		}
	}
}

func (t *armTemplate) assign(f *File, subject string, role *document.Node, far reach) {
	if role == nil {
		return
	}
	roles := t.resolve(role, 0)
	for _, r := range roles {
		reportRole(f, subject, r, far)
	}
	if len(roles) == 0 && far != resourceReach {
		f.Unknown(role)
	}
}

var (
	// reference is a variable or parameter in an expression, and what of it is
	// taken: each element in turn, or members by name.
	reference = regexp.MustCompile(`(?i)(variables|parameters)\('([^']+)'\)((?:\[copyIndex\([^()]*\)\]|\.\w+|\['[^']+'\])*)`)
	taken     = regexp.MustCompile(`\.(\w+)|\['([^']+)'\]`)
)

// resolve returns what an expression's variables and parameters are, of a list
// each element: the expression itself where it has none, nothing where none is
// known.
func (t *armTemplate) resolve(n *document.Node, depth int) []*document.Node {
	if n == nil || depth > maxFollows || *t.work > maxWork {
		return nil
	}
	*t.work += 1 + len(n.Text)
	refs := reference.FindAllStringSubmatch(n.Str(), -1)
	if !strings.HasPrefix(n.Str(), "[") || len(refs) == 0 {
		return []*document.Node{n}
	}
	var all []*document.Node
	for _, m := range refs[:min(len(refs), maxFollows)] {
		value, at := t.lookup(strings.ToLower(m[1]), m[2])
		values := elements(value)
		for _, step := range taken.FindAllStringSubmatch(m[3], -1) {
			var members []*document.Node
			for _, v := range values {
				members = append(members, elements(fold(v, word(step[1], step[2])))...)
			}
			values = members
		}
		for _, v := range values {
			if v != nil && v.Kind != document.Map && !v.Is("") {
				all = append(all, at.resolve(v, depth+1)...)
			}
		}
	}
	return all
}

// elements are those of a list, or else the node itself.
func elements(n *document.Node) []*document.Node {
	if n != nil && n.Kind == document.List {
		return n.Items[:min(len(n.Items), maxValues)]
	}
	return []*document.Node{n}
}

// lookup finds a variable or parameter, and the template in which its own
// expression is to be read. A deployment's template may use those around it.
func (t *armTemplate) lookup(kind, name string) (*document.Node, *armTemplate) {
	for ; t != nil; t = t.outer {
		*t.work += len(fold(t.Node, kind).Entries()) / lookups
		if kind == "variables" {
			if v := fold(t.Node, kind, name); v != nil {
				return v, t
			}
			continue
		}
		if v := fold(t.given, name, "value"); v != nil && t.outer != nil {
			return v, t.outer
		}
		if declared := fold(t.Node, kind, name); declared != nil {
			return fold(declared, "defaultValue"), t
		}
	}
	return nil, nil
}

// readAzureManifest reads what Azure Service Operator and Crossplane assign.
func readAzureManifest(f *File, d *document.Node) {
	if !strings.Contains(d.Get("apiVersion").Str(), "authorization.azure.") {
		return
	}
	kind, spec := d.Get("kind"), d.Get("spec")
	subject := kind.Str() + " " + d.Get("metadata", "name").Str()
	if provider := spec.Get("forProvider"); provider != nil {
		spec = provider
	}
	switch kind.Str() {
	case "RoleDefinition":
		readDefinition(f, subject, spec)
	case "RoleAssignment":
		far := reachOf(spec.Get("scope"))
		if owner := spec.Get("owner"); owner.Get("kind").Is("ResourceGroup") {
			far = groupReach
		} else if owner != nil {
			far = max(resourceReach, reachOf(owner.Get("armId")))
		}
		reference := spec.Get("roleDefinitionReference")
		for _, role := range []*document.Node{spec.Get("roleDefinitionName"), spec.Get("roleDefinitionId"), reference.Get("armId"), reference.Get("wellKnownName")} {
			if role.Str() != "" {
				reportRole(f, subject, role, far)
			}
		}
	}
}

// readPulumiAzure reads resources of Pulumi's YAML, both of the provider that
// is made from ARM and of the one that is made from Terraform's.
func readPulumiAzure(f *File, d *document.Node) {
	for _, m := range d.Get("resources").Entries() {
		provider, kind, _ := strings.Cut(strings.ToLower(m.Value.Get("type").Str()), ":")
		p, name := m.Value.Get("properties"), m.Key.Text
		if provider != "azure-native" && provider != "azure" {
			continue
		}
		switch kind[strings.LastIndexByte(kind, ':')+1:] {
		case "roleassignment", "assignment":
			for _, role := range []*document.Node{p.Get("roleDefinitionName"), p.Get("roleDefinitionId")} {
				if role.Str() != "" {
					reportRole(f, name, role, reachOf(p.Get("scope")))
				}
			}
		case "roledefinition":
			readDefinition(f, name, p)
		case "storageaccount", "account":
			for _, key := range []string{"allowBlobPublicAccess", "allowNestedItemsToBePublic"} {
				if isTrue(p.Get(key)) {
					reportOpenAccount(f, name, key, p.Key(key), key+": false")
				}
			}
		case "blobcontainer":
			readContainerAccess(f, name, p.Get("publicAccess"))
		case "container":
			readContainerAccess(f, name, p.Get("containerAccessType"))
		}
	}
}
