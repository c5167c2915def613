package scope

import (
	"bytes"
	"fmt"
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
			Opens: "The cloud account, vault or package, from anywhere and without an end, for whoever reads the secret once.",
			Steps: "Let the provider trust the workflow's own identity (id-token: write), for this repository and branch.",
			URL:   "https://docs.github.com/en/actions/concepts/security/openid-connect",
		},
		{
			ID: actionsTarget, Name: "Code of strangers with the repository's rights", Severity: rule.Critical,
			Opens: "The job's secrets and token, for anyone who opens a pull request or writes a comment.",
			Steps: "Run the code of pull requests under pull_request, and write the comment or label in a second workflow; hand texts to scripts in env.",
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

// workflow is a workflow and what is asked of it for each of its jobs.
type workflow struct {
	*document.Node
	starts       map[string]bool // the events that start it
	target       bool            // code of strangers may run in it with the repository's rights
	permissions  document.Member // the key is absent where it says nothing of them
	env          *document.Node  // of every job
	secrets      bool            // env has some
	tokens       bool            // env has one of GitHub
	cloud        *document.Node  // what of env is about a cloud's keys
	variables    variables       // env's
	environments map[string]bool // the jobs that have one
	storages     storages
}

func newWorkflow(d *document.Node) *workflow {
	w := workflow{Node: d, starts: make(map[string]bool), env: d.Get("env"), environments: make(map[string]bool), storages: make(storages)}
	for _, e := range eventsOf(d) {
		w.starts[e] = true
	}
	w.target = w.startedBy("pull_request_target", "workflow_run", "issue_comment")
	w.permissions = document.Member{Key: d.Key("permissions"), Value: d.Get("permissions")}
	w.secrets, w.tokens, w.variables = handsSecret(w.env), mentionsToken(w.env), variablesOf(w.env)
	w.cloud = &document.Node{Kind: document.Map}
	for _, m := range w.env.Entries() {
		if cloudVariables[m.Key.Text] != "" || m.Key.Text == "AWS_SESSION_TOKEN" {
			w.cloud.Members = append(w.cloud.Members, m)
		}
	}
	for _, j := range d.Get("jobs").Entries() {
		w.environments[j.Key.Text] = j.Value.Get("environment") != nil
	}
	return &w
}

// startedBy tells whether any of the events given starts a workflow.
func (w *workflow) startedBy(events ...string) bool {
	return slices.ContainsFunc(events, func(e string) bool { return w.starts[e] })
}

func readGithubActions(f *File) {
	for _, d := range f.Docs() {
		if d.Get("jobs") == nil || !affordable(f, d) {
			continue
		}
		w := newWorkflow(d)
		readPermissionsAbsent(f, w)
		readPermissions(f, w, "workflow", w.permissions.Value, jobsWithoutOwn(d))
		readAllSecrets(f, d)
		for _, j := range d.Get("jobs").Entries() {
			readJob(f, w, j)
		}
	}
}

func readJob(f *File, w *workflow, j document.Member) {
	subject, job := "job "+j.Key.Text, j.Value
	readPermissions(f, w, subject, job.Get("permissions"), []document.Member{j})
	if s := job.Get("secrets"); s.Is("inherit") {
		severity := rule.Medium
		if strings.HasPrefix(job.Get("uses").Str(), "./") {
			severity = rule.Low
		}
		f.Report(s, Problem{Rule: actionsInherit, Severity: severity, Subject: subject, Why: "hands every secret to " + word(job.Get("uses").Str(), "the called workflow"), Narrower: "the secrets that it declares, by name"})
	}
	readCloudKeys(f, w, subject, job)
	for _, s := range job.Get("steps").Values() {
		readAgentStep(f, w, subject, s)
	}
	if w.target {
		readTarget(f, w, subject, job)
	}
	if w.target || w.startedBy("issues", "discussion", "discussion_comment") {
		readTexts(f, w, subject, job)
	}
}

// maxAliased is how many bytes the values of a document may have, aliases
// followed: one long script has many places by its aliases.
const maxAliased = 8 << 20

// affordable tells whether a document may be judged in a moment.
func affordable(f *File, d *document.Node) bool {
	size := 0
	d.Walk(func(n *document.Node) bool {
		size += len(n.Text)
		return true
	})
	if size > maxAliased {
		f.Fault(fmt.Errorf("its values have more than %d MB, aliases followed", maxAliased>>20))
	}
	return size <= maxAliased
}

// eventsOf are what starts a workflow. YAML 1.1 reads `on` as true, and what
// was written by its tools says so.
func eventsOf(d *document.Node) []string {
	on := d.Get("on")
	if on == nil {
		on = d.Get("true")
	}
	events := on.Texts()
	for _, m := range on.Entries() {
		events = append(events, m.Key.Text)
	}
	return events
}

// actionName is an action's owner and name, without its version and, as Gitea
// has it, without its host.
func actionName(uses string) string {
	name, _, _ := strings.Cut(strings.ToLower(uses), "@")
	if _, path, ok := strings.Cut(name, "://"); ok {
		_, name, _ = strings.Cut(path, "/")
	}
	return name
}

// readPermissionsAbsent reports a workflow of which some job has no
// permissions of its own. One that is only called has its caller's.
func readPermissionsAbsent(f *File, w *workflow) {
	jobs := w.Get("jobs").Entries()
	if w.permissions.Key != nil || len(jobs) == 0 || f.Templated() {
		return
	}
	if len(jobsWithoutOwn(w.Node)) == 0 || w.startedBy("workflow_call") && len(w.starts) == 1 {
		return
	}
	f.Report(w.Key("jobs"), Problem{Rule: actionsAbsent, Subject: "workflow", Value: "permissions", Why: "its token may do what the repository's setting says, which may be to write everything", Narrower: "permissions: " + derivedPermissions(w, jobs)})
}

// derivedPermissions are the permissions that the steps of all jobs need, as
// far as that is known.
func derivedPermissions(w *workflow, jobs []document.Member) string {
	for _, j := range jobs {
		if needs, known := jobNeeds(w, j.Value); !known || slices.ContainsFunc(needs, func(n string) bool { return strings.HasSuffix(n, "write") }) {
			return "contents: read, and for a job what it writes"
		}
	}
	return "contents: read"
}

// jobsWithoutOwn are the jobs that a workflow's permissions are for.
func jobsWithoutOwn(d *document.Node) []document.Member {
	var all []document.Member
	for _, j := range d.Get("jobs").Entries() {
		if j.Value.Key("permissions") == nil {
			all = append(all, j)
		}
	}
	return all
}

// permissionNames are what a token may be given.
// Source: docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions.
var permissionNames = []string{"actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models", "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"}

// readPermissions reports what the jobs under a permissions key may do and
// none of their steps needs.
func readPermissions(f *File, w *workflow, subject string, p *document.Node, jobs []document.Member) {
	if p == nil {
		return
	}
	known := make(map[string][]string) // what jobs need, where that is known
	for _, j := range jobs {
		if needs, ok := jobNeeds(w, j.Value); ok {
			known[j.Key.Text] = needs
		}
	}
	if p.Is("write-all") {
		f.Report(p, Problem{Rule: actionsAll, Subject: subject, Why: "its token may write everything in the repository", Narrower: narrowerThanAll(known, len(jobs))})
		return
	}
	for _, name := range permissionNames {
		value := p.Get(name)
		if !value.Is("write") {
			continue
		}
		idle, reads := []string(nil), name == "contents"
		for job, needs := range known {
			if !slices.Contains(needs, name+": write") {
				idle = append(idle, job)
				reads = reads || slices.Contains(needs, name+": read")
			}
		}
		problem := Problem{Rule: actionsUnused, Subject: subject, Value: name + ": write", Why: "may write " + name + ", and no step does", Narrower: name + ": none (leave it out)"}
		switch {
		case len(idle) == 0:
			continue
		case len(idle) < len(jobs):
			problem.Severity, problem.Why = rule.Low, "lets job "+slices.Min(idle)+" write "+name+", and no step of it does"
			problem.Narrower = name + ": write under the permissions of the jobs that write alone"
		case reads:
			problem.Narrower = name + ": read"
		}
		f.Report(value, problem)
	}
}

// narrowerThanAll are the permissions that jobs need, where it is known of all
// of them.
func narrowerThanAll(known map[string][]string, jobs int) string {
	var all []string
	for _, needs := range known {
		all = append(all, needs...)
	}
	if len(all) == 0 || len(known) < jobs {
		return "the permissions that the steps need, such as contents: read"
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// Patterns of the whole context of secrets, in an expression, and of a secret
// whose name is computed: a job that has either is given every secret.
var (
	allSecrets      = regexp.MustCompile(`(?i)\$\{\{[^{}]*\b(tojson\(\s*secrets\s*\)|secrets\.\*)[^{}]*\}\}|\$\{\{\s*secrets\s*\}\}`)
	computedSecrets = regexp.MustCompile(`(?i)\$\{\{(?:[^{}]|\{\d\})*\bsecrets\[\s*[^'\]\s](?:[^{}]|\{\d\})*\}\}`)
)

func readAllSecrets(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		if n.Kind != document.String {
			return true
		}
		for _, at := range places(f, n, allSecrets) {
			f.Report(at, Problem{Rule: actionsSecrets, Subject: "workflow", Value: "secrets", Why: "hands over every secret that the repository has", Narrower: "the secrets that are used, by name"})
		}
		for _, at := range places(f, n, computedSecrets) {
			f.Report(at, Problem{Rule: actionsSecrets, Severity: rule.Medium, Subject: "workflow", Why: "computes a secret's name, for which the job is given every secret", Narrower: "the secrets by name, one chosen by a condition: ${{ matrix.name == 'eu' && secrets.KEY_EU || secrets.KEY_US }}"})
		}
		return true
	})
}

// places are where a pattern stands in a scalar's own bytes; the whole scalar
// where an escape or a fold hides it.
func places(f *File, n *document.Node, pattern *regexp.Regexp) []*document.Node {
	if n.Str() == "" || !pattern.MatchString(n.Text) {
		return nil
	}
	var all []*document.Node
	for _, at := range pattern.FindAllIndex(f.Text[n.Start:n.End], -1) {
		start, end := n.Start+at[0], n.Start+at[1]
		all = append(all, &document.Node{Kind: document.String, Text: string(f.Text[start:end]), Start: start, End: end})
	}
	if all == nil {
		return []*document.Node{n}
	}
	return all
}

// commandPlaces are the places of a pattern in a script, remarks left out.
func commandPlaces(f *File, script *document.Node, pattern *regexp.Regexp) []*document.Node {
	at := places(f, script, pattern)
	if at == nil {
		return nil
	}
	line, last := script.Start, script.Start // where the line begins, and what was looked at
	return slices.DeleteFunc(at, func(at *document.Node) bool {
		if i := bytes.LastIndexByte(f.Text[last:at.Start], '\n'); i >= 0 {
			line = last + i + 1
		}
		last = at.Start
		return bytes.HasPrefix(bytes.TrimLeft(f.Text[line:at.Start], " \t"), []byte("#"))
	})
}
