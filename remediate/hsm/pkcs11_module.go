//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"
)

// Available tells that this program was built with PKCS#11.
const Available = true

// patience is how long one call may take; making an RSA key on a small token
// takes minutes.
var patience = 20 * time.Second // a variable for tests

const patienceGenerate = 5 * time.Minute

// module is a PKCS#11 library: it is loaded and initialized once in a process,
// however many tokens of it are open.
type module struct {
	path  string
	ctx   *pkcs11.Ctx
	users int
	// running counts calls in C, also those that nobody waits for any more.
	running atomic.Int32
}

var loaded = struct {
	sync.Mutex
	byPath map[string]*module
}{byPath: make(map[string]*module)}

// load loads a library, or takes the one that is loaded.
func load(ctx context.Context, path string) (*module, error) {
	loaded.Lock()
	defer loaded.Unlock()
	m := loaded.byPath[path]
	if m == nil {
		m = &module{path: path}
	}
	if m.users == 0 {
		if m.ctx == nil {
			if m.ctx = pkcs11.New(path); m.ctx == nil {
				return nil, fmt.Errorf("load the PKCS#11 module %s: it is no PKCS#11 library, or one that it needs is missing", path)
			}
		}
		err := m.call(ctx, patience, "C_Initialize", func() error { return m.ctx.Initialize() })
		if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
			return nil, fmt.Errorf("start the PKCS#11 module %s: %w", path, err)
		}
		loaded.byPath[path] = m
	}
	m.users++
	return m, nil
}

// release ends the library when nobody uses it any more. The library stays in
// memory: some crash when they are unloaded.
func (m *module) release() {
	loaded.Lock()
	defer loaded.Unlock()
	if m.users--; m.users > 0 {
		return
	}
	for range patience / releaseStep {
		if m.running.Load() == 0 {
			_ = m.call(context.Background(), patience, "C_Finalize", m.ctx.Finalize)
			return
		}
		time.Sleep(releaseStep)
	}
	// A call hangs: ending the library under it would crash the program.
}

// restart ends the library and starts it again, where one token alone uses it
// and no call is running.
func (m *module) restart(ctx context.Context) bool {
	loaded.Lock()
	defer loaded.Unlock()
	if m.users != 1 || m.running.Load() > 0 {
		return false
	}
	return m.call(ctx, patience, "C_Finalize", m.ctx.Finalize) == nil &&
		m.call(ctx, patience, "C_Initialize", func() error { return m.ctx.Initialize() }) == nil
}

// releaseStep is how often a library that is to end is asked whether it still
// works.
const releaseStep = 20 * time.Millisecond

// HangError tells that a module did not answer.
type HangError struct {
	Call string
	For  time.Duration
}

// Error implements error.
func (e *HangError) Error() string {
	return fmt.Sprintf("%s: the PKCS#11 module did not answer within %s; is the token stuck or waiting for a touch?", e.Call, e.For)
}

// call runs a call of the module, and gives up waiting for it: what hangs in C
// cannot be stopped.
func (m *module) call(ctx context.Context, limit time.Duration, name string, call func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	done := make(chan error, 1)
	m.running.Add(1)
	go func() {
		defer m.running.Add(-1)
		done <- call()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	case <-timer.C:
		return &HangError{name, limit}
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", name, ctx.Err())
	}
}
