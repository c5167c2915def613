package scope

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// GitLab's rules.
const (
	gitlabVariable = "scope-gitlab-variable"
	gitlabJobToken = "scope-gitlab-job-token"
	gitlabTrace    = "scope-gitlab-trace"
	gitlabForward  = "scope-gitlab-forward"
	gitlabPrivate  = "scope-gitlab-private-token"
	gitlabCloud    = "scope-gitlab-cloud-key"
	gitlabToken    = "scope-gitlab-token"
	gitlabInclude  = "scope-gitlab-include"
	gitlabPlain    = "scope-gitlab-variable-plain"
)

// gitlabCI reads pipelines, and what Terraform's provider sets of projects.
// Source: docs.gitlab.com/ci/pipeline_security, /ci/jobs/ci_job_token, /ci/variables,
// /ci/secrets/id_token_authentication; search.opentofu.org/provider/gitlabhq/gitlab.
var gitlabCI = Format{
	Name:  "gitlab-ci",
	Files: "`.gitlab-ci.yml`, `*.gitlab-ci.yml`, `.gitlab/**.yml`, and Terraform's `gitlab_*`",
	Rules: []Rule{
		{
			ID: gitlabVariable, Name: "GitLab variable that is neither masked nor protected", Severity: rule.Medium,
			Opens: "The key, for every job of every branch, and for everyone who reads a job's log.",
			Steps: "Mask it, and protect it, so that only jobs of protected branches and tags get it.",
			URL:   "https://docs.gitlab.com/ci/variables/#cicd-variable-security",
		},
		{
			ID: gitlabJobToken, Name: "GitLab job token that reaches too far", Severity: rule.Medium,
			Opens: "The project, for jobs of other projects; or the token, for whoever reads what it was written into.",
			Steps: "Limit access to the projects that need it, and hand the token over as a secret of the build.",
			URL:   "https://docs.gitlab.com/ci/jobs/ci_job_token/#control-job-token-access-to-your-project",
		},
		{
			ID: gitlabTrace, Name: "GitLab job that prints every variable", Severity: rule.High,
			Opens: "Every variable and secret of the job, for everyone who reads its log.",
			Steps: "Take the variable away; set it for one run where it must be.",
			URL:   "https://docs.gitlab.com/ci/variables/variables_troubleshooting/#enable-debug-logging",
		},
		{
			ID: gitlabForward, Name: "GitLab pipeline that hands over every variable", Severity: rule.Medium,
			Opens: "The variables of who started the pipeline, for the project that is triggered.",
			Steps: "Name the variables that the other pipeline needs under variables.",
			URL:   "https://docs.gitlab.com/ci/yaml/#triggerforward",
		},
		{
			ID: gitlabPrivate, Name: "Person's token where the job's own would do", Severity: rule.Medium,
			Opens: "What the person may do, in every project of theirs, for everyone who may change the pipeline.",
			Steps: "Send JOB-TOKEN: $CI_JOB_TOKEN, which ends with the job.",
			URL:   "https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access",
		},
		{
			ID: gitlabCloud, Name: "Long-lived cloud key where an ID token would do", Severity: rule.Medium,
			Opens: "The cloud account, vault or package, from anywhere and without an end, for whoever reads the variable once.",
			Steps: "Let the provider trust the job's ID token, for this project and branch.",
			URL:   "https://docs.gitlab.com/ci/cloud_services/",
		},
		{
			ID: gitlabToken, Name: "GitLab token that may do more than need be", Severity: rule.Medium,
			Opens: "Everything in the project or group that the scope and the role name.",
			Steps: "Give it the narrower scope, the least role, and an end.",
			URL:   "https://docs.gitlab.com/security/tokens/#token-scopes",
		},
		{
			ID: gitlabInclude, Name: "GitLab pipeline with jobs from elsewhere", Severity: rule.Low,
			Opens: "The pipeline's variables and job token, for whoever may change the file at its address.",
			Steps: "Add the file's hash as integrity, or take the file into a project and name its commit.",
			URL:   "https://docs.gitlab.com/ci/yaml/#includeintegrity",
		},
		{
			ID: gitlabPlain, Name: "Key in a GitLab pipeline's variables", Severity: rule.High, Secret: true,
			Opens: "What the key opens, for everyone who reads the repository.",
			Steps: "Revoke the key, and keep its successor as a masked and protected variable of the project, or in a vault that the job reads by its ID token.",
			URL:   "https://docs.gitlab.com/ci/variables/#define-a-cicd-variable-in-the-gitlab-ciyml-file",
		},
	},
	Match: func(name string) bool {
		if hasExt(name, ".yml", ".yaml") {
			return strings.Contains(path.Base(name), "gitlab-ci") || strings.Contains("/"+name, "/.gitlab/") || strings.Contains("/"+name, "/gitlab-ci/")
		}
		return isTerraform(name)
	},
	Hints: []string{"CI_DEBUG_", "forward", "PRIVATE-TOKEN", "private_token", "TokenScopeEnabled", "job_token_scope", "--build-arg", "include", "aws_secret_access_key", "activate-service-account", "service-principal", "ServicePrincipal", "_json_key", "approle", "vault login",
		"gitlab_", "git push", "publish", "upload", "semantic-release", "variables"},
	Read: func(f *File) {
		for _, d := range f.Docs() {
			if isTerraform(f.Path) {
				readGitlabTerraform(f, d)
			} else {
				readPipeline(f, d)
			}
		}
	},
}

