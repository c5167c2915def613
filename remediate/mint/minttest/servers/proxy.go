package servers

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands before a server and loses answers: the server acts, and the
// client never hears of it.
type Proxy struct {
	Addr   string
	server string
	mu     sync.Mutex
	word   []byte
}

// NewProxy starts a proxy before a server.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &Proxy{Addr: l.Addr().String(), server: server}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
	return p
}

// LoseAfter cuts the next connection on which the client says a word, once the
// server had time to act on it.
func (p *Proxy) LoseAfter(word string) {
	p.mu.Lock()
	p.word = []byte(word)
	p.mu.Unlock()
}

// hit tells once whether a text has the word.
func (p *Proxy) hit(text []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.word) == 0 || !bytes.Contains(bytes.ToLower(text), bytes.ToLower(p.word)) {
		return false
	}
	p.word = nil
	return true
}

func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	lost := make(chan struct{})
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			select {
			case <-lost:
				_, _ = io.Copy(io.Discard, server)
				return
			default:
			}
			if n > 0 {
				_, _ = client.Write(b[:n])
			}
			if err != nil {
				_ = client.Close()
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if n > 0 {
			if p.hit(b[:n]) {
				close(lost)
				_, _ = server.Write(b[:n])
				time.Sleep(300 * time.Millisecond)
				return
			}
			_, _ = server.Write(b[:n])
		}
		if err != nil {
			return
		}
	}
}
