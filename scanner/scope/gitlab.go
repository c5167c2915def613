package scope

import (
	"path"
	"regexp"
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
			Opens: "The cloud account, from anywhere and without an end, for whoever reads the variable once.",
			Steps: "Let the cloud trust the job's ID token, for this project and branch.",
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
	},
	Match: func(name string) bool {
		if hasExt(name, ".yml", ".yaml") {
			return strings.Contains(path.Base(name), "gitlab-ci") || strings.Contains("/"+name, "/.gitlab/") || strings.Contains("/"+name, "/gitlab-ci/")
		}
		return isTerraform(name)
	},
	Hints: []string{"CI_DEBUG_", "forward", "PRIVATE-TOKEN", "--build-arg", "SECRET", "include", "aws_secret_access_key", "activate-service-account", "service-principal", "gitlab_"},
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

func readPipeline(f *File, d *document.Node) {
	readPipelineVariables(f, "pipeline", d.Get("variables"))
	readScripts(f, "pipeline", d, "before_script", "after_script")
	includes := d.Get("include").Values()
	if i := d.Get("include"); i != nil && i.Kind != document.List {
		includes = []*document.Node{i}
	}
	for _, i := range includes {
		at := i.Get("remote")
		if i.Kind == document.String && strings.HasPrefix(i.Text, "http") {
			at = i
		}
		if at.Str() != "" && i.Get("integrity") == nil {
			f.Report(at, Problem{Rule: gitlabInclude, Subject: "pipeline", Why: "runs jobs of whoever may change the file, with the pipeline's variables", Narrower: "integrity: sha256-…, or project and ref with a commit"})
		}
	}
	for _, m := range d.Entries() {
		if m.Value == nil || m.Value.Kind != document.Map || m.Key.Is("variables", "include", "workflow", "stages", "image") {
			continue
		}
		subject := "job " + m.Key.Text
		readPipelineVariables(f, subject, m.Value.Get("variables"))
		readScripts(f, subject, m.Value, "script", "before_script", "after_script")
		if isTrue(m.Value.Get("trigger", "forward", "pipeline_variables")) {
			f.Report(m.Value.Get("trigger", "forward").Key("pipeline_variables"), Problem{Rule: gitlabForward, Subject: subject, Why: "hands every variable of the pipeline to the project that it triggers", Narrower: "variables, with those that it needs"})
		}
	}
}

// pipelineKeys are variables of a job that hold a cloud's long-lived key.
var pipelineKeys = map[string]string{
	"AWS_SECRET_ACCESS_KEY": "id_tokens, and AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE",
	"AZURE_CLIENT_SECRET":   "id_tokens, and az login --federated-token",
	"ARM_CLIENT_SECRET":     "id_tokens, and ARM_USE_OIDC",
}

func readPipelineVariables(f *File, subject string, variables *document.Node) {
	for _, m := range variables.Entries() {
		value := m.Value
		if value != nil && value.Kind == document.Map {
			value = value.Get("value")
		}
		switch {
		case m.Key.Is("CI_DEBUG_TRACE", "CI_DEBUG_SERVICES") && (isTrue(value) || value.Is("true", "1")):
			f.Report(m.Key, Problem{Rule: gitlabTrace, Subject: subject, Why: "prints every variable of the job into its log", Narrower: "leave it out, and set it for one run"})
		case pipelineKeys[m.Key.Text] != "" && strings.HasPrefix(value.Str(), "$") && variables.Get("AWS_SESSION_TOKEN") == nil:
			f.Report(value, Problem{Rule: gitlabCloud, Subject: subject, Value: m.Key.Text, Why: "uses a cloud's key that never ends", Narrower: pipelineKeys[m.Key.Text]})
		}
	}
}

// Patterns of a job's commands.
var (
	buildArg     = regexp.MustCompile(`--build-arg[= ]["']?\w+=["']?\$\{?CI_JOB_TOKEN\b`)
	privateToken = regexp.MustCompile(`PRIVATE-TOKEN: ?["']?\$\{?\w+\}?`)
	ownEndpoints = regexp.MustCompile(`(projects/\$\{?CI_PROJECT_ID\}?|\$\{?CI_API_V4_URL\}?/projects/[^\s"']+)/(packages/|releases|jobs/artifacts|terraform/state|environments\b)`)
	cloudLogins  = regexp.MustCompile(`aws configure set aws_secret_access_key ["']?\$\w+|gcloud auth activate-service-account\b|az login --service-principal\b`)
)

