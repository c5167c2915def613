package scope

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Vault's rules.
const (
	vaultAll      = "scope-vault-all"
	vaultEscalate = "scope-vault-escalate"
	vaultSecrets  = "scope-vault-secrets"
	vaultSudo     = "scope-vault-sudo"
	vaultAnyone   = "scope-vault-any-account"

	vaultDocs = "https://developer.hashicorp.com/vault/docs/concepts/policies"
)

// vaultPolicy reads policies of Vault and OpenBao.
// Source: developer.hashicorp.com/vault/docs/concepts/policies,
// developer.hashicorp.com/vault/api-docs/auth/token,
// registry.terraform.io/providers/hashicorp/vault/latest/docs.
var vaultPolicy = Format{
	Name:  "vault-policy",
	Files: "`*.hcl` with `path \"…\"`, also as templates, in YAML's scalars and in scripts' here-documents, policies in JSON, `vault_*` in `*.tf`",
	Rules: []Rule{
		{
			ID: vaultAll, Name: "Vault policy for every path", Severity: rule.Critical,
			Opens: "Every secret in the vault; where it writes, also the policies and logins of everyone else.",
			Steps: "Write a path for each thing that is read or written; vault print and the audit log show which are.",
			URL:   vaultDocs + "#policy-syntax",
		},
		{
			ID: vaultEscalate, Name: "Vault policy by which its holder takes on others", Severity: rule.High,
			Opens: "Whatever a policy can grant: the holder writes one, or makes a token or a login that has it.",
			Steps: "Keep it for administrators who log in as persons; name the one policy or role that is managed in the path.",
			URL:   vaultDocs + "#capabilities",
		},
		{
			ID: vaultSecrets, Name: "Vault policy for all secrets of an engine", Severity: rule.Medium,
			Opens: "The secrets of every other program that keeps them in the same engine.",
			Steps: "Give each program a folder of its own and name it in the path; a templated path makes one policy do for all.",
			URL:   vaultDocs + "#templated-policies",
		},
		{
			ID: vaultSudo, Name: "Vault policy with sudo that nothing there needs", Severity: rule.Low,
			Opens: "Root-protected endpoints that the path covers, or will.",
			Steps: "Take sudo away: only the endpoints that are listed as root-protected need it.",
			URL:   vaultDocs + "#root-protected-api-endpoints",
		},
		{
			ID: vaultAnyone, Name: "Vault login for every service account", Severity: rule.High,
			Opens: "The role's policies, for every pod of the cluster.",
			Steps: "Name the service accounts and the namespaces that are meant.",
			URL:   "https://developer.hashicorp.com/vault/docs/auth/kubernetes",
		},
	},
	Match: func(name string) bool {
		return vaultHCL.MatchString(name) || hasExt(name, ".tf", ".tofu") || hasExt(name, ".json") && vaultName.MatchString(name) || holds(name)
	},
	Hints: []string{"capabilities", "bound_service_account_names", "policies", "policy"},
	Read:  readVault,
}

var (
	vaultHCL  = regexp.MustCompile(`(?i)\.hcl(\.(j2|tmpl|tpl|tftpl|template|erb))?$`)
	vaultName = regexp.MustCompile(`(?i)vault|bao|polic`)
)

func readVault(f *File) {
	switch {
	case vaultHCL.MatchString(f.Path):
		readVaultHCL(f)
	case hasExt(f.Path, ".tf", ".tofu") || strings.HasSuffix(f.Path, ".tf.json"):
		readVaultTerraform(f)
	case holds(f.Path):
		vaultEmbedded.readIn(f)
	default:
		for _, d := range f.Docs() {
			readVaultPolicy(f, "", vaultPaths(d))
			if p := firstOf(d, "policy", "rules"); p.Str() != "" { // a policy of HCL, as the API takes it
				f.within("", p, readVaultHCL)
			}
		}
	}
}

// pathBlock is the beginning of a path's block. The first HCL, which Vault
// reads, has its brace on the next line too.
var pathBlock = regexp.MustCompile(`(?m)^[ \t]*path[ \t]+"[^"\n]*"\s*\{`)

// directive is what a template of Terraform or Jinja does without writing.
var directive = regexp.MustCompile(`%\{[^{}\n]*\}|\{%[^{}\n]*%\}`)

// parseVault reads a policy in HCL. What a template fills in is made vaultFilled.
func parseVault(text []byte) ([]*document.Node, error) {
	text = directive.ReplaceAllFunc(text, func(e []byte) []byte { return bytes.Repeat([]byte(" "), len(e)) })
	text = interpolation.ReplaceAllFunc(text, func(e []byte) []byte { return bytes.Repeat([]byte(vaultFilled), len(e)) })
	text = pathBlock.ReplaceAllFunc(text, func(b []byte) []byte {
		return bytes.Map(func(c rune) rune {
			if c == '\n' || c == '\r' {
				return ' '
			}
			return c
		}, b)
	})
	p, err := document.Parse("policy.hcl", text, nil)
	return p.Docs, err
}

