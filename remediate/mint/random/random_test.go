package random

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

func TestSuite(t *testing.T) {
	token := minttest.Token(t)
	minttest.Run(t, minttest.Case{Minter: Minter{}, Leak: func(*testing.T) mint.Request {
		v := []byte("an old " + "password")
		return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, HSM: token}
	}})
}

// TestForm: the new value is written as the old one was, and is as long.
func TestForm(t *testing.T) {
	token := minttest.Token(t)
	propose := func(old string) []byte {
		m, err := Minter{}.Propose(t.Context(), &mint.Request{Leaked: mint.Leaked{Value: []byte(old)}, HSM: token})
		if err != nil {
			t.Fatal(err)
		}
		return m.Value
	}
	if b, err := hex.DecodeString(string(propose(strings.Repeat("0f", 32)))); err != nil || len(b) != 32 {
		t.Errorf("hexadecimal of 32 bytes became %d bytes: %v", len(b), err)
	}
	for _, n := range []int{32, 31, 64} {
		old := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n))
		if b, err := base64.StdEncoding.DecodeString(string(propose(old))); err != nil || len(b) != n {
			t.Errorf("base64 of %d bytes became %d bytes: %v", n, len(b), err)
		}
	}
	if v := propose("short"); len(v) != mint.PasswordLength || bytes.ContainsAny(v, "=+/") {
		t.Errorf("a password of %d bytes", len(v))
	}
}
