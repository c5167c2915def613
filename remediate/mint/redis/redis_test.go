package redis

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	client "github.com/redis/go-redis/v9"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
	"github.com/remint/remint/remediate/mint/minttest/servers"
)

func do(t *testing.T, r *mint.Request, value []byte, command string) error {
	t.Helper()
	o, err := options(r, value)
	if err != nil {
		return err
	}
	c := client.NewClient(o)
	defer c.Close()
	var args []any
	for _, w := range strings.Fields(command) {
		args = append(args, w)
	}
	return c.Do(t.Context(), args...).Err()
}

func TestSuite(t *testing.T) {
	s, token := servers.Redis(t), minttest.Token(t)
	admin := fmt.Appendf(nil, "redis://default:%s@%s/0", s.Password, s.Addr())
	user := func(t *testing.T) (string, string) {
		name, password := "app-"+strings.ToLower(rand.Text()[:8]), rand.Text()
		if err := do(t, nil, admin, "ACL SETUSER "+name+" on >"+password+" ~jobs:* +@read +@write +ping"); err != nil {
			t.Fatal(err)
		}
		return name, password
	}
	check := func(t *testing.T, r *mint.Request, m mint.Minted) {
		if err := do(t, r, m.Value, "SET jobs:1 x"); err != nil {
			t.Errorf("what the scope allows: %v", err)
		}
		for _, c := range []string{"SET other x", "CONFIG GET maxmemory", "ACL LIST", "FLUSHALL"} {
			if err := do(t, r, m.Value, c); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
				t.Errorf("%s: want NOPERM, got %v", c, err)
			}
		}
	}
	t.Run("URL", func(t *testing.T) {
		minttest.Run(t, minttest.Case{Minter: Minter{}, Check: check, Leak: func(t *testing.T) mint.Request {
			name, password := user(t)
			return mint.Request{HSM: token, Settings: mint.Settings{Admin: admin}, Leaked: mint.Leaked{
				Secret: []byte(password), Value: fmt.Appendf(nil, "redis://%s:%s@%s/0", name, password, s.Addr())},
				Scope: mint.Scope{{Type: "redis", Actions: []string{"+@read", "+@write", "-@dangerous"}, Locations: []string{"~jobs:*"}}}}
		}})
	})
	t.Run("password", func(t *testing.T) {
		c := minttest.Case{Minter: inPlaceOnly{}, Leak: func(t *testing.T) mint.Request {
			name, password := user(t)
			return mint.Request{HSM: token, Settings: mint.Settings{Admin: admin}, Leaked: mint.Leaked{Secret: []byte(password), Value: []byte(password),
				Beside: map[string]string{"host": s.Host, "port": fmt.Sprint(s.Port), "username": name}}}
		}}
		minttest.Run(t, c)
	})
	t.Run("scope", func(t *testing.T) {
		r := mint.Request{Leaked: mint.Leaked{Value: admin}}
		got, err := Minter{}.Scope(t.Context(), &r)
		if err != nil || got.String() != "+@all,-@admin,-@dangerous on ~*,&*" {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// inPlaceOnly is the Minter for a password alone, of which no user is an orphan.
type inPlaceOnly struct{ Minter }

// Orphans hides Minter's, so that the suite does not look for one.
func (inPlaceOnly) Orphans() {}
