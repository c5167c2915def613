package scanner_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/remint/remint/"

// mayImport says, for each room, which rooms of this module it may import.
// A room that is missing here may not exist.
var mayImport = map[string][]string{
	"cmd/remint":            {"scanner", "analyzers", "remediate"},
	"analyzers":             {"analyzers", "scanner/rule", "scanner/engine", "scanner/scope", "scanner/silence"},
	"remediate":             {"remediate", "scanner"},
	"remediate/fix":         {"remediate", "scanner"},
	"remediate/hsm":         {"remediate/hsm"},
	"remediate/inject":      {},
	"remediate/launch":      {"remediate"},
	"remediate/mint":        {"remediate/mint", "remediate/hsm"},
	"remediate/rewrite":     {},
	"remediate/vault":       {"remediate/vault", "remediate/hsm"},
	"scanner":               {"scanner"},
	"scanner/rule":          {},
	"scanner/rule/gen":      {"scanner/rule"},
	"scanner/rule/gitleaks": {"scanner/rule"},
	"scanner/engine":        {"scanner/rule", "scanner/engine"},
	"scanner/engine/ngram":  {"scanner/engine/ngram"},
	"scanner/scope":         {"scanner/rule", "scanner/scope"},
	"scanner/source":        {"scanner/source", "scanner/history"},
	"scanner/history":       {"scanner/history", "scanner/engine"},
	"scanner/config":        {"scanner/rule"},
	"scanner/silence":       {"scanner/rule", "scanner/config"},
	"scanner/report":        {"scanner"},
	"scanner/bench":         {"scanner"},
}

// TestImportArrows asserts that data goes one way through the house.
func TestImportArrows(t *testing.T) {
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		room, allowed, ok := roomOf(filepath.ToSlash(filepath.Dir(rel)))
		if !ok {
			t.Errorf("%s is in no room of the architecture", rel)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			to, ours := strings.CutPrefix(name, module)
			if ours && !reaches(allowed, to) {
				t.Errorf("%s: %s may not import %s", rel, room, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// roomOf returns the longest room that holds the folder.
func roomOf(folder string) (room string, allowed []string, ok bool) {
	for r, a := range mayImport {
		if (folder == r || strings.HasPrefix(folder, r+"/")) && len(r) > len(room) {
			room, allowed, ok = r, a, true
		}
	}
	return room, allowed, ok
}

func reaches(allowed []string, to string) bool {
	for _, a := range allowed {
		if to == a || strings.HasPrefix(to, a+"/") {
			return true
		}
	}
	return false
}
