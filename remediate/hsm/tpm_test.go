//go:build cgo && tpm

package hsm_test

import (
	"os"
	"testing"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/hsm/hsmtest"
)

// TestTPM runs the suite on the token that REMINT_TEST_TPM names, with its PIN
// in REMINT_PIN: `make test-tpm` makes one in an emulated TPM.
func TestTPM(t *testing.T) {
	token := openTPM(t)
	defer token.Close()
	hsmtest.Run(t, token)
}

func BenchmarkTPM(b *testing.B) {
	token := openTPM(b)
	defer token.Close()
	benchToken(b, token)
}

func openTPM(t testing.TB) hsm.Token {
	t.Helper()
	u, err := hsm.ParseURI(os.Getenv("REMINT_TEST_TPM"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := hsm.Open(t.Context(), hsm.Options{URI: u, PIN: hsm.PINFromEnvironment("REMINT_PIN")})
	if err != nil {
		t.Fatal(err)
	}
	return token
}
