// Package inject gives a program its secrets at run time: it asks the `remint
// run` that started it, through a Unix socket that only the user can reach.
//
//	key, err := inject.String(ctx, "payments/stripe")
//
// Values are kept for a minute, and for an hour where the vault does not
// answer, so that a rotation is noticed and an outage is not. The package needs
// the standard library alone.
package inject

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// SocketVariable is the environment variable that names the socket.
const SocketVariable = "REMINT_SOCKET"

// How long a value is used without asking again, and how long it may be used
// while nobody answers.
const (
	Fresh = time.Minute
	Stale = time.Hour
)

// ErrNotInjected tells that the program was not started by `remint run`.
var ErrNotInjected = errors.New("no secrets are injected: start the program with `remint run --sdk -- PROGRAM`")

// Request is what a program asks: one JSON object on a line.
type Request struct {
	// Op is get, public, sign or mac.
	Op   string `json:"op"`
	Name string `json:"name"`
	// Digest and Hash are what to sign: a crypto.Hash, 0 for the message.
	Digest []byte `json:"digest,omitempty"`
	Hash   uint   `json:"hash,omitempty"`
}

// Response is the answer: one JSON object on a line.
type Response struct {
	Value   []byte `json:"value,omitempty"`
	Version int    `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

type cached struct {
	value   []byte
	version int
	at      time.Time
}

var cache = struct {
	sync.Mutex
	values map[string]cached
}{values: make(map[string]cached)}

// String returns an entry's current value.
func String(ctx context.Context, name string) (string, error) {
	b, err := Bytes(ctx, name)
	return string(b), err
}

// Bytes returns an entry's current value. The caller may change it.
func Bytes(ctx context.Context, name string) ([]byte, error) {
	c, err := get(ctx, name, Fresh)
	return append([]byte(nil), c.value...), err
}

// Must returns a value, or panics with the error: for programs that cannot
// start without it.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func get(ctx context.Context, name string, fresh time.Duration) (cached, error) {
	cache.Lock()
	known, ok := cache.values[name]
	cache.Unlock()
	if ok && time.Since(known.at) < fresh {
		return known, nil
	}
	r, err := ask(ctx, Request{Op: "get", Name: name})
	if err != nil {
		if refused := (*RefusedError)(nil); ok && !errors.As(err, &refused) && time.Since(known.at) < Stale {
			return known, nil
		}
		return cached{}, err
	}
	c := cached{r.Value, r.Version, time.Now()}
	cache.Lock()
	cache.values[name] = c
	cache.Unlock()
	return c, nil
}

// RefusedError is an answer that there is no such value: an outage is not.
type RefusedError struct{ Name, Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Name + ": " + e.Reason }

// timeout bounds a question, beside its context.
const timeout = 30 * time.Second

func ask(ctx context.Context, q Request) (Response, error) {
	var r Response
	path := os.Getenv(SocketVariable)
	if path == "" {
		return r, ErrNotInjected
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return r, fmt.Errorf("ask `remint run` for %s: %w", q.Name, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(q); err == nil {
		err = json.NewDecoder(conn).Decode(&r)
		if err != nil {
			return r, fmt.Errorf("ask `remint run` for %s: %w", q.Name, err)
		}
	} else {
		return r, fmt.Errorf("ask `remint run` for %s: %w", q.Name, err)
	}
	if r.Error != "" {
		return r, &RefusedError{q.Name, r.Error}
	}
	return r, nil
}

// Watch calls changed with an entry's value now and whenever it has another
// version, until ctx ends. It asks once an interval, a second at least, and
// returns an error only where there is no value at first.
func Watch(ctx context.Context, name string, interval time.Duration, changed func(value []byte)) error {
	c, err := get(ctx, name, 0)
	if err != nil {
		return err
	}
	changed(append([]byte(nil), c.value...))
	tick := time.NewTicker(max(interval, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			next, err := get(ctx, name, 0)
			if err == nil && next.version != c.version {
				c = next
				changed(append([]byte(nil), c.value...))
			}
		}
	}
}

// MAC returns the HMAC of a message under a key of the token, which is computed
// there.
func MAC(ctx context.Context, label string, message []byte) ([]byte, error) {
	r, err := ask(ctx, Request{Op: "mac", Name: label, Digest: message})
	return r.Value, err
}

// Signer returns a key of the token, which signs there.
func Signer(ctx context.Context, label string) (crypto.Signer, error) {
	r, err := ask(ctx, Request{Op: "public", Name: label})
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(r.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return &signer{label, public}, nil
}

type signer struct {
	label  string
	public crypto.PublicKey
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer: ECDSA, Ed25519, and RSA with PKCS#1 v1.5.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r, err := ask(context.Background(), Request{Op: "sign", Name: s.label, Digest: digest, Hash: uint(opts.HashFunc())})
	return r.Value, err
}
