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
	Files: "`*.hcl` with `path \"…\"`, policies in JSON, `vault_*` in `*.tf`",
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
		return hasExt(name, ".hcl", ".tf", ".tofu") || hasExt(name, ".json") && vaultName.MatchString(name)
	},
	Hints: []string{"capabilities", "bound_service_account_names"},
	Read:  readVault,
}

var vaultName = regexp.MustCompile(`(?i)vault|bao|polic`)

func readVault(f *File) {
	switch {
	case hasExt(f.Path, ".hcl"):
		readVaultHCL(f)
	case hasExt(f.Path, ".tf", ".tofu") || strings.HasSuffix(f.Path, ".tf.json"):
		readVaultTerraform(f)
	default:
		for _, d := range f.Docs() {
			readVaultPolicy(f, "", vaultPaths(d))
		}
	}
}

// pathBlock is the beginning of a path's block. The first HCL, which Vault
// reads, has its brace on the next line too.
var pathBlock = regexp.MustCompile(`(?m)^[ \t]*path[ \t]+"[^"\n]*"\s*\{`)

// parseVault reads a policy in HCL.
func parseVault(text []byte) ([]*document.Node, error) {
	text = pathBlock.ReplaceAllFunc(text, func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("\n"), []byte(" "))
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
		for _, b := range document.Blocks(d, "resource", "vault_policy") {
			readVaultText(f, b.Name(), b.Body.Get("policy"))
		}
		for _, b := range document.Blocks(d, "data", "vault_policy_document") {
			var paths []vaultPath
			for _, r := range b.Body.All("rule") {
				paths = append(paths, vaultPath{r.Get("path"), r.Get("capabilities")})
			}
			readVaultPolicy(f, b.Name(), paths)
		}
		for _, b := range document.Blocks(d, "resource", "vault_kubernetes_auth_backend_role") {
			names, spaces := b.Body.Get("bound_service_account_names"), b.Body.Get("bound_service_account_namespaces")
			if slices.Contains(names.Texts(), "*") && slices.Contains(spaces.Texts(), "*") {
				f.Report(names.Strings()[slices.Index(names.Texts(), "*")], Problem{Rule: vaultAnyone, Subject: b.Name(), Why: "lets every service account of every namespace log in", Narrower: "the service account and the namespace of the program"})
			}
		}
	}
}

// vaultPath is a path of a policy and what may be done there.
type vaultPath struct{ path, capabilities *document.Node }

// vaultPaths are the paths of a policy: blocks of HCL, an object of JSON.
func vaultPaths(d *document.Node) []vaultPath {
	var all []vaultPath
	for _, p := range d.All("path") {
		if len(p.Labels) > 0 {
			all = append(all, vaultPath{p.Labels[0], p.Get("capabilities")})
			continue
		}
		for _, list := range append(p.Values(), p) { // JSON may have a list of objects
			for _, m := range list.Entries() {
				if m.Value.Kind == document.Map {
					all = append(all, vaultPath{m.Key, m.Value.Get("capabilities")})
				}
			}
		}
	}
	return all
}

// vaultFilled is what stands for an expression that Terraform fills in.
const vaultFilled = "~~~~"

var interpolation = regexp.MustCompile(`\$\{[^{}"\n]*(?:"[^"\n]*"[^{}"\n]*)*\}`)

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
	if !strings.Contains(string(text), "capabilities") {
		f.Unknown(policy) // a file, or a document of another block
		return
	}
	filled := interpolation.ReplaceAllFunc(text, func(e []byte) []byte { return []byte(strings.Repeat("~", len(e))) })
	docs, err := parseVault(filled)
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

// readVaultPolicy judges a policy: where it is for every path, that alone.
func readVaultPolicy(f *File, subject string, paths []vaultPath) {
	if i := slices.IndexFunc(paths, func(p vaultPath) bool { return p.everything() && p.allows(vaultWrites...) }); i >= 0 {
		paths = paths[i : i+1]
	}
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
	return slices.ContainsFunc(p.capabilities.Texts(), func(c string) bool { return slices.Contains(capabilities, c) })
}

