package hsm_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/hsm/hsmtest"
)

func TestSoftware(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	s, err := hsm.CreateSoftware(path, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	hsmtest.Run(t, s)
}

func TestSoftwareFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	s, err := hsm.CreateSoftware(path, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Generate(t.Context(), "k", hsm.AES256); err != nil {
		t.Fatal(err)
	}
	if _, err := hsm.CreateSoftware(path, "x"); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second token in one place: %v", err)
	}
	if _, err := hsm.OpenSoftware(path, "wrong"); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Errorf("the wrong passphrase: %v", err)
	}
	again, err := hsm.OpenSoftware(path, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Key(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	// Another that is open sees what this one makes, and neither loses a key.
	if _, err := again.Generate(t.Context(), "second", hsm.AES256); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Generate(t.Context(), "third", hsm.AES256); err != nil {
		t.Fatal(err)
	}
	last, err := hsm.OpenSoftware(path, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := last.Keys(t.Context()); err != nil || len(keys) != 3 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the token: %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(text), `"scrypt_n": 32768`, `"scrypt_n": 1073741824`, 1), string(text[:len(text)/2])} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := hsm.OpenSoftware(path, "correct horse"); err == nil {
			t.Errorf("a broken file of %d bytes is opened", len(bad))
		}
	}
}

func TestURI(t *testing.T) {
	const text = "pkcs11:token=my%20token;object=payments/stripe;type=private;id=%01%FF?module-path=/usr/lib/x.so"
	u, err := hsm.ParseURI(text)
	if err != nil || u.Token != "my token" || u.Object != "payments/stripe" || string(u.ID) != "\x01\xff" || u.ModulePath != "/usr/lib/x.so" {
		t.Fatalf("%+v, %v", u, err)
	}
	if u.String() != text {
		t.Errorf("%s", u)
	}
	for _, bad := range []string{"", "pkcs12:", "pkcs11:token", "pkcs11:token=%zz", "pkcs11:nothing=1", "pkcs11:token=a?pin-value=1234"} {
		if _, err := hsm.ParseURI(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("pkcs11:token=a;id=%00?module-path=/x")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := hsm.ParseURI(text)
		if err != nil {
			return
		}
		again, err := hsm.ParseURI(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q comes back as %q, %v", u, again, err)
		}
	})
}
