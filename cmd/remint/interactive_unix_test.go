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
	for keys, want := range map[string]string{"\r\r\r\r\r": `os.environ["SECRET_KEY"]`, "\rn\r\r\r\r": "SECRET_KEY = 'k3v9"} {
		dir := filepath.Join(t.TempDir(), "shop")
		file := filepath.Join(dir, "settings.py")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("SECRET_KEY = 'k3v9qz1m"+"r7wce5ul8pj2sd4fg6ha0ovqxr-t!y@u8i2o4p6a1s'\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(remint, "fix", "--interactive", "--go=off")
		c.Dir, c.Env = dir, append(os.Environ(), "REMINT_HOME="+filepath.Join(dir, "..", "home"), "REMINT_PKCS11_MODULE=/nowhere", "CI=", "TERM=xterm")
		tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 100})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string)
		go func() { done <- answer(tty) }()
		for _, k := range keys {
			time.Sleep(400 * time.Millisecond)
			_, _ = tty.WriteString(string(k))
		}
		stop := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
		shown := <-done
		err = c.Wait()
		stop.Stop()
		text, _ := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%q: %v; settings.py is %q; the terminal showed\n%s", keys, err, text, shown)
		}
		_ = tty.Close()
	}
}

// answer reads a terminal, and answers what programs ask of it.
func answer(tty *os.File) string {
	var all bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := tty.Read(b)
		all.Write(b[:n])
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
