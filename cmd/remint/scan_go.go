package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/remint/remint/scanner"
)

// goAuto looks at Go code by type where that costs no download: in a module
// whose requirements are at hand.
const (
	goAuto = "auto"
	goOn   = "on"
	goOff  = "off"
)

// patience is how long a scan waits for Go's compiler where nobody asked for
// it.
const patience = time.Minute

// offline keeps go vet from what a scan must not do unasked: use the network,
// choose another toolchain, run a C compiler.
var offline = []string{"GOPROXY=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0"}

// addGo merges what the analyzers find in a Go module into a tree's findings.
func (f *scanFlags) addGo(ctx context.Context, s *scanner.Scanner, paths []string, result *scanner.Result, stderr io.Writer) {
	if f.golang == goOff || f.stdin || f.staged || len(paths) != 1 {
		return
	}
	dir := paths[0]
	unasked := f.golang == goAuto
	why := isModule(dir)
	if why == nil && unasked {
		why = atHand(dir)
	}
	if errors.Is(why, errNotAsked) || unasked && strings.EqualFold(filepath.Ext(f.config), ".toml") {
		return // exactly gitleaks' rules were asked for, or it is no module of one's own
	}
	if why == nil {
		waiting := ctx
		var env []string
		if unasked {
			var cancel context.CancelFunc
			waiting, cancel = context.WithTimeout(ctx, patience)
			defer cancel()
			env = offline
		}
		found, stats, err := vet(waiting, s, dir, env, []string{"./..."})
		why = err
		if err == nil || len(found) > 0 {
			result.Findings = scanner.Merge(result.Findings, found)
			result.Stats.Silenced += stats.Silenced
		}
	}
	switch {
	case why == nil:
	case unasked:
		fmt.Fprintf(stderr, "remint: Go code was looked at as text alone, not by type: %s; --go=on insists, --go=off does not try\n", firstLine(why))
	default:
		result.Incomplete = append(result.Incomplete, scanner.Incomplete{Path: filepath.ToSlash(dir), Reason: scanner.ReasonBuild, Detail: why.Error()})
	}
}

func firstLine(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("it took longer than %s", patience)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// errNotAsked tells that there is nothing that anyone would want looked at by
// type.
var errNotAsked = errors.New("it is no Go module of one's own")

func isModule(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return errNotAsked
	}
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("the go command is not there")
	}
	return nil
}

// atHand tells whether a module's requirements are in the module cache, or
// vendored. What Go itself consists of, and what is in the module cache, is not
// looked at unasked.
func atHand(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	cache := moduleCache()
	if inside(abs, cache) {
		return errNotAsked
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil { // a newer Go's words; replacements are then not known
		mod, err = modfile.ParseLax("go.mod", text, nil)
	}
	if err != nil || mod.Module == nil || mod.Module.Mod.Path == "std" || mod.Module.Mod.Path == "cmd" {
		return errNotAsked
	}
	if _, err := os.Stat(filepath.Join(dir, "vendor", "modules.txt")); err == nil {
		return nil
	}
	for _, r := range mod.Require {
		path, pathErr := module.EscapePath(r.Mod.Path)
		version, versionErr := module.EscapeVersion(r.Mod.Version)
		if pathErr != nil || versionErr != nil || r.Indirect {
			continue
		}
		if _, err := os.Stat(filepath.Join(cache, path+"@"+version)); err != nil && !replaced(mod, r.Mod) {
			return fmt.Errorf("%s %s is not in the module cache", r.Mod.Path, r.Mod.Version)
		}
	}
	return nil
}

func replaced(mod *modfile.File, m module.Version) bool {
	for _, r := range mod.Replace {
		if r.Old.Path == m.Path && (r.Old.Version == "" || r.Old.Version == m.Version) {
			return true
		}
	}
	return false
}

// moduleCache is the folder of downloaded modules, as the go command finds it.
func moduleCache() string {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	if list := filepath.SplitList(os.Getenv("GOPATH")); len(list) > 0 && list[0] != "" {
		return filepath.Join(list[0], "pkg", "mod")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, "go", "pkg", "mod")
}

func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return dir != "" && err == nil && filepath.IsLocal(rel)
}
