package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Patterns of what names the code of a pull request: in an input of the action
// that checks out, and in commands.
var (
	headOf      = regexp.MustCompile(`(?i)github\.event\.pull_request\.(head\.(sha|ref)|merge_commit_sha)|github\.head_ref|\bpull/(\$\{\{|\{0\})|github\.event\.workflow_run\.(head_(sha|branch|commit\.id)|pull_requests\[0\]\.head)`)
	headRepo    = regexp.MustCompile(`(?i)github\.event\.(pull_request\.head\.repo|workflow_run\.head_repository)\.full_name`)
	gitTakes    = regexp.MustCompile(`\bgit (?:fetch|pull|checkout|switch|reset|merge|clone)\b[^\n;&|]*`)
	headCommand = regexp.MustCompile(`(?i)\bgh pr checkout\b[^\n;&|]*|\bgit (?:fetch|pull|checkout|switch|reset|merge|clone)\b[^\n;&|]*(?:\bpull/\$[^\n;&|]*/(?:head|merge)|github\.event\.pull_request\.head\.(?:sha|ref)|github\.head_ref|github\.event\.workflow_run\.head_(?:sha|branch))[^\n;&|]*`)
)

// findsHead tells of a step that looks up a comment's pull request: what it
// puts out names its code.
var findsHead = regexp.MustCompile(`(?i)/pull-request-comment-branch@|\bpulls\.get\b|\bgh pr view\b|\bgh api [^\n]*/pulls/`)

// outputOf is the step whose output an expression is.
var outputOf = regexp.MustCompile(`\bsteps\.([\w-]+)\.outputs\.`)

// looked is what a condition has in it where somebody decides who may start the
// job; that somebody may be deceived, as code changes after a look.
var looked = regexp.MustCompile(`(?i)author_association|\blabels?\b|github\.(triggering_)?actor|\.login|permission`)

// readTarget reports a job that checks out the code of a pull request and runs
// it, and whether there is anything to take.
func readTarget(f *File, w *workflow, subject string, job *document.Node) {
	steps := job.Get("steps").Values()
	condition := job.Get("if").Str()
	named := make(variables) // steps, by their ids
	outer := []variables{variablesOf(job.Get("env")), w.variables}
	for i, s := range steps {
		named[s.Get("id").Str()] = s
		at := checksOut(f, named, s, append([]variables{variablesOf(s.Get("env"))}, outer...))
		if at == nil || ownOnly(condition) || ownOnly(s.Get("if").Str()) || strings.HasPrefix(at.Text, "git fetch") && !slices.ContainsFunc(steps[i:], takesFetched) {
			continue
		}
		if !slices.ContainsFunc(steps[i+1:], runsCode) && !slices.ContainsFunc(scriptCommands(s.Get("run").Str()), runsFiles) {
			continue
		}
		p := Problem{Rule: actionsTarget, Subject: subject, Value: "head", Why: "runs code of whoever opens a pull request with the repository's token", Narrower: "on: pull_request, and what needs rights in a second workflow"}
		switch secrets, writes := usesSecrets(w, job), mayWrite(w, job); {
		case !secrets && !writes:
			p.Severity, p.Why = rule.Medium, "runs code of whoever opens a pull request with the branch's caches"
		case looked.MatchString(condition+s.Get("if").Str()) || awaitsPerson(w, job):
			p.Severity = rule.High
			p.Why += ", under a condition"
		case w.startedBy("workflow_run"):
			p.Severity = rule.High
		}
		f.Report(at, p)
		return
	}
}

// workTree are commands by which what was fetched comes to the work tree.
var workTree = regexp.MustCompile(`\bgit (?:-C \S+ )?(?:checkout|switch|merge|reset|rebase|worktree|cherry-pick|restore|read-tree|archive|apply|am)\b`)

func takesFetched(step *document.Node) bool { return workTree.MatchString(step.Get("run").Str()) }

// textOfOthers is an expression for a text that anyone may write: in a script it
// is a part of the program.
var textOfOthers = regexp.MustCompile(`(?i)\$\{\{\s*github\.(?:head_ref|event\.(?:pull_request\.(?:title|body|head\.(?:ref|label))|issue\.(?:title|body)|comment\.body|discussion\.(?:title|body)|review\.body|workflow_run\.(?:head_branch|head_commit\.message|display_title)))\s*\}\}`)

