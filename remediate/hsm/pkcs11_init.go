//go:build cgo

package hsm

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// InitToken initializes a token that is not: with a security officer's PIN
// that nobody keeps, and the user's. The module may give it another slot.
func InitToken(ctx context.Context, f Found, label, pin string) (Found, error) {
	if f.Initialized {
		return Found{}, fmt.Errorf("the token %s is initialized: to do so again would destroy its keys", f.Label)
	}
	m, err := load(ctx, f.Module)
	if err != nil {
		return Found{}, err
	}
	defer m.release()
	before, err := m.tokens(ctx)
	if err != nil {
		return Found{}, err
	}
	i := slices.IndexFunc(before, func(t slotted) bool { return !t.Initialized && t.Serial == f.Serial })
	if i < 0 {
		return Found{}, fmt.Errorf("make a token in %s: the slot is not there any more", f.Module)
	}
	slot := before[i].slot
	officer := rand.Text()
	err = m.call(ctx, patience, "C_InitToken", func() error {
		if err := m.ctx.InitToken(slot, officer, label); err != nil {
			return err
		}
		s, err := m.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			return err
		}
		defer func() { _ = m.ctx.CloseSession(s) }()
		if err := m.ctx.Login(s, pkcs11.CKU_SO, officer); err != nil {
			return err
		}
		defer func() { _ = m.ctx.Logout(s) }()
		return m.ctx.InitPIN(s, pin)
	})
	if err != nil {
		return Found{}, fmt.Errorf("make a token in %s: %w", f.Module, err)
	}
	all, err := m.tokens(ctx)
	if err != nil {
		return Found{}, err
	}
	for _, t := range all {
		if t.Label == label && t.Initialized && (t.slot == slot || t.Serial != f.Serial) {
			return t.Found, nil
		}
	}
	return Found{}, fmt.Errorf("make a token in %s: it is not there afterwards", f.Module)
}
