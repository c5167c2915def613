//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// onTerminal starts `remint run` on a terminal of 33 by 77 characters.
type onTerminal struct {
	cmd  *exec.Cmd
	tty  *os.File
	mu   sync.Mutex
	text bytes.Buffer
	done chan struct{}
}

func startOnTerminal(t *testing.T, remint, home string, args ...string) *onTerminal {
	t.Helper()
	r := &onTerminal{cmd: exec.Command(remint, append([]string{"run", "--env", "A=a"}, args...)...), done: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "REMINT_HOME="+home, "REMINT_PKCS11_MODULE=/nowhere", "CI=")
	r.cmd.Dir = t.TempDir()
	tty, err := pty.StartWithSize(r.cmd, &pty.Winsize{Rows: 33, Cols: 77})
	if err != nil {
		t.Fatal(err)
	}
	r.tty = tty
	go func() {
		defer close(r.done)
		b := make([]byte, 4096)
		for {
			n, err := tty.Read(b)
			r.mu.Lock()
			r.text.Write(b[:n])
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = tty.Close()
	})
	return r
}

func (r *onTerminal) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *onTerminal) until(t *testing.T, want string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(r.output(), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q:\n%s", want, r.output())
}

// wait returns how it ended.
func (r *onTerminal) wait(t *testing.T) syscall.WaitStatus {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("it does not end:\n%s", r.output())
	}
	return r.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// TestRunOnTerminal holds `remint run` to being no different from the program
// itself: where it becomes the program, and where it stays beside it.
func TestRunOnTerminal(t *testing.T) {
	dir := t.TempDir()
	remint, home := filepath.Join(dir, "remint"), filepath.Join(dir, "home")
	if out, err := exec.Command("go", "build", "-o", remint, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, step := range [][]string{{"vault", "init"}, {"vault", "put", "a"}} {
		cmd := exec.Command(remint, step...)
		cmd.Env = append(os.Environ(), "REMINT_HOME="+home, "REMINT_PKCS11_MODULE=/nowhere")
		cmd.Stdin = strings.NewReader("s3cret")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", step, err, out)
		}
	}
	for name, flags := range map[string][]string{"exec": nil, "sdk": {"--sdk"}, "mask": {"--mask"}} {
		t.Run(name, func(t *testing.T) {
			sh := func(script string) *onTerminal {
				return startOnTerminal(t, remint, home, append(append([]string{}, flags...), "--", "sh", "-c", script)...)
			}
			r := sh(`test -t 1 && echo a terminal; stty size </dev/tty; printf '\033[31mred\033[0m\n'; exit 4`)
			if status := r.wait(t); status.ExitStatus() != 4 {
				t.Errorf("exit status %d", status.ExitStatus())
			}
			r.until(t, "a terminal")
			r.until(t, "33 77")
			r.until(t, "\x1b[31mred\x1b[0m")

			r = sh(`echo ready; exec sleep 30`)
			r.until(t, "ready")
			if _, err := io.WriteString(r.tty, "\x03"); err != nil { // Ctrl-C
				t.Fatal(err)
			}
			if status := r.wait(t); !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("Ctrl-C: %v", status)
			}

			r = sh(`trap 'echo asked; exit 6' TERM; echo ready; while :; do sleep 0.05; done`)
			r.until(t, "ready")
			if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if status := r.wait(t); status.ExitStatus() != 6 {
				t.Errorf("SIGTERM: %v", status)
			}

			r = sh(`kill -SEGV $$`)
			if status := r.wait(t); !status.Signaled() || status.Signal() != syscall.SIGSEGV {
				t.Errorf("a crash: %v", status)
			}
		})
	}
}
