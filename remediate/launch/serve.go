package launch

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/remint/remint/remediate"
	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/inject"
	"github.com/remint/remint/remediate/vault"
)

const socketVariable = inject.SocketVariable

// server answers package inject on a socket in a folder that only the user can
// enter.
type server struct {
	path     string
	listener net.Listener
	vault    *remediate.Opened
	hidden   func([]byte)
	running  sync.WaitGroup
	// open are the connections, which are closed with the server.
	mu   sync.Mutex
	open map[net.Conn]bool
}

// maxQuestion bounds a question, in bytes; answerWithin bounds the time.
const (
	maxQuestion  = 1 << 16
	answerWithin = 30 * time.Second
)

func serve(dir string, o *remediate.Opened, hidden func([]byte)) (*server, error) {
	s := &server{path: filepath.Join(dir, "socket"), vault: o, hidden: hidden, open: make(map[net.Conn]bool)}
	l, err := net.Listen("unix", s.path)
	if err != nil {
		return nil, fmt.Errorf("listen for the program: %w", err)
	}
	s.listener = l
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.answer(conn) })
		}
	})
	return s, nil
}

func (s *server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// track remembers a connection while it is answered.
func (s *server) track(c net.Conn) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, c)
		_ = c.Close()
	}
}

func (s *server) answer(conn net.Conn) {
	defer s.track(conn)()
	_ = conn.SetDeadline(time.Now().Add(answerWithin))
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	var q inject.Request
	if err := json.NewDecoder(io.LimitReader(conn, maxQuestion)).Decode(&q); err != nil {
		return
	}
	value, version, err := s.ask(ctx, &q)
	r := inject.Response{Value: value, Version: version}
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, vault.ErrDeleted), errors.Is(err, errCannotSign):
		r = inject.Response{Error: err.Error()}
	case err != nil:
		return // an outage is no answer: the program uses what it has
	}
	_ = json.NewEncoder(conn).Encode(r)
	clear(value)
}

// label is a key's, from its URI where a program has that.
func label(name string) string {
	if u, err := hsm.ParseURI(strings.Replace(name, "software:", "pkcs11:", 1)); err == nil && u.Object != "" {
		return u.Object
	}
	return name
}

var errCannotSign = errors.New("it cannot sign")

func (s *server) ask(ctx context.Context, q *inject.Request) ([]byte, int, error) {
	if q.Op == "get" {
		value, e, err := s.vault.Get(ctx, q.Name, 0)
		if err == nil {
			s.hidden(value)
		}
		return value, e.Version, err
	}
	k, err := s.vault.Token.Key(ctx, label(q.Name))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errCannotSign, err)
	}
	if m, ok := k.(hsm.MAC); ok && q.Op == "mac" {
		sum, err := m.Sum(ctx, q.Digest)
		return sum, 0, err
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, 0, fmt.Errorf("%w: %s is a %s key", errCannotSign, q.Name, k.Kind())
	}
	if q.Op == "public" {
		der, err := x509.MarshalPKIXPublicKey(signer.Public())
		return der, 0, err
	}
	if q.Op != "sign" {
		return nil, 0, fmt.Errorf("%w: unknown question %q", errCannotSign, q.Op)
	}
	signature, err := signer.Sign(nil, q.Digest, crypto.Hash(q.Hash))
	if err != nil {
		err = fmt.Errorf("%w: %w", errCannotSign, err)
	}
	return signature, 0, err
}