// judge judges one path.
func (p vaultPath) judge() (*document.Node, Problem, bool) {
	path := strings.TrimPrefix(p.path.Text, "/")
	narrower := "the paths that are used, such as path \"secret/data/app/*\" with read"
	writes := p.allows("create", "update", "patch", "sudo")
	switch {
	case p.everything() && p.allows(vaultWrites...):
		return p.path, Problem{Rule: vaultAll, Why: "may change everything in the vault, also policies and logins", Narrower: narrower}, true
	case p.everything() && p.allows("read"):
		return p.path, Problem{Rule: vaultAll, Severity: rule.High, Why: "reads everything in the vault", Narrower: narrower}, true
	case p.everything() && p.allows("list"):
		return p.path, Problem{Rule: vaultAll, Severity: rule.Medium, Why: "lists the names of everything in the vault", Narrower: narrower}, true
	case writes && vaultEscalating[path] != "":
		return p.path, Problem{Rule: vaultEscalate, Why: vaultEscalating[path], Narrower: "the one policy, role or mount that is managed, such as \"" + strings.TrimRight(path, "/*") + "/app\""}, true
	case path == "auth/token/create" && p.allows("sudo"):
		return p.sudo(), Problem{Rule: vaultEscalate, Value: "sudo", Why: "makes tokens with any policy, root among them", Narrower: "create and update without sudo, or auth/token/create/ROLE"}, true
	case slices.Contains(vaultShared, path) && writes && p.allows("read"):
		return p.path, Problem{Rule: vaultSecrets, Why: "reads and writes the secrets of every program", Narrower: "the program's own folder, such as \"" + strings.TrimSuffix(path, "*") + "app/*\""}, true
	case slices.Contains(vaultShared, path) && p.allows("read"):
		return p.path, Problem{Rule: vaultSecrets, Severity: rule.Low, Why: "reads the secrets of every program", Narrower: "the program's own folder, such as \"" + strings.TrimSuffix(path, "*") + "app/*\""}, true
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

// vaultShared are engines of secrets that programs share by custom, whole.
var vaultShared = []string{"secret/*", "secret/data/*", "secrets/*", "secrets/data/*", "kv/*", "kv/data/*", "kv-v2/*", "kv-v2/data/*", "kv2/*", "kv2/data/*", "kv-v1/*", "kv1/*", "secret/+/*", "kv/+/*"}

// vaultEscalating are paths by writing which a holder takes on more.
var vaultEscalating = map[string]string{
	"sys/*":                   "administers the vault: its policies, logins, engines and audit",
	"sys/policy/*":            "writes policies, also those that it has itself",
	"sys/policies/*":          "writes policies, also those that it has itself",
	"sys/policies/acl/*":      "writes policies, also those that it has itself",
	"sys/auth/*":              "adds and changes ways to log in",
	"auth/*":                  "changes who may log in and with which policies",
	"auth/token/*":            "makes tokens of any kind, and revokes those of others",
	"auth/token/create-*":     "makes tokens that outlive their parent",
	"auth/token/roles/*":      "writes roles by which tokens with other policies are made",
	"identity/*":              "gives any person or program any policy",
	"identity/entity/*":       "gives any person or program any policy",
	"identity/group/*":        "gives any group any policy",
	"sys/raw/*":               "reads and writes the storage below the vault",
	"sys/plugins/catalog/*":   "runs programs as plugins of the vault",
	"sys/generate-root/*":     "begins to make a root token",
	"sys/mounts/auth/*":       "changes how logins work",
	"sys/namespaces/*":        "administers every namespace",
	"auth/kubernetes/role/*":  "writes logins that have any policy",
	"auth/approle/role/*":     "writes logins that have any policy, and reads their secret ids",
	"auth/userpass/users/*":   "sets the passwords of other persons",
	"auth/+/role/*":           "writes logins that have any policy",
	"auth/jwt/role/*":         "writes logins that have any policy",
	"auth/oidc/role/*":        "writes logins that have any policy",
	"auth/aws/role/*":         "writes logins that have any policy",
	"auth/ldap/groups/*":      "gives any group any policy",
	"auth/github/map/teams/*": "gives any team any policy",
}

// vaultProtected are the beginnings of paths, or of a part of them, for which
// sudo is needed.
var vaultProtected = []string{
	"sys/", "auth/token/", "auth/*", "pki", "root",
}
