package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// GitHub Actions' rules.
const (
	actionsAbsent  = "scope-actions-permissions"
	actionsAll     = "scope-actions-write-all"
	actionsUnused  = "scope-actions-write-unused"
	actionsInherit = "scope-actions-secrets-inherit"
	actionsSecrets = "scope-actions-secrets-all"
	actionsCloud   = "scope-actions-cloud-key"
	actionsTarget  = "scope-actions-target"
)

// githubActions reads workflows.
// Source: docs.github.com/en/actions/reference/security/secure-use,
// docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax.
var githubActions = Format{
	Name:  "github-actions",
	Files: "`.github/workflows/*.yml`, also of Gitea and Forgejo, and `workflow-templates`",
	Rules: []Rule{
		{
			ID: actionsAbsent, Name: "Workflow that does not say what its token may do", Severity: rule.Low,
			Opens: "What the repository's or the organisation's setting says: in older ones, write to everything.",
			Steps: "Begin with `permissions: {}` or `permissions: contents: read`, and give each job what it needs.",
			URL:   "https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions",
		},
		{
			ID: actionsAll, Name: "Workflow whose token may write everything", Severity: rule.High,
			Opens: "Code, releases, packages, issues and deployments of the repository, for every action that runs in the job.",
			Steps: "List the permissions that the job's steps need.",
			URL:   "https://docs.github.com/en/actions/reference/security/secure-use#use-the-least-privilege-principle",
		},
		{
			ID: actionsUnused, Name: "Workflow that may write what it only reads", Severity: rule.Medium,
			Opens: "What the permission names, for every action and dependency that runs in the job.",
			Steps: "Take the permission away, or make it read.",
			URL:   "https://docs.github.com/en/actions/tutorials/authenticate-with-github_token",
		},
		{
			ID: actionsInherit, Name: "Workflow that hands over every secret", Severity: rule.Medium,
			Opens: "Every secret of the repository and those that the organisation shares with it, for the workflow that is called.",
			Steps: "Name the secrets that the called workflow declares.",
			URL:   "https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows#passing-inputs-and-secrets-to-a-reusable-workflow",
		},
		{
			ID: actionsSecrets, Name: "Step that gets every secret at once", Severity: rule.High,
			Opens: "Every secret of the repository, also those that are added later, for whatever the step runs.",
			Steps: "Hand over the secrets that are used, by name.",
			URL:   "https://docs.github.com/en/actions/reference/security/secure-use#use-secrets-for-sensitive-information",
		},
		{
			ID: actionsCloud, Name: "Long-lived cloud key where OpenID Connect would do", Severity: rule.Medium,
			Opens: "The cloud account, from anywhere and without an end, for whoever reads the secret once.",
			Steps: "Let the cloud trust the workflow's own identity (id-token: write), for this repository and branch.",
			URL:   "https://docs.github.com/en/actions/concepts/security/openid-connect",
		},
		{
			ID: actionsTarget, Name: "Code of strangers with the repository's rights", Severity: rule.Critical,
			Opens: "The job's secrets and token, for anyone who opens a pull request.",
			Steps: "Run the code of pull requests under pull_request, and write the comment or label in a second workflow.",
			URL:   "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
		},
		agentBypassRule, agentAllRule,
	},
	Match: func(name string) bool {
		return hasExt(name, ".yml", ".yaml") && workflowDir.MatchString(name)
	},
	Hints: []string{"jobs"},
	Read:  readGithubActions,
}

var workflowDir = regexp.MustCompile(`(^|/)(\.(github|gitea|forgejo)/workflows|workflow-templates)/[^/]+$`)

// workflow is a workflow and what starts it.
type workflow struct {
	*document.Node
	target bool // code of strangers may start it with the repository's rights
}

