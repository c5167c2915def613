package fix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/source"
)

// TestDiffMasks: neither the old value nor one that stands beside and is left is
// in what a plan shows, nor in its file.
func TestDiffMasks(t *testing.T) {
	root := t.TempDir()
	one, two := "k3v9qz1mr7wce5ul8pj2"+"sd4fg6ha0ovq", "p7w2kd9sxm4qzr8tv1nb"+"6hy3jc5lf0ga"
	text := "SESSION_SECRET = '" + one + "'\nAPI_SECRET = '" + two + "'\n"
	if err := os.WriteFile(filepath.Join(root, "settings.py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	policy, err := scanner.LoadPolicy(root, scanner.PolicyFiles{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := scanner.New(policy.Options())
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.Scan(t.Context(), source.Tree{Roots: []string{root}})
	if err != nil || len(result.Findings) != 2 {
		t.Fatalf("%d findings, want 2: %v", len(result.Findings), err)
	}
	for n := range result.Findings {
		result.Findings[n].Path = "settings.py"
	}
	p, err := Open(root, policy.Config(), Options{Only: []string{result.Findings[0].Fingerprint}, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(t.Context(), result.Findings)
	if err != nil || len(plan.Items) != 1 {
		t.Fatalf("%d items, want 1: %v", len(plan.Items), err)
	}
	diff, err := p.Diffs(plan)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.yaml")
	if err := plan.Write(file); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{one, two} {
		if strings.Contains(diff, secret) || strings.Contains(string(written), secret) {
			t.Error("a plan shows a secret")
		}
	}
	if !strings.Contains(diff, "+SESSION_SECRET = os.environ[") {
		t.Errorf("the diff is\n%s", diff)
	}
	if now, err := os.ReadFile(filepath.Join(root, "settings.py")); err != nil || string(now) != text {
		t.Errorf("a plan changed the code: %v", err)
	}
}

// TestAddPairs: every other byte of a configuration stays.
func TestAddPairs(t *testing.T) {
	for _, c := range []struct {
		before, after string
		where         []string
	}{
		{"version: 1\n", "version: 1\ninject:\n  env:\n    A: b/c\n", []string{"inject", "env"}},
		{"version: 1", "version: 1\ninject:\n  env:\n    A: b/c\n", []string{"inject", "env"}},
		{"version: 1\ninject:\n  env:\n    X: y # why\n\n# end\n", "version: 1\ninject:\n  env:\n    X: y # why\n    A: b/c\n\n# end\n", []string{"inject", "env"}},
		{"version: 1\ninject:\n  mask: true\nrules:\n  disable: [x]\n", "version: 1\ninject:\n  mask: true\n  env:\n    A: b/c\nrules:\n  disable: [x]\n", []string{"inject", "env"}},
		{"version: 1\ninject:\n  env: {X: y}\n", "version: 1\ninject:\n  env: {A: b/c, X: y}\n", []string{"inject", "env"}},
		{"version: 1\ninject: {env: {}}\n", "version: 1\ninject: {env: {A: b/c}}\n", []string{"inject", "env"}},
	} {
		got, err := addPairs([]byte(c.before), c.where, map[string]string{"A": "b/c"})
		if err != nil || string(got) != c.after {
			t.Errorf("%q: %v\n%s", c.before, err, got)
		}
	}
	if _, err := addPairs([]byte("version: 1\ninject: {mask: true}\n"), []string{"inject", "env"}, map[string]string{"A": "b"}); err == nil {
		t.Error("a section on one line cannot be added to, and that was not said")
	}
}
