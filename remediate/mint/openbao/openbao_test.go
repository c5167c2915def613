package openbao

import (
	"testing"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// TestWithoutVerdict: the suite itself needs a real server (server_test.go).
func TestWithoutVerdict(t *testing.T) {
	r := mint.Request{Leaked: mint.Leaked{Value: []byte("x")}}
	if _, err := (Minter{}).Mint(t.Context(), &r); err == nil {
		t.Error("minted a token with its maker's own policies")
	}
	minttest.NoVerdict(t, func(endpoint string) error {
		r.Settings.Endpoint = endpoint
		return Minter{}.Prove(t.Context(), &r, []byte("x"))
	}, mint.Refused)
}
