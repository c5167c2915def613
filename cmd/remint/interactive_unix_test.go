//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestFixInteractive walks through a plan on a terminal: with Enter everything
// is taken as it stands, and "n" leaves a key.
func TestFixInteractive(t *testing.T) {
	remint, err := exec.LookPath("remint")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"\r": `os.environ["SECRET_KEY"]`, "n": "SECRET_KEY = 'k3v9"} {
		dir := filepath.Join(t.TempDir(), "shop")
		file := filepath.Join(dir, "settings.py")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("SECRET_KEY = 'k3v9qz1m"+"r7wce5ul8pj2sd4fg6ha0ovqxr-t!y@u8i2o4p6a1s'\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(remint, "fix", "--interactive", "--go=off")
		c.Dir, c.Env = dir, append(os.Environ(), "REMINT_HOME="+filepath.Join(dir, "..", "home"), "REMINT_PKCS11_MODULE=/nowhere", "REMINT_PASSPHRASE=of the test", "CI=", "TERM=xterm")
		tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 100})
		if err != nil {
			t.Fatal(err)
		}
		done, asked := make(chan string, 1), make(chan bool, 1)
		go func() { done <- answer(tty, asked) }()
		select {
		case <-asked:
		case <-time.After(time.Minute):
		}
		_, _ = tty.WriteString(key)
		over := make(chan struct{})
		go func() { // whatever else is asked is taken as it stands
			for {
				select {
				case <-over:
					return
				case <-time.After(500 * time.Millisecond):
					_, _ = tty.WriteString("\r")
				}
			}
		}()
		stop := time.AfterFunc(2*time.Minute, func() { _ = c.Process.Kill() })
		shown := <-done
		close(over)
		err = c.Wait()
		stop.Stop()
		text, _ := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%q: %v; settings.py is %q; the terminal showed\n%s", key, err, text, shown)
		}
		_ = tty.Close()
	}
}

// answer reads a terminal, answers what programs ask of it, and tells when the
// first question of the form is there.
func answer(tty *os.File, asked chan<- bool) string {
	var all bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := tty.Read(b)
		all.Write(b[:n])
		if bytes.Contains(all.Bytes(), []byte("Replace this key?")) {
			select {
			case asked <- true:
			default:
			}
		}
		if bytes.Contains(b[:n], []byte("\x1b[6n")) {
			_, _ = tty.WriteString("\x1b[1;1R")
		}
		if bytes.Contains(b[:n], []byte("\x1b]11;?")) {
			_, _ = tty.WriteString("\x1b]11;rgb:0000/0000/0000\x1b\\")
		}
		if err != nil {
			return all.String()
		}
	}
}