// isTerraform tells Terraform's and OpenTofu's files.
func isTerraform(name string) bool {
	return hasExt(name, ".tf", ".tofu") || strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tofu.json")
}

// pipeline is a pipeline's file.
type pipeline struct {
	*document.Node
	storages storages
	env      variables // of every job
}

// notJobs are keys at a pipeline's top whose maps are no jobs.
// Source: docs.gitlab.com/ci/yaml/#global-keywords.
var notJobs = []string{"variables", "include", "workflow", "stages", "image", "services", "cache", "spec"}

func readPipeline(f *File, d *document.Node) {
	if !affordable(f, d) {
		return
	}
	p := pipeline{d, make(storages), variablesOf(d.Get("variables"))}
	readIncludes(f, d.Get("include"))
	readPipelineJob(f, p, "pipeline", &document.Node{Kind: document.Map, Members: slices.DeleteFunc(slices.Clone(d.Entries()), func(m document.Member) bool {
		return !m.Key.Is("variables", "before_script", "after_script")
	})})
	readRuleVariables(f, p, "pipeline", d.Get("workflow", "rules"))
	for _, m := range d.Entries() {
		if m.Value == nil || m.Value.Kind != document.Map || slices.Contains(notJobs, m.Key.Text) {
			continue
		}
		subject := "job " + m.Key.Text
		readPipelineJob(f, p, subject, m.Value)
		readRuleVariables(f, p, subject, m.Value.Get("rules"))
		if forward := m.Value.Get("trigger", "forward"); isTrue(forward.Get("pipeline_variables")) {
			f.Report(forward.Key("pipeline_variables"), Problem{Rule: gitlabForward, Subject: subject, Why: "hands every variable of the pipeline to the project that it triggers", Narrower: "variables, with those that it needs"})
		}
	}
}

// atCommit is an address whose file cannot change.
var atCommit = regexp.MustCompile(`/[0-9a-f]{40}/`)

// readIncludes reports files from elsewhere: an include is a string or a map,
// or a list of them.
func readIncludes(f *File, include *document.Node) {
	all := include.Values()
	if include != nil && include.Kind != document.List {
		all = []*document.Node{include}
	}
	for _, i := range all {
		at := i.Get("remote")
		if strings.HasPrefix(i.Str(), "http") {
			at = i
		}
		if at.Str() != "" && i.Get("integrity") == nil && !atCommit.MatchString(at.Text) {
			f.Report(at, Problem{Rule: gitlabInclude, Subject: "pipeline", Why: "runs jobs of whoever may change the file, with the pipeline's variables", Narrower: "integrity: sha256-…, or project and ref with a commit"})
		}
	}
}

func readRuleVariables(f *File, p pipeline, subject string, rules *document.Node) {
	for _, r := range rules.Values() {
		readPipelineVariables(f, p, subject, r.Get("variables"))
	}
}