func readVaultHCL(f *File) {
	if !pathBlock.Match(f.Text) {
		return // another program's
	}
	docs, err := parseVault(f.Text)
	if err != nil {
		f.Fault(err)
	}
	for _, d := range docs {
		readVaultPolicy(f, "", vaultPaths(d))
	}
}

func readVaultTerraform(f *File) {
	for _, d := range f.Docs() {
		for _, b := range document.Blocks(d, "resource", vaultLogins...) {
			readVaultRoot(f, b)
		}
		for _, b := range document.Blocks(d, "resource", "vault_policy") {
			readVaultText(f, b.Name(), b.Body.Get("policy"))
		}
		for _, b := range document.Blocks(d, "data", "vault_policy_document") {
			var paths []vaultPath
			for _, r := range b.Body.All("rule") {
				paths = append(paths, newVaultPath(r.Get("path"), r))
			}
			readVaultPolicy(f, b.Name(), paths)
		}
		for _, b := range document.Blocks(d, "resource", "vault_kubernetes_auth_backend_role") {
			names, spaces := b.Body.Get("bound_service_account_names"), b.Body.Get("bound_service_account_namespaces")
			if slices.Contains(names.Texts(), "*") && slices.Contains(spaces.Texts(), "*") {
				reportVaultAnyone(f, b.Name(), names.Strings()[slices.Index(names.Texts(), "*")])
			}
		}
	}
}

func reportVaultAnyone(f *File, subject string, at *document.Node) {
	f.Report(at, Problem{Rule: vaultAnyone, Subject: subject, Why: "lets every service account of every namespace log in", Narrower: "the service account and the namespace of the program"})
}

// vaultLogins are the resources that make tokens and logins.
var vaultLogins = []string{
	"vault_token", "vault_token_auth_backend_role", "vault_kubernetes_auth_backend_role", "vault_aws_auth_backend_role", "vault_azure_auth_backend_role",
	"vault_gcp_auth_backend_role", "vault_jwt_auth_backend_role", "vault_approle_auth_backend_role", "vault_cert_auth_backend_role",
	"vault_github_team", "vault_github_user", "vault_identity_entity", "vault_identity_group", "vault_ldap_auth_backend_group", "vault_ldap_auth_backend_user",
}

// vaultRoot are where a token or a login is given policies.
var vaultRoot = []string{"token_policies", "policies", "allowed_policies"}

// readVaultRoot reports a token or a login that has the root policy.
func readVaultRoot(f *File, b document.Block) {
	for _, key := range vaultRoot {
		for _, p := range b.Body.Get(key).Strings() {
			if p.Text == "root" {
				reportVaultRoot(f, b.Name(), p)
			}
		}
	}
}

func reportVaultRoot(f *File, subject string, at *document.Node) {
	f.Report(at, Problem{Rule: vaultAll, Subject: subject, Why: "has the root policy, for which nothing is checked", Narrower: "a policy with the paths that are used"})
}

// vaultPath is a path of a policy and what may be done there: a list, or the
// one word of the time before capabilities.
type vaultPath struct{ path, capabilities *document.Node }

func newVaultPath(path, rules *document.Node) vaultPath {
	return vaultPath{path, firstOf(rules, "capabilities", "policy")}
}

// vaultShorthand are the capabilities of the words that "policy" takes.
var vaultShorthand = map[string][]string{
	"read":  {"read", "list"},
	"write": {"create", "read", "update", "delete", "list"},
	"sudo":  {"create", "read", "update", "delete", "list", "sudo"},
	"deny":  {"deny"},
}

// granted are the capabilities.
func (p vaultPath) granted() []string {
	if p.capabilities != nil && p.capabilities.Kind == document.String {
		return vaultShorthand[p.capabilities.Text]
	}
	return p.capabilities.Texts()
}

// vaultPaths are the paths of a policy: blocks of HCL, an object of JSON.
func vaultPaths(d *document.Node) []vaultPath {
	var all []vaultPath
	for _, p := range d.All("path") {
		if len(p.Labels) > 0 {
			all = append(all, newVaultPath(p.Labels[0], p))
			continue
		}
		for _, list := range append(p.Values(), p) { // JSON may have a list of objects
			for _, m := range list.Entries() {
				if m.Value.Kind == document.Map {
					all = append(all, newVaultPath(m.Key, m.Value))
				}
			}
		}
	}
	return all
}

// vaultFilled is what stands for an expression that Terraform or a shell fills
// in.
const vaultFilled = "~"

var interpolation = regexp.MustCompile(`\$\{[^{}"\n]*(?:"[^"\n]*"[^{}"\n]*)*\}|\$[A-Za-z_]\w*`)

