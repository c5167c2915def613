package mint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Scope is what a credential may do: authorization_details of RFC 9396.
type Scope []Grant

// Grant is one detail: actions on locations. The words are the provider's own.
type Grant struct {
	Type      string   `json:"type" yaml:"type"`
	Actions   []string `json:"actions,omitempty" yaml:"actions,flow,omitempty"`
	Locations []string `json:"locations,omitempty" yaml:"locations,flow,omitempty"`
}

// ParseScope reads grants as people write them, "select,insert on public.orders;
// select on public.items", for a provider. What stands before " on " are the
// actions; without it there are no locations.
func ParseScope(provider, text string) (Scope, error) {
	var s Scope
	for part := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		actions, locations, _ := strings.Cut(part, " on ")
		g := Grant{Type: provider, Actions: words(actions), Locations: words(locations)}
		if len(g.Actions) == 0 {
			return nil, fmt.Errorf("scope %q: want ACTION,ACTION on PLACE,PLACE; …", text)
		}
		s = append(s, g)
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("scope %q: it says nothing", text)
	}
	return s, nil
}

func words(list string) []string {
	var out []string
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// String is the form that ParseScope reads.
func (s Scope) String() string {
	parts := make([]string, len(s))
	for i, g := range s {
		parts[i] = strings.Join(g.Actions, ",")
		if len(g.Locations) > 0 {
			parts[i] += " on " + strings.Join(g.Locations, ",")
		}
	}
	return strings.Join(parts, "; ")
}

// JSON is the scope as the vault keeps it; nil for none.
func (s Scope) JSON() json.RawMessage {
	if len(s) == 0 {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings alone
	}
	return text
}

// Actions are those of every grant, each once.
func (s Scope) Actions() []string {
	var all []string
	for _, g := range s {
		for _, a := range g.Actions {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}