// pipelineKeys are variables of a job that hold a cloud's long-lived key.
var pipelineKeys = map[string]string{
	"AWS_SECRET_ACCESS_KEY": "id_tokens, and AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE",
	"AZURE_CLIENT_SECRET":   "id_tokens, and az login --federated-token",
	"ARM_CLIENT_SECRET":     "id_tokens, and ARM_USE_OIDC",
	"GOOGLE_CREDENTIALS":    "id_tokens, and a workload identity pool",
	"VAULT_TOKEN":           "id_tokens, and secrets with vault",
}

// valueOf is a variable's value: a scalar, or a map with it.
func valueOf(variable *document.Node) *document.Node {
	if variable != nil && variable.Kind == document.Map {
		return variable.Get("value")
	}
	return variable
}

// ofService is a name of a password that a service's image is started with,
// which ends with the job.
var ofService = regexp.MustCompile(`POSTGRES|PGPASS|MYSQL|MARIADB|MONGO|RABBITMQ|MSSQL|^SA_|REDIS|MINIO|ELASTIC|KEYCLOAK|LOCALSTACK`)

// forTests are words in keys that are made up for a job.
var forTests = []string{"test", "secret", "passw", "ci-", "ci_", "local", "postgres", "root", "admin", "1234", "abcd"}

// plainKey is where a variable's value is a key itself, or has one in an
// address or in JSON; nil where it does not.
func plainKey(name string, value *document.Node) *document.Node {
	at := keyInURL(value)
	if holdsVariable(name) && literalKey(value) {
		at = value
	}
	if at == nil || ofService.MatchString(name) || slices.ContainsFunc(forTests, func(w string) bool { return strings.Contains(strings.ToLower(at.Text), w) }) {
		return nil
	}
	return at
}

// keyVariables are names of variables that hold a key, beside those that
// holdsKey knows.
var keyVariables = regexp.MustCompile(`(?i)(^|_)(SECRET_KEY_BASE|PASSPHRASE|CREDENTIALS(_JSON|_FILE)?|KUBE_?CONFIG|DOCKER_AUTH_CONFIG|PASS|PWD|DSN|(DEPLOY|SA|SERVICE|SERVICE_ACCOUNT|SSH|SIGNING|ENCRYPTION|MASTER|ACCOUNT|RSA|GPG|JWT)_KEY(_JSON|_FILE)?)$`)

// holdsVariable tells by its name whether a variable holds a key.
func holdsVariable(name string) bool {
	return holdsKey(name) || keyVariables.MatchString(name)
}

func readPipelineVariables(f *File, p pipeline, subject string, variables *document.Node) {
	for _, m := range variables.Entries() {
		value := valueOf(m.Value)
		switch {
		case m.Key.Is("CI_DEBUG_TRACE") && turnsOn(value):
			f.Report(m.Key, Problem{Rule: gitlabTrace, Subject: subject, Why: "prints every variable of the job into its log", Narrower: "leave it out, and set it for one run"})
		case m.Key.Is("CI_DEBUG_SERVICES") && turnsOn(value):
			f.Report(m.Key, Problem{Rule: gitlabTrace, Severity: rule.Low, Subject: subject, Why: "mixes the services' output into the job's log, where masked variables may show", Narrower: "leave it out, and set it for one run"})
		case pipelineKeys[m.Key.Text] != "" && strings.HasPrefix(value.Str(), "$") && variables.Get("AWS_SESSION_TOKEN") == nil:
			if !m.Key.Is("AWS_SECRET_ACCESS_KEY") || !p.storages.elsewhere(f, value, p.Node) {
				f.Report(value, Problem{Rule: gitlabCloud, Subject: subject, Value: m.Key.Text, Why: "uses a cloud's key that never ends", Narrower: pipelineKeys[m.Key.Text]})
			}
		default:
			f.Report(plainKey(m.Key.Text, value), Problem{Rule: gitlabPlain, Subject: subject, Value: m.Key.Text, Why: "stands in the file, for everyone who reads it", Narrower: "a masked and protected variable of the project, or secrets with id_tokens"})
		}
	}
}

