package scope

import (
	"slices"
	"strconv"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// scriptKeys are what pipelines call their scripts: GitHub's, GitLab's,
// Azure's, CircleCI's, Tekton's and Cloud Build's.
var scriptKeys = []string{"run", "script", "before_script", "after_script", "bash", "pwsh", "powershell", "inlineScript"}

// pipelineCommands are the commands of all scripts that a pipeline runs.
func pipelineCommands(f *File, d *document.Node) [][]*document.Node {
	var all [][]*document.Node
	d.Walk(func(n *document.Node) bool {
		for _, m := range n.Entries() {
			if !slices.Contains(scriptKeys, m.Key.Text) {
				continue
			}
			for _, script := range append(m.Value.Strings(), m.Value.Get("command").Strings()...) {
				all = append(all, commandsOf(f, script)...)
			}
		}
		return true
	})
	return all
}

// readAzureCommand judges what one command of the Azure CLI grants, with the
// rights of the pipeline's service connection.
func readAzureCommand(f *File, words []*document.Node) {
	assigns, registers := follows(words, "role", "assignment", "create"), follows(words, "ad", "sp", "create-for-rbac")
	switch {
	case assigns:
		assignByCommand(f, words, option(words, "--scope"))
	case registers:
		assignByCommand(f, words, option(words, "--scopes"))
	}
	if registers || follows(words, "credential", "reset") {
		readCommandPassword(f, option(words, "--years"), option(words, "--end-date"))
	}
	if follows(words, "generate-sas") {
		reportExpiry(f, "az", option(words, "--start"), option(words, "--expiry"))
	}
	if follows(words, "storage", "container", "create") || follows(words, "storage", "container", "set-permission") {
		readContainerAccess(f, "az", option(words, "--public-access"))
	}
}

// assignByCommand judges the role that a command assigns: where no scope is
// given, in the whole subscription.
func assignByCommand(f *File, words []*document.Node, scope *document.Node) {
	role := option(words, "--role")
	if role == nil {
		return
	}
	far := reachOf(scope)
	switch {
	case option(words, "--resource-group") != nil || option(words, "-g") != nil:
		far = groupReach
	case scope == nil:
		far = subscriptionReach
	case strings.HasPrefix(scope.Text, "$"):
		far = unknownReach
	}
	if strings.HasPrefix(role.Text, "$") {
		f.Unknown(role)
		return
	}
	reportRole(f, "az", role, far)
}

// readCommandPassword reports a client secret that outlives the year which is
// usual.
func readCommandPassword(f *File, years, end *document.Node) {
	p := Problem{Rule: azurePassword, Severity: rule.High, Subject: "az", Why: "makes a client secret that lasts for years", Narrower: "az ad app federated-credential create, which needs no secret"}
	if n, err := strconv.Atoi(years.Str()); err == nil && n > 1 {
		f.Report(years, p)
	}
	if end != nil && lastsYears(nil, end) {
		f.Report(end, p)
	}
}
