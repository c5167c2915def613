package scanner

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a key's value. However it is printed, formatted, logged or
// marshalled, it shows its redacted form; Reveal is the only way to the bytes.
//
// The value sits behind a closure because fmt and reflection-based printers
// reach into unexported fields, where a String method is not called.
type Secret struct {
	reveal func() []byte
	public bool
}

// Public is a value that is no secret, such as a scope: it prints as it is.
func Public(value []byte) Secret {
	s := NewSecret(value)
	s.public = true
	return s
}

// NewSecret takes a copy of value.
func NewSecret(value []byte) Secret {
	own := append([]byte(nil), value...)
	return Secret{reveal: func() []byte { return own }}
}

// redactedRunes is how much of a long value the redacted form shows; a value
// shorter than redactedFrom bytes shows nothing.
const (
	redactedRunes = 4
	redactedFrom  = 20
	redactedMask  = "********"
)

// Reveal returns the value. The caller must not change it or let it out.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Len returns the length of the value in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Equal compares two values in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), other.Reveal()) == 1
}

// String returns the redacted form: the first four characters of a long
// ASCII value and a mask whose length says nothing, or the mask alone.
func (s Secret) String() string {
	v := s.Reveal()
	if s.public {
		return string(v)
	}
	if len(v) < redactedFrom {
		return redactedMask
	}
	for _, c := range v[:redactedRunes] {
		if c <= ' ' || c > '~' {
			return redactedMask
		}
	}
	return string(v[:redactedRunes]) + redactedMask
}

// GoString implements fmt.GoStringer with the redacted form.
func (s Secret) GoString() string { return "scanner.Secret(" + s.String() + ")" }

// Format implements fmt.Formatter: every verb prints the redacted form.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer with the redacted form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler with the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalBinary implements encoding.BinaryMarshaler with the redacted form.
func (s Secret) MarshalBinary() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON implements json.Marshaler with the redacted form.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML implements yaml.Marshaler with the redacted form.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
