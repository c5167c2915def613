package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// vaultEmbedded is how policies stand in other files: `vault policy write NAME
// - <<EOF` in scripts, ConfigMaps, and the resources of operators in YAML.
var vaultEmbedded = embedding{
	words:   []string{"path \"", "path \\\"", "path  ", "path\t", "bound_service_account_names=", "policy=", "policies="},
	marks:   regexp.MustCompile(`path[ \t]+\\?"|bound_service_account_names=|polic(y|ies)=`),
	file:    func(name string) bool { return vaultHCL.MatchString(name) || name == "policy" || name == "rules" },
	command: regexp.MustCompile(`(?i)\b(vault|bao)\b.*\bpolic(y|ies)\b|\.hcl\b`),
	read:    readVaultHCL,
	script:  readVaultCommands,
}

// readVaultCommands reads logins and tokens that are made by commands.
func readVaultCommands(f *File, script *document.Node) {
	for _, words := range commandsOf(f, script) {
		i := slices.IndexFunc(words, func(w *document.Node) bool { return w.Is("vault", "bao") })
		if i < 0 || i+2 >= len(words) || !words[i+1].Is("write", "token") {
			continue
		}
		readVaultCommand(f, words[i+2:])
	}
}

// readVaultCommand reads the arguments of a command: key=value, -option=value.
func readVaultCommand(f *File, words []*document.Node) {
	subject := words[0].Text
	values := make(map[string]*document.Node)
	for _, w := range words {
		if key, value, ok := strings.Cut(w.Text, "="); ok {
			values[strings.TrimLeft(key, "-")] = unquoted(part(w, len(w.Text)-len(value), len(w.Text)))
		}
	}
	names, spaces := values["bound_service_account_names"], values["bound_service_account_namespaces"]
	if names.Is("*") && spaces.Is("*") {
		reportVaultAnyone(f, subject, names)
	}
	for _, key := range slices.Concat(vaultRoot, []string{"policy"}) {
		if p := values[key]; p != nil && slices.Contains(strings.Split(p.Text, ","), "root") {
			reportVaultRoot(f, subject, p)
		}
	}
}
