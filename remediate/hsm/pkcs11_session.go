//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/pkcs11"
)

// maxSessions is how many operations run at once on a token.
const maxSessions = 8

// do runs an operation in a session of its own, logged in. A session that the
// module has lost is replaced once: a token that was taken out and put back
// works again.
func (t *token) do(ctx context.Context, limit time.Duration, name string, op func(pkcs11.SessionHandle) error) error {
	select {
	case t.room <- struct{}{}:
		defer func() { <-t.room }()
	case <-ctx.Done():
		return fmt.Errorf("%s: wait for a session: %w", name, ctx.Err())
	}
	err := t.once(ctx, limit, name, op)
	switch {
	case isStale(err):
		err = t.once(ctx, limit, name, op)
	case isLost(err):
		if errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_NOT_LOGGED_IN)) {
			t.closeSessions(ctx) // they are there still: a token has only so many
		}
		t.forget()
		err = t.once(ctx, limit, name, op)
	}
	return err
}

func (t *token) once(ctx context.Context, limit time.Duration, name string, op func(pkcs11.SessionHandle) error) error {
	s, err := t.session(ctx)
	if err != nil {
		return err
	}
	err = t.module.call(ctx, limit, name, func() error { return op(s) })
	var hang *HangError
	switch {
	case errors.As(err, &hang), ctx.Err() != nil:
		// The call may still run: nobody else may use the session.
		return err
	case err != nil && endsSession(err):
		_ = t.module.call(ctx, patience, "C_CloseSession", func() error { return t.module.ctx.CloseSession(s) })
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, s)
	return err
}

// session takes an idle session or opens one, and logs in.
func (t *token) session(ctx context.Context) (pkcs11.SessionHandle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0, errors.New("the token is closed")
	}
	if n := len(t.idle); n > 0 {
		s := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return s, nil
	}
	if !t.loggedIn {
		anchor, err := t.open(ctx)
		if err != nil {
			return 0, err
		}
		if err := t.login(ctx, anchor); err != nil {
			_ = t.module.call(ctx, patience, "C_CloseSession", func() error { return t.module.ctx.CloseSession(anchor) })
			return 0, err
		}
		t.anchor = anchor
	}
	return t.open(ctx)
}

func (t *token) open(ctx context.Context) (s pkcs11.SessionHandle, err error) {
	err = t.module.call(ctx, patience, "C_OpenSession", func() (err error) {
		s, err = t.module.ctx.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		return err
	})
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)) {
		return 0, fmt.Errorf("the token %s has no session left; other programs hold them: %w", t.info.Label, err)
	}
	if err != nil {
		return 0, fmt.Errorf("the token %s: %w", t.info.Label, err)
	}
	return s, nil
}

// login logs in, which holds for the whole process. A wrong PIN is tried once.
func (t *token) login(ctx context.Context, s pkcs11.SessionHandle) error {
	if t.refused != nil {
		return t.refused
	}
	if err := t.mayTry(ctx); err != nil {
		return err
	}
	pin := t.known
	if pin == "" {
		if t.pin == nil {
			return ErrNoPIN
		}
		var err error
		if pin, err = t.pin(ctx, "PIN of the token "+t.info.Label); err != nil {
			return err
		}
	}
	err := t.module.call(ctx, patience, "C_Login", func() error { return t.module.ctx.Login(s, pkcs11.CKU_USER, pin) })
	var code pkcs11.Error
	errors.As(err, &code)
	switch {
	case err == nil, code == pkcs11.CKR_USER_ALREADY_LOGGED_IN:
		t.loggedIn, t.known = true, pin
		return nil
	case code == pkcs11.CKR_PIN_INCORRECT || code == pkcs11.CKR_PIN_LEN_RANGE || code == pkcs11.CKR_PIN_INVALID:
		t.refused = fmt.Errorf("token %s: %w", t.info.Label, ErrWrongPIN)
		return t.refused
	case code == pkcs11.CKR_PIN_LOCKED:
		t.refused = fmt.Errorf("token %s: its PIN is locked; its security officer can set a new one", t.info.Label)
		return t.refused
	}
	return fmt.Errorf("log in to the token %s: %w", t.info.Label, err)
}

// mayTry refuses a try that would lock the token if it were wrong.
func (t *token) mayTry(ctx context.Context) error {
	var flags uint
	err := t.module.call(ctx, patience, "C_GetTokenInfo", func() error {
		i, err := t.module.ctx.GetTokenInfo(t.slot)
		flags = i.Flags
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("the token %s: %w", t.info.Label, err)
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return fmt.Errorf("token %s: its PIN is locked; its security officer can set a new one", t.info.Label)
	case flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return fmt.Errorf("token %s: one more wrong PIN would lock it; log in with another tool first", t.info.Label)
	}
	return nil
}

// forget drops the sessions and the login that the module has lost. Their
// handles may be another's by now, and are not closed.
func (t *token) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle, t.loggedIn = nil, false
}

// closeSessions closes what is idle, and the anchor.
func (t *token) closeSessions(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loggedIn {
		t.idle = append(t.idle, t.anchor)
	}
	for _, s := range t.idle {
		_ = t.module.call(ctx, patience, "C_CloseSession", func() error { return t.module.ctx.CloseSession(s) })
	}
	t.idle = nil
}

// isStale tells errors of an object's handle: the object is looked up again.
func isStale(err error) bool {
	return errors.Is(err, pkcs11.Error(pkcs11.CKR_OBJECT_HANDLE_INVALID)) || errors.Is(err, pkcs11.Error(pkcs11.CKR_KEY_HANDLE_INVALID))
}

// isLost tells errors after which a new session may work.
func isLost(err error) bool {
	var code pkcs11.Error
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT,
		pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_TOKEN_NOT_RECOGNIZED:
		return true
	}
	return false
}

// endsSession tells errors after which a session may be in the middle of
// something, and is not used again.
func endsSession(err error) bool { return !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrExists) }