// readVaultText reads a policy that stands in a string of Terraform.
func readVaultText(f *File, subject string, policy *document.Node) {
	if policy == nil {
		return
	}
	if policy.Kind == document.Map {
		readVaultPolicy(f, subject, vaultPaths(policy))
		return
	}
	text := f.Text[policy.Start:policy.End]
	if !pathBlock.Match(text) {
		f.Unknown(policy) // a file, or a document of another block
		return
	}
	docs, err := parseVault(text)
	if err != nil {
		f.Unknown(policy)
		return
	}
	for _, d := range docs {
		paths := vaultPaths(d)
		for i := range paths {
			paths[i].path = shifted(paths[i].path, policy.Start)
			paths[i].capabilities = shifted(paths[i].capabilities, policy.Start)
		}
		readVaultPolicy(f, subject, paths)
	}
}

// shifted is a node and its items by so many bytes further on.
func shifted(n *document.Node, by int) *document.Node {
	if n == nil {
		return nil
	}
	moved := *n
	moved.Start, moved.End = n.Start+by, n.End+by
	moved.Items = nil
	for _, i := range n.Items {
		moved.Items = append(moved.Items, shifted(i, by))
	}
	return &moved
}

// readVaultPolicy judges a policy.
func readVaultPolicy(f *File, subject string, paths []vaultPath) {
	for _, p := range paths {
		if p.path == nil || p.capabilities == nil || p.allows("deny") {
			continue
		}
		if !p.path.Known() || strings.Contains(p.path.Text, vaultFilled) || !p.capabilities.Known() {
			f.Unknown(p.path)
			continue
		}
		at, problem, ok := p.judge()
		if !ok {
			continue
		}
		problem.Subject = strings.TrimSpace(subject + ` path "` + p.path.Text + `"`)
		f.Report(at, problem)
	}
}

var vaultWrites = []string{"create", "update", "patch", "delete", "sudo"}

// everything tells whether a path is all there are.
func (p vaultPath) everything() bool {
	return p.path != nil && strings.Trim(p.path.Text, "/+") == "*"
}

// allows tells whether one of the capabilities given is granted.
func (p vaultPath) allows(capabilities ...string) bool {
	return slices.ContainsFunc(p.granted(), func(c string) bool { return slices.Contains(capabilities, c) })
}

// judge judges one path.
func (p vaultPath) judge() (*document.Node, Problem, bool) {
	path := strings.TrimPrefix(p.path.Text, "/")
	narrower := "the paths that are used, such as path \"secret/data/app/*\" with read"
	writes := p.allows("create", "update", "patch", "sudo")
	takesOn := ""
	if i := slices.IndexFunc(vaultEscalating, func(e vaultEndpoint) bool { return vaultCovers(path, e.path) }); i >= 0 && writes {
		takesOn = vaultEscalating[i].why
	}
	shared := slices.ContainsFunc(vaultShared, func(e string) bool { return vaultCovers(path, e) })
	own := strings.TrimRight(path, "*+") + "app/*"
	switch {
	case p.everything() && p.allows(vaultWrites...):
		return p.path, Problem{Rule: vaultAll, Why: "may change everything in the vault, also policies and logins", Narrower: narrower}, true
	case p.everything() && p.allows("read"):
		return p.path, Problem{Rule: vaultAll, Severity: rule.High, Why: "reads everything in the vault", Narrower: narrower}, true
	case p.everything() && p.allows("list"):
		return p.path, Problem{Rule: vaultAll, Severity: rule.Medium, Why: "lists the names of everything in the vault", Narrower: narrower}, true
	case takesOn != "":
		return p.path, Problem{Rule: vaultEscalate, Why: takesOn, Narrower: "the one policy, role or mount that is managed, by its whole path"}, true
	case p.allows("sudo") && (vaultCovers(path, "auth/token/create") || vaultCovers(path, "auth/token/create-orphan")):
		return p.sudo(), Problem{Rule: vaultEscalate, Value: "sudo", Why: "makes tokens with any policy, root among them", Narrower: "create and update without sudo, or auth/token/create/ROLE"}, true
	case shared && writes && p.allows("read"):
		return p.path, Problem{Rule: vaultSecrets, Why: "reads and writes the secrets of every program", Narrower: "the program's own folder, such as \"" + own + "\""}, true
	case shared && p.allows("read"):
		return p.path, Problem{Rule: vaultSecrets, Severity: rule.Low, Why: "reads the secrets of every program", Narrower: "the program's own folder, such as \"" + own + "\""}, true
	case p.makes(path) != "":
		return p.path, Problem{Rule: vaultSecrets, Why: "makes credentials of every role of the engine", Narrower: "the program's own role: \"" + p.makes(path) + "app\""}, true
	case p.allows("sudo") && !slices.ContainsFunc(vaultProtected, func(r string) bool { return strings.HasPrefix(path, r) || strings.Contains(path, "/"+r) }):
		return p.sudo(), Problem{Rule: vaultSudo, Value: "sudo", Why: "has sudo on a path that needs none", Narrower: "the other capabilities alone"}, true
	}
	return nil, Problem{}, false
}

