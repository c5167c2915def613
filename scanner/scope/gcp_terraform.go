package scope

import (
	"regexp"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

func readGCPTerraform(f *File, d *document.Node) {
	t := newTerraform(f, d)
	places := t.policyPlaces()
	for _, b := range document.Blocks(d, "data", "google_iam_policy") {
		for _, body := range nested(b.Body, "binding") {
			t.bind(b.Name(), body, b.Body, places[b.Name()])
		}
	}
	for _, b := range document.Blocks(d, "resource") {
		if strings.HasPrefix(b.Labels[0].Text, "google_") {
			t.readGCPResource(&b)
		}
	}
	for _, b := range singles(d, "module") {
		t.readGCPModule(&b)
	}
}

// policyPlaces tells what the policies of a file are set on. Those that are set
// on several are wide where the widest is.
func (t *terraform) policyPlaces() map[string]string {
	places := make(map[string]string)
	for _, b := range document.Blocks(t.root, "resource") {
		kind := b.Labels[0].Text
		policy := b.Body.Get("policy_data")
		if !strings.HasSuffix(kind, "_iam_policy") || policy == nil {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(strings.Trim(policy.Text, "${}"), "data."), ".policy_data")
		name, _, _ = strings.Cut(name, "[")
		if old := places[name]; old == anyPlace || old == onResource {
			places[name] = resourcePlace(kind)
		}
	}
	return places
}

// resourcePlace tells from a resource's type what it binds roles on.
func resourcePlace(kind string) string {
	for prefix, place := range map[string]string{"google_project_iam_": onProject, "google_folder_iam_": onFolder, "google_organization_iam_": onEverything} {
		if strings.HasPrefix(kind, prefix) {
			return place
		}
	}
	return onResource
}

// bind judges the binding that a block makes, in each round in which it or the
// block around it is repeated.
func (t *terraform) bind(subject string, body, around *document.Node, place string) {
	unknown := false
	for _, names := range t.rounds(around) {
		var members []*document.Node
		for _, key := range []string{"members", "member"} {
			members = append(members, t.list(body.Get(key), names)...)
		}
		for _, role := range t.list(body.Get("role"), names) {
			if role.Kind == document.Unknown && unknown {
				continue // counted once for the block
			}
			unknown = unknown || role.Kind == document.Unknown
			judgeBinding(t.File, binding{subject, role, members, place, narrowed(body.Get("condition"))})
		}
	}
}

func (t *terraform) readGCPResource(b *document.Block) {
	kind, body, name := b.Labels[0].Text, b.Body, b.Name()
	switch {
	case strings.HasSuffix(kind, "_iam_binding"), strings.HasSuffix(kind, "_iam_member"):
		t.bind(name, body, body, resourcePlace(kind))
	case strings.HasSuffix(kind, "_iam_policy"):
		walkGrants(t.File, body.Get("policy_data"), name, resourcePlace(kind))
	case strings.HasSuffix(kind, "_iam_custom_role"):
		readCustomRole(t.File, name, t.list(body.Get("permissions"), nil))
	case kind == "google_service_account_key":
		t.Report(b.Labels[0], Problem{Rule: gcpKey, Subject: name, Why: "makes a key that never ends, and keeps it in Terraform's state", Narrower: "google_service_account_iam_member with roles/iam.workloadIdentityUser"})
	case kind == "google_storage_hmac_key":
		t.Report(b.Labels[0], Problem{Rule: gcpKey, Subject: name, Why: "makes a key to storage that never ends, and keeps it in Terraform's state", Narrower: "google_storage_bucket_iam_member for the account, which then signs in without a key"})
	case kind == "google_iam_workload_identity_pool_provider":
		for _, oidc := range nested(body, "oidc") {
			for _, issuer := range t.of(oidc.Get("issuer_uri"), nil) {
				readProvider(t.File, name, issuer, body.Get("attribute_condition"))
			}
		}
	case kind == "google_cloud_run_v2_service":
		if open := body.Get("invoker_iam_disabled"); isTrue(open) {
			t.Report(open, Problem{Rule: gcpPublic, Severity: rule.Medium, Subject: name, Value: "invoker_iam_disabled", Why: "lets everyone who reaches the service call it", Narrower: "invoker_iam_disabled = false, and roles/run.invoker for who is meant"})
		}
	case kind == "google_bigquery_dataset", kind == "google_bigquery_dataset_access":
		t.readDataset(name, kind, body)
	case strings.HasPrefix(kind, "google_storage_"):
		t.readStorage(name, body)
	case strings.HasPrefix(kind, "google_compute_"):
		for _, a := range nested(body, "service_account") {
			if defaultAccount(a.Get("email")) {
				reportMachine(t.File, name, t.list(a.Get("scopes"), nil))
			}
		}
	case strings.HasPrefix(kind, "google_container_"), strings.HasPrefix(kind, "google_dataproc_"):
		t.readNodes(name, body)
	}
}

// readNodes looks for the settings of a cluster's machines, wherever they
// stand in it.
func (t *terraform) readNodes(name string, body *document.Node) {
	body.Walk(func(n *document.Node) bool {
		if defaultAccount(n.Get("service_account")) {
			reportMachine(t.File, name, t.list(n.Get("oauth_scopes"), nil))
			reportMachine(t.File, name, t.list(n.Get("service_account_scopes"), nil))
		}
		return true
	})
}

// readDataset reports a dataset that anyone may use.
func (t *terraform) readDataset(name, kind string, body *document.Node) {
	access := nested(body, "access")
	if kind == "google_bigquery_dataset_access" {
		access = append(access, body)
	}
	for _, a := range access {
		for _, key := range []string{"special_group", "iam_member"} {
			if who := a.Get(key); who.Is("allAuthenticatedUsers", "allUsers") {
				t.Report(who, publicBinding(&binding{subject: name, role: aclRole(a.Get("role"), "READER")}, who.Text))
			}
		}
	}
}

// aclRole is the role of an access list, which has one where none is named.
func aclRole(role *document.Node, usual string) *document.Node {
	if role.Str() == "" {
		return &document.Node{Kind: document.String, Text: usual}
	}
	return role
}

// readStorage reports access lists of buckets and objects that are for anyone.
func (t *terraform) readStorage(name string, body *document.Node) {
	if who := body.Get("entity"); who.Is("allUsers", "allAuthenticatedUsers") {
		t.reportACL(name, who, body.Get("role"), who.Text)
	}
	for _, pair := range t.list(body.Get("role_entity"), nil) {
		role, who, _ := strings.Cut(pair.Str(), ":")
		if who == "allUsers" || who == "allAuthenticatedUsers" {
			t.reportACL(name, pair, &document.Node{Kind: document.String, Text: role}, who)
		}
	}
	for _, key := range []string{"predefined_acl", "default_acl"} {
		switch acl := body.Get(key); acl.Str() {
		case "publicRead":
			t.reportACL(name, acl, &document.Node{Kind: document.String, Text: "READER"}, "allUsers")
		case "publicReadWrite":
			t.reportACL(name, acl, &document.Node{Kind: document.String, Text: "WRITER"}, "allUsers")
		case "authenticatedRead":
			t.reportACL(name, acl, &document.Node{Kind: document.String, Text: "READER"}, "allAuthenticatedUsers")
		}
	}
}

func (t *terraform) reportACL(name string, at, role *document.Node, who string) {
	t.Report(at, publicBinding(&binding{subject: name, role: aclRole(role, "READER")}, who))
}

// forbids tells inputs of a module that name roles which nobody is to have.
var forbids = regexp.MustCompile(`den(y|ied)|exclu|forbid|block|disallow|restrict|prohibit`)

// readGCPModule reads what is given to a module of Terraform's: bindings, as
// of terraform-google-modules and of Fabric, and lists of roles for a project.
func (t *terraform) readGCPModule(b *document.Block) {
	source := b.Body.Get("source").Str()
	subject := "module." + b.Name()
	place := onResource
	if _, part, ok := strings.Cut(source, "//"); ok || strings.Contains(source, "project") {
		place = boundOn(word(part, source))
	}
	for _, m := range b.Body.Entries() {
		key := m.Key.Text
		if forbids.MatchString(key) {
			continue
		}
		for _, v := range t.of(m.Value, nil) {
			walkGrants(t.File, v, subject, place)
		}
		on := boundOn(key)
		for _, role := range t.list(m.Value, nil) {
			if i := strings.Index(role.Str(), "roles/"); i == 0 || i > 1 && role.Text[i-2:i] == "=>" {
				judgeBinding(t.File, binding{subject: subject, role: part(role, i, len(role.Text)), place: on})
			}
		}
	}
	if generate := b.Body.Get("generate_keys"); isTrue(generate) && strings.Contains(source, "service-account") {
		t.Report(generate, Problem{Rule: gcpKey, Subject: subject, Why: "makes a key that never ends, and keeps it in Terraform's state", Narrower: "generate_keys = false, and workload identity federation"})
	}
}
