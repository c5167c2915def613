package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Vault is the vault section: where secrets are kept.
type Vault struct {
	// Path is the vault's file, absolute, or "" for the user's own.
	Path string
	// Address is that of an OpenBao or HashiCorp Vault server which keeps it
	// instead, or ""; the others say where in it.
	Address, Namespace, Mount, Prefix, CACert string
	Auth                                      Auth
}

// Auth is how to log in to a server: token, approle, jwt or kubernetes.
type Auth struct {
	Method, Mount, Role, RoleID, SecretIDFile, JWTFile string
}

// complete asks for what a method cannot do without.
func (a *Auth) complete(d *decoder, where string, n *yaml.Node) {
	need := map[string]map[string]string{
		"approle": {"role_id": a.RoleID, "secret_id_file": a.SecretIDFile}, "jwt": {"role": a.Role, "jwt_file": a.JWTFile}, "kubernetes": {"role": a.Role},
	}[a.Method]
	for _, name := range slices.Sorted(maps.Keys(need)) {
		if need[name] == "" {
			d.fail(resolve(n), "%s: the method %s needs %s", where, a.Method, name)
		}
	}
}

// HSM is the hsm section: what protects the vault.
type HSM struct {
	// URI is a pkcs11: URI (RFC 7512), or "".
	URI string
	// Module is a PKCS#11 library, or "".
	Module string
	// Assurance is the least that is accepted: hsm, tpm, emulated, software, or
	// "".
	Assurance string
}

// Inject is the inject section: what `remint run` hands to a program.
type Inject struct {
	// Env are entries by variable, Files entries by the variable that holds
	// the path of the file.
	Env, Files map[string]string
	// Mask hides the values in the program's output, SDK serves them to
	// package inject.
	Mask, SDK bool
	// OnRotate is restart, file or signal=NAME, or "".
	OnRotate string
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	entryName    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*(/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*(@[1-9][0-9]{0,8})?$`)
	onRotate     = regexp.MustCompile(`^(restart|file|signal=[A-Z0-9]+)$`)
)

// keyFields are the sections of what keeps and hands out keys.
func (c *Config) keyFields(d *decoder) map[string]field {
	text := func(to *string) field {
		return func(where string, n *yaml.Node) {
			if v, ok := d.text(where, n); ok {
				*to = v
			}
		}
	}
	oneOf := func(to *string, words ...string) field {
		return func(where string, n *yaml.Node) {
			v, ok := d.text(where, n)
			if ok && !slices.Contains(words, v) {
				last := len(words) - 1
				d.fail(n, "%s: want %s or %s", where, strings.Join(words[:last], ", "), words[last])
				return
			}
			*to = v
		}
	}
	return map[string]field{
		"vault": func(where string, n *yaml.Node) {
			d.mapping(where, n, map[string]field{
				"path": func(where string, n *yaml.Node) {
					if v, ok := d.text(where, n); ok {
						c.Vault.Path = c.inRoot(v)
					}
				},
				"address": text(&c.Vault.Address), "namespace": text(&c.Vault.Namespace), "mount": text(&c.Vault.Mount),
				"prefix": text(&c.Vault.Prefix), "ca_cert": text(&c.Vault.CACert),
				"auth": func(where string, n *yaml.Node) {
					d.mapping(where, n, map[string]field{
						"method": oneOf(&c.Vault.Auth.Method, "token", "approle", "jwt", "kubernetes"),
						"mount":  text(&c.Vault.Auth.Mount), "role": text(&c.Vault.Auth.Role), "role_id": text(&c.Vault.Auth.RoleID),
						"secret_id_file": text(&c.Vault.Auth.SecretIDFile), "jwt_file": text(&c.Vault.Auth.JWTFile),
					})
					c.Vault.Auth.complete(d, where, n)
				},
			})
			if c.Vault.Path != "" && c.Vault.Address != "" {
				d.fail(resolve(n), "%s: path is a file and address a server: the vault is in one of them", where)
			}
		},
		"hsm": func(where string, n *yaml.Node) {
			d.mapping(where, n, map[string]field{
				"uri": text(&c.HSM.URI), "module": text(&c.HSM.Module),
				"assurance": oneOf(&c.HSM.Assurance, "hsm", "tpm", "emulated", "software"),
			})
		},
		"inject": func(where string, n *yaml.Node) { c.injectFields(d, where, n) },
	}
}

func (c *Config) injectFields(d *decoder, where string, n *yaml.Node) {
	d.mapping(where, n, map[string]field{
		"env": func(where string, n *yaml.Node) {
			c.Inject.Env = d.entries(where, n, variableName, "the name of a variable")
		},
		"files": func(where string, n *yaml.Node) {
			c.Inject.Files = d.entries(where, n, variableName, "the name of the variable that will hold the path")
		},
		"mask": func(where string, n *yaml.Node) { c.Inject.Mask = d.boolean(where, n) },
		"sdk":  func(where string, n *yaml.Node) { c.Inject.SDK = d.boolean(where, n) },
		"on_rotate": func(where string, n *yaml.Node) {
			if v, ok := d.text(where, n); ok && !onRotate.MatchString(v) {
				d.fail(n, "%s: want restart, file or signal=NAME, such as signal=HUP", where)
			} else if ok {
				c.Inject.OnRotate = v
			}
		},
	})
}

// entries reads a mapping of names to entries of the vault.
func (d *decoder) entries(where string, n *yaml.Node, name *regexp.Regexp, what string) map[string]string {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s: want names and entries of the vault, not %s", where, kindOf(n))
		return nil
	}
	out := make(map[string]string)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if name != nil && !name.MatchString(key.Value) {
			d.fail(key, "%s: want %s", where, what)
			continue
		}
		if value.Kind != yaml.ScalarNode || !entryName.MatchString(value.Value) {
			d.fail(value, "%s.%s: want an entry of the vault, such as payments/stripe", where, key.Value)
			continue
		}
		if _, twice := out[key.Value]; twice {
			d.fail(key, "%s: %s stands twice", where, key.Value)
		}
		out[key.Value] = value.Value
	}
	return out
}
