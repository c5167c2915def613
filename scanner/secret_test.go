package scanner_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/remint/remint/scanner"
)

// value is a made-up key, put together so that it stands in no file.
func value() string { return "zk9" + strings.Repeat("Qw7", 7) + "_tail" }

type holder struct {
	Exported scanner.Secret
	hidden   scanner.Secret
	Pointer  *scanner.Secret
	Any      any
	List     []scanner.Secret
	Map      map[string]scanner.Secret
}

func newHolder() holder {
	s := scanner.NewSecret([]byte(value()))
	return holder{s, s, &s, s, []scanner.Secret{s}, map[string]scanner.Secret{"k": s}}
}

// TestSecretNeverShows prints, logs, marshals and wraps a secret in every way
// that Go offers and looks for the value, or its bytes, in what comes out.
func TestSecretNeverShows(t *testing.T) {
	s := scanner.NewSecret([]byte(value()))
	h := newHolder()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%08b", "%o", "%t", "%T", "%e", "%p", "%10s", "%-30q", "%.3s", "% x", "%w"} {
		for _, x := range []any{s, &s, h, &h, []any{s}, map[string]any{"k": s}, struct{ s scanner.Secret }{s}, [1]scanner.Secret{s}} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	fmt.Fprintln(&out, s, &s, h, fmt.Sprint(s), fmt.Sprintln(h))
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %w", errors.Join(fmt.Errorf("%v", s), fmt.Errorf("%#v", h))))
	log.New(&out, "", 0).Print(s, h)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", s, "holder", h, "group", slog.GroupValue(slog.Any("s", s)))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", s, "holder", h)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal, xml.Marshal} {
		for _, x := range []any{s, &s, struct{ S scanner.Secret }{s}, struct{ S []scanner.Secret }{[]scanner.Secret{s}}} {
			b, err := marshal(x)
			if err != nil && !strings.Contains(err.Error(), "unsupported type") {
				t.Errorf("marshal: %v", err)
			}
			out.Write(b)
		}
	}
	if err := gob.NewEncoder(&out).Encode(struct{ S scanner.Secret }{s}); err != nil {
		t.Errorf("gob: %v", err)
	}
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		panic(h)
	}()
	fmt.Fprint(&out, panicked)

	text := strings.ToLower(out.String())
	for name, form := range map[string]string{
		"value":        value(),
		"hexadecimal":  fmt.Sprintf("%x", value()),
		"spaced bytes": fmt.Sprintf("% x", value())[:20],
		"numbers":      strings.Trim(fmt.Sprint([]byte(value())), "[]")[:20],
		"octal":        fmt.Sprintf("%o", []byte(value()))[1:20],
		"a part of it": value()[5:14],
	} {
		if strings.Contains(text, strings.ToLower(form)) {
			t.Errorf("the %s of the secret came out", name)
		}
	}
	if !strings.Contains(out.String(), s.String()) {
		t.Error("the redacted form is nowhere to be seen, so this test saw nothing")
	}
}

func TestSecretRedaction(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "********"},
		{"hunter2", "********"},
		{strings.Repeat("a", 19), "********"},
		{"ghp_" + strings.Repeat("b", 16), "ghp_********"},
		{"é" + strings.Repeat("b", 30), "********"},
		{"-----BEGIN X\n" + strings.Repeat("b", 30), "----********"},
	} {
		if got := scanner.NewSecret([]byte(c.in)).String(); got != c.want {
			t.Errorf("a secret of %d bytes shows as %q, want %q", len(c.in), got, c.want)
		}
	}
}

func TestSecretOwnsItsBytes(t *testing.T) {
	b := []byte(value())
	s := scanner.NewSecret(b)
	b[0] = 'X'
	if string(s.Reveal()) != value() || s.Len() != len(value()) {
		t.Error("the secret changed with the caller's bytes")
	}
	if !s.Equal(scanner.NewSecret([]byte(value()))) || s.Equal(scanner.NewSecret([]byte("other"))) {
		t.Error("Equal is wrong")
	}
	var zero scanner.Secret
	if zero.Reveal() != nil || zero.Len() != 0 || zero.String() != "********" {
		t.Error("the zero secret is not empty")
	}
}
