//go:build cgo

package hsm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remint/remint/remediate/hsm"
)

// shim builds testdata/shim.c, a module that is SoftHSM2 with faults, and
// returns it with the file that says which fault.
func shim(t *testing.T) (module, fault string) {
	t.Helper()
	if softhsm() == "" {
		lacks(t, "SoftHSM2")
	}
	headers, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/miekg/pkcs11").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module = filepath.Join(dir, "shim.so")
	out, err := exec.Command(strings.TrimSpace(string(compiler)), "-shared", "-fPIC", "-I", strings.TrimSpace(string(headers)), "-o", module, "testdata/shim.c", "-ldl").CombinedOutput()
	if err != nil {
		t.Fatalf("build the shim: %v: %s", err, out)
	}
	fault = filepath.Join(dir, "fault")
	t.Setenv("REMINT_SHIM_FAULT", fault)
	t.Setenv("REMINT_SHIM_MODULE", softhsm())
	return module, fault
}

// TestFaults has a token taken out, out of sessions, dead and hanging. Each is
// a clear error in bounded time; what can be used again, is.
func TestFaults(t *testing.T) {
	module, fault := shim(t)
	asked := 0
	token, err := hsm.Open(t.Context(), hsm.Options{URI: hsm.URI{Token: "remint", ModulePath: module}, PIN: counted(&asked)})
	if err != nil {
		t.Fatal(err)
	}
	// It is not closed: the call that hangs is still in the module.
	say := func(word string) {
		t.Helper()
		if err := os.WriteFile(fault, []byte(word), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	works := func(after string) {
		t.Helper()
		_ = os.Remove(fault)
		if _, err := token.Random(t.Context(), 8); err != nil {
			t.Fatalf("after %s: %v", after, err)
		}
		if _, err := token.Keys(t.Context()); err != nil {
			t.Fatalf("after %s, keys: %v", after, err)
		}
	}
	works("the start")

	say("removed") // once: it was put back
	if _, err := token.Random(t.Context(), 8); err != nil {
		t.Errorf("taken out and put back: %v", err)
	}
	works("it was taken out")
	if asked != 1 {
		t.Errorf("the PIN was asked for %d times", asked)
	}

	say("die")
	if _, err := token.Random(t.Context(), 8); err == nil || !strings.Contains(err.Error(), "C_GenerateRandom") {
		t.Errorf("a dead device: %v", err)
	}
	works("it was dead")

	say("hang")
	hsm.SetPatience(t, 200*time.Millisecond)
	start := time.Now()
	var hang *hsm.HangError
	if _, err := token.Random(t.Context(), 8); !errors.As(err, &hang) || time.Since(start) > 5*time.Second {
		t.Errorf("a module that hangs, after %s: %v", time.Since(start), err)
	}
	works("it hung")

	say("sessions")
	other, err := hsm.Open(t.Context(), hsm.Options{URI: hsm.URI{Token: "remint", ModulePath: module}, PIN: counted(&asked)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Random(t.Context(), 8); err == nil || !strings.Contains(err.Error(), "no session left") {
		t.Errorf("no session left: %v", err)
	}
	works("there was no session")
}
