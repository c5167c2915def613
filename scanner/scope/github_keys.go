package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// cloudInput is an input of an action that holds a long-lived key, and what
// does without.
type cloudInput struct {
	action, input string // an action's name or its beginning
	with          string // stands in the input "registry" where that says whose key it is
	why, narrower string
	severity      rule.Severity
}

const (
	awsWhy    = "uses an AWS key that never ends"
	googleWhy = "uses a service account's key that never ends"
	azureWhy  = "uses a client secret of Azure"
	vaultWhy  = "uses a credential of Vault that is kept"

	awsOIDC          = "aws-actions/configure-aws-credentials with role-to-assume, and id-token: write"
	googleOIDC       = "google-github-actions/auth with workload_identity_provider, and id-token: write"
	azureOIDC        = "azure/login with client-id, tenant-id and subscription-id, and id-token: write"
	vaultOIDC        = "method: jwt with a role, and id-token: write"
	trustedPublisher = "a trusted publisher, with id-token: write"
)

// Sources: each action's README.
var cloudInputs = []cloudInput{
	{action: "aws-actions/configure-aws-credentials", input: "aws-secret-access-key", why: awsWhy, narrower: "role-to-assume, with id-token: write"},
	{input: "aws-secret-access-key", why: awsWhy, narrower: awsOIDC},
	{input: "aws_secret_access_key", why: awsWhy, narrower: awsOIDC},
	{input: "aws_secret_key", why: awsWhy, narrower: awsOIDC},
	{action: "google-github-actions/auth", input: "credentials_json", why: googleWhy, narrower: "workload_identity_provider, with id-token: write"},
	{action: "google-github-actions/", input: "credentials", why: googleWhy, narrower: googleOIDC},
	{action: "google-github-actions/setup-gcloud", input: "service_account_key", why: googleWhy, narrower: googleOIDC},
	{action: "azure/", input: "creds", why: azureWhy, narrower: "client-id, tenant-id and subscription-id, with id-token: write"},
	{action: "azure/", input: "publish-profile", why: "uses a publish profile of Azure, which never ends", narrower: azureOIDC},
	{action: "docker/login-action", input: "password", with: ".amazonaws.com", why: awsWhy, narrower: awsOIDC},
	{action: "docker/login-action", input: "password", with: "-docker.pkg.dev", why: googleWhy, narrower: googleOIDC},
	{action: "docker/login-action", input: "password", with: "gcr.io", why: googleWhy, narrower: googleOIDC},
	{action: "docker/login-action", input: "password", with: ".azurecr.io", why: "uses a password of the registry that never ends", narrower: azureOIDC},
	{action: "hashicorp/vault-action", input: "token", why: vaultWhy, narrower: vaultOIDC},
	{action: "hashicorp/vault-action", input: "secretId", why: vaultWhy, narrower: vaultOIDC},
	{action: "pypa/gh-action-pypi-publish", input: "password", why: "uses a token of PyPI that never ends", narrower: trustedPublisher, severity: rule.Low},
	{action: "js-devtools/npm-publish", input: "token", why: "uses a token of npm that is kept", narrower: trustedPublisher, severity: rule.Low},
	{action: "katyo/publish-crates", input: "registry-token", why: "uses a token of crates.io that is kept", narrower: trustedPublisher + ", and rust-lang/crates-io-auth-action", severity: rule.Low},
}

// cloudVariables are variables that hold a cloud's long-lived key.
var cloudVariables = map[string]string{
	"AWS_SECRET_ACCESS_KEY":          awsOIDC,
	"GOOGLE_CREDENTIALS":             googleOIDC,
	"GOOGLE_APPLICATION_CREDENTIALS": googleOIDC,
	"GCP_CREDENTIALS":                googleOIDC,
	"GCP_SA_KEY":                     googleOIDC,
	"GCP_SERVICE_ACCOUNT_KEY":        googleOIDC,
	"GCLOUD_SERVICE_KEY":             googleOIDC,
	"ARM_CLIENT_SECRET":              "azure/login with client-id, or ARM_USE_OIDC=true, and id-token: write",
	"AZURE_CLIENT_SECRET":            "azure/login with client-id, and id-token: write",
	"AZURE_CREDENTIALS":              "azure/login with client-id, and id-token: write",
	"VAULT_TOKEN":                    "hashicorp/vault-action with method: jwt, and id-token: write",
}

// Patterns of secrets in expressions: those but the job's own token.
var (
	secretName = regexp.MustCompile(`(?i)\$\{\{[^{}]*\bsecrets(?:\.|\[')(\w+)`)
	secretPart = regexp.MustCompile(`(?i)\$\{\{[^{}\n]*\bsecrets(?:\.|\[')[^{}\n]*\}\}`)
)