// turnsOn tells whether a variable turns something on.
func turnsOn(n *document.Node) bool {
	return isTrue(n) || n.Is("true", "1") || n != nil && n.Text == "1"
}

// Patterns of a job's commands.
var (
	buildArg     = regexp.MustCompile(`--build-arg[= ]["']?(?:\w+=["']?\$\{?CI_JOB_TOKEN\b\}?|CI_JOB_TOKEN\b)`)
	privateToken = regexp.MustCompile(`(?i)(?:PRIVATE-TOKEN: ?["']?|\bprivate_token=)\$\{?\w+\}?`)
	scopeOff     = regexp.MustCompile(`(?i)\b(?:inboundJobTokenScope)?Enabled\b[\\"']*\s*[:=]\s*["']?false\b`)
	ownEndpoints = regexp.MustCompile(`(projects/\$\{?CI_PROJECT_ID\}?|\$\{?CI_API_V4_URL\}?/projects/[^\s"']+)/(packages/|releases|jobs/artifacts|terraform/state|environments\b)`)
	pushAddress  = regexp.MustCompile(`\bgit (?:push|remote (?:set-url|add))\b[^\n;&|]*\$\{?CI_JOB_TOKEN\b\}?`)
	publishFlag  = regexp.MustCompile(`(?:\s-p|--password|--token|-k|--api-key)[= ]["']?\$\{?(\w+)`)
	npmLogin     = regexp.MustCompile(`//registry\.npmjs\.org/:_authToken[= ]["']?\$\{?\w+\}?`)
)

// readPipelineJob reports what a job's variables and commands hold.
func readPipelineJob(f *File, p pipeline, subject string, job *document.Node) {
	readPipelineVariables(f, p, subject, job.Get("variables"))
	envs := []variables{variablesOf(job.Get("variables")), p.env}
	var lines []*document.Node
	for _, key := range []string{"script", "before_script", "after_script", "hooks", "run"} {
		lines = append(lines, scriptLines(job.Get(key))...)
	}
	pushes := slices.ContainsFunc(lines, func(l *document.Node) bool { return strings.Contains(l.Text, "git push") })
	for _, l := range lines {
		if pushes {
			for _, at := range commandPlaces(f, l, pushAddress) {
				f.Report(at, Problem{Rule: gitlabJobToken, Severity: rule.Low, Subject: subject, Value: "git push", Why: "pushes with the job's token, for which every job of the project may write the repository", Narrower: "a deploy key that may push, as a protected variable of this job"})
			}
		}
		readScriptLine(f, p, subject, l)
	}
	readPipelinePublishing(f, subject, lines, envs)
}

// scriptLines are the scalars of a script: lists may stand in lists.
func scriptLines(n *document.Node) []*document.Node {
	var all []*document.Node
	n.Walk(func(n *document.Node) bool {
		if n.Kind == document.String {
			all = append(all, n)
		}
		return true
	})
	return all
}

func readScriptLine(f *File, p pipeline, subject string, line *document.Node) {
	for _, at := range commandPlaces(f, line, buildArg) {
		f.Report(at, Problem{Rule: gitlabJobToken, Subject: subject, Value: "--build-arg", Why: "writes the job's token into the image's history", Narrower: "--secret id=token,env=CI_JOB_TOKEN"})
	}
	if ownEndpoints.MatchString(line.Text) && !strings.Contains(line.Text, "CI_JOB_TOKEN") {
		for _, at := range commandPlaces(f, line, privateToken) {
			f.Report(at, Problem{Rule: gitlabPrivate, Subject: subject, Value: "PRIVATE-TOKEN", Why: "sends a person's or project's token to an address that takes the job's own", Narrower: "JOB-TOKEN: $CI_JOB_TOKEN"})
		}
	}
	if strings.Contains(line.Text, "/job_token_scope") || strings.Contains(line.Text, "JobTokenScopeEnabled") {
		for _, at := range commandPlaces(f, line, scopeOff) {
			f.Report(at, Problem{Rule: gitlabJobToken, Subject: subject, Value: "job_token_scope", Why: "lets the jobs of every project into the one that it names", Narrower: "enabled: true, and the projects in its allowlist"})
		}
	}
	for _, l := range loginsIn(f, line) {
		if !strings.Contains(l.why, "AWS") || !p.storages.elsewhere(f, l.at, p.Node) {
			f.Report(l.at, Problem{Rule: gitlabCloud, Subject: subject, Value: "login", Why: l.why, Narrower: "id_tokens, and " + l.narrower})
		}
	}
}