func readGithubActions(f *File) {
	for _, d := range f.Docs() {
		if d.Get("jobs") == nil {
			continue
		}
		w := workflow{d, startedBy(d, "pull_request_target") || startedBy(d, "workflow_run")}
		readPermissionsAbsent(f, d)
		readPermissions(f, "workflow", d.Get("permissions"), jobsWithoutOwn(d))
		readAllSecrets(f, d)
		readCloudEnv(f, "workflow", d.Get("env"))
		for _, j := range d.Get("jobs").Entries() {
			subject := "job " + j.Key.Text
			readPermissions(f, subject, j.Value.Get("permissions"), []*document.Node{j.Value})
			if s := j.Value.Get("secrets"); s.Is("inherit") {
				severity := rule.Medium
				if strings.HasPrefix(j.Value.Get("uses").Str(), "./") {
					severity = rule.Low
				}
				f.Report(s, Problem{Rule: actionsInherit, Severity: severity, Subject: subject, Why: "hands every secret to " + word(j.Value.Get("uses").Str(), "the called workflow"), Narrower: "the secrets that it declares, by name"})
			}
			readCloudEnv(f, subject, j.Value.Get("env"))
			for _, s := range j.Value.Get("steps").Values() {
				readCloudStep(f, subject, s)
				readAgentStep(f, &w, subject, s)
			}
			if w.target {
				readTarget(f, &w, subject, j.Value)
			}
		}
	}
}

// startedBy tells whether an event starts a workflow. YAML 1.1 reads `on` as
// true.
func startedBy(d *document.Node, event string) bool {
	for _, key := range []string{"on", "true"} {
		on := d.Get(key)
		if slices.Contains(on.Texts(), event) || on.Key(event) != nil {
			return true
		}
	}
	return false
}

// readPermissionsAbsent reports a workflow of which some job has no
// permissions of its own. One that is only called has its caller's.
func readPermissionsAbsent(f *File, d *document.Node) {
	jobs := d.Get("jobs").Entries()
	if d.Key("permissions") != nil || len(jobs) == 0 || f.Templated() {
		return
	}
	without := slices.ContainsFunc(jobs, func(j document.Member) bool { return j.Value.Key("permissions") == nil })
	called := startedBy(d, "workflow_call")
	if on := d.Get("on"); called && (len(on.Entries()) == 1 || len(on.Texts()) == 1) || !without {
		return
	}
	f.Report(d.Key("jobs"), Problem{Rule: actionsAbsent, Subject: "workflow", Value: "permissions", Why: "its token may do what the repository's setting says, which may be to write everything", Narrower: "permissions: " + derivedPermissions(jobs)})
}

// derivedPermissions are the permissions that the steps of all jobs need, as
// far as that is known.
func derivedPermissions(jobs []document.Member) string {
	for _, j := range jobs {
		if needs, known := stepNeeds(j.Value); !known || slices.ContainsFunc(needs, func(n string) bool { return strings.HasSuffix(n, "write") }) {
			return "contents: read, and for a job what it writes"
		}
	}
	return "contents: read"
}

// jobsWithoutOwn are the jobs that a workflow's permissions are for.
func jobsWithoutOwn(d *document.Node) []*document.Node {
	var all []*document.Node
	for _, j := range d.Get("jobs").Entries() {
		if j.Value.Key("permissions") == nil {
			all = append(all, j.Value)
		}
	}
	return all
}

// readPermissions reports what the jobs under a permissions key may do and
// none of their steps needs.
func readPermissions(f *File, subject string, p *document.Node, jobs []*document.Node) {
	var needs []string
	known := len(jobs) > 0
	for _, j := range jobs {
		more, ok := stepNeeds(j)
		needs, known = append(needs, more...), known && ok
	}
	if p.Is("write-all") {
		narrower := "the permissions that the steps need, such as contents: read"
		if known && len(needs) > 0 {
			slices.Sort(needs)
			narrower = strings.Join(slices.Compact(needs), ", ")
		}
		f.Report(p, Problem{Rule: actionsAll, Subject: subject, Why: "its token may write everything in the repository", Narrower: narrower})
		return
	}
	for _, m := range p.Entries() {
		if known && m.Value.Is("write") && !slices.Contains(needs, m.Key.Text+": write") {
			narrower := m.Key.Text + ": none (leave it out)"
			if slices.Contains(needs, m.Key.Text+": read") || m.Key.Is("contents") {
				narrower = m.Key.Text + ": read"
			}
			f.Report(m.Value, Problem{Rule: actionsUnused, Subject: subject, Value: m.Key.Text + ": write", Why: "may write " + m.Key.Text + ", and no step does", Narrower: narrower})
		}
	}
}

