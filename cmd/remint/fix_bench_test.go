//go:build unix

package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkFixHundred is `remint fix --apply` to the end, for 100 keys in 100
// files, with the local vault under SoftHSM2.
func BenchmarkFixHundred(b *testing.B) {
	if softhsm() == "" {
		b.Skip("SoftHSM2 is not installed")
	}
	remint, err := exec.LookPath("remint")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		conf, code := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "code")
		for _, d := range []string{filepath.Join(dir, "tokens"), code} {
			if err := os.Mkdir(d, 0o700); err != nil {
				b.Fatal(err)
			}
		}
		files := map[string]string{conf: "directories.tokendir = " + filepath.Join(dir, "tokens") + "\n"}
		for n := range 100 {
			key := strings.ToLower(rand.Text() + rand.Text())[:48] + "7-"
			files[filepath.Join(code, fmt.Sprintf("settings%d.py", n))] = fmt.Sprintf("SECRET_KEY = '%s'\n", key)
		}
		for name, text := range files {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
		}
		env := append(os.Environ(), "REMINT_HOME="+filepath.Join(dir, "home"), "SOFTHSM2_CONF="+conf, "REMINT_PKCS11_MODULE="+softhsm(), "CI=")
		run := func(args ...string) string {
			c := exec.Command(remint, args...)
			c.Dir, c.Env = code, env
			out, err := c.CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		run("vault", "init")
		b.StartTimer()
		out := run("fix", "--apply", "--revoke=now")
		b.StopTimer()
		if n := strings.Count(out, "closed "); n < 100 {
			b.Fatalf("%d of 100 are closed:\n%s", n, out)
		}
		b.StartTimer()
	}
}