// readPipelinePublishing reports the tokens by which a job publishes to a
// registry that would trust the job itself.
func readPipelinePublishing(f *File, subject string, lines []*document.Node, envs []variables) {
	for i := range publishers {
		p := &publishers[i]
		if !p.gitlab {
			continue
		}
		var commands []*document.Node
		for _, l := range lines {
			commands = append(commands, commandPlaces(f, l, p.command)...)
		}
		commands = slices.DeleteFunc(commands, func(c *document.Node) bool { return p.toOther(c.Text, envs) })
		if len(commands) == 0 {
			continue
		}
		problem := Problem{Rule: gitlabCloud, Severity: rule.Low, Subject: subject, Value: "publish", Why: "publishes to " + p.name + " with a token that is kept", Narrower: "a trusted publisher, and id_tokens"}
		for _, n := range p.variables {
			if v := valueOf(inEffect(n, envs)); strings.HasPrefix(v.Str(), "$") && !strings.Contains(v.Text, "CI_JOB_TOKEN") {
				f.Report(v, problem)
			}
		}
		for _, c := range commands {
			if at := publishFlag.FindStringSubmatchIndex(c.Text); at != nil && c.Text[at[2]:at[3]] != "CI_JOB_TOKEN" {
				f.Report(part(c, at[0], at[1]), problem)
			}
		}
		for _, l := range lines {
			for _, at := range commandPlaces(f, l, npmLogin) {
				if p.name == "npm" && !strings.Contains(at.Text, "CI_JOB_TOKEN") {
					f.Report(at, problem)
				}
			}
		}
	}
}

// readGitlabTerraform reads what Terraform sets of variables and tokens.
func readGitlabTerraform(f *File, d *document.Node) {
	t := newTerraform(f, d)
	for _, b := range document.Blocks(d, "resource", "gitlab_project_variable", "gitlab_group_variable", "gitlab_instance_variable") {
		unknown := false
		for _, names := range t.rounds(b.Body) {
			unknown = readGitlabVariable(t, &b, names) || unknown
		}
		if unknown {
			f.Unknown(b.Body)
		}
	}
	for _, b := range document.Blocks(d, "resource", "gitlab_project_job_token_scopes", "gitlab_project_job_token_scope") {
		switch on, said := b.Body.Get("enabled").Bool(); {
		case b.Body.Key("enabled") != nil && !said:
			f.Unknown(b.Body)
		case said && !on:
			f.Report(b.Body.Key("enabled"), Problem{Rule: gitlabJobToken, Subject: b.Name(), Why: "lets the jobs of every project into this one", Narrower: "enabled = true, with target_project_ids"})
		}
	}
	for _, b := range document.Blocks(d, "resource", "gitlab_project") {
		if isTrue(b.Body.Get("ci_push_repository_for_job_token_allowed")) {
			f.Report(b.Body.Key("ci_push_repository_for_job_token_allowed"), Problem{Rule: gitlabJobToken, Subject: b.Name(), Why: "lets every job of the project push to it", Narrower: "false, and a deploy key that may push for the job that does"})
		}
	}
	for _, b := range document.Blocks(d, "resource", gitlabTokens...) {
		readGitlabToken(f, &b)
	}
}

// forDeployment tells of a variable that only jobs of protected branches need.
var forDeployment = regexp.MustCompile(`(?i)DEPLOY|PROD|RELEASE|PUBLISH|SIGNING|SSH|KUBE|AWS_SECRET|CLIENT_SECRET|PRIVATE_KEY|CREDENTIALS|PASSW|ADMIN|ROOT|MASTER`)

