package fix

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/remint/remint/remediate/rewrite"
	"github.com/remint/remint/scanner"
)

// assigned is a name before a value: KEY = "…, key: '…, "key": "…, KEY=….
var assigned = regexp.MustCompile(`([A-Za-z_$][\w$.-]*)["'\]]?\s*(?::\s*[\w<>\[\]&' ]+?)?\s*(?::=|=>|=|:)\s*(?:[A-Za-z@$]*\s*\(?\s*)?(?:\[\]byte\(|&)?[A-Za-z]{0,2}["'` + "`" + `]?[^"'` + "`" + `\s=]{0,40}$`)

// vague are names that say nothing of what a value is for.
var vague = []string{"value", "default", "key", "data", "url", "uri", "dsn", "config", "conn", "text", "name", "string", "const", "var", "let", "env", "s", "x", "v"}

// variableOf is the environment variable for a value: what its file calls it
// already, which is fixed; else after the name that it is given to, else after
// its rule.
func variableOf(file string, text []byte, start, end int, f *scanner.Finding) (name string, fixed bool) {
	if name := rewrite.Variable(file, text, start, end); name != "" {
		return name, true
	}
	return nameOf(text, start, f), false
}

func nameOf(text []byte, start int, f *scanner.Finding) string {
	from := max(start-200, 0)
	if i := strings.LastIndexByte(string(text[from:start]), '\n'); i >= 0 {
		from += i + 1
	}
	if m := assigned.FindSubmatch(text[from:start]); m != nil {
		name := string(m[1])
		name = name[strings.LastIndexByte(name, '.')+1:]
		if !slices.Contains(vague, strings.ToLower(name)) {
			return upperSnake(name)
		}
	}
	switch f.Rule.Minter {
	case "postgres", "mysql":
		return "DATABASE_URL"
	case "redis":
		return "REDIS_URL"
	case "privatekey":
		return "PRIVATE_KEY"
	}
	return upperSnake(f.Rule.ID)
}

// upperSnake turns camelCase and kebab-case to UPPER_SNAKE.
func upperSnake(name string) string {
	var b strings.Builder
	runes := []rune(strings.Trim(name, "_$"))
	for i, r := range runes {
		switch {
		case r == '-' || r == '.' || r == '$' || r == ' ':
			r = '_'
		case i > 0 && unicode.IsUpper(r) && runes[i-1] != '_' && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			b.WriteByte('_')
		}
		if r < 128 {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	out := b.String()
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		return "SECRET_" + out
	}
	return out
}

// names makes names of entries that are not taken.
type names struct {
	service string
	taken   map[string]bool
	// variables are the secrets that have them.
	variables map[string]string
}

func newNames(root string) *names {
	service := kebab(path.Base(root))
	if service == "" {
		service = "app"
	}
	return &names{service, make(map[string]bool), make(map[string]string)}
}

// entry names an entry: the project's folder, and what the variable says.
func (n *names) entry(variable string) string {
	name := n.service + "/" + kebab(strings.TrimPrefix(variable, "TF_VAR_"))
	for i := 2; n.taken[name]; i++ {
		name = n.service + "/" + kebab(variable) + "-" + strconv.Itoa(i)
	}
	n.taken[name] = true
	return name
}

// variable is a name that no other secret has.
func (n *names) variable(name, secret string, fixed bool) string {
	free := name
	for i := 2; !fixed && n.variables[free] != "" && n.variables[free] != secret; i++ {
		free = name + "_" + strconv.Itoa(i)
	}
	n.variables[free] = secret
	return free
}

func kebab(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
