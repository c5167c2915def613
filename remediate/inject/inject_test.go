package inject

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// serve answers questions as `remint run` does.
func serve(t *testing.T, answer func(Request) Response) (stop func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(SocketVariable, path)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var q Request
			if line, err := bufio.NewReader(conn).ReadBytes('\n'); err == nil && json.Unmarshal(line, &q) == nil {
				_ = json.NewEncoder(conn).Encode(answer(q))
			}
			_ = conn.Close()
		}
	}()
	return func() { _ = l.Close() }
}

func forget() {
	cache.Lock()
	defer cache.Unlock()
	clear(cache.values)
}

func TestString(t *testing.T) {
	forget()
	stop := serve(t, func(q Request) Response {
		if q.Name == "a" {
			return Response{Value: []byte("value"), Version: 1}
		}
		return Response{Error: "no such entry"}
	})
	for range 2 { // the second while nobody answers
		if got, err := String(t.Context(), "a"); err != nil || got != "value" {
			t.Errorf("%q, %v", got, err)
		}
		var refused *RefusedError
		if _, err := String(t.Context(), "b"); err == nil || stop != nil && !errors.As(err, &refused) {
			t.Errorf("an entry that is not there: %v", err)
		}
		if stop != nil {
			stop()
			stop = nil
			expire("a", 2*Fresh)
		}
	}
	expire("a", 2*Stale)
	if _, err := String(t.Context(), "a"); err == nil {
		t.Error("a value is used for ever while nobody answers")
	}
	t.Setenv(SocketVariable, "")
	if _, err := String(t.Context(), "c"); !errors.Is(err, ErrNotInjected) {
		t.Errorf("without remint run: %v", err)
	}
}

// expire makes a value older.
func expire(name string, by time.Duration) {
	cache.Lock()
	defer cache.Unlock()
	c := cache.values[name]
	c.at = c.at.Add(-by)
	cache.values[name] = c
}

func TestWatch(t *testing.T) {
	forget()
	var version atomic.Int64
	version.Store(1)
	defer serve(t, func(Request) Response {
		n := int(version.Load())
		return Response{Value: []byte{byte('0' + n)}, Version: n}
	})()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seen string
	err := Watch(ctx, "a", 0, func(value []byte) {
		seen += string(value)
		version.Store(2)
		if len(seen) == 2 {
			cancel()
		}
	})
	if err != nil || seen != "12" {
		t.Errorf("%q, %v", seen, err)
	}
}

func TestMust(t *testing.T) {
	if Must("a", nil) != "a" {
		t.Error("another value")
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Must("", errors.New("x"))
}