// fromSecret tells whether a value comes from the repository's secrets.
func fromSecret(n *document.Node) bool {
	if n.Str() == "" {
		return false
	}
	return slices.ContainsFunc(secretName.FindAllStringSubmatch(n.Text, -1), func(m []string) bool { return !strings.EqualFold(m[1], "GITHUB_TOKEN") })
}

// Storage with AWS's interface has keys like AWS's, and no federation.
var (
	otherStorage = regexp.MustCompile(`(?i)endpoint[-_]?url|AWS_(S3_)?ENDPOINT|--endpoint\b|r2\.cloudflarestorage|digitaloceanspaces|backblazeb2|wasabisys|\bminio\b`)
	otherKey     = regexp.MustCompile(`(?i)(secrets\.|\$\{?)(R2|B2|SPACES|MINIO|WASABI|DO|CF|CLOUDFLARE|LINODE|SCW|SCALEWAY|HETZNER|TIGRIS)_`)
)

// storages are the parts of a file, by where they begin, of which it was asked
// whether they name another storage.
type storages map[int]bool

// elsewhere tells whether an AWS key that is used within parts of a file is
// another storage's.
func (s storages) elsewhere(f *File, value *document.Node, within ...*document.Node) bool {
	return otherKey.MatchString(value.Str()) || slices.ContainsFunc(within, func(n *document.Node) bool {
		if n == nil {
			return false
		}
		other, asked := s[n.Start]
		if !asked {
			other = otherStorage.Match(f.Text[n.Start:n.End])
			s[n.Start] = other
		}
		return other
	})
}

// variables are an environment's, by their names.
type variables map[string]*document.Node

func variablesOf(env *document.Node) variables {
	all := make(variables)
	for _, m := range env.Entries() {
		all[m.Key.Text] = m.Value
	}
	return all
}

// inEffect is the value of a variable, the innermost of several.
func inEffect(name string, envs []variables) *document.Node {
	for _, e := range envs {
		if v := e[name]; v != nil {
			return v
		}
	}
	return nil
}

// readCloudKeys reports the long-lived keys that a job uses where the job's own
// identity would do.
func readCloudKeys(f *File, w *workflow, subject string, job *document.Node) {
	readCloudEnv(f, w, "workflow", w.cloud, job)
	readCloudEnv(f, w, subject, job.Get("env"), job)
	readCloudEnv(f, w, subject, job.Get("secrets"), job) // for the workflow that it calls
	outer := []variables{variablesOf(job.Get("env")), w.variables}
	registry := ""
	for _, s := range job.Get("steps").Values() {
		envs := append([]variables{variablesOf(s.Get("env"))}, outer...)
		readCloudInputs(f, w, subject, s, job)
		readCloudEnv(f, w, subject, s.Get("env"), job)
		for _, l := range loginsIn(f, s.Get("run")) {
			if !w.storages.elsewhere(f, l.at, job, w.env) && !hasKeyOf(l.at.Text, envs) {
				f.Report(l.at, Problem{Rule: actionsCloud, Subject: subject, Value: "login", Why: l.why, Narrower: l.narrower + ", with id-token: write"})
			}
		}
		if r := s.Get("with", "registry-url").Str(); r != "" {
			registry = r
		}
		readPublishing(f, subject, s, registry, envs)
	}
}

// hasKeyOf tells whether a command names a variable whose key is reported where
// it is set.
func hasKeyOf(command string, envs []variables) bool {
	return slices.ContainsFunc(shellVariable.FindAllStringSubmatch(command, -1), func(m []string) bool {
		return cloudVariables[m[1]] != "" && fromSecret(inEffect(m[1], envs))
	})
}

func readCloudInputs(f *File, w *workflow, subject string, step, job *document.Node) {
	name, with := actionName(step.Get("uses").Str()), step.Get("with")
	for _, c := range cloudInputs {
		value := with.Get(c.input)
		if name == "" || !strings.HasPrefix(name, c.action) || !fromSecret(value) || firstOf(with, "aws-session-token", "aws_session_token") != nil || !strings.Contains(with.Get("registry").Str(), c.with) {
			continue
		}
		if url := with.Get("repository-url").Str() + with.Get("registry-url").Str(); url != "" && !strings.Contains(url, "pypi.org") {
			continue
		}
		if c.why == awsWhy && w.storages.elsewhere(f, value, job, w.env) {
			continue
		}
		p := Problem{Rule: actionsCloud, Severity: c.severity, Subject: subject, Value: c.input, Why: c.why, Narrower: c.narrower}
		if with.Get("role-to-assume") != nil {
			p.Severity = rule.Low
		}
		f.Report(value, p)
	}
}