// sudo is where the capability stands.
func (p vaultPath) sudo() *document.Node {
	all := p.capabilities.Strings()
	return all[slices.IndexFunc(all, func(n *document.Node) bool { return n.Text == "sudo" })]
}

// vaultCovers tells whether a path of a policy is for every name at the stars of an
// endpoint. A + of the endpoint is a name that the path may say.
func vaultCovers(path, endpoint string) bool {
	parts, ends := strings.Split(path, "/"), strings.Split(endpoint, "/")
	for i, p := range parts {
		if i == len(ends) {
			return strings.Trim(strings.Join(parts[i:], ""), "+*") == "" // all below it
		}
		prefix, glob := strings.CutSuffix(p, "*")
		glob = glob && i == len(parts)-1
		switch e := ends[i]; {
		case e == "*" && glob:
			return prefix == ""
		case glob:
			return e == "+" || strings.HasPrefix(e, prefix)
		case p != "+" && e != "+" && p != e:
			return false
		}
	}
	return len(parts) == len(ends)
}

// vaultShared are engines of secrets that programs share by custom, whole.
var vaultShared = []string{
	"secret/data/*", "secrets/data/*", "kv/data/*", "kv-v2/data/*", "kv2/data/*",
	"secret/*", "secrets/*", "kv/*", "kv-v1/*", "kv1/*", "kv-v2/*", "kv2/*",
}

// vaultMakers are where engines make credentials, a role's name behind it.
var vaultMakers = []string{
	"database/creds/", "aws/creds/", "aws/sts/", "azure/creds/", "gcp/token/", "gcp/key/", "rabbitmq/creds/", "consul/creds/", "nomad/creds/",
	"mongodbatlas/creds/", "kubernetes/creds/", "ssh/creds/", "ssh/sign/", "pki/issue/", "pki/sign/",
}

// makes is where credentials of every role are made, else "".
func (p vaultPath) makes(path string) string {
	i := slices.IndexFunc(vaultMakers, func(e string) bool { return vaultCovers(path, e+"*") })
	if i < 0 || !p.allows("read", "create", "update") {
		return ""
	}
	return vaultMakers[i]
}

// vaultEndpoint is where a holder takes on more by writing.
type vaultEndpoint struct{ path, why string }

// vaultEscalating are such endpoints, the widest first.
var vaultEscalating = []vaultEndpoint{
	{"sys/*", "administers the vault: its policies, logins, engines and audit"},
	{"auth/*", "changes who may log in and with which policies"},
	{"identity/*", "gives any person or program any policy"},
	{"sys/policy/*", "writes policies, also those that it has itself"},
	{"sys/policies/*", "writes policies, also those that it has itself"},
	{"sys/policies/acl/*", "writes policies, also those that it has itself"},
	{"sys/auth/*", "adds and changes ways to log in"},
	{"sys/mounts/*", "adds and removes engines, with all the secrets in them"},
	{"sys/mounts/auth/*", "changes how logins work"},
	{"sys/raw/*", "reads and writes the storage below the vault"},
	{"sys/plugins/catalog/*", "runs programs as plugins of the vault"},
	{"sys/generate-root/*", "begins to make a root token"},
	{"sys/namespaces/*", "administers every namespace"},
	{"auth/token/*", "makes tokens of any kind, and revokes those of others"},
	{"auth/token/roles/*", "writes roles by which tokens with other policies are made"},
	{"auth/+/role/*", "writes logins that have any policy"},
	{"auth/+/role/*/secret-id", "makes secret ids by which it logs in as any role"},
	{"auth/+/roles/*", "writes logins that have any policy"},
	{"auth/+/users/*", "sets the passwords and policies of other persons"},
	{"auth/+/groups/*", "gives any group any policy"},
	{"auth/+/certs/*", "writes logins that have any policy"},
	{"auth/+/map/teams/*", "gives any team any policy"},
	{"identity/entity/*", "gives any person or program any policy"},
	{"identity/entity/id/*", "gives any person or program any policy"},
	{"identity/entity/name/*", "gives any person or program any policy"},
	{"identity/group/*", "gives any group any policy"},
	{"identity/group/id/*", "gives any group any policy"},
	{"identity/group/name/*", "gives any group any policy"},
}

// vaultProtected are the beginnings of paths, or of a part of them, for which
// sudo is needed.
var vaultProtected = []string{
	"sys/", "auth/token/", "auth/*", "pki", "root",
}