// allSecrets is the whole context of secrets, in an expression.
var allSecrets = regexp.MustCompile(`(?i)\$\{\{\s*(tojson\(\s*secrets\s*\)|secrets)\s*\}\}|tojson\(\s*secrets\s*\)`)

func readAllSecrets(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		if n.Kind == document.String && allSecrets.MatchString(n.Text) {
			f.Report(within(f, n, allSecrets), Problem{Rule: actionsSecrets, Subject: "workflow", Value: "secrets", Why: "hands over every secret that the repository has", Narrower: "the secrets that are used, by name"})
		}
		return true
	})
}

// within is the place of a pattern in a scalar's own bytes.
func within(f *File, n *document.Node, pattern *regexp.Regexp) *document.Node {
	at := pattern.FindIndex(f.Text[n.Start:n.End])
	if at == nil {
		return n
	}
	return &document.Node{Kind: document.String, Text: string(f.Text[n.Start+at[0] : n.Start+at[1]]), Start: n.Start + at[0], End: n.Start + at[1]}
}

// cloudInputs are inputs of actions that hold a cloud's long-lived key, and
// what does without.
var cloudInputs = []struct{ action, input, why, narrower string }{
	{"aws-actions/configure-aws-credentials", "aws-secret-access-key", "uses an AWS key that never ends", "role-to-assume, with id-token: write"},
	{"google-github-actions/auth", "credentials_json", "uses a service account's key that never ends", "workload_identity_provider, with id-token: write"},
	{"google-github-actions/setup-gcloud", "service_account_key", "uses a service account's key that never ends", "google-github-actions/auth with workload_identity_provider"},
	{"azure/login", "creds", "uses a client secret of Azure", "client-id, tenant-id and subscription-id, with id-token: write"},
	{"pypa/gh-action-pypi-publish", "password", "uses a token of PyPI that never ends", "a trusted publisher, with id-token: write"},
	{"hashicorp/vault-action", "token", "uses a token of Vault that is kept", "method: jwt with a role, and id-token: write"},
}

// fromSecret is a value that comes from the repository's secrets.
var fromSecret = regexp.MustCompile(`\$\{\{\s*secrets\.`)

func readCloudStep(f *File, subject string, step *document.Node) {
	name, _, _ := strings.Cut(strings.ToLower(step.Get("uses").Str()), "@")
	for _, c := range cloudInputs {
		value := step.Get("with", c.input)
		if name != c.action || value == nil || !fromSecret.MatchString(value.Text) || step.Get("with", "aws-session-token") != nil {
			continue
		}
		p := Problem{Rule: actionsCloud, Subject: subject, Value: c.input, Why: c.why, Narrower: c.narrower}
		if step.Get("with", "role-to-assume") != nil {
			p.Severity = rule.Low
		}
		if c.input == "password" {
			if url := step.Get("with", "repository-url").Str(); url != "" && !strings.Contains(url, "pypi.org") {
				continue
			}
			p.Severity = rule.Low
		}
		f.Report(value, p)
	}
	readCloudEnv(f, subject, step.Get("env"))
}

// cloudVariables are variables that hold a cloud's long-lived key.
var cloudVariables = map[string]string{
	"AWS_SECRET_ACCESS_KEY":   "aws-actions/configure-aws-credentials with role-to-assume, and id-token: write",
	"GOOGLE_CREDENTIALS":      "google-github-actions/auth with workload_identity_provider, and id-token: write",
	"GCP_SA_KEY":              "google-github-actions/auth with workload_identity_provider, and id-token: write",
	"GCP_SERVICE_ACCOUNT_KEY": "google-github-actions/auth with workload_identity_provider, and id-token: write",
	"ARM_CLIENT_SECRET":       "azure/login with client-id, or ARM_USE_OIDC=true, and id-token: write",
	"AZURE_CLIENT_SECRET":     "azure/login with client-id, and id-token: write",
	"AZURE_CREDENTIALS":       "azure/login with client-id, and id-token: write",
}

