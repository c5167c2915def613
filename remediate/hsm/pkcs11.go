//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"
)

// matches tells whether a token is the one that a URI names.
func (u URI) matches(i Info) bool {
	for _, p := range [][2]string{{u.Token, i.Label}, {u.Manufacturer, i.Manufacturer}, {u.Model, i.Model}, {u.Serial, i.Serial}} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	return true
}

// slotted is a token and the slot that it is in, which may be another after
// each start of the module.
type slotted struct {
	Found
	slot uint
}

// Tokens finds the tokens of this machine, and what kept modules from telling
// of theirs.
func Tokens(ctx context.Context) ([]Found, []error) {
	var all []Found
	var failed []error
	for _, path := range Modules() {
		m, err := load(ctx, path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found, err := m.tokens(ctx)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", path, err))
		}
		for _, f := range found {
			all = append(all, f.Found)
		}
		m.release()
	}
	return all, failed
}

// tokens are what is in the module's slots.
func (m *module) tokens(ctx context.Context) ([]slotted, error) {
	var all []slotted
	err := m.call(ctx, patience, "C_GetSlotList", func() error {
		slots, err := m.ctx.GetSlotList(true)
		if err != nil {
			return err
		}
		for _, slot := range slots {
			t, err := m.ctx.GetTokenInfo(slot)
			if err != nil {
				continue // taken out since
			}
			s, err := m.ctx.GetSlotInfo(slot)
			if err != nil {
				continue
			}
			mechanisms, err := m.ctx.GetMechanismList(slot)
			if err != nil {
				return err
			}
			i := Info{
				Label: trim(t.Label), Manufacturer: trim(t.ManufacturerID), Model: trim(t.Model), Serial: trim(t.SerialNumber),
				Module: m.path, Kinds: kindsOf(mechanisms),
			}
			i.Assurance = assuranceOf(i, s.Flags&pkcs11.CKF_HW_SLOT != 0)
			all = append(all, slotted{Found{
				Info: i, URI: URI{Token: i.Label, Serial: i.Serial, ModulePath: m.path},
				Initialized: t.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 && t.Flags&pkcs11.CKF_USER_PIN_INITIALIZED != 0,
			}, slot})
		}
		return nil
	})
	return all, err
}

func trim(s string) string { return strings.TrimRight(s, " \x00") }

// assuranceOf works out how well a token protects: from what it says of itself,
// and whether its slot is hardware.
func assuranceOf(i Info, hardware bool) Assurance {
	text := strings.ToLower(strings.Join([]string{i.Manufacturer, i.Model, filepath.Base(i.Module)}, " "))
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case has("softhsm", "softokn", "nss "):
		return AssuranceEmulated
	case has("tpm"):
		if has("ibm", "sw  ", "swtpm", "simulator", "msft") {
			return AssuranceEmulated // libtpms and the reference code name themselves so
		}
		return AssuranceTPM
	case hardware, has("yubihsm", "ykcs11", "cloudhsm", "cknfast", "cryptoki", "nitrokey", "kmsp11"):
		return AssuranceHSM
	}
	return AssuranceEmulated // nothing says that it is hardware
}

// ckmEdwards and ckmEdDSA are of PKCS#11 3.0.
const (
	ckmEdwards = 0x1055
	ckmEdDSA   = 0x1057
)

// kindsOf are the kinds of key that a token's mechanisms make and use.
func kindsOf(mechanisms []*pkcs11.Mechanism) []Kind {
	has := make(map[uint]bool)
	for _, m := range mechanisms {
		has[m.Mechanism] = true
	}
	var kinds []Kind
	if has[pkcs11.CKM_AES_KEY_GEN] && has[pkcs11.CKM_AES_GCM] {
		kinds = append(kinds, AES256)
	}
	if has[pkcs11.CKM_GENERIC_SECRET_KEY_GEN] && has[pkcs11.CKM_SHA256_HMAC] {
		kinds = append(kinds, HMACSHA256)
	}
	if has[pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN] {
		kinds = append(kinds, RSA2048, RSA3072, RSA4096)
	}
	if has[pkcs11.CKM_EC_KEY_PAIR_GEN] && has[pkcs11.CKM_ECDSA] {
		kinds = append(kinds, ECP256, ECP384, ECP521)
	}
	if has[ckmEdwards] && has[ckmEdDSA] {
		kinds = append(kinds, Ed25519)
	}
	return kinds
}

// Open opens the one token that the URI names, and logs in when a private
// object is first needed.
func Open(ctx context.Context, o Options) (Token, error) {
	paths := Modules()
	if o.URI.ModulePath != "" {
		paths = []string{o.URI.ModulePath}
	}
	var failed []error
	var others []string
	for _, path := range paths {
		m, err := load(ctx, path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found, err := m.tokens(ctx)
		if err != nil {
			failed = append(failed, err)
		}
		for _, f := range found {
			if f.Initialized && o.URI.matches(f.Info) {
				return &token{module: m, slot: f.slot, info: f.Info, pin: o.PIN, room: make(chan struct{}, maxSessions)}, nil
			}
			others = append(others, fmt.Sprintf("%q (initialized: %v)", f.Label, f.Initialized))
		}
		m.release()
	}
	return nil, fmt.Errorf("%w: %s is not there; there are: %s", errors.Join(append(failed, ErrNoToken)...), o.URI, orNone(others))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// token is an open token.
type token struct {
	module *module
	slot   uint
	info   Info
	pin    PIN
	room   chan struct{} // bounds the sessions

	mu       sync.Mutex
	idle     []pkcs11.SessionHandle
	oaep     byte                 // the scheme of RSA-OAEP that works, 0 until it is known
	anchor   pkcs11.SessionHandle // is never used: a login ends with the last session
	loggedIn bool
	known    string // the PIN, once it was right
	refused  error  // the PIN was wrong
	closed   bool
}

// Info implements Token.
func (t *token) Info() Info { return t.info }

// Close implements Token.
func (t *token) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	if t.loggedIn {
		t.idle = append(t.idle, t.anchor)
	}
	for _, s := range t.idle {
		_ = t.module.call(context.Background(), patience, "C_CloseSession", func() error { return t.module.ctx.CloseSession(s) })
	}
	t.idle = nil
	t.module.release()
	return nil
}
