package derive

import (
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	n := needed()
	n.GitHub = append(n.GitHub, Permission{Name: "administration", Level: "write"})
	block, lacking := n.Workflow()
	if want := "permissions:\n  contents: read\n  issues: write\n"; block != want {
		t.Errorf("workflow: %q, wanted %q", block, want)
	}
	if got := strings.Join(lacking, ","); got != "administration" {
		t.Errorf("a workflow lacks %q", got)
	}
	if want := scopeURL + "drive.metadata.readonly\n"; n.GoogleScopes() != want {
		t.Errorf("scopes: %q", n.GoogleScopes())
	}
	var none Needs
	if block, _ := none.Workflow(); block != "permissions: {}\n" || none.AWSPolicy() != "" || none.GitHubApp() != "" {
		t.Errorf("of nothing: %q, %q, %q", block, none.AWSPolicy(), none.GitHubApp())
	}
}

// TestPrintedIsNeeded compares what is printed with what it is printed of.
func TestPrintedIsNeeded(t *testing.T) {
	n := needed()
	block, _ := n.Workflow()
	for name, text := range map[string]string{"p.json": n.AWSPolicy(), "app.json": n.GitHubApp(), "w.yml": block, "scopes.txt": n.GoogleScopes()} {
		d, err := n.Diff(name, []byte(text))
		if err != nil || !d.None() {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}
