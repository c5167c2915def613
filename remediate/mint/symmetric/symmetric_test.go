package symmetric

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// provenOnly leaves the suite's orphans out: what is removed here is not refused
// by anybody, it is gone.
type provenOnly struct {
	mint.Minter
	mint.Prover
}

func TestSuite(t *testing.T) {
	token := minttest.Token(t)
	for _, kind := range []string{"", "hmac-sha256", "aes-256"} {
		minttest.Run(t, minttest.Case{Minter: provenOnly{Minter{}, Minter{}}, Leak: func(*testing.T) mint.Request {
			v := []byte(rand.Text())
			return mint.Request{Leaked: mint.Leaked{Value: v, Secret: v}, HSM: token, Settings: mint.Settings{Options: map[string]string{"kind": kind}}}
		}})
	}
	r := mint.Request{Leaked: mint.Leaked{Value: []byte("old")}, HSM: token, Name: "app/hmac", Token: "0a0b0c0d"}
	one, err := Minter{}.Mint(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Minter{}.Mint(t.Context(), &r)
	if err != nil || !bytes.Equal(one.Value, two.Value) {
		t.Errorf("minting again makes another: %v", err)
	}
	for range 2 {
		if err := (Minter{}).Remove(t.Context(), &r, one.ID); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := (Minter{}).Orphans(t.Context(), &r); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
	r.Settings.Options = map[string]string{"kind": "rsa-2048"}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Error("an RSA key is no symmetric one")
	}
}