// readTexts reports a script into which a job with the repository's rights
// writes a text that anyone may choose.
func readTexts(f *File, w *workflow, subject string, job *document.Node) {
	if ownOnly(job.Get("if").Str()) {
		return
	}
	for _, s := range job.Get("steps").Values() {
		script := s.Get("run")
		if actionName(s.Get("uses").Str()) == "actions/github-script" {
			script = s.Get("with", "script")
		}
		at := places(f, script, textOfOthers)
		if len(at) == 0 || ownOnly(s.Get("if").Str()) {
			continue
		}
		p := Problem{Rule: actionsTarget, Subject: subject, Why: "makes a text that anyone may choose a part of its script, with the repository's token", Narrower: `the text in env, and "$TEXT" in the script`}
		switch {
		case !usesSecrets(w, job) && !mayWrite(w, job):
			p.Severity = rule.Medium
		case looked.MatchString(job.Get("if").Str()+s.Get("if").Str()) || awaitsPerson(w, job):
			p.Severity = rule.High
		}
		for _, text := range at {
			f.Report(text, p)
		}
	}
}

// checksOut is where a step says that it takes a pull request's code, if it
// does.
func checksOut(f *File, named variables, step *document.Node, envs []variables) *document.Node {
	if at := commandPlaces(f, step.Get("run"), headCommand); len(at) > 0 {
		return at[0]
	}
	for _, at := range commandPlaces(f, step.Get("run"), gitTakes) {
		for _, m := range shellVariable.FindAllStringSubmatch(at.Text, -1) {
			if v := inEffect(m[1], envs); v != nil && headOf.MatchString(v.Text) {
				return at
			}
		}
	}
	if actionName(step.Get("uses").Str()) != "actions/checkout" {
		return nil
	}
	if ref := step.Get("with", "ref"); ref != nil {
		if headOf.MatchString(ref.Text) || putsOutHead(f, named, ref.Text) {
			return ref
		}
		return nil
	}
	if repo := step.Get("with", "repository"); repo != nil && headRepo.MatchString(repo.Text) {
		return repo
	}
	return nil
}

// putsOutHead tells whether an expression is what a step put out that looked up
// a pull request.
func putsOutHead(f *File, named variables, expression string) bool {
	m := outputOf.FindStringSubmatch(expression)
	if m == nil || named[m[1]] == nil {
		return false
	}
	s := named[m[1]]
	return findsHead.Match(f.Text[s.Start:s.End])
}

// ownOnly tells whether a condition lets only the repository's own branches
// through, or leaves the event out.
func ownOnly(condition string) bool {
	if strings.Contains(condition, "||") {
		return false
	}
	condition = strings.ReplaceAll(condition, `"`, "'")
	for _, own := range []string{"head.repo.full_name == github.repository", "github.repository == github.event.pull_request.head.repo.full_name", "head.repo.fork == false", "!github.event.pull_request.head.repo.fork",
		"head_repository.full_name == github.repository", "head.repo.owner.login == github.repository_owner", "pull_request.user.login == 'dependabot[bot]'", "event_name == 'pull_request'", "event_name != 'pull_request_target'", "event_name == 'push'", "workflow_run.event == 'push'", "workflow_run.event != 'pull_request'"} {
		if strings.Contains(condition, own) {
			return true
		}
	}
	return false
}

// awaitsPerson tells whether a job, or one that it waits for, has an
// environment, whose rules may ask a person first.
func awaitsPerson(w *workflow, job *document.Node) bool {
	return job.Get("environment") != nil || slices.ContainsFunc(job.Get("needs").Texts(), func(n string) bool { return w.environments[n] })
}

// fetches are actions that run nothing of what was checked out.
var fetches = regexp.MustCompile(`^(actions/(checkout|setup-\w+|cache|labeler|(upload|download)-artifact)|dorny/paths-filter|tj-actions/changed-files|step-security/harden-runner|marocchino/sticky-pull-request-comment|peter-evans/create-or-update-comment)$`)

// runsCode tells whether a step may run what was checked out.
func runsCode(step *document.Node) bool {
	if uses := step.Get("uses").Str(); uses != "" {
		return !fetches.MatchString(actionName(uses))
	}
	return slices.ContainsFunc(scriptCommands(step.Get("run").Str()), runsFiles)
}

// runsFiles tells whether a command may run a file of the working folder.
func runsFiles(command string) bool {
	program, _, _ := strings.Cut(command, " ")
	return !slices.Contains(looksAtFiles, program)
}

// usesSecrets tells whether a job is handed any secret but its own token.
func usesSecrets(w *workflow, job *document.Node) bool {
	return w.secrets || job.Get("secrets") != nil || handsSecret(job)
}

// handsSecret tells whether any value hands over a secret.
func handsSecret(n *document.Node) bool {
	found := false
	n.Walk(func(n *document.Node) bool {
		found = found || fromSecret(n)
		return !found
	})
	return found
}

// mayWrite tells whether a job's token may write, as far as the file says.
func mayWrite(w *workflow, job *document.Node) bool {
	p, key := job.Get("permissions"), job.Key("permissions")
	if key == nil {
		p, key = w.permissions.Value, w.permissions.Key
	}
	if key == nil || p.Is("write-all") {
		return true
	}
	return slices.ContainsFunc(p.Entries(), func(m document.Member) bool { return m.Value.Is("write") })
}
