package derive_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remint/remint/scanner/scope/derive"
)

// achieved is what is measured over the programs, of a thousand. Below it a
// change has made something worse; above it the table of docs/scope-derive.md
// is to be made anew.
var achieved = map[string]struct{ precision, recall int }{
	"aws":    {958, 982},
	"github": {1000, 1000},
	"google": {1000, 944},
}

// score counts the grants of programs.
type score struct{ wanted, found, right int }

func (s *score) add(o score) {
	s.wanted, s.found, s.right = s.wanted+o.wanted, s.found+o.found, s.right+o.right
}

func perMille(part, whole int) int {
	if whole == 0 {
		return 1000
	}
	return part * 1000 / whole
}

func (s score) String() string {
	return fmt.Sprintf("%d | %d | %d | %.1f %% | %.1f %%", s.wanted, s.found, s.right, float64(perMille(s.right, s.found))/10, float64(perMille(s.right, s.wanted))/10)
}

// TestPrograms compares what is derived from the programs in testdata with
// what was worked out by hand from the providers' documentation.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the SDKs")
	}
	// Modules are fetched here; derive itself fetches nothing.
	fetch := exec.CommandContext(t.Context(), "go", "list", "-deps", "./...")
	fetch.Dir = "testdata"
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("fetch the SDKs: %v\n%s", err, out)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "scope-derive.md"))
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, provider := range []string{"aws", "github", "google"} {
		names, err := filepath.Glob(filepath.Join("testdata", provider, "*", "want"))
		if err != nil || len(names) < 10 {
			t.Fatalf("%d programs of %s: %v", len(names), provider, err)
		}
		var sum score
		for _, name := range names {
			s := program(t, provider, filepath.Dir(name))
			fmt.Fprintf(&table, "| %s | %s | %s |\n", provider, filepath.Base(filepath.Dir(name)), s)
			sum.add(s)
		}
		row := fmt.Sprintf("| **%s** | **all** | %s |\n", provider, sum)
		table.WriteString(row)
		if !strings.Contains(string(docs), row) {
			t.Errorf("docs/scope-derive.md has another row for %s", provider)
		}
		precision, recall := perMille(sum.right, sum.found), perMille(sum.right, sum.wanted)
		if a := achieved[provider]; precision < a.precision || recall < a.recall {
			t.Errorf("%s: precision %d ‰, recall %d ‰; it was %d and %d", provider, precision, recall, a.precision, a.recall)
		}
	}
	t.Logf("\n| cloud | program | wanted | found | right | precision | recall |\n|---|---|---|---|---|---|---|\n%s", table.String())
}

// program derives one program's needs and counts them against the ones wanted.
func program(t *testing.T, provider, dir string) score {
	t.Helper()
	needs, err := derive.Program(t.Context(), "testdata", []string{"./" + provider + "/" + filepath.Base(dir) + "/..."})
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	want, unknown := wanted(t, filepath.Join(dir, "want"))
	found := lines(needs, provider)
	s := score{wanted: len(want), found: len(found)}
	for _, w := range want {
		if slices.Contains(found, w) {
			s.right++
			continue
		}
		t.Logf("%s: missed %s", dir, w)
	}
	for _, f := range found {
		if !slices.Contains(want, f) {
			t.Logf("%s: too much: %s", dir, f)
		}
	}
	for _, a := range needs.AWS {
		if slices.ContainsFunc(a.At, func(p derive.Place) bool { return p.Line == 0 }) {
			t.Errorf("%s: %s has no place", dir, a.Name)
		}
	}
	var said []string
	for _, u := range needs.Unknown {
		said = append(said, u.What)
	}
	if len(said) != len(unknown) {
		t.Errorf("%s: it says not known of %q, wanted %q", dir, said, unknown)
		return s
	}
	for i, u := range unknown {
		if !strings.Contains(said[i], u) {
			t.Errorf("%s: it says not known of %q, wanted %q", dir, said[i], u)
		}
	}
	return s
}

// wanted reads the lines of a want file: grants, and what is said to be not
// known.
func wanted(t *testing.T, name string) (grants, unknown []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if what, ok := strings.CutPrefix(line, "not known: "); ok {
			unknown = append(unknown, what)
		} else if line != "" && line[0] != '#' {
			grants = append(grants, line)
		}
	}
	if !strings.Contains(string(text), "# ") {
		t.Errorf("%s names no source", name)
	}
	return grants, unknown
}

// lines are the grants as a want file has them.
func lines(n *derive.Needs, provider string) (all []string) {
	switch provider {
	case "aws":
		for _, a := range n.AWS {
			for _, r := range a.Resources {
				all = append(all, a.Name+" "+r)
			}
		}
	case "github":
		for _, p := range n.GitHub {
			all = append(all, p.Name+" "+p.Level)
		}
	case "google":
		for _, s := range n.Google {
			all = append(all, s.Name)
		}
	}
	return all
}
