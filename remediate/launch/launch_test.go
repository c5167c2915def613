//go:build unix

package launch

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/inject"
	"github.com/remint/remint/remediate/vault"
)

// safeBuffer is a buffer for several writers.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func open(t *testing.T) *remediate.Opened {
	t.Helper()
	dir := t.TempDir()
	o, err := remediate.Init(t.Context(), remediate.Settings{
		Home: dir, Vault: filepath.Join(dir, "vault.db"), Assurance: hsm.AssuranceSoftware,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	put(t, o, "a", "s3cret")
	return o
}

func put(t *testing.T, o *remediate.Opened, name, value string) {
	t.Helper()
	if _, err := o.Put(t.Context(), name, []byte(value), vault.Metadata{}, vault.Any); err != nil {
		t.Fatal(err)
	}
}

// start runs a plan that stays, and returns its output and status.
func start(t *testing.T, o *remediate.Opened, p *Plan) (out *safeBuffer, status chan int) {
	t.Helper()
	out, status = &safeBuffer{}, make(chan int, 1)
	p.Stdout, p.Stderr = out, out
	go func() {
		code, err := p.Run(context.Background(), o)
		if err != nil {
			fmt.Fprintln(out, err)
			code = -1
		}
		status <- code
	}()
	return out, status
}

// until waits for a text in the output.
func until(t *testing.T, out *safeBuffer, want string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(out.String(), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q in the output:\n%s", want, out)
}

func TestRestart(t *testing.T) {
	o := open(t)
	out, status := start(t, o, &Plan{
		Args: []string{"sh", "-c", `echo "has $A"; test "$A" = third && exit 5; while :; do sleep 0.05; done`}, Env: map[string]string{"A": "a"},
		OnRotate: "restart", Interval: 50 * time.Millisecond,
	})
	until(t, out, "has s3cret")
	put(t, o, "a", "second")
	until(t, out, "has second")
	put(t, o, "a", "third")
	if code := <-status; code != 5 || !strings.Contains(out.String(), "has third") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func TestSignal(t *testing.T) {
	o := open(t)
	out, status := start(t, o, &Plan{
		Args: []string{"sh", "-c", `trap 'cat $F; exit 0' HUP; echo ready; while :; do sleep 0.05; done`}, Files: map[string]string{"F": "a"},
		OnRotate: "signal=HUP", Interval: 50 * time.Millisecond,
	})
	until(t, out, "ready")
	put(t, o, "a", "second")
	if code := <-status; code != 0 || !strings.Contains(out.String(), "second") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func TestFile(t *testing.T) {
	o := open(t)
	out, status := start(t, o, &Plan{
		Args:  []string{"sh", "-c", `echo ready; while ! grep -q second $F; do sleep 0.02; done; echo seen; ls $(dirname $F)`},
		Files: map[string]string{"F": "a"}, OnRotate: "file", Interval: 50 * time.Millisecond,
	})
	until(t, out, "ready")
	put(t, o, "a", "second")
	if code := <-status; code != 0 || !strings.Contains(out.String(), "seen") || strings.Contains(out.String(), ".new") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

// TestTerminated passes SIGTERM on; the status is the program's.
func TestTerminated(t *testing.T) {
	o := open(t)
	out, status := start(t, o, &Plan{Args: []string{"sh", "-c", `trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.05; done`}, Mask: true})
	until(t, out, "ready")
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := <-status; code != 9 || !strings.Contains(out.String(), "asked") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

// TestSDK starts this test as a program that asks for its secrets itself.
func TestSDK(t *testing.T) {
	if os.Getenv(inject.SocketVariable) != "" {
		askAsProgram()
		return
	}
	o := open(t)
	if _, err := o.Token.Generate(t.Context(), "signer", hsm.ECP256); err != nil {
		t.Fatal(err)
	}
	out, status := start(t, o, &Plan{Args: []string{os.Args[0], "-test.run=^TestSDK$"}, SDK: true, Mask: true})
	code := <-status
	for _, want := range []string{"value of 6 bytes", "missing: b: no such entry", "signed", "shows ********\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
	if code != 0 || strings.Contains(out.String(), "s3cret") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func askAsProgram() {
	ctx := context.Background()
	value, err := inject.String(ctx, "a")
	fmt.Println("value of", len(value), "bytes", err)
	fmt.Println("shows", value)
	_, err = inject.String(ctx, "b")
	fmt.Println("missing:", err)
	s, err := inject.Signer(ctx, "signer")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	digest := sha256.Sum256([]byte("message"))
	signature, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err == nil && ecdsa.VerifyASN1(s.Public().(*ecdsa.PublicKey), digest[:], signature) {
		fmt.Println("signed")
	}
	os.Exit(0)
}

func TestMasker(t *testing.T) {
	for _, c := range []struct {
		writes []string
		want   string
	}{
		{[]string{"the s3cret is"}, "the ******** is"},
		{[]string{"the s3", "cr", "et is"}, "the ******** is"},
		{[]string{"s3crs3cret"}, "s3cr********"},
		{[]string{"s3c"}, "s3c"},
		{[]string{"longer s3crets!"}, "longer ********"},
		{[]string{"abc abcd"}, "abc ********"},
	} {
		var b bytes.Buffer
		m := newMasker(&b, [][]byte{[]byte("s3cret"), []byte("s3crets!"), []byte("abcd"), []byte("xy")})
		for _, w := range c.writes {
			if _, err := m.Write([]byte(w)); err != nil {
				t.Fatal(err)
			}
		}
		m.flush()
		if b.String() != c.want {
			t.Errorf("%q: %q, want %q", c.writes, b.String(), c.want)
		}
	}
}

func FuzzMasker(f *testing.F) {
	f.Add("a s3cret and a s3cs3cret", uint8(3))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		const value = "s3cret"
		var b bytes.Buffer
		m := newMasker(&b, [][]byte{[]byte(value)})
		for rest := text; rest != ""; {
			n := min(len(rest), int(step)+1)
			if _, err := m.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		m.flush()
		if want := strings.ReplaceAll(text, value, string(masked)); b.String() != want {
			t.Errorf("%q: %q, want %q", text, b.String(), want)
		}
	})
}
