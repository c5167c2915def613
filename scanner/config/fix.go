package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Fix is the fix section: how keys are replaced, where the command line does
// not say.
type Fix struct {
	// Style is env or sdk, Revoke is now, on-deploy, never or after=DURATION,
	// Rotate and Lifetime are durations; all may be "".
	Style, Revoke, Rotate, Lifetime string
	// Expand are patterns of files whose readers expand ${VARIABLE}.
	Expand *Globs
	// Scopes are scopes by the entry that is to have them.
	Scopes map[string]string
}

// Duration reads a time as people write it in a configuration: 90d, 36h, 15m.
func Duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is no time: want 90d, 36h, 15m", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time: want 90d, 36h, 15m", text)
	}
	return d, nil
}

// CheckRevoke tells whether a text says when an old key is revoked.
func CheckRevoke(text string) error {
	after, timed := strings.CutPrefix(text, "after=")
	if timed {
		_, err := Duration(after)
		return err
	}
	if !slices.Contains([]string{"now", "on-deploy", "never"}, text) {
		return fmt.Errorf("%q does not say when to revoke: want now, on-deploy, never or after=24h", text)
	}
	return nil
}

var fingerprint = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checked is a text that must pass a check.
func (d *decoder) checked(to *string, check func(string) error) field {
	return func(where string, n *yaml.Node) {
		v, ok := d.text(where, n)
		if !ok {
			return
		}
		if err := check(v); err != nil {
			d.fail(n, "%s: %v", where, err)
			return
		}
		*to = v
	}
}

func isDuration(text string) error {
	_, err := Duration(text)
	return err
}

// fixFields are the sections of what replaces keys.
func (c *Config) fixFields(d *decoder) map[string]field {
	return map[string]field{
		"fix": func(where string, n *yaml.Node) {
			d.mapping(where, n, map[string]field{
				"style": d.checked(&c.Fix.Style, func(s string) error {
					if s != "env" && s != "sdk" {
						return errors.New("want env or sdk")
					}
					return nil
				}),
				"revoke": d.checked(&c.Fix.Revoke, CheckRevoke), "rotate": d.checked(&c.Fix.Rotate, isDuration), "lifetime": d.checked(&c.Fix.Lifetime, isDuration),
				"expand": func(where string, n *yaml.Node) { c.Fix.Expand = d.globs(where, n) },
				"scopes": func(where string, n *yaml.Node) { c.Fix.Scopes = d.pairs(where, n, entryName, "an entry of the vault") },
			})
		},
		"providers": func(where string, n *yaml.Node) {
			c.Providers = make(map[string]map[string]string)
			d.eachKey(where, n, func(where string, key, value *yaml.Node) {
				c.Providers[key.Value] = d.pairs(where, value, nil, "")
			})
		},
		"revoked": func(where string, n *yaml.Node) {
			c.Revoked = d.pairs(where, n, fingerprint, "the fingerprint of a finding, 32 hexadecimal digits")
		},
	}
}

// eachKey visits the keys of a mapping.
func (d *decoder) eachKey(where string, n *yaml.Node, visit func(where string, key, value *yaml.Node)) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s: want names and what they are, not %s", where, kindOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(where+"."+n.Content[i].Value, n.Content[i], resolve(n.Content[i+1]))
	}
}

// pairs reads a mapping of names to texts.
func (d *decoder) pairs(where string, n *yaml.Node, name *regexp.Regexp, what string) map[string]string {
	out := make(map[string]string)
	d.eachKey(where, n, func(where string, key, value *yaml.Node) {
		if name != nil && !name.MatchString(key.Value) {
			d.fail(key, "%s: want %s", where, what)
			return
		}
		if v, ok := d.text(where, value); ok {
			out[key.Value] = v
		}
	})
	return out
}
