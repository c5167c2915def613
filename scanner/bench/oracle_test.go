// Package bench compares remint with its peers over real source trees: what
// they find (TestOracle) and how fast (run.sh).
package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/sources"

	"github.com/remint/remint/scanner/engine"
	"github.com/remint/remint/scanner/rule/gitleaks"
)

var large = flag.Bool("large", false, "compare over the Go source tree and large modules too")

// smallTrees are folders of the Go source tree that have something for many
// rules to look at; they are on every machine that runs this.
var smallTrees = []string{"crypto/tls", "crypto/x509", "net/http", "cmd/go/internal/auth", "cmd/go/testdata/script", "encoding/pem", "testing", "html/template"}

// largeModules are real programs of the module proxy; go fetches them for this test.
var largeModules = []string{
	"k8s.io/client-go@v0.34.1", "github.com/hashicorp/vault@v1.21.0", "github.com/aws/aws-sdk-go@v1.55.8",
	"github.com/prometheus/prometheus@v0.307.0", "github.com/zricethezav/gitleaks/v8@v8.30.1",
}

type found struct {
	rule, file string
	line       int
	secret     string
}

// TestOracle asserts that with gitleaks' default configuration remint finds
// what gitleaks' own detector finds: the same rule, file, line and secret.
func TestOracle(t *testing.T) {
	var trees []string
	goroot := strings.TrimSpace(goCommand(t, "env", "GOROOT"))
	if *large {
		trees = append(trees, filepath.Join(goroot, "src"))
		for _, m := range largeModules {
			trees = append(trees, moduleDir(t, m))
		}
	} else {
		for _, dir := range smallTrees {
			trees = append(trees, filepath.Join(goroot, "src", filepath.FromSlash(dir)))
		}
	}
	set, err := gitleaks.Default()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(set.Rules, engine.Options{Gitleaks: true, Allow: set.Global})
	if err != nil {
		t.Fatal(err)
	}
	detector, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range trees {
		compare(t, tree, e, detector)
	}
}

func compare(t *testing.T, tree string, e *engine.Engine, detector *detect.Detector) {
	files := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	counted, total := 0, 0
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := e.NewScanner()
			for name := range files {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Error(err)
					continue
				}
				want := theirs(detector, name, string(data))
				got, err := ours(s, name, data)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				counted++
				total += len(want)
				report(t, got, want)
				mu.Unlock()
			}
		}()
	}
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files <- path
		}
		return err
	})
	close(files)
	wg.Wait()
	if err != nil {
		t.Error(err)
	}
	t.Logf("%s: %d files, %d findings of gitleaks", filepath.Base(tree), counted, total)
}

func theirs(d *detect.Detector, name, text string) []found {
	var out []found
	//lint:ignore SA1019 the detector takes no other type yet
	for _, f := range d.Detect(detect.Fragment(sources.Fragment{Raw: text, FilePath: name})) {
		// gitleaks counts lines from 0 in a fragment of its own.
		out = append(out, found{f.RuleID, name, f.StartLine + 1, f.Secret})
	}
	return out
}

func ours(s *engine.Scanner, name string, text []byte) ([]found, error) {
	s.Path = name
	ms, err := s.Scan(text)
	var out []found
	for _, m := range ms {
		if strings.Contains(linesOf(string(text), m.FullStart, m.FullEnd), "gitleaks:allow") {
			continue // in remint it is not the engine that silences
		}
		line := 1
		for _, c := range text[:m.FullStart] {
			if c == '\n' {
				line++
			}
		}
		// A match that starts with a line feed belongs to the next line in
		// gitleaks' count.
		if m.FullStart < len(text) && text[m.FullStart] == '\n' {
			line++
		}
		out = append(out, found{m.Rule.ID, name, line, string(m.Secret)})
	}
	return out, err
}

func linesOf(text string, start, end int) string {
	lo := strings.LastIndexByte(text[:start], '\n') + 1
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		return text[lo : end+i]
	}
	return text[lo:]
}

func report(t *testing.T, got, want []found) {
	slices.SortFunc(got, byPlace)
	slices.SortFunc(want, byPlace)
	for _, f := range want {
		if !slices.Contains(got, f) {
			t.Errorf("gitleaks alone: %s %s:%d (%d bytes)", f.rule, f.file, f.line, len(f.secret))
		}
	}
	for _, f := range got {
		if !slices.Contains(want, f) {
			t.Errorf("remint alone: %s %s:%d (%d bytes)", f.rule, f.file, f.line, len(f.secret))
		}
	}
	if len(got) != len(want) && !t.Failed() {
		t.Errorf("%d findings, gitleaks has %d", len(got), len(want))
	}
}

func byPlace(a, b found) int {
	return strings.Compare(fmt.Sprintf("%s:%08d:%s:%s", a.file, a.line, a.rule, a.secret), fmt.Sprintf("%s:%08d:%s:%s", b.file, b.line, b.rule, b.secret))
}

func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// moduleDir fetches a module and returns its folder in the module cache.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	var info struct{ Dir string }
	if err := json.Unmarshal([]byte(goCommand(t, "mod", "download", "-json", module)), &info); err != nil || info.Dir == "" {
		t.Fatalf("go mod download %s: no folder (%v)", module, err)
	}
	return info.Dir
}