func readCloudEnv(f *File, subject string, env *document.Node) {
	if env.Get("AWS_SESSION_TOKEN") != nil {
		return
	}
	for _, m := range env.Entries() {
		if narrower, ok := cloudVariables[m.Key.Text]; ok && m.Value != nil && fromSecret.MatchString(m.Value.Text) {
			f.Report(m.Value, Problem{Rule: actionsCloud, Subject: subject, Value: m.Key.Text, Why: "hands over a cloud's key that never ends", Narrower: narrower})
		}
	}
}

// headOf is what names the code of a pull request.
var headOf = regexp.MustCompile(`github\.event\.pull_request\.head\.(sha|ref)|github\.head_ref|refs/pull/\$\{\{|github\.event\.workflow_run\.head_(sha|branch)|github\.event\.pull_request\.merge_commit_sha`)

// readTarget reports a job that checks out the code of a pull request, and
// whether there is anything to take.
func readTarget(f *File, w *workflow, subject string, job *document.Node) {
	for _, s := range job.Get("steps").Values() {
		ref := s.Get("with", "ref")
		if !strings.HasPrefix(s.Get("uses").Str(), "actions/checkout@") || ref == nil || !headOf.MatchString(ref.Text) || !runsCode(job) || ownOnly(job.Get("if").Str()) {
			continue
		}
		p := Problem{Rule: actionsTarget, Subject: subject, Value: "head", Why: "runs code of whoever opens a pull request with the repository's token", Narrower: "on: pull_request, and what needs rights in a second workflow"}
		switch secrets, writes := usesSecrets(w, job), mayWrite(w, job); {
		case !secrets && !writes:
			p.Severity, p.Why = rule.Medium, "runs code of whoever opens a pull request with the branch's caches"
		case job.Get("if") != nil || job.Get("environment") != nil:
			p.Severity = rule.High // somebody may look first, and be deceived
			p.Why += ", under a condition"
		}
		if strings.Contains(ref.Text, "workflow_run") && p.Severity == 0 {
			p.Severity = rule.High
		}
		f.Report(ref, p)
		return
	}
}

// ownOnly tells whether a job's condition lets only the repository's own
// branches through, or leaves the event out.
func ownOnly(condition string) bool {
	if strings.Contains(condition, "||") {
		return false
	}
	for _, own := range []string{"head.repo.full_name == github.repository", "github.repository == github.event.pull_request.head.repo.full_name", "head.repo.fork == false", "!github.event.pull_request.head.repo.fork",
		"event_name == 'pull_request'", "event_name != 'pull_request_target'", "event_name == 'push'", "workflow_run.event == 'push'"} {
		if strings.Contains(condition, own) {
			return true
		}
	}
	return false
}

// runsCode tells whether anything of a job may run what was checked out.
func runsCode(job *document.Node) bool {
	for _, s := range job.Get("steps").Values() {
		if s.Get("run") != nil || s.Get("uses") != nil && !strings.HasPrefix(s.Get("uses").Str(), "actions/checkout@") {
			return true
		}
	}
	return false
}

// usesSecrets tells whether a job is handed any secret but its own token.
func usesSecrets(w *workflow, job *document.Node) bool {
	found := false
	look := func(n *document.Node) bool {
		rest := n.Text
		for !found {
			i := strings.Index(rest, "secrets.")
			if i < 0 {
				break
			}
			rest = rest[i+len("secrets."):]
			found = !strings.HasPrefix(rest, "GITHUB_TOKEN")
		}
		return !found
	}
	job.Walk(look)
	w.Get("env").Walk(look)
	return found
}

// mayWrite tells whether a job's token may write, as far as the file says.
func mayWrite(w *workflow, job *document.Node) bool {
	p, key := job.Get("permissions"), job.Key("permissions")
	if key == nil {
		p, key = w.Get("permissions"), w.Key("permissions")
	}
	if key == nil || p.Is("write-all") {
		return true
	}
	return slices.ContainsFunc(p.Entries(), func(m document.Member) bool { return m.Value.Is("write") })
}
