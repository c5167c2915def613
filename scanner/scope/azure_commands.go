package scope

import (
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// readAzureTasks reads the scripts that a pipeline runs by the Azure CLI, with
// the rights of its service connection.
func readAzureTasks(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		if strings.HasPrefix(n.Get("task").Str(), "AzureCLI@") {
			for _, words := range commandsOf(f, fold(n.Get("inputs"), "inlineScript")) {
				readAzureCommand(f, words)
			}
		}
		return true
	})
}

// readAzureCommand judges what one command of the Azure CLI assigns.
func readAzureCommand(f *File, words []*document.Node) {
	assigns, registers := follows(words, "role", "assignment", "create"), follows(words, "ad", "sp", "create-for-rbac")
	role, scope := option(words, "--role"), option(words, "--scope")
	if registers {
		scope = option(words, "--scopes")
	}
	if role == nil || !assigns && !registers {
		return
	}
	far := reachOf(scope)
	switch {
	case option(words, "--resource-group") != nil || option(words, "-g") != nil:
		far = groupReach
	case scope != nil && strings.HasPrefix(scope.Text, "$"):
		far = unknownReach
	}
	if strings.HasPrefix(role.Text, "$") {
		f.Unknown(role)
		return
	}
	reportRole(f, "az", role, far)
}