func readScripts(f *File, subject string, job *document.Node, keys ...string) {
	for _, key := range keys {
		for _, line := range scriptLines(job.Get(key)) {
			readScriptLine(f, subject, line)
		}
	}
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

func readScriptLine(f *File, subject string, line *document.Node) {
	if buildArg.MatchString(line.Text) {
		f.Report(within(f, line, buildArg), Problem{Rule: gitlabJobToken, Subject: subject, Value: "--build-arg", Why: "writes the job's token into the image's history", Narrower: "--secret id=token,env=CI_JOB_TOKEN"})
	}
	if privateToken.MatchString(line.Text) && ownEndpoints.MatchString(line.Text) && !strings.Contains(line.Text, "CI_JOB_TOKEN") {
		f.Report(within(f, line, privateToken), Problem{Rule: gitlabPrivate, Subject: subject, Value: "PRIVATE-TOKEN", Why: "sends a person's or project's token to an address that takes the job's own", Narrower: "JOB-TOKEN: $CI_JOB_TOKEN"})
	}
	if cloudLogins.MatchString(line.Text) && !strings.Contains(line.Text, "federated-token") {
		f.Report(within(f, line, cloudLogins), Problem{Rule: gitlabCloud, Subject: subject, Value: "login", Why: "logs in with a cloud's key that never ends", Narrower: "id_tokens, and the cloud's federation"})
	}
}

// readGitlabTerraform reads what Terraform sets of variables and tokens.
func readGitlabTerraform(f *File, d *document.Node) {
	for _, b := range document.Blocks(d, "resource", "gitlab_project_variable", "gitlab_group_variable", "gitlab_instance_variable") {
		key := b.Body.Get("key")
		masked, isSaid := b.Body.Get("masked").Bool()
		protected, alsoSaid := b.Body.Get("protected").Bool()
		switch {
		case !holdsKey(key.Str()) || isTrue(b.Body.Get("hidden")):
		case b.Body.Get("masked") != nil && !isSaid || b.Body.Get("protected") != nil && !alsoSaid:
			f.Unknown(b.Body)
		case !masked && !protected:
			f.Report(key, Problem{Rule: gitlabVariable, Subject: b.Name(), Why: "gives the key to every job of every branch, and shows it in logs", Narrower: "masked = true and protected = true"})
		case !masked:
			f.Report(key, Problem{Rule: gitlabVariable, Severity: rule.Low, Subject: b.Name(), Why: "shows the key in logs", Narrower: "masked = true"})
		}
	}
	for _, b := range document.Blocks(d, "resource", "gitlab_project_job_token_scopes", "gitlab_project_job_token_scope") {
		if on, said := b.Body.Get("enabled").Bool(); said && !on {
			f.Report(b.Body.Key("enabled"), Problem{Rule: gitlabJobToken, Subject: b.Name(), Why: "lets the jobs of every project into this one", Narrower: "enabled = true, with target_project_ids"})
		}
	}
	for _, b := range document.Blocks(d, "resource", "gitlab_project_access_token", "gitlab_group_access_token", "gitlab_personal_access_token", "gitlab_group_service_account_access_token", "gitlab_deploy_token") {
		for _, s := range b.Body.Get("scopes").Strings() {
			if p, ok := OAuth("gitlab", s.Text); ok && s.Is("api", "sudo", "admin_mode") {
				p.Rule, p.Subject = gitlabToken, b.Name()
				f.Report(s, p)
			}
		}
		if l := b.Body.Get("access_level"); l.Is("owner", "maintainer") {
			f.Report(l, Problem{Rule: gitlabToken, Subject: b.Name(), Why: "acts as " + l.Text + ", who may change settings, members and protected branches", Narrower: `"developer", or "reporter" where it only reads`})
		}
		if strings.HasPrefix(b.Name(), "gitlab_deploy_token") && b.Body.Key("expires_at") == nil {
			f.Report(b.Labels[len(b.Labels)-1], Problem{Rule: gitlabToken, Severity: rule.Low, Subject: b.Name(), Why: "never ends", Narrower: "expires_at"})
		}
	}
}