// readGitlabVariable reports a key that more see than need be, in one round of
// its block, and tells whether that hangs on something else. A variable is
// neither masked nor protected unless it says so.
func readGitlabVariable(t *terraform, b *document.Block, names bound) (unknown bool) {
	get := func(argument string) *document.Node {
		if all := t.of(b.Body.Get(argument), names); len(all) > 0 {
			return all[0]
		}
		return nil
	}
	f, key := t.File, get("key")
	masked, maskedKnown := variableFlag(get("masked"))
	protected, protectedKnown := variableFlag(get("protected"))
	masked = masked || isTrue(get("hidden")) || isTrue(get("masked_and_hidden")) || get("variable_type").Is("file") // of a file the log shows the path
	scope := get("environment_scope").Str()
	switch {
	case masked && protected || key == nil:
	case key.Kind == document.Unknown || !maskedKnown || !protectedKnown:
		return key.Kind == document.Unknown || holdsVariable(key.Str())
	case !holdsVariable(key.Str()):
	case !masked && !protected:
		f.Report(firstThere(get("masked"), get("protected"), key), Problem{Rule: gitlabVariable, Value: key.Text, Subject: b.Name(), Why: "gives the key to every job of every branch, and shows it in logs", Narrower: "masked = true and protected = true"})
	case !masked:
		f.Report(firstThere(get("masked"), key), Problem{Rule: gitlabVariable, Severity: rule.Low, Value: key.Text, Subject: b.Name(), Why: "shows the key in logs", Narrower: "masked = true"})
	case forDeployment.MatchString(key.Text) || strings.HasPrefix(scope, "prod"):
		f.Report(firstThere(get("protected"), key), Problem{Rule: gitlabVariable, Severity: rule.Low, Value: key.Text, Subject: b.Name(), Why: "gives the key to jobs of every branch, also of those that anyone may push", Narrower: "protected = true"})
	}
	return false
}

// variableFlag is a truth value that is false where it is absent; known is false where
// it hangs on something else.
func variableFlag(n *document.Node) (value, known bool) {
	if n == nil || n.Kind == document.Null {
		return false, true
	}
	return n.Bool()
}

// firstThere is the first node that is there.
func firstThere(nodes ...*document.Node) *document.Node {
	i := slices.IndexFunc(nodes, func(n *document.Node) bool { return n != nil })
	return nodes[i]
}

// gitlabTokens are resources that make a token.
var gitlabTokens = []string{"gitlab_project_access_token", "gitlab_group_access_token", "gitlab_personal_access_token", "gitlab_group_service_account_access_token", "gitlab_project_service_account_access_token",
	"gitlab_deploy_token", "gitlab_project_deploy_token", "gitlab_group_deploy_token", "gitlab_application"}

func readGitlabToken(f *File, b *document.Block) {
	name := b.Labels[len(b.Labels)-1]
	if !b.Body.Get("scopes").Known() || !b.Body.Get("access_level").Known() {
		f.Unknown(b.Body)
	}
	for _, s := range b.Body.Get("scopes").Strings() {
		if p, ok := OAuth("gitlab", s.Text); ok && s.Is("api", "sudo", "admin_mode") {
			p.Rule, p.Subject = gitlabToken, b.Name()
			f.Report(s, p)
		}
	}
	kind := b.Labels[0].Text
	level := b.Body.Get("access_level")
	switch {
	case level.Is("owner", "maintainer", "master"):
		f.Report(level, Problem{Rule: gitlabToken, Subject: b.Name(), Why: "acts as " + level.Text + ", who may change settings, members and protected branches", Narrower: `"developer", or "reporter" where it only reads`})
	case level == nil && (kind == "gitlab_project_access_token" || kind == "gitlab_group_access_token"):
		f.Report(name, Problem{Rule: gitlabToken, Subject: b.Name(), Value: "access_level", Why: "acts as maintainer, as it names no access_level", Narrower: `access_level = "developer", or "reporter" where it only reads`})
	}
	if kind != "gitlab_application" && b.Body.Key("expires_at") == nil && b.Body.Key("rotation_configuration") == nil {
		f.Report(name, Problem{Rule: gitlabToken, Severity: rule.Low, Subject: b.Name(), Value: "expires_at", Why: "names no end, and has the longest life that the server allows", Narrower: "expires_at, or rotation_configuration"})
	}
}
