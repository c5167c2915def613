//go:build cgo

package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/hsm/hsmtest"
)

// Each module is loaded once in a process and reads its configuration then, so
// that all tests share the tokens that TestMain makes.
const testPIN = "123456"

// softhsm is SoftHSM2's library, "" where it or its tool is not installed.
func softhsm() string {
	if _, err := exec.LookPath("softhsm2-util"); err != nil {
		return ""
	}
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// lacks skips a test for want of a program; in CI it fails.
func lacks(t testing.TB, program string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: .ci/run installs what CI needs", program)
	}
	t.Skipf("%s is not installed", program)
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "remint-hsm-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := func() int {
		defer os.RemoveAll(dir)
		if softhsm() != "" {
			if err := initSoftHSM(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 2
			}
		}
		return m.Run()
	}()
	os.Exit(code)
}

func initSoftHSM(dir string) error {
	conf := filepath.Join(dir, "softhsm2.conf")
	tokens := filepath.Join(dir, "tokens")
	if err := os.MkdirAll(tokens, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return err
	}
	for _, label := range []string{"remint", "other"} {
		out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", testPIN).CombinedOutput()
		if err != nil {
			return fmt.Errorf("softhsm2-util: %w: %s", err, out)
		}
	}
	return nil
}

func pin(value string) hsm.PIN {
	return func(context.Context, string) (string, error) { return value, nil }
}

func openSoftHSM(t testing.TB, label, value string) (hsm.Token, error) {
	t.Helper()
	if softhsm() == "" {
		lacks(t, "SoftHSM2")
	}
	return hsm.Open(context.Background(), hsm.Options{URI: hsm.URI{Token: label, ModulePath: softhsm()}, PIN: pin(value)})
}

func TestSoftHSM(t *testing.T) {
	token, err := openSoftHSM(t, "remint", testPIN)
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	if a := token.Info().Assurance; a != hsm.AssuranceEmulated {
		t.Errorf("SoftHSM2 says %s of itself", a)
	}
	hsmtest.Run(t, token)
}

// TestWrongPIN asserts that a wrong PIN is tried once: after five tries of the
// program, the right one still opens the token.
func TestWrongPIN(t *testing.T) {
	token, err := openSoftHSM(t, "other", "000000")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for range 5 {
		if _, err := token.Random(t.Context(), 8); !errors.Is(err, hsm.ErrWrongPIN) {
			t.Errorf("the wrong PIN: %v", err)
		}
		asked++
	}
	token.Close()
	token, err = openSoftHSM(t, "other", testPIN)
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	if _, err := token.Random(t.Context(), 8); err != nil {
		t.Errorf("the right PIN after %d uses of a wrong one: %v", asked, err)
	}
}

func TestNoToken(t *testing.T) {
	if _, err := openSoftHSM(t, "nobody", testPIN); !errors.Is(err, hsm.ErrNoToken) {
		t.Errorf("a token that is not there: %v", err)
	}
	if _, err := hsm.Open(t.Context(), hsm.Options{URI: hsm.URI{ModulePath: "/nowhere/module.so"}}); err == nil {
		t.Error("a module that is not there is loaded")
	}
}

// TestPkcs11Tool uses a key that pkcs11-tool made, and asks it for one of ours.
func TestPkcs11Tool(t *testing.T) {
	tool, err := exec.LookPath("pkcs11-tool")
	if err != nil {
		lacks(t, "pkcs11-tool")
	}
	token, err := openSoftHSM(t, "remint", testPIN)
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	run := func(args ...string) string {
		out, err := exec.Command(tool, append([]string{"--module", softhsm(), "--token-label", "remint", "--login", "--pin", testPIN}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("pkcs11-tool %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	run("--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "42")
	k, err := token.Key(t.Context(), "theirs")
	if err != nil || k.Kind() != hsm.ECP256 {
		t.Fatalf("a key of pkcs11-tool: %v, %v", k, err)
	}
	if err := token.Destroy(t.Context(), "theirs"); err != nil {
		t.Error(err)
	}
	if _, err := token.Generate(t.Context(), "ours", hsm.ECP256); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = token.Destroy(context.Background(), "ours") }()
	if out := run("--list-objects", "--type", "privkey"); !strings.Contains(out, "ours") || !strings.Contains(out, "never extractable") {
		t.Errorf("pkcs11-tool says of our key:\n%s", out)
	}
}

func BenchmarkSoftHSM(b *testing.B) {
	token, err := openSoftHSM(b, "other", testPIN)
	if err != nil {
		b.Fatal(err)
	}
	defer token.Close()
	benchToken(b, token)
}

// TestSoftHSMUtil signs with a key that softhsm2-util imported.
func TestSoftHSMUtil(t *testing.T) {
	token, err := openSoftHSM(t, "remint", testPIN)
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("softhsm2-util", "--import", file, "--token", "remint", "--label", "imported", "--id", "4242", "--pin", testPIN).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v: %s", err, out)
	}
	defer func() { _ = token.Destroy(context.Background(), "imported") }()
	k, err := token.Key(t.Context(), "imported")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("message"))
	signature, err := k.(crypto.Signer).Sign(nil, digest[:], crypto.SHA256)
	if err != nil || rsa.VerifyPKCS1v15(&made.PublicKey, crypto.SHA256, digest[:], signature) != nil {
		t.Errorf("an imported key: %v", err)
	}
}

// counted is the right PIN, and counts how often it is asked for.
func counted(n *int) hsm.PIN {
	return func(context.Context, string) (string, error) {
		*n++
		return testPIN, nil
	}
}
