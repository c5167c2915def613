package gitleaks

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	tests := []struct {
		name, text string
		line       string
		says       string
	}{
		{"not TOML", "title = \"x\"\n[[rules\n", "main.toml:2: ", "not TOML"},
		{"bad regex", "\n[[rules]]\nid = 'r'\nregex = '''a(b'''\n", "main.toml:4: ", "rule r: missing closing )"},
		{"look-ahead in a basic string", "[[rules]]\nid = 'r'\nkeywords = ['k']\nregex = \"\\\\d(?!x)\"\n", "main.toml:4: ", "invalid or unsupported Perl syntax"},
		{"bad path", "[[rules]]\nid = 'r'\npath = '*'\n", "main.toml:3: ", "missing argument to repetition"},
		{"bad allow list", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.allowlists]]\npaths = [\n 'a',\n '[z-a]',\n]\n", "main.toml:7: ", "invalid character class range"},
		{"bad global allow list", "[[allowlists]]\nregexes = ['ok', '(']\n", "main.toml:2: ", "allowlist: missing closing )"},
		{"bad only when joined", "[[allowlists]]\nregexes = ['\\Qa.b', 'c']\n", "main.toml:2: ", "joined"},
		{"huge", "[[rules]]\nid = 'r'\nregex = '(a{999}x){30}'\n", "main.toml:3: ", "rule r: invalid repeat count"},
		{"large", "[[rules]]\nid = 'r'\nregex = '" + strings.Repeat("a{999}", 21) + "'\n", "main.toml:3: ", "too large"},
		{"large together", "[[allowlists]]\nregexes = [\n" + strings.Repeat("'"+strings.Repeat("a{999}", 20)+"',\n", 60) + "]\n", "main.toml:3: ", "too large together"},
		{"empty allow list", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.allowlists]]\ndescription = 'nothing'\n", "main.toml:2: ", "must contain at least one check"},
		{"unknown condition", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.allowlists]]\ncondition = 'XOR'\nregexes = ['x']\n", "main.toml:5: ", "unknown allowlist condition"},
		{"unknown target", "[[allowlists]]\nregexTarget = 'file'\nregexes = ['x']\n", "main.toml:2: ", "unknown allowlist regexTarget"},
		{"target that is not there", "[[allowlists]]\ntargetRules = ['gone']\nregexes = ['x']\n", "main.toml:2: ", "does not exist"},
		{"both forms", "[allowlist]\nregexes = ['x']\n[[allowlists]]\nregexes = ['y']\n", "main.toml:1: ", "older form"},
		{"both forms in a rule", "[[rules]]\nid = 'r'\nregex = 'r'\n[rules.allowlist]\nregexes = ['x']\n[[rules.allowlists]]\nregexes = ['y']\n", "main.toml:2: ", "older form"},
		{"no id", "[[rules]]\nregex = 'r'\n", "main.toml:1: ", "id is missing"},
		{"nothing to find", "[[rules]]\nid = 'r'\n", "main.toml:2: ", "both regex and path are empty"},
		{"group too high", "[[rules]]\nid = 'r'\nregex = '(a)'\nsecretGroup = 2\n", "main.toml:2: ", "invalid regex secret group 2"},
		{"wrong type", "[[rules]]\nid = 'q'\nregex = 'q'\n[[rules]]\nid = 'r'\nentropy = 'much'\n", "main.toml:6: ", "Rules[1].Entropy: the value is of the wrong type"},
		{"both kinds of extend", "[extend]\npath = 'x'\nuseDefault = true\n", "main.toml:3: ", "cannot both be set"},
		{"extended file missing", "[extend]\npath = 'gone.toml'\n", "main.toml:2: ", "gone.toml"},
		{"extended file at fault", "[extend]\npath = 'base.toml'\n", "base.toml:3: ", "rule b"},
		{"required without id", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.required]]\nwithinLines = 1\n", "main.toml:2: ", "needs an id"},
		{"required and missing", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.required]]\nid = 'gone'\n", "main.toml:5: ", "not in this file"},
		{"required at a negative distance", "[[rules]]\nid = 'r'\nregex = 'r'\n[[rules.required]]\nid = 'r'\nwithinLines = -1\n", "main.toml:2: ", "never met"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(writeFiles(t, map[string]string{"main.toml": tt.text, "base.toml": "[[rules]]\nid = 'b'\nregex = '('\n"}))
			_, err := Load("main.toml", Options{})
			if err == nil {
				t.Fatal("loaded without an error")
			}
			if !strings.HasPrefix(err.Error(), tt.line) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %q, want %s…%s", err, tt.line, tt.says)
			}
		})
	}
}

func TestTypeFaultKeepsTheValueBack(t *testing.T) {
	value := strings.Repeat("hidden", 3)
	_, err := Parse("c.toml", []byte("[[rules]]\nid = 'r'\nentropy = '"+value+"'\n"), Options{})
	if err == nil || strings.Contains(err.Error(), value) {
		t.Error("the error is missing, or shows the value")
	}
}