func readCloudEnv(f *File, w *workflow, subject string, env, job *document.Node) {
	if env.Get("AWS_SESSION_TOKEN") != nil {
		return
	}
	for _, m := range env.Entries() {
		narrower, ok := cloudVariables[m.Key.Text]
		if ok && fromSecret(m.Value) && !(narrower == awsOIDC && w.storages.elsewhere(f, m.Value, job, w.env)) {
			f.Report(m.Value, Problem{Rule: actionsCloud, Subject: subject, Value: m.Key.Text, Why: "hands over a cloud's key that never ends", Narrower: narrower})
		}
	}
}

// cloudLogin is a command that logs in with a long-lived key.
type cloudLogin struct {
	at            *document.Node
	why, narrower string
}

// aValue is a variable or an expression in a command: not what another command
// prints, which may end soon.
const aValue = `["']?\$(?:\{\{[^{}\n]*\}\}|\{?[\w:]+\}?)`

// cloudLogins are such commands; one with a word of unless is none.
var cloudLogins = []struct {
	command               *regexp.Regexp
	unless, why, narrower string
}{
	{regexp.MustCompile(`\baws configure (?:--profile[= ]\S+ )?set (?:[\w.-]+\.)?aws_secret_access_key ` + aValue), "", "logs in with an AWS key that never ends", "aws sts assume-role-with-web-identity"},
	{regexp.MustCompile(`\bexport AWS_SECRET_ACCESS_KEY=` + aValue), "", "logs in with an AWS key that never ends", "aws sts assume-role-with-web-identity"},
	{regexp.MustCompile(`\bgcloud auth activate-service-account\b`), "", "logs in with a service account's key that never ends", "gcloud auth login --cred-file of a workload identity pool"},
	{regexp.MustCompile(`\bdocker login\b[^\n;&|]*\s_json_key(?:_base64)?\b`), "", "logs in with a service account's key that never ends", "a token of a workload identity pool, as oauth2accesstoken"},
	{regexp.MustCompile(`\baz login\b(?:[^\n;&|\\]|\\\r?\n)*--service-principal\b(?:[^\n;&|\\]|\\\r?\n)*`), "federated-token", "logs in with a client secret of Azure", "az login --federated-token"},
	{regexp.MustCompile(`\bConnect-AzAccount\b[^\n;|]*-ServicePrincipal\b[^\n;|]*`), "FederatedToken", "logs in with a client secret of Azure", "Connect-AzAccount -FederatedToken"},
	{regexp.MustCompile(`\bvault write\b[^\n;&|]*\bauth/approle/login\b`), "", "logs in to Vault with a secret that is kept", "vault write auth/jwt/login"},
	{regexp.MustCompile(`\bvault login (?:-\S+ )*` + aValue), "-method", "logs in to Vault with a token that is kept", "vault write auth/jwt/login"},
}

// loginsIn are the logins of a script, or of a line of one. Keys with a session
// token end by themselves.
func loginsIn(f *File, script *document.Node) []cloudLogin {
	var all []cloudLogin
	session := strings.Contains(strings.ToLower(script.Str()), "aws_session_token")
	for _, l := range cloudLogins {
		for _, at := range commandPlaces(f, script, l.command) {
			if l.unless != "" && strings.Contains(at.Text, l.unless) || session && strings.Contains(l.why, "AWS") {
				continue
			}
			all = append(all, cloudLogin{firstLine(at), l.why, l.narrower})
		}
	}
	return all
}

// firstLine is the first line of a place in the file.
func firstLine(n *document.Node) *document.Node {
	line, _, more := strings.Cut(n.Text, "\n")
	if line = strings.TrimRight(line, " \\\r"); more || len(line) < len(n.Text) {
		return &document.Node{Kind: n.Kind, Text: line, Start: n.Start, End: n.Start + len(line)}
	}
	return n
}

// publisher is a registry that trusts the identity of a job.
// Sources: docs.pypi.org/trustedPublisher-publishers, docs.npmjs.com/trustedPublisher-publishers,
// crates.io/docs/trustedPublisher-publishing, guides.rubygems.org/trustedPublisher-publishing,
// learn.microsoft.com/nuget/nuget-org/trustedPublisher-publishing.
type publisher struct {
	name, host string
	command    *regexp.Regexp
	actions    []string // that publish with a variable's token
	variables  []string
	elsewhere  *regexp.Regexp // an option by which the command publishes to another registry
	addresses  []string       // variables that name another registry
	gitlab     bool           // it trusts GitLab's jobs too
}

const anOption = `[^\n;&|]*`

