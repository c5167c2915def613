package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/scanner/rule"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"remint": func() {
			serveVet()
			os.Exit(run(context.Background(), os.Args[1:]))
		},
	})
}

// TestScripts drives the real binary through testdata/script, one file a
// behaviour.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "../../testdata/script",
		Setup: setup,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"expand": expand, "exit": exit},
		Condition: func(name string) (bool, error) {
			if name != "softhsm" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			if softhsm() == "" && hsm.Available && os.Getenv("CI") == "true" {
				return false, errors.New("SoftHSM2 is not installed: .ci/run installs what CI needs")
			}
			return softhsm() != "", nil
		},
	})
}

// softhsm is SoftHSM2's library, "" where it is not to be used.
func softhsm() string {
	if _, err := exec.LookPath("softhsm2-util"); err != nil || !hsm.Available {
		return ""
	}
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// setup takes nothing of the machine's git configuration, and names an author.
func setup(e *testscript.Env) error {
	for _, kv := range [][2]string{
		{"HOME", e.WorkDir}, {"GIT_CONFIG_GLOBAL", os.DevNull}, {"GIT_CONFIG_SYSTEM", os.DevNull}, {"CI", ""},
		{"GIT_AUTHOR_NAME", "t"}, {"GIT_AUTHOR_EMAIL", "t@acme.io"}, {"GIT_COMMITTER_NAME", "t"}, {"GIT_COMMITTER_EMAIL", "t@acme.io"},
	} {
		e.Setenv(kv[0], kv[1])
	}
	// The home folder is another one, and the caches of Go stay.
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	cache, modules, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	e.Setenv("GOCACHE", cache)
	e.Setenv("REMINT_PKCS11_MODULE", softhsm()) // the machine's own tokens are nobody's to try
	e.Setenv("GOMODCACHE", modules)
	return nil
}

// expand FILE... fills in the templates of rule examples in files, so that no
// key stands in a script: {a62:20} and the rest, and {checksum} as GitHub's.
func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, name := range files {
		r := rule.Rule{ID: "script", Checksum: "crc32-base62"}
		text, _, err := r.Expand(ts.ReadFile(name), 1)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// exit CODE COMMAND... runs a command and asks for its exit code.
func exit(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = err.Error()
		if len(code) > len("exit status ") {
			code = code[len("exit status "):]
		}
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}
