package hsm

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// URI is a pkcs11: URI (RFC 7512): which token, which object, which module. An
// empty part matches anything.
type URI struct {
	Token, Manufacturer, Model, Serial string
	Object, Type                       string
	ID                                 []byte
	ModulePath, ModuleName             string
	// PINSource is where the PIN is: a file: URL or a path. A PIN itself
	// (pin-value) is refused.
	PINSource string
}

// ParseURI reads a pkcs11: URI.
func ParseURI(text string) (URI, error) {
	var u URI
	rest, ok := strings.CutPrefix(text, "pkcs11:")
	if !ok {
		return u, fmt.Errorf("%q is no pkcs11: URI (RFC 7512), such as pkcs11:token=name", text)
	}
	path, query, _ := strings.Cut(rest, "?")
	for _, part := range split(path, ";") {
		if err := u.set(part, false); err != nil {
			return u, err
		}
	}
	for _, part := range split(query, "&") {
		if err := u.set(part, true); err != nil {
			return u, err
		}
	}
	return u, nil
}

func split(s, sep string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, sep)
}

func (u *URI) set(part string, query bool) error {
	name, escaped, ok := strings.Cut(part, "=")
	if !ok {
		return fmt.Errorf("pkcs11: URI: %q is no name=value", part)
	}
	value, err := url.PathUnescape(escaped)
	if err != nil {
		return fmt.Errorf("pkcs11: URI: %s: %w", name, err)
	}
	fields := map[string]*string{
		"token": &u.Token, "manufacturer": &u.Manufacturer, "model": &u.Model, "serial": &u.Serial, "object": &u.Object, "type": &u.Type,
	}
	if query {
		fields = map[string]*string{"module-path": &u.ModulePath, "module-name": &u.ModuleName, "pin-source": &u.PINSource}
	}
	switch {
	case query && name == "pin-value":
		return errors.New("pkcs11: URI: pin-value would leave the PIN in files and process lists: use pin-source, REMINT_PIN or the prompt")
	case !query && name == "id":
		u.ID = []byte(value)
	case fields[name] != nil:
		*fields[name] = value
	case strings.HasPrefix(name, "x-") || query || name == "slot-id" || strings.HasPrefix(name, "slot-") || strings.HasPrefix(name, "library-"):
		// vendors' own, and what may differ after each start
	default:
		return fmt.Errorf("pkcs11: URI: unknown part %q", name)
	}
	return nil
}

// String is the URI.
func (u URI) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+escape(value))
		}
	}
	add("token", u.Token)
	add("manufacturer", u.Manufacturer)
	add("model", u.Model)
	add("serial", u.Serial)
	add("object", u.Object)
	add("type", u.Type)
	if len(u.ID) > 0 {
		var b strings.Builder
		for _, c := range u.ID {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		parts = append(parts, "id="+b.String())
	}
	path := "pkcs11:" + strings.Join(parts, ";")
	parts = nil
	add("module-path", u.ModulePath)
	add("module-name", u.ModuleName)
	add("pin-source", u.PINSource)
	if len(parts) == 0 {
		return path
	}
	return path + "?" + strings.Join(parts, "&")
}

// escape leaves what RFC 7512 lets stand.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~:[]@!$'()*+,=/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
