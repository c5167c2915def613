package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/scope/document"
)

// registration is what is known of the client that a part of a file registers.
type registration struct {
	name     string // the key that it stands below
	provider string // a word of the vocabulary, "" where nothing tells
	client   bool   // there is a client's id, here or above
}

// readRegistrations reads the clients of a program's configuration, whatever
// names the framework gives them: scopes that stand with a client's id, or
// below it. Who grants them is said by a key above (github:), a provider beside
// them, or the address that asks the user; where nothing says so, only scopes
// that no one else would name alike are judged.
func readRegistrations(f *File, n *document.Node, r registration) {
	if n == nil {
		return
	}
	for _, i := range n.Values() {
		readRegistrations(f, i, r)
	}
	for _, m := range n.Entries() {
		if p := namedProvider(m); p != "" {
			r.provider = p
		}
		r.client = r.client || isClientID(m)
	}
	for _, m := range n.Entries() {
		if r.client && slices.Contains(scopeKeys, unjoined(m.Key.Text)) {
			readScopes(f, "client "+word(r.name, "app"), r.provider, m.Value)
			continue
		}
		below := r
		if m.Value != nil && m.Value.Kind == document.Map {
			below.name = m.Key.Text
		}
		if p := providerIn(m.Key.Text); p != "" {
			below.provider = p
		}
		if strings.HasSuffix(unjoined(r.name)+unjoined(m.Key.Text), "clientregistration") {
			below.client = true // Spring's, whose ids may be in the environment
		}
		readRegistrations(f, m.Value, below)
	}
}

// isClientID tells the id of a client from the description of one, in a schema
// or among an API's parameters.
func isClientID(m document.Member) bool {
	return m.Value != nil && (m.Value.Kind == document.String || m.Value.Kind == document.Number || m.Value.Kind == document.Unknown) && strings.HasSuffix(unjoined(m.Key.Text), "clientid")
}

// scopeKeys are the names, without their joints, of what holds scopes.
var scopeKeys = []string{"scope", "scopes", "oauthscope", "oauthscopes", "defaultscope", "defaultscopes", "additionalscopes", "requestedscopes"}

var oauthJoints = strings.NewReplacer("_", "", "-", "", ".", "")

// unjoined is a key in lower case, without the joints between its words.
func unjoined(key string) string { return oauthJoints.Replace(strings.ToLower(key)) }

// namedProvider is the provider that a member of a client says is its own.
func namedProvider(m document.Member) string {
	key := unjoined(m.Key.Text)
	switch {
	case slices.Contains([]string{"provider", "providerid", "strategy"}, key):
		return providerIn(m.Value.Str())
	case strings.HasPrefix(m.Value.Str(), "https://") && (strings.Contains(key, "auth") || strings.Contains(key, "token") || strings.Contains(key, "issuer")):
		return ProviderOf(m.Value.Str())
	}
	return ""
}

// providerIn is the provider that a name is of, or begins with: google-oauth2.
func providerIn(name string) string {
	if p := ProviderOf(name); p != "" {
		return p
	}
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if p := ProviderOf(w); p != "" {
			return p
		}
	}
	return ""
}