var publishers = []publisher{
	{
		name: "npm", host: "registry.npmjs.org", gitlab: true,
		command:   regexp.MustCompile(`\b(?:npm|pnpm|yarn npm|yarn|bun|lerna|changeset) publish\b` + anOption + `|\bsemantic-release\b` + anOption),
		actions:   []string{"changesets/action", "cycjimmy/semantic-release-action"},
		variables: []string{"NODE_AUTH_TOKEN", "NPM_TOKEN", "NPM_AUTH_TOKEN", "NPM_CONFIG_TOKEN", "YARN_NPM_AUTH_TOKEN"},
		elsewhere: regexp.MustCompile(`--registry\b`),
		addresses: []string{"NPM_CONFIG_REGISTRY", "npm_config_registry"},
	},
	{
		name: "PyPI", host: "pypi.org", gitlab: true,
		command:   regexp.MustCompile(`\b(?:twine upload|(?:uv|poetry|flit|hatch|pdm|maturin) publish|maturin upload)\b` + anOption),
		actions:   []string{"pyo3/maturin-action"},
		variables: []string{"TWINE_PASSWORD", "UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "POETRY_PYPI_TOKEN_PYPI", "FLIT_PASSWORD", "HATCH_INDEX_AUTH", "PDM_PUBLISH_PASSWORD", "MATURIN_PYPI_TOKEN"},
		elsewhere: regexp.MustCompile(`--repository|--publish-url|--index|\s-r\s`),
		addresses: []string{"TWINE_REPOSITORY_URL", "TWINE_REPOSITORY", "UV_PUBLISH_URL", "MATURIN_REPOSITORY", "MATURIN_REPOSITORY_URL", "FLIT_INDEX_URL"},
	},
	{
		name: "crates.io", host: "crates.io",
		command:   regexp.MustCompile(`\bcargo (?:publish|login|release|workspaces publish|ws publish|smart-release)\b` + anOption),
		actions:   []string{"release-plz/action", "marcoieni/release-plz-action"},
		variables: []string{"CARGO_REGISTRY_TOKEN"},
		elsewhere: regexp.MustCompile(`--registry\b|--index\b`),
	},
	{
		name: "RubyGems", host: "rubygems.org",
		command:   regexp.MustCompile(`\b(?:gem push|rake release)\b` + anOption),
		variables: []string{"GEM_HOST_API_KEY", "RUBYGEMS_API_KEY"},
		elsewhere: regexp.MustCompile(`--host\b`),
	},
	{
		name: "NuGet", host: "nuget.org",
		command:   regexp.MustCompile(`\bnuget push\b` + anOption),
		variables: []string{"NUGET_API_KEY"},
		elsewhere: regexp.MustCompile(`(?i)--source\b|\s-s\s|-Source\b`),
	},
}

// shellVariable is a variable that a command names.
var shellVariable = regexp.MustCompile(`\$(?:env:|\{)?([A-Za-z_]\w*)`)

// readPublishing reports the token by which a step publishes to a registry that
// would trust the job itself; envs are the step's, the job's and the
// workflow's.
func readPublishing(f *File, subject string, step *document.Node, registry string, envs []variables) {
	for i := range publishers {
		p := &publishers[i]
		if p.name == "npm" && registry != "" && !strings.Contains(registry, p.host) {
			continue
		}
		problem := Problem{Rule: actionsCloud, Severity: rule.Low, Subject: subject, Why: "publishes to " + p.name + " with a token that is kept", Narrower: trustedPublisher}
		names := slices.Clone(p.variables)
		commands := commandPlaces(f, step.Get("run"), p.command)
		commands = slices.DeleteFunc(commands, func(c *document.Node) bool { return p.toOther(c.Text, envs) })
		if len(commands) == 0 && !slices.Contains(p.actions, actionName(step.Get("uses").Str())) {
			continue
		}
		for _, c := range commands {
			if at := secretPart.FindAllStringIndex(c.Text, -1); at != nil && fromSecret(c) {
				last := at[len(at)-1] // a name may stand before the key
				f.Report(&document.Node{Kind: document.String, Text: c.Text[last[0]:last[1]], Start: c.Start + last[0], End: c.Start + last[1]}, problem)
			}
			if named := shellVariable.FindAllStringSubmatch(c.Text, -1); named != nil {
				names = append(names, named[len(named)-1][1])
			}
		}
		for _, n := range names {
			if value := inEffect(n, envs); fromSecret(value) && (holdsKey(n) || slices.Contains(p.variables, n)) {
				f.Report(value, problem)
				break
			}
		}
	}
}

// toOther tells whether a command, with the variables that are in effect,
// publishes to a registry that is not the public one.
func (p *publisher) toOther(command string, envs []variables) bool {
	if strings.Contains(command, p.host) {
		return false
	}
	return p.elsewhere.MatchString(command) || slices.ContainsFunc(p.addresses, func(a string) bool {
		v := inEffect(a, envs)
		return v != nil && !strings.Contains(v.Text, p.host)
	})
}
